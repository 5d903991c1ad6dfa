//! Who is told when something happens to a database.

use demarc_model::{
    Assessed, Evidence, Outcome, Region, calls::rds as calls, inventory::rds::EventSubscription,
};

/// What should be announced.
pub(super) struct Events {
    pub(super) source_type: &'static str,
    pub(super) categories: &'static [&'static str],
}

impl Events {
    /// Whether the region's subscriptions, taken together, announce the events of each of the
    /// sources; `none` says that there are no sources.
    pub(super) fn of_each<'a>(
        &self,
        region: &Region,
        sources: impl IntoIterator<Item = &'a str>,
        none: &'static str,
    ) -> Assessed {
        let sources: Vec<&str> = sources.into_iter().collect();
        if sources.is_empty() {
            return Ok(Outcome::NotApplicable(none));
        }
        self.are_announced(region, Some(&sources))
    }

    /// The same of any source, which takes a subscription to all of them.
    pub(super) fn of_any(&self, region: &Region) -> Assessed {
        self.are_announced(region, None)
    }

    fn are_announced(&self, region: &Region, sources: Option<&[&str]>) -> Assessed {
        let subscriptions = &region.rds.event_subscriptions;
        let is_announced =
            |category: &&str| self.is_covered(subscriptions.seen(), category.to_owned(), sources);
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

    fn is_covered(
        &self,
        subscriptions: &[EventSubscription],
        category: &str,
        sources: Option<&[&str]>,
    ) -> bool {
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
        sources.is_some_and(|sources| {
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
