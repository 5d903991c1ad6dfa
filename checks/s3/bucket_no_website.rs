use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// A bucket set up for static website hosting. Its website endpoint speaks HTTP only, and
    /// serves readers only if the objects are public.
    ///
    /// ## Why it matters
    /// A website bucket has to be public to work, without TLS, without a filter in front.
    /// CloudFront serves the same files from a private bucket.
    ///
    /// ## Remediation
    /// Put CloudFront with origin access control in front, then:
    /// ```sh
    /// aws s3api delete-bucket-website --bucket NAME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html>
    /// - <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html>
    pub(super) static CHECK = {
        id: "s3.bucket-no-website",
        title: "bucket is no website",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_WEBSITE],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    Ok(Outcome::require(!*bucket.website.get()?, || {
        let call = &calls::s3::GET_BUCKET_WEBSITE;
        Evidence::new(call, "WebsiteConfiguration", "present", "absent")
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
    fn a_website_fails() {
        let site = Bucket { website: Read::Known(true), ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(site), "WebsiteConfiguration", "present");
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread = Bucket { website: denied(&calls::s3::GET_BUCKET_WEBSITE), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), &calls::s3::GET_BUCKET_WEBSITE);
    }

    #[test]
    fn unlisted_buckets_are_not_assessed() {
        assert_not_assessed(&CHECK, &denied_buckets(), &calls::s3::LIST_BUCKETS);
    }
}
