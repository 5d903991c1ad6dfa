use std::collections::BTreeSet;

use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Region, Service, Severity, calls, declare_check,
    inventory::ec2::Vpc,
};

use super::usage::each_used_vpc;

declare_check! {
    /// The subnets of a VPC lie in at least two Availability Zones. A VPC without network
    /// interfaces, or without subnets, has nothing to lose and is not judged.
    ///
    /// ## Why it matters
    /// A network in one zone goes down with it, and nothing can be moved elsewhere until
    /// somebody has built a second one.
    ///
    /// ## Remediation
    /// Add subnets in other zones, and spread what runs over them:
    /// ```sh
    /// aws ec2 create-subnet --vpc-id VPC --cidr-block 10.0.16.0/20 --availability-zone ZONE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html>
    pub(super) static CHECK = {
        id: "vpc.subnets-in-several-zones",
        title: "VPC has subnets in several Availability Zones",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::VPC",
        needs: &[&calls::ec2::DESCRIBE_VPCS, &calls::ec2::DESCRIBE_SUBNETS, &calls::ec2::DESCRIBE_NETWORK_INTERFACES],
        evaluate: |inventory, findings| {
            each_used_vpc(inventory, findings, evaluate);
        },
    }
}

fn evaluate(region: &Region, vpc: &Vpc) -> Assessed {
    let subnets = &region.vpc.subnets;
    let own = subnets.seen().iter().filter(|subnet| subnet.vpc_id == vpc.vpc_id);
    let zones: BTreeSet<_> = own.map(|subnet| subnet.availability_zone.as_str()).collect();
    if zones.len() > 1 {
        return Ok(Outcome::Pass);
    }
    subnets.all()?;
    Ok(match zones.first() {
        None => Outcome::NotApplicable("the VPC has no subnets"),
        Some(zone) => Outcome::fail(
            &calls::ec2::DESCRIBE_SUBNETS,
            "AvailabilityZone",
            format!("all subnets in {zone}"),
            "subnets in two or more zones",
        ),
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{interface, subnet, vpc},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(zones: &[&str]) -> Inventory {
        let subnets = zones.iter().enumerate().map(|(number, zone)| {
            let mut subnet = subnet(&format!("subnet-{number}"));
            subnet.availability_zone = (*zone).to_owned();
            subnet
        });
        with_region(|region| {
            region.vpc.vpcs = Listing::complete(vec![vpc("vpc-1")]);
            region.vpc.subnets = Listing::complete(subnets.collect());
            region.ec2.network_interfaces = Listing::complete(vec![interface()]);
        })
    }

    #[test]
    fn two_zones_pass_and_two_subnets_in_one_fail() {
        assert_eq!(only(&CHECK, &account(&["eu-central-1a", "eu-central-1b"])), Ok(Outcome::Pass));
        let observed = "all subnets in eu-central-1a";
        assert_fails(&CHECK, &account(&["eu-central-1a"; 2]), "AvailabilityZone", observed);
    }

    #[test]
    fn an_unused_vpc_or_one_without_subnets_is_not_judged() {
        assert!(matches!(only(&CHECK, &account(&[])), Ok(Outcome::NotApplicable(_))));
        let mut unused = account(&["eu-central-1a"]);
        unused.regions[0].ec2.network_interfaces = Listing::complete(vec![]);
        assert!(matches!(only(&CHECK, &unused), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn unread_subnets_might_lie_elsewhere() {
        let call = &calls::ec2::DESCRIBE_SUBNETS;
        let mut account = account(&[]);
        account.regions[0].vpc.subnets = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
