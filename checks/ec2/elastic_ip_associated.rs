use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Address,
};

declare_check! {
    /// An Elastic IP address is associated with an instance or a network interface, be it a
    /// stopped instance's or that of a NAT gateway or load balancer.
    ///
    /// ## Why it matters
    /// An address that nobody uses is often still named in DNS records and in others' allow
    /// lists. It is billed, and nobody knows whether it may go.
    ///
    /// ## Remediation
    /// Remove what still points to it, then release it. A released address goes to another
    /// customer and can seldom be had back:
    /// ```sh
    /// aws ec2 release-address --allocation-id ALLOCATION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-12>
    pub(super) static CHECK = {
        id: "ec2.elastic-ip-associated",
        title: "Elastic IP address is in use",
        service: Service::Ec2,
        severity: Severity::Low,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::EIP",
        needs: &[&calls::ec2::DESCRIBE_ADDRESSES],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ec2.addresses, |_, resource| Ok(evaluate(resource)));
        },
    }
}

fn evaluate(address: &Address) -> Outcome {
    let used = address.association_id.is_some()
        || address.network_interface_id.is_some()
        || address.instance_id.is_some();
    Outcome::require(used, || {
        let call = &calls::ec2::DESCRIBE_ADDRESSES;
        Evidence::new(call, "AssociationId", "none", "an association, or no address")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, only, subject, with_region};

    fn account(association: Option<&str>, interface: Option<&str>) -> Inventory {
        let address = Address {
            subject: subject("AWS::EC2::EIP", "eipalloc-1"),
            public_ip: "203.0.113.7".to_owned(),
            association_id: association.map(str::to_owned),
            network_interface_id: interface.map(str::to_owned),
            instance_id: None,
        };
        with_region(|region| region.ec2.addresses = Listing::complete(vec![address]))
    }

    #[test]
    fn an_associated_address_passes_and_an_idle_one_fails() {
        assert_eq!(only(&CHECK, &account(Some("eipassoc-1"), Some("eni-1"))), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(None, None), "AssociationId", "none");
    }

    #[test]
    fn an_interface_without_an_instance_is_a_use() {
        assert_eq!(only(&CHECK, &account(None, Some("eni-1"))), Ok(Outcome::Pass));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_ADDRESSES;
        let account =
            with_region(|region| region.ec2.addresses = Listing::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
