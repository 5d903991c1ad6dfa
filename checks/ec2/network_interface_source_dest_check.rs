use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::NetworkInterface,
};

use super::owned::each_owned;

declare_check! {
    /// The interface drops packets that are neither from nor to itself. NAT instances, routers
    /// and firewalls must switch the check off: suppress the finding for them. Interfaces that
    /// an AWS service made for itself (NAT gateways, load balancers, …) are not judged.
    ///
    /// ## Why it matters
    /// Without the check an instance can forward other machines' traffic, and so serve as a way
    /// around route tables, or sit in the middle of connections.
    ///
    /// ## Remediation
    /// Switch it on:
    /// ```sh
    /// aws ec2 modify-network-interface-attribute --network-interface-id INTERFACE --source-dest-check
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_NAT_Instance.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-180>
    pub(super) static CHECK = {
        id: "ec2.network-interface-source-dest-check",
        title: "network interface checks source and destination",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::NetworkInterface",
        needs: &[&calls::ec2::DESCRIBE_NETWORK_INTERFACES],
        evaluate: |inventory, findings| {
            each_owned(inventory, findings, |region| &region.ec2.network_interfaces, evaluate);
        },
    }
}

fn evaluate(interface: &NetworkInterface) -> Outcome {
    if interface.requester_managed {
        return Outcome::NotApplicable("an AWS service manages the interface");
    }
    Outcome::require(interface.source_dest_check, || {
        let call = &calls::ec2::DESCRIBE_NETWORK_INTERFACES;
        Evidence::new(call, "SourceDestCheck", "false", "true")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::interface,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(interface: NetworkInterface) -> Inventory {
        with_region(|region| region.ec2.network_interfaces = Listing::complete(vec![interface]))
    }

    #[test]
    fn the_check_on_passes_and_off_fails() {
        assert_eq!(only(&CHECK, &account(interface())), Ok(Outcome::Pass));
        let router = NetworkInterface { source_dest_check: false, ..interface() };
        assert_fails(&CHECK, &account(router), "SourceDestCheck", "false");
    }

    #[test]
    fn a_nat_gateways_interface_is_not_judged() {
        let nat = NetworkInterface {
            interface_type: "nat_gateway".to_owned(),
            requester_managed: true,
            source_dest_check: false,
            ..interface()
        };
        assert!(matches!(only(&CHECK, &account(nat)), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_NETWORK_INTERFACES;
        let account = with_region(|region| {
            region.ec2.network_interfaces = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
