use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// With versioning, overwriting or deleting an object keeps what was there. Suspended
    /// versioning keeps old versions, but makes no new ones: it fails.
    ///
    /// ## Why it matters
    /// Without versions, a mistake, a faulty program or an attacker with write access destroys
    /// data for good with one request.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-versioning --bucket NAME --versioning-configuration Status=Enabled
    /// ```
    /// Add a lifecycle rule for noncurrent versions, or they are paid for without end.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>
    pub(super) static CHECK = {
        id: "s3.bucket-versioning",
        title: "bucket keeps versions",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_VERSIONING],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    let versioning = bucket.versioning.get()?;
    Ok(Outcome::require(versioning.enabled, || {
        let observed = if versioning.suspended { "Suspended" } else { "never enabled" };
        Evidence::new(&calls::s3::GET_BUCKET_VERSIONING, "Status", observed, "Enabled")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Read, inventory::s3::Versioning};

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
    fn a_bucket_without_versions_fails() {
        let plain = Bucket { versioning: Read::Known(Versioning::default()), ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(plain), "Status", "never enabled");
    }

    #[test]
    fn suspended_is_not_enabled() {
        let versioning = Versioning { suspended: true, ..Versioning::default() };
        let paused = Bucket { versioning: Read::Known(versioning), ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(paused), "Status", "Suspended");
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread =
            Bucket { versioning: denied(&calls::s3::GET_BUCKET_VERSIONING), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), &calls::s3::GET_BUCKET_VERSIONING);
    }
}
