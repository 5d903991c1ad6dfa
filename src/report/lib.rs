//! The report: one versioned schema is the truth, every other format is a view of it.

mod asff;
mod common;
mod compare;
mod csv;
mod diff;
mod events;
mod format;
mod grant;
mod html;
mod json;
mod junit;
mod lines;
mod markdown;
pub mod metrics;
mod ndjson;
mod ocsf;
mod sarif;
mod schema;
mod suppress;
pub mod terminal;
mod text;
mod worst;

use std::{borrow::Cow, collections::BTreeMap, io, sync::Arc};

use demarc_model::{
    ControlType, Fingerprint, Layer, ServiceModel, Severity, Tags, Verdict, time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    common::Common,
    compare::{Baseline, Comparison, Rest},
    diff::{Diff, diff},
    events::{EVENTS_VERSION, Event, EventKind, Why, events_schema},
    format::{Format, UnknownFormat},
    grant::{missing_actions, policy},
    json::{Reader, read_json},
    lines::{read_lines, write_line},
    schema::schema,
    suppress::{Suppression, SuppressionNote, SuppressionNoteKind, Suppressions, evidence_hash},
    worst::Worst,
};

/// Version of the JSON schema: the minor number grows with additions, the major with changes
/// that break readers.
pub const SCHEMA_VERSION: &str = "1.0";

/// A whole report: what precedes the findings, and the findings. Large reports are never held
/// like this; they are written from a [`Head`] and a stream of findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    #[serde(flatten)]
    pub head: Head,
    /// Ordered by account, check, region, resource and part: the order in which they are judged.
    pub findings: Vec<Finding>,
}

/// Everything but the findings themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Head {
    /// [`SCHEMA_VERSION`] of the demarc that wrote the report.
    pub schema_version: String,
    pub tool: Tool,
    pub scan: Scan,
    /// One row an account, ordered by id; also those that could not be read.
    pub accounts: Vec<AccountRow>,
    pub summary: Summary,
    pub coverage: Coverage,
    /// Services in use × the customer's layers.
    pub matrix: Vec<MatrixRow>,
    /// Who proves what: one row a control type, in the model's order; absent from reports of
    /// older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control_types: Vec<ControlTypeRow>,
    /// Controls that are AWS's alone. No check sees them: the evidence is in AWS Artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherited: Vec<InheritedRow>,
    /// Suppressions that need somebody: expired, matching nothing, or given for other evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<SuppressionNote>,
    /// Failures of the baseline that this run could not look at again: they stay open. The next
    /// comparison takes them from here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Carried>,
}

/// A failure as it was when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Carried {
    pub fingerprint: Fingerprint,
    pub check: Arc<str>,
    pub title: Arc<str>,
    pub severity: Severity,
    pub account: Arc<str>,
    pub partition: Arc<str>,
    pub region: Arc<str>,
    pub resource: ResourceRef,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub part: Arc<str>,
    pub layer: Layer,
    /// [`evidence_hash`] of the failure.
    pub evidence_hash: String,
    /// The same over what was expected alone, which the check says and not the resource.
    pub expected_hash: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suppressed: bool,
    /// When the report was taken that last saw it fail.
    pub last_failed: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scan {
    /// Seconds since the Unix epoch: when the account was read. A replay keeps the recording's.
    pub taken_at: Timestamp,
    /// The same moment as RFC 3339.
    pub taken_at_rfc3339: String,
    /// Ids of the checks that were selected, in order.
    pub checks: Vec<String>,
    /// Passing verdicts were left out of `findings`; the counts still hold them.
    pub failing_only: bool,
    /// The scan ended early: the deadline, or a signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRow {
    /// Twelve digits.
    pub id: String,
    /// From AWS Organizations or the accounts file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub partition: String,
    /// ARN of the caller that read it; absent when it could not be read at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// In order of their names.
    pub regions: Vec<String>,
    /// Why the account could not be read at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AccountError>,
    pub verdicts: Counts,
    /// Failing findings by severity, suppressed ones left out.
    pub failed: BTreeMap<Severity, u64>,
    pub looks: Share,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountError {
    /// Identifier of the cause, as in [`NotAssessed::cause`].
    pub cause: String,
    pub reason: String,
}

/// Numbers of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    pub fail: u64,
    pub not_assessed: u64,
    pub manual: u64,
    pub pass: u64,
    pub not_applicable: u64,
    /// Of the failing ones, those that a suppression marks.
    #[serde(default)]
    pub suppressed: u64,
}

impl Counts {
    pub fn add(&mut self, verdict: Verdict, suppressed: bool) {
        match verdict {
            Verdict::Fail => self.fail += 1,
            Verdict::NotAssessed => self.not_assessed += 1,
            Verdict::Manual => self.manual += 1,
            Verdict::Pass => self.pass += 1,
            Verdict::NotApplicable => self.not_applicable += 1,
        }
        if suppressed && verdict == Verdict::Fail {
            self.suppressed += 1;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.fail += other.fail;
        self.not_assessed += other.not_assessed;
        self.manual += other.manual;
        self.pass += other.pass;
        self.not_applicable += other.not_applicable;
        self.suppressed += other.suppressed;
    }

    pub fn of(&self, verdict: Verdict) -> u64 {
        match verdict {
            Verdict::Fail => self.fail,
            Verdict::NotAssessed => self.not_assessed,
            Verdict::Manual => self.manual,
            Verdict::Pass => self.pass,
            Verdict::NotApplicable => self.not_applicable,
        }
    }

    pub fn total(&self) -> u64 {
        self.fail + self.not_assessed + self.manual + self.pass + self.not_applicable
    }
}

/// A part of a whole, with its denominator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    pub complete: u64,
    pub of: u64,
}

impl Share {
    pub fn add(&mut self, complete: bool) {
        self.of += 1;
        self.complete += u64::from(complete);
    }

    pub fn merge(&mut self, other: Self) {
        self.complete += other.complete;
        self.of += other.of;
    }

    /// 0 to 100; 100 when there was nothing to do.
    #[expect(clippy::cast_precision_loss, reason = "a share for people, of far fewer than 2^52")]
    pub fn percent(self) -> f64 {
        if self.of == 0 { 100.0 } else { self.complete as f64 * 100.0 / self.of as f64 }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub verdicts: Counts,
    /// Failing findings by severity, suppressed ones left out.
    pub failed: BTreeMap<Severity, u64>,
    pub by_layer: BTreeMap<Layer, Counts>,
    pub by_service: BTreeMap<String, Counts>,
    pub by_control_type: BTreeMap<ControlType, Counts>,
    pub by_check: BTreeMap<String, Counts>,
}

/// What was meant to be read, and what became of it. A *look* is one check in one account and
/// region (or the account's global part); it is complete when nothing it rests on was missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    pub looks: Share,
    pub by_check: BTreeMap<String, Share>,
    pub by_service: BTreeMap<String, Share>,
    pub by_layer: BTreeMap<Layer, Share>,
    /// Every call that was meant to be sent, ordered by service and operation.
    pub calls: Vec<CallRow>,
    /// What stands between this report and a complete one, the widest gap first.
    pub gaps: Vec<Gap>,
}

/// What became of one API operation, over all accounts and regions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallRow {
    /// Service id as the SDK names it.
    pub service: String,
    pub operation: String,
    /// IAM action; empty where AWS asks for none.
    pub action: String,
    /// Answers AWS gave, "none is set" among them.
    pub answered: u64,
    /// Cause to number of questions left without an answer.
    pub unanswered: BTreeMap<String, u64>,
}

/// One reason why something is not assessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Identifier of the cause, as in [`NotAssessed::cause`].
    pub cause: String,
    pub service: String,
    pub operation: String,
    /// The IAM action to grant, where the cause is `denied`.
    pub action: String,
    /// For people.
    pub reason: String,
    /// Ids of the checks that it left without a verdict, in order.
    pub checks: Vec<String>,
    /// Account ids, in order; at most 20, `accounts_total` has the number.
    pub accounts: Vec<String>,
    pub accounts_total: u64,
    pub regions: Vec<String>,
    /// Findings that are `not-assessed` for this reason.
    pub findings: u64,
}

/// One service in use: who owns which layer, and what was found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixRow {
    pub service: String,
    /// As AWS spells it.
    pub name: String,
    pub service_model: ServiceModel,
    pub cells: BTreeMap<Layer, MatrixCell>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixCell {
    pub owner: Owner,
    pub state: CellState,
    /// Number of checks that look at this cell.
    pub checks: u64,
    pub verdicts: Counts,
    pub aws: String,
    pub customer: String,
    /// What to use instead, where no API shows the cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// One control type of the shared responsibility model: both halves, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlTypeRow {
    pub id: ControlType,
    /// For people.
    pub title: String,
    pub meaning: String,
    /// AWS's half.
    pub aws: String,
    /// The customer's half.
    pub customer: String,
    pub verdicts: Counts,
}

/// One control that customers inherit from AWS, and what attests it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InheritedRow {
    pub id: String,
    pub title: String,
    /// What AWS does.
    pub aws: String,
    /// Documents in AWS Artifact, by their names there.
    pub evidence: Vec<String>,
    /// The page of AWS that says so.
    pub page: String,
}

/// Who owns a cell of the matrix.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    Aws,
    Customer,
    Both,
    /// The layer does not exist for the service.
    None,
}

impl Owner {
    pub const ALL: [Self; 4] = [Self::Aws, Self::Customer, Self::Both, Self::None];

    pub fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Customer => "customer",
            Self::Both => "both",
            Self::None => "none",
        }
    }

    /// As told to the customer.
    pub fn title(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Customer => "You",
            Self::Both => "AWS and you",
            Self::None => "No such layer",
        }
    }
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CellState {
    /// AWS's own, or no such layer.
    NotYours,
    /// At least one check failed.
    Failed,
    /// No failure, but something could not be read.
    NotAssessed,
    /// Everything that was looked at passed.
    Passed,
    /// The customer's, and no check looks at it yet (or none was selected).
    NoCheck,
    /// The customer's, and no API shows it.
    Invisible,
}

impl CellState {
    pub const ALL: [Self; 6] = [
        Self::NotYours,
        Self::Failed,
        Self::NotAssessed,
        Self::Passed,
        Self::NoCheck,
        Self::Invisible,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::NotYours => "not-yours",
            Self::Failed => "failed",
            Self::NotAssessed => "not-assessed",
            Self::Passed => "passed",
            Self::NoCheck => "no-check",
            Self::Invisible => "invisible",
        }
    }
}

/// One verdict of one check about one resource, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The same from run to run and version to version; unique within a report.
    pub fingerprint: Fingerprint,
    pub check: Cow<'static, str>,
    pub title: Cow<'static, str>,
    pub verdict: Verdict,
    pub severity: Severity,
    pub account: Arc<str>,
    pub partition: Arc<str>,
    /// `global` for resources that belong to no region.
    pub region: Arc<str>,
    pub resource: ResourceRef,
    /// What within the resource; empty for the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// Of a failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceItem>,
    /// Of a verdict that could not be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_assessed: Option<NotAssessed>,
    /// Why the check does not apply, or what a person should look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Cow<'static, str>>,
    pub service: Cow<'static, str>,
    pub layer: Layer,
    pub control_type: ControlType,
    pub boundary: Common<BoundaryRef>,
    /// Controls of published benchmarks that the check answers.
    pub controls: Common<Vec<ControlRef>>,
    /// Markdown; absent on passing verdicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<Common<String>>,
    /// Compared with the baseline, when one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppressed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceRef {
    pub arn: Arc<str>,
    /// CloudFormation type, e.g. `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    pub name: Arc<str>,
    /// Absent when the tags could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceItem {
    /// In AWS's spelling.
    pub field: Cow<'static, str>,
    pub observed: Cow<'static, str>,
    pub expected: Cow<'static, str>,
    /// The call whose answer holds the field, e.g. `EC2 DescribeInstances`.
    pub call: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotAssessed {
    /// `denied`, `denied-by-scp`, `throttled`, `network`, …
    pub cause: Cow<'static, str>,
    /// For people.
    pub reason: String,
    /// The call that stayed without an answer, e.g. `S3 GetBucketPolicy`.
    pub call: Cow<'static, str>,
    /// The IAM action that the call needs.
    pub action: Cow<'static, str>,
}

/// Where the finding falls in the shared responsibility model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoundaryRef {
    pub service_model: ServiceModel,
    /// Who owns this layer of this resource.
    pub owner: Owner,
    /// What AWS covers here.
    pub aws: Cow<'static, str>,
    /// What the customer must do here.
    pub customer: Cow<'static, str>,
    /// The variant that applies to this resource, e.g. `rds-custom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Cow<'static, str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ControlRef {
    /// Catalogue, e.g. `cis-aws-7.0.0`.
    pub framework: Cow<'static, str>,
    pub id: Cow<'static, str>,
}

/// What became of a finding since the baseline.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    New,
    Unchanged,
    Changed,
    Reopened,
    Resolved,
    ResourceDeleted,
    /// Not assessed now: says nothing, closes nothing.
    UnknownThisRun,
}

impl Change {
    pub fn id(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Reopened => "reopened",
            Self::Resolved => "resolved",
            Self::ResourceDeleted => "resource-deleted",
            Self::UnknownThisRun => "unknown-this-run",
        }
    }
}

/// The suppression that marks a finding; it stays in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppressed {
    pub owner: String,
    pub reason: String,
    /// `2026-12-31`.
    pub expires: String,
}

impl Finding {
    /// Whether it counts against the account: failing, and not suppressed.
    pub fn is_open(&self) -> bool {
        self.verdict == Verdict::Fail && self.suppressed.is_none()
    }

    /// Markdown.
    pub fn remediation(&self) -> Option<&str> {
        self.remediation.as_ref().map(|text| text.as_str())
    }

    /// The order of a report.
    pub fn sort_key(&self) -> (&str, &str, &str, &str, &str) {
        (&self.account, &self.check, &self.region, &self.resource.arn, &self.part)
    }

    /// `field is observed (expected …)`, for formats with one line for it.
    pub fn message(&self) -> String {
        match self.verdict {
            Verdict::Fail => self
                .evidence
                .iter()
                .map(|e| format!("{} is {} (expected {})", e.field, e.observed, e.expected))
                .collect::<Vec<_>>()
                .join("; "),
            Verdict::NotAssessed => match &self.not_assessed {
                Some(why) if why.action.is_empty() => format!("{}: {}", why.call, why.reason),
                Some(why) => format!("{}: {} (needs {})", why.call, why.reason, why.action),
                None => "not assessed".to_owned(),
            },
            Verdict::Manual | Verdict::NotApplicable => {
                self.note.as_deref().unwrap_or_default().to_owned()
            }
            Verdict::Pass => self.title.to_string(),
        }
    }
}

/// Findings on their way to a writer, in the report's order.
pub type Stream<'a> = dyn Iterator<Item = Result<Finding, Error>> + 'a;

/// Writes a report. Findings are taken one by one and not kept.
pub fn write(
    format: Format,
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn io::Write,
) -> Result<(), Error> {
    match format {
        Format::Json => json::write(head, findings, out),
        Format::Ndjson => ndjson::write(findings, out),
        Format::Csv => csv::write(head, findings, out),
        Format::Markdown => markdown::write(head, findings, out),
        Format::Junit => junit::write(head, findings, out),
        Format::Sarif => sarif::write(head, findings, out),
        Format::Ocsf => ocsf::write(head, findings, out),
        Format::Asff => asff::write(head, findings, out),
        Format::Html => html::write(head, findings, out),
    }
}

/// [`write`] for findings that [`write_line`] wrote: formats that hold them so copy them.
pub fn write_lines(
    format: Format,
    head: &Head,
    lines: impl io::BufRead,
    out: &mut dyn io::Write,
) -> Result<(), Error> {
    match format {
        Format::Json => json::copy(head, lines, out),
        Format::Ndjson => lines::copy_bare(lines, out),
        format => write(format, head, &mut read_lines(lines), out),
    }
}

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot write the report: {0}")]
    Io(#[from] io::Error),
    #[error("the report is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the report ends early: {0}")]
    Truncated(String),
    #[error("not a report of demarc: {0}")]
    Foreign(String),
    #[error("cannot write the report as CSV: {0}")]
    Csv(#[source] ::csv::Error),
    #[error("{origin}: {problem}")]
    Suppressions { origin: String, problem: String },
    #[error("report schema {found} is not one that this demarc reads ({SCHEMA_VERSION})")]
    Schema { found: String },
}

impl From<::csv::Error> for Error {
    /// Takes an I/O error out of its wrapping, which does not name it as its source: a pipe that
    /// the reader closed must be told from a fault.
    fn from(error: ::csv::Error) -> Self {
        if !error.is_io_error() {
            return Self::Csv(error);
        }
        match error.into_kind() {
            ::csv::ErrorKind::Io(error) => Self::Io(error),
            other => Self::Io(io::Error::other(format!("{other:?}"))),
        }
    }
}
