//! What happened between two runs, as a stream that tickets are made from: one JSON object a
//! line.

use std::{borrow::Cow, io::Write, sync::Arc};

use demarc_model::{Fingerprint, Layer, Severity};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Common, Error, ResourceRef};

/// Version of the events' schema: the minor number grows with additions, the major with changes
/// that break readers.
pub const EVENTS_VERSION: &str = "1.0";

/// One thing that happened to one finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// [`EVENTS_VERSION`] of the demarc that wrote it.
    pub schema_version: Cow<'static, str>,
    pub event: EventKind,
    /// The finding's fingerprint: the same in every event about it, in every run. A ticket is
    /// found again by it.
    pub id: Fingerprint,
    /// The same when the same comparison is made again, and in no other event: sending an event
    /// twice can be told from its happening twice.
    pub idempotency_key: String,
    /// RFC 3339: when the account was read.
    pub at: Arc<str>,
    /// RFC 3339: when the report was taken that this one was compared with; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Arc<str>>,
    pub account: Arc<str>,
    pub partition: Arc<str>,
    pub region: Arc<str>,
    pub resource: ResourceRef,
    /// What within the resource; empty for the whole.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub part: Arc<str>,
    pub check: Arc<str>,
    pub severity: Severity,
    pub layer: Layer,
    /// Of the check.
    pub title: Arc<str>,
    /// What is wrong with the resource now; for the others, `detail` again.
    pub message: String,
    /// What can have brought it about: one cause where the reports prove it, several where they
    /// cannot tell them apart.
    pub why: Vec<Why>,
    /// The cause, for people.
    pub detail: String,
    /// Stands for the failure's evidence, as a suppression's `evidence` takes it.
    pub evidence_hash: String,
    /// Markdown; of failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<Common<String>>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Fails, and is not known to have failed before; or fails no longer under a suppression.
    Opened,
    /// Failed before and was resolved, and fails again.
    Reopened,
    /// Fails still, with other evidence or another severity, or under a suppression now.
    Changed,
    /// Fails no longer: this run looked.
    Resolved,
    /// This run listed everything of its kind, and it was not there.
    ResourceDeleted,
    /// Failed when it was last seen, and could not be looked at in this run. Closes nothing.
    UnknownThisRun,
}

impl EventKind {
    pub const ALL: [Self; 6] = [
        Self::Opened,
        Self::Reopened,
        Self::Changed,
        Self::Resolved,
        Self::ResourceDeleted,
        Self::UnknownThisRun,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Changed => "changed",
            Self::Resolved => "resolved",
            Self::ResourceDeleted => "resource-deleted",
            Self::UnknownThisRun => "unknown-this-run",
        }
    }

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Opened => "Opened",
            Self::Reopened => "Reopened",
            Self::Changed => "Changed",
            Self::Resolved => "Resolved",
            Self::ResourceDeleted => "Resource deleted",
            Self::UnknownThisRun => "Unknown this run",
        }
    }
}

/// What can have brought a change about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Made, altered or deleted.
    ResourceChanged,
    /// Another version of demarc judges otherwise.
    CheckChanged,
    /// One of the two runs could not read what the other could: permissions, throttling, faults.
    AccessChanged,
    /// One of the two runs was not asked to look here: other checks, regions or accounts.
    SelectionChanged,
    /// A suppression began or ended.
    SuppressionChanged,
}

impl Why {
    pub fn id(self) -> &'static str {
        match self {
            Self::ResourceChanged => "resource-changed",
            Self::CheckChanged => "check-changed",
            Self::AccessChanged => "access-changed",
            Self::SelectionChanged => "selection-changed",
            Self::SuppressionChanged => "suppression-changed",
        }
    }
}

impl Event {
    /// One line of the stream.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), Error> {
        serde_json::to_writer(&mut *out, self).map_err(crate::ndjson::write_error)?;
        out.write_all(b"\n")?;
        Ok(())
    }
}

/// The JSON schema of one line, generated from the types.
pub fn events_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Event>();
    schema.insert("title".to_owned(), format!("demarc event {EVENTS_VERSION}").into());
    let mut schema = schema.to_value();
    crate::schema::unlink(&mut schema);
    schema
}
