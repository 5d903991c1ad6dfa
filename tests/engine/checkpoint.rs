//! A run that is killed and goes on.

use std::{collections::BTreeSet, fs, path::Path, thread, time::Duration};

use demarc_sim::{Fault, Latency, Rule, Running};
use tempfile::TempDir;

use crate::{Scan, assert_same, sim};

const MANY: &[&str] = &[
    "--organization",
    "--assume-role",
    "audit",
    "--accounts-at-once",
    "2",
    "--service",
    "rds",
    "--service",
    "account",
];

fn arguments(checkpoint: &TempDir) -> Vec<&str> {
    let path = checkpoint.path().to_str().expect("a plain path");
    [MANY, &["--checkpoint", path]].concat()
}

/// Accounts that a checkpoint holds whole.
fn finished(checkpoint: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(checkpoint).expect("the directory was made");
    let names = entries.map(|entry| entry.expect("it is listed").file_name().into_string());
    names.filter_map(|name| Some(name.ok()?.strip_suffix(".totals.json")?.to_owned())).collect()
}

/// Starts a scan and kills it when some of its accounts are finished; says which.
fn killed(sim: &Running, checkpoint: &TempDir) -> BTreeSet<String> {
    let mut started = Scan::of(sim, &arguments(checkpoint)).start();
    while finished(checkpoint.path()).len() < 4 {
        let ended = started.child.try_wait().expect("it is our child");
        assert!(ended.is_none(), "{ended:?} before four accounts were finished");
        thread::sleep(Duration::from_millis(5));
    }
    started.kill();
    finished(checkpoint.path())
}

#[test]
fn a_killed_run_goes_on_and_asks_nothing_of_finished_accounts_again() {
    let sim = sim(|sim| sim.accounts(12).latency(Latency::Fixed(Duration::from_millis(15))).log());
    let checkpoint = tempfile::tempdir().expect("a temporary directory");
    let finished = killed(&sim, &checkpoint);
    // As of an account that has left since, and of a file that was being written.
    for left in ["399999999999.findings", "399999999999.totals.json", ".demarc-x1y2z3"] {
        fs::write(checkpoint.path().join(left), "{").expect("the directory is ours");
    }
    assert!((4..12).contains(&finished.len()), "{finished:?}");

    sim.reset();
    let resumed = Scan::of(&sim, &arguments(&checkpoint)).run().report();
    for asked in sim.log() {
        // Whoever asks and which accounts there are is asked anew.
        let is_start =
            ["GetCallerIdentity", "ListAccounts", "AssumeRole"].contains(&&*asked.operation);
        assert!(is_start || !finished.contains(&asked.account), "{asked:?}");
        let enters = |account: &String| asked.body.contains(&format!("iam%3A%3A{account}%3A"));
        assert!(!finished.iter().any(enters), "{asked:?}");
    }
    let asked = sim.stats().accounts.len();
    assert!(asked >= 12 - finished.len(), "{asked} accounts were asked");

    let undisturbed = Scan::of(&sim, MANY).run().report();
    assert_same(&resumed, &undisturbed);

    // The next scan begins anew: it must not report this one's answers.
    assert!(!checkpoint.path().exists(), "{finished:?}");
}

#[test]
fn a_run_that_its_deadline_ended_goes_on() {
    let sim = sim(|sim| sim.accounts(12).latency(Latency::Fixed(Duration::from_millis(150))));
    let checkpoint = tempfile::tempdir().expect("a temporary directory");
    let arguments = arguments(&checkpoint);
    let cut = Scan::of(&sim, &[&arguments[..], &["--deadline", "2s"]].concat()).run().report();
    assert!(cut.head.scan.stopped.is_some(), "{:?}", cut.head.coverage.looks);
    let whole = finished(checkpoint.path());
    assert!((1..12).contains(&whole.len()), "{whole:?}");
    let resumed = Scan::of(&sim, &arguments).run().report();
    assert_eq!(resumed.head.scan.taken_at, cut.head.scan.taken_at);
    assert_same(&resumed, &Scan::of(&sim, MANY).run().report());
}

#[test]
fn a_checkpoint_of_another_run_is_one_clear_error() {
    let sim = sim(|sim| sim.accounts(12).latency(Latency::Fixed(Duration::from_millis(15))));
    let checkpoint = tempfile::tempdir().expect("a temporary directory");
    killed(&sim, &checkpoint);
    let others: [&[&str]; 5] = [
        &["--service", "s3"],
        &["--region", "eu-west-1"],
        &["--exclude-account", "300000000000"],
        &["--session-name", "other"],
        &["--failing-only"],
    ];
    for other in others {
        let ended = Scan::of(&sim, &[&arguments(&checkpoint), other].concat()).run();
        assert_eq!(ended.code(), 1, "{other:?}: {}", ended.stderr);
        let said = "belongs to a scan with other arguments";
        assert!(ended.stderr.contains(said), "{other:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(ended.report.is_none());
    }
    // What only says how to go about it may change.
    let same = [&arguments(&checkpoint)[..], &["--budget", "40", "--deadline", "1m"]].concat();
    assert_same(&Scan::of(&sim, &same).run().report(), &Scan::of(&sim, MANY).run().report());
}

#[test]
fn what_a_killed_run_left_of_an_account_is_not_reported_when_its_role_is_gone() {
    let checkpoint = tempfile::tempdir().expect("a temporary directory");
    let slow = Latency::Fixed(Duration::from_millis(15));
    let account = &*{
        let whole = sim(|sim| sim.accounts(12).latency(slow));
        killed(&whole, &checkpoint).last().expect("some were finished").clone()
    };
    // As after a kill: findings cut off in the middle of a line, no figures yet.
    let findings = checkpoint.path().join(format!("{account}.findings"));
    let bytes = fs::read(&findings).expect("it was written");
    fs::write(&findings, &bytes[..bytes.len() / 2]).expect("it is ours");
    let totals = checkpoint.path().join(format!("{account}.totals.json"));
    fs::remove_file(totals).expect("it was written");

    let rule = Rule::new(Fault::Denied).operation("AssumeRole").account(account);
    let denied = sim(|sim| sim.accounts(12).fault(rule));
    let report = Scan::of(&denied, &arguments(&checkpoint)).run().report();
    let row = report.head.accounts.iter().find(|row| row.id == account).expect("a row each");
    assert!(row.error.is_some());
    assert!(report.findings.iter().all(|finding| *finding.account != *account));
    let found = report.findings.len() as u64;
    assert_eq!(report.head.summary.verdicts.total(), found);
}
