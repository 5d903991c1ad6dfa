//! The Prometheus textfile, held against the rules of the text exposition format.

use std::collections::{BTreeMap, BTreeSet};

use demarc_model::Severity;
use demarc_report::{AccountRow, Counts, Head, Share, metrics};

use crate::runs;

fn head() -> Head {
    let mut head = runs::Run::at(1).report().head;
    head.accounts[0].name = Some("quote \" back \\ slash\nnext é 🎫".to_owned());
    head.summary.verdicts = Counts { fail: 3, suppressed: 1, pass: 5, ..Counts::default() };
    head.summary.failed = BTreeMap::from([(Severity::High, 2)]);
    head.summary.by_service = BTreeMap::from([("s3".to_owned(), head.summary.verdicts)]);
    head.coverage.looks = Share { complete: 7, of: 9 };
    head
}

fn written(head: &Head) -> String {
    let mut out = Vec::new();
    metrics::write(head, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

type Labels = BTreeMap<String, String>;

/// The samples of a text, after every rule of the format has been checked.
fn parse(text: &str) -> BTreeMap<(String, Labels), f64> {
    let name = |text: &str| {
        let rest = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        assert!(text.starts_with(|c: char| rest(c) && !c.is_ascii_digit()), "name {text}");
        assert!(text.chars().all(rest), "name {text}");
        text.to_owned()
    };
    assert!(text.ends_with('\n'));
    let mut samples = BTreeMap::new();
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeSet::new());
    let mut current = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (metric, text) = help.split_once(' ').unwrap();
            assert!(!text.contains('\\'));
            current = name(metric);
            assert!(helped.insert(current.clone()), "{metric} has two blocks");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{current} gauge"));
            assert!(typed.insert(current.clone()));
        } else {
            let end = line.find(['{', ' ']).unwrap();
            let metric = name(&line[..end]);
            // All lines of a metric stand together, after its HELP and TYPE.
            assert_eq!(metric, current);
            let (labels, value) = labels(&line[end..]);
            let labels: Labels = labels.into_iter().map(|(k, v)| (name(&k), v)).collect();
            let value = value.strip_prefix(' ').unwrap().parse().unwrap();
            assert!(samples.insert((metric, labels), value).is_none(), "twice: {line}");
        }
    }
    assert_eq!(helped, typed);
    samples
}

fn labels(text: &str) -> (Vec<(String, String)>, &str) {
    let Some(mut rest) = text.strip_prefix('{') else {
        return (Vec::new(), text);
    };
    let mut labels = Vec::new();
    loop {
        let (key, quoted) = rest.split_once("=\"").unwrap();
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    other => panic!("no such escape: {other}"),
                }),
                (_, c) => value.push(c),
            }
        };
        labels.push((key.to_owned(), value));
        rest = &quoted[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (labels, rest.strip_prefix('}').unwrap()),
        }
    }
}

fn value(head: &Head, metric: &str, labels: &[(&str, &str)]) -> f64 {
    let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    parse(&written(head))[&(metric.to_owned(), labels)]
}

#[test]
#[expect(clippy::float_cmp, reason = "whole numbers")]
fn the_textfile_follows_the_exposition_format() {
    let head = head();
    assert_eq!(value(&head, "demarc_findings", &[("verdict", "fail")]), 3.0);
    assert_eq!(value(&head, "demarc_findings", &[("verdict", "not-assessed")]), 0.0);
    assert_eq!(value(&head, "demarc_findings_open", &[("severity", "high")]), 2.0);
    assert_eq!(value(&head, "demarc_findings_open", &[("severity", "critical")]), 0.0);
    assert_eq!(value(&head, "demarc_coverage_looks", &[]), 9.0);
    assert_eq!(value(&head, "demarc_coverage_looks_complete", &[]), 7.0);
    assert_eq!(value(&head, "demarc_scan_timestamp_seconds", &[]), 1_795_392_000.0);
    let name = head.accounts[0].name.clone().unwrap();
    let labels = [("account", "111122223333"), ("name", &*name)];
    assert_eq!(value(&head, "demarc_account_info", &labels), 1.0);
}

#[test]
#[expect(clippy::float_cmp, reason = "whole numbers")]
fn the_number_of_series_has_a_bound_and_the_worst_accounts_have_theirs() {
    let mut head = head();
    let row = head.accounts.remove(0);
    head.accounts = (0..10_000_u64)
        .map(|id| AccountRow {
            id: format!("{id:012}"),
            name: None,
            failed: BTreeMap::from([(Severity::Low, id)]),
            error: (id == 7).then(runs::no_role),
            ..row.clone()
        })
        .collect();
    head.accounts[42].failed.insert(Severity::Critical, 1);
    let samples = parse(&written(&head));
    assert!(samples.len() < 10 * metrics::ACCOUNTS, "{}", samples.len());
    for id in [7, 42, 9_999] {
        assert_eq!(
            value(&head, "demarc_account_read", &[("account", &format!("{id:012}"))]),
            f64::from(id != 7)
        );
    }
    let left_out = value(&head, "demarc_accounts_without_series", &[]);
    assert_eq!(left_out, 9_500.0);
    assert_eq!(value(&head, "demarc_accounts", &[("state", "unread")]), 1.0);
}
