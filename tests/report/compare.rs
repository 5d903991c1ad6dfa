//! Runs held against earlier ones: what is resolved only when this run looked, what stays open,
//! and why; and what is made of a run's outcome: tickets, metrics.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod metrics;
mod runs;
mod tickets;

use demarc_model::{Severity, Verdict, time::Timestamp};
use demarc_report::{
    Baseline, Change, Error, Event, EventKind, Finding, Format, Report, SuppressionNoteKind,
    Suppressions, Why, diff, evidence_hash, read_json, write,
};
use runs::{Run, bytes, denied, fail, not_applicable, pass};

const ONE: &str = "arn:aws:s3:::one";
const TWO: &str = "arn:aws:s3:::two";
const OPEN: &str = "s3.bucket-policy-not-public";
const LOGS: &str = "s3.bucket-access-logging";

fn events(runs: &[&Report]) -> Vec<Event> {
    let (last, earlier) = runs.split_last().unwrap();
    let baseline = earlier
        .iter()
        .fold(Baseline::default(), |baseline, run| baseline.then(&*bytes(run)).unwrap());
    compare(baseline, (*last).clone()).0
}

/// The events, and the report as it is written after the comparison.
fn compare(baseline: Baseline, mut run: Report) -> (Vec<Event>, Report) {
    let comparison = baseline.compare(&run.head.tool, run.head.scan.taken_at);
    let mut events: Vec<_> =
        run.findings.iter_mut().filter_map(|finding| comparison.mark(finding)).collect();
    let rest = comparison.rest(&run.head);
    events.extend(rest.events);
    run.head.carried = rest.carried;
    (events, run)
}

/// Each run compared with the one before it, and no other: as with `--baseline` alone.
fn chain(runs: &[Report]) -> Vec<Vec<EventKind>> {
    let mut before: Option<Report> = None;
    let mut all = Vec::new();
    for run in runs {
        let baseline = match &before {
            None => Baseline::default(),
            Some(before) => Baseline::read(&*bytes(before)).unwrap(),
        };
        let (events, after) = compare(baseline, run.clone());
        all.push(kinds(&events));
        before = Some(after);
    }
    all
}

fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(|event| event.event).collect()
}

#[track_caller]
fn only(events: Vec<Event>) -> Event {
    let [event] = <[Event; 1]>::try_from(events).unwrap();
    event
}

fn failing() -> Report {
    Run::at(1).with(fail(OPEN, ONE)).report()
}

#[test]
fn without_a_baseline_every_failure_is_opened() {
    let run = Run::at(1).with(fail(OPEN, ONE)).with(pass(OPEN, TWO)).report();
    let event = only(events(&[&run]));
    assert_eq!(event.event, EventKind::Opened);
    assert_eq!(event.id, run.findings[0].fingerprint);
    assert_eq!(event.since, None);
    assert_eq!(event.message, "Policy is public (expected private)");
}

#[test]
fn the_same_failure_is_no_event() {
    let (events, run) = compare(Baseline::read(&*bytes(&failing())).unwrap(), failing());
    assert!(events.is_empty());
    assert_eq!(run.findings[0].change, Some(Change::Unchanged));
    assert!(run.head.carried.is_empty());
}

#[test]
fn a_pass_resolves_and_so_does_a_check_that_no_longer_applies() {
    for verdict in [pass(OPEN, ONE), not_applicable(OPEN, ONE)] {
        let event = only(events(&[&failing(), &Run::at(2).with(verdict).report()]));
        assert_eq!(event.event, EventKind::Resolved);
        assert_eq!(event.why, [Why::ResourceChanged]);
    }
}

#[test]
fn a_second_scan_that_was_denied_closes_nothing() {
    let before = Run::at(1).with(fail(OPEN, ONE)).with(fail(OPEN, TWO)).report();
    // One bucket's policy is denied: its finding is there, without a verdict.
    let policy = Run::at(2).with(denied(OPEN, ONE, "")).with(pass(OPEN, TWO)).report();
    assert_eq!(
        kinds(&events(&[&before, &policy])),
        [EventKind::UnknownThisRun, EventKind::Resolved]
    );
    // The listing is denied: nothing is there but one line for the account.
    let listing = Run::at(2).with(denied(OPEN, runs::ROOT, "listing:ListBuckets")).report();
    let all = events(&[&before, &listing]);
    assert_eq!(kinds(&all), [EventKind::UnknownThisRun; 2]);
    for event in all {
        assert_eq!(event.why, [Why::AccessChanged]);
        assert!(event.detail.contains("needs s3:Get"), "{}", event.detail);
    }
}

#[test]
fn a_denial_elsewhere_does_not_keep_a_deleted_resource_open() {
    let gone = || Run::at(2).with(pass(OPEN, TWO));
    let kind = |run: Run| only(events(&[&failing(), &run.report()])).event;
    assert_eq!(kind(gone()), EventKind::ResourceDeleted);
    // Another resource, another check, another region: none hides this bucket.
    assert_eq!(
        kind(gone().with(denied(OPEN, "arn:aws:s3:::three", ""))),
        EventKind::ResourceDeleted
    );
    let elsewhere = denied(LOGS, runs::ROOT, "listing:ListBuckets");
    assert_eq!(kind(gone().with(elsewhere)), EventKind::ResourceDeleted);
    let mut elsewhere = denied(OPEN, runs::ROOT, "listing:ListBuckets");
    elsewhere.region = "us-east-1".into();
    assert_eq!(kind(gone().with(elsewhere)), EventKind::ResourceDeleted);
    // The account's own listing shows the buckets of every region.
    let global = denied(OPEN, runs::ROOT, "listing:ListBuckets");
    assert_eq!(&*global.region, "global");
    assert_eq!(kind(gone().with(global)), EventKind::UnknownThisRun);
}

#[test]
fn what_the_run_was_not_asked_to_look_at_stays_open() {
    type Narrow = fn(&mut Report);
    let cases: [(&str, Narrow, Why); 5] = [
        (
            "check s3.bucket-policy-not-public was not selected",
            |run| run.head.scan.checks.retain(|check| check != OPEN),
            Why::SelectionChanged,
        ),
        (
            "was not selected",
            |run| {
                run.head.coverage.by_check.remove(OPEN);
            },
            Why::SelectionChanged,
        ),
        ("was not among those read", |run| run.head.accounts.clear(), Why::SelectionChanged),
        (
            "could not be read: cannot assume role",
            |run| run.head.accounts[0].error = Some(runs::no_role()),
            Why::AccessChanged,
        ),
        (
            "region eu-central-1 was not among those read",
            |run| run.head.accounts[0].regions.retain(|region| region != "eu-central-1"),
            Why::SelectionChanged,
        ),
    ];
    for (detail, narrow, why) in cases {
        for failing_only in [false, true] {
            let mut run = Run::at(2).report();
            run.head.scan.failing_only = failing_only;
            narrow(&mut run);
            let event = only(events(&[&failing(), &run]));
            assert_eq!(event.event, EventKind::UnknownThisRun, "{detail}");
            assert!(event.detail.contains(detail), "{}", event.detail);
            assert_eq!(event.why, [why]);
        }
    }
}

#[test]
fn unknown_in_between_is_not_new_afterwards() {
    use EventKind::{Changed, Opened, Resolved, UnknownThisRun};
    let denials = [
        Run::at(2).with(denied(OPEN, ONE, "")).report(),
        Run::at(2).with(denied(OPEN, runs::ROOT, "listing:ListBuckets")).report(),
    ];
    for denial in denials {
        let again = |at| Report { head: Run::at(at).report().head, ..denial.clone() };
        let mut after = Run::at(4).with(fail(OPEN, ONE)).report();
        let runs = [failing(), denial.clone(), again(3), after.clone()];
        let unknown = vec![UnknownThisRun];
        assert_eq!(chain(&runs), [vec![Opened], unknown.clone(), unknown.clone(), vec![]]);
        // Folded from the bare reports, as with a history, it is the same.
        assert!(events(&runs.each_ref()).is_empty());
        // Evidence is compared with what was last seen, however long ago.
        after.findings[0].evidence[0].observed = "still public".into();
        let runs = [failing(), denial.clone(), again(3), after];
        assert_eq!(chain(&runs)[3], [Changed]);
        let runs = [failing(), denial.clone(), Run::at(5).with(pass(OPEN, ONE)).report()];
        assert_eq!(chain(&runs)[2], [Resolved]);
    }
}

#[test]
fn a_carried_failure_remembers_when_it_was_last_seen() {
    let denial = Run::at(2).with(denied(OPEN, ONE, "")).report();
    let (_, after) = compare(Baseline::read(&*bytes(&failing())).unwrap(), denial);
    assert_eq!(after.findings[0].change, Some(Change::UnknownThisRun));
    assert_eq!(after.head.carried.len(), 1);
    let read = read_json(&*bytes(&after)).unwrap();
    assert_eq!(read, after);
    let carried = &read.head.carried[0];
    assert_eq!(carried.last_failed, failing().head.scan.taken_at);
    assert_eq!(carried.evidence_hash, evidence_hash(&failing().findings[0]));
}

#[test]
fn what_comes_back_is_reopened_where_the_history_is_known() {
    let fixed = Run::at(2).with(pass(OPEN, ONE)).report();
    let again = Run::at(3).with(fail(OPEN, ONE)).report();
    assert_eq!(kinds(&events(&[&failing(), &fixed, &again])), [EventKind::Reopened]);
    assert_eq!(kinds(&events(&[&fixed, &again])), [EventKind::Opened]);
    // Deleted and made again, with a run in between that saw nothing.
    let gone = Run::at(2).with(pass(OPEN, TWO)).report();
    let blind = Run::at(3).with(denied(OPEN, runs::ROOT, "listing:ListBuckets")).report();
    assert_eq!(kinds(&events(&[&failing(), &gone, &blind, &again])), [EventKind::Reopened]);
}

#[test]
fn a_change_says_what_it_is() {
    let event = |run: &Report| only(events(&[&failing(), run]));
    let mut run = Run::at(2).with(fail(OPEN, ONE)).report();
    run.findings[0].evidence[0].observed = "open to an organization".into();
    assert_eq!(event(&run).event, EventKind::Changed);
    assert_eq!(event(&run).why, [Why::ResourceChanged]);
    assert_ne!(event(&run).evidence_hash, evidence_hash(&failing().findings[0]));

    run.findings[0].evidence[0].expected = "for the account alone".into();
    run.head.tool.version = "0.2.0".to_owned();
    assert_eq!(event(&run).why, [Why::ResourceChanged, Why::CheckChanged]);
    assert!(event(&run).detail.contains("demarc 0.1.0 became 0.2.0"));

    let mut run = Run::at(2).with(fail(OPEN, ONE)).report();
    run.findings[0].severity = Severity::Critical;
    assert_eq!(event(&run).why, [Why::CheckChanged]);
    assert_eq!(event(&run).detail, "its severity was high, and is critical");
}

#[test]
fn a_new_failure_says_why_it_was_not_there_before() {
    let after = Run::at(2).with(fail(OPEN, ONE)).report();
    let why = |before: &Report| {
        let event = only(events(&[before, &after]));
        assert_eq!(event.event, EventKind::Opened);
        (event.why, event.detail)
    };
    let (cause, detail) = why(&Run::at(1).with(pass(OPEN, ONE)).report());
    assert_eq!((cause, &*detail), (vec![Why::ResourceChanged], "did not fail before"));
    let (cause, detail) = why(&Run::at(1).with(pass(OPEN, TWO)).report());
    assert_eq!((cause, &*detail), (vec![Why::ResourceChanged], "the resource is new"));
    for blind in [denied(OPEN, ONE, ""), denied(OPEN, runs::ROOT, "listing:ListBuckets")] {
        assert_eq!(why(&Run::at(1).with(blind).report()).0, [Why::AccessChanged]);
    }
    let mut narrow = Run::at(1).report();
    narrow.head.scan.checks.retain(|check| check != OPEN);
    assert_eq!(why(&narrow).0, [Why::SelectionChanged]);
    narrow.head.tool.version = "0.0.9".to_owned();
    assert_eq!(why(&narrow).0, [Why::SelectionChanged, Why::CheckChanged]);
}

#[test]
fn a_report_of_failures_alone_resolves_but_does_not_tell_how() {
    let run = |findings: Vec<Finding>| {
        let mut run = findings.into_iter().fold(Run::at(2), Run::with).report();
        run.head.scan.failing_only = true;
        run
    };
    let event = only(events(&[&failing(), &run(vec![])]));
    assert_eq!(event.event, EventKind::Resolved);
    assert!(event.detail.starts_with("fixed, or the resource was deleted"), "{}", event.detail);
    let other = fail(LOGS, ONE);
    let seen = events(&[&failing(), &run(vec![other])]);
    assert_eq!(kinds(&seen), [EventKind::Opened, EventKind::Resolved]);
    assert_eq!(seen[1].detail, "the check looked and no longer finds it wrong");
    for blind in [denied(OPEN, ONE, ""), denied(OPEN, runs::ROOT, "listing:ListBuckets")] {
        let events = events(&[&failing(), &run(vec![blind])]);
        assert_eq!(kinds(&events), [EventKind::UnknownThisRun]);
    }
}

#[test]
fn a_part_that_is_gone_is_resolved_unless_parts_could_not_be_read() {
    let part =
        |part: &str, verdict: fn(&str, &str) -> Finding| runs::part(verdict(OPEN, ONE), part);
    let before = Run::at(1).with(part("tcp/22", fail)).with(part("tcp/80", fail)).report();
    let after = |rest| Run::at(2).with(part("tcp/80", fail)).with(rest).report();
    assert_eq!(kinds(&events(&[&before, &after(part("tcp/80", fail))])), [EventKind::Resolved]);
    let blind = after(denied(OPEN, ONE, "other rules"));
    assert_eq!(kinds(&events(&[&before, &blind])), [EventKind::UnknownThisRun]);
    // None left: one pass of the whole.
    let clean = Run::at(2).with(pass(OPEN, ONE)).report();
    assert_eq!(kinds(&events(&[&before, &clean])), [EventKind::Resolved; 2]);
}

#[test]
fn the_account_itself_is_never_deleted() {
    let before = Run::at(1).with(fail("account.security-contact", runs::ROOT)).report();
    let mut after = Run::at(2).report();
    after.head.coverage.by_check.insert("account.security-contact".to_owned(), runs::looked());
    let event = only(events(&[&before, &after]));
    assert_eq!(event.event, EventKind::UnknownThisRun);
}

#[test]
fn a_resource_that_a_check_no_longer_judges_is_resolved_not_deleted() {
    let after = Run::at(2).with(pass(LOGS, ONE)).report();
    let event = only(events(&[&failing(), &after]));
    assert_eq!(event.event, EventKind::Resolved);
    assert!(event.detail.contains("no longer applies"), "{}", event.detail);
}

#[test]
fn a_verdict_that_only_a_person_can_give_closes_nothing() {
    let mut manual = not_applicable(OPEN, ONE);
    manual.verdict = Verdict::Manual;
    let event = only(events(&[&failing(), &Run::at(2).with(manual).report()]));
    assert_eq!((event.event, event.why), (EventKind::UnknownThisRun, vec![Why::CheckChanged]));
}

#[test]
fn accepted_failures_open_no_ticket_until_the_suppression_ends() {
    use EventKind::{Changed, Opened, Resolved};
    let accepted = |at| {
        let mut run = Run::at(at).with(fail(OPEN, ONE)).report();
        run.findings[0].suppressed = Some(runs::accepted());
        run
    };
    let open = |at| Run::at(at).with(fail(OPEN, ONE)).report();
    assert!(events(&[&accepted(1)]).is_empty());
    assert!(events(&[&accepted(1), &accepted(2)]).is_empty());
    let event = only(events(&[&accepted(1), &open(2)]));
    assert_eq!((event.event, event.why), (Opened, vec![Why::SuppressionChanged]));
    let event = only(events(&[&open(1), &accepted(2)]));
    assert_eq!((event.event, event.why), (Changed, vec![Why::SuppressionChanged]));
    let fixed = Run::at(3).with(pass(OPEN, ONE)).report();
    assert_eq!(kinds(&events(&[&open(1), &accepted(2), &fixed])), [Resolved]);
}

#[test]
fn an_event_sent_twice_has_one_key_and_one_that_happens_twice_has_two() {
    let fixed = |at| Run::at(at).with(pass(OPEN, ONE)).report();
    let again = Run::at(3).with(fail(OPEN, ONE)).report();
    let key = |runs: &[&Report]| only(events(runs)).idempotency_key;
    let first = key(&[&failing(), &fixed(2)]);
    // The same comparison, made by a scan an hour later.
    assert_eq!(first, key(&[&failing(), &fixed(2)]));
    let mut later = fixed(2);
    later.head.scan.taken_at = Timestamp(later.head.scan.taken_at.0 + 3600);
    assert_eq!(first, key(&[&failing(), &later]));
    assert_ne!(first, key(&[&failing(), &fixed(2), &again, &fixed(4)]));
    assert_ne!(first, key(&[&failing(), &Run::at(2).report()]));
}

#[test]
fn marking_twice_and_out_of_order_changes_nothing() {
    let before = Run::at(1).with(fail(OPEN, ONE)).with(fail(OPEN, TWO)).report();
    let run =
        Run::at(2).with(pass(OPEN, ONE)).with(denied(OPEN, TWO, "")).with(fail(LOGS, TWO)).report();
    let baseline = || Baseline::read(&*bytes(&before)).unwrap();
    let (expected, after) = compare(baseline(), run.clone());
    let mut reversed = run.clone();
    reversed.findings.reverse();
    let comparison = baseline().compare(&run.head.tool, run.head.scan.taken_at);
    for finding in reversed.findings.iter_mut().chain(&mut run.findings.clone()) {
        comparison.mark(finding);
    }
    let mut events: Vec<_> =
        run.findings.clone().iter_mut().filter_map(|finding| comparison.mark(finding)).collect();
    let rest = comparison.rest(&run.head);
    events.extend(rest.events);
    assert_eq!(events, expected);
    assert_eq!(rest.carried, after.head.carried);
}

#[test]
fn a_diff_reads_two_reports_and_explains_itself() {
    let before = Run::at(1)
        .with(fail(OPEN, ONE))
        .with(fail(LOGS, ONE))
        .with(fail(OPEN, TWO))
        .with(fail(LOGS, TWO))
        .report();
    let mut after = Run::at(2)
        .with(fail(OPEN, ONE))
        .with(denied(LOGS, ONE, ""))
        .with(fail(OPEN, "arn:aws:s3:::three\u{1b}[2J"))
        .with(denied(LOGS, runs::ROOT, "listing:ListBuckets"))
        .report();
    after.head.tool.version = "0.2.0".to_owned();
    let diff = diff(&*bytes(&before), &*bytes(&after)).unwrap();
    assert_eq!(diff.unchanged, 1);
    let mut text = Vec::new();
    diff.write_text(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains('\u{1b}'));
    insta::assert_snapshot!("diff.txt", text);
    assert!(matches!(demarc_report::diff(&b"{}"[..], &*bytes(&after)), Err(Error::Foreign(_))));
}

const FILE: &str = r#"
[[suppress]]
check = "s3.bucket-policy-*"
resource = "arn:aws:s3:::on?"
owner = "web@example.com"
reason = "a public website"
expires = 2027-03-31
"#;

fn day(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}T23:59:59Z")).unwrap()
}

fn parse(text: &str) -> Result<Suppressions, Error> {
    Suppressions::parse(text, "demarc.toml")
}

#[test]
fn a_suppression_marks_what_it_names_until_its_last_day() {
    let marked = |finding: Finding, at: &str| {
        let suppressions = parse(FILE).unwrap();
        let mut finding = finding;
        suppressions.apply(&mut finding, day(at));
        finding.suppressed.map(|by| (by.owner, by.expires))
    };
    let by = Some(("web@example.com".to_owned(), "2027-03-31".to_owned()));
    assert_eq!(marked(fail(OPEN, ONE), "2027-03-31"), by);
    assert_eq!(marked(fail(OPEN, ONE), "2027-04-01"), None);
    assert_eq!(marked(fail(LOGS, ONE), "2027-01-01"), None);
    assert_eq!(marked(fail(OPEN, TWO), "2027-01-01"), None);
    assert_eq!(marked(pass(OPEN, ONE), "2027-01-01"), None);
    assert_eq!(marked(denied(OPEN, ONE, ""), "2027-01-01"), None);
}

#[test]
fn accounts_regions_and_tags_narrow_a_suppression() {
    let entry = |selector: &str| {
        let rest = "owner = \"o\"\nreason = \"r\"\nexpires = \"2027-03-31\"\n";
        parse(&format!("[[suppress]]\n{selector}\n{rest}")).unwrap()
    };
    let marks = |selector: &str, finding: &Finding| {
        let mut finding = finding.clone();
        entry(selector).apply(&mut finding, day("2027-01-01"));
        finding.suppressed.is_some()
    };
    let finding = fail(OPEN, ONE);
    for selector in [
        "account = \"111122223333\"",
        "region = \"eu-*\"",
        "tag = \"env\"",
        "tag = \"env=dev\"",
        "resource = \"arn:*\"",
    ] {
        assert!(marks(selector, &finding), "{selector}");
    }
    for selector in
        ["account = \"444455556666\"", "region = \"us-*\"", "tag = \"team\"", "tag = \"env=prod\""]
    {
        assert!(!marks(selector, &finding), "{selector}");
    }
    let mut unread = finding.clone();
    unread.resource.tags = None;
    assert!(!marks("tag = \"env\"", &unread));
}

#[test]
fn a_suppression_breaks_when_the_evidence_changes() {
    let finding = fail(OPEN, ONE);
    let text = format!("{FILE}evidence = \"{}\"\n", evidence_hash(&finding));
    let suppressions = parse(&text).unwrap();
    let mut same = finding.clone();
    suppressions.apply(&mut same, day("2027-01-01"));
    assert!(same.suppressed.is_some());
    assert!(suppressions.notes(day("2027-01-01")).is_empty());
    let mut other = finding;
    other.evidence[0].observed = "open to the world".into();
    suppressions.apply(&mut other, day("2027-01-01"));
    assert!(other.suppressed.is_none());
    let [note] = <[_; 1]>::try_from(suppressions.notes(day("2027-01-01"))).unwrap();
    assert_eq!(note.kind, SuppressionNoteKind::EvidenceChanged);
    assert!(note.text.contains(&evidence_hash(&other)), "{}", note.text);
}

#[test]
fn suppressions_that_are_expired_or_match_nothing_are_reported() {
    let kinds = |finding: Finding, at: &str| {
        let suppressions = parse(FILE).unwrap();
        suppressions.apply(&mut finding.clone(), day(at));
        let (unused, expired) =
            (suppressions.unused().count(), suppressions.expired(day(at)).count());
        let notes = suppressions.notes(day(at));
        (notes.iter().map(|note| note.kind.id()).collect::<Vec<_>>(), unused, expired)
    };
    assert_eq!(kinds(fail(OPEN, ONE), "2027-01-01"), (vec![], 0, 0));
    assert_eq!(kinds(fail(OPEN, ONE), "2027-04-01"), (vec!["expired"], 0, 1));
    assert_eq!(kinds(fail(OPEN, TWO), "2027-01-01"), (vec!["matched-nothing"], 1, 0));
    assert_eq!(kinds(pass(OPEN, ONE), "2027-01-01"), (vec!["matched-nothing"], 1, 0));
    // What could not be read may well be what it names.
    assert_eq!(kinds(denied(OPEN, ONE, ""), "2027-01-01"), (vec![], 0, 0));
    let listing = denied(OPEN, runs::ROOT, "listing:ListBuckets");
    assert_eq!(kinds(listing, "2027-01-01"), (vec![], 0, 0));
    let note = parse(FILE).unwrap().notes(day("2027-01-01")).remove(0);
    assert_eq!(note.selects, "check = \"s3.bucket-policy-*\", resource = \"arn:aws:s3:::on?\"");
    assert_eq!(note.entry, 1);
}

#[test]
fn people_are_told_of_suppressions_and_of_what_stays_open() {
    let denial = Run::at(2).with(denied(OPEN, ONE, "")).report();
    let (_, mut run) = compare(Baseline::read(&*bytes(&failing())).unwrap(), denial);
    let text = FILE.repeat(30).replace("web@example.com", "web|@example.com\\u001b[2J");
    run.head.suppressions = parse(&text).unwrap().notes(day("2027-04-01"));
    let mut terminal = Vec::new();
    demarc_report::terminal::summary(&run.head, &[], 100, &mut terminal).unwrap();
    let mut markdown = Vec::new();
    write(Format::Markdown, &run.head, &mut std::iter::empty(), &mut markdown).unwrap();
    for text in [terminal, markdown] {
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("Suppressions to look at"), "{text}");
        assert!(text.contains("expired after 2027-03-31"), "{text}");
        assert!(text.contains("and 18 more") || text.contains("and 5 more"), "{text}");
        assert!(text.contains("1 earlier failure could not be looked at again"), "{text}");
        assert!(!text.contains("\u{1b}[2J"), "{text}");
    }
}

#[test]
fn a_wrong_suppression_is_one_error_that_names_it_and_the_fix() {
    let entry = |lines: &str| {
        parse(&format!("{FILE}[[suppress]]\n{lines}")).map(|_| ()).unwrap_err().to_string()
    };
    let whole = "check = \"a.b\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-03-31\n";
    let without = |key: &str| {
        entry(&whole.lines().filter(|l| !l.starts_with(key)).collect::<Vec<_>>().join("\n"))
    };
    assert_eq!(
        without("expires"),
        "demarc.toml: suppression 2 (\"a.b\"): expires is missing: add the last day on which it \
         works, such as expires = 2027-03-31"
    );
    assert_eq!(
        without("owner"),
        "demarc.toml: suppression 2 (\"a.b\"): owner is missing: add owner = \"who answers for it\""
    );
    assert_eq!(
        without("check"),
        "demarc.toml: suppression 2: it names nothing: add check, resource, account, region or tag"
    );
    let with = |line: &str| {
        let key = line.split(' ').next().unwrap();
        let kept: Vec<_> = whole.lines().filter(|l| !l.starts_with(key)).collect();
        entry(&format!("{}\n{line}\n", kept.join("\n")))
    };
    for (line, problem) in [
        ("until = 2027-03-31", "unknown key \"until\"; the keys are check, resource"),
        ("expires = \"next year\"", "expires \"next year\" is not a date: write the last day"),
        ("expires = 2027-03-31T00:00:00Z", "is not a date: write the last day"),
        ("expires = \"2027-02-30\"", "is not a date: write the last day"),
        ("expires = 20270331", "expires must be a date, not a number"),
        ("account = 111122223333", "account must be a text in quotes, not a number"),
        ("account = \"prod\"", "account \"prod\" is not an account id of 12 digits"),
        ("reason = \" \"", "reason is empty"),
        ("resource = \"arn:[\"", "resource \"arn:[\": "),
        ("evidence = \"xyz\"", "evidence \"xyz\" is not an evidence hash: 16 digits"),
        ("check = [\"a.b\", \"c.d\"]", "not a list (write one entry for each)"),
    ] {
        let error = with(line);
        assert!(error.starts_with("demarc.toml: suppression 2"), "{error}");
        assert!(error.contains(problem), "{line}: {error}");
    }
    let error = parse("[[suppres]]\n").map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("unknown key \"suppres\""), "{error}");
    let error = parse("suppress = 1").map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("write [[suppress]]"), "{error}");
    let error = parse("[[suppress]\n").map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("demarc.toml: ") && error.contains("line 1"), "{error}");
    assert_eq!(parse("").unwrap().entries().count(), 0);
}
