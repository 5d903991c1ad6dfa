//! Collectors: the only crate that talks to AWS.
//!
//! A [`Collector`] states the calls it may send before it sends any, so the least-privilege
//! policy and the checks a denial would leave unassessed are known without an AWS account.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::Arc,
};

use demarc_model::{Call, Cause, Inventory, Listing, Region, time::Timestamp};
use futures_util::future::join_all;
use tracing::Instrument as _;

mod account;
#[cfg(test)]
mod canned;
mod classify;
mod ec2;
mod gateway;
mod guard;
mod iam;
pub mod ledger;
pub mod limits;
pub mod plan;
mod rds;
pub mod recording;
mod s3;
pub mod target;
#[cfg(test)]
mod tests;
mod transport;

pub use gateway::{Context, Gateway, Shared};
pub use transport::Transport;

/// Every collector, the one with the longest chain of dependent calls first.
pub static ALL: &[&Collector] =
    &[&iam::COLLECTOR, &s3::COLLECTOR, &rds::COLLECTOR, &ec2::COLLECTOR, &account::COLLECTOR];

pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Files what was read; run once the collector is done.
pub type Apply = Box<dyn FnOnce(&mut Inventory) + Send>;

pub struct Collector {
    pub name: &'static str,
    /// Everything it may send. The guard refuses any other operation.
    pub calls: &'static [&'static Call],
    /// Calls that describe resources for the report (their tags); no verdict rests on them.
    pub annotations: &'static [&'static Call],
    pub scope: Scope,
}

/// The regions that a scan covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// In order of their names.
    pub names: Vec<String>,
    /// The user named them: global listings leave out what lies elsewhere.
    pub chosen: bool,
}

/// How often a collector runs.
pub enum Scope {
    /// Once an account; gets the regions that are scanned.
    Global {
        run: fn(Context, Arc<Regions>) -> BoxFuture<Apply>,
        /// Files the reason why it did not finish.
        failed: fn(&mut Inventory, &Cause),
    },
    /// Once a region.
    Regional { run: fn(Context) -> BoxFuture<Apply>, failed: fn(&mut Region, &Cause) },
}

/// The calls of a scan for checks that rest on `needs`: those, and the annotations of the
/// collectors that run.
pub fn wanted(needs: &BTreeSet<&'static Call>) -> BTreeSet<&'static Call> {
    let mut wanted = needs.clone();
    for collector in ALL {
        if collector.runs_for(needs) {
            wanted.extend(collector.annotations);
        }
    }
    wanted
}

impl Collector {
    fn runs_for(&self, wanted: &BTreeSet<&'static Call>) -> bool {
        self.calls.iter().any(|call| wanted.contains(call) && !self.annotations.contains(call))
    }
}

/// Reads one account: every collector that `gateway` wants something of, all side by side.
///
/// `home` is the region through which global services are asked. A collector that panics costs
/// its own reads, nothing else.
pub async fn read_account(
    gateway: &Gateway,
    home: &str,
    regions: &Regions,
    taken_at: Timestamp,
) -> Inventory {
    let mut inventory = Inventory::empty(&gateway.partition, &gateway.account, taken_at);
    for region in &regions.names {
        inventory.region_mut(region);
    }
    let scanned = Arc::new(regions.clone());
    let mut running = Vec::new();
    for collector in ALL.iter().filter(|collector| collector.runs_for(&gateway.wanted)) {
        match &collector.scope {
            Scope::Global { run, .. } => {
                let context = gateway.context(collector.calls, home);
                let span = tracing::info_span!("collect", collector = collector.name, account = %gateway.account);
                running.push((
                    *collector,
                    None,
                    tokio::spawn(run(context, Arc::clone(&scanned)).instrument(span)),
                ));
            }
            Scope::Regional { run, .. } => {
                for region in &regions.names {
                    let context = gateway.context(collector.calls, region);
                    let span = tracing::info_span!("collect", collector = collector.name, account = %gateway.account, %region);
                    running.push((
                        *collector,
                        Some(region),
                        tokio::spawn(run(context).instrument(span)),
                    ));
                }
            }
        }
    }
    let progress = &gateway.shared.progress;
    progress.collectors.fetch_add(running.len() as u64, std::sync::atomic::Ordering::Relaxed);
    let done = join_all(running.into_iter().map(|(collector, region, task)| async move {
        let outcome = task.await;
        ledger::Progress::count(&progress.collectors_done);
        (collector, region, outcome)
    }))
    .await;
    for (collector, region, outcome) in done {
        match outcome {
            Ok(apply) => apply(&mut inventory),
            Err(error) => {
                let what = format!("collector {} panicked", collector.name);
                tracing::error!(%error, "{what}");
                let cause = Cause::Bug { what };
                match (&collector.scope, region) {
                    (Scope::Global { failed, .. }, _) => failed(&mut inventory, &cause),
                    (Scope::Regional { failed, .. }, Some(region)) => {
                        failed(inventory.region_mut(region), &cause);
                    }
                    (Scope::Regional { .. }, None) => {}
                }
            }
        }
    }
    inventory
}

/// The items ordered by their id, each once: pages of a changing account can overlap.
pub(crate) fn ordered<T, K: Ord>(listing: Listing<T>, key: impl Fn(&T) -> K) -> Listing<T> {
    let gap = listing.gap().cloned();
    let items: BTreeMap<_, _> =
        listing.into_seen().into_iter().map(|item| (key(&item), item)).collect();
    Listing::new(items.into_values().collect(), gap)
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// AWS leaves a field out, or sends it empty.
fn owned(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

fn timestamp(moment: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    moment.map(|moment| Timestamp(moment.secs()))
}

/// Whether any of the calls is put to each region, not once to the account.
pub fn is_regional(calls: &[&'static Call]) -> bool {
    ALL.iter().any(|collector| {
        matches!(collector.scope, Scope::Regional { .. })
            && calls.iter().any(|call| collector.calls.contains(call))
    })
}
