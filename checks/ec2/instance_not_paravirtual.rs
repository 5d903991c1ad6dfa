use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance,
};

use super::exposure::each_instance;

declare_check! {
    /// The instance is a hardware virtual machine. Paravirtual ones exist on instance types of
    /// before 2014 alone; AWS recommends `hvm` for all.
    ///
    /// ## Why it matters
    /// Paravirtual guests cannot run on the Nitro system, which has no operator access and
    /// offloads networking and encryption from the host; their kernels have stopped receiving
    /// care.
    ///
    /// ## Remediation
    /// The type of virtualization is the image's: install anew on an image of type `hvm` and
    /// move the data.
    /// ```sh
    /// aws ec2 run-instances --image-id HVM-IMAGE --instance-type t3.small --subnet-id SUBNET
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ComponentsAMIs.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-24>
    pub(super) static CHECK = {
        id: "ec2.instance-not-paravirtual",
        title: "instance is not paravirtual",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::OperatingSystem,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &Instance) -> Outcome {
    Outcome::require(instance.virtualization_type != "paravirtual", || {
        let call = &calls::ec2::DESCRIBE_INSTANCES;
        Evidence::new(call, "VirtualizationType", "paravirtual", "hvm")
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
    fn hvm_passes_and_paravirtual_fails() {
        assert_eq!(only(&CHECK, &account_with_instance(instance())), Ok(Outcome::Pass));
        let old = Instance { virtualization_type: "paravirtual".to_owned(), ..instance() };
        assert_fails(&CHECK, &account_with_instance(old), "VirtualizationType", "paravirtual");
    }

    #[test]
    fn an_instance_being_terminated_is_not_judged() {
        let virtualization_type = "paravirtual".to_owned();
        let ending = Instance { state: "terminated".to_owned(), virtualization_type, ..instance() };
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
