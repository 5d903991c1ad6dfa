//! A scan from its targets to its totals: accounts side by side, each one read, judged, spooled.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context as _;
use demarc_collect::{
    Gateway, Regions, Shared, Transport,
    ledger::Progress,
    limits::Buckets,
    read_account,
    recording::{Recorder, Recording, Target as Recorded},
    target::{self, Caller, Role},
};
use demarc_model::{Call, Check, time::Timestamp};
use demarc_report::{AccountError, AccountRow, Counts, Finding, Share};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{judge, spool::Spool, totals::Totals};

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
        in_flight: Arc::new(Semaphore::new(pace.in_flight)),
        stop,
        progress: Arc::new(Progress::default()),
        pauses: true,
    }
}

/// A recording answers at once and to anybody.
pub(crate) fn shared_for_replay(stop: CancellationToken) -> Shared {
    Shared {
        buckets: Arc::new(Buckets::unlimited()),
        in_flight: Arc::new(Semaphore::new(64)),
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
    pub(crate) spool: Spool,
    /// What a recording's header says of the accounts that were read.
    pub(crate) recorded: Vec<Recorded>,
}

/// Reads, judges and spools every account.
pub(crate) async fn run(
    plan: &Plan,
    shared: &Shared,
    accounts: Vec<Account>,
    spool: Spool,
    decorate: &(impl Fn(&mut Finding) + Sync),
) -> anyhow::Result<Done> {
    shared.progress.accounts.store(accounts.len() as u64, Ordering::Relaxed);
    let mut totals = Totals::default();
    let mut recorded = Vec::new();
    let mut reads = stream::iter(accounts)
        .map(|account| {
            let spool = &spool;
            async move {
                let read = one(plan, shared, account, spool, decorate).await;
                shared.progress.accounts_done.fetch_add(1, Ordering::Relaxed);
                read
            }
        })
        .buffer_unordered(plan.accounts_at_once);
    while let Some(read) = reads.next().await {
        let read = read?;
        totals.merge(read.totals);
        recorded.extend(read.recorded);
    }
    drop(reads);
    recorded.sort_by(|a, b| a.account.cmp(&b.account));
    Ok(Done { totals, spool, recorded })
}

async fn one(
    plan: &Plan,
    shared: &Shared,
    account: Account,
    spool: &Spool,
    decorate: &(impl Fn(&mut Finding) + Sync),
) -> anyhow::Result<Read> {
    if let Some(totals) = spool.finished(&account.id)? {
        // Suppressions tell at the end what they named in the whole run.
        for finding in spool.findings(vec![account.id]) {
            decorate(&mut finding?);
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
    let regions: Regions = target::regions(&gateway, &home, &chosen).await;
    let inventory = read_account(&gateway, &home, &regions, plan.taken_at).await;
    row.partition.clone_from(&inventory.partition);
    row.caller = Some(caller.clone());
    row.regions = judge::region_names(&inventory);
    let mut totals = Totals::of(row);
    let mut writer = spool.begin(&account.id)?;
    judge::judge(&inventory, &plan.checks, &mut totals, decorate, |finding| writer.add(finding))?;
    totals.ledger(&gateway.ledger.entries());
    shared.buckets.forget(&account.id);
    // An account that was cut short is read again when the run goes on.
    if shared.stop.is_cancelled() {
        writer.flush()?;
    } else {
        writer.finish(&totals).context("cannot finish an account")?;
    }
    let recorded = Recorded {
        account: account.id,
        partition: inventory.partition,
        caller,
        home_region: home,
        regions: regions.names,
        chosen: regions.chosen,
    };
    Ok(Read { totals, recorded: Some(recorded) })
}

/// An account that could not be read at all leaves every check's look incomplete.
fn unread(plan: &Plan, totals: &mut Totals) {
    for check in &plan.checks {
        totals.look(check, false);
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
    tokio::spawn(async move {
        for first in [true, false] {
            signal().await;
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

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler there is nothing to wait for: the default action ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The transport of a live scan, with or without a tape.
pub(crate) fn transport(network: &target::Network, recorder: Option<&Arc<Recorder>>) -> Transport {
    match recorder {
        None => Transport::Live(network.clone()),
        Some(recorder) => Transport::Record(network.clone(), Arc::clone(recorder)),
    }
}
