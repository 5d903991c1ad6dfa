use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::SecurityGroup,
};

use super::{
    owned::each_owned,
    ports::{parts, private_openings, rules_of},
};

declare_check! {
    /// Inbound rules that let the internet reach a port whose service belongs inside a network:
    /// remote administration, file sharing, directories, databases, caches, queues, mail and
    /// cluster control. Every port that AWS counts as high-risk is among them.
    ///
    /// Each finding is one port and one source, such as `22/tcp SSH from 0.0.0.0/0`; IPv4 and
    /// IPv6 are told apart. The internet is `0.0.0.0/0` and `::/0`, and equally several ranges
    /// that add up to it, or to as many public addresses as an IPv4 /8 or an IPv6 /16, even
    /// when they stand in different rules. A rule that opens more than eight of these ports is one
    /// finding, named by its range (`1024-65535/tcp`, `all ports`). A rule that admits a prefix
    /// list is not assessed: its entries are not part of the rule. Other security groups as
    /// sources are not the internet.
    ///
    /// A group that another account owns, in a VPC that is shared, is judged there.
    ///
    /// ## Why it matters
    /// Open ports of these services are found by scanners within minutes of appearing, and
    /// tried with leaked passwords and published exploits from then on.
    ///
    /// ## Remediation
    /// Reach administration through Session Manager or a VPN, and admit to data services the
    /// clients' security group instead of addresses. Then take the rule away:
    /// ```sh
    /// aws ec2 revoke-security-group-ingress --group-id GROUP --ip-permissions \
    ///   'IpProtocol=tcp,FromPort=22,ToPort=22,IpRanges=[{CidrIp=0.0.0.0/0}]'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-rules-reference.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19>
    pub(super) static CHECK = {
        id: "ec2.security-group-no-open-private-port",
        title: "security group opens no private service's port to the internet",
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
    let openings = private_openings(&rules_of(group));
    parts(&openings, "the port closed to the internet")
}

#[cfg(test)]
mod tests {
    use demarc_model::{Cause, Listing, Read, inventory::ec2::Permission};

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, all_traffic, group, permission},
        testing::{assert_fails, assert_not_assessed, failures, only, run, with_region},
    };

    #[test]
    fn an_open_port_is_named_with_its_service_and_source() {
        let account = account_with_group(group(vec![
            permission("tcp", 443, 443, &["0.0.0.0/0", "::/0"]),
            permission("tcp", 3306, 3306, &["10.0.0.0/8", "0.0.0.0/0", "::/0"]),
        ]));
        let expected = [
            "3306/tcp MySQL from 0.0.0.0/0: IpPermissions is tcp 3306 from 0.0.0.0/0",
            "3306/tcp MySQL from ::/0: IpPermissions is tcp 3306 from ::/0",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn private_sources_web_ports_and_other_groups_pass() {
        let from_group = Permission {
            groups: vec![("sg-2".to_owned(), None)],
            ..permission("tcp", 22, 22, &["10.0.0.0/8"])
        };
        let web = permission("tcp", 443, 443, &["0.0.0.0/0"]);
        let account = account_with_group(group(vec![from_group, web]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn two_halves_are_the_internet() {
        let halves = permission("tcp", 22, 22, &["0.0.0.0/1", "128.0.0.0/1"]);
        let observed = "tcp 22 from 0.0.0.0/1, 128.0.0.0/1";
        assert_fails(&CHECK, &account_with_group(group(vec![halves])), "IpPermissions", observed);
    }

    #[test]
    fn all_traffic_is_one_finding() {
        let account = account_with_group(group(vec![all_traffic(&["0.0.0.0/0"])]));
        assert_eq!(
            failures(&CHECK, &account),
            ["all ports from 0.0.0.0/0: IpPermissions is all traffic from 0.0.0.0/0"]
        );
    }

    #[test]
    fn what_a_prefix_list_admits_is_not_known() {
        let listed = Permission {
            prefix_lists: vec!["pl-1".to_owned()],
            ..permission("tcp", 22, 22, &["10.0.0.0/8"])
        };
        let judged = run(&CHECK, &account_with_group(group(vec![listed])));
        assert_eq!(judged.len(), 1);
        assert_eq!(judged[0].part, "22/tcp SSH from pl-1");
        let why = judged[0].assessed.clone().expect_err("not assessed");
        assert_eq!(
            Read::<()>::unknown(why.call, why.cause.clone()),
            Read::unknown(
                &calls::ec2::DESCRIBE_SECURITY_GROUPS,
                Cause::NotShown { what: "the entries of prefix list pl-1".to_owned() }
            )
        );
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
