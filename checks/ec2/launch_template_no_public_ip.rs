use demarc_model::{
    ControlType, Evidence, Layer, Service, Severity, calls, declare_check,
    inventory::ec2::LaunchTemplateVersion,
};

use super::template::parts;

declare_check! {
    /// No network interface of the template asks for a public IPv4 address
    /// (`AssociatePublicIpAddress`). An interface that leaves it open takes the subnet's
    /// setting, which `vpc.subnet-no-automatic-public-ip` judges. The default and the latest
    /// version are judged, as `$Default` and `$Latest`.
    ///
    /// ## Why it matters
    /// The flag overrides the subnet: every instance that scaling adds gets an address on the
    /// internet.
    ///
    /// ## Remediation
    /// Make a version without it the default, and reach the instances through a load balancer:
    /// ```sh
    /// aws ec2 create-launch-template-version --launch-template-id TEMPLATE --source-version '$Latest' \
    ///   --launch-template-data '{"NetworkInterfaces":[{"DeviceIndex":0,"AssociatePublicIpAddress":false}]}'
    /// aws ec2 modify-launch-template --launch-template-id TEMPLATE --default-version VERSION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-25>
    pub(super) static CHECK = {
        id: "ec2.launch-template-no-public-ip",
        title: "launch template assigns no public IP address",
        service: Service::Ec2,
        severity: Severity::High,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::LaunchTemplate",
        needs: &[&calls::ec2::DESCRIBE_LAUNCH_TEMPLATES, &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ec2.launch_templates, |_, template| {
                parts(template, |version| Ok(evaluate(version)))
            });
        },
    }
}

fn evaluate(version: &LaunchTemplateVersion) -> Vec<Evidence> {
    let interfaces = version.associate_public_ip.iter().enumerate();
    let public = interfaces.filter(|(_, public)| **public == Some(true));
    public
        .map(|(index, _)| {
            Evidence::new(
                &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
                "LaunchTemplateData.NetworkInterfaces.AssociatePublicIpAddress",
                format!("true for interface {index}"),
                "false, or left to the subnet",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Outcome, Read};

    use super::*;
    use crate::{
        ec2::testing::{template, template_version},
        testing::{assert_not_assessed, failures, only, with_region},
    };

    fn account(versions: Vec<LaunchTemplateVersion>) -> Inventory {
        with_region(|region| {
            region.ec2.launch_templates = Listing::complete(vec![template(versions)]);
        })
    }

    fn addresses(associate_public_ip: Vec<Option<bool>>) -> Inventory {
        account(vec![LaunchTemplateVersion { associate_public_ip, ..template_version() }])
    }

    #[test]
    fn without_interfaces_or_without_addresses_it_passes() {
        assert_eq!(only(&CHECK, &addresses(vec![])), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &addresses(vec![Some(false), None])), Ok(Outcome::Pass));
    }

    #[test]
    fn an_address_on_any_interface_fails() {
        let field = "LaunchTemplateData.NetworkInterfaces.AssociatePublicIpAddress";
        assert_eq!(
            failures(&CHECK, &addresses(vec![None, Some(true)])),
            [format!("$Default: {field} is true for interface 1")]
        );
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
