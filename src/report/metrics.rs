//! The report's figures for Prometheus, as node_exporter's textfile collector takes them
//! ("Exposition formats", text format 0.0.4).

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _, io::Write};

use demarc_model::{Severity, Verdict};

use crate::{AccountRow, Error, Head, Share, SuppressionNoteKind};

/// Accounts with series of their own; every further one would cost nine more.
pub const ACCOUNTS: usize = 500;

/// Writes the figures. The totals are there in every run, be they 0, so that an alert on one never
/// misses it.
pub fn write(head: &Head, out: &mut dyn Write) -> Result<(), Error> {
    let mut text = Text::default();
    totals(head, &mut text);
    parts(head, &mut text);
    accounts(head, &mut text);
    out.write_all(text.0.as_bytes())?;
    Ok(())
}

fn totals(head: &Head, text: &mut Text) {
    text.gauge("demarc_info", "The demarc that made the report.");
    text.sample("demarc_info", &[("version", &head.tool.version)], 1);
    text.gauge("demarc_scan_timestamp_seconds", "When the accounts were read.");
    text.sample("demarc_scan_timestamp_seconds", &[], head.scan.taken_at.0);
    text.gauge("demarc_scan_stopped", "1 when the scan ended before it was through.");
    text.sample("demarc_scan_stopped", &[], u8::from(head.scan.stopped.is_some()));
    text.gauge("demarc_findings", "Findings by verdict, suppressed ones among them.");
    let verdicts = &head.summary.verdicts;
    for verdict in Verdict::ALL {
        text.sample("demarc_findings", &[("verdict", verdict.id())], verdicts.of(verdict));
    }
    text.gauge("demarc_findings_suppressed", "Failing findings that a suppression accepts.");
    text.sample("demarc_findings_suppressed", &[], verdicts.suppressed);
    text.gauge("demarc_findings_open", "Failing findings by severity, suppressed ones left out.");
    for severity in Severity::ALL {
        let number = head.summary.failed.get(&severity).copied().unwrap_or_default();
        text.sample("demarc_findings_open", &[("severity", severity.id())], number);
    }
    text.gauge(
        "demarc_findings_carried",
        "Failures of the baseline that this scan could not look at again.",
    );
    text.sample("demarc_findings_carried", &[], head.carried.len());
    text.gauge("demarc_coverage_looks", "Looks of a check at an account and region.");
    text.sample("demarc_coverage_looks", &[], head.coverage.looks.of);
    text.gauge("demarc_coverage_looks_complete", "Looks that nothing was missing for.");
    text.sample("demarc_coverage_looks_complete", &[], head.coverage.looks.complete);
    text.gauge("demarc_suppressions_attention", "Suppressions that need somebody, by reason.");
    for kind in [
        SuppressionNoteKind::Expired,
        SuppressionNoteKind::MatchedNothing,
        SuppressionNoteKind::EvidenceChanged,
    ] {
        let number = head.suppressions.iter().filter(|note| note.kind == kind).count();
        text.sample("demarc_suppressions_attention", &[("reason", kind.id())], number);
    }
}

fn parts(head: &Head, text: &mut Text) {
    text.gauge("demarc_service_findings", "Findings by service and verdict.");
    for (service, counts) in &head.summary.by_service {
        for verdict in Verdict::ALL {
            let labels = [("service", service.as_str()), ("verdict", verdict.id())];
            text.sample("demarc_service_findings", &labels, counts.of(verdict));
        }
    }
    text.gauge("demarc_service_looks", "Looks by service.");
    shares(&head.coverage.by_service, "demarc_service_looks", "service", |s| s.of, text);
    text.gauge("demarc_service_looks_complete", "Complete looks by service.");
    let complete = "demarc_service_looks_complete";
    shares(&head.coverage.by_service, complete, "service", |s| s.complete, text);
    text.gauge("demarc_layer_findings", "Findings by layer of the responsibility model.");
    for (layer, counts) in &head.summary.by_layer {
        for verdict in Verdict::ALL {
            let labels = [("layer", layer.id()), ("verdict", verdict.id())];
            text.sample("demarc_layer_findings", &labels, counts.of(verdict));
        }
    }
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for gap in &head.coverage.gaps {
        *causes.entry(&gap.cause).or_default() += gap.findings;
    }
    text.gauge("demarc_not_assessed", "Findings without a verdict, by cause.");
    for (cause, number) in causes {
        text.sample("demarc_not_assessed", &[("cause", cause)], number);
    }
}

fn shares(
    of: &BTreeMap<String, Share>,
    name: &str,
    label: &str,
    figure: impl Fn(&Share) -> u64,
    text: &mut Text,
) {
    for (key, share) in of {
        text.sample(name, &[(label, key)], figure(share));
    }
}

fn accounts(head: &Head, text: &mut Text) {
    text.gauge("demarc_accounts", "Accounts of the scan, by whether they could be read.");
    let unread = head.accounts.iter().filter(|row| row.error.is_some()).count();
    text.sample("demarc_accounts", &[("state", "read")], head.accounts.len() - unread);
    text.sample("demarc_accounts", &[("state", "unread")], unread);
    let shown = worst(&head.accounts);
    text.gauge(
        "demarc_accounts_without_series",
        "Accounts left out of the series by account: those with the least severe failures.",
    );
    text.sample("demarc_accounts_without_series", &[], head.accounts.len() - shown.len());
    text.gauge("demarc_account_info", "Names of the accounts.");
    for row in &shown {
        let name = row.name.as_deref().unwrap_or_default();
        let labels = [("account", row.id.as_str()), ("name", name)];
        text.sample("demarc_account_info", &labels, 1);
    }
    text.gauge("demarc_account_read", "1 when the account could be read.");
    for row in &shown {
        text.sample("demarc_account_read", &[("account", &row.id)], u8::from(row.error.is_none()));
    }
    text.gauge(
        "demarc_account_findings_open",
        "Failing findings by account and severity, suppressed ones left out.",
    );
    for row in &shown {
        for severity in Severity::ALL {
            let number = row.failed.get(&severity).copied().unwrap_or_default();
            let labels = [("account", row.id.as_str()), ("severity", severity.id())];
            text.sample("demarc_account_findings_open", &labels, number);
        }
    }
    text.gauge("demarc_account_looks", "Looks by account.");
    for row in &shown {
        text.sample("demarc_account_looks", &[("account", &row.id)], row.looks.of);
    }
    text.gauge("demarc_account_looks_complete", "Complete looks by account.");
    for row in &shown {
        text.sample("demarc_account_looks_complete", &[("account", &row.id)], row.looks.complete);
    }
}

/// Those that get series of their own, in the report's order: where there are too many, the ones
/// that could not be read and those with the worst failures.
fn worst(accounts: &[AccountRow]) -> Vec<&AccountRow> {
    let mut rows: Vec<_> = accounts.iter().collect();
    if rows.len() > ACCOUNTS {
        rows.sort_by_cached_key(|row| {
            let failed = Severity::ALL.map(|s| row.failed.get(&s).copied().unwrap_or_default());
            let failed: Vec<_> = failed.into_iter().rev().collect();
            (Reverse(row.error.is_some()), Reverse(failed), &row.id)
        });
        rows.truncate(ACCOUNTS);
        rows.sort_by_key(|row| &row.id);
    }
    rows
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(value));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

/// A label's value may hold any character but these three as themselves.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
