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
use futures_util::{FutureExt as _, StreamExt as _, future, stream::FuturesUnordered};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
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

pub use gateway::{Context, Gateway, InFlight, Shared};
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions {
    /// In order of their names.
    pub names: Vec<String>,
    /// The user named them: global listings leave out what lies elsewhere.
    pub chosen: bool,
}

/// How often a collector runs.
pub enum Scope {
    /// Once an account; may wait for the regions that are scanned.
    Global {
        run: fn(Context, Asked) -> BoxFuture<Apply>,
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

/// The regions of a scan, once it is known which they are.
#[derive(Clone)]
pub struct Asked {
    /// The user named them, so that nobody waits.
    chosen: bool,
    regions: future::Shared<BoxFuture<Arc<Regions>>>,
}

impl Asked {
    /// Those that are `chosen`, or all that are enabled for the account.
    pub fn of(gateway: &Gateway, home: &str, chosen: &[String]) -> Self {
        let (gateway, home, names) = (gateway.clone(), home.to_owned(), chosen.to_vec());
        let ask: BoxFuture<_> =
            Box::pin(async move { Arc::new(target::regions(&gateway, &home, &names).await) });
        Self { chosen: !chosen.is_empty(), regions: ask.shared() }
    }

    /// Waits until AWS has said which are enabled.
    pub(crate) async fn regions(&self) -> Arc<Regions> {
        self.regions.clone().await
    }

    /// Those that the user named; nothing else in them is to be read.
    pub(crate) async fn chosen(&self) -> Option<Arc<Regions>> {
        if self.chosen { Some(self.regions().await) } else { None }
    }
}

/// One account on its way into an inventory: every collector that `gateway` wants something of,
/// all side by side. Those of the account's global part do not wait for the list of regions.
///
/// A collector that panics costs its own reads, nothing else.
pub struct Reading {
    inventory: Inventory,
    gateway: Gateway,
    asked: Asked,
    regions: Option<Arc<Regions>>,
    running: FuturesUnordered<Running>,
    /// Collectors of which a part is still out, and how many.
    left: BTreeMap<&'static str, usize>,
}

/// A collector's name, its region, and what became of it.
type Running = BoxFuture<(&'static Collector, Option<String>, Result<Apply, JoinError>)>;

impl Reading {
    /// Begins. `home` is the region through which global services are asked.
    pub fn begin(gateway: &Gateway, home: &str, asked: Asked, taken_at: Timestamp) -> Self {
        let mut reading = Self {
            inventory: Inventory::empty(&gateway.partition, &gateway.account, taken_at),
            gateway: gateway.clone(),
            asked,
            regions: None,
            running: FuturesUnordered::new(),
            left: BTreeMap::new(),
        };
        for collector in reading.collectors() {
            if let Scope::Global { run, .. } = &collector.scope {
                let context = gateway.context(collector.calls, home);
                let span = tracing::info_span!("collect", collector = collector.name, account = %gateway.account);
                reading.run(collector, None, run(context, reading.asked.clone()).instrument(span));
            } else {
                reading.left.insert(collector.name, 1);
            }
        }
        reading
    }

    fn collectors(&self) -> impl Iterator<Item = &'static Collector> + use<> {
        let wanted = Arc::clone(&self.gateway.wanted);
        ALL.iter().copied().filter(move |collector| collector.runs_for(&wanted))
    }

    fn run(
        &mut self,
        collector: &'static Collector,
        region: Option<&str>,
        work: impl Future<Output = Apply> + Send + 'static,
    ) {
        ledger::Progress::count(&self.gateway.shared.progress.collectors);
        *self.left.entry(collector.name).or_default() += 1;
        let (task, region) =
            (AbortOnDropHandle::new(tokio::spawn(work)), region.map(str::to_owned));
        self.running.push(Box::pin(async move { (collector, region, task.await) }));
    }

    fn begin_regions(&mut self, regions: &Arc<Regions>) {
        self.regions = Some(Arc::clone(regions));
        for region in &regions.names {
            self.inventory.region_mut(region);
        }
        for collector in self.collectors() {
            if let Scope::Regional { run, .. } = &collector.scope {
                for region in &regions.names {
                    let context = self.gateway.context(collector.calls, region);
                    let span = tracing::info_span!("collect", collector = collector.name, account = %self.gateway.account, %region);
                    self.run(collector, Some(region), run(context).instrument(span));
                }
                self.done(collector);
            }
        }
    }

    /// Waits until another part is read, and files it, with whatever else came meanwhile; `false`
    /// when everything had been read before.
    pub async fn next(&mut self) -> bool {
        if self.regions.is_none() {
            let asked = self.asked.clone();
            tokio::select! {
                regions = asked.regions() => self.begin_regions(&regions),
                Some(done) = self.running.next() => self.file(done),
            }
            return true;
        }
        let Some(done) = self.running.next().await else { return false };
        self.file(done);
        while let Some(Some(done)) = self.running.next().now_or_never() {
            self.file(done);
        }
        true
    }

    fn file(
        &mut self,
        (collector, region, outcome): (
            &'static Collector,
            Option<String>,
            Result<Apply, JoinError>,
        ),
    ) {
        ledger::Progress::count(&self.gateway.shared.progress.collectors_done);
        self.done(collector);
        match outcome {
            Ok(apply) => apply(&mut self.inventory),
            Err(error) => {
                let what = format!("collector {} panicked", collector.name);
                tracing::error!(%error, "{what}");
                let cause = Cause::Bug { what };
                match (&collector.scope, region) {
                    (Scope::Global { failed, .. }, _) => failed(&mut self.inventory, &cause),
                    (Scope::Regional { failed, .. }, Some(region)) => {
                        failed(self.inventory.region_mut(&region), &cause);
                    }
                    (Scope::Regional { .. }, None) => {}
                }
            }
        }
    }

    fn done(&mut self, collector: &Collector) {
        if let Some(left) = self.left.get_mut(collector.name) {
            *left -= 1;
        }
    }

    /// Whether all that these calls can supply has been read, in every region.
    pub fn has_read(&self, calls: &[&'static Call]) -> bool {
        self.regions.is_some()
            && ALL.iter().all(|collector| {
                self.left.get(collector.name).is_none_or(|left| *left == 0)
                    || !calls.iter().any(|call| collector.calls.contains(call))
            })
    }

    /// What has been read so far.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The regions of the scan; empty before AWS has said which are enabled.
    pub fn regions(&self) -> Regions {
        self.regions.as_deref().cloned().unwrap_or_default()
    }
}

/// The items ordered by their id, each once: pages of a changing account can overlap.
pub(crate) fn ordered<T, K: Ord>(listing: Listing<T>, key: impl Fn(&T) -> K) -> Listing<T> {
    let gap = listing.gap().cloned();
    let items: BTreeMap<_, _> =
        listing.into_seen().into_iter().map(|item| (key(&item), item)).collect();
    Listing::new(items.into_values().collect(), gap)
}

/// How many items were read, for the log; nothing where they were not asked for.
fn number<T>(listing: &Listing<T>) -> Option<usize> {
    let asked = listing.gap().is_none_or(|why| why.cause != Cause::NotCollected);
    asked.then(|| listing.seen().len())
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
