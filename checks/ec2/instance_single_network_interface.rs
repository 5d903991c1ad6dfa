use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance,
};

use super::exposure::each_instance;

declare_check! {
    /// The instance has one network interface. Elastic Fabric Adapters count as interfaces, as
    /// in AWS's own control. Appliances and Kubernetes nodes need several: suppress the finding
    /// for them.
    ///
    /// ## Why it matters
    /// An instance with a leg in two subnets routes around whatever separates them.
    ///
    /// ## Remediation
    /// Detach the interfaces beyond the first:
    /// ```sh
    /// aws ec2 detach-network-interface --attachment-id ATTACHMENT
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-17>
    pub(super) static CHECK = {
        id: "ec2.instance-single-network-interface",
        title: "instance has a single network interface",
        service: Service::Ec2,
        severity: Severity::Low,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &Instance) -> Outcome {
    let interfaces = instance.interfaces.as_slice();
    Outcome::require(interfaces.len() <= 1, || {
        let ids: Vec<_> = interfaces.iter().map(|own| own.network_interface_id.as_str()).collect();
        let call = &calls::ec2::DESCRIBE_INSTANCES;
        Evidence::new(call, "NetworkInterfaces", ids.join(", "), "one network interface")
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
    fn one_interface_passes_and_two_fail() {
        let mut single = instance();
        assert_eq!(only(&CHECK, &account_with_instance(instance())), Ok(Outcome::Pass));
        let mut second = single.interfaces[0].clone();
        second.network_interface_id = "eni-2".to_owned();
        single.interfaces.push(second);
        let double = account_with_instance(single);
        assert_fails(&CHECK, &double, "NetworkInterfaces", "eni-1, eni-2");
    }

    #[test]
    fn an_instance_that_is_going_has_lost_its_interfaces_and_is_not_judged() {
        let ending = Instance { state: "terminated".to_owned(), interfaces: vec![], ..instance() };
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
