//! OCSF Compliance Findings (class 2003), one event a line.
//!
//! Schema 1.6.0, the version that AWS Security Hub speaks; only attributes that 1.3.0 to 1.8.0
//! share. <https://schema.ocsf.io/1.6.0/classes/compliance_finding>

use std::{collections::BTreeMap, io::Write};

use demarc_model::{Severity, Tags, Verdict};
use serde_json::{Map, Value, json};

use crate::{Change, Error, Finding, Head, Stream, ndjson::write_error};

const SCHEMA: &str = "1.6.0";
const CLASS: u64 = 2003;

pub(crate) fn write(
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let names: BTreeMap<_, _> = head
        .accounts
        .iter()
        .filter_map(|row| Some((row.id.as_str(), row.name.as_deref()?)))
        .collect();
    for finding in findings {
        let finding = finding?;
        let event = event(head, &finding, names.get(&*finding.account).copied());
        serde_json::to_writer(&mut *out, &event).map_err(write_error)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Create, Update or Close: whether the finding was there before, and is still.
fn activity(change: Option<Change>) -> (u64, &'static str) {
    match change {
        None | Some(Change::New) => (1, "Create"),
        Some(Change::Unchanged | Change::Changed | Change::Reopened | Change::UnknownThisRun) => {
            (2, "Update")
        }
        Some(Change::Resolved | Change::ResourceDeleted) => (3, "Close"),
    }
}

/// Where the finding stands in its life, which is not the verdict: a check that passed from the
/// first has none.
fn status(finding: &Finding) -> Option<(u64, &'static str)> {
    match (finding.change, finding.verdict) {
        (Some(Change::Resolved | Change::ResourceDeleted), _) => Some((4, "Resolved")),
        _ if finding.suppressed.is_some() => Some((3, "Suppressed")),
        (_, Verdict::Fail | Verdict::NotAssessed | Verdict::Manual) => Some((1, "New")),
        (_, Verdict::Pass | Verdict::NotApplicable) => None,
    }
}

/// "Warning" is defined as "did not yield a result due to missing information".
fn compliance_status(verdict: Verdict) -> (u64, &'static str) {
    match verdict {
        Verdict::Pass => (1, "Pass"),
        Verdict::NotAssessed => (2, "Warning"),
        Verdict::Fail => (3, "Fail"),
        Verdict::Manual => (99, "Manual"),
        Verdict::NotApplicable => (99, "Not applicable"),
    }
}

fn severity(severity: Severity) -> (u64, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn event(head: &Head, finding: &Finding, account_name: Option<&str>) -> Value {
    // OCSF counts milliseconds.
    let time = head.scan.taken_at.0 * 1000;
    let (activity_id, activity_name) = activity(finding.change);
    let (compliance_id, compliance_name) = compliance_status(finding.verdict);
    let (check_severity_id, check_severity) = severity(finding.severity);
    // Nobody is to be woken by a check that passed.
    let (severity_id, severity) = match finding.verdict {
        Verdict::Pass | Verdict::NotApplicable => severity(Severity::Info),
        _ => (check_severity_id, check_severity),
    };
    let mut standards: Vec<&str> = finding.controls.iter().map(|c| &*c.framework).collect();
    standards.dedup();
    let requirements: Vec<_> =
        finding.controls.iter().map(|c| format!("{} {}", c.framework, c.id)).collect();
    let message = match finding.message() {
        message if message.is_empty() => finding.title.to_string(),
        message => message,
    };
    let mut event = json!({
        "activity_id": activity_id,
        "activity_name": activity_name,
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Compliance Finding",
        "class_uid": CLASS,
        "type_name": format!("Compliance Finding: {activity_name}"),
        "type_uid": CLASS * 100 + activity_id,
        "time": time,
        "severity": severity,
        "severity_id": severity_id,
        "message": message,
        "metadata": {
            "version": SCHEMA,
            "uid": format!("{}-{}", finding.fingerprint.0, head.scan.taken_at.0),
            "profiles": ["cloud"],
            "event_code": finding.check,
            "product": {
                "name": head.tool.name,
                "vendor_name": head.tool.name,
                "version": head.tool.version,
            },
        },
        "finding_info": {
            "uid": finding.fingerprint.0,
            "title": finding.title,
            "desc": message,
            "last_seen_time": time,
            "types": [finding.layer.title(), finding.control_type.id()],
        },
        "compliance": {
            "control": finding.check,
            "desc": finding.boundary.customer,
            "standards": standards,
            "requirements": requirements,
            "status": compliance_name,
            "status_id": compliance_id,
            "checks": [{
                "uid": finding.check,
                "name": finding.title,
                "severity": check_severity,
                "severity_id": check_severity_id,
                "standards": standards,
                "status": compliance_name,
                "status_id": compliance_id,
            }],
        },
        "resources": [resource(finding)],
        "cloud": cloud(finding, account_name),
        "unmapped": unmapped(finding),
    });
    if let Some((id, name)) = status(finding) {
        event["status_id"] = id.into();
        event["status"] = name.into();
    }
    if let Some(why) = &finding.not_assessed {
        event["status_code"] = json!(why.cause);
        event["status_detail"] = json!(why.reason);
    }
    if let Some(remediation) = &finding.remediation {
        event["remediation"] = json!({ "desc": remediation });
    }
    event
}

fn resource(finding: &Finding) -> Value {
    let tags = finding.resource.tags.iter().flat_map(Tags::iter);
    let labels: Vec<_> = tags.map(|(key, value)| format!("{key}={value}")).collect();
    json!({
        "uid": finding.resource.arn,
        "name": finding.resource.name,
        "type": finding.resource.kind,
        "cloud_partition": finding.partition,
        "region": finding.region,
        "labels": labels,
    })
}

fn cloud(finding: &Finding, account_name: Option<&str>) -> Value {
    let mut account = json!({
        "uid": finding.account,
        "type": "AWS Account",
        "type_id": 10,
    });
    if let Some(name) = account_name {
        account["name"] = name.into();
    }
    json!({ "provider": "AWS", "region": finding.region, "account": account })
}

/// What OCSF has no word for: the boundary, and each piece of evidence by itself.
fn unmapped(finding: &Finding) -> Value {
    let mut fields = Map::from_iter([
        ("verdict".to_owned(), json!(finding.verdict)),
        ("service".to_owned(), json!(finding.service)),
        ("layer".to_owned(), json!(finding.layer)),
        ("control_type".to_owned(), json!(finding.control_type)),
        ("boundary".to_owned(), json!(finding.boundary)),
    ]);
    if !finding.part.is_empty() {
        fields.insert("part".to_owned(), json!(finding.part));
    }
    if !finding.evidence.is_empty() {
        fields.insert("evidence".to_owned(), json!(finding.evidence));
    }
    if let Some(why) = &finding.not_assessed {
        fields.insert("not_assessed".to_owned(), json!(why));
    }
    if let Some(change) = finding.change {
        fields.insert("change".to_owned(), json!(change));
    }
    if let Some(suppressed) = &finding.suppressed {
        fields.insert("suppressed".to_owned(), json!(suppressed));
    }
    Value::Object(fields)
}
