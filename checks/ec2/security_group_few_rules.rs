use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::{Permission, SecurityGroup},
};

/// AWS's default quota is 60 rules a direction and family.
const MANY: usize = 50;

use super::owned::each_owned;

declare_check! {
    /// A security group holds at most 50 inbound and 50 outbound rules. Rules are counted as AWS
    /// counts them: each range, prefix list or group of a permission is one. A prefix list
    /// weighs on AWS's quota with its size, and counts as one here.
    ///
    /// ## Why it matters
    /// Nobody reviews a list of that length; the one rule that should not be there hides among
    /// the others, and the quota (60 by default) stops the next change in an emergency.
    ///
    /// ## Remediation
    /// Gather addresses in a prefix list, and split the group by purpose:
    /// ```sh
    /// aws ec2 create-managed-prefix-list --prefix-list-name offices --address-family IPv4 \
    ///   --max-entries 20 --entries Cidr=198.51.100.0/28,Description=office
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html>
    pub(super) static CHECK = {
        id: "ec2.security-group-few-rules",
        title: "security group has few enough rules to review",
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
    let directions = [("IpPermissions", &group.ingress), ("IpPermissionsEgress", &group.egress)];
    let evidence: Vec<_> = directions
        .into_iter()
        .map(|(field, permissions)| (field, permissions.iter().map(rules).sum::<usize>()))
        .filter(|(_, rules)| *rules > MANY)
        .map(|(field, rules)| {
            let call = &calls::ec2::DESCRIBE_SECURITY_GROUPS;
            Evidence::new(call, field, format!("{rules} rules"), format!("at most {MANY} rules"))
        })
        .collect();
    if evidence.is_empty() { Outcome::Pass } else { Outcome::Fail(evidence) }
}

fn rules(permission: &Permission) -> usize {
    permission.ranges.len() + permission.prefix_lists.len() + permission.groups.len()
}

#[cfg(test)]
mod tests {
    use demarc_model::Listing;

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, group, permission},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn hosts(count: u8) -> Permission {
        let hosts: Vec<_> = (0..count).map(|host| format!("10.0.0.{host}/32")).collect();
        permission("tcp", 443, 443, &hosts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn fifty_rules_pass_and_one_permission_can_hold_more() {
        let account = account_with_group(group(vec![hosts(25), hosts(25)]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        let account = account_with_group(group(vec![hosts(51)]));
        assert_fails(&CHECK, &account, "IpPermissions", "51 rules");
    }

    #[test]
    fn directions_are_counted_apart() {
        let both = SecurityGroup { egress: vec![hosts(50)], ..group(vec![hosts(50)]) };
        assert_eq!(only(&CHECK, &account_with_group(both)), Ok(Outcome::Pass));
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
