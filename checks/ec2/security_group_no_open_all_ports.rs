use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::SecurityGroup,
};

use super::{
    owned::each_owned,
    ports::{Span, parts, port_openings, rules_of},
};

declare_check! {
    /// Inbound rules that let the internet reach every port: all traffic (protocol `-1`), or TCP or
    /// UDP over all ports, be the range written as 0-65535, 1-65535 or not at all. What counts
    /// as the internet is described under `ec2.security-group-no-open-private-port`; a rule
    /// that admits a prefix list to all ports is not assessed.
    ///
    /// ## Why it matters
    /// Nothing is filtered any more: whatever listens on a member of the group, now or after
    /// the next installation, is offered to the whole world.
    ///
    /// ## Remediation
    /// Add rules for the ports that are meant to be public, then take this one away:
    /// ```sh
    /// aws ec2 revoke-security-group-ingress --group-id GROUP --ip-permissions \
    ///   'IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}],Ipv6Ranges=[{CidrIpv6=::/0}]'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html>
    pub(super) static CHECK = {
        id: "ec2.security-group-no-open-all-ports",
        title: "security group does not open all ports to the internet",
        service: Service::Ec2,
        severity: Severity::Critical,
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::SecurityGroup",
        needs: &[&calls::ec2::DESCRIBE_SECURITY_GROUPS],
        evaluate: |inventory, findings| {
            each_owned(inventory, findings, |region| &region.ec2.security_groups, evaluate);
        },
    }
}

fn evaluate(group: &SecurityGroup) -> Outcome {
    let openings = port_openings(&rules_of(group), Span::is_all);
    parts(&openings, "the ports that are meant to be public")
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::ec2::Permission};

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, all_traffic, group, permission},
        testing::{assert_fails, assert_not_assessed, failures, only, with_region},
    };

    #[test]
    fn every_way_to_write_all_ports_fails() {
        let rules = [
            all_traffic(&["0.0.0.0/0"]),
            permission("tcp", 0, 65535, &["0.0.0.0/0"]),
            permission("tcp", 1, 65535, &["0.0.0.0/0"]),
            Permission { from_port: None, to_port: None, ..permission("udp", 0, 0, &["::/0"]) },
        ];
        let observed = [
            "all traffic from 0.0.0.0/0",
            "tcp all ports from 0.0.0.0/0",
            "tcp all ports from 0.0.0.0/0",
            "udp all ports from ::/0",
        ];
        for (rule, observed) in rules.into_iter().zip(observed) {
            let account = account_with_group(group(vec![rule]));
            assert_fails(&CHECK, &account, "IpPermissions", observed);
        }
    }

    #[test]
    fn some_ports_or_a_private_source_pass() {
        let account = account_with_group(group(vec![
            permission("tcp", 1024, 65535, &["0.0.0.0/0"]),
            all_traffic(&["10.0.0.0/8"]),
        ]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn ranges_of_two_rules_add_up() {
        let account = account_with_group(group(vec![
            all_traffic(&["0.0.0.0/1", "::/1"]),
            all_traffic(&["128.0.0.0/1"]),
        ]));
        let expected = [
            "all ports from 0.0.0.0/0: IpPermissions is all traffic from 0.0.0.0/1",
            "all ports from 0.0.0.0/0: IpPermissions is all traffic from 128.0.0.0/1",
            "all ports from ::/0: IpPermissions is all traffic from ::/1",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_SECURITY_GROUPS;
        let account = with_region(|region| {
            region.ec2.security_groups = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
