use demarc_model::{
    ControlType, Evidence, Findings, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
    inventory::ec2::{Permission, SecurityGroup},
};

use super::ports::ports_text;

declare_check! {
    /// The group named `default` that every VPC has, and that nobody can delete, holds no rule,
    /// neither inbound nor outbound. AWS fills it with two: all traffic from its own members,
    /// and all traffic to anywhere. Other groups are not judged.
    ///
    /// ## Why it matters
    /// What is launched without naming a group gets this one. Closed, the omission shows at
    /// once; open, the new resource talks to every other one that was launched the same way.
    ///
    /// ## Remediation
    /// Move its members to groups of their own, then revoke both rules:
    /// ```sh
    /// aws ec2 revoke-security-group-ingress --group-id GROUP --security-group-rule-ids RULE
    /// aws ec2 revoke-security-group-egress --group-id GROUP --security-group-rule-ids RULE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-2>
    pub(super) static CHECK = {
        id: "ec2.security-group-default-closed",
        title: "default security group has no rules",
        service: Service::Ec2,
        severity: Severity::High,
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::SecurityGroup",
        needs: &[&calls::ec2::DESCRIBE_SECURITY_GROUPS],
        evaluate: evaluate,
    }
}

fn evaluate(inventory: &Inventory, findings: &mut Findings) {
    for region in &inventory.regions {
        let groups = &region.ec2.security_groups;
        for group in groups.seen().iter().filter(|group| group.is_default()) {
            let assessed = if group.owner_id == inventory.account_id {
                judge(group)
            } else {
                Outcome::NotApplicable("another account owns the group")
            };
            findings.one(&group.subject, Ok(assessed));
        }
        findings.gap(&region.subject, groups);
    }
}

fn judge(group: &SecurityGroup) -> Outcome {
    let directions = [("IpPermissions", &group.ingress), ("IpPermissionsEgress", &group.egress)];
    let open = directions.into_iter().filter(|(_, rules)| !rules.is_empty());
    let evidence: Vec<_> = open
        .map(|(field, rules)| {
            let rules: Vec<_> = rules.iter().map(|rule| text(rule, &group.group_id)).collect();
            let call = &calls::ec2::DESCRIBE_SECURITY_GROUPS;
            Evidence::new(call, field, rules.join("; "), "no rules")
        })
        .collect();
    if evidence.is_empty() { Outcome::Pass } else { Outcome::Fail(evidence) }
}

/// `all traffic: 0.0.0.0/0, its own members`.
fn text(permission: &Permission, own: &str) -> String {
    let ranges = permission.ranges.iter().map(ToString::to_string);
    let groups = permission
        .groups
        .iter()
        .map(|(id, _)| if id == own { "its own members".to_owned() } else { id.clone() });
    let peers: Vec<_> =
        ranges.chain(permission.prefix_lists.iter().cloned()).chain(groups).collect();
    format!("{}: {}", ports_text(permission), peers.join(", "))
}

#[cfg(test)]
mod tests {
    use demarc_model::Listing;

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, all_traffic, group},
        testing::{assert_not_assessed, failures, only, run, with_region},
    };

    fn default_group(ingress: Vec<Permission>, egress: Vec<Permission>) -> SecurityGroup {
        SecurityGroup { group_name: "default".to_owned(), egress, ..group(ingress) }
    }

    #[test]
    fn the_rules_that_aws_puts_in_fail_in_both_directions() {
        let members = Permission { groups: vec![("sg-1".to_owned(), None)], ..all_traffic(&[]) };
        let account =
            account_with_group(default_group(vec![members], vec![all_traffic(&["0.0.0.0/0"])]));
        let expected = [
            "sg-1: IpPermissions is all traffic: its own members",
            "sg-1: IpPermissionsEgress is all traffic: 0.0.0.0/0",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn without_rules_it_passes() {
        let account = account_with_group(default_group(vec![], vec![]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn other_groups_are_not_judged() {
        let account = account_with_group(group(vec![all_traffic(&["0.0.0.0/0"])]));
        assert!(run(&CHECK, &account).is_empty());
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
