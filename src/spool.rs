//! Findings on disk between judging and writing: memory holds the accounts in flight, not all.
//!
//! One account is two files: its findings, a line each, and its figures. The figures are put
//! under their name last, so that an account is either whole or absent after a crash.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use demarc_report::{Error, Finding};
use serde::{Deserialize, Serialize};

use crate::totals::Totals;

/// A directory of finished accounts.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
    /// Deletes the directory at the end, unless the user named it.
    _temporary: Option<tempfile::TempDir>,
}

/// What a checkpoint belongs to: a run with other arguments must not continue it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) version: String,
    pub(crate) arguments: Vec<String>,
    /// When the run first began: its continuation reports the same moment.
    pub(crate) taken_at: demarc_model::time::Timestamp,
}

const MANIFEST: &str = "demarc-checkpoint.json";

impl Spool {
    pub(crate) fn temporary() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("demarc-")
            .tempdir()
            .context("cannot make a temporary directory")?;
        Ok(Self { directory: directory.path().to_owned(), _temporary: Some(directory) })
    }

    /// Opens a checkpoint, or begins one; returns the manifest in force.
    pub(crate) fn checkpoint(
        directory: &Path,
        manifest: Manifest,
    ) -> anyhow::Result<(Self, Manifest)> {
        let shown = directory.display();
        create_private(directory).with_context(|| format!("cannot make checkpoint \"{shown}\""))?;
        let path = directory.join(MANIFEST);
        let spool = Self { directory: directory.to_owned(), _temporary: None };
        if path.exists() {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read checkpoint \"{shown}\""))?;
            let known: Manifest = serde_json::from_str(&text)
                .with_context(|| format!("checkpoint \"{shown}\" is damaged; remove it"))?;
            if known.version != manifest.version || known.arguments != manifest.arguments {
                bail!(
                    "checkpoint \"{shown}\" belongs to a scan with other arguments or another version; remove it or name another directory"
                );
            }
            return Ok((spool, known));
        }
        if fs::read_dir(directory)?.next().is_some() {
            bail!("checkpoint \"{shown}\" is not empty and was not made by demarc");
        }
        write_whole(&path, serde_json::to_string(&manifest)?.as_bytes())?;
        Ok((spool, manifest))
    }

    fn findings_path(&self, account: &str) -> PathBuf {
        self.directory.join(format!("{account}.findings.ndjson"))
    }

    fn totals_path(&self, account: &str) -> PathBuf {
        self.directory.join(format!("{account}.totals.json"))
    }

    /// The figures of an account that is finished already.
    pub(crate) fn finished(&self, account: &str) -> anyhow::Result<Option<Totals>> {
        let path = self.totals_path(account);
        match fs::read(&path) {
            Ok(bytes) => {
                let totals = serde_json::from_slice(&bytes).with_context(|| {
                    format!("checkpoint file \"{}\" is damaged", path.display())
                })?;
                Ok(Some(totals))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read \"{}\"", path.display())),
        }
    }

    /// Removes what an earlier run left of an account that it did not finish.
    pub(crate) fn discard(&self, account: &str) -> anyhow::Result<()> {
        let path = self.findings_path(account);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove \"{}\"", path.display()))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn begin(&self, account: &str) -> anyhow::Result<Writer> {
        let path = self.findings_path(account);
        let file =
            create_file(&path).with_context(|| format!("cannot write \"{}\"", path.display()))?;
        Ok(Writer { out: BufWriter::new(file), totals: self.totals_path(account) })
    }

    /// The findings of these accounts, in this order.
    pub(crate) fn findings(
        &self,
        accounts: Vec<String>,
    ) -> impl Iterator<Item = Result<Finding, Error>> + use<'_> {
        accounts.into_iter().flat_map(|account| {
            let path = self.findings_path(&account);
            let lines: Box<dyn Iterator<Item = Result<Finding, Error>>> = match File::open(path) {
                Ok(file) => Box::new(
                    BufReader::new(file)
                        .split(b'\n')
                        .map(|line| Ok(serde_json::from_slice(&line?)?)),
                ),
                // An account that could not be read has no findings.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Box::new(std::iter::empty())
                }
                Err(error) => Box::new(std::iter::once(Err(Error::Io(error)))),
            };
            lines
        })
    }
}

/// One account on its way to the spool.
pub(crate) struct Writer {
    out: BufWriter<File>,
    totals: PathBuf,
}

impl Writer {
    pub(crate) fn add(&mut self, finding: &Finding) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.out, finding)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Keeps the findings of an account that was cut short for this run's report alone.
    pub(crate) fn flush(mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }

    /// From here on the account counts as finished.
    pub(crate) fn finish(mut self, totals: &Totals) -> anyhow::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_data()?;
        write_whole(&self.totals, &serde_json::to_vec(totals)?)
    }
}

fn create_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn create_file(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a file under a temporary name and renames it: readers see all of it or none.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_with(path, |out| Ok(out.write_all(bytes)?))
}

/// [`write_whole`] for what is written piece by piece.
pub(crate) fn write_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let shown = path.display();
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // tempfile creates with mode 0600: reports are nobody else's business.
    let file = tempfile::Builder::new()
        .prefix(".demarc-")
        .tempfile_in(directory)
        .with_context(|| format!("cannot write \"{shown}\""))?;
    let mut out = BufWriter::new(file.as_file());
    write(&mut out).with_context(|| format!("cannot write \"{shown}\""))?;
    out.flush().with_context(|| format!("cannot write \"{shown}\""))?;
    drop(out);
    file.as_file().sync_data().with_context(|| format!("cannot write \"{shown}\""))?;
    file.persist(path).with_context(|| format!("cannot write \"{shown}\""))?;
    Ok(())
}
