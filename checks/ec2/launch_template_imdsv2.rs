use demarc_model::{
    ControlType, Evidence, Layer, Region, Service, Severity, Unread, calls, declare_check,
    inventory::ec2::LaunchTemplateVersion,
};

use super::template::parts;

declare_check! {
    /// Instances launched from the template refuse IMDSv1: the version sets `HttpTokens` to
    /// `required` or `HttpEndpoint` to `disabled`, or leaves it to the region's default and
    /// that does. Where neither says anything the image decides, which the template does not
    /// pin down: that fails.
    ///
    /// The default and the latest version are judged, as `$Default` and `$Latest`; a launch
    /// that names no version takes the default one.
    ///
    /// ## Why it matters
    /// Instances come from templates: one that admits IMDSv1 brings back, at the next scaling,
    /// what was mended on the running instances.
    ///
    /// ## Remediation
    /// Make a version that requires tokens the default:
    /// ```sh
    /// aws ec2 create-launch-template-version --launch-template-id TEMPLATE --source-version '$Latest' \
    ///   --launch-template-data '{"MetadataOptions":{"HttpTokens":"required"}}'
    /// aws ec2 modify-launch-template --launch-template-id TEMPLATE --default-version VERSION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateInstanceMetadataOptionsRequest.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-170>
    pub(super) static CHECK = {
        id: "ec2.launch-template-imdsv2",
        title: "launch template requires IMDSv2",
        service: Service::Ec2,
        severity: Severity::High,
        layer: Layer::OperatingSystem,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::LaunchTemplate",
        needs: &[&calls::ec2::DESCRIBE_LAUNCH_TEMPLATES, &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS, &calls::ec2::GET_INSTANCE_METADATA_DEFAULTS],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ec2.launch_templates, |region, template| {
                parts(template, |version| evaluate(region, version))
            });
        },
    }
}

fn evaluate(region: &Region, version: &LaunchTemplateVersion) -> Result<Vec<Evidence>, Unread> {
    let own = &version.metadata;
    let undecided = own.http_tokens.is_none() || own.http_endpoint.is_none();
    if own.refuses_imdsv1() {
        return Ok(Vec::new());
    }
    let mut effective = own.clone();
    if undecided {
        let default = region.ec2.instance_metadata_defaults.get()?;
        effective.http_tokens = effective.http_tokens.or_else(|| default.http_tokens.clone());
        effective.http_endpoint = effective.http_endpoint.or_else(|| default.http_endpoint.clone());
    }
    if effective.refuses_imdsv1() {
        return Ok(Vec::new());
    }
    let observed = match (&own.http_tokens, effective.http_tokens) {
        (Some(tokens), _) => tokens.clone(),
        (None, Some(tokens)) => format!("not set, and {tokens} is the region's default"),
        (None, None) => "not set, and the region has no default".to_owned(),
    };
    Ok(vec![Evidence::new(
        &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
        "LaunchTemplateData.MetadataOptions.HttpTokens",
        observed,
        "required",
    )])
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Inventory, Listing, Outcome, Read,
        inventory::ec2::{InstanceMetadataDefaults, MetadataOptions},
    };

    use super::*;
    use crate::{
        ec2::testing::{template, template_version},
        testing::{assert_not_assessed, failures, only, with_region},
    };

    fn account(versions: Vec<LaunchTemplateVersion>) -> Inventory {
        with_region(|region| {
            region.ec2.launch_templates = Listing::complete(vec![template(versions)]);
            region.ec2.instance_metadata_defaults =
                Read::Known(InstanceMetadataDefaults::default());
        })
    }

    fn tokens(tokens: Option<&str>) -> LaunchTemplateVersion {
        let http_tokens = tokens.map(str::to_owned);
        let metadata = MetadataOptions { http_tokens, ..MetadataOptions::default() };
        LaunchTemplateVersion { metadata, ..template_version() }
    }

    fn with_default(version: LaunchTemplateVersion, tokens: &str) -> Inventory {
        let mut account = account(vec![version]);
        account.regions[0].ec2.instance_metadata_defaults = Read::Known(InstanceMetadataDefaults {
            http_tokens: Some(tokens.to_owned()),
            ..InstanceMetadataDefaults::default()
        });
        account
    }

    #[test]
    fn what_the_template_says_wins() {
        assert_eq!(
            only(&CHECK, &with_default(tokens(Some("required")), "optional")),
            Ok(Outcome::Pass)
        );
        let expected = "$Default: LaunchTemplateData.MetadataOptions.HttpTokens is optional";
        assert_eq!(
            failures(&CHECK, &with_default(tokens(Some("optional")), "required")),
            [expected]
        );
    }

    #[test]
    fn what_it_leaves_open_the_region_decides() {
        assert_eq!(only(&CHECK, &with_default(tokens(None), "required")), Ok(Outcome::Pass));
        let field = "$Default: LaunchTemplateData.MetadataOptions.HttpTokens is not set, and";
        assert_eq!(
            failures(&CHECK, &with_default(tokens(None), "optional")),
            [format!("{field} optional is the region's default")]
        );
        assert_eq!(
            failures(&CHECK, &account(vec![tokens(None)])),
            [format!("{field} the region has no default")]
        );
    }

    #[test]
    fn the_regions_default_is_asked_only_where_it_matters() {
        let call = &calls::ec2::GET_INSTANCE_METADATA_DEFAULTS;
        let mut open = account(vec![tokens(None)]);
        open.regions[0].ec2.instance_metadata_defaults = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &open, call);
        let mut set = account(vec![tokens(Some("required"))]);
        set.regions[0].ec2.instance_metadata_defaults = Read::denied(call, "AccessDenied");
        assert_eq!(only(&CHECK, &set), Ok(Outcome::Pass));
    }

    #[test]
    fn a_mended_latest_version_does_not_mend_the_default_one() {
        let latest =
            LaunchTemplateVersion { version: 2, is_default: false, ..tokens(Some("required")) };
        let account = account(vec![tokens(Some("optional")), latest]);
        assert_eq!(failures(&CHECK, &account).len(), 1);
    }

    #[test]
    fn unread_versions_are_not_assessed() {
        let call = &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS;
        let mut account = account(vec![template_version()]);
        let template = &mut account.regions[0].ec2.launch_templates.seen_mut()[0];
        template.versions = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
