//! What a scheduled scan adds to a report: what changed since the last one, who accepted what,
//! figures for monitoring, and a lock so that two runs do not overlap.

use std::{
    fs::{File, TryLockError},
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use demarc_model::time::Timestamp;
use demarc_report::{
    Baseline, Comparison, Error, Event, Finding, Head, Suppression, Suppressions, Tool,
};

use crate::{cli::config::Config, exit::Usage, spool};

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Scheduled use")]
pub(crate) struct Scheduled {
    /// An earlier JSON report: findings are marked new, unchanged, changed, resolved, …
    #[arg(long, value_name = "FILE", env = "DEMARC_BASELINE")]
    baseline: Option<PathBuf>,
    /// Directory of earlier JSON reports, to which this one is added; tells reopened from new
    #[arg(long, value_name = "DIR", env = "DEMARC_HISTORY", conflicts_with = "baseline")]
    history: Option<PathBuf>,
    /// Write what changed since the baseline as events, one JSON object a line
    #[arg(long, value_name = "FILE", env = "DEMARC_EVENTS")]
    events: Option<PathBuf>,
    /// File of [[suppress]] entries: accepted failures, until a date
    #[arg(long, value_name = "FILE", env = "DEMARC_SUPPRESSIONS")]
    suppressions: Option<PathBuf>,
    /// Write figures for Prometheus's textfile collector
    #[arg(long, value_name = "FILE", env = "DEMARC_METRICS")]
    metrics: Option<PathBuf>,
    /// Do not run while another run holds this file
    #[arg(long, value_name = "FILE", env = "DEMARC_LOCK")]
    lock: Option<PathBuf>,
}

/// [`Scheduled`], opened before anything is asked of AWS.
pub(crate) struct Schedule {
    suppressions: Suppressions,
    comparison: Option<Comparison>,
    events: Option<PathBuf>,
    metrics: Option<PathBuf>,
    history: Option<PathBuf>,
    taken_at: Timestamp,
    /// Held until the process ends.
    _lock: Option<File>,
}

pub(crate) fn tool() -> Tool {
    Tool { name: "demarc".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

impl Scheduled {
    pub(crate) fn open(
        &self,
        config: Option<&Config>,
        taken_at: Timestamp,
    ) -> anyhow::Result<Schedule> {
        let lock = self.lock.as_deref().map(lock).transpose()?;
        let of_config = config.map(Config::suppressions).transpose()?.flatten();
        let suppressions = match (&self.suppressions, of_config) {
            (Some(path), _) => read_suppressions(path)?,
            (None, Some(suppressions)) => suppressions,
            (None, None) => Suppressions::default(),
        };
        let baseline = match (&self.baseline, &self.history) {
            (Some(path), _) => Some(then(Baseline::default(), path)?),
            (None, Some(directory)) => Some(read_history(directory)?),
            (None, None) => None,
        };
        if self.events.is_some() && baseline.is_none() {
            let text = "--events needs --baseline or --history to tell what changed";
            return Err(Usage(text.to_owned()).into());
        }
        Ok(Schedule {
            suppressions,
            comparison: baseline.map(|baseline| baseline.compare(&tool(), taken_at)),
            events: self.events.clone(),
            metrics: self.metrics.clone(),
            history: self.history.clone(),
            taken_at,
            _lock: lock,
        })
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let shown = path.display();
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("cannot open lock \"{shown}\""))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another run holds the lock \"{shown}\""),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot take lock \"{shown}\""))
        }
    }
}

fn read_suppressions(path: &Path) -> anyhow::Result<Suppressions> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read suppressions \"{shown}\""))?;
    Ok(Suppressions::parse(&text, &shown).map_err(|error| Usage(error.to_string()))?)
}

fn then(baseline: Baseline, path: &Path) -> anyhow::Result<Baseline> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot open baseline \"{shown}\""))?;
    let read = baseline.then(BufReader::new(file));
    read.with_context(|| format!("cannot read baseline \"{shown}\""))
}

/// Reports of the directory, oldest first: their names begin with their moment.
fn read_history(directory: &Path) -> anyhow::Result<Baseline> {
    let shown = directory.display();
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot make history \"{shown}\""))?;
            return Ok(Baseline::default());
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read history \"{shown}\""));
        }
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read history \"{shown}\""))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().try_fold(Baseline::default(), |baseline, path| then(baseline, path))
}

impl Schedule {
    /// A schedule that adds nothing.
    pub(crate) fn none(taken_at: Timestamp) -> Self {
        Self {
            suppressions: Suppressions::default(),
            comparison: None,
            events: None,
            metrics: None,
            history: None,
            taken_at,
            _lock: None,
        }
    }

    /// Takes the moment of the run that this one continues.
    pub(crate) fn continues(&mut self, taken_at: Timestamp) {
        self.taken_at = taken_at;
        self.comparison = self.comparison.take().map(|comparison| comparison.since(taken_at));
    }

    /// Whether findings are held against a baseline: it needs all of them.
    pub(crate) fn compares(&self) -> bool {
        self.comparison.is_some()
    }

    /// The failures that are accepted.
    pub(crate) fn suppressions(&self) -> impl Iterator<Item = &Suppression> {
        self.suppressions.entries()
    }

    /// Marks a finding that was accepted.
    pub(crate) fn suppress(&self, finding: &mut Finding) {
        self.suppressions.apply(finding, self.taken_at);
    }

    /// Holds the findings against the baseline: what changed, and what the report's head says of
    /// suppressions and of failures that this run could not tell.
    pub(crate) fn compare(
        &self,
        head: &mut Head,
        findings: impl Iterator<Item = Result<Finding, Error>>,
    ) -> anyhow::Result<Vec<Event>> {
        head.suppressions = self.suppressions.notes(self.taken_at);
        let Some(comparison) = &self.comparison else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        for finding in findings {
            events.extend(comparison.mark(&mut finding?));
        }
        let rest = comparison.rest(head);
        events.extend(rest.events);
        head.carried = rest.carried;
        Ok(events)
    }

    /// Marks a finding with what became of it since the baseline.
    pub(crate) fn mark(&self, finding: &mut Finding) {
        if let Some(comparison) = &self.comparison {
            comparison.mark(finding);
        }
    }

    /// Writes what was asked for beside the report.
    pub(crate) fn write<I>(
        &self,
        head: &Head,
        events: &[Event],
        findings: impl Fn() -> I,
    ) -> anyhow::Result<()>
    where
        I: Iterator<Item = Result<Finding, Error>>,
    {
        if let Some(path) = &self.events {
            spool::write_with(path, |out| {
                for event in events {
                    event.write(out)?;
                }
                Ok(())
            })?;
        }
        if let Some(path) = &self.metrics {
            spool::write_with(path, |out| Ok(demarc_report::metrics::write(head, out)?))?;
        }
        if let Some(directory) = &self.history {
            let name = head.scan.taken_at_rfc3339.replace(':', "");
            let path = directory.join(format!("{name}.json"));
            // The next run must see what passed, whatever this one's outputs leave out.
            let mut whole = head.clone();
            whole.scan.failing_only = false;
            spool::write_with(&path, |out| {
                let json = demarc_report::Format::Json;
                demarc_report::write(json, &whole, &mut findings(), out)?;
                Ok(out.flush()?)
            })?;
        }
        Ok(())
    }
}
