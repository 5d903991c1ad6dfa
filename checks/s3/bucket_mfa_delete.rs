use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// With MFA delete, removing a version for good and changing the versioning take a code from
    /// the root user's device. S3 does not allow it together with a lifecycle configuration, so a
    /// bucket that has one is left alone: there Object Lock is the way.
    ///
    /// ## Why it matters
    /// Versions protect against mistakes, not against somebody with the credentials to delete them
    /// too. The device is what a stolen key does not have.
    ///
    /// ## Remediation
    /// Only the root user can turn it on, and only outside the console:
    /// ```sh
    /// aws s3api put-bucket-versioning --bucket NAME --versioning-configuration Status=Enabled,MFADelete=Enabled \
    ///   --mfa "arn:aws:iam::ACCOUNT:mfa/root-account-mfa-device CODE"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html>
    pub(super) static CHECK = {
        id: "s3.bucket-mfa-delete",
        title: "bucket asks for MFA before it deletes versions",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[
            &calls::s3::LIST_BUCKETS,
            &calls::s3::GET_BUCKET_VERSIONING,
            &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION,
        ],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    if bucket.versioning.get()?.mfa_delete {
        return Ok(Outcome::Pass);
    }
    if !bucket.lifecycle_rules.get()?.is_empty() {
        return Ok(Outcome::NotApplicable("it has lifecycle rules, which exclude MFA delete"));
    }
    Ok(Outcome::fail(&calls::s3::GET_BUCKET_VERSIONING, "MFADelete", "Disabled", "Enabled"))
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Inventory, Read,
        inventory::s3::{LifecycleRule, Versioning},
    };

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn without_mfa(lifecycle_rules: Read<Vec<LifecycleRule>>) -> Inventory {
        let versioning = Versioning { enabled: true, ..Versioning::default() };
        let versioning = Read::Known(versioning);
        with_bucket(Bucket { versioning, lifecycle_rules, ..bucket("logs") })
    }

    #[test]
    fn a_sound_bucket_passes() {
        assert_eq!(only(&CHECK, &with_bucket(bucket("logs"))), Ok(Outcome::Pass));
    }

    #[test]
    fn deleting_without_mfa_fails() {
        assert_fails(&CHECK, &without_mfa(Read::Known(Vec::new())), "MFADelete", "Disabled");
    }

    #[test]
    fn lifecycle_rules_exclude_it() {
        let rule = LifecycleRule { id: None, enabled: false, noncurrent: false };
        let verdict = only(&CHECK, &without_mfa(Read::Known(vec![rule])));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn unread_lifecycle_rules_leave_it_open() {
        let call = &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION;
        assert_not_assessed(&CHECK, &without_mfa(denied(call)), call);
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread =
            Bucket { versioning: denied(&calls::s3::GET_BUCKET_VERSIONING), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), &calls::s3::GET_BUCKET_VERSIONING);
    }
}
