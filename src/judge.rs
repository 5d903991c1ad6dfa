//! From an inventory to findings: every selected check, each finding placed on its side of the
//! line.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use demarc_checks::{boundary, frameworks};
use demarc_model::{
    Call, Cause, Check, Findings, Inventory, Judged, NotAssessed, Outcome, Subject, Verdict, calls,
    finding::Identity, inventory::GLOBAL,
};
use demarc_report::{
    BoundaryRef, Common, ControlRef, EvidenceItem, Finding, Gap, NotAssessed as NotAssessedItem,
    ResourceRef,
};

use crate::{
    spool::Writer,
    totals::{Tally, owner},
};

/// How to mend what a check found, by the check's id.
static REMEDIATIONS: LazyLock<BTreeMap<&'static str, Common<String>>> = LazyLock::new(|| {
    demarc_checks::all().map(|check| (check.id, check.section("Remediation").into())).collect()
});

/// Findings go to the spool in texts of about this many bytes.
const CHUNK: usize = 256 * 1024;

/// One thread judges alone for so long: most accounts are done by then.
const ALONE: Duration = Duration::from_millis(20);

/// Judges one account by these checks, each with its position in the scan's order, and spools
/// what they found. `keep` may change a finding, and says whether the report is to have it; the
/// figures count it all the same.
pub(crate) fn judge(
    inventory: &Inventory,
    checks: &[(usize, &'static Check)],
    writer: &Writer,
    keep: &(impl Fn(&mut Finding) -> bool + Sync),
) -> anyhow::Result<Vec<(&'static Check, Tally)>> {
    let place = Place {
        account: Arc::from(inventory.account_id.as_str()),
        partition: Arc::from(inventory.partition.as_str()),
    };
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(checks.len()));
    let one = || -> anyhow::Result<bool> {
        let Some((at, check)) = checks.get(next.fetch_add(1, Ordering::Relaxed)) else {
            return Ok(false);
        };
        let tally = Desk::new(&place, check).judge(inventory, keep, |lines| writer.add(*at, lines));
        let tally = tally.context("cannot write findings to the disk")?;
        done.lock().expect("no holder of the tallies panics").push((*check, tally));
        Ok(true)
    };
    thread::scope(|scope| {
        let begun = Instant::now();
        let mut helpers = Vec::new();
        while one()? {
            if helpers.is_empty() && begun.elapsed() > ALONE {
                let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
                let help = || -> anyhow::Result<()> {
                    while one()? {}
                    Ok(())
                };
                helpers.extend((1..cores).map(|_| scope.spawn(help)));
            }
        }
        helpers
            .into_iter()
            .try_for_each(|helper| helper.join().expect("a check that panics is caught"))
    })?;
    Ok(done.into_inner().expect("no holder of the tallies panics"))
}

/// What a check says. One that panics says so of the account, and spoils nothing else.
fn evaluate(check: &'static Check, inventory: &Inventory) -> Vec<Judged> {
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let mut findings = Findings::default();
        (check.evaluate)(inventory, &mut findings);
        findings.results
    }));
    let mut judged = judged.unwrap_or_else(|_| {
        let what = format!("check {} panicked", check.id);
        tracing::error!("{what}");
        let call: &'static Call = check.needs.first().unwrap_or(&&calls::sts::GET_CALLER_IDENTITY);
        let why = NotAssessed { call, cause: Cause::Bug { what } };
        let subject = Arc::clone(&inventory.account);
        vec![Judged { subject, part: String::new(), assessed: Err(Arc::new(why)) }]
    });
    judged.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)).then(rank(a).cmp(&rank(b))));
    // The same subject twice (a resource that AWS listed twice) is one finding, the worst.
    judged.dedup_by(|a, b| sort_key(a) == sort_key(b));
    judged
}

fn sort_key(judged: &Judged) -> (&str, &str, &str) {
    (&judged.subject.region, &judged.subject.arn, &judged.part)
}

fn rank(judged: &Judged) -> u8 {
    match &judged.assessed {
        Ok(Outcome::Fail(_)) => 0,
        Err(_) => 1,
        Ok(_) => 2,
    }
}

struct Place {
    account: Arc<str>,
    partition: Arc<str>,
}

/// What the findings of one check about one account have in common.
struct Desk<'a> {
    place: &'a Place,
    check: &'static Check,
    /// Each with a resource that it holds for: the type and the facts move the line.
    lines: Vec<(Arc<Subject>, Common<BoundaryRef>)>,
    controls: Vec<(Vec<frameworks::Cited>, Common<Vec<ControlRef>>)>,
}

impl<'a> Desk<'a> {
    fn new(place: &'a Place, check: &'static Check) -> Self {
        Self { place, check, lines: Vec::new(), controls: Vec::new() }
    }

    /// Hands the findings to `spool`, in the report's order.
    fn judge(
        mut self,
        inventory: &Inventory,
        keep: &impl Fn(&mut Finding) -> bool,
        mut spool: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> anyhow::Result<Tally> {
        let check = self.check;
        let mut tally = Tally::default();
        let mut lines = Vec::new();
        let mut gaps = Gaps::default();
        let mut incomplete = BTreeSet::new();
        let results = evaluate(check, inventory);
        for judged in &results {
            let mut finding = self.finding(judged);
            let kept = keep(&mut finding);
            tally.verdicts.add(finding.verdict, finding.suppressed.is_some());
            tally.worst.push(&finding);
            tally.saw_resource |= judged.subject.kind != "AWS::::Account";
            if let Err(why) = &judged.assessed {
                gaps.add(why, &judged.subject.region);
                incomplete.insert(&judged.subject.region);
            }
            if kept {
                demarc_report::write_line(&finding, &mut lines);
            }
            if lines.len() > CHUNK {
                spool(&lines)?;
                lines.clear();
            }
        }
        spool(&lines)?;
        tally.gaps = gaps.told(check, &self.place.account);
        if demarc_collect::is_regional(check.needs) {
            // What is missing of the account itself is missing everywhere.
            let is_whole = !incomplete.contains(&inventory.account.region);
            for region in &inventory.regions {
                tally.looks.add(is_whole && !incomplete.contains(&region.name));
            }
        } else {
            tally.looks.add(incomplete.is_empty());
        }
        Ok(tally)
    }

    fn finding(&mut self, judged: &Judged) -> Finding {
        let (check, place, subject) = (self.check, self.place, &judged.subject);
        let identity = Identity {
            partition: &place.partition,
            account: &place.account,
            region: &subject.region,
            resource: &subject.arn,
            check: check.id,
            part: &judged.part,
        };
        let mut finding = Finding {
            fingerprint: identity.fingerprint(),
            check: Cow::Borrowed(check.id),
            title: Cow::Borrowed(check.title),
            verdict: Verdict::Pass,
            severity: check.severity,
            account: Arc::clone(&place.account),
            partition: Arc::clone(&place.partition),
            region: Arc::clone(&subject.region),
            resource: resource(subject),
            part: judged.part.clone(),
            evidence: Vec::new(),
            not_assessed: None,
            note: None,
            service: Cow::Borrowed(check.service.id()),
            layer: check.layer,
            control_type: check.control_type,
            boundary: self.line(subject),
            controls: self.controls(subject.kind, &judged.part),
            remediation: None,
            change: None,
            suppressed: None,
        };
        match &judged.assessed {
            // Findings::one takes parts apart.
            Ok(Outcome::Pass | Outcome::Parts(_)) => return finding,
            Ok(Outcome::NotApplicable(why)) => {
                finding.verdict = Verdict::NotApplicable;
                finding.note = Some(Cow::Borrowed(*why));
                return finding;
            }
            Ok(Outcome::Manual(what)) => {
                finding.verdict = Verdict::Manual;
                finding.note = Some(Cow::Borrowed(*what));
            }
            Ok(Outcome::Fail(evidence)) => {
                finding.verdict = Verdict::Fail;
                finding.evidence = evidence
                    .iter()
                    .map(|item| EvidenceItem {
                        field: item.field.clone(),
                        observed: item.observed.clone(),
                        expected: item.expected.clone(),
                        call: Cow::Owned(item.call.name()),
                    })
                    .collect();
            }
            Err(why) => {
                finding.verdict = Verdict::NotAssessed;
                finding.not_assessed = Some(not_assessed(why));
            }
        }
        finding.remediation = REMEDIATIONS.get(check.id).cloned();
        finding
    }

    /// Who owns the layer of this check for this resource.
    fn line(&mut self, subject: &Arc<Subject>) -> Common<BoundaryRef> {
        let known = |(other, _): &&(Arc<Subject>, _)| {
            other.kind == subject.kind && other.facts == subject.facts
        };
        if let Some((_, line)) = self.lines.iter().find(known) {
            return line.clone();
        }
        let line = Common::from(line(self.check, subject));
        self.lines.push((Arc::clone(subject), line.clone()));
        line
    }

    fn controls(&mut self, kind: &str, part: &str) -> Common<Vec<ControlRef>> {
        let cited = frameworks::cited_by(self.check.id, kind, part);
        let is_same = |(a, b): (&frameworks::Cited, &frameworks::Cited)| std::ptr::eq(a.1, b.1);
        let known = |(other, _): &&(Vec<_>, _)| {
            other.len() == cited.len() && other.iter().zip(&cited).all(is_same)
        };
        if let Some((_, controls)) = self.controls.iter().find(known) {
            return controls.clone();
        }
        let controls = cited.iter().map(|(framework, control)| ControlRef {
            framework: Cow::Borrowed(framework.id.as_str()),
            id: Cow::Borrowed(control.id.as_str()),
        });
        let controls = Common::from(controls.collect::<Vec<_>>());
        self.controls.push((cited, controls.clone()));
        controls
    }
}

/// Why verdicts of one check could not be given: reason to regions and number of findings.
#[derive(Default)]
struct Gaps<'a>(BTreeMap<&'a NotAssessed, (BTreeSet<&'a str>, u64)>);

impl<'a> Gaps<'a> {
    fn add(&mut self, why: &'a NotAssessed, region: &'a str) {
        let (regions, findings) = self.0.entry(why).or_default();
        regions.insert(region);
        *findings += 1;
    }

    fn told(self, check: &Check, account: &str) -> Vec<Gap> {
        let gaps = self.0.into_iter().map(|(why, (regions, findings))| Gap {
            cause: why.cause.id().to_owned(),
            service: why.call.service.to_owned(),
            operation: why.call.operation.to_owned(),
            action: why.call.action.to_owned(),
            reason: why.cause.to_string(),
            checks: vec![check.id.to_owned()],
            accounts: vec![account.to_owned()],
            accounts_total: 1,
            regions: regions.into_iter().map(str::to_owned).collect(),
            findings,
        });
        gaps.collect()
    }
}

fn not_assessed(why: &NotAssessed) -> NotAssessedItem {
    NotAssessedItem {
        cause: Cow::Borrowed(why.cause.id()),
        reason: why.cause.to_string(),
        call: Cow::Owned(why.call.name()),
        action: Cow::Borrowed(why.call.action),
    }
}

fn resource(subject: &Subject) -> ResourceRef {
    ResourceRef {
        arn: Arc::clone(&subject.arn),
        kind: Cow::Borrowed(subject.kind),
        name: Arc::clone(&subject.name),
        tags: subject.tags.get().ok().cloned(),
    }
}

fn line(check: &Check, subject: &Subject) -> BoundaryRef {
    let boundary = boundary::of(check.service.id()).expect("every service has its boundary");
    let facts: Vec<(&str, &str)> =
        subject.facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let cell = boundary.cell(check.layer, subject.kind, &facts);
    let variant = boundary.variants(subject.kind, &facts).next();
    BoundaryRef {
        service_model: boundary.service_model(subject.kind, &facts),
        owner: owner(cell.owner),
        aws: Cow::Borrowed(cell.aws.as_str()),
        customer: Cow::Borrowed(cell.customer.as_str()),
        variant: variant.map(|variant| Cow::Borrowed(variant.id.as_str())),
    }
}

/// The regions that a report's row of the account names.
pub(crate) fn region_names(inventory: &Inventory) -> Vec<String> {
    inventory
        .regions
        .iter()
        .map(|region| region.name.to_string())
        .filter(|name| name != GLOBAL)
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use demarc_model::time::Timestamp;

    use super::*;
    use crate::spool::Spool;

    fn by_id(id: &str) -> &'static Check {
        demarc_checks::all().find(|check| check.id == id).unwrap()
    }

    /// A check like another, but for what it does.
    fn like(check: &'static Check, evaluate: fn(&Inventory, &mut Findings)) -> &'static Check {
        let Check { id, title, service, severity, layer, control_type, .. } = *check;
        let Check { resource, needs, docs, file, line, .. } = *check;
        Box::leak(Box::new(Check {
            id,
            title,
            service,
            severity,
            layer,
            control_type,
            resource,
            needs,
            docs,
            file,
            line,
            evaluate,
        }))
    }

    fn judged(checks: &[(usize, &'static Check)]) -> (Vec<(&'static Check, Tally)>, Vec<Finding>) {
        let account = "123456789012";
        let mut inventory = Inventory::empty("aws", account, Timestamp(0));
        inventory.region_mut("eu-central-1");
        inventory.region_mut("us-east-1");
        let spool = Spool::temporary().unwrap();
        let writer = spool.begin(account).unwrap();
        let tallies = judge(&inventory, checks, &writer, &|_: &mut Finding| true).unwrap();
        writer.close().unwrap();
        let findings = spool.findings(vec![account.to_owned()]).map(Result::unwrap).collect();
        (tallies, findings)
    }

    #[test]
    fn a_check_that_panics_has_looked_nowhere_and_spoils_nothing_else() {
        let whole = by_id("ec2.instance-imdsv2");
        let broken = like(by_id("ebs.default-encryption"), |_, _| panic!("a fault of ours"));
        let (tallies, findings) = judged(&[(0, broken), (1, whole)]);
        let of = |id: &'static str| findings.iter().filter(move |finding| finding.check == id);
        let why = of(broken.id).next().unwrap().not_assessed.as_ref().unwrap();
        assert_eq!((&*why.cause, of(broken.id).count()), ("bug", 1));
        let (_, tally) = tallies.iter().find(|(check, _)| check.id == broken.id).unwrap();
        assert_eq!((tally.looks.complete, tally.looks.of), (0, 2));
        assert!(of(whole.id).count() > 0, "{findings:?}");
    }

    #[test]
    fn findings_are_read_in_the_order_of_the_scan_whenever_they_were_judged() {
        fn late(inventory: &Inventory, findings: &mut Findings) {
            thread::sleep(ALONE);
            findings.regions(inventory, |_| Ok(Outcome::Pass));
        }
        fn early(inventory: &Inventory, findings: &mut Findings) {
            findings.regions(inventory, |_| Ok(Outcome::Pass));
        }
        let ids = ["ebs.default-encryption", "ec2.instance-imdsv2", "vpc.flow-logs-enabled"];
        let [a, b, c] = ids.map(by_id);
        let (_, findings) = judged(&[(2, like(c, early)), (0, like(a, late)), (1, like(b, early))]);
        let order: Vec<_> = findings.iter().map(|finding| &*finding.check).collect();
        assert_eq!(order, [ids[0], ids[0], ids[1], ids[1], ids[2], ids[2]]);
    }
}
