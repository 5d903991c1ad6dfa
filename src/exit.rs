//! Exit codes: documented in the guide, tested in `tests/cli.rs`.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Complete, and nothing at or above `--fail-on`.
    Clean,
    /// It could not run.
    CouldNotRun,
    /// Findings at or above `--fail-on`.
    Findings,
    /// Below `--min-coverage`, and no such findings.
    Incomplete,
    /// Both.
    FindingsAndIncomplete,
}

/// What clap exits with on wrong arguments; used for unknown names too.
pub(crate) const USAGE: u8 = 2;

impl Outcome {
    pub(crate) fn of(findings: bool, incomplete: bool) -> Self {
        match (findings, incomplete) {
            (false, false) => Self::Clean,
            (true, false) => Self::Findings,
            (false, true) => Self::Incomplete,
            (true, true) => Self::FindingsAndIncomplete,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Clean => 0,
            Outcome::CouldNotRun => 1,
            Outcome::Findings => 3,
            Outcome::Incomplete => 4,
            Outcome::FindingsAndIncomplete => 5,
        })
    }
}

/// An error in what the user asked for: exit code 2, like a wrong flag.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);
