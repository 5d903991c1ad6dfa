//! What became of earlier failures: a baseline folded from earlier reports, and the findings of a
//! run held against it.
//!
//! A failure counts as resolved only when this run *looked* and it was not there. Absence from a
//! report proves nothing by itself: the check may not have been selected, the account, the region
//! or the listing not read. What is not proven stays open, and is carried to the next comparison.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash},
    io::Read,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use demarc_model::{
    Fingerprint, Severity, Verdict, finding::digest, inventory::GLOBAL, time::Timestamp,
};

use crate::{
    Carried, Change, Error, Event, EventKind, Finding, Head, Reader, ResourceRef, Tool, Why,
    events::EVENTS_VERSION, evidence_hash,
};

/// What earlier reports leave behind: the failures that are open, those that were resolved, and
/// how far the last of them saw. Passing findings are not kept.
#[derive(Debug, Default)]
pub struct Baseline {
    last: Option<Scope>,
    open: HashMap<Key, Carried>,
    /// Failed once, and were resolved since.
    resolved: HashSet<Key>,
    /// Resources of the last report; findings and listings that it left without a verdict. Only
    /// for telling why something is new: a collision of hashes cannot close anything.
    resources: HashSet<u64>,
    unread: HashSet<u64>,
}

/// A fingerprint's 16 bytes.
type Key = [u8; 16];

fn key(fingerprint: &Fingerprint) -> Key {
    let parsed = |text: &str| u128::from_str_radix(text, 16).ok();
    let own = Some(&fingerprint.0).filter(|text| text.len() == 32).and_then(|text| parsed(text));
    // A report that another tool rewrote may name its findings otherwise.
    own.or_else(|| parsed(&digest([&*fingerprint.0]))).unwrap_or_default().to_be_bytes()
}

/// How far a run looked.
#[derive(Debug)]
struct Scope {
    tool: Tool,
    taken_at: Timestamp,
    failing_only: bool,
    /// Those selected that looked anywhere.
    checks: BTreeSet<String>,
    /// Regions, or why the account could not be read.
    accounts: BTreeMap<String, Result<BTreeSet<String>, String>>,
}

impl Scope {
    fn of(head: &Head) -> Self {
        let looked = |check: &&String| head.coverage.by_check.get(*check).is_some_and(|s| s.of > 0);
        Self {
            tool: head.tool.clone(),
            taken_at: head.scan.taken_at,
            failing_only: head.scan.failing_only,
            checks: head.scan.checks.iter().filter(looked).cloned().collect(),
            accounts: head
                .accounts
                .iter()
                .map(|row| {
                    let regions = match &row.error {
                        Some(error) => Err(error.reason.clone()),
                        None => Ok(row.regions.iter().cloned().collect()),
                    };
                    (row.id.clone(), regions)
                })
                .collect(),
        }
    }

    /// Why a run that looked this far says nothing about a place.
    fn leaves_out(&self, check: &str, account: &str, region: &str) -> Option<(Why, String)> {
        if !self.checks.contains(check) {
            return Some((Why::SelectionChanged, format!("check {check} was not selected")));
        }
        match self.accounts.get(account) {
            None => {
                Some((Why::SelectionChanged, format!("account {account} was not among those read")))
            }
            Some(Err(reason)) => {
                Some((Why::AccessChanged, format!("account {account} could not be read: {reason}")))
            }
            Some(Ok(regions)) if region != GLOBAL && !regions.contains(region) => {
                Some((Why::SelectionChanged, format!("region {region} was not among those read")))
            }
            Some(Ok(_)) => None,
        }
    }
}

/// Whether a finding is about an account or region rather than something in it. A verdict that
/// such a finding lacks may stand for a whole listing.
pub(crate) fn is_scope(finding: &Finding) -> bool {
    finding.part.starts_with("listing:") || is_account(&finding.resource)
}

fn is_account(resource: &ResourceRef) -> bool {
    resource.kind == "AWS::::Account"
        || resource.arn.ends_with(":root") && resource.arn.contains(":iam::")
}

/// Equal for equal values in every run of one build. Where hashes collide, a failure stays open
/// that could have been closed, never the reverse.
fn hash(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// One resource of an account. The account itself is one in each region; an ARN that shows up
/// under another region is the same resource still.
fn place(account: &str, region: &str, resource: &ResourceRef) -> u64 {
    let region = if is_account(resource) { region } else { "" };
    hash((account, region, &*resource.arn))
}

fn listing(check: &str, account: &str, region: &str) -> u64 {
    hash(("listing", check, account, region))
}

/// The listings that would have shown what a check says about something in a region. What
/// belongs to no region may have been listed in any.
fn listings(check: &str, account: &str, region: &str) -> [u64; 2] {
    let other = if region == GLOBAL { ANY } else { GLOBAL };
    [region, other].map(|region| listing(check, account, region))
}

const ANY: &str = "*";

fn look(check: &str, place: u64) -> u64 {
    hash(("look", check, place))
}

impl Baseline {
    /// What one report leaves behind. The report is read finding by finding; only what is open is
    /// kept.
    pub fn read(input: impl Read) -> Result<Self, Error> {
        Self::default().then(input)
    }

    /// What a later report makes of it. Folding a whole history, oldest first, tells a failure
    /// that came back from one that is new.
    pub fn then(self, input: impl Read) -> Result<Self, Error> {
        let mut reader = Reader::new(input)?;
        let head = reader.head().clone();
        let comparison = self.compare(&head.tool, head.scan.taken_at);
        let mut next = Self::default();
        let mut names = Names::default();
        for finding in reader.by_ref() {
            let finding = finding?;
            comparison.observe(&finding);
            next.take(&finding, head.scan.taken_at, &mut names);
        }
        let rest = comparison.rest(&head);
        let Self { mut resolved, open, .. } = comparison.baseline;
        resolved.extend(open.into_keys());
        for carried in rest.carried.into_iter().chain(head.carried.iter().cloned()) {
            next.open.entry(key(&carried.fingerprint)).or_insert_with(|| names.shared(carried));
        }
        resolved.retain(|key| !next.open.contains_key(key));
        next.resolved = resolved;
        next.last = Some(Scope::of(&head));
        Ok(next)
    }

    fn take(&mut self, finding: &Finding, taken_at: Timestamp, names: &mut Names) {
        let place = place(&finding.account, &finding.region, &finding.resource);
        self.resources.insert(place);
        match finding.verdict {
            Verdict::Fail => {
                let carried = names.shared(carried(finding, taken_at));
                self.open.insert(key(&finding.fingerprint), carried);
            }
            Verdict::NotAssessed => {
                self.unread.insert(look(&finding.check, place));
                if is_scope(finding) {
                    for region in [&*finding.region, ANY] {
                        self.unread.insert(listing(&finding.check, &finding.account, region));
                    }
                }
            }
            Verdict::Pass | Verdict::NotApplicable | Verdict::Manual => {}
        }
    }

    /// Which demarc wrote the last of the reports.
    pub fn tool(&self) -> Option<&Tool> {
        self.last.as_ref().map(|scope| &scope.tool)
    }

    /// When the last of the reports was taken.
    pub fn taken_at(&self) -> Option<Timestamp> {
        self.last.as_ref().map(|scope| scope.taken_at)
    }

    /// How many failures are open, suppressed ones among them.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Begins to compare a run with it. An empty baseline (`Baseline::default()`) makes every
    /// failure `opened`.
    pub fn compare(self, tool: &Tool, taken_at: Timestamp) -> Comparison {
        let mut watched = HashMap::new();
        for open in self.open.values() {
            let place = place(&open.account, &open.region, &open.resource);
            watched.entry(place).or_default();
            watched.entry(look(&open.check, place)).or_default();
            for listing in listings(&open.check, &open.account, &open.region) {
                watched.entry(listing).or_default();
            }
        }
        let upgraded = self.last.as_ref().is_some_and(|last| last.tool.version != tool.version);
        Comparison {
            upgrade: upgraded.then(|| {
                let before = self.last.as_ref().map(|last| last.tool.version.as_str());
                format!("demarc {} became {}", before.unwrap_or_default(), tool.version)
            }),
            at: taken_at.rfc3339().into(),
            since: self.taken_at().map(|at| at.rfc3339().into()),
            taken_at,
            baseline: self,
            seen: Mutex::new(Seen { watched, answers: HashMap::new() }),
        }
    }

    /// Why a failure was not there before.
    fn why_new(&self, finding: &Finding, upgrade: Option<&str>) -> (Vec<Why>, String) {
        let Some(last) = &self.last else {
            return (vec![Why::ResourceChanged], "there is no earlier report".to_owned());
        };
        let (check, account, region) = (&*finding.check, &*finding.account, &*finding.region);
        if let Some((why, left_out)) = last.leaves_out(check, account, region) {
            let detail = format!("not seen before: {left_out} in the earlier run");
            return match upgrade {
                Some(upgrade) if !last.checks.contains(check) => {
                    (vec![why, Why::CheckChanged], format!("{detail}, or is new ({upgrade})"))
                }
                _ => (vec![why], detail),
            };
        }
        let place = place(account, region, &finding.resource);
        let mut sources = listings(check, account, region).into_iter().chain([look(check, place)]);
        if sources.any(|hash| self.unread.contains(&hash)) {
            return (
                vec![Why::AccessChanged],
                "could be read now, unlike in the earlier run".to_owned(),
            );
        }
        if self.resources.contains(&place) {
            return changed_or_upgraded("did not fail before", upgrade);
        }
        if last.failing_only {
            return changed_or_upgraded("did not fail before, or is new", upgrade);
        }
        changed_or_upgraded("the resource is new", None)
    }
}

fn changed_or_upgraded(what: &str, upgrade: Option<&str>) -> (Vec<Why>, String) {
    match upgrade {
        None => (vec![Why::ResourceChanged], what.to_owned()),
        Some(upgrade) => (
            vec![Why::ResourceChanged, Why::CheckChanged],
            format!("{what}; the resource changed, or the check did ({upgrade})"),
        ),
    }
}

fn carried(finding: &Finding, taken_at: Timestamp) -> Carried {
    let expected = finding.evidence.iter().flat_map(|item| [&*item.field, &*item.expected]);
    let mut expected_hash = digest(expected);
    expected_hash.truncate(16);
    Carried {
        fingerprint: finding.fingerprint.clone(),
        check: Arc::from(&*finding.check),
        title: Arc::from(&*finding.title),
        severity: finding.severity,
        account: Arc::clone(&finding.account),
        partition: Arc::clone(&finding.partition),
        region: Arc::clone(&finding.region),
        resource: ResourceRef { tags: None, ..finding.resource.clone() },
        part: Arc::from(finding.part.as_str()),
        layer: finding.layer,
        evidence_hash: evidence_hash(finding),
        expected_hash,
        suppressed: finding.suppressed.is_some(),
        last_failed: taken_at,
    }
}

/// Names that many failures share, held once.
#[derive(Default)]
struct Names(HashSet<Arc<str>>);

impl Names {
    fn shared(&mut self, mut carried: Carried) -> Carried {
        for name in [
            &mut carried.check,
            &mut carried.title,
            &mut carried.account,
            &mut carried.partition,
            &mut carried.region,
            &mut carried.resource.arn,
            &mut carried.part,
        ] {
            match self.0.get(name) {
                Some(known) => *name = Arc::clone(known),
                None => {
                    self.0.insert(Arc::clone(name));
                }
            }
        }
        carried
    }
}

/// A run being held against a [`Baseline`]. Findings may be shown in any order, from several
/// threads, and more than once.
#[derive(Debug)]
pub struct Comparison {
    baseline: Baseline,
    /// Said when another version of demarc made the baseline.
    upgrade: Option<String>,
    at: Arc<str>,
    since: Option<Arc<str>>,
    taken_at: Timestamp,
    seen: Mutex<Seen>,
}

impl Comparison {
    /// The same for a run that goes on from an earlier moment.
    #[must_use]
    pub fn since(self, taken_at: Timestamp) -> Self {
        Self { at: taken_at.rfc3339().into(), taken_at, ..self }
    }
}

/// What the run showed of what the baseline holds open.
#[derive(Debug)]
struct Seen {
    watched: HashMap<u64, Sight>,
    answers: HashMap<Key, Answer>,
}

/// What the run showed of one resource, one check's look at it, or one listing.
#[derive(Debug, Default)]
struct Sight {
    seen: bool,
    /// Why something there has no verdict.
    unread: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Fails,
    FailsNot,
    Unknown,
}

impl Answer {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fail => Self::Fails,
            Verdict::Pass | Verdict::NotApplicable => Self::FailsNot,
            // What only a person can answer now is not thereby fixed.
            Verdict::NotAssessed | Verdict::Manual => Self::Unknown,
        }
    }
}

/// What a run leaves of its baseline: the failures that it did not show again.
#[derive(Debug, Default)]
pub struct Rest {
    /// Resolved, deleted or unknown; in the report's order.
    pub events: Vec<Event>,
    /// For [`Head::carried`]: every failure whose state this run could not tell.
    pub carried: Vec<Carried>,
}

impl Comparison {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a finding says about the baseline.
    fn observe(&self, finding: &Finding) {
        let place = place(&finding.account, &finding.region, &finding.resource);
        let look = look(&finding.check, place);
        let key = key(&finding.fingerprint);
        let mut seen = self.seen();
        if self.baseline.open.contains_key(&key) {
            seen.answers.insert(key, Answer::of(finding.verdict));
        }
        for hash in [place, look] {
            if let Some(sight) = seen.watched.get_mut(&hash) {
                sight.seen = true;
            }
        }
        let Some(why) = (finding.verdict == Verdict::NotAssessed).then(|| finding.message()) else {
            return;
        };
        let listings = is_scope(finding).then(|| {
            [&*finding.region, ANY].map(|region| listing(&finding.check, &finding.account, region))
        });
        for hash in listings.into_iter().flatten().chain([look]) {
            if let Some(sight) = seen.watched.get_mut(&hash) {
                sight.unread = Some(match sight.unread.take() {
                    // The least, not the last: findings come in any order.
                    Some(known) => known.min(why.clone()),
                    None => why.clone(),
                });
            }
        }
    }

    /// Marks a finding with what became of it, and returns the event that this is, if it is one.
    /// Every finding of the run must be shown, passing ones too; showing one twice is harmless.
    pub fn mark(&self, finding: &mut Finding) -> Option<Event> {
        self.observe(finding);
        let key = key(&finding.fingerprint);
        let upgrade = self.upgrade.as_deref();
        let before = self.baseline.open.get(&key);
        let (change, kind, why, detail) = match (before, Answer::of(finding.verdict)) {
            (None, Answer::FailsNot | Answer::Unknown) => {
                finding.change = None;
                return None;
            }
            (None, Answer::Fails) => {
                let (why, detail) = self.baseline.why_new(finding, upgrade);
                if self.baseline.resolved.contains(&key) {
                    let detail = format!("failed and was resolved earlier; {detail}");
                    (Change::Reopened, EventKind::Reopened, why, detail)
                } else {
                    (Change::New, EventKind::Opened, why, detail)
                }
            }
            (Some(before), Answer::Fails) => {
                let after = carried(finding, self.taken_at);
                let Some((kind, why, detail)) = difference(before, &after, upgrade) else {
                    finding.change = Some(Change::Unchanged);
                    return None;
                };
                (Change::Changed, kind, why, detail)
            }
            (Some(_), Answer::FailsNot) => {
                let what = match finding.verdict {
                    Verdict::NotApplicable => {
                        format!("no longer applies: {}", finding.message())
                    }
                    _ => "passes now".to_owned(),
                };
                let (why, detail) = changed_or_upgraded(&what, upgrade);
                (Change::Resolved, EventKind::Resolved, why, detail)
            }
            (Some(_), Answer::Unknown) => {
                let (why, detail) = match finding.verdict {
                    Verdict::Manual => (Why::CheckChanged, "only a person can answer it now"),
                    _ => (Why::AccessChanged, "could not be read in this run"),
                };
                let detail = format!("{detail}: {}", finding.message());
                (Change::UnknownThisRun, EventKind::UnknownThisRun, vec![why], detail)
            }
        };
        finding.change = Some(change);
        let fails = finding.verdict == Verdict::Fail;
        // Accepted: no ticket is opened, and one that a suppression has silenced stays silent.
        let newly = before.is_some_and(|before| !before.suppressed);
        if fails && finding.suppressed.is_some() && !newly {
            return None;
        }
        let mut event = if fails {
            self.event(kind, &carried(finding, self.taken_at), before, why, detail)
        } else {
            self.event(kind, before?, before, why, detail)
        };
        event.resource.tags.clone_from(&finding.resource.tags);
        if fails {
            event.message = finding.message();
            event.remediation.clone_from(&finding.remediation);
        }
        Some(event)
    }

    fn event(
        &self,
        kind: EventKind,
        of: &Carried,
        before: Option<&Carried>,
        why: Vec<Why>,
        detail: String,
    ) -> Event {
        let state = |state: Option<&Carried>| match state {
            None => String::new(),
            Some(at) => {
                format!("{} {} {}", at.evidence_hash, at.severity.id(), at.suppressed)
            }
        };
        let idempotency_key = digest([
            &*of.fingerprint.0,
            kind.id(),
            self.since.as_deref().unwrap_or_default(),
            &state(before),
            &state(Some(of)),
        ]);
        Event {
            schema_version: EVENTS_VERSION.into(),
            event: kind,
            id: of.fingerprint.clone(),
            idempotency_key,
            at: Arc::clone(&self.at),
            since: self.since.clone(),
            account: Arc::clone(&of.account),
            partition: Arc::clone(&of.partition),
            region: Arc::clone(&of.region),
            resource: of.resource.clone(),
            part: Arc::clone(&of.part),
            check: Arc::clone(&of.check),
            severity: of.severity,
            layer: of.layer,
            title: Arc::clone(&of.title),
            message: detail.clone(),
            why,
            detail,
            evidence_hash: of.evidence_hash.clone(),
            remediation: None,
        }
    }

    /// What became of the failures that the run did not show again; `head` is the run's own.
    pub fn rest(&self, head: &Head) -> Rest {
        let scope = Scope::of(head);
        let seen = self.seen();
        let mut open: Vec<_> = self.baseline.open.iter().collect();
        open.sort_by_cached_key(|(_, open)| {
            let Carried { account, region, resource, check, part, .. } = open;
            [account, region, &resource.arn, check, part].map(Arc::clone)
        });
        let mut rest = Rest::default();
        for (key, open) in open {
            match seen.answers.get(key) {
                Some(Answer::Fails | Answer::FailsNot) => continue,
                Some(Answer::Unknown) => {}
                None => {
                    let (kind, why, detail) = self.absent(open, &scope, &seen);
                    rest.events.push(self.event(kind, open, Some(open), why, detail));
                    if kind != EventKind::UnknownThisRun {
                        continue;
                    }
                }
            }
            rest.carried.push(open.clone());
        }
        rest
    }

    /// What it means that a finding is not among those of the run.
    fn absent(&self, open: &Carried, scope: &Scope, seen: &Seen) -> (EventKind, Vec<Why>, String) {
        let unknown = |why, detail| (EventKind::UnknownThisRun, vec![why], detail);
        if let Some((why, detail)) = scope.leaves_out(&open.check, &open.account, &open.region) {
            return unknown(why, detail);
        }
        let place = place(&open.account, &open.region, &open.resource);
        let look = look(&open.check, place);
        let sight = |hash: u64| seen.watched.get(&hash);
        let sources = listings(&open.check, &open.account, &open.region);
        if let Some(why) =
            sources.into_iter().chain([look]).find_map(|at| sight(at)?.unread.as_deref())
        {
            return unknown(Why::AccessChanged, format!("could not be read in this run: {why}"));
        }
        let is_seen = |hash: u64| sight(hash).is_some_and(|sight| sight.seen);
        let upgrade = self.upgrade.as_deref();
        let resolved = |what: &str| {
            let (why, detail) = changed_or_upgraded(what, upgrade);
            (EventKind::Resolved, why, detail)
        };
        if is_seen(look) {
            return resolved("the check looked at the resource and no longer finds this wrong");
        }
        match (is_seen(place), scope.failing_only) {
            (true, true) => return resolved("the check looked and no longer finds it wrong"),
            (true, false) => {
                return resolved("the resource is there, and the check no longer applies to it");
            }
            (false, true) => {
                return resolved(
                    "fixed, or the resource was deleted: the report leaves out what passes",
                );
            }
            (false, false) => {}
        }
        if is_account(&open.resource) {
            let detail = "the check ran and gave no verdict on the account itself".to_owned();
            return unknown(Why::CheckChanged, detail);
        }
        let detail = "everything of its kind was listed, and it was not there".to_owned();
        (EventKind::ResourceDeleted, vec![Why::ResourceChanged], detail)
    }
}

/// What tells a failure from the same one earlier; `None` when nothing does.
fn difference(
    before: &Carried,
    after: &Carried,
    upgrade: Option<&str>,
) -> Option<(EventKind, Vec<Why>, String)> {
    let mut kind = EventKind::Changed;
    let mut why = BTreeSet::new();
    let mut details = Vec::new();
    if before.suppressed != after.suppressed {
        why.insert(Why::SuppressionChanged);
        details.push(if after.suppressed {
            "a suppression accepts it now".to_owned()
        } else {
            // It may never have had a ticket.
            kind = EventKind::Opened;
            "its suppression has ended".to_owned()
        });
    }
    if before.severity != after.severity {
        why.insert(Why::CheckChanged);
        details.push(severities(before.severity, after.severity));
    }
    if before.evidence_hash != after.evidence_hash {
        let same_terms = before.expected_hash == after.expected_hash;
        let upgrade = if same_terms { None } else { upgrade };
        let (causes, detail) = changed_or_upgraded("fails with other evidence", upgrade);
        why.extend(causes);
        details.push(detail);
    }
    (!details.is_empty()).then(|| (kind, why.into_iter().collect(), details.join("; ")))
}

fn severities(before: Severity, after: Severity) -> String {
    format!("its severity was {}, and is {}", before.id(), after.id())
}
