use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::{AclEntry, NetworkAcl},
};

use super::{
    internet::{Addresses, Family},
    owned::each_owned,
};

/// Remote administration, as CIS and Security Hub control EC2.21 name it.
const ADMIN: [(u16, &str); 2] = [(22, "SSH"), (3389, "RDP")];

declare_check! {
    /// What a network ACL lets in from the internet to SSH (22) and RDP (3389). Entries are taken
    /// in the order of their numbers, as AWS does: the first that matches a packet decides, so
    /// a deny in front closes the port, and a deny of a few addresses in front does not. IPv4
    /// and IPv6 are decided apart; what no entry matches is denied by the last, `*`.
    ///
    /// Open means `0.0.0.0/0`, `::/0` or as many public addresses as an IPv4 /8 or an IPv6 /16. Where
    /// both ports are open through entries for all ports, that is one finding, `all ports`.
    /// The default ACL, which allows everything, is judged like any other: it cannot be
    /// deleted, but its entries can be replaced. An ACL without subnets filters nothing, and one
    /// that another account owns, in a VPC that is shared, is judged there.
    ///
    /// ## Why it matters
    /// A network ACL is the second line: it still holds when somebody opens a security group.
    ///
    /// ## Remediation
    /// Put a deny, or the networks that may connect, in front of the entry that allows:
    /// ```sh
    /// aws ec2 create-network-acl-entry --network-acl-id ACL --ingress --rule-number 90 \
    ///   --protocol tcp --port-range From=22,To=22 --cidr-block 0.0.0.0/0 --rule-action deny
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-21>
    pub(super) static CHECK = {
        id: "ec2.network-acl-no-open-admin-port",
        title: "network ACL does not admit SSH or RDP from the internet",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::NetworkAcl",
        needs: &[&calls::ec2::DESCRIBE_NETWORK_ACLS],
        evaluate: |inventory, findings| {
            each_owned(inventory, findings, |region| &region.ec2.network_acls, evaluate);
        },
    }
}

fn evaluate(acl: &NetworkAcl) -> Outcome {
    if acl.subnet_ids.is_empty() {
        return Outcome::NotApplicable("no subnet uses it");
    }
    Outcome::failing_parts(Family::BOTH.into_iter().flat_map(|family| open(acl, family)))
}

fn open(acl: &NetworkAcl, family: Family) -> Vec<(String, Evidence)> {
    let found: Vec<_> = ADMIN
        .into_iter()
        .filter_map(|(port, name)| Some((port, name, admitted(acl, family, port)?)))
        .collect();
    let all_ports = |entries: &[&AclEntry]| entries.iter().all(|entry| covers_all_ports(entry));
    if let [(_, _, (from, entries)), (_, _, (_, others))] = found.as_slice()
        && all_ports(entries)
        && all_ports(others)
    {
        return vec![part("all ports", from, entries)];
    }
    let one = |(port, name, (from, entries)): &(u16, &str, (String, Vec<&AclEntry>))| {
        part(&format!("{port}/tcp {name}"), from, entries)
    };
    found.iter().map(one).collect()
}

/// Where from a TCP port is open, and the entries that open it.
fn admitted(acl: &NetworkAcl, family: Family, port: u16) -> Option<(String, Vec<&AclEntry>)> {
    let mut undecided = Addresses::all(family);
    let mut admitted = Addresses::none(family);
    let mut entries = Vec::new();
    for entry in acl.entries.iter().filter(|entry| !entry.egress && covers(entry, port)) {
        let Some(range) = entry.range.filter(|range| Family::of(range) == family) else { continue };
        let range = Addresses::of(family, [&range]);
        let decided = undecided.intersection(&range);
        undecided = undecided.minus(&range);
        if entry.allow && !decided.public().is_empty() {
            admitted = admitted.union(decided);
            entries.push(entry);
        }
    }
    admitted
        .is_open()
        .then(|| (admitted.label(entries.iter().filter_map(|entry| entry.range.as_ref())), entries))
}

fn covers(entry: &AclEntry, port: u16) -> bool {
    let is_tcp = matches!(entry.protocol.as_str(), "-1" | "6" | "tcp");
    // Entries of all protocols cover all ports, whatever range they may carry.
    let ports = entry.ports.filter(|_| entry.protocol != "-1");
    is_tcp && ports.is_none_or(|(from, to)| (from..=to).contains(&i32::from(port)))
}

fn covers_all_ports(entry: &AclEntry) -> bool {
    entry.protocol == "-1" || entry.ports.is_none_or(|(from, to)| from <= 1 && to >= 65_535)
}

fn part(what: &str, from: &str, entries: &[&AclEntry]) -> (String, Evidence) {
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| {
            let range = entry.range.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("rule {} allows {range}", entry.rule_number)
        })
        .collect();
    let evidence = Evidence::new(
        &calls::ec2::DESCRIBE_NETWORK_ACLS,
        "Entries",
        entries.join(", "),
        "SSH and RDP denied, or allowed from known networks alone",
    );
    (format!("{what} from {from}"), evidence)
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{acl, acl_entry},
        testing::{assert_fails, assert_not_assessed, failures, only, with_region},
    };

    fn account(entries: Vec<AclEntry>) -> Inventory {
        with_region(|region| region.ec2.network_acls = Listing::complete(vec![acl(entries)]))
    }

    #[test]
    fn the_default_acl_opens_everything_in_one_finding_a_family() {
        let account = account(vec![
            acl_entry(100, true, "-1", None, "0.0.0.0/0"),
            acl_entry(101, true, "-1", None, "::/0"),
            acl_entry(32767, false, "-1", None, "0.0.0.0/0"),
            acl_entry(32768, false, "-1", None, "::/0"),
        ]);
        let expected = [
            "all ports from 0.0.0.0/0: Entries is rule 100 allows 0.0.0.0/0",
            "all ports from ::/0: Entries is rule 101 allows ::/0",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn a_deny_in_front_closes_the_port_and_one_behind_does_not() {
        let deny = |number| acl_entry(number, false, "6", Some((22, 22)), "0.0.0.0/0");
        let allow = || acl_entry(100, true, "6", Some((0, 65535)), "0.0.0.0/0");
        let rdp = "3389/tcp RDP from 0.0.0.0/0: Entries is rule 100 allows 0.0.0.0/0";
        assert_eq!(failures(&CHECK, &account(vec![deny(90), allow()])), [rdp]);
        let all = "all ports from 0.0.0.0/0: Entries is rule 100 allows 0.0.0.0/0";
        assert_eq!(failures(&CHECK, &account(vec![allow(), deny(110)])), [all]);
    }

    #[test]
    fn a_deny_of_some_addresses_leaves_the_rest_open() {
        let account = account(vec![
            acl_entry(90, false, "6", Some((22, 22)), "198.51.100.0/24"),
            acl_entry(100, true, "6", Some((22, 22)), "0.0.0.0/0"),
        ]);
        assert_fails(&CHECK, &account, "Entries", "rule 100 allows 0.0.0.0/0");
    }

    #[test]
    fn denies_that_add_up_close_the_port() {
        let account = account(vec![
            acl_entry(10, false, "-1", None, "0.0.0.0/1"),
            acl_entry(20, false, "6", Some((20, 3400)), "128.0.0.0/1"),
            acl_entry(100, true, "-1", None, "0.0.0.0/0"),
        ]);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn other_families_protocols_and_private_ranges_do_not_open_it() {
        let account = account(vec![
            acl_entry(10, true, "17", Some((0, 65535)), "0.0.0.0/0"),
            acl_entry(20, true, "6", Some((443, 443)), "::/0"),
            acl_entry(30, true, "-1", None, "10.0.0.0/8"),
            AclEntry { egress: true, ..acl_entry(40, true, "-1", None, "0.0.0.0/0") },
        ]);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn an_acl_without_subnets_filters_nothing() {
        let mut idle = acl(vec![acl_entry(100, true, "-1", None, "0.0.0.0/0")]);
        idle.subnet_ids.clear();
        let account = with_region(|region| region.ec2.network_acls = Listing::complete(vec![idle]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::NotApplicable("no subnet uses it")));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_NETWORK_ACLS;
        let account = with_region(|region| {
            region.ec2.network_acls = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
