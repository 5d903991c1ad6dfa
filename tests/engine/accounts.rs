//! Many accounts in one run.

use std::{collections::BTreeSet, process::Command, time::Duration};

use demarc_model::calls;
use demarc_report::{Counts, Report, Share};
use demarc_sim::{Fault, Latency, Rule};
use serde_json::{Value, json};

use crate::{Scan, assert_same, sim, write};

const ORGANIZATION: &[&str] = &["--organization", "--assume-role", "audit"];
/// Few calls, in both regions and the global part.
const SMALL: &[&str] = &["--service", "rds", "--service", "account"];

fn ids(report: &Report) -> Vec<&str> {
    report.head.accounts.iter().map(|row| row.id.as_str()).collect()
}

#[test]
fn a_listing_that_breaks_while_accounts_are_read_ends_the_scan_without_a_report() {
    let sim = sim(|sim| {
        // By this seed, not the first page.
        let rule = Rule::new(Fault::Denied).operation("ListAccounts").probability(0.3);
        let slow = Latency::Fixed(Duration::from_millis(100));
        sim.accounts(200).latency(slow).fault(rule).seed(2).log()
    });
    let ended = Scan::of(&sim, &[ORGANIZATION, SMALL].concat()).run();
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    assert!(ended.report.is_none());
    assert!(ended.stderr.contains("organizations:ListAccounts"), "{}", ended.stderr);
    let asked = |operation: &str| sim.log().iter().filter(|a| a.operation == operation).count();
    assert!(asked("AssumeRole") > 0, "{} pages", asked("ListAccounts"));
    assert!(asked("AssumeRole") < 100, "{} accounts were entered", asked("AssumeRole"));
}

#[test]
fn every_account_is_a_row_and_the_figures_add_up() {
    let denied = "300000000003";
    let sim = sim(|sim| {
        let rule = Rule::new(Fault::Denied).operation("AssumeRole").account(denied);
        sim.accounts(12).suspended(2).fault(rule)
    });
    let run = || Scan::of(&sim, &[ORGANIZATION, SMALL].concat()).run();
    let ended = run();
    // Failing findings, and accounts that could not be read.
    assert_eq!(ended.code(), 5, "{}", ended.stderr);
    let report = ended.report();
    let rows = &report.head.accounts;
    assert_eq!(rows.len(), 12);
    assert!(ids(&report).is_sorted());
    let mut verdicts = Counts::default();
    let mut looks = Share::default();
    for (number, row) in (0..).zip(rows) {
        assert_eq!(row.id, sim.account(number));
        let expected = match number {
            4 => Some("role"),
            10 | 11 => Some("not-active"),
            _ => None,
        };
        assert_eq!(row.error.as_ref().map(|error| error.cause.as_str()), expected, "{row:?}");
        let findings = report.findings.iter().filter(|finding| *finding.account == *row.id);
        assert_eq!(row.verdicts.total(), findings.count() as u64, "{row:?}");
        assert_eq!(row.verdicts.total() == 0, expected.is_some(), "{row:?}");
        // What could not be read at all was still meant to be looked at.
        assert!(row.looks.of > 0 && (row.looks.complete == 0) == expected.is_some(), "{row:?}");
        verdicts.merge(&row.verdicts);
        looks.merge(row.looks);
    }
    let reason = &rows[4].error.as_ref().expect("its role is denied").reason;
    assert!(reason.contains("role/audit") && reason.contains("not authorized"), "{reason}");
    assert_eq!(report.head.summary.verdicts, verdicts);
    assert_eq!(report.head.coverage.looks, looks);
    let fingerprints: BTreeSet<_> =
        report.findings.iter().map(|finding| finding.fingerprint.0.clone()).collect();
    assert_eq!(fingerprints.len(), report.findings.len());

    assert_same(&run().report(), &report);
}

#[test]
fn accounts_are_chosen_by_a_file_and_left_out_by_their_id() {
    let sim = sim(|sim| sim.accounts(6));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text =
        "# the shop\n300000000002 shop staging\n\n300000000000 # no name\n999999999999 typo\n";
    let file = write(&directory, "accounts.txt", text);
    let file = file.to_str().expect("a plain path");
    let arguments = [&["--accounts", file, "--assume-role", "audit"], SMALL].concat();
    let report = Scan::of(&sim, &arguments).run().report();
    assert_eq!(ids(&report), ["300000000000", "300000000002", "999999999999"]);
    let rows = &report.head.accounts;
    assert_eq!(rows[1].name.as_deref(), Some("shop staging"));
    let errors: Vec<_> = rows.iter().map(|row| row.error.is_some()).collect();
    assert_eq!(errors, [false, false, true]);
    let caller = rows[1].caller.as_deref();
    assert_eq!(caller, Some("arn:aws:sts::300000000002:assumed-role/audit/demarc"));

    let left_out = ["--exclude-account", "300000000001", "--exclude-account", sim.account(0)];
    let arguments = [ORGANIZATION, SMALL, &left_out].concat();
    sim.reset();
    let report = Scan::of(&sim, &arguments).run().report();
    assert_eq!(ids(&report), ["300000000000", "300000000002", "300000000003", "300000000004"]);
    assert!(!sim.stats().accounts.contains_key("300000000001"));
}

#[test]
fn the_policy_of_who_scans_an_organization_grants_what_the_scan_sends_and_no_more() {
    let sim = sim(|sim| sim.accounts(6).log());
    for units in [&[][..], &["--ou", "r-simu"]] {
        let which = [ORGANIZATION, units].concat();
        sim.reset();
        Scan::of(&sim, &[&which[..], SMALL].concat()).run().report();
        let sent = sim.log().into_iter().map(|asked| {
            calls::find(&asked.service, &asked.operation).expect("it is declared").action
        });
        let sent: BTreeSet<_> = sent.filter(|action| !action.is_empty()).collect();

        let printed = Command::new(env!("CARGO_BIN_EXE_demarc"))
            .env_clear()
            .arg("permissions")
            .args([&which[..], SMALL].concat())
            .output()
            .expect("the binary is built");
        let policy: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
        let statements = policy["Statement"].as_array().expect("a list");
        assert_eq!(statements[1]["Action"], json!(["sts:AssumeRole"]));
        assert_eq!(statements[1]["Resource"], "arn:*:iam::*:role/audit");
        let granted = statements.iter().flat_map(|one| one["Action"].as_array().expect("a list"));
        let granted: BTreeSet<_> = granted.map(|action| action.as_str().expect("text")).collect();
        assert_eq!(granted, sent, "{units:?}");
    }
}
