//! What the scan meant to read, and what became of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use demarc_model::{Call, Cause};

/// What became of one call in one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers, "none is set" among them.
    pub answered: u64,
    /// Cause id to number of questions left without an answer.
    pub unanswered: BTreeMap<&'static str, u64>,
}

type Tallies = BTreeMap<(&'static Call, Arc<str>), Tally>;

/// One account's ledger.
#[derive(Debug, Default)]
pub struct Ledger {
    tallies: Mutex<Tallies>,
}

impl Ledger {
    fn with<T>(
        &self,
        call: &'static Call,
        region: &Arc<str>,
        f: impl FnOnce(&mut Tally) -> T,
    ) -> T {
        f(self.lock().entry((call, Arc::clone(region))).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().expect("no holder of the ledger panics")
    }

    pub(crate) fn answered(&self, call: &'static Call, region: &Arc<str>) {
        self.with(call, region, |tally| tally.answered += 1);
    }

    pub(crate) fn unanswered(&self, call: &'static Call, region: &Arc<str>, cause: &Cause) {
        self.with(call, region, |tally| *tally.unanswered.entry(cause.id()).or_default() += 1);
    }

    /// Every call and region that was asked, in order.
    pub fn entries(&self) -> Vec<((&'static Call, Arc<str>), Tally)> {
        self.lock().iter().map(|(key, tally)| (key.clone(), tally.clone())).collect()
    }
}

/// How far a run is; shared by all its accounts.
#[derive(Debug, Default)]
pub struct Progress {
    /// Requests that left the machine, repeated attempts among them.
    pub requests: AtomicU64,
    /// Attempts that AWS answered with "slow down".
    pub throttled: AtomicU64,
    /// Other attempts that had to be repeated.
    pub retried: AtomicU64,
    pub collectors_done: AtomicU64,
    pub collectors: AtomicU64,
    pub accounts_done: AtomicU64,
    pub accounts: AtomicU64,
}

impl Progress {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}
