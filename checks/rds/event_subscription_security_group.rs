use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Region, Service, Severity, calls::rds as calls,
    declare_check,
};

use super::events::Events;

declare_check! {
    /// One verdict for each region with instances: enabled subscriptions to all sources must
    /// deliver `configuration change` and `failure` of DB security groups. These are the groups of
    /// EC2-Classic, which AWS has retired; in a VPC, changes of security groups are told by
    /// CloudTrail instead. The check stands because frameworks ask for it, and weighs accordingly.
    ///
    /// ## Why it matters
    /// A subscription that covers every source type goes on working for whatever RDS raises under
    /// it, and satisfies auditors who look for this one.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds create-event-subscription --subscription-name rds-security-group --sns-topic-arn TOPIC-ARN \
    ///   --source-type db-security-group --event-categories "configuration change" "failure"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html>
    pub(super) static CHECK = {
        id: "rds.event-subscription-security-group",
        title: "events of database security groups are announced",
        service: Service::Rds,
        severity: Severity::Info,
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::DESCRIBE_DB_INSTANCES, &calls::DESCRIBE_EVENT_SUBSCRIPTIONS],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

const EVENTS: Events =
    Events { source_type: "db-security-group", categories: &["configuration change", "failure"] };

fn evaluate(region: &Region) -> Assessed {
    if region.rds.instances.all()?.is_empty() {
        return Ok(Outcome::NotApplicable("the region has no database instances"));
    }
    EVENTS.of_any(region)
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::rds::EventSubscription;

    use super::*;
    use crate::{
        rds::testing::{
            denied_instances, subscribed, subscription, subscription_to, unknown_subscriptions,
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn partial(categories: &[&str]) -> EventSubscription {
        subscription_to("db-security-group", categories)
    }

    #[test]
    fn a_subscription_to_everything_passes() {
        assert_eq!(only(&CHECK, &subscribed(vec![subscription()])), Ok(Outcome::Pass));
    }

    #[test]
    fn the_missing_category_is_named() {
        let observed = "no delivery of failure for every db-security-group";
        let account = subscribed(vec![partial(&["configuration change"])]);
        assert_fails(&CHECK, &account, "EventSubscriptionsList", observed);
    }

    #[test]
    fn a_subscription_to_one_group_is_not_to_all() {
        let source_ids = vec!["legacy".to_owned()];
        let one = EventSubscription { source_ids, ..partial(&[]) };
        let observed = "no delivery of configuration change, failure for every db-security-group";
        assert_fails(&CHECK, &subscribed(vec![one]), "EventSubscriptionsList", observed);
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
