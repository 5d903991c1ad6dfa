use demarc_model::{
    Assessed, ControlType, Layer, Region, Service, Severity, calls::rds as calls, declare_check,
};

use super::events::Events;

declare_check! {
    /// One verdict for each region with instances: enabled subscriptions, taken together, must
    /// deliver `maintenance`, `configuration change` and `failure` of every instance. A
    /// subscription without a source type, list of sources or list of categories covers all of
    /// them; one whose topic is gone, or refuses it, delivers nothing.
    ///
    /// ## Why it matters
    /// A failover, a full disk, or a change of settings that nobody ordered is then noticed by the
    /// users first.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds create-event-subscription --subscription-name rds-instance --sns-topic-arn TOPIC-ARN \
    ///   --source-type db-instance --event-categories "maintenance" "configuration change" "failure"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html>
    pub(super) static CHECK = {
        id: "rds.event-subscription-instance",
        title: "failures and changes of database instances are announced",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::DESCRIBE_DB_INSTANCES, &calls::DESCRIBE_EVENT_SUBSCRIPTIONS],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

const EVENTS: Events = Events {
    source_type: "db-instance",
    categories: &["maintenance", "configuration change", "failure"],
};

fn evaluate(region: &Region) -> Assessed {
    let instances = region.rds.instances.all()?.iter().map(|instance| &*instance.identifier);
    EVENTS.of_each(region, instances, "the region has no database instances")
}

#[cfg(test)]
mod tests {
    use demarc_model::{Outcome, inventory::rds::EventSubscription};

    use super::*;
    use crate::{
        rds::testing::{
            denied_instances, subscribed, subscription, subscription_to, unknown_subscriptions,
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn partial(categories: &[&str]) -> EventSubscription {
        subscription_to("db-instance", categories)
    }

    #[test]
    fn a_subscription_to_everything_passes() {
        assert_eq!(only(&CHECK, &subscribed(vec![subscription()])), Ok(Outcome::Pass));
    }

    #[test]
    fn subscriptions_add_up() {
        let two = vec![partial(&["failure", "maintenance"]), partial(&["configuration change"])];
        assert_eq!(only(&CHECK, &subscribed(two)), Ok(Outcome::Pass));
    }

    #[test]
    fn the_missing_category_is_named() {
        let observed = "no delivery of configuration change for every db-instance";
        let account = subscribed(vec![partial(&["failure", "maintenance"])]);
        assert_fails(&CHECK, &account, "EventSubscriptionsList", observed);
    }

    #[test]
    fn a_list_of_sources_must_name_them_all() {
        let of = |name: &str| EventSubscription {
            source_ids: vec![name.to_owned()],
            ..partial(&["failure", "maintenance", "configuration change"])
        };
        assert_eq!(only(&CHECK, &subscribed(vec![of("orders")])), Ok(Outcome::Pass));
        let account = subscribed(vec![of("invoices")]);
        let observed =
            "no delivery of maintenance, configuration change, failure for every db-instance";
        assert_fails(&CHECK, &account, "EventSubscriptionsList", observed);
    }

    #[test]
    fn a_subscription_that_lost_its_topic_delivers_nothing() {
        let lost = EventSubscription { status: "topic-not-exist".to_owned(), ..subscription() };
        let observed =
            "no delivery of maintenance, configuration change, failure for every db-instance";
        assert_fails(&CHECK, &subscribed(vec![lost]), "EventSubscriptionsList", observed);
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
