use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// With object ownership `BucketOwnerEnforced`, ACLs decide nothing any more: policies alone
    /// say who may do what, and the account owns every object. Buckets made since April 2023 have
    /// it by default; older ones that carry no setting have ACLs in force.
    ///
    /// ## Why it matters
    /// ACLs grant access object by object, where no review of policies sees it, and leave objects
    /// that others wrote in those writers' hands.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-ownership-controls --bucket NAME \
    ///   --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
    /// ```
    /// Move what the ACLs grant into the bucket policy first.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-migrating-acls-prerequisites.html>
    pub(super) static CHECK = {
        id: "s3.bucket-acls-disabled",
        title: "bucket has access control lists switched off",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_OWNERSHIP_CONTROLS],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    let ownership = bucket.object_ownership.get()?.as_deref();
    Ok(Outcome::require(ownership == Some("BucketOwnerEnforced"), || {
        let observed = ownership.unwrap_or("not set, which leaves ACLs in force").to_owned();
        let call = &calls::s3::GET_BUCKET_OWNERSHIP_CONTROLS;
        Evidence::new(call, "ObjectOwnership", observed, "BucketOwnerEnforced")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn a_sound_bucket_passes() {
        assert_eq!(only(&CHECK, &with_bucket(bucket("logs"))), Ok(Outcome::Pass));
    }

    #[test]
    fn preferring_the_owner_still_honours_acls() {
        let own = Read::Known(Some("BucketOwnerPreferred".to_owned()));
        let preferred = Bucket { object_ownership: own, ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(preferred), "ObjectOwnership", "BucketOwnerPreferred");
    }

    #[test]
    fn an_old_bucket_without_the_setting_has_acls() {
        let old = Bucket { object_ownership: Read::Known(None), ..bucket("logs") };
        assert_fails(
            &CHECK,
            &with_bucket(old),
            "ObjectOwnership",
            "not set, which leaves ACLs in force",
        );
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread = Bucket {
            object_ownership: denied(&calls::s3::GET_BUCKET_OWNERSHIP_CONTROLS),
            ..bucket("logs")
        };
        assert_not_assessed(
            &CHECK,
            &with_bucket(unread),
            &calls::s3::GET_BUCKET_OWNERSHIP_CONTROLS,
        );
    }
}
