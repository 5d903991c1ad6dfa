use std::collections::BTreeSet;

use demarc_model::{
    Assessed, ControlType, Findings, Inventory, Layer, Outcome, Region, Service, Severity, calls,
    declare_check, inventory::ec2::SecurityGroup,
};

declare_check! {
    /// A security group is in use when a network interface carries it, of an instance or of any
    /// managed service, or when a rule of another group names it. The default group cannot be
    /// deleted, and one shared by another account is not this account's to delete: neither is
    /// judged.
    ///
    /// Launch templates and rules in peered VPCs also name groups and do not show here: look
    /// before deleting.
    ///
    /// ## Why it matters
    /// A forgotten group keeps the rules of its time. Whoever attaches it next opens them again.
    ///
    /// ## Remediation
    /// Delete the group; AWS refuses as long as an interface or a rule still uses it:
    /// ```sh
    /// aws ec2 delete-security-group --group-id GROUP
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-22>
    pub(super) static CHECK = {
        id: "ec2.security-group-in-use",
        title: "security group is in use",
        service: Service::Ec2,
        severity: Severity::Low,
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::SecurityGroup",
        needs: &[
            &calls::ec2::DESCRIBE_SECURITY_GROUPS,
            &calls::ec2::DESCRIBE_NETWORK_INTERFACES,
        ],
        evaluate: evaluate,
    }
}

fn evaluate(inventory: &Inventory, findings: &mut Findings) {
    for region in &inventory.regions {
        let used = used(region);
        findings.each(&region.subject, &region.ec2.security_groups, |group| {
            judge(group, &used, region, &inventory.account_id)
        });
    }
}

/// Ids of the groups that an interface carries or another group's rule names.
fn used(region: &Region) -> BTreeSet<&str> {
    let interfaces = region.ec2.network_interfaces.seen().iter();
    let carried = interfaces.flat_map(|interface| &interface.security_groups).map(String::as_str);
    let named = region.ec2.security_groups.seen().iter().flat_map(|group| {
        let rules = group.ingress.iter().chain(&group.egress);
        let ids = rules.flat_map(|rule| &rule.groups).map(|(id, _)| id.as_str());
        ids.filter(|id| *id != group.group_id)
    });
    carried.chain(named).collect()
}

fn judge(group: &SecurityGroup, used: &BTreeSet<&str>, region: &Region, account: &str) -> Assessed {
    if group.is_default() {
        return Ok(Outcome::NotApplicable("the default group cannot be deleted"));
    }
    if group.owner_id != account {
        return Ok(Outcome::NotApplicable("another account owns the group"));
    }
    if used.contains(&*group.group_id) {
        return Ok(Outcome::Pass);
    }
    region.ec2.network_interfaces.all()?;
    region.ec2.security_groups.all()?;
    Ok(Outcome::fail(
        &calls::ec2::DESCRIBE_NETWORK_INTERFACES,
        "NetworkInterfaces.Groups",
        "no network interface carries it and no other group's rule names it",
        "used, or deleted",
    ))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::ec2::Permission};

    use super::*;
    use crate::{
        ec2::testing::{all_traffic, group, interface},
        testing::{assert_fails, assert_not_assessed, denial, only, run, with_region},
    };

    fn account(groups: Vec<SecurityGroup>, used_by: &[&str]) -> Inventory {
        with_region(|region| {
            region.ec2.security_groups = Listing::complete(groups);
            let mut interface = interface();
            interface.security_groups = used_by.iter().map(|id| (*id).to_owned()).collect();
            region.ec2.network_interfaces = Listing::complete(vec![interface]);
        })
    }

    fn naming(group_id: &str, named: &str) -> SecurityGroup {
        let groups = vec![(named.to_owned(), None)];
        let rule = Permission { groups, ..all_traffic(&[]) };
        SecurityGroup { group_id: group_id.to_owned(), ..group(vec![rule]) }
    }

    #[test]
    fn an_interface_or_another_groups_rule_is_a_use() {
        assert_eq!(only(&CHECK, &account(vec![group(vec![])], &["sg-1"])), Ok(Outcome::Pass));
        let judged = run(&CHECK, &account(vec![group(vec![]), naming("sg-2", "sg-1")], &[]));
        assert_eq!(judged[0].assessed, Ok(Outcome::Pass));
    }

    #[test]
    fn a_group_that_names_itself_alone_is_unused() {
        let observed = "no network interface carries it and no other group's rule names it";
        let account = account(vec![naming("sg-1", "sg-1")], &["sg-9"]);
        assert_fails(&CHECK, &account, "NetworkInterfaces.Groups", observed);
    }

    #[test]
    fn what_this_account_cannot_delete_is_not_judged() {
        let default = SecurityGroup { group_name: "default".to_owned(), ..group(vec![]) };
        let shared = SecurityGroup { owner_id: "210987654321".to_owned(), ..group(vec![]) };
        for group in [default, shared] {
            let verdict = only(&CHECK, &account(vec![group], &[]));
            assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
        }
    }

    #[test]
    fn interfaces_that_were_not_read_might_use_it() {
        let call = &calls::ec2::DESCRIBE_NETWORK_INTERFACES;
        let mut account = account(vec![group(vec![])], &[]);
        account.regions[0].ec2.network_interfaces = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
        let other = vec![group(vec![]), naming("sg-2", "sg-1")];
        account.regions[0].ec2.security_groups = Listing::complete(other);
        let judged = run(&CHECK, &account);
        assert_eq!(judged[0].assessed, Ok(Outcome::Pass));
        assert_eq!(judged[1].assessed, Err(denial(call)));
    }
}
