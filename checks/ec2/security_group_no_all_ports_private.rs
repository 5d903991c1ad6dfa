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
    /// Inbound rules that open all ports to a range of addresses short of the internet, such as the
    /// whole VPC or the company's network. Rules whose source is a security group are left
    /// out: their members are named one by one. The internet as source is the finding of
    /// `ec2.security-group-no-open-all-ports`.
    ///
    /// ## Why it matters
    /// One machine taken over inside the range reaches every service of the group's members,
    /// not just the one it was a client of.
    ///
    /// ## Remediation
    /// Name the ports, or the clients' security group:
    /// ```sh
    /// aws ec2 authorize-security-group-ingress --group-id GROUP \
    ///   --protocol tcp --port 443 --source-group CLIENTS
    /// aws ec2 revoke-security-group-ingress --group-id GROUP --protocol all --cidr 10.0.0.0/8
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>
    pub(super) static CHECK = {
        id: "ec2.security-group-no-all-ports-private",
        title: "security group opens all ports to no address range, not even a private one",
        service: Service::Ec2,
        severity: Severity::Medium,
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
    for permission in group.ingress.iter().filter(|permission| permission.covers_all_ports()) {
        for range in &permission.ranges {
            if !Addresses::of(Family::of(range), [range]).is_open() {
                let evidence = Evidence::new(
                    &calls::ec2::DESCRIBE_SECURITY_GROUPS,
                    "IpPermissions",
                    format!("{} from {range}", ports_text(permission)),
                    "named ports",
                );
                parts.insert(format!("{} from {range}", what(permission)), evidence);
            }
        }
    }
    Outcome::failing_parts(parts)
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::ec2::Permission};

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, all_traffic, group, permission},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    #[test]
    fn all_ports_to_a_private_range_fail() {
        let account = account_with_group(group(vec![all_traffic(&["10.0.0.0/8"])]));
        assert_fails(&CHECK, &account, "IpPermissions", "all traffic from 10.0.0.0/8");
    }

    #[test]
    fn groups_as_sources_named_ports_and_the_internet_are_no_finding_here() {
        let groups = vec![("sg-1".to_owned(), None)];
        let account = account_with_group(group(vec![
            Permission { groups, ..all_traffic(&["0.0.0.0/0", "::/0"]) },
            permission("tcp", 443, 443, &["10.0.0.0/8"]),
        ]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
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
