use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Subnet,
};

declare_check! {
    /// The subnet does not give new interfaces a public IPv4 address unasked
    /// (`MapPublicIpOnLaunch`). Default subnets do so until somebody switches it off. IPv6
    /// addresses given on creation are no finding: they follow the route, not the address. A
    /// subnet that another account shares is its owner's to set.
    ///
    /// ## Why it matters
    /// Whatever is launched there without a thought to addresses is on the internet, one rule
    /// away from being reached.
    ///
    /// ## Remediation
    /// Switch it off, and ask for an address where one is needed:
    /// ```sh
    /// aws ec2 modify-subnet-attribute --subnet-id SUBNET --no-map-public-ip-on-launch
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-15>
    pub(super) static CHECK = {
        id: "vpc.subnet-no-automatic-public-ip",
        title: "subnet assigns no public IP addresses by itself",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Subnet",
        needs: &[&calls::ec2::DESCRIBE_SUBNETS],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.vpc.subnets, |_, subnet| {
                Ok(evaluate(subnet, &inventory.account_id))
            });
        },
    }
}

fn evaluate(subnet: &Subnet, account: &str) -> Outcome {
    if subnet.owner_id != account {
        return Outcome::NotApplicable("another account owns the subnet");
    }
    Outcome::require(!subnet.map_public_ip_on_launch, || {
        Evidence::new(&calls::ec2::DESCRIBE_SUBNETS, "MapPublicIpOnLaunch", "true", "false")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::subnet,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(subnet: Subnet) -> Inventory {
        with_region(|region| region.vpc.subnets = Listing::complete(vec![subnet]))
    }

    fn mapping() -> Subnet {
        Subnet { map_public_ip_on_launch: true, ..subnet("subnet-1") }
    }

    #[test]
    fn off_passes_and_on_fails() {
        assert_eq!(only(&CHECK, &account(subnet("subnet-1"))), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(mapping()), "MapPublicIpOnLaunch", "true");
    }

    #[test]
    fn ipv6_on_creation_is_no_finding_and_a_default_subnet_is_one() {
        let ipv6 = Subnet { assign_ipv6_address_on_creation: true, ..subnet("subnet-1") };
        assert_eq!(only(&CHECK, &account(ipv6)), Ok(Outcome::Pass));
        let default = Subnet { default_for_az: true, ..mapping() };
        assert_fails(&CHECK, &account(default), "MapPublicIpOnLaunch", "true");
    }

    #[test]
    fn a_shared_subnet_is_its_owners_to_set() {
        let shared = Subnet { owner_id: "210987654321".to_owned(), ..mapping() };
        assert!(matches!(only(&CHECK, &account(shared)), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_SUBNETS;
        let account = with_region(|region| {
            region.vpc.subnets = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
