use std::sync::Arc;

use demarc_model::{
    Assessed, Cause, ControlType, Evidence, Layer, NotAssessed, Outcome, Region, Service, Severity,
    Unread, calls, declare_check, inventory::rds::DbInstance,
};

use super::scope;

declare_check! {
    /// A subnet is public when the route table in force for it leads to an internet gateway: its
    /// own table, or else the main one of the VPC. All subnets of the instance's subnet group
    /// count, for a failover may move it to any of them. One public subnet settles it, even when
    /// others could not be read. The routes of a subnet that another account shares may not be
    /// shown, which leaves the verdict open.
    ///
    /// ## Why it matters
    /// In a private subnet the setting "publicly accessible" and a wide security group do no harm:
    /// no route leads in. In a public one they are all that stands between the database and the
    /// internet.
    ///
    /// ## Remediation
    /// Make a subnet group of private subnets and move the instance there, or take the route to
    /// the internet gateway from the database subnets' table:
    /// ```sh
    /// aws ec2 replace-route-table-association --association-id rtbassoc-ID --route-table-id rtb-PRIVATE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>
    pub(super) static CHECK = {
        id: "rds.instance-not-in-public-subnet",
        title: "database instance stands in private subnets",
        service: Service::Rds,
        severity: Severity::High,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::RDS::DBInstance",
        needs: &[
            &calls::rds::DESCRIBE_DB_INSTANCES,
            &calls::ec2::DESCRIBE_SUBNETS,
            &calls::ec2::DESCRIBE_ROUTE_TABLES,
        ],
        evaluate: |inventory, findings| {
            scope::instances(inventory, findings, evaluate);
        },
    }
}

fn evaluate(region: &Region, instance: &DbInstance) -> Assessed {
    if instance.subnet_ids.is_empty() {
        return Ok(Outcome::NotApplicable("it has no subnet group"));
    }
    let mut public = Vec::new();
    let mut unread = None;
    for id in &instance.subnet_ids {
        match is_public(region, id) {
            Ok(true) => public.push(Evidence::new(
                &calls::ec2::DESCRIBE_ROUTE_TABLES,
                "DBSubnetGroup.Subnets",
                format!("{id} has a route to an internet gateway"),
                "private subnets alone",
            )),
            Ok(false) => {}
            Err(why) => unread = unread.or(Some(why)),
        }
    }
    match unread {
        _ if !public.is_empty() => Ok(Outcome::Fail(public)),
        Some(why) => Err(why),
        None => Ok(Outcome::Pass),
    }
}

fn is_public(region: &Region, subnet_id: &str) -> Result<bool, Unread> {
    match region.vpc.subnets.find(|subnet| subnet.subnet_id == subnet_id)? {
        Some(subnet) => region.vpc.is_public(subnet),
        None => Err(Arc::new(NotAssessed {
            call: &calls::ec2::DESCRIBE_SUBNETS,
            cause: Cause::NotShown { what: format!("the subnet {subnet_id}") },
        })),
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Inventory, Listing,
        inventory::ec2::{Route, RouteTable, Subnet},
    };

    use super::*;
    use crate::{
        rds::testing::{instance, with_instance},
        testing::{assert_fails, assert_not_assessed, denial, only, subject},
    };

    /// `subnet-1` uses the table `rtb-own` (named, with this gateway); `subnet-2` the main one.
    fn account(own: Option<&str>, main: Option<&str>) -> Inventory {
        account_with(Listing::complete(tables(own, main)))
    }

    fn tables(own: Option<&str>, main: Option<&str>) -> Vec<RouteTable> {
        let route = |gateway: &str| Route {
            destination: "0.0.0.0/0".parse().ok(),
            prefix_list: None,
            gateway_id: Some(gateway.to_owned()),
            egress_only_internet_gateway_id: None,
            nat_gateway_id: None,
            vpc_peering_connection_id: None,
            active: true,
        };
        let table = |id: &str, main, subnet: Option<&str>, gateway: &str| RouteTable {
            subject: subject("AWS::EC2::RouteTable", id),
            route_table_id: id.to_owned(),
            vpc_id: "vpc-1".to_owned(),
            main,
            subnet_ids: subnet.map(str::to_owned).into_iter().collect(),
            routes: vec![route(gateway)],
        };
        let own = own.map(|gateway| table("rtb-own", false, Some("subnet-1"), gateway));
        let main = main.map(|gateway| table("rtb-main", true, None, gateway));
        own.into_iter().chain(main).collect()
    }

    fn account_with(route_tables: Listing<RouteTable>) -> Inventory {
        let subnet = |id: &str| Subnet {
            subject: subject("AWS::EC2::Subnet", id),
            subnet_id: id.to_owned(),
            vpc_id: "vpc-1".to_owned(),
            owner_id: "210987654321".to_owned(),
            availability_zone: "eu-central-1a".to_owned(),
            default_for_az: false,
            map_public_ip_on_launch: false,
            assign_ipv6_address_on_creation: false,
        };
        let mut inventory = with_instance(instance("mysql", "8.0.36"));
        let vpc = &mut inventory.regions[0].vpc;
        vpc.subnets = Listing::complete(vec![subnet("subnet-1"), subnet("subnet-2")]);
        vpc.route_tables = route_tables;
        inventory
    }

    #[test]
    fn private_subnets_pass() {
        assert_eq!(only(&CHECK, &account(Some("local"), Some("vgw-1"))), Ok(Outcome::Pass));
    }

    #[test]
    fn one_public_subnet_fails_through_the_main_table() {
        let observed = "subnet-2 has a route to an internet gateway";
        let account = account(Some("local"), Some("igw-1"));
        assert_fails(&CHECK, &account, "DBSubnetGroup.Subnets", observed);
    }

    #[test]
    fn a_public_subnet_settles_it_without_the_rest() {
        let why = denial(&calls::ec2::DESCRIBE_ROUTE_TABLES);
        let account = account_with(Listing::broken(tables(Some("igw-1"), None), why));
        let observed = "subnet-1 has a route to an internet gateway";
        assert_fails(&CHECK, &account, "DBSubnetGroup.Subnets", observed);
    }

    #[test]
    fn a_route_table_that_is_not_shown_leaves_it_open() {
        let why = only(&CHECK, &account(Some("local"), None)).expect_err("not assessed");
        assert_eq!(why.cause, Cause::NotShown { what: "the route table of subnet-2".to_owned() });
    }

    #[test]
    fn unread_route_tables_leave_it_open() {
        let mut account = account(Some("local"), Some("local"));
        let call = &calls::ec2::DESCRIBE_ROUTE_TABLES;
        account.regions[0].vpc.route_tables = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
