//! Findings on disk between judging and writing: memory holds the accounts in flight, not all.
//!
//! One account is a file of findings, as JSON reports hold them, in the order in which its checks
//! were judged; at its end stands which part belongs to which check. A checkpoint has a second
//! file, the account's figures, which is put under its name last, so that an account is either
//! whole or absent after a crash.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
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
    temporary: Option<tempfile::TempDir>,
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
/// What the files of an account end in.
const FINDINGS: &str = ".findings";
const TOTALS: &str = ".totals.json";
/// What the files begin with that are not whole yet.
const UNFINISHED: &str = ".demarc-";

impl Spool {
    pub(crate) fn temporary() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("demarc-")
            .tempdir()
            .context("cannot make a temporary directory")?;
        Ok(Self { directory: directory.path().to_owned(), temporary: Some(directory) })
    }

    /// Opens a checkpoint, or begins one; returns the manifest in force.
    pub(crate) fn checkpoint(
        directory: &Path,
        manifest: Manifest,
    ) -> anyhow::Result<(Self, Manifest)> {
        let shown = directory.display();
        create_private(directory).with_context(|| format!("cannot make checkpoint \"{shown}\""))?;
        let path = directory.join(MANIFEST);
        let spool = Self { directory: directory.to_owned(), temporary: None };
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
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if !is_ours(&entry.file_name()) {
                bail!(
                    "checkpoint \"{shown}\" is not empty and was not made by demarc; name a directory of its own"
                );
            }
            // Of a run that was killed before it had begun, or after it had ended.
            remove(&entry.path())?;
        }
        write_whole(&path, serde_json::to_string(&manifest)?.as_bytes())?;
        Ok((spool, manifest))
    }

    fn findings_path(&self, account: &str) -> PathBuf {
        self.directory.join(format!("{account}{FINDINGS}"))
    }

    fn totals_path(&self, account: &str) -> PathBuf {
        self.directory.join(format!("{account}{TOTALS}"))
    }

    /// The figures of an account that an earlier run has finished.
    pub(crate) fn finished(&self, account: &str) -> anyhow::Result<Option<Totals>> {
        if self.is_temporary() || !self.findings_path(account).exists() {
            return Ok(None);
        }
        let path = self.totals_path(account);
        match fs::read(&path) {
            Ok(bytes) => {
                let totals = serde_json::from_slice(&bytes).with_context(|| {
                    format!("checkpoint file \"{}\" is damaged", path.display())
                })?;
                Ok(Some(totals))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read \"{}\"", path.display())),
        }
    }

    fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Removes a checkpoint whose report is written: the next scan must not find this one's
    /// answers. Only what demarc put there goes.
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        if self.is_temporary() {
            return Ok(());
        }
        // The manifest first: without it the rest is never taken for a run's.
        remove(&self.directory.join(MANIFEST))?;
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if is_ours(&entry.file_name()) {
                remove(&entry.path())?;
            }
        }
        // Other files may stand there.
        let _ = fs::remove_dir(&self.directory);
        Ok(())
    }

    /// Removes what an earlier run left of an account that it did not finish.
    pub(crate) fn discard(&self, account: &str) -> anyhow::Result<()> {
        remove(&self.findings_path(account))
    }

    pub(crate) fn begin(&self, account: &str) -> anyhow::Result<Writer> {
        let path = self.findings_path(account);
        let file =
            create_file(&path).with_context(|| format!("cannot write \"{}\"", path.display()))?;
        let totals = (!self.is_temporary()).then(|| self.totals_path(account));
        Ok(Writer { out: Mutex::new(Out { file, parts: Vec::new() }), totals })
    }

    /// The findings of these accounts, in this order, as [`demarc_report::write_lines`] takes
    /// them.
    pub(crate) fn lines(&self, accounts: Vec<String>) -> impl BufRead + use<'_> {
        let lines = Lines { spool: self, accounts: accounts.into_iter(), open: None, left: 0 };
        BufReader::with_capacity(COPIED_AT_ONCE, lines)
    }

    /// The findings of these accounts, in this order.
    pub(crate) fn findings(
        &self,
        accounts: Vec<String>,
    ) -> impl Iterator<Item = Result<Finding, Error>> + use<'_> {
        demarc_report::read_lines(self.lines(accounts))
    }

    /// An account's file, and the parts of it in the report's order: where each begins, and its
    /// length. `None` for an account that could not be read: it has no findings.
    fn open(&self, account: &str) -> io::Result<Option<Open>> {
        let mut file = match File::open(self.findings_path(account)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut length = [0; 8];
        file.seek(SeekFrom::End(-8))?;
        file.read_exact(&mut length)?;
        let length = i64::try_from(u64::from_le_bytes(length)).map_err(io::Error::other)?;
        file.seek(SeekFrom::End(-8 - length))?;
        let mut index = Vec::new();
        (&mut file).take(length.unsigned_abs()).read_to_end(&mut index)?;
        let index: Vec<Part> = serde_json::from_slice(&index)?;
        let mut at = 0;
        let mut parts: Vec<_> = index
            .into_iter()
            .map(|(check, length)| {
                at += length;
                (check, at - length, length)
            })
            .collect();
        parts.sort_by_key(|(check, ..)| *check);
        Ok(Some(Open { file, parts: parts.into_iter() }))
    }
}

/// Bytes that are read and written at once when findings are copied.
const COPIED_AT_ONCE: usize = 256 * 1024;

/// Position of a check in the scan's order, and the length of some of its findings.
type Part = (usize, u64);

struct Open {
    file: File,
    parts: std::vec::IntoIter<(usize, u64, u64)>,
}

/// The findings of many accounts as one text.
struct Lines<'a> {
    spool: &'a Spool,
    accounts: std::vec::IntoIter<String>,
    open: Option<Open>,
    /// Of the part that is being read.
    left: u64,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(account) = self.accounts.next() else { return Ok(0) };
                self.open = self.spool.open(&account)?;
                continue;
            };
            if self.left > 0 {
                let number = (&mut open.file).take(self.left).read(buffer)?;
                if number == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.left -= number as u64;
                return Ok(number);
            }
            match open.parts.next() {
                Some((_, at, length)) => {
                    open.file.seek(SeekFrom::Start(at))?;
                    self.left = length;
                }
                None => self.open = None,
            }
        }
    }
}

/// One account on its way to the spool.
pub(crate) struct Writer {
    out: Mutex<Out>,
    /// Where the account's figures go, in a checkpoint.
    totals: Option<PathBuf>,
}

struct Out {
    file: File,
    parts: Vec<Part>,
}

impl Writer {
    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().expect("no holder of the spool panics")
    }

    /// Adds findings of one check, the `check`-th of the scan.
    pub(crate) fn add(&self, check: usize, lines: &[u8]) -> io::Result<()> {
        let mut out = self.out();
        out.file.write_all(lines)?;
        match out.parts.last_mut() {
            Some((last, length)) if *last == check => *length += lines.len() as u64,
            _ => out.parts.push((check, lines.len() as u64)),
        }
        Ok(())
    }

    /// Keeps the findings of an account that was cut short for this run's report alone.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        self.index()
    }

    fn index(&self) -> anyhow::Result<()> {
        let mut out = self.out();
        let mut index = serde_json::to_vec(&out.parts)?;
        index.extend((index.len() as u64).to_le_bytes());
        Ok(out.file.write_all(&index)?)
    }

    /// From here on the account counts as finished.
    pub(crate) fn finish(self, totals: &Totals) -> anyhow::Result<()> {
        self.index()?;
        let Some(path) = &self.totals else { return Ok(()) };
        self.out().file.sync_data()?;
        write_whole(path, &serde_json::to_vec(totals)?)
    }
}

/// Whether a file of a checkpoint is one that demarc makes.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let of_account = name.strip_suffix(FINDINGS).or_else(|| name.strip_suffix(TOTALS));
    name.starts_with(UNFINISHED)
        || of_account.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove \"{}\"", path.display()))
        }
        _ => Ok(()),
    }
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn create_file(path: &Path) -> io::Result<File> {
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
        .prefix(UNFINISHED)
        .tempfile_in(directory)
        .with_context(|| format!("cannot write \"{shown}\""))?;
    let mut out = BufWriter::with_capacity(COPIED_AT_ONCE, file.as_file());
    write(&mut out).with_context(|| format!("cannot write \"{shown}\""))?;
    out.flush().with_context(|| format!("cannot write \"{shown}\""))?;
    drop(out);
    file.as_file().sync_data().with_context(|| format!("cannot write \"{shown}\""))?;
    file.persist(path).with_context(|| format!("cannot write \"{shown}\""))?;
    Ok(())
}
