use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// Object Lock keeps versions from being overwritten or deleted for a time, in compliance mode
    /// even by the root user. It is enough here that the bucket has it; whether objects get a
    /// retention by default or one by one is left to their writers.
    ///
    /// ## Why it matters
    /// Records and backups that an attacker, or an administrator, can delete prove nothing
    /// afterwards and cannot be restored from.
    ///
    /// ## Remediation
    /// For a bucket with versioning:
    /// ```sh
    /// aws s3api put-object-lock-configuration --bucket NAME --object-lock-configuration \
    ///   '{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"GOVERNANCE","Days":30}}}'
    /// ```
    /// It cannot be taken off again. A bucket that receives server access logs must have no
    /// default retention.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html>
    pub(super) static CHECK = {
        id: "s3.bucket-object-lock",
        title: "bucket can hold objects against deletion",
        service: Service::S3,
        severity: Severity::Low,
        layer: Layer::DataIntegrityAuthentication,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_OBJECT_LOCK_CONFIGURATION],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    let lock = bucket.object_lock.get()?;
    Ok(Outcome::require(lock.as_ref().is_some_and(|lock| lock.enabled), || {
        let call = &calls::s3::GET_OBJECT_LOCK_CONFIGURATION;
        Evidence::new(call, "ObjectLockEnabled", "no configuration", "Enabled")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Read, inventory::s3::ObjectLock};

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
    fn a_bucket_without_it_fails() {
        let loose = Bucket { object_lock: Read::Known(None), ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(loose), "ObjectLockEnabled", "no configuration");
    }

    #[test]
    fn a_lock_without_default_retention_is_one() {
        let lock = ObjectLock { enabled: true, default_mode: None };
        let locked = Bucket { object_lock: Read::Known(Some(lock)), ..bucket("logs") };
        assert_eq!(only(&CHECK, &with_bucket(locked)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread = Bucket {
            object_lock: denied(&calls::s3::GET_OBJECT_LOCK_CONFIGURATION),
            ..bucket("logs")
        };
        assert_not_assessed(
            &CHECK,
            &with_bucket(unread),
            &calls::s3::GET_OBJECT_LOCK_CONFIGURATION,
        );
    }
}
