//! Where the report goes: files under their final name only when whole, or stdout.

use std::{io::Write, path::PathBuf};

use anyhow::Context as _;
use demarc_report::{Error, Finding, Format, Head};

use crate::{exit::Usage, spool};

/// What to write, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outputs {
    files: Vec<(PathBuf, Format)>,
    /// On stdout, instead of the summary for people.
    stdout: Option<Format>,
}

impl Outputs {
    /// A file's format follows from its name unless `format` says; without files, `format` goes
    /// to stdout.
    pub(crate) fn new(files: &[PathBuf], format: Option<Format>) -> Result<Self, Usage> {
        let mut outputs = Self { files: Vec::new(), stdout: None };
        for path in files {
            let format = match (Format::of_path(path), format) {
                (_, Some(format)) if files.len() == 1 => format,
                (Ok(format), _) | (Err(_), Some(format)) => format,
                (Err(error), None) => return Err(Usage(error.to_string())),
            };
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
                let (shown, parent) = (path.display(), parent.display());
                return Err(Usage(format!(
                    "cannot write \"{shown}\": there is no directory \"{parent}\""
                )));
            }
            outputs.files.push((path.clone(), format));
        }
        if files.is_empty() {
            outputs.stdout = format;
        }
        Ok(outputs)
    }

    /// Writes the files. `write` writes the whole report in one format.
    pub(crate) fn write_files(
        &self,
        write: impl Fn(Format, &mut dyn Write) -> Result<(), Error>,
    ) -> anyhow::Result<()> {
        for (path, format) in &self.files {
            spool::write_with(path, |out| Ok(write(*format, out)?))?;
        }
        Ok(())
    }

    /// Writes what goes to stdout: last, since whoever reads it may leave. `worst` are the findings
    /// that the summary shows.
    pub(crate) fn show(
        &self,
        head: &Head,
        write: impl Fn(Format, &mut dyn Write) -> Result<(), Error>,
        worst: impl FnOnce() -> Result<Vec<Finding>, Error>,
        quiet: bool,
    ) -> anyhow::Result<()> {
        if let Some(format) = self.stdout {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            write(format, &mut out)?;
            return Ok(out.flush()?);
        }
        if quiet { Ok(()) } else { summary(head, &worst()?) }
    }
}

fn summary(head: &Head, worst: &[Finding]) -> anyhow::Result<()> {
    let width = terminal_width();
    let mut text = Vec::new();
    demarc_report::terminal::summary(head, worst, width, &mut text)
        .context("cannot write the summary")?;
    let mut out = anstream::stdout().lock();
    out.write_all(&text)?;
    Ok(out.flush()?)
}

/// `COLUMNS`, or the terminal's own width.
fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.or_else(seen).unwrap_or(100)
}
