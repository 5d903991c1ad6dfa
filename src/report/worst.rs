//! The worst findings of many, without keeping the rest.

use std::{cmp::Reverse, collections::BTreeSet};

use demarc_model::Severity;
use serde::{Deserialize, Serialize};

use crate::Finding;

/// Keeps the worst open findings it is shown: by severity, then in the report's order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Worst {
    keep: usize,
    found: BTreeSet<Ranked>,
    seen: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Ranked(Finding);

type Key<'a> = (Reverse<Severity>, (&'a str, &'a str, &'a str, &'a str, &'a str));

fn key(finding: &Finding) -> Key<'_> {
    (Reverse(finding.severity), finding.sort_key())
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        key(&self.0).cmp(&key(&other.0))
    }
}

impl Worst {
    pub fn new(keep: usize) -> Self {
        Self { keep, found: BTreeSet::new(), seen: 0 }
    }

    /// Shows one finding; only open ones count.
    pub fn push(&mut self, finding: &Finding) {
        if !finding.is_open() {
            return;
        }
        self.seen += 1;
        let is_worse = |last: &Ranked| key(finding) < key(&last.0);
        if self.found.len() < self.keep || self.found.last().is_some_and(is_worse) {
            self.found.insert(Ranked(finding.clone()));
            self.cut();
        }
    }

    /// Adds what another was shown.
    pub fn merge(&mut self, other: Self) {
        self.seen += other.seen;
        self.found.extend(other.found);
        self.cut();
    }

    fn cut(&mut self) {
        while self.found.len() > self.keep {
            self.found.pop_last();
        }
    }

    /// How many open findings it was shown.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The worst first.
    pub fn into_vec(self) -> Vec<Finding> {
        self.found.into_iter().map(|ranked| ranked.0).collect()
    }
}
