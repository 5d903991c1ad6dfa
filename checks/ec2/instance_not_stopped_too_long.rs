use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Instance, time::Timestamp,
};

use super::exposure::{each_instance, not_shown};

const MAXIMUM_DAYS: i64 = 30;

declare_check! {
    /// A stopped instance was stopped at most 30 days ago. The day is the one in
    /// `StateTransitionReason`; where AWS gives none there, an instance that was started within
    /// the 30 days cannot have been stopped for longer, and otherwise the verdict is not known.
    ///
    /// ## Why it matters
    /// A stopped instance misses every patch, keeps its volumes with whatever is on them, and
    /// comes back one day with the holes of the day it went to sleep.
    ///
    /// ## Remediation
    /// Keep a snapshot or an image if the data is needed, then terminate the instance:
    /// ```sh
    /// aws ec2 create-image --instance-id INSTANCE --name retired-INSTANCE
    /// aws ec2 terminate-instances --instance-ids INSTANCE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-4>
    pub(super) static CHECK = {
        id: "ec2.instance-not-stopped-too-long",
        title: "stopped instance is removed within 30 days",
        service: Service::Ec2,
        severity: Severity::Low,
        layer: Layer::OperatingSystem,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        needs: &[&calls::ec2::DESCRIBE_INSTANCES],
        evaluate: |inventory, findings| {
            each_instance(inventory, findings, |_, instance| evaluate(instance, inventory.taken_at));
        },
    }
}

fn evaluate(instance: &Instance, now: Timestamp) -> Assessed {
    if instance.state != "stopped" {
        return Ok(Outcome::NotApplicable("the instance is not stopped"));
    }
    let recent = |at: Timestamp| at.days_before(now) <= MAXIMUM_DAYS;
    let Some(stopped) = stopped_at(&instance.state_transition_reason) else {
        return match instance.launch_time {
            Some(launched) if recent(launched) => Ok(Outcome::Pass),
            _ => Err(not_shown(&calls::ec2::DESCRIBE_INSTANCES, "when the instance was stopped")),
        };
    };
    Ok(Outcome::require(recent(stopped), || {
        Evidence::new(
            &calls::ec2::DESCRIBE_INSTANCES,
            "StateTransitionReason",
            format!("stopped {}", stopped.date()),
            format!("at most {MAXIMUM_DAYS} days before the scan"),
        )
    }))
}

/// The moment in `User initiated (2026-01-02 03:04:05 GMT)`.
fn stopped_at(reason: &str) -> Option<Timestamp> {
    let (_, moment) = reason.rsplit_once('(')?;
    let (date, time) = moment.strip_suffix(" GMT)")?.split_once(' ')?;
    Timestamp::parse(&format!("{date}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{account_with_instance, instance},
        testing::{assert_fails, assert_not_assessed, now, only, with_region},
    };

    fn stopped(reason: &str, started_days_ago: i64) -> Inventory {
        account_with_instance(Instance {
            state: "stopped".to_owned(),
            state_transition_reason: reason.to_owned(),
            launch_time: Some(now().plus_days(-started_days_ago)),
            ..instance()
        })
    }

    #[test]
    fn the_day_of_the_stop_counts_not_that_of_the_start() {
        let account = stopped("User initiated (2026-11-01 10:00:00 GMT)", 400);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn more_than_thirty_days_fail() {
        let account = stopped("User initiated (2026-10-01 10:00:00 GMT)", 400);
        let observed = "stopped 2026-10-01";
        assert_fails(&CHECK, &account, "StateTransitionReason", observed);
    }

    #[test]
    fn without_a_day_only_a_recent_start_settles_it() {
        let reason = "Server.SpotInstanceShutdown: stopped due to Spot interruption";
        assert_eq!(only(&CHECK, &stopped(reason, 30)), Ok(Outcome::Pass));
        assert!(only(&CHECK, &stopped(reason, 31)).is_err());
    }

    #[test]
    fn a_running_instance_is_not_judged() {
        let verdict = only(&CHECK, &account_with_instance(instance()));
        assert_eq!(verdict, Ok(Outcome::NotApplicable("the instance is not stopped")));
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
