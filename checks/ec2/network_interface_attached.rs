use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::NetworkInterface,
};

use super::owned::each_owned;

declare_check! {
    /// A network interface is attached (`in-use`), or about to be. Those that an AWS service
    /// made for itself are the service's to remove and are not judged.
    ///
    /// ## Why it matters
    /// An idle interface keeps its private address and security groups; attached to an
    /// instance, it brings both into a place nobody intended.
    ///
    /// ## Remediation
    /// Delete it:
    /// ```sh
    /// aws ec2 delete-network-interface --network-interface-id INTERFACE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html>
    pub(super) static CHECK = {
        id: "ec2.network-interface-attached",
        title: "network interface is attached",
        service: Service::Ec2,
        severity: Severity::Low,
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
    Outcome::require(interface.status != "available", || {
        let call = &calls::ec2::DESCRIBE_NETWORK_INTERFACES;
        Evidence::new(call, "Status", "available", "in-use, or no interface")
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

    fn idle() -> NetworkInterface {
        NetworkInterface { status: "available".to_owned(), instance_id: None, ..interface() }
    }

    #[test]
    fn an_attached_interface_passes_and_an_idle_one_fails() {
        assert_eq!(only(&CHECK, &account(interface())), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(idle()), "Status", "available");
    }

    #[test]
    fn a_services_own_interface_is_not_judged() {
        let managed = NetworkInterface { requester_managed: true, ..idle() };
        assert!(matches!(only(&CHECK, &account(managed)), Ok(Outcome::NotApplicable(_))));
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
