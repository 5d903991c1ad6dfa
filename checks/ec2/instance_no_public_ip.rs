use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance,
};

use super::exposure::each_instance;

declare_check! {
    /// No network interface of the instance has a public IPv4 address, whether assigned at
    /// launch or an Elastic IP. A stopped instance has given its automatic address back, and
    /// keeps an Elastic IP.
    ///
    /// IPv6 addresses are all public by nature and no finding here; what reaches them is judged
    /// by `ec2.instance-no-exposed-private-port`.
    ///
    /// ## Why it matters
    /// A public address is the first half of exposure: one rule in a security group, now or
    /// later, is all that is missing.
    ///
    /// ## Remediation
    /// Put the instance in a private subnet behind a load balancer or a NAT gateway. An Elastic
    /// IP can be taken away at once, an automatic address by switching it off on the interface:
    /// ```sh
    /// aws ec2 disassociate-address --association-id ASSOCIATION
    /// aws ec2 modify-network-interface-attribute --network-interface-id INTERFACE --no-associate-public-ip-address
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9>
    pub(super) static CHECK = {
        id: "ec2.instance-no-public-ip",
        title: "instance has no public IPv4 address",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &Instance) -> Outcome {
    let public = instance.interfaces.iter().filter_map(|interface| {
        let address = interface.public_ip?;
        Some(format!("{address} on {}", interface.network_interface_id))
    });
    let public: Vec<_> = public.collect();
    Outcome::require(public.is_empty(), || {
        Evidence::new(
            &calls::ec2::DESCRIBE_INSTANCES,
            "NetworkInterfaces.Association.PublicIp",
            public.join(", "),
            "no public IPv4 address",
        )
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::Listing;

    use super::*;
    use crate::{
        ec2::testing::{account_with_instance, instance},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    #[test]
    fn private_and_ipv6_addresses_pass() {
        let mut private = instance();
        private.interfaces[0].ipv6_addresses = vec!["2600:1f18::7".parse().expect("an address")];
        assert_eq!(only(&CHECK, &account_with_instance(private)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_public_address_of_a_second_interface_fails() {
        let mut public = instance();
        let mut second = public.interfaces[0].clone();
        second.network_interface_id = "eni-2".to_owned();
        second.public_ip = Some("203.0.113.7".parse().expect("an address"));
        public.interfaces.push(second);
        let field = "NetworkInterfaces.Association.PublicIp";
        assert_fails(&CHECK, &account_with_instance(public), field, "203.0.113.7 on eni-2");
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
