//! The worst findings of a stream, without keeping the rest.

use std::{cmp::Reverse, collections::BinaryHeap};

use demarc_model::{Fingerprint, Severity};

use crate::Finding;

/// Keeps the worst open findings it is shown: by severity, then in the report's order.
#[derive(Debug)]
pub struct Worst {
    keep: usize,
    /// The least bad on top, so that it is the one to go.
    heap: BinaryHeap<Ranked>,
    seen: u64,
}

#[derive(Debug)]
struct Ranked {
    finding: Finding,
    /// Position in the stream.
    position: u64,
}

impl Ranked {
    fn key(&self) -> (Reverse<Severity>, u64, &Fingerprint) {
        (Reverse(self.finding.severity), self.position, &self.finding.fingerprint)
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Worst {
    pub fn new(keep: usize) -> Self {
        Self { keep, heap: BinaryHeap::new(), seen: 0 }
    }

    /// Shows one finding; only open ones count.
    pub fn push(&mut self, finding: &Finding) {
        if !finding.is_open() {
            return;
        }
        self.seen += 1;
        let full = self.heap.len() >= self.keep;
        let better = |top: &Ranked| top.finding.severity >= finding.severity;
        if self.keep == 0 || full && self.heap.peek().is_some_and(better) {
            return;
        }
        if full {
            self.heap.pop();
        }
        self.heap.push(Ranked { finding: finding.clone(), position: self.seen });
    }

    /// How many open findings it was shown.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The worst first.
    pub fn into_vec(self) -> Vec<Finding> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.finding).collect()
    }
}
