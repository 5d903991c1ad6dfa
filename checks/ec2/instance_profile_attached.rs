use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance,
};

use super::exposure::each_instance;

declare_check! {
    /// The instance has an instance profile, through which its programs get a role's short-
    /// lived credentials. A stopped instance is judged too: it starts as it is.
    ///
    /// ## Why it matters
    /// Programs that need AWS and have no role are given a user's access keys, which stay on
    /// the disk, in images and in backups, and do not expire.
    ///
    /// ## Remediation
    /// Attach a role with the permissions the programs need, or one without any where they need
    /// none:
    /// ```sh
    /// aws ec2 associate-iam-instance-profile --instance-id INSTANCE --iam-instance-profile Name=PROFILE
    /// ```
    /// An instance that the internet reaches should have no role of weight: see `ec2.internet-
    /// facing-instance-without-role`.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html>
    pub(super) static CHECK = {
        id: "ec2.instance-profile-attached",
        title: "instance has an instance profile",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &Instance) -> Outcome {
    Outcome::require(instance.instance_profile.is_some(), || {
        let call = &calls::ec2::DESCRIBE_INSTANCES;
        Evidence::new(call, "IamInstanceProfile", "none", "an instance profile")
    })
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
    fn with_a_profile_it_passes_and_without_it_fails() {
        let profile = "arn:aws:iam::123456789012:instance-profile/web".to_owned();
        let with = Instance { instance_profile: Some(profile), ..instance() };
        assert_eq!(only(&CHECK, &account_with_instance(with)), Ok(Outcome::Pass));
        let without = account_with_instance(instance());
        assert_fails(&CHECK, &without, "IamInstanceProfile", "none");
    }

    #[test]
    fn an_instance_being_terminated_is_not_judged() {
        let ending = Instance { state: "shutting-down".to_owned(), ..instance() };
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
