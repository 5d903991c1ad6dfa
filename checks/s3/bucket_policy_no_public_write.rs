use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

use super::public;

declare_check! {
    /// The part of a public policy that lets anybody put or delete objects, or change the bucket's
    /// policy, ACL, encryption and other settings. What public means, and what shields from it, is
    /// as for `s3.bucket-policy-not-public`, which also counts reading.
    ///
    /// ## Why it matters
    /// Whoever can write plants malware under your name, overwrites what your programs load, or
    /// holds the data to ransom. Whoever can change the policy needs no further leave.
    ///
    /// ## Remediation
    /// Take the actions out of the statement that names everybody, or name the writers:
    /// ```sh
    /// aws s3api get-bucket-policy --bucket NAME --query Policy --output text > policy.json
    /// aws s3api put-bucket-policy --bucket NAME --policy file://policy.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
    /// - <https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html>
    pub(super) static CHECK = {
        id: "s3.bucket-policy-no-public-write",
        title: "bucket policy lets nobody change data or settings unbounded",
        service: Service::S3,
        severity: Severity::Critical,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::S3::Bucket",
        needs: &[
            &calls::s3::LIST_BUCKETS,
            &calls::s3::GET_BUCKET_POLICY,
            &calls::s3::GET_PUBLIC_ACCESS_BLOCK,
            &calls::s3control::GET_PUBLIC_ACCESS_BLOCK,
        ],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, |bucket| {
                evaluate(bucket, inventory)
            });
        },
    }
}

/// Actions on objects and buckets of the access levels write and permissions management that do
/// harm in a stranger's hands (Service Authorization Reference, Amazon S3).
const WRITING: [&str; 28] = [
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteBucketWebsite",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:PutBucketAcl",
    "s3:PutBucketCORS",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutBucketWebsite",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
    "s3:PutReplicationConfiguration",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
];

fn evaluate(bucket: &Bucket, inventory: &Inventory) -> Assessed {
    public::judge(bucket, inventory, |exposure| {
        let allowed: Vec<&str> =
            WRITING.into_iter().filter(|action| exposure.allows(action)).collect();
        let actions = match allowed.as_slice() {
            [] => return None,
            some if some.len() == WRITING.len() => "every write".to_owned(),
            some => some.join(", "),
        };
        let sid = exposure.sid.as_deref().map_or_else(String::new, |sid| format!("{sid} "));
        let observed = format!("{sid}allows {actions} to anybody");
        let expected = "no writing by anybody";
        Some(Evidence::new(&calls::s3::GET_BUCKET_POLICY, "Policy", observed, expected))
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::Outcome;

    use super::*;
    use crate::{
        s3::testing::{denied, open_bucket, policy, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn public(action: &str) -> Bucket {
        let statement = format!(
            r#"{{"Sid": "Open", "Effect": "Allow", "Principal": {{"AWS": "*"}},
                "Action": "{action}", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"]}}"#
        );
        Bucket { policy: policy(&statement), ..open_bucket() }
    }

    #[test]
    fn public_reading_is_not_writing() {
        assert_eq!(only(&CHECK, &with_bucket(public("s3:Get*"))), Ok(Outcome::Pass));
    }

    #[test]
    fn public_uploads_fail() {
        let observed = "Open allows s3:PutObject to anybody";
        assert_fails(&CHECK, &with_bucket(public("s3:PutObject")), "Policy", observed);
    }

    #[test]
    fn a_wildcard_hides_writing() {
        let observed = "Open allows every write to anybody";
        assert_fails(&CHECK, &with_bucket(public("s3:*")), "Policy", observed);
        let observed = "Open allows s3:DeleteObject, s3:DeleteObjectTagging, \
                        s3:DeleteObjectVersion to anybody";
        assert_fails(&CHECK, &with_bucket(public("s3:DeleteO*")), "Policy", observed);
    }

    #[test]
    fn an_unread_policy_is_not_an_absent_one() {
        let call = &calls::s3::GET_BUCKET_POLICY;
        let unread = Bucket { policy: denied(call), ..open_bucket() };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }
}
