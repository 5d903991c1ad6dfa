//! Rate limits, and credentials that run out meanwhile.

use std::time::Duration;

use demarc_sim::Latency;

use crate::{Scan, assert_same, faults::UNDISTURBED, sim};

#[test]
fn half_of_the_budget_is_never_told_to_slow_down() {
    let sim = sim(|sim| sim.limits(true));
    let report = Scan::of(&sim, &["--budget", "50"]).run().report();
    assert_eq!(sim.stats().throttled, 0, "{:?}", sim.stats().fullest.first());
    assert_same(&report, &UNDISTURBED);
}

#[test]
fn a_client_that_takes_most_of_the_buckets_costs_time_and_no_coverage() {
    let sim = sim(|sim| sim.limits(true).foreign_load(0.8));
    let report = Scan::of(&sim, &["--budget", "50%"]).run().report();
    assert_same(&report, &UNDISTURBED);
    assert!(sim.stats().throttled > 0, "{:?}", sim.stats().fullest.first());
}

#[test]
fn credentials_of_a_role_are_renewed_before_they_run_out() {
    let (session, latency) = (Duration::from_secs(7), Duration::from_millis(300));
    let sim = sim(|sim| sim.accounts(2).latency(Latency::Fixed(latency)).session(session).log());
    let whose = ["--organization", "--assume-role", "audit", "--exclude-account", sim.account(0)];
    let ended = Scan::of(&sim, &[&whose[..], &["--max-in-flight", "8"]].concat()).run();
    assert!(ended.took > session, "{:?} are too few to tell", ended.took);
    let report = ended.report();
    let assumed = sim.log().iter().filter(|asked| asked.operation == "AssumeRole").count();
    assert!(assumed >= 2, "assumed {assumed} times");
    assert_eq!(report.head.coverage.looks, UNDISTURBED.head.coverage.looks);
    let verdicts = (report.head.summary.verdicts, UNDISTURBED.head.summary.verdicts);
    assert_eq!(verdicts.0, verdicts.1);
}
