//! What the checks' tests share: small accounts and the shapes of verdicts.

use std::sync::Arc;

use demarc_model::{
    Assessed, Cause, Check, Findings, Inventory, Judged, NotAssessed, Outcome, Region, Subject,
    Unread, calls::Call, time::Timestamp,
};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "eu-central-1";

/// The moment at which the tests' accounts are read.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T00:00:00Z").expect("a valid moment")
}

/// An account about which nothing is known, with one region.
pub(crate) fn inventory() -> Inventory {
    let mut inventory = Inventory::empty("aws", ACCOUNT, now());
    inventory.region_mut(REGION);
    inventory
}

/// The account of [`inventory`], its region filled in by `fill`.
pub(crate) fn with_region(fill: impl FnOnce(&mut Region)) -> Inventory {
    let mut inventory = inventory();
    fill(inventory.region_mut(REGION));
    inventory
}

/// A resource of [`REGION`].
pub(crate) fn subject(kind: &'static str, name: &str) -> Arc<Subject> {
    let arn = format!("arn:aws:test:{REGION}:{ACCOUNT}:{name}");
    Arc::new(Subject::new(kind, arn, name, &Arc::from(REGION)))
}

/// All verdicts of one check about an account.
pub(crate) fn run(check: &Check, inventory: &Inventory) -> Vec<Judged> {
    let mut findings = Findings::default();
    (check.evaluate)(inventory, &mut findings);
    findings.results
}

/// The verdict of a check that gives exactly one.
pub(crate) fn only(check: &Check, inventory: &Inventory) -> Assessed {
    let mut results = run(check, inventory);
    assert_eq!(results.len(), 1, "{results:#?}");
    results.remove(0).assessed
}

/// The failures as `part: field is observed`, in order; passes and the rest are left out.
pub(crate) fn failures(check: &Check, inventory: &Inventory) -> Vec<String> {
    let mut lines = Vec::new();
    for judged in run(check, inventory) {
        let Ok(Outcome::Fail(evidence)) = judged.assessed else { continue };
        for Evidenced { field, observed } in evidence.iter().map(Evidenced::of) {
            let part = if judged.part.is_empty() { &*judged.subject.name } else { &*judged.part };
            lines.push(format!("{part}: {field} is {observed}"));
        }
    }
    lines
}

struct Evidenced<'a> {
    field: &'a str,
    observed: &'a str,
}

impl<'a> Evidenced<'a> {
    fn of(evidence: &'a demarc_model::Evidence) -> Self {
        Self { field: &evidence.field, observed: &evidence.observed }
    }
}

/// The reason that a denied call leaves behind.
pub(crate) fn denial(call: &'static Call) -> Unread {
    Arc::new(NotAssessed { call, cause: Cause::Denied { code: "AccessDenied".to_owned() } })
}

/// Asserts that the check says `not assessed` because `call` was denied, and says it once.
#[track_caller]
pub(crate) fn assert_not_assessed(check: &Check, inventory: &Inventory, call: &'static Call) {
    assert_eq!(only(check, inventory), Err(denial(call)));
}

/// Asserts that the check fails, once, with this evidence: field and observed value.
#[track_caller]
pub(crate) fn assert_fails(check: &Check, inventory: &Inventory, field: &str, observed: &str) {
    match only(check, inventory) {
        Ok(Outcome::Fail(evidence)) => {
            let [evidence] = evidence.as_slice() else { panic!("one evidence: {evidence:#?}") };
            assert_eq!((&*evidence.field, &*evidence.observed), (field, observed));
            assert!(check.needs.contains(&evidence.call), "{} is not needed", evidence.call.name());
        }
        other => panic!("expected a failure, got {other:#?}"),
    }
}
