use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
};

declare_check! {
    /// The region's default for new instances requires IMDSv2 (`HttpTokens` is `required`), or
    /// switches the metadata service off. Without a preference the image decides. The default
    /// changes neither running instances nor launches that say otherwise.
    ///
    /// ## Why it matters
    /// A launch that says nothing about metadata takes what the region says; set once, it
    /// covers every script and console user.
    ///
    /// ## Remediation
    /// Set it in every region:
    /// ```sh
    /// aws ec2 modify-instance-metadata-defaults --http-tokens required --http-put-response-hop-limit 2 --region REGION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetInstanceMetadataDefaults.html>
    pub(super) static CHECK = {
        id: "ec2.imdsv2-by-default",
        title: "region requires IMDSv2 of new instances by default",
        service: Service::Ec2,
        severity: Severity::High,
        layer: Layer::OperatingSystem,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::ec2::GET_INSTANCE_METADATA_DEFAULTS],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

fn evaluate(region: &Region) -> Assessed {
    let defaults = region.ec2.instance_metadata_defaults.get()?;
    let closed = defaults.http_tokens.as_deref() == Some("required")
        || defaults.http_endpoint.as_deref() == Some("disabled");
    Ok(Outcome::require(closed, || {
        Evidence::new(
            &calls::ec2::GET_INSTANCE_METADATA_DEFAULTS,
            "AccountLevel.HttpTokens",
            defaults.http_tokens.clone().unwrap_or_else(|| "no preference".to_owned()),
            "required",
        )
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read, inventory::ec2::InstanceMetadataDefaults};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, only, with_region};

    fn account(tokens: Option<&str>, endpoint: Option<&str>) -> Inventory {
        with_region(|region| {
            region.ec2.instance_metadata_defaults = Read::Known(InstanceMetadataDefaults {
                http_tokens: tokens.map(str::to_owned),
                http_endpoint: endpoint.map(str::to_owned),
                http_put_response_hop_limit: None,
            });
        })
    }

    #[test]
    fn required_tokens_or_no_endpoint_pass() {
        assert_eq!(only(&CHECK, &account(Some("required"), None)), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &account(None, Some("disabled"))), Ok(Outcome::Pass));
    }

    #[test]
    fn no_preference_fails_like_optional_tokens() {
        assert_fails(&CHECK, &account(None, None), "AccountLevel.HttpTokens", "no preference");
        assert_fails(
            &CHECK,
            &account(Some("optional"), None),
            "AccountLevel.HttpTokens",
            "optional",
        );
    }

    #[test]
    fn a_denied_read_is_not_assessed() {
        let call = &calls::ec2::GET_INSTANCE_METADATA_DEFAULTS;
        let account = with_region(|region| {
            region.ec2.instance_metadata_defaults = Read::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
