//! Every format, held against its published schema or read back by its own library; sources in
//! `tests/schemas/README.md`.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod fixture;

use std::{collections::BTreeMap, fs, path::Path};

use demarc_model::Verdict;
use demarc_report::{
    BoundaryRef, Change, Finding, Format, Report, diff, events_schema, schema, write,
};
use fixture::{accepted, large, report};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("src/report has a root")
}

fn written(format: Format, report: &Report) -> String {
    let mut out = Vec::new();
    let mut findings = report.findings.iter().cloned().map(Ok);
    write(format, &report.head, &mut findings, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(root().join(path)).unwrap()).unwrap()
}

#[track_caller]
fn validate(validator: &jsonschema::Validator, instance: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A report with every change that a baseline can bring.
fn compared() -> Report {
    let mut report = report();
    let changes = [
        Change::New,
        Change::Unchanged,
        Change::Changed,
        Change::Reopened,
        Change::Resolved,
        Change::ResourceDeleted,
        Change::UnknownThisRun,
    ];
    for (finding, change) in report.findings.iter_mut().zip(changes.into_iter().cycle()) {
        finding.change = Some(change);
    }
    report
}

/// Names and evidence at and beyond every limit, in characters of four bytes.
fn oversized() -> Report {
    let mut report = report();
    let long = "𝔘\u{1}".repeat(1_100);
    for finding in &mut report.findings {
        finding.title = long.clone().into();
        finding.part.clone_from(&long);
        finding.resource.name = long.as_str().into();
        finding.remediation = Some(long.clone().into());
        let boundary = BoundaryRef::clone(&finding.boundary);
        finding.boundary = BoundaryRef { customer: long.clone().into(), ..boundary }.into();
        let tags = (0..60).map(|n| (format!("{n}{long}"), long.clone())).collect();
        finding.resource.tags = Some(tags);
        if let Some(evidence) = finding.evidence.first().cloned() {
            let evidence =
                demarc_report::EvidenceItem { observed: long.clone().into(), ..evidence };
            finding.evidence = vec![evidence; 60];
        }
    }
    report
}

#[test]
fn the_committed_schemas_are_the_types() {
    for (name, schema) in [("report", schema()), ("events", events_schema())] {
        let path = root().join(format!("docs/{name}.schema.json"));
        let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert!(!expected.contains("[`"), "a link that only Rust's documentation follows");
        if std::env::var_os("BLESS").is_some() {
            fs::write(path, expected).unwrap();
        } else {
            let current = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(current, expected, "{} is stale: run `cargo bless`", path.display());
        }
    }
}

#[test]
fn events_are_valid_and_one_a_line() {
    let validator = jsonschema::validator_for(&events_schema()).unwrap();
    let before = report();
    let mut after = report();
    after.head.tool.version = "0.2.0".to_owned();
    for finding in &mut after.findings {
        (finding.verdict, finding.evidence) = (Verdict::Pass, Vec::new());
    }
    let mut kinds = std::collections::BTreeSet::new();
    let mut all = Vec::new();
    for (before, after) in [(&before, &after), (&after, &before), (&before, &oversized())] {
        let read = |report: &Report| std::io::Cursor::new(written(Format::Json, report));
        all.extend(diff(read(before), read(after)).unwrap().events);
    }
    for event in &all {
        let mut line = Vec::new();
        event.write(&mut line).unwrap();
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        validate(&validator, &serde_json::from_slice(&line).unwrap());
        assert_eq!(serde_json::from_slice::<demarc_report::Event>(&line).unwrap(), *event);
        kinds.insert(event.event.id());
    }
    assert!(kinds.len() >= 3, "{kinds:?}");
    let mut broken = serde_json::to_value(&all[0]).unwrap();
    broken["event"] = "perhaps".into();
    assert!(!validator.is_valid(&broken));
}

#[test]
fn json_reports_are_valid_and_broken_ones_are_not() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for report in [report(), compared(), accepted()] {
        let value = serde_json::from_str(&written(Format::Json, &report)).unwrap();
        validate(&validator, &value);
    }
    let mut broken = serde_json::to_value(report()).unwrap();
    broken["findings"][0]["verdict"] = "perhaps".into();
    assert!(!validator.is_valid(&broken));
}

#[test]
fn sarif_is_valid_and_only_failures_have_a_level() {
    let mut published = json("tests/schemas/sarif-2.1.0.json");
    // The pattern of languages has a bracket too many for Rust; demarc sends no language.
    for definition in ["run", "toolComponent"] {
        let properties = &mut published["definitions"][definition]["properties"];
        properties["language"].as_object_mut().unwrap().remove("pattern").unwrap();
    }
    let validator = jsonschema::validator_for(&published).unwrap();
    for report in [report(), compared(), oversized()] {
        let value: Value = serde_json::from_str(&written(Format::Sarif, &report)).unwrap();
        validate(&validator, &value);
        let run = &value["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.findings.len());
        for (result, finding) in results.iter().zip(&report.findings) {
            assert_eq!(result["kind"] == "fail", finding.verdict == Verdict::Fail);
            assert_eq!(result["level"] == "none", finding.verdict != Verdict::Fail);
            assert_eq!(result["kind"] == "pass", finding.verdict == Verdict::Pass);
            assert_eq!(result.get("suppressions").is_some(), finding.suppressed.is_some());
            assert_eq!(result["partialFingerprints"]["demarc/v1"], finding.fingerprint.0);
        }
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(results.iter().all(|r| rules.iter().any(|rule| rule["id"] == r["ruleId"])));
    }
}

#[test]
fn ocsf_events_are_valid_compliance_findings() {
    let validator = jsonschema::validator_for(&json("tests/schemas/ocsf-2003.json")).unwrap();
    for report in [report(), compared(), oversized()] {
        let text = written(Format::Ocsf, &report);
        assert_eq!(text.lines().count(), report.findings.len());
        for (line, finding) in text.lines().zip(&report.findings) {
            let event = serde_json::from_str(line).unwrap();
            validate(&validator, &event);
            let status = match finding.verdict {
                Verdict::Pass => 1,
                Verdict::NotAssessed => 2,
                Verdict::Fail => 3,
                Verdict::Manual | Verdict::NotApplicable => 99,
            };
            assert_eq!(event["compliance"]["status_id"], status);
            assert_eq!(event["time"], 1_795_305_600_000_i64);
            let closed = matches!(finding.change, Some(Change::Resolved | Change::ResourceDeleted));
            assert_eq!(event["activity_id"] == 3, closed);
        }
    }
}

#[test]
fn asff_requests_are_valid_and_within_every_limit() {
    let validator = jsonschema::validator_for(&json("tests/schemas/asff.json")).unwrap();
    let (head, findings) = large(6_000);
    let large = Report { head, findings: findings.collect() };
    for report in [report(), compared(), oversized(), large] {
        let mut seen = Vec::new();
        for line in written(Format::Asff, &report).lines() {
            assert!(line.len() <= 6_000_000);
            let request: Value = serde_json::from_str(line).unwrap();
            validate(&validator, &request);
            let findings = request["Findings"].as_array().unwrap();
            let places: Vec<_> =
                findings.iter().map(|f| (&f["AwsAccountId"], &f["ProductArn"])).collect();
            assert!(places.iter().all(|place| *place == places[0]), "a mixed request");
            for finding in findings {
                assert!(serde_json::to_string(finding).unwrap().len() <= 240_000);
                seen.push(finding["Id"].as_str().unwrap().to_owned());
            }
        }
        let mut expected: Vec<_> =
            report.findings.iter().map(|f| format!("demarc/{}", f.fingerprint.0)).collect();
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected);
    }
}

/// Security Hub takes ten requests a second of an account and region.
#[test]
fn asff_requests_are_as_few_as_can_be_though_regions_take_turns() {
    let (head, findings) = large(6_000);
    let mut report = Report { head, findings: findings.collect() };
    report.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for finding in &report.findings {
        let region = match &*finding.region {
            "global" => "us-east-1",
            region => region,
        };
        *places.entry((&*finding.account, region)).or_default() += 1;
    }
    let fewest: usize = places.values().map(|findings| findings.div_ceil(100)).sum();
    assert_eq!(written(Format::Asff, &report).lines().count(), fewest);
}

#[test]
fn findings_of_no_region_go_to_their_partitions_main_region() {
    let mut report = report();
    report.findings.retain(|finding| &*finding.region == "global");
    let text = written(Format::Asff, &report);
    assert!(
        text.contains("arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default")
    );
    for finding in &mut report.findings {
        finding.partition = "aws-cn".into();
    }
    assert!(written(Format::Asff, &report).contains("arn:aws-cn:securityhub:cn-north-1:"));
}

#[test]
fn junit_reads_back_with_its_verdicts() {
    for report in [report(), oversized()] {
        let text = written(Format::Junit, &report);
        let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
        let cases: Vec<_> = read.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
        assert_eq!(cases.len(), report.findings.len());
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for case in &cases {
            use quick_junit::{NonSuccessKind, TestCaseStatus};
            let state = match &case.status {
                TestCaseStatus::Success { .. } => "pass",
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
                TestCaseStatus::Skipped { .. } => "skipped",
            };
            *states.entry(state).or_default() += 1;
        }
        let count = |of: fn(&Finding) -> bool| report.findings.iter().filter(|f| of(f)).count();
        assert_eq!(states["pass"], count(|f| f.verdict == Verdict::Pass));
        assert_eq!(states["failure"], count(Finding::is_open));
        assert_eq!(states["error"], count(|f| f.verdict == Verdict::NotAssessed));
        for suite in &read.test_suites {
            assert_eq!(suite.tests, suite.test_cases.len());
        }
        assert!(!text.contains('\u{1b}') && !text.contains('\u{1}'));
    }
}
