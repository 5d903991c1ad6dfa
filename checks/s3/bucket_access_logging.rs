use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

use super::targets::Targets;

declare_check! {
    /// Server access logging to another bucket. A bucket of this account that receives the logs of
    /// others is left alone: logging its own deliveries makes logs of logs without end. Data
    /// events of CloudTrail, which can serve instead, are not read here.
    ///
    /// ## Why it matters
    /// Who read or deleted an object is not in CloudTrail by default. Without either log, the
    /// extent of a leak cannot be told.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-logging --bucket NAME --bucket-logging-status \
    ///   '{"LoggingEnabled":{"TargetBucket":"LOG-BUCKET","TargetPrefix":"NAME/"}}'
    /// ```
    /// The log bucket's policy must let `logging.s3.amazonaws.com` put objects.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>
    pub(super) static CHECK = {
        id: "s3.bucket-access-logging",
        title: "bucket keeps a log of requests",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_LOGGING],
        evaluate: |inventory, findings| {
            let logs = Targets::of_logs(inventory);
            findings.each(&inventory.account, &inventory.s3.buckets, |bucket| {
                evaluate(bucket, &logs)
            });
        },
    }
}

fn evaluate(bucket: &Bucket, logs: &Targets) -> Assessed {
    if bucket.logging.get()?.is_some() {
        return Ok(Outcome::Pass);
    }
    if logs.contain(bucket)? {
        return Ok(Outcome::NotApplicable("it receives the access logs of other buckets"));
    }
    let call = &calls::s3::GET_BUCKET_LOGGING;
    Ok(Outcome::fail(call, "LoggingEnabled", "absent", "a target bucket"))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, with_bucket, with_buckets},
        testing::{assert_fails, assert_not_assessed, only, run},
    };

    fn silent(name: &str) -> Bucket {
        Bucket { logging: Read::Known(None), ..bucket(name) }
    }

    #[test]
    fn a_sound_bucket_passes() {
        assert_eq!(only(&CHECK, &with_bucket(bucket("logs"))), Ok(Outcome::Pass));
    }

    #[test]
    fn a_bucket_without_a_log_fails() {
        assert_fails(&CHECK, &with_bucket(silent("logs")), "LoggingEnabled", "absent");
    }

    #[test]
    fn the_bucket_of_the_logs_need_not_log_itself() {
        let account = with_buckets(vec![silent("audit"), bucket("logs")]);
        let verdicts = run(&CHECK, &account);
        let audit = &verdicts[0].assessed;
        assert!(matches!(audit, Ok(Outcome::NotApplicable(_))), "{audit:?}");
    }

    #[test]
    fn an_unread_bucket_may_be_the_one_that_logs_here() {
        let unread = Bucket { logging: denied(&calls::s3::GET_BUCKET_LOGGING), ..bucket("other") };
        let verdicts = run(&CHECK, &with_buckets(vec![silent("logs"), unread]));
        assert!(verdicts.iter().all(|verdict| verdict.assessed.is_err()), "{verdicts:#?}");
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread = Bucket { logging: denied(&calls::s3::GET_BUCKET_LOGGING), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), &calls::s3::GET_BUCKET_LOGGING);
    }
}
