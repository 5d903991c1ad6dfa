//! SARIF 2.1.0, for tools that read the results of static analysis.
//!
//! There is no file to point at: a resource is a logical location with its ARN, and the ARN's
//! parts stand as a path where a consumer insists on a file.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::{collections::BTreeMap, io::Write};

use demarc_model::{Severity, Verdict};
use serde_json::{Value, json};

use crate::{Change, Error, Finding, Head, Stream, ndjson::write_error};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Results come first and the rules they name last, so that neither findings nor checks have to
/// be known in advance.
pub(crate) fn write(
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut rules = BTreeMap::new();
    writeln!(out, "{{\n  \"$schema\": \"{SCHEMA}\",\n  \"version\": \"2.1.0\",\n  \"runs\": [{{")?;
    writeln!(out, "    \"columnKind\": \"unicodeCodePoints\",")?;
    write!(out, "    \"invocations\": [")?;
    serde_json::to_writer(&mut *out, &invocation(head)).map_err(write_error)?;
    write!(out, "],\n    \"results\": [")?;
    let mut separator = "\n      ";
    for finding in findings {
        let finding = finding?;
        out.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut *out, &result(&finding)).map_err(write_error)?;
        separator = ",\n      ";
        let known = rules.get(&*finding.check).is_some_and(|(_, helps)| *helps);
        if !known {
            let helps = finding.remediation.is_some();
            rules.insert(finding.check.to_string(), (rule(&finding), helps));
        }
    }
    write!(
        out,
        "\n    ],\n    \"tool\": {{\"driver\": {{\"name\": {}, \"version\": {}, \"rules\": [",
        json!(head.tool.name),
        json!(head.tool.version)
    )?;
    let mut separator = "\n      ";
    for (rule, _) in rules.into_values() {
        out.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut *out, &rule).map_err(write_error)?;
        separator = ",\n      ";
    }
    out.write_all(b"\n    ]}}\n  }]\n}\n")?;
    Ok(())
}

/// What could not be read is told as the tool's own notifications too.
fn invocation(head: &Head) -> Value {
    let unread = head.accounts.iter().filter_map(|row| {
        let error = row.error.as_ref()?;
        Some(json!({
            "level": "error",
            "descriptor": { "id": error.cause },
            "message": { "text": format!("account {} was not read: {}", row.id, error.reason) },
        }))
    });
    let gaps = head.coverage.gaps.iter().map(|gap| {
        let needs = if gap.action.is_empty() {
            String::new()
        } else {
            format!(" (needs {})", gap.action)
        };
        let text = format!(
            "{} {}: {}{needs}; {} not assessed",
            gap.service,
            gap.operation,
            gap.reason,
            crate::text::count(gap.findings, "finding")
        );
        json!({ "level": "warning", "descriptor": { "id": gap.cause }, "message": { "text": text } })
    });
    json!({
        "executionSuccessful": head.scan.stopped.is_none(),
        "endTimeUtc": head.scan.taken_at_rfc3339,
        "toolExecutionNotifications": unread.chain(gaps).collect::<Vec<_>>(),
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// SARIF's "open": "insufficient information to decide whether a problem exists"; anything but
/// a failure has no level.
fn kind(finding: &Finding) -> (&'static str, &'static str) {
    match finding.verdict {
        Verdict::Fail => ("fail", level(finding.severity)),
        Verdict::NotAssessed => ("open", "none"),
        Verdict::Manual => ("review", "none"),
        Verdict::Pass => ("pass", "none"),
        Verdict::NotApplicable => ("notApplicable", "none"),
    }
}

fn baseline_state(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Unchanged | Change::UnknownThisRun => "unchanged",
        Change::Changed | Change::Reopened => "updated",
        Change::Resolved | Change::ResourceDeleted => "absent",
    }
}

fn result(finding: &Finding) -> Value {
    let (kind, level) = kind(finding);
    let message = match finding.message() {
        message if message.is_empty() => finding.title.to_string(),
        message => message,
    };
    let mut result = json!({
        "ruleId": finding.check,
        "kind": kind,
        "level": level,
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": path(&finding.resource.arn) },
                // Some consumers drop a result without a line.
                "region": { "startLine": 1 },
            },
            "logicalLocations": [{
                "name": finding.resource.name,
                "fullyQualifiedName": finding.resource.arn,
                "kind": "resource",
            }],
        }],
        "partialFingerprints": { "demarc/v1": finding.fingerprint.0 },
        "properties": properties(finding),
    });
    if let Some(suppressed) = &finding.suppressed {
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": format!(
                "{} ({}, until {})",
                suppressed.reason, suppressed.owner, suppressed.expires
            ),
        }]);
    }
    if let Some(change) = finding.change {
        result["baselineState"] = baseline_state(change).into();
    }
    result
}

fn properties(finding: &Finding) -> Value {
    let mut properties = json!({
        "verdict": finding.verdict,
        "severity": finding.severity,
        "account": finding.account,
        "region": finding.region,
        "resourceType": finding.resource.kind,
        "layer": finding.layer,
        "controlType": finding.control_type,
        "owner": finding.boundary.owner,
    });
    if !finding.part.is_empty() {
        properties["part"] = json!(finding.part);
    }
    if let Some(why) = &finding.not_assessed {
        properties["notAssessed"] = json!(why);
    }
    properties
}

fn rule(finding: &Finding) -> Value {
    let help = match finding.remediation() {
        Some(text) if !text.trim().is_empty() => text,
        _ => &*finding.boundary.customer,
    };
    let controls = finding.controls.iter().map(|c| format!("{}:{}", c.framework, c.id));
    let tags: Vec<_> = ["security".to_owned(), finding.service.to_string()]
        .into_iter()
        .chain([finding.layer.id().to_owned()])
        .chain(controls)
        .collect();
    // GitHub sorts its alerts by this number.
    let score = match finding.severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    };
    json!({
        "id": finding.check,
        "shortDescription": { "text": finding.title },
        "fullDescription": {
            "text": format!("{} {}", finding.boundary.customer, finding.boundary.aws),
        },
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": { "tags": tags, "security-severity": score, "precision": "high" },
    })
}

/// An ARN as a relative path: `arn/aws/s3/logs`.
fn path(arn: &str) -> String {
    let mut path = String::with_capacity(arn.len());
    for part in arn.split([':', '/']).filter(|part| !matches!(*part, "" | "." | "..")) {
        if !path.is_empty() {
            path.push('/');
        }
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                path.push(byte as char);
            } else {
                path.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    path.extend(
                        char::from_digit(nibble.into(), 16).map(|c| c.to_ascii_uppercase()),
                    );
                }
            }
        }
    }
    path
}
