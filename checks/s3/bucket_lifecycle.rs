use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// One enabled lifecycle rule or more, of any kind. Rules that are all disabled do nothing and
    /// fail.
    ///
    /// ## Why it matters
    /// Data that nobody needs any more can still be stolen, and is paid for. Rules end it on time
    /// without anybody remembering.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-lifecycle-configuration --bucket NAME --lifecycle-configuration \
    ///   '{"Rules":[{"ID":"uploads","Status":"Enabled","Filter":{},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]}'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html>
    pub(super) static CHECK = {
        id: "s3.bucket-lifecycle",
        title: "bucket says what becomes of its objects",
        service: Service::S3,
        severity: Severity::Low,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    let rules = bucket.lifecycle_rules.get()?;
    Ok(Outcome::require(rules.iter().any(|rule| rule.enabled), || {
        let observed = if rules.is_empty() { "none" } else { "all disabled" };
        let call = &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION;
        Evidence::new(call, "Rules", observed, "an enabled rule")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Read, inventory::s3::LifecycleRule};

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
    fn no_rules_fail() {
        let bare = Bucket { lifecycle_rules: Read::Known(Vec::new()), ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(bare), "Rules", "none");
    }

    #[test]
    fn a_disabled_rule_does_nothing() {
        let rule = LifecycleRule { id: None, enabled: false, noncurrent: true };
        let idle = Bucket { lifecycle_rules: Read::Known(vec![rule]), ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(idle), "Rules", "all disabled");
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread = Bucket {
            lifecycle_rules: denied(&calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION),
            ..bucket("logs")
        };
        assert_not_assessed(
            &CHECK,
            &with_bucket(unread),
            &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION,
        );
    }
}
