use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance,
};

use super::exposure::each_instance;

declare_check! {
    /// The metadata service of the instance answers requests with a session token alone
    /// (`HttpTokens` is `required`), or is switched off (`HttpEndpoint` is `disabled`). Without
    /// a value, AWS's default `optional` is taken. Instances that host Nitro enclaves are
    /// judged like any other.
    ///
    /// ## Why it matters
    /// IMDSv1 answers a plain GET. A web application that can be made to fetch a URL then hands
    /// the role's credentials to whoever asks, as in several well-known breaches.
    ///
    /// ## Remediation
    /// Check with the CloudWatch metric `MetadataNoToken` that nothing uses IMDSv1 any more,
    /// then require tokens; no restart is needed:
    /// ```sh
    /// aws ec2 modify-instance-metadata-options --instance-id INSTANCE --http-tokens required --http-endpoint enabled
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-transition-to-version-2.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8>
    pub(super) static CHECK = {
        id: "ec2.instance-imdsv2",
        title: "instance requires IMDSv2 or has the metadata service off",
        service: Service::Ec2,
        severity: Severity::High,
        layer: Layer::OperatingSystem,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &Instance) -> Outcome {
    Outcome::require(instance.metadata.refuses_imdsv1(), || {
        Evidence::new(
            &calls::ec2::DESCRIBE_INSTANCES,
            "MetadataOptions.HttpTokens",
            instance.metadata.http_tokens.clone().unwrap_or_else(|| "not set".to_owned()),
            "required",
        )
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, inventory::ec2::MetadataOptions};

    use super::*;
    use crate::{
        ec2::testing::{account_with_instance, instance},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(http_tokens: Option<&str>, http_endpoint: &str) -> Inventory {
        let metadata = MetadataOptions {
            http_tokens: http_tokens.map(str::to_owned),
            http_endpoint: Some(http_endpoint.to_owned()),
            http_put_response_hop_limit: Some(2),
        };
        account_with_instance(Instance { metadata, ..instance() })
    }

    #[test]
    fn required_tokens_or_no_endpoint_pass() {
        assert_eq!(only(&CHECK, &account(Some("required"), "enabled")), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &account(Some("optional"), "disabled")), Ok(Outcome::Pass));
    }

    #[test]
    fn optional_tokens_fail_and_so_does_aws_default() {
        let field = "MetadataOptions.HttpTokens";
        assert_fails(&CHECK, &account(Some("optional"), "enabled"), field, "optional");
        assert_fails(&CHECK, &account(None, "enabled"), field, "not set");
    }

    #[test]
    fn an_instance_being_terminated_is_not_judged() {
        let ending = Instance { state: "terminated".to_owned(), ..instance() };
        let verdict = only(&CHECK, &account_with_instance(ending));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_INSTANCES;
        let account = with_region(|region| {
            region.ec2.instances = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
