use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::SecurityGroup,
};

use super::owned::each_owned;

declare_check! {
    /// The console's launch wizard makes a group named `launch-wizard-N` when nobody chooses one.
    /// Its name cannot be changed, so neither can this verdict: the group has to be replaced. What
    /// its rules admit is judged by the other checks.
    ///
    /// ## Why it matters
    /// The wizard's groups were made in passing, for one instance, often with SSH or RDP open to
    /// everyone. They say nothing about their purpose and are attached to other instances later.
    ///
    /// ## Remediation
    /// Copy what is needed into a group with a name and a description, attach it instead, and
    /// delete this one:
    /// ```sh
    /// aws ec2 create-security-group --group-name web --description "HTTPS from the balancer" --vpc-id VPC
    /// aws ec2 modify-instance-attribute --instance-id INSTANCE --groups NEWGROUP
    /// aws ec2 delete-security-group --group-id GROUP
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-launch-instance-wizard.html>
    pub(super) static CHECK = {
        id: "ec2.security-group-not-from-launch-wizard",
        title: "security group was not made by the launch wizard",
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
    let number = group.group_name.strip_prefix("launch-wizard-").unwrap_or_default();
    let made_by_wizard = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    Outcome::require(!made_by_wizard, || {
        Evidence::new(
            &calls::ec2::DESCRIBE_SECURITY_GROUPS,
            "GroupName",
            group.group_name.clone(),
            "a group made for its purpose",
        )
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{account_with_group, group},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn named(name: &str) -> Inventory {
        account_with_group(SecurityGroup { group_name: name.to_owned(), ..group(vec![]) })
    }

    #[test]
    fn the_wizards_numbered_name_fails() {
        assert_fails(&CHECK, &named("launch-wizard-12"), "GroupName", "launch-wizard-12");
    }

    #[test]
    fn a_name_that_merely_begins_alike_passes() {
        assert_eq!(only(&CHECK, &named("launch-wizard-replacement")), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &named("web")), Ok(Outcome::Pass));
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
