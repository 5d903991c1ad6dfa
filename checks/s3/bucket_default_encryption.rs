use demarc_model::{ControlType, Layer, Outcome, Service, Severity, calls, declare_check};

declare_check! {
    /// Since 5 January 2023 S3 encrypts every new object of every bucket, with keys of its own
    /// (SSE-S3) unless the bucket says otherwise, and nobody can switch that off. The control is
    /// inherited from AWS; the check passes for each bucket, and stands so that frameworks which
    /// ask for it have their answer. Objects written before that day may be plain, which no
    /// setting of the bucket tells: S3 Inventory lists them.
    ///
    /// ## Why it matters
    /// Encryption at rest keeps data from whoever comes by a disk. Who may read the objects is
    /// another matter, which keys of KMS can decide: see `s3.bucket-kms-encryption`.
    ///
    /// ## Remediation
    /// Nothing to do. To encrypt objects from before 2023, copy them in place:
    /// ```sh
    /// aws s3 cp s3://NAME/ s3://NAME/ --recursive --metadata-directive COPY --sse AES256
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingServerSideEncryption.html>
    pub(super) static CHECK = {
        id: "s3.bucket-default-encryption",
        title: "bucket encrypts new objects",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::Inherited,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, |_| Ok(Outcome::Pass));
        },
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Read, inventory::s3::Bucket};

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, denied_buckets, with_bucket},
        testing::{assert_not_assessed, only},
    };

    #[test]
    fn an_absent_configuration_is_encryption_by_s3() {
        let bare = Bucket { encryption: Read::Known(None), ..bucket("logs") };
        assert_eq!(only(&CHECK, &with_bucket(bare)), Ok(Outcome::Pass));
    }

    #[test]
    fn an_unread_configuration_changes_nothing() {
        let unread = denied(&calls::s3::GET_BUCKET_ENCRYPTION);
        let unread = Bucket { encryption: unread, ..bucket("logs") };
        assert_eq!(only(&CHECK, &with_bucket(unread)), Ok(Outcome::Pass));
    }

    #[test]
    fn unlisted_buckets_are_not_assessed() {
        assert_not_assessed(&CHECK, &denied_buckets(), &calls::s3::LIST_BUCKETS);
    }
}
