//! From an inventory to findings: every selected check, each finding placed on its side of the
//! line.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use demarc_checks::{boundary, frameworks};
use demarc_model::{
    Check, Findings, Inventory, Judged, NotAssessed, Outcome, Subject, Verdict, finding::Identity,
    inventory::GLOBAL,
};
use demarc_report::{
    BoundaryRef, ControlRef, EvidenceItem, Finding, NotAssessed as NotAssessedItem, ResourceRef,
};

use crate::totals::{Totals, is_gap, owner};

/// What the findings of a check have in common.
struct Texts {
    remediation: String,
}

static TEXTS: LazyLock<BTreeMap<&'static str, Texts>> = LazyLock::new(|| {
    demarc_checks::all()
        .map(|check| (check.id, Texts { remediation: check.section("Remediation") }))
        .collect()
});

/// Judges one account check by check, hands every finding to `sink` in the report's order, and
/// counts it. The inventory's account must be the last row of `totals`.
pub(crate) fn judge<E>(
    inventory: &Inventory,
    checks: &[&'static Check],
    totals: &mut Totals,
    mut decorate: impl FnMut(&mut Finding),
    mut sink: impl FnMut(&Finding) -> Result<(), E>,
) -> Result<(), E> {
    let place = Place {
        account: Arc::from(inventory.account_id.as_str()),
        partition: Arc::from(inventory.partition.as_str()),
    };
    for check in checks {
        let mut findings = Findings::default();
        (check.evaluate)(inventory, &mut findings);
        let mut judged = findings.results;
        judged.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)).then(rank(a).cmp(&rank(b))));
        // The same subject twice (a resource that AWS listed twice) is one finding, the worst.
        judged.dedup_by(|a, b| sort_key(a) == sort_key(b));
        let mut incomplete = BTreeSet::new();
        for judged in &judged {
            let mut finding = place.finding(check, judged);
            decorate(&mut finding);
            if is_gap(finding.verdict) {
                incomplete.insert(Arc::clone(&finding.region));
            }
            totals.add(&finding);
            sink(&finding)?;
        }
        if demarc_collect::is_regional(check.needs) {
            for region in &inventory.regions {
                totals.look(check, !incomplete.contains(&region.name));
            }
        } else {
            totals.look(check, incomplete.is_empty());
        }
    }
    Ok(())
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

impl Place {
    fn finding(&self, check: &'static Check, judged: &Judged) -> Finding {
        let subject = &judged.subject;
        let identity = Identity {
            partition: &self.partition,
            account: &self.account,
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
            account: Arc::clone(&self.account),
            partition: Arc::clone(&self.partition),
            region: Arc::clone(&subject.region),
            resource: resource(subject),
            part: judged.part.clone(),
            evidence: Vec::new(),
            not_assessed: None,
            note: None,
            service: Cow::Borrowed(check.service.id()),
            layer: check.layer,
            control_type: check.control_type,
            boundary: line(check, subject),
            controls: controls(check, subject.kind, &judged.part),
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
        let texts = TEXTS.get(check.id).expect("every check has its texts");
        finding.remediation = Some(Cow::Borrowed(texts.remediation.as_str()));
        finding
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
        tags: subject.tags.get().ok().map(Arc::clone),
    }
}

/// Who owns the layer of this check for this resource.
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

fn controls(check: &Check, kind: &str, part: &str) -> Arc<[ControlRef]> {
    frameworks::cited_by(check.id, kind, part)
        .into_iter()
        .map(|(framework, control)| ControlRef {
            framework: Cow::Borrowed(framework.id.as_str()),
            id: Cow::Borrowed(control.id.as_str()),
        })
        .collect()
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
