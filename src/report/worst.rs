//! The worst findings of many, without keeping the rest.

use std::cmp::Reverse;

use demarc_model::Severity;
use serde::{Deserialize, Serialize};

use crate::Finding;

/// Keeps the worst open findings it is shown: by severity, then in the report's order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Worst<const KEPT: usize> {
    /// The worst first.
    found: Vec<Finding>,
    seen: u64,
}

type Key<'a> = (Reverse<Severity>, (&'a str, &'a str, &'a str, &'a str, &'a str));

fn key(finding: &Finding) -> Key<'_> {
    (Reverse(finding.severity), finding.sort_key())
}

impl<const KEPT: usize> Worst<KEPT> {
    /// Shows one finding; only open ones count.
    pub fn push(&mut self, finding: &Finding) {
        if !finding.is_open() {
            return;
        }
        self.seen += 1;
        let is_worse = |last: &Finding| key(finding) < key(last);
        if self.found.len() < KEPT || self.found.last().is_some_and(is_worse) {
            let at = self.found.partition_point(|known| key(known) <= key(finding));
            self.found.insert(at, finding.clone());
            self.found.truncate(KEPT);
        }
    }

    /// Adds what another was shown.
    pub fn merge(&mut self, other: Self) {
        self.seen += other.seen;
        self.found.extend(other.found);
        self.found.sort_by(|a, b| key(a).cmp(&key(b)));
        self.found.truncate(KEPT);
    }

    /// How many open findings it was shown.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The worst first.
    pub fn into_vec(self) -> Vec<Finding> {
        self.found
    }
}
