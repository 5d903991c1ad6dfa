//! `demarc diff`: what changed between two saved reports.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::print;
use crate::exit::Outcome;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    /// Events, one a line, as `demarc scan --events` writes them
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The earlier report, as JSON
    before: PathBuf,
    /// The later report, as JSON
    after: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let open = |path: &Path| {
            let file = File::open(path);
            file.with_context(|| format!("cannot open report \"{}\"", path.display()))
        };
        let (before, after) = (open(&self.before)?, open(&self.after)?);
        let diff = demarc_report::diff(BufReader::new(before), BufReader::new(after))
            .with_context(|| {
                let (before, after) = (self.before.display(), self.after.display());
                format!("cannot compare \"{before}\" with \"{after}\"")
            })?;
        let mut text = Vec::new();
        match self.format {
            Format::Text => diff.write_text(&mut text)?,
            Format::Json => {
                for event in &diff.events {
                    event.write(&mut text)?;
                }
            }
        }
        print(&text)
    }
}
