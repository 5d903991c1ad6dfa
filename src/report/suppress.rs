//! Suppressions: failures that somebody has accepted, until a date.
//!
//! ```toml
//! [[suppress]]
//! check = "s3.bucket-public-access-block"
//! resource = "arn:aws:s3:::example-site*"
//! owner = "web@example.com"
//! reason = "a public website"
//! expires = 2027-03-31
//! ```

use std::{
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use demarc_model::{Verdict, finding::digest, time::Timestamp};
use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{Date, macros::format_description};
use toml::{Table, Value};

use crate::{Error, Finding, Suppressed};

/// Stands for a failure's evidence: 16 hexadecimal digits that change when what was observed or
/// what was expected does.
pub fn evidence_hash(finding: &Finding) -> String {
    let items = finding.evidence.iter().flat_map(|e| [&*e.field, &*e.observed, &*e.expected]);
    let mut hash = digest(items);
    hash.truncate(EVIDENCE_DIGITS);
    hash
}

const EVIDENCE_DIGITS: usize = 16;

const KEYS: &str = "check, resource, account, region, tag, owner, reason, expires and evidence";

/// The suppressions of one file, and what each of them met during a run.
#[derive(Debug, Default)]
pub struct Suppressions {
    entries: Vec<Entry>,
}

/// One entry as it was written. What it leaves out, it does not ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Glob on the check's id.
    pub check: Option<String>,
    /// Glob on the resource's ARN.
    pub resource: Option<String>,
    /// Twelve digits.
    pub account: Option<String>,
    /// Glob on the region's name.
    pub region: Option<String>,
    /// Key, and the value where one is asked for.
    pub tag: Option<(String, Option<String>)>,
    pub owner: String,
    pub reason: String,
    /// The last day, in UTC, on which it works: `2027-03-31`.
    pub expires: String,
    /// [`evidence_hash`] of the failure that was accepted.
    pub evidence: Option<String>,
}

#[derive(Debug)]
struct Entry {
    suppression: Suppression,
    check: Option<GlobMatcher>,
    resource: Option<GlobMatcher>,
    region: Option<GlobMatcher>,
    /// The first moment at which it no longer works.
    ends: Timestamp,
    /// Failures that it names, be it expired or not.
    matched: AtomicU64,
    /// Verdicts that it may have named, had they been given.
    unread: AtomicU64,
    /// Of the failures that it names but was not given for: the first one's fingerprint and
    /// evidence hash.
    other_evidence: Mutex<Option<(String, String)>>,
}

/// A suppression that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuppressionNote {
    pub kind: SuppressionNoteKind,
    /// Its place in the file, from 1.
    pub entry: u64,
    /// What it selects, as `key = value`.
    pub selects: String,
    pub owner: String,
    pub reason: String,
    /// `2027-03-31`.
    pub expires: String,
    /// What happened, and what to do.
    pub text: String,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SuppressionNoteKind {
    /// Its date has passed: it suppresses nothing.
    Expired,
    /// No failure of this run is one that it names.
    MatchedNothing,
    /// A failure that it names rests on other evidence than it was given for.
    EvidenceChanged,
}

impl SuppressionNoteKind {
    pub fn id(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::MatchedNothing => "matched-nothing",
            Self::EvidenceChanged => "evidence-changed",
        }
    }
}

impl Suppressions {
    /// Reads a file that holds `[[suppress]]` entries and nothing else; `origin` names it in
    /// errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let fail = |problem: String| Error::Suppressions { origin: origin.to_owned(), problem };
        let mut table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| fail(error.to_string().trim_end().to_owned()))?;
        let entries = table.remove("suppress");
        if let Some(key) = table.keys().next() {
            return Err(fail(format!(
                "unknown key \"{key}\"; a file of suppressions holds [[suppress]] entries"
            )));
        }
        Self::from_value(entries.unwrap_or(Value::Array(Vec::new())), origin)
    }

    /// Takes the value of the `suppress` key of a larger file.
    pub fn from_value(value: Value, origin: &str) -> Result<Self, Error> {
        let fail = |problem: String| Error::Suppressions { origin: origin.to_owned(), problem };
        let Value::Array(values) = value else {
            return Err(fail("\"suppress\" must be a list: write [[suppress]]".to_owned()));
        };
        let entries = values.into_iter().enumerate().map(|(index, value)| {
            let number = index + 1;
            let Value::Table(table) = value else {
                return Err(fail(format!("suppression {number} must be a table of {KEYS}")));
            };
            let named = match table.get("check").or_else(|| table.get("resource")) {
                Some(Value::String(name)) => format!("suppression {number} (\"{name}\")"),
                _ => format!("suppression {number}"),
            };
            entry(table).map_err(|problem| fail(format!("{named}: {problem}")))
        });
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }

    /// In the file's order.
    pub fn entries(&self) -> impl Iterator<Item = &Suppression> {
        self.entries.iter().map(|entry| &entry.suppression)
    }

    /// Marks a failure that an entry names and that has not expired at `now`; the first such
    /// entry gives its name to it. Must be shown every finding, so that [`Self::notes`] can tell
    /// an entry without use from one whose resource could not be read.
    pub fn apply(&self, finding: &mut Finding, now: Timestamp) {
        finding.suppressed = None;
        for entry in &self.entries {
            match finding.verdict {
                Verdict::NotAssessed if entry.may_name(finding) => {
                    entry.unread.fetch_add(1, Ordering::Relaxed);
                }
                Verdict::Fail if entry.names(finding) => {
                    entry.matched.fetch_add(1, Ordering::Relaxed);
                    if entry.is_for(finding) && now < entry.ends && finding.suppressed.is_none() {
                        finding.suppressed = Some(Suppressed {
                            owner: entry.suppression.owner.clone(),
                            reason: entry.suppression.reason.clone(),
                            expires: entry.suppression.expires.clone(),
                        });
                    }
                }
                _ => {}
            }
        }
    }

    /// Entries that named no failure of the run, though everything they could name was read.
    pub fn unused(&self) -> impl Iterator<Item = &Suppression> {
        self.entries.iter().filter(|entry| entry.is_unused()).map(|entry| &entry.suppression)
    }

    /// Entries that no longer work at `now`.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = &Suppression> {
        self.entries.iter().filter(move |entry| now >= entry.ends).map(|entry| &entry.suppression)
    }

    /// What the report says about the entries after a run, in the file's order.
    pub fn notes(&self, now: Timestamp) -> Vec<SuppressionNote> {
        let notes = self.entries.iter().enumerate().flat_map(|(index, entry)| {
            let suppression = &entry.suppression;
            let note = move |kind, text| SuppressionNote {
                kind,
                entry: index as u64 + 1,
                selects: suppression.selects(),
                owner: suppression.owner.clone(),
                reason: suppression.reason.clone(),
                expires: suppression.expires.clone(),
                text,
            };
            let expired = (now >= entry.ends).then(|| {
                let rest = match entry.matched.load(Ordering::Relaxed) {
                    0 => "nothing fails that it names: remove it",
                    _ => "what it names counts again: fix it, or accept it anew",
                };
                let text = format!("expired after {}; {rest}", suppression.expires);
                note(SuppressionNoteKind::Expired, text)
            });
            let unused = (expired.is_none() && entry.is_unused()).then(|| {
                note(
                    SuppressionNoteKind::MatchedNothing,
                    "no failure of this run is one that it names: remove it if all was scanned \
                     that it is for, or correct it"
                        .to_owned(),
                )
            });
            let other = entry.other_evidence.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = other.as_ref().map(|(fingerprint, hash)| {
                note(
                    SuppressionNoteKind::EvidenceChanged,
                    format!(
                        "finding {fingerprint} rests on other evidence than was accepted: look \
                         again, and write evidence = \"{hash}\" if it still is"
                    ),
                )
            });
            [expired, unused, changed].into_iter().flatten()
        });
        notes.collect()
    }
}

impl Suppression {
    /// What it selects: `check = "s3.*", tag = "env=dev"`.
    pub fn selects(&self) -> String {
        let tag = self.tag.as_ref().map(|(key, value)| match value {
            Some(value) => format!("{key}={value}"),
            None => key.clone(),
        });
        let parts = [
            ("check", self.check.as_deref()),
            ("resource", self.resource.as_deref()),
            ("account", self.account.as_deref()),
            ("region", self.region.as_deref()),
            ("tag", tag.as_deref()),
        ];
        let mut text = String::new();
        for (key, value) in parts {
            if let Some(value) = value {
                let comma = if text.is_empty() { "" } else { ", " };
                // Writing to a String cannot fail.
                let _ = write!(text, "{comma}{key} = \"{value}\"");
            }
        }
        text
    }
}

impl Entry {
    fn is_unused(&self) -> bool {
        self.matched.load(Ordering::Relaxed) == 0 && self.unread.load(Ordering::Relaxed) == 0
    }

    fn names(&self, finding: &Finding) -> bool {
        self.is_there(finding)
            && is_match(self.resource.as_ref(), &finding.resource.arn)
            && self.suppression.tag.as_ref().is_none_or(|(key, wanted)| {
                let tags = finding.resource.tags.as_ref();
                let value = tags.and_then(|tags| tags.get(key));
                value.is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
            })
    }

    /// Whether a verdict that could not be given may hide a failure that the entry names: on the
    /// resource itself, or on a listing that would have shown it.
    fn may_name(&self, finding: &Finding) -> bool {
        self.is_there(finding)
            && (is_match(self.resource.as_ref(), &finding.resource.arn)
                || crate::compare::is_scope(finding))
    }

    fn is_there(&self, finding: &Finding) -> bool {
        is_match(self.check.as_ref(), &finding.check)
            && self.suppression.account.as_deref().is_none_or(|id| id == &*finding.account)
            && is_match(self.region.as_ref(), &finding.region)
    }

    fn is_for(&self, finding: &Finding) -> bool {
        let Some(accepted) = &self.suppression.evidence else {
            return true;
        };
        let hash = evidence_hash(finding);
        if hash == *accepted {
            return true;
        }
        let found = (finding.fingerprint.0.clone(), hash);
        let mut other = self.other_evidence.lock().unwrap_or_else(PoisonError::into_inner);
        // The least, not the first: accounts are judged side by side.
        if other.as_ref().is_none_or(|known| found < *known) {
            *other = Some(found);
        }
        false
    }
}

fn is_match(glob: Option<&GlobMatcher>, text: &str) -> bool {
    glob.is_none_or(|glob| glob.is_match(text))
}

fn entry(mut table: Table) -> Result<Entry, String> {
    let mut text = |key: &str| match table.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Err(format!("{key} is empty")),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{key} must be a text in quotes, not {}", kind(&other))),
    };
    let (check, resource, region) = (text("check")?, text("resource")?, text("region")?);
    let account = text("account")?;
    if let Some(id) = &account
        && (id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(format!("account \"{id}\" is not an account id of 12 digits"));
    }
    let tag = text("tag")?.map(|tag| match tag.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (tag, None),
    });
    let evidence = text("evidence")?;
    if let Some(hash) = &evidence
        && (hash.len() != EVIDENCE_DIGITS
            || !hash.bytes().all(|b| b"0123456789abcdef".contains(&b)))
    {
        return Err(format!(
            "evidence \"{hash}\" is not an evidence hash: {EVIDENCE_DIGITS} digits of 0-9 and a-f"
        ));
    }
    let required = |key: &str, what: &str, value: Option<String>| {
        value.ok_or_else(|| format!("{key} is missing: add {key} = \"{what}\""))
    };
    let owner = required("owner", "who answers for it", text("owner")?)?;
    let reason = required("reason", "why it is accepted", text("reason")?)?;
    let (expires, ends) = match table.remove("expires") {
        None => {
            return Err("expires is missing: add the last day on which it works, such as \
                        expires = 2027-03-31"
                .to_owned());
        }
        Some(value) => expiry(&value)?,
    };
    if let Some(key) = table.keys().next() {
        return Err(format!("unknown key \"{key}\"; the keys are {KEYS}"));
    }
    let suppression =
        Suppression { check, resource, account, region, tag, owner, reason, expires, evidence };
    if suppression.selects().is_empty() {
        return Err("it names nothing: add check, resource, account, region or tag".to_owned());
    }
    Ok(Entry {
        check: glob("check", suppression.check.as_deref())?,
        resource: glob("resource", suppression.resource.as_deref())?,
        region: glob("region", suppression.region.as_deref())?,
        suppression,
        ends,
        matched: AtomicU64::new(0),
        unread: AtomicU64::new(0),
        other_evidence: Mutex::new(None),
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list (write one entry for each)",
        Value::Table(_) => "a table",
    }
}

fn glob(key: &str, pattern: Option<&str>) -> Result<Option<GlobMatcher>, String> {
    let Some(pattern) = pattern else {
        return Ok(None);
    };
    // `*` also stands for the slashes and colons of an ARN.
    let glob = GlobBuilder::new(pattern).literal_separator(false).build();
    let glob = glob.map_err(|error| format!("{key} \"{pattern}\": {}", error.kind()))?;
    Ok(Some(glob.compile_matcher()))
}

/// The last day of an entry, and the moment after it.
fn expiry(value: &Value) -> Result<(String, Timestamp), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Datetime(moment) => moment.to_string(),
        other => return Err(format!("expires must be a date, not {}", kind(other))),
    };
    let format = format_description!("[year]-[month]-[day]");
    let day = Date::parse(&text, format).map_err(|_| {
        format!("expires \"{text}\" is not a date: write the last day, such as 2027-03-31")
    })?;
    let begins = Timestamp(day.midnight().assume_utc().unix_timestamp());
    Ok((text, begins.plus_days(1)))
}
