use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check, inventory::ec2::Instance,
};

use super::exposure::each_instance;

declare_check! {
    /// The instance was launched without an EC2 key pair. Keys that were put in later, through
    /// user data or by hand, cannot be seen from here.
    ///
    /// ## Why it matters
    /// A key pair is a shared secret without an owner or an end date. Session Manager and EC2
    /// Instance Connect tie each login to a person's IAM identity and log it.
    ///
    /// ## Remediation
    /// The key name of an instance cannot be changed: launch its successor without one, and
    /// reach it through Session Manager:
    /// ```sh
    /// aws ssm start-session --target INSTANCE
    /// ```
    /// Until then, remove the public key from `authorized_keys` in the guest.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html>
    /// - <https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html>
    pub(super) static CHECK = {
        id: "ec2.instance-no-key-pair",
        title: "instance has no SSH key pair",
        service: Service::Ec2,
        severity: Severity::Low,
        layer: Layer::OperatingSystem,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &Instance) -> Outcome {
    match &instance.key_name {
        None => Outcome::Pass,
        Some(name) => {
            Outcome::fail(&calls::ec2::DESCRIBE_INSTANCES, "KeyName", name.clone(), "no key pair")
        }
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::Listing;

    use super::*;
    use crate::{
        ec2::testing::{account_with_instance, instance},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    #[test]
    fn without_a_key_pair_it_passes_and_with_one_it_fails() {
        assert_eq!(only(&CHECK, &account_with_instance(instance())), Ok(Outcome::Pass));
        let keyed = Instance { key_name: Some("admin".to_owned()), ..instance() };
        assert_fails(&CHECK, &account_with_instance(keyed), "KeyName", "admin");
    }

    #[test]
    fn an_instance_being_terminated_is_not_judged() {
        let key_name = Some("admin".to_owned());
        let ending = Instance { state: "shutting-down".to_owned(), key_name, ..instance() };
        let verdict = only(&CHECK, &account_with_instance(ending));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_INSTANCES;
        let account = with_region(|region| {
            region.ec2.instances = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
