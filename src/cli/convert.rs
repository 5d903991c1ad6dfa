//! `demarc convert`: any format from a saved report, no AWS needed.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use demarc_report::{Format, Reader, Worst};

use crate::{exit::Outcome, output::Outputs, totals::WORST};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A report that demarc wrote as JSON
    report: PathBuf,
    /// File to write; the format follows from its name (repeatable)
    #[arg(long, short, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Format of the output, on stdout when no file is named
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// Opens a saved report; its findings can be read once.
pub(crate) fn open(path: &Path) -> anyhow::Result<Reader<BufReader<File>>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot open report \"{shown}\""))?;
    Reader::new(BufReader::new(file)).with_context(|| format!("cannot read report \"{shown}\""))
}

impl Args {
    pub(crate) fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let outputs = Outputs::new(&self.output, self.format)?;
        let head = open(&self.report)?.into_head();
        // Each format reads the report again: its findings are never held whole.
        let findings = || -> Box<dyn Iterator<Item = _>> {
            match open(&self.report) {
                Ok(reader) => Box::new(reader),
                Err(error) => {
                    let error = std::io::Error::other(error.to_string());
                    Box::new(std::iter::once(Err(demarc_report::Error::Io(error))))
                }
            }
        };
        let write = |format, out: &mut dyn std::io::Write| {
            demarc_report::write(format, &head, &mut findings(), out)
        };
        let worst = || {
            let mut worst = Worst::<WORST>::default();
            findings().try_for_each(|finding| finding.map(|finding| worst.push(&finding)))?;
            Ok(worst.into_vec())
        };
        outputs.write_files(write)?;
        outputs.show(&head, write, worst, quiet || !self.output.is_empty())?;
        Ok(Outcome::Clean)
    }
}
