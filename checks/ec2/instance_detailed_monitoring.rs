use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance,
};

use super::exposure::each_instance;

declare_check! {
    /// The instance sends its CloudWatch metrics every minute instead of every five. A stopped
    /// instance sends none; its setting is judged all the same.
    ///
    /// ## Why it matters
    /// An alarm on five-minute averages notices a miner or a flood late, and short spikes not
    /// at all.
    ///
    /// ## Remediation
    /// Detailed monitoring is billed per metric:
    /// ```sh
    /// aws ec2 monitor-instances --instance-ids INSTANCE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html>
    pub(super) static CHECK = {
        id: "ec2.instance-detailed-monitoring",
        title: "instance has detailed monitoring",
        service: Service::Ec2,
        severity: Severity::Low,
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
    Outcome::require(instance.monitoring, || {
        let call = &calls::ec2::DESCRIBE_INSTANCES;
        Evidence::new(call, "Monitoring.State", "disabled", "enabled")
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
    fn detailed_monitoring_passes_and_basic_fails() {
        let detailed = Instance { monitoring: true, ..instance() };
        assert_eq!(only(&CHECK, &account_with_instance(detailed)), Ok(Outcome::Pass));
        let basic = account_with_instance(instance());
        assert_fails(&CHECK, &basic, "Monitoring.State", "disabled");
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
