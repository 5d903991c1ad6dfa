use std::collections::BTreeMap;

use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::SecurityGroup,
};

use super::{
    internet::{Addresses, Family},
    owned::each_owned,
    ports::{ports_text, what},
};

declare_check! {
    /// Inbound rules whose source is more than a network of somebody's: more than 256 public IPv4
    /// addresses (a /24), or more public IPv6 addresses than one site is given (a /48). Any
    /// protocol and port counts. `0.0.0.0/0` and `::/0` are left to the checks of open ports,
    /// because a public web server must use them; private ranges are left out whatever their
    /// size, and what a prefix list holds is not looked at.
    ///
    /// ## Why it matters
    /// A rule such as `52.0.0.0/8` looks like a restriction and admits every customer of a
    /// cloud provider.
    ///
    /// ## Remediation
    /// Replace the range by the addresses that are meant:
    /// ```sh
    /// aws ec2 modify-security-group-rules --group-id GROUP --security-group-rules \
    ///   'SecurityGroupRuleId=RULE,SecurityGroupRule={IpProtocol=tcp,FromPort=443,ToPort=443,CidrIpv4=198.51.100.0/28}'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html>
    pub(super) static CHECK = {
        id: "ec2.security-group-no-wide-public-range",
        title: "security group admits no very wide public address range",
        service: Service::Ec2,
        severity: Severity::High,
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
    let mut parts = BTreeMap::new();
    for permission in &group.ingress {
        for range in &permission.ranges {
            let family = Family::of(range);
            let somebodys = match family {
                Family::V4 => 1 << 8,
                Family::V6 => 1 << 80,
            };
            let wide = Addresses::of(family, [range]).public_count() > somebodys;
            if wide && range.prefix_len() > 0 {
                let evidence = Evidence::new(
                    &calls::ec2::DESCRIBE_SECURITY_GROUPS,
                    "IpPermissions",
                    format!("{} from {range}", ports_text(permission)),
                    "public ranges no wider than an IPv4 /24 or an IPv6 /48",
                );
                parts.insert(format!("{} from {range}", what(permission)), evidence);
            }
        }
    }
    Outcome::failing_parts(parts)
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
    fn private_ranges_narrow_ones_and_the_whole_internet_pass() {
        let account = account_with_group(group(vec![
            all_traffic(&["10.0.0.0/8", "100.64.0.0/10", "fd00::/8"]),
            permission("tcp", 443, 443, &["0.0.0.0/0", "::/0", "203.0.113.0/24", "2600:1f18::/48"]),
        ]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn wide_ranges_fail_on_any_protocol() {
        let account = account_with_group(group(vec![
            permission("tcp", 443, 443, &["52.0.0.0/8", "2600:1f18::/33"]),
            permission("icmp", -1, -1, &["203.0.112.0/23"]),
        ]));
        let expected = [
            "443/tcp from 2600:1f18::/33: IpPermissions is tcp 443 from 2600:1f18::/33",
            "443/tcp from 52.0.0.0/8: IpPermissions is tcp 443 from 52.0.0.0/8",
            "icmp from 203.0.112.0/23: IpPermissions is icmp from 203.0.112.0/23",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn a_private_range_with_a_public_half_is_wide() {
        let account = account_with_group(group(vec![all_traffic(&["10.0.0.0/7"])]));
        assert_eq!(failures(&CHECK, &account).len(), 1);
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
