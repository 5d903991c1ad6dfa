use demarc_model::{
    Assessed, ControlType, Layer, Region, Service, Severity, calls::rds as calls, declare_check,
};

use super::events::Events;

declare_check! {
    /// One verdict for each region in which an instance uses a parameter group of its own making:
    /// enabled subscriptions, taken together, must deliver `configuration change` of every such
    /// group. Default groups cannot be changed and raise no events.
    ///
    /// ## Why it matters
    /// Parameters switch off TLS, auditing and logging without touching the instance. The event is
    /// the notice that somebody did.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds create-event-subscription --subscription-name rds-parameter-group --sns-topic-arn TOPIC-ARN \
    ///   --source-type db-parameter-group --event-categories "configuration change"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html>
    pub(super) static CHECK = {
        id: "rds.event-subscription-parameter-group",
        title: "changes of parameter groups are announced",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::DESCRIBE_DB_INSTANCES, &calls::DESCRIBE_EVENT_SUBSCRIPTIONS],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

const EVENTS: Events =
    Events { source_type: "db-parameter-group", categories: &["configuration change"] };

fn evaluate(region: &Region) -> Assessed {
    let instances = region.rds.instances.all()?;
    let groups = instances
        .iter()
        .flat_map(|instance| instance.parameter_groups.iter().map(String::as_str))
        .filter(|group| !group.starts_with("default."));
    EVENTS.of_each(region, groups, "no instance uses a parameter group that can change")
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Outcome,
        inventory::rds::{DbInstance, EventSubscription},
    };

    use super::*;
    use crate::{
        rds::testing::{
            denied_instances, instance, subscribed, subscription, subscription_to,
            unknown_subscriptions, with_instance,
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn partial(categories: &[&str]) -> EventSubscription {
        subscription_to("db-parameter-group", categories)
    }

    #[test]
    fn a_subscription_to_everything_passes() {
        assert_eq!(only(&CHECK, &subscribed(vec![subscription()])), Ok(Outcome::Pass));
    }

    #[test]
    fn another_category_does_not_tell_of_changes() {
        let observed = "no delivery of configuration change for every db-parameter-group";
        let account = subscribed(vec![partial(&["failure"])]);
        assert_fails(&CHECK, &account, "EventSubscriptionsList", observed);
    }

    #[test]
    fn a_switched_off_subscription_delivers_nothing() {
        let off = EventSubscription { enabled: false, ..subscription() };
        let observed = "no delivery of configuration change for every db-parameter-group";
        assert_fails(&CHECK, &subscribed(vec![off]), "EventSubscriptionsList", observed);
    }

    #[test]
    fn default_groups_never_change() {
        let parameter_groups = vec!["default.mysql8.0".to_owned()];
        let account = with_instance(DbInstance { parameter_groups, ..instance("mysql", "8.0.36") });
        let verdict = only(&CHECK, &account);
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn unknown_instances_leave_the_region_open() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }

    #[test]
    fn unknown_subscriptions_are_not_missing_ones() {
        let call = &calls::DESCRIBE_EVENT_SUBSCRIPTIONS;
        assert_not_assessed(&CHECK, &unknown_subscriptions(), call);
    }
}
