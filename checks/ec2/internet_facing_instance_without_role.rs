use std::sync::Arc;

use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Region, Service, Severity, calls,
    declare_check, inventory::ec2::Instance,
};

use super::{
    exposure::{each_instance, exposure},
    ports::{Source, port_openings},
};

declare_check! {
    /// An instance that the internet reaches on any port carries no instance profile. Reached means
    /// the same as in `ec2.instance-no-exposed-private-port`: an address, a route to an
    /// internet gateway and a rule that admits the internet meet on one interface. A public
    /// address behind closed groups is no finding.
    ///
    /// ## Why it matters
    /// Whoever takes over a process on the instance, or makes it fetch a URL, gets the role's
    /// credentials from the metadata service and acts in the account with them.
    ///
    /// ## Remediation
    /// Put the instance behind a load balancer in a private subnet, or take the role away and
    /// give its permissions to a component that is not exposed:
    /// ```sh
    /// aws ec2 disassociate-iam-instance-profile --association-id ASSOCIATION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html>
    pub(super) static CHECK = {
        id: "ec2.internet-facing-instance-without-role",
        title: "instance reached from the internet carries no role",
        service: Service::Ec2,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        needs: &[
            &calls::ec2::DESCRIBE_INSTANCES,
            &calls::ec2::DESCRIBE_SUBNETS,
            &calls::ec2::DESCRIBE_ROUTE_TABLES,
            &calls::ec2::DESCRIBE_SECURITY_GROUPS,
            &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS,
            &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_EXCLUSIONS,
        ],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |region, instance| {
                evaluate(inventory, region, instance)
            });
        },
    }
}

fn evaluate(inventory: &Inventory, region: &Region, instance: &Instance) -> Assessed {
    let Some(profile) = &instance.instance_profile else { return Ok(Outcome::Pass) };
    let exposure = exposure(inventory, region, instance, |rules| port_openings(rules, |_| true));
    let internet = |source: &Source| matches!(source, Source::Internet(..));
    if let Some((address, opening)) =
        exposure.openings.iter().find(|(_, opening)| internet(&opening.from))
    {
        return Ok(Outcome::fail(
            &calls::ec2::DESCRIBE_INSTANCES,
            "IamInstanceProfile.Arn",
            format!("{profile}, reached at {address} on {}", opening.key()),
            "no instance profile, or no way in from the internet",
        ));
    }
    if let Some(why) = &exposure.unread {
        return Err(Arc::clone(why));
    }
    match exposure.openings.first() {
        // What a prefix list admits may be the internet.
        Some((_, opening)) => opening.assess("", |_, rule| rule),
        None => Ok(Outcome::Pass),
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::ec2::Permission};

    use super::*;
    use crate::{
        ec2::testing::{exposed, permission},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn with_role(rules: Vec<Permission>) -> Inventory {
        let mut account = exposed(rules);
        account.regions[0].ec2.instances.seen_mut()[0].instance_profile =
            Some("arn:aws:iam::123456789012:instance-profile/web".to_owned());
        account
    }

    #[test]
    fn a_role_on_a_public_web_server_fails() {
        let observed = "arn:aws:iam::123456789012:instance-profile/web, \
                        reached at 203.0.113.7 on 443/tcp from 0.0.0.0/0";
        let account = with_role(vec![permission("tcp", 443, 443, &["0.0.0.0/0"])]);
        assert_fails(&CHECK, &account, "IamInstanceProfile.Arn", observed);
    }

    #[test]
    fn a_public_address_behind_closed_groups_passes() {
        let account = with_role(vec![permission("tcp", 443, 443, &["198.51.100.0/24"])]);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn without_a_role_nothing_else_is_asked() {
        let mut account = exposed(vec![permission("tcp", 443, 443, &["0.0.0.0/0"])]);
        account.regions[0].vpc.route_tables =
            Listing::denied(&calls::ec2::DESCRIBE_ROUTE_TABLES, "AccessDenied");
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn unread_routes_or_a_prefix_list_leave_it_open() {
        let mut account = with_role(vec![permission("tcp", 443, 443, &["0.0.0.0/0"])]);
        let routes = &calls::ec2::DESCRIBE_ROUTE_TABLES;
        account.regions[0].vpc.route_tables = Listing::denied(routes, "AccessDenied");
        assert_not_assessed(&CHECK, &account, routes);

        let prefix_lists = vec!["pl-1".to_owned()];
        let listed = Permission { prefix_lists, ..permission("tcp", 443, 443, &[]) };
        assert!(only(&CHECK, &with_role(vec![listed])).is_err());
    }
}
