use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
};

declare_check! {
    /// VPC Block Public Access is on in the region, in either mode: `block-ingress` keeps the
    /// internet from coming in, `block-bidirectional` stops all traffic through internet
    /// gateways. Exclusions of single VPCs and subnets are somebody's decision and no finding
    /// here: `ec2.instance-no-exposed-private-port` judges what they open.
    ///
    /// ## Why it matters
    /// It overrides routes, addresses and security groups for the whole region: what is not
    /// excluded by name cannot be exposed by mistake.
    ///
    /// ## Remediation
    /// Name the VPCs or subnets that must be public first, then switch it on:
    /// ```sh
    /// aws ec2 create-vpc-block-public-access-exclusion --subnet-id SUBNET --internet-gateway-exclusion-mode allow-bidirectional
    /// aws ec2 modify-vpc-block-public-access-options --internet-gateway-block-mode block-ingress
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcBlockPublicAccessOptions.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-172>
    pub(super) static CHECK = {
        id: "vpc.block-public-access",
        title: "region blocks public access to its VPCs",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

fn evaluate(region: &Region) -> Assessed {
    let mode = &region.vpc.block_public_access.get()?.internet_gateway_block_mode;
    let blocks = matches!(mode.as_str(), "block-ingress" | "block-bidirectional");
    Ok(Outcome::require(blocks, || {
        Evidence::new(
            &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS,
            "InternetGatewayBlockMode",
            mode.clone(),
            "block-ingress or block-bidirectional",
        )
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read, inventory::ec2::BlockPublicAccess};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, only, with_region};

    fn account(mode: &str) -> Inventory {
        with_region(|region| {
            region.vpc.block_public_access = Read::Known(BlockPublicAccess {
                internet_gateway_block_mode: mode.to_owned(),
                state: "update-complete".to_owned(),
                exclusions_allowed: true,
            });
        })
    }

    #[test]
    fn both_modes_pass() {
        assert_eq!(only(&CHECK, &account("block-ingress")), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &account("block-bidirectional")), Ok(Outcome::Pass));
    }

    #[test]
    fn off_fails() {
        assert_fails(&CHECK, &account("off"), "InternetGatewayBlockMode", "off");
    }

    #[test]
    fn a_denied_read_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS;
        let account = with_region(|region| {
            region.vpc.block_public_access = Read::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
