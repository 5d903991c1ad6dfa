use demarc_model::{ControlType, Layer, Service, Severity, calls, declare_check};

use super::{
    exposure::{each_instance, exposure},
    ports::private_openings,
};

declare_check! {
    /// An instance exposes a port when three things meet on one of its network interfaces: a public
    /// IPv4 address or an IPv6 address; a subnet whose route table leads that family to an
    /// internet gateway; and a security group rule that admits the internet to the port. The
    /// ports, and what counts as the internet, are those of
    /// `ec2.security-group-no-open-private-port`; each is a finding of its own.
    ///
    /// An egress-only internet gateway lets nothing in. Where VPC Block Public Access is on,
    /// nothing is exposed but what lies in a VPC or subnet that an exclusion opens in both
    /// directions; of a shared subnet, its owner's settings count, which are not shown. Network
    /// ACLs are not counted: they have a check of their own, and what listens inside the instance
    /// is invisible from here.
    ///
    /// ## Why it matters
    /// This is the rule of an open port with a machine behind it: it can be attacked now.
    ///
    /// ## Remediation
    /// Close the rule first, then take the address away where it is not needed:
    /// ```sh
    /// aws ec2 revoke-security-group-ingress --group-id GROUP --security-group-rule-ids RULE
    /// aws ec2 disassociate-address --association-id ASSOCIATION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>
    pub(super) static CHECK = {
        id: "ec2.instance-no-exposed-private-port",
        title: "instance exposes no private service's port to the internet",
        service: Service::Ec2,
        severity: Severity::Critical,
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        needs: &[
            &calls::ec2::DESCRIBE_INSTANCES,
            &calls::ec2::DESCRIBE_SUBNETS,
            &calls::ec2::DESCRIBE_ROUTE_TABLES,
            &calls::ec2::DESCRIBE_SECURITY_GROUPS,
            &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS,
            &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_EXCLUSIONS,
        ],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |region, instance| {
                exposure(inventory, region, instance, private_openings)
                    .parts("the port closed to the internet")
            });
        },
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Inventory, Listing, Outcome, Read,
        inventory::ec2::{
            BlockPublicAccess, BlockPublicAccessExclusion, Instance, Permission, Route,
        },
    };

    use super::*;
    use crate::{
        ec2::testing::{exposed, open_to, permission, route_table},
        testing::{ACCOUNT, assert_not_assessed, denial, failures, only, run},
    };

    fn ssh() -> Permission {
        permission("tcp", 22, 22, &["0.0.0.0/0", "::/0"])
    }

    fn instance(account: &mut Inventory) -> &mut Instance {
        &mut account.regions[0].ec2.instances.seen_mut()[0]
    }

    #[test]
    fn address_route_and_rule_together_expose_a_port() {
        let expected = [
            "22/tcp SSH from 0.0.0.0/0: IpPermissions is sg-1: tcp 22 from 0.0.0.0/0",
            "22/tcp SSH from 0.0.0.0/0: NetworkInterfaces.Association.PublicIp is 203.0.113.7",
        ];
        assert_eq!(failures(&CHECK, &exposed(vec![ssh()])), expected);
    }

    #[test]
    fn each_of_the_three_alone_keeps_it_private() {
        let closed = exposed(vec![permission("tcp", 22, 22, &["10.0.0.0/8"])]);
        assert_eq!(only(&CHECK, &closed), Ok(Outcome::Pass));

        let mut no_address = exposed(vec![ssh()]);
        instance(&mut no_address).interfaces[0].public_ip = None;
        assert_eq!(only(&CHECK, &no_address), Ok(Outcome::Pass));

        let mut no_route = exposed(vec![ssh()]);
        no_route.regions[0].vpc.route_tables = Listing::complete(vec![route_table(vec![])]);
        assert_eq!(only(&CHECK, &no_route), Ok(Outcome::Pass));
    }

    #[test]
    fn ipv6_through_an_egress_only_gateway_lets_nothing_in() {
        let mut account = exposed(vec![ssh()]);
        let interface = &mut instance(&mut account).interfaces[0];
        interface.public_ip = None;
        interface.ipv6_addresses = vec!["2600:1f18::7".parse().expect("an address")];
        let outbound = Route {
            gateway_id: None,
            egress_only_internet_gateway_id: Some("eigw-1".to_owned()),
            ..open_to("::/0")
        };
        let tables = vec![route_table(vec![open_to("0.0.0.0/0"), outbound])];
        account.regions[0].vpc.route_tables = Listing::complete(tables);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));

        let tables = vec![route_table(vec![open_to("::/0")])];
        account.regions[0].vpc.route_tables = Listing::complete(tables);
        let exposed = "22/tcp SSH from ::/0: NetworkInterfaces.Ipv6Addresses is 2600:1f18::7";
        assert_eq!(failures(&CHECK, &account)[1], exposed);
    }

    #[test]
    fn a_second_interface_counts_with_its_own_groups() {
        let mut account = exposed(vec![ssh()]);
        let interfaces = &mut instance(&mut account).interfaces;
        let mut first = interfaces[0].clone();
        first.security_groups.clear();
        interfaces.insert(0, first);
        assert_eq!(failures(&CHECK, &account).len(), 2);
    }

    /// SSH is open, and Block Public Access on, with these exclusions.
    fn blocked(exclusions: Listing<BlockPublicAccessExclusion>) -> Inventory {
        let mut account = exposed(vec![ssh()]);
        let vpc = &mut account.regions[0].vpc;
        vpc.block_public_access = Read::Known(BlockPublicAccess {
            internet_gateway_block_mode: "block-ingress".to_owned(),
            state: "update-complete".to_owned(),
            exclusions_allowed: true,
        });
        vpc.block_public_access_exclusions = exclusions;
        account
    }

    fn excluded(resource: &str, mode: &str, state: &str) -> Inventory {
        blocked(Listing::complete(vec![BlockPublicAccessExclusion {
            exclusion_id: "vpcbpa-exclude-1".to_owned(),
            resource_id: resource.to_owned(),
            internet_gateway_exclusion_mode: mode.to_owned(),
            state: state.to_owned(),
        }]))
    }

    #[test]
    fn block_public_access_overrides_routes_and_rules() {
        assert_eq!(only(&CHECK, &blocked(Listing::complete(vec![]))), Ok(Outcome::Pass));
        let elsewhere = excluded("subnet-2", "allow-bidirectional", "create-complete");
        assert_eq!(only(&CHECK, &elsewhere), Ok(Outcome::Pass));
    }

    #[test]
    fn an_exclusion_of_the_subnet_or_its_vpc_opens_it_again() {
        for resource in ["subnet-1", "vpc-1"] {
            for state in ["create-complete", "update-complete", "delete-in-progress"] {
                let account = excluded(resource, "allow-bidirectional", state);
                assert_eq!(failures(&CHECK, &account).len(), 2, "{resource} {state}");
            }
        }
    }

    #[test]
    fn an_exclusion_for_outbound_traffic_or_one_that_is_gone_opens_nothing() {
        let outbound = excluded("vpc-1", "allow-egress", "create-complete");
        assert_eq!(only(&CHECK, &outbound), Ok(Outcome::Pass));
        for state in ["delete-complete", "disable-complete", "create-failed"] {
            let gone = excluded("vpc-1", "allow-bidirectional", state);
            assert_eq!(only(&CHECK, &gone), Ok(Outcome::Pass), "{state}");
        }
    }

    #[test]
    fn an_exclusion_narrowed_this_moment_may_still_be_open() {
        let account = excluded("vpc-1", "allow-egress", "update-in-progress");
        assert_eq!(failures(&CHECK, &account).len(), 2);
    }

    #[test]
    fn exclusions_matter_only_where_they_are_allowed_and_something_is_open() {
        let call = &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_EXCLUSIONS;
        let denied = || blocked(Listing::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &denied(), call);

        let mut closed = denied();
        closed.regions[0].ec2.security_groups.seen_mut()[0].ingress.clear();
        assert_eq!(only(&CHECK, &closed), Ok(Outcome::Pass));

        let mut forbidden = denied();
        let options = BlockPublicAccess {
            internet_gateway_block_mode: "block-bidirectional".to_owned(),
            state: "update-complete".to_owned(),
            exclusions_allowed: false,
        };
        forbidden.regions[0].vpc.block_public_access = Read::Known(options.clone());
        assert_eq!(only(&CHECK, &forbidden), Ok(Outcome::Pass));

        let underway = BlockPublicAccess { state: "update-in-progress".to_owned(), ..options };
        forbidden.regions[0].vpc.block_public_access = Read::Known(underway);
        assert!(only(&CHECK, &forbidden).is_err());
    }

    #[test]
    fn an_unread_part_matters_only_where_no_other_part_is_closed() {
        let routes = &calls::ec2::DESCRIBE_ROUTE_TABLES;
        let mut account = exposed(vec![ssh()]);
        account.regions[0].vpc.route_tables = Listing::denied(routes, "AccessDenied");
        assert_not_assessed(&CHECK, &account, routes);
        instance(&mut account).interfaces[0].public_ip = None;
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));

        let groups = &calls::ec2::DESCRIBE_SECURITY_GROUPS;
        let mut account = exposed(vec![ssh()]);
        account.regions[0].ec2.security_groups = Listing::denied(groups, "AccessDenied");
        assert_not_assessed(&CHECK, &account, groups);
        account.regions[0].vpc.route_tables = Listing::complete(vec![route_table(vec![])]);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_shared_subnet_follows_its_owners_settings() {
        let mut account = exposed(vec![ssh()]);
        account.regions[0].vpc.subnets.seen_mut()[0].owner_id = format!("9{}", &ACCOUNT[1..]);
        assert!(only(&CHECK, &account).is_err());
    }

    #[test]
    fn a_group_that_is_not_shown_is_the_gap_beside_what_is_proven() {
        let mut account = exposed(vec![ssh()]);
        instance(&mut account).interfaces[0].security_groups.push("sg-9".to_owned());
        let judged = run(&CHECK, &account);
        assert_eq!(judged[0].part, "22/tcp SSH from 0.0.0.0/0");
        assert!(judged[1].assessed.is_err());
        assert_ne!(judged[1].assessed, Err(denial(&calls::ec2::DESCRIBE_SECURITY_GROUPS)));
    }

    #[test]
    fn an_instance_being_terminated_is_not_judged() {
        let mut account = exposed(vec![ssh()]);
        instance(&mut account).state = "shutting-down".to_owned();
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }
}
