//! A scan from its targets to its totals: accounts side by side, each one read, judged, spooled.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use demarc_collect::{
    Asked, Gateway, InFlight, Reading, Shared, Transport,
    ledger::Progress,
    limits::Buckets,
    recording::{Recorder, Recording, Target as Recorded},
    target::{self, Caller, Role},
};
use demarc_model::{Call, Check, time::Timestamp};
use demarc_report::{AccountError, AccountRow, Counts, Finding, Share};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    judge,
    spool::Spool,
    totals::{Tally, Totals},
};

/// What every account of a run has in common.
pub(crate) struct Plan {
    /// Ordered by id.
    pub(crate) checks: Vec<&'static Check>,
    pub(crate) wanted: Arc<BTreeSet<&'static Call>>,
    pub(crate) taken_at: Timestamp,
    /// Empty for every region that is enabled.
    pub(crate) regions: Vec<String>,
    /// Accounts that are read at the same time.
    pub(crate) accounts_at_once: usize,
}

impl Plan {
    pub(crate) fn wanted(checks: &[&'static Check]) -> Arc<BTreeSet<&'static Call>> {
        let needs = checks.iter().flat_map(|check| check.needs).copied().collect();
        Arc::new(demarc_collect::wanted(&needs))
    }
}

/// How fast a run may ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Percent of each of AWS's token buckets.
    pub(crate) budget: u8,
    pub(crate) in_flight: usize,
}

pub(crate) fn shared(pace: Pace, stop: CancellationToken) -> Shared {
    Shared {
        buckets: Arc::new(Buckets::new(f64::from(pace.budget) / 100.0)),
        in_flight: Arc::new(InFlight::new(pace.in_flight)),
        stop,
        progress: Arc::new(Progress::default()),
        pauses: true,
    }
}

/// A recording answers at once and to anybody.
pub(crate) fn shared_for_replay(stop: CancellationToken) -> Shared {
    Shared {
        buckets: Arc::new(Buckets::unlimited()),
        in_flight: Arc::new(InFlight::new(64)),
        stop,
        progress: Arc::new(Progress::default()),
        pauses: false,
    }
}

/// One account to read.
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) way: Way,
}

/// How an account is reached.
pub(crate) enum Way {
    /// With the caller's own credentials.
    Direct {
        caller: Arc<Caller>,
        transport: Transport,
    },
    /// Through a role that the caller assumes there.
    Role {
        caller: Arc<Caller>,
        role: Role,
        transport: Transport,
    },
    Recording {
        recording: Arc<Recording>,
        recorded: Recorded,
    },
    /// Not at all: suspended, or not a member.
    Closed(AccountError),
}

/// What became of one account.
struct Read {
    totals: Totals,
    recorded: Option<Recorded>,
}

/// A finished run.
pub(crate) struct Done {
    pub(crate) totals: Totals,
    pub(crate) spool: Arc<Spool>,
    /// What a recording's header says of the accounts that were read.
    pub(crate) recorded: Vec<Recorded>,
    /// Every account that was meant is known.
    pub(crate) all_listed: bool,
}

/// The accounts of a run, as they become known, and at the end whether these are all; an error
/// ends the run at once.
pub(crate) struct Accounts {
    pub(crate) known: BoxStream<'static, Account>,
    pub(crate) listing: BoxFuture<'static, anyhow::Result<bool>>,
}

impl Accounts {
    /// All are known from the start.
    pub(crate) fn of(accounts: Vec<Account>, shared: &Shared) -> Self {
        shared.progress.accounts.fetch_add(accounts.len() as u64, Ordering::Relaxed);
        Self {
            known: stream::iter(accounts).boxed(),
            listing: std::future::ready(Ok(true)).boxed(),
        }
    }
}

/// What is done to every finding as it is judged: it may change it, and says whether the report
/// is to have it.
pub(crate) trait Keep: Fn(&mut Finding) -> bool + Send + Sync + 'static {}

impl<F: Fn(&mut Finding) -> bool + Send + Sync + 'static> Keep for F {}

/// Reads, judges and spools every account.
pub(crate) async fn run(
    plan: Arc<Plan>,
    shared: &Shared,
    accounts: Accounts,
    spool: Spool,
    keep: impl Keep,
) -> anyhow::Result<Done> {
    let mut totals = Totals::default();
    let mut recorded = Vec::new();
    let (spool, keep) = (Arc::new(spool), Arc::new(keep));
    let mut listing = accounts.listing.fuse();
    let mut all_listed = None;
    let reads = accounts
        .known
        .map(|account| {
            let (plan, shared) = (Arc::clone(&plan), shared.clone());
            let (spool, keep) = (Arc::clone(&spool), Arc::clone(&keep));
            // A task of its own: judging one account does not keep another from being read.
            AbortOnDropHandle::new(tokio::spawn(async move {
                let read = one(&plan, &shared, account, &spool, &*keep).await;
                shared.progress.accounts_done.fetch_add(1, Ordering::Relaxed);
                read
            }))
        })
        .buffer_unordered(plan.accounts_at_once);
    let mut reads = std::pin::pin!(reads);
    loop {
        tokio::select! {
            listed = &mut listing, if all_listed.is_none() => all_listed = Some(listed?),
            read = reads.next() => {
                let Some(read) = read else { break };
                let read = read.context("an account's task panicked")??;
                totals.merge(read.totals);
                recorded.extend(read.recorded);
            }
        }
    }
    let all_listed = match all_listed {
        Some(all_listed) => all_listed,
        None => listing.await?,
    };
    recorded.sort_by(|a, b| a.account.cmp(&b.account));
    Ok(Done { totals, spool: Arc::clone(&spool), recorded, all_listed })
}

async fn one(
    plan: &Plan,
    shared: &Shared,
    account: Account,
    spool: &Spool,
    keep: &impl Keep,
) -> anyhow::Result<Read> {
    if let Some(totals) = spool.finished(&account.id)? {
        // Suppressions tell at the end what they named in the whole run.
        for finding in spool.findings(vec![account.id]) {
            keep(&mut finding?);
        }
        return Ok(Read { totals, recorded: None });
    }
    let mut row = AccountRow {
        id: account.id.clone(),
        name: account.name,
        partition: "aws".to_owned(),
        caller: None,
        regions: Vec::new(),
        error: None,
        verdicts: Counts::default(),
        failed: [].into(),
        looks: Share::default(),
    };
    // The caller's own buckets are in use for as long as the accounts are listed.
    let is_callers = matches!(account.way, Way::Direct { .. });
    let (gateway, home, chosen, caller) = match open(plan, shared, &account.id, account.way).await {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(account = %row.id, cause = %error.cause, "{}", error.reason);
            row.error = Some(error);
            let mut totals = Totals::of(row);
            unread(plan, &mut totals);
            spool.discard(&account.id)?;
            // Not spooled: a run that goes on from a checkpoint tries again.
            return Ok(Read { totals, recorded: None });
        }
    };
    let asked = Asked::of(&gateway, &home, &chosen);
    let mut reading = Reading::begin(&gateway, &home, asked, plan.taken_at);
    let writer = spool.begin(&account.id)?;
    let mut tallies = Vec::new();
    let mut waiting: Vec<(usize, &'static Check)> =
        plan.checks.iter().copied().enumerate().collect();
    // Each check as soon as what it rests on is read: the rest is still on its way meanwhile.
    while reading.next().await {
        let is_ready = |(_, check): &mut (usize, &Check)| reading.has_read(check.needs);
        let ready: Vec<_> = waiting.extract_if(.., is_ready).collect();
        if !ready.is_empty() {
            let begun = Instant::now();
            let judge = || judge::judge(reading.inventory(), &ready, &writer, keep);
            let judged = tokio::task::block_in_place(judge)?;
            let ms = begun.elapsed().as_secs_f64() * 1_000.0;
            let verdicts: u64 = judged.iter().map(|(_, tally)| tally.verdicts.total()).sum();
            tracing::debug!(account = %account.id, checks = ready.len(), verdicts, ms, "judged");
            tallies.extend(judged);
        }
    }
    debug_assert!(waiting.is_empty(), "every check is judged when all is read");
    row.partition.clone_from(&reading.inventory().partition);
    row.caller = Some(caller.clone());
    row.regions = judge::region_names(reading.inventory());
    let mut totals = Totals::of(row);
    for (check, tally) in tallies {
        totals.add(check, tally);
    }
    totals.ledger(&gateway.ledger.entries());
    if !is_callers {
        shared.buckets.forget(&account.id);
    }
    // An account that was cut short is read again when the run goes on.
    if shared.stop.is_cancelled() {
        writer.close()?;
    } else {
        writer.finish(&totals).context("cannot finish an account")?;
    }
    let regions = reading.regions();
    let recorded = Recorded {
        account: account.id,
        partition: reading.inventory().partition.clone(),
        caller,
        home_region: home,
        regions: regions.names,
        chosen: regions.chosen,
    };
    // A large account takes a while to be forgotten, too; nobody waits for that.
    tokio::task::spawn_blocking(move || drop(reading));
    Ok(Read { totals, recorded: Some(recorded) })
}

/// An account that could not be read at all leaves every check's look incomplete.
fn unread(plan: &Plan, totals: &mut Totals) {
    for check in &plan.checks {
        let looks = Share { complete: 0, of: 1 };
        totals.add(check, Tally { looks, ..Tally::default() });
    }
}

type Opened = (Gateway, String, Vec<String>, String);

async fn open(
    plan: &Plan,
    shared: &Shared,
    account: &str,
    way: Way,
) -> Result<Opened, AccountError> {
    let live = |caller: &Caller, transport: Transport| {
        let config = target::with_transport(&caller.config, transport);
        let gateway = Gateway::new(
            shared.clone(),
            config,
            &caller.account,
            &caller.partition,
            Arc::clone(&plan.wanted),
        );
        (gateway, caller.home_region.clone(), plan.regions.clone(), caller.arn.clone())
    };
    match way {
        Way::Direct { caller, transport } => Ok(live(&caller, transport)),
        Way::Role { caller, role, transport } => {
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => Err(AccountError {
                    cause: "stopped".to_owned(),
                    reason: "the scan was stopped before the account was read".to_owned(),
                }),
                member = caller.assume(account, &role) => match member {
                    Ok(member) => Ok(live(&member, transport)),
                    Err(error) => Err(AccountError {
                        cause: "role".to_owned(),
                        reason: error.to_string(),
                    }),
                },
            }
        }
        Way::Recording { recording, recorded } => {
            let config = target::offline_config(&recorded.home_region);
            let config = target::with_transport(&config, Transport::Replay(recording));
            let gateway = Gateway::new(
                shared.clone(),
                config,
                account,
                &recorded.partition,
                Arc::clone(&plan.wanted),
            );
            let chosen = if plan.regions.is_empty() && recorded.chosen {
                recorded.regions
            } else {
                plan.regions.clone()
            };
            Ok((gateway, recorded.home_region, chosen, recorded.caller))
        }
        Way::Closed(error) => Err(error),
    }
}

/// Ends the run when its time is over, or when the user says so; the second signal ends the
/// process at once.
pub(crate) fn watch(
    stop: &CancellationToken,
    deadline: Option<Duration>,
) -> Arc<std::sync::Mutex<Option<String>>> {
    let why = Arc::new(std::sync::Mutex::new(None));
    let say = {
        let (stop, why) = (stop.clone(), Arc::clone(&why));
        move |reason: &str| {
            let mut why = why.lock().expect("no holder of the reason panics");
            why.get_or_insert_with(|| reason.to_owned());
            stop.cancel();
        }
    };
    if let Some(deadline) = deadline {
        let say = say.clone();
        tokio::spawn(async move {
            tokio::time::sleep(deadline).await;
            say("deadline");
        });
    }
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        for first in [true, false] {
            signals.next().await;
            if first {
                tracing::warn!("stopping: what was read is judged; a second signal ends at once");
                say("signal");
            } else {
                end_at_once();
            }
        }
    });
    why
}

#[expect(clippy::exit, reason = "the second signal means now, whatever is under way")]
fn end_at_once() {
    std::process::exit(130);
}

/// SIGINT and SIGTERM, one after the other.
#[cfg(unix)]
struct Signals(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        Self(interrupt.ok().zip(terminate.ok()).map(|(one, other)| [one, other]))
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some([interrupt, terminate]) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            },
            // Without a handler there is nothing to wait for: the default action ends the process.
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The transport of a live scan, with or without a tape.
pub(crate) fn transport(network: &target::Network, recorder: Option<&Arc<Recorder>>) -> Transport {
    match recorder {
        None => Transport::Live(network.clone()),
        Some(recorder) => Transport::Record(network.clone(), Arc::clone(recorder)),
    }
}
