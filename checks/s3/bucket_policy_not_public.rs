use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

use super::public;

declare_check! {
    /// A policy is public when it lets anybody in without a condition that bounds who, as S3
    /// defines it: to accounts, organizations, VPC endpoints, address ranges. Explicit denies
    /// count where they certainly cover the grant. Behind `RestrictPublicBuckets`, of the bucket
    /// or the account, a public policy reaches only services of AWS and the account itself: it
    /// passes. `BlockPublicPolicy` alone does not help, for it stops new policies only.
    ///
    /// ## Why it matters
    /// One statement with `"Principal": "*"` gives the objects it names to everyone, and scanners
    /// that try bucket names find it.
    ///
    /// ## Remediation
    /// Name the readers, or bound them, and put the policy back; then block public policies:
    /// ```sh
    /// aws s3api get-bucket-policy --bucket NAME --query Policy --output text > policy.json
    /// aws s3api put-bucket-policy --bucket NAME --policy file://policy.json
    /// aws s3api put-public-access-block --bucket NAME --public-access-block-configuration \
    ///   BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html>
    pub(super) static CHECK = {
        id: "s3.bucket-policy-not-public",
        title: "bucket policy lets nobody in unbounded",
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

fn evaluate(bucket: &Bucket, inventory: &Inventory) -> Assessed {
    public::judge(bucket, inventory, |exposure| {
        let sid = exposure.sid.as_deref().map_or_else(String::new, |sid| format!("{sid} "));
        let actions = exposure.actions().join(", ");
        let observed = format!("{sid}allows {actions} to anybody");
        let expected = "named or bounded principals";
        Some(Evidence::new(&calls::s3::GET_BUCKET_POLICY, "Policy", observed, expected))
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Outcome, Read, inventory::s3::PublicAccessBlock};

    use super::*;
    use crate::{
        s3::testing::{denied, open_bucket, policy, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    const PUBLIC_READ: &str = r#"{"Sid": "Read", "Effect": "Allow", "Principal": "*",
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}"#;

    #[test]
    fn no_policy_and_a_policy_for_named_accounts_pass() {
        assert_eq!(only(&CHECK, &with_bucket(open_bucket())), Ok(Outcome::Pass));
        let named = policy(
            r#"{"Effect": "Allow", "Principal": {"AWS": "210987654321"},
                "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}"#,
        );
        let shared = Bucket { policy: named, ..open_bucket() };
        assert_eq!(only(&CHECK, &with_bucket(shared)), Ok(Outcome::Pass));
    }

    #[test]
    fn reading_by_anybody_fails() {
        let public = Bucket { policy: policy(PUBLIC_READ), ..open_bucket() };
        let observed = "Read allows s3:GetObject to anybody";
        assert_fails(&CHECK, &with_bucket(public), "Policy", observed);
    }

    #[test]
    fn a_condition_that_bounds_the_caller_is_not_public() {
        let bounded = policy(
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::logs/*",
                "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}}"#,
        );
        let bucket = Bucket { policy: bounded, ..open_bucket() };
        assert_eq!(only(&CHECK, &with_bucket(bucket)), Ok(Outcome::Pass));
    }

    #[test]
    fn restricting_public_buckets_settles_it_in_either_scope() {
        let restricting = PublicAccessBlock { restrict_public_buckets: true, ..Default::default() };
        let mut account = with_bucket(Bucket { policy: policy(PUBLIC_READ), ..open_bucket() });
        account.s3.account_public_access_block = Read::Known(Some(restricting));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        let unread = denied(&calls::s3::GET_BUCKET_POLICY);
        let public_access_block = Read::Known(Some(restricting));
        let shielded = Bucket { policy: unread, public_access_block, ..open_bucket() };
        assert_eq!(only(&CHECK, &with_bucket(shielded)), Ok(Outcome::Pass));
    }

    #[test]
    fn blocking_new_policies_leaves_the_old_one_in_force() {
        let blocking = PublicAccessBlock { block_public_policy: true, ..Default::default() };
        let public = Bucket {
            policy: policy(PUBLIC_READ),
            public_access_block: Read::Known(Some(blocking)),
            ..open_bucket()
        };
        let observed = "Read allows s3:GetObject to anybody";
        assert_fails(&CHECK, &with_bucket(public), "Policy", observed);
    }

    #[test]
    fn an_unread_policy_is_not_an_absent_one() {
        let call = &calls::s3::GET_BUCKET_POLICY;
        let unread = Bucket { policy: denied(call), ..open_bucket() };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }

    #[test]
    fn a_public_policy_is_open_while_its_shield_is_unread() {
        let call = &calls::s3::GET_PUBLIC_ACCESS_BLOCK;
        let public_access_block = denied(call);
        let public = policy(PUBLIC_READ);
        let unread = Bucket { public_access_block, policy: public, ..open_bucket() };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }
}
