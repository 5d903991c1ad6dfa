//! Who is told when something happens to a database.

use demarc_model::{
    Assessed, Evidence, Outcome, Region, calls::rds as calls, inventory::rds::EventSubscription,
};

/// What should be announced, and where it comes from.
pub(super) struct Events<'a> {
    pub(super) source_type: &'static str,
    pub(super) categories: &'static [&'static str],
    /// Each of these must be covered; `None` asks for subscriptions to all sources.
    pub(super) sources: Option<Vec<&'a str>>,
}

impl Events<'_> {
    /// Whether subscriptions of the region, taken together, announce all of it.
    pub(super) fn are_announced(&self, region: &Region) -> Assessed {
        let subscriptions = &region.rds.event_subscriptions;
        let is_announced =
            |category: &&str| self.is_covered(subscriptions.seen(), category.to_owned());
        let missing: Vec<&str> =
            self.categories.iter().copied().filter(|c| !is_announced(c)).collect();
        if missing.is_empty() {
            return Ok(Outcome::Pass);
        }
        subscriptions.all()?;
        Ok(Outcome::Fail(vec![Evidence::new(
            &calls::DESCRIBE_EVENT_SUBSCRIPTIONS,
            "EventSubscriptionsList",
            format!("no delivery of {} for every {}", missing.join(", "), self.source_type),
            format!("an enabled subscription to {}", self.categories.join(", ")),
        )]))
    }

    fn is_covered(&self, subscriptions: &[EventSubscription], category: &str) -> bool {
        let able: Vec<_> = subscriptions
            .iter()
            .filter(|subscription| self.delivers(subscription, category))
            .collect();
        if able.iter().any(|subscription| subscription.source_ids.is_empty()) {
            return true;
        }
        let names = |subscription: &&EventSubscription, source: &str| {
            subscription.source_ids.iter().any(|id| id.eq_ignore_ascii_case(source))
        };
        self.sources.as_ref().is_some_and(|sources| {
            sources.iter().all(|source| able.iter().any(|able| names(able, source)))
        })
    }

    /// A subscription without a source type is to all of them, one without categories to every
    /// category (API reference, `CreateEventSubscription`). One that lost its topic or its
    /// permission to publish announces nothing.
    fn delivers(&self, subscription: &EventSubscription, category: &str) -> bool {
        let undeliverable = ["no-permission", "topic-not-exist", "deleting"];
        subscription.enabled
            && !undeliverable.contains(&&*subscription.status)
            && subscription.source_type.as_deref().is_none_or(|source| source == self.source_type)
            && (subscription.event_categories.is_empty()
                || subscription.event_categories.iter().any(|c| c == category))
    }
}
