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
    /// An egress-only internet gateway lets nothing in. Where VPC Block Public Access is on and
    /// exclusions are not allowed, nothing is exposed; where exclusions are allowed, whether
    /// the subnet is one is not known. Network ACLs are not counted: they have a check of
    /// their own, and what listens inside the instance is invisible from here.
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
        Inventory, Listing, Outcome,
        inventory::ec2::{BlockPublicAccess, Instance, Permission, Route},
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

    #[test]
    fn block_public_access_overrides_unless_there_may_be_exclusions() {
        let mut account = exposed(vec![ssh()]);
        let block = |exclusions_allowed| BlockPublicAccess {
            internet_gateway_block_mode: "block-ingress".to_owned(),
            state: "update-complete".to_owned(),
            exclusions_allowed,
        };
        account.regions[0].vpc.block_public_access = demarc_model::Read::Known(block(false));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));

        account.regions[0].vpc.block_public_access = demarc_model::Read::Known(block(true));
        let why = only(&CHECK, &account).expect_err("not assessed");
        let what = "the answer does not show whether subnet-1 is excluded from Block Public Access";
        assert_eq!(why.cause.to_string(), what);
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
