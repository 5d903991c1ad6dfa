//! Faults: those that pass cost nothing but time, those that last are named.

use std::{collections::BTreeMap, sync::LazyLock, thread, time::Duration};

use demarc_model::Verdict;
use demarc_report::{Finding, Report};
use demarc_sim::{Fault, Rule};

use crate::{Ended, Scan, assert_same, shown, sim};

/// What the account shows when nothing goes wrong.
pub(crate) static UNDISTURBED: LazyLock<Report> =
    LazyLock::new(|| Scan::of(&sim(|sim| sim), &[]).run().report());

/// Every verdict is the undisturbed one, or not assessed for the cause `cause`.
#[track_caller]
pub(crate) fn assert_nothing_but(report: &Report, cause: &str) {
    let known: BTreeMap<_, &Finding> =
        UNDISTURBED.findings.iter().map(|f| (f.fingerprint.0.clone(), f)).collect();
    for finding in &report.findings {
        let before = known.get(&finding.fingerprint.0.clone());
        if before.is_some_and(|before| before.verdict == finding.verdict) {
            continue;
        }
        let shown = shown(finding);
        assert_eq!(finding.verdict, Verdict::NotAssessed, "{shown}; was {before:?}");
        let why = finding.not_assessed.as_ref().expect("a reason is given");
        assert_eq!(why.cause, cause, "{shown}");
    }
    let gap = report.head.coverage.gaps.iter().any(|gap| gap.cause == cause);
    assert!(gap, "no gap is {cause}: {:?}", report.head.coverage.gaps);
    let unanswered = report.head.coverage.calls.iter().any(|c| c.unanswered.contains_key(cause));
    assert!(unanswered, "no call is {cause}: {:?}", report.head.coverage.calls);
    let (looks, before) = (report.head.coverage.looks, UNDISTURBED.head.coverage.looks);
    assert!(looks.complete < before.complete, "{looks:?}");
}

#[test]
fn a_fault_at_one_call_in_twenty_costs_no_coverage_when_it_passes() {
    // A stalled answer is given up by its time-out alone.
    let impatient = ["--read-timeout", "1500ms"];
    let faults = [
        Fault::InternalError,
        Fault::Unavailable,
        Fault::Throttled,
        Fault::Reset,
        Fault::Truncated,
        Fault::Malformed,
        Fault::Stall,
        Fault::StallMidway,
        Fault::ExpiredToken,
    ];
    for (seed, fault) in (1..).zip(faults) {
        let sim = sim(|sim| sim.fault(Rule::new(fault).probability(0.05)).seed(seed));
        let ended = Scan::of(&sim, &[&impatient[..], &["--deadline", "60s"]].concat()).run();
        let hit = sim.stats().faults;
        assert!(hit > 0, "{fault:?} befell {hit} calls");
        assert_same(&ended.report(), &UNDISTURBED);
    }
}

#[test]
fn who_asks_and_the_way_into_each_account_are_asked_again_after_a_passing_fault() {
    let many = ["--organization", "--assume-role", "audit", "--service", "account"];
    let of = |fault| Rule::new(fault).service("STS").attempts(1);
    for rule in [
        of(Fault::InternalError),
        of(Fault::Unavailable),
        of(Fault::Reset),
        of(Fault::Malformed).operation("GetCallerIdentity"),
    ] {
        let fault = rule.fault;
        let sim = sim(|sim| sim.accounts(3).fault(rule));
        let ended = Scan::of(&sim, &many).run();
        assert_eq!(ended.code(), 0, "{fault:?}: {}", ended.stderr);
        let report = ended.report();
        assert!(report.head.accounts.iter().all(|row| row.error.is_none()), "{fault:?}");
        let looks = report.head.coverage.looks;
        assert_eq!(looks.complete, looks.of, "{fault:?}");
    }
}

/// A scan of an account with a fault that lasts; `--deadline` ends it in any case.
fn befallen(rule: Rule) -> Ended {
    let sim = sim(|sim| sim.fault(rule));
    let ended = Scan::of(&sim, &["--deadline", "60s"]).run();
    assert!(sim.stats().faults > 0, "{}", ended.stderr);
    ended
}

#[test]
fn a_fault_that_lasts_is_named_and_never_a_pass() {
    let cases = [
        ("denied", Rule::new(Fault::Denied).action("ec2:DescribeSecurityGroups")),
        ("denied", Rule::new(Fault::Denied).action("s3:GetBucketVersioning")),
        ("denied-by-scp", Rule::new(Fault::DeniedByScp).action("rds:Describe*")),
        ("credentials-expired", Rule::new(Fault::ExpiredToken).service("IAM")),
        ("region-disabled", Rule::new(Fault::RegionDisabled).service("EC2").region("eu-west-1")),
        ("not-subscribed", Rule::new(Fault::NotSubscribed).service("RDS")),
        ("service-fault", Rule::new(Fault::InternalError).operation("GetBucketAcl")),
        ("service-fault", Rule::new(Fault::Unavailable).operation("DescribeVolumes")),
        ("network", Rule::new(Fault::Reset).operation("DescribeInstances")),
        ("malformed", Rule::new(Fault::Malformed).operation("GetAccountAuthorizationDetails")),
    ];
    LazyLock::force(&UNDISTURBED);
    thread::scope(|scope| {
        for (cause, rule) in cases {
            scope.spawn(move || {
                let ended = befallen(rule);
                assert!([4, 5].contains(&ended.code()), "{cause}: {}", ended.stderr);
                assert!(ended.took < Duration::from_mins(1), "{cause}: {:?}", ended.took);
                let report = ended.report();
                assert_eq!(report.head.scan.stopped, None);
                assert_nothing_but(&report, cause);
            });
        }
    });
}
