//! Deadlines and signals.

use std::{process::Stdio, thread, time::Duration};

use demarc_sim::{Fault, Latency, Rule, Running};

use crate::{Ended, Scan, Started, faults::assert_nothing_but, sim};

/// The report of what was read, soon after the scan was told to stop.
fn assert_stopped(ended: Ended, why: &str) {
    assert!([4, 5].contains(&ended.code()), "{}", ended.stderr);
    assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
    let report = ended.report();
    assert_eq!(report.head.scan.stopped.as_deref(), Some(why));
    assert_nothing_but(&report, "stopped");
}

fn slow() -> Running {
    sim(|sim| sim.latency(Latency::Fixed(Duration::from_millis(300))))
}

fn until_asked(sim: &Running, requests: u64, started: &mut Started) {
    while sim.stats().requests < requests {
        let ended = started.child.try_wait().expect("it is our child");
        assert!(ended.is_none(), "{ended:?} before {requests} requests");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn at_its_deadline_a_scan_judges_what_it_has() {
    assert_stopped(Scan::of(&slow(), &["--deadline", "1s"]).run(), "deadline");
}

#[test]
fn a_deadline_ends_the_wait_for_an_account_that_does_not_answer() {
    let stalls = Rule::new(Fault::Stall).operation("AssumeRole").account("300000000001");
    let sim = sim(|sim| sim.accounts(3).fault(stalls));
    let arguments =
        ["--organization", "--assume-role", "audit", "--service", "account", "--deadline", "2s"];
    let ended = Scan::of(&sim, &arguments).run();
    assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
    assert_eq!(ended.code(), 4, "{}", ended.stderr);
    let report = ended.report();
    let causes: Vec<_> = report
        .head
        .accounts
        .iter()
        .map(|row| row.error.as_ref().map(|error| error.cause.as_str()))
        .collect();
    assert_eq!(causes, [None, None, Some("stopped")]);
}

#[test]
fn a_deadline_ends_the_list_of_accounts_and_reports_those_that_were_known() {
    let sim = sim(|sim| sim.accounts(200).latency(Latency::Fixed(Duration::from_millis(300))));
    let arguments =
        ["--organization", "--assume-role", "audit", "--service", "account", "--deadline", "2s"];
    let ended = Scan::of(&sim, &arguments).run();
    assert!([4, 5].contains(&ended.code()), "{}", ended.stderr);
    let report = ended.report();
    assert_eq!(report.head.scan.stopped.as_deref(), Some("deadline"));
    let known = report.head.accounts.len();
    assert!((1..200).contains(&known), "{known} accounts");
}

#[test]
fn a_call_that_is_throttled_for_ever_holds_a_scan_no_longer_than_its_deadline() {
    let sim = sim(|sim| sim.fault(Rule::new(Fault::Throttled).operation("DescribeVpcs")));
    assert_stopped(Scan::of(&sim, &["--deadline", "4s"]).run(), "deadline");
    assert!(sim.stats().faults > 2, "it is asked again meanwhile");
}

#[test]
fn the_first_signal_ends_a_scan_with_a_report() {
    for name in ["INT", "TERM"] {
        let sim = slow();
        let mut started = Scan::of(&sim, &[]).start();
        until_asked(&sim, 20, &mut started);
        started.signal(name);
        assert_stopped(started.end(), "signal");
    }
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let sim = slow();
    let mut scan = Scan::to(&["--format", "json"], &sim, &[]);
    // Nobody reads: the report is never written to its end.
    scan.command.stdout(Stdio::piped());
    let mut started = scan.start();
    until_asked(&sim, 20, &mut started);
    started.signal("INT");
    thread::sleep(Duration::from_millis(700));
    assert!(started.child.try_wait().expect("it is our child").is_none());
    started.signal("INT");
    assert_eq!(started.end().code(), 130);
}
