//! Buckets that other buckets of the account name: as a log's or a replica's destination.

use std::collections::BTreeSet;

use demarc_model::{Inventory, Unread, inventory::s3::Bucket};

/// The names found, and what hides further ones.
pub(super) struct Targets {
    names: BTreeSet<String>,
    gap: Option<Unread>,
}

impl Targets {
    /// All that `find` tells in the account's buckets.
    pub(super) fn of(
        inventory: &Inventory,
        find: impl Fn(&Bucket) -> Result<Vec<String>, Unread>,
    ) -> Self {
        let mut names = BTreeSet::new();
        let mut gap = inventory.s3.buckets.gap().cloned();
        for bucket in inventory.s3.buckets.seen() {
            match find(bucket) {
                Ok(found) => names.extend(found),
                Err(why) => gap = gap.or(Some(why)),
            }
        }
        Self { names, gap }
    }

    /// Destinations of server access logs.
    pub(super) fn of_logs(inventory: &Inventory) -> Self {
        Self::of(inventory, |bucket| {
            Ok(bucket.logging.get()?.iter().map(|logging| logging.target_bucket.clone()).collect())
        })
    }

    pub(super) fn contain(&self, bucket: &Bucket) -> Result<bool, Unread> {
        match &self.gap {
            _ if self.names.contains(&*bucket.subject.name) => Ok(true),
            Some(why) => Err(why.clone()),
            None => Ok(false),
        }
    }
}
