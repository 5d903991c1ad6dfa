use std::collections::BTreeMap;

use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::{Permission, SecurityGroup},
};

use super::{
    owned::each_owned,
    ports::{Rule, openings, parts, rules_of},
};

declare_check! {
    /// Inbound rules that let the internet send ICMP or ICMPv6, be it through a rule of all
    /// traffic. The error messages that a path needs to work are no finding: destination
    /// unreachable (3) and time exceeded (11) of ICMP, types 1 to 4 of ICMPv6. What counts as
    /// the internet is described under `ec2.security-group-no-open-private-port`.
    ///
    /// ## Why it matters
    /// Answers to echo, timestamp and router messages map the network behind an address and
    /// serve as a covert channel. The error messages do not: without them large packets vanish.
    ///
    /// ## Remediation
    /// Narrow the rule to the error messages:
    /// ```sh
    /// aws ec2 revoke-security-group-ingress --group-id GROUP --ip-permissions \
    ///   'IpProtocol=icmp,FromPort=-1,ToPort=-1,IpRanges=[{CidrIp=0.0.0.0/0}]'
    /// aws ec2 authorize-security-group-ingress --group-id GROUP --ip-permissions \
    ///   'IpProtocol=icmp,FromPort=3,ToPort=-1,IpRanges=[{CidrIp=0.0.0.0/0}]'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-rules-reference.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html>
    pub(super) static CHECK = {
        id: "ec2.security-group-no-open-icmp",
        title: "security group does not open ICMP to the internet",
        service: Service::Ec2,
        severity: Severity::Low,
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
    let mut messages: BTreeMap<String, Vec<Rule<'_>>> = BTreeMap::new();
    for rule in rules_of(group) {
        if let Some(what) = icmp(rule.permission) {
            messages.entry(what).or_default().push(rule);
        }
    }
    let openings = openings(messages.into_iter().collect());
    parts(&openings, "error messages alone")
}

/// The messages that a permission admits, where they are more than errors.
fn icmp(permission: &Permission) -> Option<String> {
    let (protocol, errors): (_, &[i32]) = match permission.protocol.as_str() {
        "-1" => return Some("all traffic".to_owned()),
        "icmp" | "1" => ("icmp", &[3, 11]),
        "icmpv6" | "58" => ("icmpv6", &[1, 2, 3, 4]),
        _ => return None,
    };
    match permission.from_port {
        None | Some(-1) => Some(protocol.to_owned()),
        Some(kind) if errors.contains(&kind) => None,
        Some(kind) => Some(format!("{protocol} type {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::Listing;

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, all_traffic, group, permission},
        testing::{assert_not_assessed, failures, only, with_region},
    };

    #[test]
    fn the_messages_of_path_discovery_pass() {
        let account = account_with_group(group(vec![
            permission("icmp", 3, 4, &["0.0.0.0/0"]),
            permission("icmpv6", 2, -1, &["::/0"]),
            permission("icmp", -1, -1, &["10.0.0.0/8"]),
        ]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn echo_all_types_and_all_traffic_fail() {
        let account = account_with_group(group(vec![
            permission("icmp", 8, -1, &["0.0.0.0/0"]),
            permission("58", -1, -1, &["::/0"]),
            all_traffic(&["0.0.0.0/0"]),
        ]));
        let expected = [
            "all traffic from 0.0.0.0/0: IpPermissions is all traffic from 0.0.0.0/0",
            "icmp type 8 from 0.0.0.0/0: IpPermissions is icmp from 0.0.0.0/0",
            "icmpv6 from ::/0: IpPermissions is icmpv6 from ::/0",
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
