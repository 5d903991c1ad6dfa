use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// Any destination will do: SNS, SQS, Lambda or EventBridge.
    ///
    /// ## Why it matters
    /// An object that appears, or vanishes, where it should not is seen at once by whoever
    /// listens, and weeks later, if ever, by who does not.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-notification-configuration --bucket NAME \
    ///   --notification-configuration '{"EventBridgeConfiguration":{}}'
    /// ```
    /// This call replaces what was configured before: read that first.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html>
    pub(super) static CHECK = {
        id: "s3.bucket-event-notifications",
        title: "bucket tells of changes to its objects",
        service: Service::S3,
        severity: Severity::Low,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_NOTIFICATION_CONFIGURATION],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    Ok(Outcome::require(*bucket.notifies.get()?, || {
        let call = &calls::s3::GET_BUCKET_NOTIFICATION_CONFIGURATION;
        Evidence::new(call, "NotificationConfiguration", "no destination", "a destination")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, denied_buckets, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn a_sound_bucket_passes() {
        assert_eq!(only(&CHECK, &with_bucket(bucket("logs"))), Ok(Outcome::Pass));
    }

    #[test]
    fn no_destination_fails() {
        let mute = Bucket { notifies: Read::Known(false), ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(mute), "NotificationConfiguration", "no destination");
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread = Bucket {
            notifies: denied(&calls::s3::GET_BUCKET_NOTIFICATION_CONFIGURATION),
            ..bucket("logs")
        };
        assert_not_assessed(
            &CHECK,
            &with_bucket(unread),
            &calls::s3::GET_BUCKET_NOTIFICATION_CONFIGURATION,
        );
    }

    #[test]
    fn unlisted_buckets_are_not_assessed() {
        assert_not_assessed(&CHECK, &denied_buckets(), &calls::s3::LIST_BUCKETS);
    }
}
