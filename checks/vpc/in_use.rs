use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
};

use super::usage::{each_own_vpc, is_used};

declare_check! {
    /// Some network interface lives in the VPC: of an instance, a load balancer, a database or
    /// any other service. The default VPC counts too: it can be deleted, and made again. A VPC
    /// that another account shares is its owner's.
    ///
    /// ## Why it matters
    /// An empty VPC with its gateway and open default subnets is where a stolen key launches
    /// machines unnoticed, and where nobody looks at the filters.
    ///
    /// ## Remediation
    /// Delete its subnets and gateways, then the VPC:
    /// ```sh
    /// aws ec2 delete-vpc --vpc-id VPC
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html>
    pub(super) static CHECK = {
        id: "vpc.in-use",
        title: "VPC is in use",
        service: Service::Vpc,
        severity: Severity::Low,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::VPC",
        needs: &[&calls::ec2::DESCRIBE_VPCS, &calls::ec2::DESCRIBE_NETWORK_INTERFACES],
        evaluate: |inventory, findings| {
            each_own_vpc(inventory, findings, |region, vpc| {
                let used = is_used(region, vpc)?;
                Ok(Outcome::require(used, || {
                    let call = &calls::ec2::DESCRIBE_NETWORK_INTERFACES;
                    Evidence::new(call, "VpcId", "no network interface", "some, or no VPC")
                }))
            });
        },
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, inventory::ec2::NetworkInterface};

    use super::*;
    use crate::{
        ec2::testing::{interface, vpc},
        testing::{assert_fails, assert_not_assessed, denial, only, with_region},
    };

    fn account(interfaces: Listing<NetworkInterface>) -> Inventory {
        with_region(|region| {
            region.vpc.vpcs = Listing::complete(vec![vpc("vpc-1")]);
            region.ec2.network_interfaces = interfaces;
        })
    }

    #[test]
    fn an_interface_in_it_passes_and_one_elsewhere_fails() {
        assert_eq!(only(&CHECK, &account(Listing::complete(vec![interface()]))), Ok(Outcome::Pass));
        let elsewhere = NetworkInterface { vpc_id: Some("vpc-9".to_owned()), ..interface() };
        let account = account(Listing::complete(vec![elsewhere]));
        assert_fails(&CHECK, &account, "VpcId", "no network interface");
    }

    #[test]
    fn half_a_listing_proves_use_but_not_disuse() {
        let call = &calls::ec2::DESCRIBE_NETWORK_INTERFACES;
        let half = |interfaces| account(Listing::broken(interfaces, denial(call)));
        assert_eq!(only(&CHECK, &half(vec![interface()])), Ok(Outcome::Pass));
        assert_not_assessed(&CHECK, &half(vec![]), call);
    }

    #[test]
    fn a_shared_vpc_is_not_judged() {
        let mut account = account(Listing::complete(vec![]));
        account.regions[0].vpc.vpcs.seen_mut()[0].owner_id = "210987654321".to_owned();
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VPCS;
        let account = with_region(|region| {
            region.vpc.vpcs = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
