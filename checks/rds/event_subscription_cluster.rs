use demarc_model::{
    Assessed, ControlType, Layer, Region, Service, Severity, calls::rds as calls, declare_check,
};

use super::events::Events;

declare_check! {
    /// One verdict for each region with clusters: enabled subscriptions, taken together, must
    /// deliver `maintenance` and `failure` of every cluster. A subscription without a source type,
    /// list of sources or list of categories covers all of them; one whose topic is gone, or
    /// refuses it, delivers nothing.
    ///
    /// ## Why it matters
    /// Maintenance that waits for a decision, or a cluster that cannot fail over, shows in these
    /// events before it shows in the application.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds create-event-subscription --subscription-name rds-cluster --sns-topic-arn TOPIC-ARN \
    ///   --source-type db-cluster --event-categories "maintenance" "failure"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html>
    pub(super) static CHECK = {
        id: "rds.event-subscription-cluster",
        title: "failures of database clusters are announced",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS, &calls::DESCRIBE_EVENT_SUBSCRIPTIONS],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

const EVENTS: Events =
    Events { source_type: "db-cluster", categories: &["maintenance", "failure"] };

fn evaluate(region: &Region) -> Assessed {
    let clusters = region.rds.clusters.all()?.iter().map(|cluster| &*cluster.identifier);
    EVENTS.of_each(region, clusters, "the region has no database clusters")
}

#[cfg(test)]
mod tests {
    use demarc_model::{Outcome, inventory::rds::EventSubscription};

    use super::*;
    use crate::{
        rds::testing::{
            denied_clusters, subscribed, subscription, subscription_to, unknown_subscriptions,
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn partial(categories: &[&str]) -> EventSubscription {
        subscription_to("db-cluster", categories)
    }

    #[test]
    fn a_subscription_to_everything_passes() {
        assert_eq!(only(&CHECK, &subscribed(vec![subscription()])), Ok(Outcome::Pass));
    }

    #[test]
    fn the_missing_category_is_named() {
        let observed = "no delivery of maintenance for every db-cluster";
        let account = subscribed(vec![partial(&["failure"])]);
        assert_fails(&CHECK, &account, "EventSubscriptionsList", observed);
    }

    #[test]
    fn events_of_instances_are_not_those_of_clusters() {
        let source_type = Some("db-instance".to_owned());
        let other = EventSubscription { source_type, ..subscription() };
        let observed = "no delivery of maintenance, failure for every db-cluster";
        assert_fails(&CHECK, &subscribed(vec![other]), "EventSubscriptionsList", observed);
    }

    #[test]
    fn unknown_clusters_leave_the_region_open() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }

    #[test]
    fn unknown_subscriptions_are_not_missing_ones() {
        let call = &calls::DESCRIBE_EVENT_SUBSCRIPTIONS;
        assert_not_assessed(&CHECK, &unknown_subscriptions(), call);
    }
}
