use std::{collections::BTreeMap, sync::Arc};

use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
    inventory::ec2::{PeeringConnection, Route, RouteTable},
};

use crate::ec2::exposure::not_shown;

declare_check! {
    /// The routes through a peering connection lead to parts of the peer's network, not to the
    /// whole of it: a route is too wide when its destination covers one of the peer VPC's CIDR
    /// blocks entirely, or more. Each such route is a finding of its own.
    ///
    /// Only active connections are judged, by the route tables of this account and region. A
    /// route whose destination is a prefix list is not assessed, and neither is one towards a
    /// peer whose blocks AWS does not show.
    ///
    /// ## Why it matters
    /// Two peered VPCs need to reach a few subnets of each other. A route to everything lets an
    /// intruder on one side look for targets all over the other.
    ///
    /// ## Remediation
    /// Route to the subnets that are needed, then remove the wide route:
    /// ```sh
    /// aws ec2 create-route --route-table-id TABLE --destination-cidr-block 10.1.4.0/24 --vpc-peering-connection-id PEERING
    /// aws ec2 delete-route --route-table-id TABLE --destination-cidr-block 10.1.0.0/16
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-routing.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/peering/peering-configurations-partial-access.html>
    pub(super) static CHECK = {
        id: "vpc.peering-routes-least-privilege",
        title: "peering routes lead to parts of the peer network only",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::VPCPeeringConnection",
        needs: &[&calls::ec2::DESCRIBE_VPC_PEERING_CONNECTIONS, &calls::ec2::DESCRIBE_ROUTE_TABLES],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.vpc.peering_connections, evaluate);
        },
    }
}

fn evaluate(region: &Region, peering: &PeeringConnection) -> Assessed {
    if peering.status != "active" {
        return Ok(Outcome::NotApplicable("the connection is not active"));
    }
    let mut parts = BTreeMap::new();
    for table in region.vpc.route_tables.seen() {
        for route in table.routes.iter().filter(|route| route.active) {
            if route.vpc_peering_connection_id.as_ref() != Some(&peering.vpc_peering_connection_id)
            {
                continue;
            }
            let target = route
                .destination
                .map(|range| range.to_string())
                .or_else(|| route.prefix_list.clone())
                .unwrap_or_default();
            let verdict = judge(peering, table, route);
            if verdict != Ok(Outcome::Pass) {
                parts.insert(format!("{} to {target}", table.route_table_id), verdict);
            }
        }
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    if let Some(why) = region.vpc.route_tables.gap() {
        if parts.is_empty() {
            return Err(Arc::clone(why));
        }
        parts.push(("other route tables".to_owned(), Err(Arc::clone(why))));
    }
    Ok(Outcome::Parts(parts))
}

fn judge(peering: &PeeringConnection, table: &RouteTable, route: &Route) -> Assessed {
    let call = &calls::ec2::DESCRIBE_ROUTE_TABLES;
    let Some(destination) = route.destination else {
        let list = route.prefix_list.as_deref().unwrap_or("of no name");
        return Err(not_shown(call, format!("the entries of prefix list {list}")));
    };
    let from_requester = table.vpc_id == peering.requester.vpc_id;
    let peer = if from_requester { &peering.accepter } else { &peering.requester };
    if peer.cidr_blocks.is_empty() {
        let call = &calls::ec2::DESCRIBE_VPC_PEERING_CONNECTIONS;
        return Err(not_shown(call, format!("the CIDR blocks of {}", peer.vpc_id)));
    }
    match peer.cidr_blocks.iter().find(|block| destination.contains(*block)) {
        None => Ok(Outcome::Pass),
        Some(block) => Ok(Outcome::Fail(vec![Evidence::new(
            call,
            "Routes.DestinationCidrBlock",
            format!("{destination} covers all of {block} of {}", peer.vpc_id),
            "parts of the peer's blocks",
        )])),
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{open_to, peering, route_table},
        testing::{assert_not_assessed, denial, failures, only, run, with_region},
    };

    fn through(destination: &str) -> Route {
        Route {
            gateway_id: None,
            vpc_peering_connection_id: Some("pcx-1".to_owned()),
            ..open_to(destination)
        }
    }

    fn account(routes: Vec<Route>) -> Inventory {
        with_region(|region| {
            region.vpc.peering_connections = Listing::complete(vec![peering()]);
            region.vpc.route_tables = Listing::complete(vec![route_table(routes)]);
        })
    }

    #[test]
    fn routes_to_parts_pass_and_those_to_the_whole_or_more_fail() {
        let account = account(vec![
            through("10.1.4.0/24"),
            through("10.1.0.0/16"),
            through("10.0.0.0/8"),
            open_to("0.0.0.0/0"),
        ]);
        let expected = [
            "rtb-1 to 10.0.0.0/8: Routes.DestinationCidrBlock is \
             10.0.0.0/8 covers all of 10.1.0.0/16 of vpc-2",
            "rtb-1 to 10.1.0.0/16: Routes.DestinationCidrBlock is \
             10.1.0.0/16 covers all of 10.1.0.0/16 of vpc-2",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn the_peer_is_the_other_side_of_the_tables_vpc() {
        let mut account = account(vec![through("10.1.0.0/16")]);
        let table = &mut account.regions[0].vpc.route_tables.seen_mut()[0];
        table.vpc_id = "vpc-2".to_owned();
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_blackhole_or_another_connections_route_does_not_count() {
        let other =
            Route { vpc_peering_connection_id: Some("pcx-9".to_owned()), ..through("10.1.0.0/16") };
        let dead = Route { active: false, ..through("10.1.0.0/16") };
        assert_eq!(only(&CHECK, &account(vec![other, dead])), Ok(Outcome::Pass));
    }

    #[test]
    fn a_prefix_list_is_not_known() {
        let listed = Route {
            destination: None,
            prefix_list: Some("pl-1".to_owned()),
            ..through("10.1.0.0/16")
        };
        let judged = run(&CHECK, &account(vec![listed]));
        assert_eq!(judged[0].part, "rtb-1 to pl-1");
        assert!(judged[0].assessed.is_err());
    }

    #[test]
    fn unread_tables_stand_beside_what_is_proven() {
        let call = &calls::ec2::DESCRIBE_ROUTE_TABLES;
        let half = |routes| {
            let mut account = account(vec![]);
            let tables = vec![route_table(routes)];
            account.regions[0].vpc.route_tables = Listing::broken(tables, denial(call));
            account
        };
        assert_not_assessed(&CHECK, &half(vec![]), call);
        let judged = run(&CHECK, &half(vec![through("10.1.0.0/16")]));
        assert!(matches!(judged[0].assessed, Ok(Outcome::Fail(_))));
        assert_eq!(judged[1].assessed, Err(denial(call)));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VPC_PEERING_CONNECTIONS;
        let account = with_region(|region| {
            region.vpc.peering_connections = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
