//! One row a finding, for spreadsheets.

use std::{borrow::Cow, collections::BTreeMap, io::Write};

use crate::{Error, Finding, Head, Stream};

const COLUMNS: [&str; 35] = [
    "fingerprint",
    "verdict",
    "severity",
    "check",
    "title",
    "message",
    "account",
    "account_name",
    "partition",
    "region",
    "service",
    "resource_type",
    "resource_name",
    "resource_arn",
    "part",
    "tags",
    "not_assessed_cause",
    "not_assessed_call",
    "not_assessed_action",
    "layer",
    "control_type",
    "service_model",
    "owner",
    "variant",
    "aws_covers",
    "customer_must",
    "controls",
    "evidence_calls",
    "remediation",
    "change",
    "suppressed_by",
    "suppressed_reason",
    "suppressed_until",
    "taken_at",
    "tool_version",
];

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
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for finding in findings {
        let finding = finding?;
        let name = names.get(&*finding.account).copied().unwrap_or_default();
        let row = row(head, &finding, name);
        writer.write_record(row.iter().map(|cell| guarded(cell).into_owned()))?;
    }
    writer.flush()?;
    Ok(())
}

fn row<'a>(head: &'a Head, finding: &'a Finding, account_name: &'a str) -> [Cow<'a, str>; 35] {
    let tags = finding.resource.tags.as_ref().map(|tags| {
        tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("; ")
    });
    let controls: Vec<_> =
        finding.controls.iter().map(|c| format!("{}:{}", c.framework, c.id)).collect();
    let mut calls: Vec<&str> = finding.evidence.iter().map(|e| &*e.call).collect();
    calls.dedup();
    let why = finding.not_assessed.as_ref();
    let suppressed = finding.suppressed.as_ref();
    let text = |value: Option<&'a str>| Cow::Borrowed(value.unwrap_or_default());
    [
        finding.fingerprint.0.as_str().into(),
        finding.verdict.id().into(),
        finding.severity.id().into(),
        (*finding.check).into(),
        (*finding.title).into(),
        finding.message().into(),
        (*finding.account).into(),
        account_name.into(),
        (*finding.partition).into(),
        (*finding.region).into(),
        (*finding.service).into(),
        (*finding.resource.kind).into(),
        (*finding.resource.name).into(),
        (*finding.resource.arn).into(),
        finding.part.as_str().into(),
        tags.unwrap_or_default().into(),
        text(why.map(|why| &*why.cause)),
        text(why.map(|why| &*why.call)),
        text(why.map(|why| &*why.action)),
        finding.layer.id().into(),
        finding.control_type.id().into(),
        finding.boundary.service_model.id().into(),
        finding.boundary.owner.id().into(),
        text(finding.boundary.variant.as_deref()),
        (*finding.boundary.aws).into(),
        (*finding.boundary.customer).into(),
        controls.join(" ").into(),
        calls.join("; ").into(),
        text(finding.remediation()),
        text(finding.change.map(crate::Change::id)),
        text(suppressed.map(|s| s.owner.as_str())),
        text(suppressed.map(|s| s.reason.as_str())),
        text(suppressed.map(|s| s.expires.as_str())),
        head.scan.taken_at_rfc3339.as_str().into(),
        head.tool.version.as_str().into(),
    ]
}

/// A cell that no spreadsheet takes for a formula: whoever may tag a resource must not be able
/// to run one on the reader's desk (OWASP, "CSV Injection"). The apostrophe is the spreadsheets'
/// own mark for text.
fn guarded(cell: &str) -> Cow<'_, str> {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(formula) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}
