use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

use super::targets::Targets;

declare_check! {
    /// Default encryption by `aws:kms` or `aws:kms:dsse`, under the key that AWS manages or one of
    /// your own. A bucket without the setting uses SSE-S3. Buckets of this account that receive
    /// server access logs are left alone: S3 delivers those under SSE-S3 only.
    ///
    /// ## Why it matters
    /// Under SSE-S3 whoever may read the bucket reads the data. A KMS key adds a second policy, a
    /// record in CloudTrail of each use, and a switch that makes all of it unreadable.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-encryption --bucket NAME --server-side-encryption-configuration \
    ///   '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"KEY-ARN"},"BucketKeyEnabled":true}]}'
    /// ```
    /// Readers then need `kms:Decrypt` on the key.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>
    pub(super) static CHECK = {
        id: "s3.bucket-kms-encryption",
        title: "bucket encrypts with keys of KMS",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[
            &calls::s3::LIST_BUCKETS,
            &calls::s3::GET_BUCKET_ENCRYPTION,
            &calls::s3::GET_BUCKET_LOGGING,
        ],
        evaluate: |inventory, findings| {
            let logs = Targets::of_logs(inventory);
            findings.each(&inventory.account, &inventory.s3.buckets, |bucket| {
                evaluate(bucket, &logs)
            });
        },
    }
}

fn evaluate(bucket: &Bucket, logs: &Targets) -> Assessed {
    let algorithm = bucket.encryption.get()?.as_ref().map(|encryption| &*encryption.sse_algorithm);
    if algorithm.is_some_and(|algorithm| algorithm.starts_with("aws:kms")) {
        return Ok(Outcome::Pass);
    }
    if logs.contain(bucket)? {
        return Ok(Outcome::NotApplicable("it receives access logs, which takes SSE-S3"));
    }
    let observed = algorithm.map_or("not set, which is AES256".to_owned(), str::to_owned);
    let call = &calls::s3::GET_BUCKET_ENCRYPTION;
    Ok(Outcome::fail(call, "SSEAlgorithm", observed, "aws:kms or aws:kms:dsse"))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, with_bucket, with_buckets},
        testing::{assert_fails, assert_not_assessed, only, run},
    };

    fn under_sse_s3(name: &str) -> Bucket {
        Bucket { encryption: Read::Known(None), ..bucket(name) }
    }

    #[test]
    fn a_sound_bucket_passes() {
        assert_eq!(only(&CHECK, &with_bucket(bucket("logs"))), Ok(Outcome::Pass));
    }

    #[test]
    fn sse_s3_fails() {
        assert_fails(
            &CHECK,
            &with_bucket(under_sse_s3("logs")),
            "SSEAlgorithm",
            "not set, which is AES256",
        );
    }

    #[test]
    fn a_bucket_that_receives_access_logs_must_use_sse_s3() {
        let account = with_buckets(vec![under_sse_s3("audit"), bucket("logs")]);
        let verdicts = run(&CHECK, &account);
        let audit = &verdicts[0].assessed;
        assert!(matches!(audit, Ok(Outcome::NotApplicable(_))), "{audit:?}");
    }

    #[test]
    fn who_receives_logs_must_be_known() {
        let unread = denied(&calls::s3::GET_BUCKET_LOGGING);
        let unread = Bucket { logging: unread, ..under_sse_s3("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), &calls::s3::GET_BUCKET_LOGGING);
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread =
            Bucket { encryption: denied(&calls::s3::GET_BUCKET_ENCRYPTION), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), &calls::s3::GET_BUCKET_ENCRYPTION);
    }
}
