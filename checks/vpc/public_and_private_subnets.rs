use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Region, Service, Severity, calls, declare_check,
    inventory::ec2::Vpc,
};

use super::usage::each_used_vpc;

declare_check! {
    /// A VPC with public subnets has private ones too. A subnet is public when its route table,
    /// or else the VPC's main one, leads to an internet gateway. A VPC without any public
    /// subnet is not judged, and neither is one without network interfaces.
    ///
    /// ## Why it matters
    /// Where every subnet is public there is no place for what should not be reached: databases
    /// and workers get the same route to the internet as the web servers.
    ///
    /// ## Remediation
    /// Add subnets with a route table of their own that has no route to the internet gateway,
    /// and move the inner tiers there:
    /// ```sh
    /// aws ec2 create-subnet --vpc-id VPC --cidr-block 10.0.128.0/20
    /// aws ec2 create-route-table --vpc-id VPC
    /// aws ec2 associate-route-table --subnet-id SUBNET --route-table-id TABLE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-example-private-subnets-nat.html>
    pub(super) static CHECK = {
        id: "vpc.public-and-private-subnets",
        title: "VPC with public subnets has private ones too",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::VPC",
        needs: &[&calls::ec2::DESCRIBE_VPCS, &calls::ec2::DESCRIBE_SUBNETS, &calls::ec2::DESCRIBE_ROUTE_TABLES, &calls::ec2::DESCRIBE_NETWORK_INTERFACES],
        evaluate: |inventory, findings| {
            each_used_vpc(inventory, findings, evaluate);
        },
    }
}

fn evaluate(region: &Region, vpc: &Vpc) -> Assessed {
    let subnets = &region.vpc.subnets;
    let own = subnets.seen().iter().filter(|subnet| subnet.vpc_id == vpc.vpc_id);
    let public: Vec<_> = own.map(|subnet| region.vpc.is_public(subnet)).collect();
    if public.contains(&Ok(true)) && public.contains(&Ok(false)) {
        return Ok(Outcome::Pass);
    }
    subnets.all()?;
    let public = public.into_iter().collect::<Result<Vec<_>, _>>()?;
    if !public.contains(&true) {
        return Ok(Outcome::NotApplicable("the VPC has no public subnet"));
    }
    Ok(Outcome::fail(
        &calls::ec2::DESCRIBE_ROUTE_TABLES,
        "Routes.GatewayId",
        "every subnet has a route to an internet gateway",
        "private subnets beside the public ones",
    ))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{interface, open_to, route_table, subnet, vpc},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    const FIELD: &str = "Routes.GatewayId";
    const OBSERVED: &str = "every subnet has a route to an internet gateway";

    fn account(own_tables: &[(&str, bool)], main_is_public: bool) -> Inventory {
        let routes = |public: bool| if public { vec![open_to("0.0.0.0/0")] } else { vec![] };
        let mut tables = vec![route_table(routes(main_is_public))];
        for (subnet, public) in own_tables {
            let mut table = route_table(routes(*public));
            table.main = false;
            table.subnet_ids = vec![(*subnet).to_owned()];
            tables.push(table);
        }
        with_region(|region| {
            region.vpc.vpcs = Listing::complete(vec![vpc("vpc-1")]);
            region.vpc.subnets = Listing::complete(vec![subnet("subnet-1"), subnet("subnet-2")]);
            region.vpc.route_tables = Listing::complete(tables);
            region.ec2.network_interfaces = Listing::complete(vec![interface()]);
        })
    }

    #[test]
    fn one_of_each_passes_and_public_ones_alone_fail() {
        assert_eq!(only(&CHECK, &account(&[("subnet-1", false)], true)), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(&[], true), FIELD, OBSERVED);
    }

    #[test]
    fn the_main_table_counts_for_subnets_without_one_of_their_own() {
        assert_fails(&CHECK, &account(&[("subnet-1", true)], true), FIELD, OBSERVED);
        assert_eq!(only(&CHECK, &account(&[("subnet-1", true)], false)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_private_vpc_is_not_judged() {
        let verdict = only(&CHECK, &account(&[], false));
        assert_eq!(verdict, Ok(Outcome::NotApplicable("the VPC has no public subnet")));
    }

    #[test]
    fn unread_routes_leave_it_open() {
        let call = &calls::ec2::DESCRIBE_ROUTE_TABLES;
        let mut account = account(&[], true);
        account.regions[0].vpc.route_tables = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
