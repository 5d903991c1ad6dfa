use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::SecurityGroup,
};

use super::{
    owned::each_owned,
    ports::{parts, port_openings, rules_of},
};

/// What Security Hub control EC2.18 authorizes by default; it authorizes no UDP port.
const AUTHORIZED: [u16; 2] = [80, 443];

declare_check! {
    /// Inbound rules that let the internet reach any port but TCP 80 and 443. A range that
    /// merely contains them, such as 80-443, opens everything between and fails. UDP 443
    /// (HTTP/3) is not authorized, as in AWS's own control. ICMP has a check of its own.
    ///
    /// What counts as the internet is described under `ec2.security-group-no-open-private-port`;
    /// a rule that admits a prefix list to such a port is not assessed.
    ///
    /// ## Why it matters
    /// The public side of most systems is a web server. Any other open port is either a service
    /// somebody meant to reach from one place, or a leftover.
    ///
    /// ## Remediation
    /// Put the service behind a load balancer on 443, or narrow the rule to its clients:
    /// ```sh
    /// aws ec2 modify-security-group-rules --group-id GROUP --security-group-rules \
    ///   'SecurityGroupRuleId=RULE,SecurityGroupRule={IpProtocol=tcp,FromPort=9000,ToPort=9000,CidrIpv4=198.51.100.7/32}'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18>
    /// - <https://docs.aws.amazon.com/config/latest/developerguide/vpc-sg-open-only-to-authorized-ports.html>
    pub(super) static CHECK = {
        id: "ec2.security-group-only-authorized-open-ports",
        title: "security group opens only ports 80 and 443 to the internet",
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
    let openings = port_openings(&rules_of(group), |span| !span.is_tcp_among(&AUTHORIZED));
    parts(&openings, "tcp 80 and tcp 443 alone")
}

#[cfg(test)]
mod tests {
    use demarc_model::Listing;

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, group, permission},
        testing::{assert_not_assessed, failures, only, with_region},
    };

    #[test]
    fn web_ports_pass_and_so_does_anything_from_within() {
        let account = account_with_group(group(vec![
            permission("tcp", 80, 80, &["0.0.0.0/0"]),
            permission("6", 443, 443, &["::/0"]),
            permission("tcp", 9000, 9000, &["192.168.0.0/16"]),
            permission("icmp", 8, -1, &["0.0.0.0/0"]),
        ]));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_range_between_the_web_ports_and_quic_fail() {
        let account = account_with_group(group(vec![
            permission("tcp", 80, 443, &["0.0.0.0/0"]),
            permission("udp", 443, 443, &["::/0"]),
        ]));
        let expected = [
            "80-443/tcp from 0.0.0.0/0: IpPermissions is tcp 80-443 from 0.0.0.0/0",
            "443/udp from ::/0: IpPermissions is udp 443 from ::/0",
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
