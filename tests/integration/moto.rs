//! Scans of the account that `tests/moto/seed.py` makes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Ran, Report, account, account_alone, demarc, name, root, run, text, wire_name,
};

/// One full scan, which many tests look at.
struct Full {
    directory: TempDir,
    ran: Ran,
    report: Report,
    calls: BTreeSet<String>,
}

impl Full {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// What fits a comment on a pull request.
const WORST_IN_MARKDOWN: usize = 25;

const FORMATS: [&str; 9] = [
    "report.json",
    "report.ndjson",
    "report.csv",
    "report.md",
    "report.xml",
    "report.sarif",
    "report.ocsf.json",
    "report.asff.json",
    "report.html",
];

fn full() -> &'static Full {
    static FULL: OnceLock<Full> = OnceLock::new();
    FULL.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let outputs = FORMATS.map(path);
        let recording = path("account.demarc");
        let mut arguments = vec!["--record", &recording];
        arguments.extend(outputs.iter().flat_map(|output| ["--output", output]));
        let moto = account_alone();
        let ran = run(&mut moto.scan(arguments));
        let calls = moto.calls();
        let report = Report::read(Path::new(&outputs[0]));
        Full { directory, ran, report, calls }
    })
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(root().join("tests/moto/expected.json")).unwrap()).unwrap()
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|name| text(name).to_owned()).collect()
}

fn with_verdict(of_check: &BTreeMap<String, String>, verdict: &str) -> BTreeSet<String> {
    let having = of_check.iter().filter(|(_, found)| *found == verdict);
    having.map(|(resource, _)| resource.clone()).collect()
}

#[test]
fn every_check_judges_every_resource_as_expected() {
    let (found, expected) = (full().report.by_name(), expected());
    let manual = names(&expected["manual"]);
    let judged: BTreeSet<_> =
        expected["verdicts"].as_object().unwrap().keys().cloned().chain(manual.clone()).collect();
    let scanned = names(&full().report.0["scan"]["checks"]);
    assert_eq!(scanned, judged, "each check has its expectation");

    let mut wrong = Vec::new();
    for (check, wanted) in expected["verdicts"].as_object().unwrap() {
        let none = BTreeMap::new();
        let found = found.get(check).unwrap_or(&none);
        for (verdict, wanted) in [
            ("fail", names(&wanted["fail"])),
            ("pass", names(&wanted["pass"])),
            ("not-assessed", BTreeSet::new()),
            ("manual", BTreeSet::new()),
        ] {
            let found = with_verdict(found, verdict);
            if found != wanted {
                wrong.push(format!("{check} {verdict}: found {found:?}, wanted {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for check in manual {
        assert_eq!(found[&check], BTreeMap::from([("account".to_owned(), "manual".to_owned())]));
    }
}

#[test]
fn a_complete_scan_with_findings_exits_3_and_says_nothing_on_stderr() {
    let ran = &full().ran;
    assert_eq!((ran.code, &*ran.stderr), (3, ""));
    let coverage = &full().report.0["coverage"]["looks"];
    assert_eq!(coverage["complete"], coverage["of"]);
}

#[test]
fn a_full_scan_sends_the_calls_that_are_declared_and_no_others() {
    let declared: BTreeSet<_> = calls_of(&[]).values().flatten().cloned().collect();
    // Tags are told with a finding; no verdict rests on them. The first call proves who asks.
    let besides = ["S3 GetBucketTagging", "STS GetCallerIdentity"].map(str::to_owned);
    let declared: BTreeSet<_> = declared.into_iter().chain(besides).collect();
    let on_the_wire: BTreeSet<_> = declared.iter().map(|call| wire_name(call)).collect();
    assert_eq!(full().calls, on_the_wire);

    let mut reported = full().report.calls();
    reported.insert("STS GetCallerIdentity".to_owned());
    assert_eq!(reported, declared, "the report's ledger tells the same");
}

#[test]
fn the_policy_grants_the_actions_of_the_calls_sent_and_no_others() {
    let rows = full().report.0["coverage"]["calls"].as_array().unwrap();
    let sent: BTreeSet<_> = rows.iter().map(|row| text(&row["action"]).to_owned()).collect();
    assert_eq!(granted(&["--regions-given"]), sent);
    let everywhere = sent.into_iter().chain(["ec2:DescribeRegions".to_owned()]).collect();
    assert_eq!(granted(&[]), everywhere);
}

/// The actions of `demarc permissions`.
fn granted(arguments: &[&str]) -> BTreeSet<String> {
    let ran = run(&mut demarc(["permissions"].iter().chain(arguments))).exits(0);
    let policy: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut actions = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        actions.extend(names(&statement["Action"]));
    }
    actions
}

/// The calls that each check declares.
pub(crate) fn calls_of(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let list = ["checks", "--format", "json"];
    let ran = run(&mut demarc(list.iter().chain(arguments))).exits(0);
    let checks: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    checks.iter().map(|check| (text(&check["id"]).to_owned(), names(&check["calls"]))).collect()
}

#[test]
fn a_scan_for_one_check_sends_only_its_calls() {
    let moto = account_alone();
    for check in
        ["s3.bucket-versioning", "iam.root-mfa", "rds.snapshot-not-public", "vpc.flow-logs-enabled"]
    {
        moto.forget_calls();
        run(&mut moto.scan(["--check", check, "--fail-on", "none"])).exits(0);
        let mut wanted = calls_of(&["--check", check]).remove(check).unwrap();
        wanted.insert("STS GetCallerIdentity".to_owned());
        if check.starts_with("s3.") {
            wanted.insert("S3 GetBucketTagging".to_owned());
        }
        assert_eq!(moto.calls(), wanted.iter().map(|call| wire_name(call)).collect(), "{check}");
    }
}

#[test]
fn without_regions_every_enabled_one_is_scanned() {
    let moto = account_alone();
    let ran = run(&mut moto.demarc([
        "scan",
        "--check",
        "ec2.serial-console-disabled",
        "--fail-on",
        "none",
        "--format",
        "json",
    ]))
    .exits(0);
    let report = Report(serde_json::from_str(&ran.stdout).unwrap());
    let regions = names(&report.0["accounts"][0]["regions"]);
    assert!(regions.len() > 10 && regions.contains("eu-central-1"), "{regions:?}");
    let found = report.by_name().remove("ec2.serial-console-disabled").unwrap();
    let judged = found.keys().map(|name| name.strip_prefix("account@").unwrap().to_owned());
    assert_eq!(judged.collect::<BTreeSet<_>>(), regions);
    let wanted =
        ["sts GetCallerIdentity", "ec2 DescribeRegions", "ec2 GetSerialConsoleAccessStatus"];
    assert_eq!(moto.calls(), wanted.map(str::to_owned).into());
}

#[test]
fn a_replay_gives_the_report_of_the_scan_byte_for_byte_twice() {
    let recording = full().path("account.demarc");
    let scanned = fs::read_to_string(full().path("report.json")).unwrap();
    for again in ["first.json", "second.json"] {
        let again = full().path(again);
        let replay = ["scan", "--replay", recording.to_str().unwrap(), "--output"];
        run(demarc(replay).arg(&again)).exits(3);
        assert!(fs::read_to_string(again).unwrap() == scanned, "the reports differ");
    }
}

#[test]
fn the_report_validates_against_its_schema() {
    let schema = fs::read(root().join("docs/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&full().report.0).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn fingerprints_are_unique_and_findings_are_ordered() {
    let findings = full().report.findings();
    let fingerprints: BTreeSet<_> = findings.iter().map(|f| text(&f["fingerprint"])).collect();
    assert_eq!(fingerprints.len(), findings.len());
    let order = |finding: &Value| {
        ["account", "check", "region"].map(|member| text(&finding[member]).to_owned())
    };
    let accounts_and_checks: Vec<_> = findings.iter().map(order).collect();
    assert!(accounts_and_checks.is_sorted(), "{accounts_and_checks:#?}");
}

#[test]
fn failing_only_leaves_out_what_needs_nobody_and_counts_it_all_the_same() {
    let recording = full().path("account.demarc");
    let replay = ["scan", "--failing-only", "--format", "json", "--replay"];
    let ran = run(demarc(replay).arg(recording)).exits(3);
    let short = Report(serde_json::from_str(&ran.stdout).unwrap());
    let matters =
        |finding: &&Value| !["pass", "not-applicable"].contains(&text(&finding["verdict"]));
    let wanted: Vec<_> = full().report.findings().iter().filter(matters).collect();
    assert_eq!(short.findings().iter().collect::<Vec<_>>(), wanted);
    assert_eq!(short.0["summary"], full().report.0["summary"]);
}

#[test]
fn every_format_of_a_scan_tells_of_every_failure() {
    let failing = |finding: &&Value| finding["verdict"] == "fail";
    let failures: Vec<_> = full().report.findings().iter().filter(failing).collect();
    assert!(failures.len() > 100);
    for file in FORMATS {
        let written = fs::read_to_string(full().path(file)).unwrap();
        if file == "report.md" {
            let rest = failures.len() - WORST_IN_MARKDOWN;
            assert!(written.contains(&format!("and {rest} more open findings, not shown")));
        } else {
            for finding in &failures {
                // JUnit names test cases for people.
                let id = match file {
                    "report.xml" => &finding["resource"]["arn"],
                    _ => &finding["fingerprint"],
                };
                for key in [text(&finding["check"]), text(id)] {
                    assert!(written.contains(key), "{file} lacks {key}");
                }
            }
        }
        if ["report.html", "report.md", "report.xml"].contains(&file) {
            assert!(!written.contains("<script>alert(1)"), "{file} holds a tag's text as it came");
        }
    }
}

#[test]
fn the_demo_faults_make_their_verdicts_not_assessed_and_leave_the_others() {
    // Before the account is this test's alone: the full scan takes its turn with it.
    let mut wanted = full().report.by_name();
    let moto = account_alone();
    let faults = fs::read(root().join("tests/moto/demo-faults.json")).unwrap();
    moto.faults(&serde_json::from_slice(&faults).unwrap());
    let ran = run(&mut moto.scan(["--format", "json"])).exits(5);
    let report = Report(serde_json::from_str(&ran.stdout).unwrap());
    for (check, resources) in expected()["not_assessed_with_demo_faults"].as_object().unwrap() {
        for resource in names(resources) {
            wanted.get_mut(check).unwrap().insert(resource, "not-assessed".to_owned());
        }
    }
    assert_eq!(report.by_name(), wanted);
    let demo = run(&mut demarc(["demo", "--format", "json"])).exits(5);
    let demo = Report(serde_json::from_str(&demo.stdout).unwrap());
    assert_eq!(demo.by_name(), wanted, "examples/demo/record.sh records the account anew");
    let cause_of = |finding: &Value| text(&finding["not_assessed"]["cause"]).to_owned();
    let causes: BTreeSet<_> = report
        .findings()
        .iter()
        .filter(|finding| finding["verdict"] == "not-assessed")
        .map(cause_of)
        .collect();
    assert_eq!(causes, ["denied", "denied-by-scp", "throttled"].map(str::to_owned).into());
}

#[test]
fn an_account_that_denies_everything_passes_nothing() {
    let moto = account_alone();
    let services = ["s3", "s3control", "iam", "ec2", "rds", "account"];
    moto.faults(&Value::Array(
        services.iter().map(|s| json!({"service": s, "respond": "denied"})).collect(),
    ));
    let ran = run(&mut moto.scan(["--format", "json"])).exits(4);
    let report = Report(serde_json::from_str(&ran.stdout).unwrap());
    for finding in report.findings() {
        let verdict = text(&finding["verdict"]);
        assert!(
            ["not-assessed", "manual"].contains(&verdict),
            "{} of {} is {verdict}",
            finding["check"],
            name(finding)
        );
    }
    let judged: BTreeSet<_> = report.by_name().into_keys().collect();
    assert_eq!(judged, names(&report.0["scan"]["checks"]), "each check says that it saw nothing");
    assert_eq!(report.0["coverage"]["looks"]["complete"], 2, "those that a person must answer");
}

#[test]
fn two_scans_of_one_account_find_the_same() {
    let ran = run(&mut account().scan(["--format", "json"])).exits(3);
    let again = Report(serde_json::from_str(&ran.stdout).unwrap());
    assert_eq!(again.verdicts(), full().report.verdicts());
}
