use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance, time::Timestamp,
};

use super::exposure::{each_instance, not_shown};

const MAXIMUM_DAYS: i64 = 180;

declare_check! {
    /// A running instance was started at most 180 days ago. The age is that of the last start:
    /// stopping and starting moves the instance to other hardware and boots its kernel anew.
    /// Stopped instances are judged by `ec2.instance-not-stopped-too-long`.
    ///
    /// ## Why it matters
    /// What runs for half a year without a boot has not taken a new kernel in that time, and
    /// has usually drifted from whatever it was built from.
    ///
    /// ## Remediation
    /// Replace the instance from a current image. Where it must stay, patch it and restart it:
    /// ```sh
    /// aws ssm send-command --document-name AWS-RunPatchBaseline --parameters Operation=Install --targets Key=InstanceIds,Values=INSTANCE
    /// aws ec2 reboot-instances --instance-ids INSTANCE
    /// ```
    /// A reboot does not change the launch time; stopping and starting does.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/update-management.html>
    pub(super) static CHECK = {
        id: "ec2.instance-not-too-old",
        title: "running instance was started in the last 180 days",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::OperatingSystem,
        control_type: ControlType::SharedPatchManagement,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| evaluate(instance, inventory.taken_at));
        },
    }
}

fn evaluate(instance: &Instance, now: Timestamp) -> Assessed {
    if instance.state != "running" {
        return Ok(Outcome::NotApplicable("the instance is not running"));
    }
    let Some(launched) = instance.launch_time else {
        return Err(not_shown(&calls::ec2::DESCRIBE_INSTANCES, "LaunchTime"));
    };
    Ok(Outcome::require(launched.days_before(now) <= MAXIMUM_DAYS, || {
        Evidence::new(
            &calls::ec2::DESCRIBE_INSTANCES,
            "LaunchTime",
            launched.date(),
            format!("at most {MAXIMUM_DAYS} days before the scan"),
        )
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{account_with_instance, instance},
        testing::{assert_fails, assert_not_assessed, now, only, with_region},
    };

    fn started(days_ago: i64, state: &str) -> Inventory {
        let launch_time = Some(now().plus_days(-days_ago));
        account_with_instance(Instance { launch_time, state: state.to_owned(), ..instance() })
    }

    #[test]
    fn the_hundred_and_eightieth_day_passes_and_the_next_fails() {
        assert_eq!(only(&CHECK, &started(180, "running")), Ok(Outcome::Pass));
        assert_fails(&CHECK, &started(181, "running"), "LaunchTime", "2026-05-25");
    }

    #[test]
    fn a_stopped_instance_does_not_age() {
        assert!(matches!(only(&CHECK, &started(500, "stopped")), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_a_launch_time_the_age_is_unknown() {
        let unknown = Instance { launch_time: None, ..instance() };
        assert!(only(&CHECK, &account_with_instance(unknown)).is_err());
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
