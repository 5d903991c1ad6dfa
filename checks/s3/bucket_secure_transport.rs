use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check, inventory::s3::Bucket,
};

declare_check! {
    /// S3 answers over HTTP too. Only an explicit deny stops it: `Bool aws:SecureTransport false`,
    /// for everybody and every action, on the bucket and on its objects. A condition on an Allow
    /// does not help, since an identity policy may allow the same without it; neither does a deny
    /// that covers the objects alone.
    ///
    /// ## Why it matters
    /// A client that is misconfigured, or sent to `http://` by somebody in between, shows its
    /// objects and its signed requests to the network.
    ///
    /// ## Remediation
    /// Add to the policy:
    /// ```json
    /// {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
    ///  "Resource": ["arn:aws:s3:::NAME", "arn:aws:s3:::NAME/*"],
    ///  "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    /// ```
    /// ```sh
    /// aws s3api put-bucket-policy --bucket NAME --policy file://policy.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html>
    pub(super) static CHECK = {
        id: "s3.bucket-secure-transport",
        title: "bucket policy refuses plain HTTP",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::NetworkingTrafficProtection,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_POLICY],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, |bucket| {
                evaluate(bucket, inventory)
            });
        },
    }
}

fn evaluate(bucket: &Bucket, inventory: &Inventory) -> Assessed {
    let policy = bucket.policy.get()?;
    let refused = policy.as_ref().is_some_and(|policy| {
        policy.denies_insecure_s3(&inventory.partition, &bucket.subject.name)
    });
    Ok(Outcome::require(refused, || {
        let observed = if policy.is_none() {
            "no policy"
        } else {
            "no deny of plain HTTP that covers the bucket, its objects, everybody and all actions"
        };
        let expected = "a Deny where aws:SecureTransport is false";
        Evidence::new(&calls::s3::GET_BUCKET_POLICY, "Policy", observed, expected)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        s3::testing::{bucket, denied, policy, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn denying(resources: &str) -> Inventory {
        let statement = format!(
            r#"{{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": {resources},
                "Condition": {{"Bool": {{"aws:SecureTransport": "false"}}}}}}"#
        );
        with_bucket(Bucket { policy: policy(&statement), ..bucket("logs") })
    }

    #[test]
    fn a_deny_on_the_bucket_and_its_objects_passes() {
        let both = r#"["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"]"#;
        assert_eq!(only(&CHECK, &denying(both)), Ok(Outcome::Pass));
    }

    #[test]
    fn no_policy_lets_plain_http_in() {
        assert_fails(&CHECK, &with_bucket(bucket("logs")), "Policy", "no policy");
    }

    #[test]
    fn a_deny_on_the_objects_alone_is_not_enough() {
        let observed = "no deny of plain HTTP that covers the bucket, its objects, everybody and \
                        all actions";
        assert_fails(&CHECK, &denying(r#""arn:aws:s3:::logs/*""#), "Policy", observed);
    }

    #[test]
    fn an_unread_policy_is_not_an_absent_one() {
        let call = &calls::s3::GET_BUCKET_POLICY;
        let unread = Bucket { policy: denied(call), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }
}
