//! A recording: every exchange of a scan in one file, secrets removed.
//!
//! The file is gzip of lines of JSON: one line an exchange, then the header (parts of which are
//! known last), then a footer that counts the exchanges, so that a truncated file is told from a
//! whole one.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, atomic::AtomicUsize},
};

use demarc_model::time::Timestamp;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

/// Version of the file format.
pub const VERSION: u32 = 1;

/// What a recording is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`] of the demarc that wrote it; also tells the file from any other.
    pub demarc_recording: u32,
    /// Version of the demarc that wrote it.
    pub tool: String,
    pub taken_at: Timestamp,
    pub targets: Vec<Target>,
}

/// One account that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub account: String,
    pub partition: String,
    pub caller: String,
    /// The regions that were scanned, in order of their names.
    pub regions: Vec<String>,
    /// Whether the user chose them, so that AWS was not asked which are enabled.
    pub chosen: bool,
    /// Where global services were asked.
    pub home_region: String,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub account: String,
    pub region: String,
    pub service: String,
    pub operation: String,
    /// `METHOD /path?query`, S3 buckets in the path, no host.
    pub request: String,
    /// The request's body, where it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    pub answer: Answer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Http {
        status: u16,
        /// Those that carry meaning: the error type, the pause asked for, the bucket's region.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: String,
    },
    /// No answer came; what the network said.
    Lost(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    exchanges: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open recording \"{}\": {source}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("cannot write recording \"{}\": {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("\"{}\" is not a recording made by demarc: {what}", path.display())]
    Foreign { path: PathBuf, what: String },
    #[error("recording \"{}\" is version {found}; this demarc reads version {VERSION}", path.display())]
    Version { path: PathBuf, found: u32 },
    #[error("recording \"{}\" is truncated: {what}; record the account again", path.display())]
    Truncated { path: PathBuf, what: String },
}

/// Writes a recording; nothing stands under the file's name before [`Recorder::finish`].
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    temporary: PathBuf,
    /// `None` once finished.
    writer: Mutex<Option<Writer>>,
}

#[derive(Debug)]
struct Writer {
    out: GzEncoder<BufWriter<File>>,
    exchanges: usize,
    /// The first failure to write; reported by [`Recorder::finish`].
    failed: Option<std::io::Error>,
}

impl Writer {
    fn line(&mut self, value: &impl Serialize) {
        if self.failed.is_some() {
            return;
        }
        let line = serde_json::to_writer(&mut self.out, value).map_err(std::io::Error::from);
        if let Err(error) = line.and_then(|()| self.out.write_all(b"\n")) {
            self.failed = Some(error);
        }
    }
}

impl Recorder {
    pub fn create(path: &Path) -> Result<Self, Error> {
        let temporary = {
            let mut name = path.as_os_str().to_owned();
            name.push(".partial");
            PathBuf::from(name)
        };
        // What an interrupted scan left behind may be open to others, or lead elsewhere.
        match std::fs::remove_file(&temporary) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Write { path: temporary, source });
            }
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&temporary)
            .map_err(|source| Error::Write { path: temporary.clone(), source })?;
        let out = GzEncoder::new(BufWriter::new(file), Compression::default());
        let writer = Mutex::new(Some(Writer { out, exchanges: 0, failed: None }));
        Ok(Self { path: path.to_owned(), temporary, writer })
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().expect("no holder of the writer panics")
    }

    /// Adds one exchange; a failure to write is reported by [`Recorder::finish`].
    pub fn add(&self, exchange: &Exchange) {
        if let Some(writer) = self.writer().as_mut() {
            writer.line(exchange);
            writer.exchanges += 1;
        }
    }

    /// Completes the file and puts it under its name.
    pub fn finish(&self, header: &Header) -> Result<(), Error> {
        let fail = |source| Error::Write { path: self.path.clone(), source };
        let writer = self.writer().take();
        let Some(mut writer) = writer else { return Ok(()) };
        writer.line(header);
        let footer = Footer { exchanges: writer.exchanges };
        writer.line(&footer);
        if let Some(error) = writer.failed {
            return Err(fail(error));
        }
        let file = writer.out.finish().map_err(fail)?;
        let file = file.into_inner().map_err(|error| fail(error.into_error()))?;
        file.sync_all().map_err(fail)?;
        std::fs::rename(&self.temporary, &self.path).map_err(fail)
    }
}

impl Drop for Recorder {
    /// A recording that was not finished is no recording.
    fn drop(&mut self) {
        let unfinished = self.writer.get_mut().is_ok_and(|writer| writer.is_some());
        if unfinished {
            // Nothing is lost when it is gone already.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// A recording, ready to answer.
#[derive(Debug)]
pub struct Recording {
    pub header: Header,
    answers: HashMap<Key, Answers>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    account: String,
    region: String,
    service: String,
    operation: String,
    request: String,
    body: String,
}

/// Answers to one request, in the order they came; the last one stays.
#[derive(Debug, Default)]
struct Answers {
    answers: Vec<Answer>,
    next: AtomicUsize,
}

impl Recording {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let fail = |source| Error::Open { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(fail)?;
        Self::parse(&bytes, path)
    }

    /// Reads a recording from memory; `path` is for messages.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let mut header = None;
        let mut answers: HashMap<Key, Answers> = HashMap::new();
        for exchange in exchanges(bytes, path, &mut header)? {
            let key = Key {
                account: exchange.account,
                region: exchange.region,
                service: exchange.service,
                operation: exchange.operation,
                request: exchange.request,
                body: exchange.body,
            };
            answers.entry(key).or_default().answers.push(exchange.answer);
        }
        match header {
            Some(header) => Ok(Self { header, answers }),
            None => Err(Error::Truncated {
                path: path.to_owned(),
                what: "its end is missing".to_owned(),
            }),
        }
    }

    /// The next answer to a request; `answer` is ignored in the question.
    pub(crate) fn answer(&self, question: Exchange) -> Option<&Answer> {
        let key = Key {
            account: question.account,
            region: question.region,
            service: question.service,
            operation: question.operation,
            request: question.request,
            body: question.body,
        };
        let answers = self.answers.get(&key)?;
        let at = answers.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        answers.answers.get(at).or_else(|| answers.answers.last())
    }
}

/// Every exchange of a recording held in `bytes`, in the order they were made.
pub fn exchanges(
    bytes: &[u8],
    path: &Path,
    header: &mut Option<Header>,
) -> Result<Vec<Exchange>, Error> {
    let foreign = |what: &str| Error::Foreign { path: path.to_owned(), what: what.to_owned() };
    let truncated = |what: &str| Error::Truncated { path: path.to_owned(), what: what.to_owned() };
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(foreign("it is not gzip data"));
    }
    let mut exchanges = Vec::new();
    let mut footer = None;
    let mut is_foreign = false;
    let mut reader = BufReader::new(GzDecoder::new(bytes));
    let mut line = String::new();
    loop {
        line.clear();
        match reader.read_line(&mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(foreign("it holds no text"));
            }
            Err(_) => return Err(truncated("the compressed data ends too early")),
        }
        if let Ok(exchange) = serde_json::from_str::<Exchange>(&line) {
            exchanges.push(exchange);
        } else if let Ok(found) = serde_json::from_str::<Header>(&line) {
            if found.demarc_recording != VERSION {
                let found = found.demarc_recording;
                return Err(Error::Version { path: path.to_owned(), found });
            }
            *header = Some(found);
        } else if let Ok(found) = serde_json::from_str::<Footer>(&line) {
            footer = Some(found);
        } else {
            // Another version's exchanges may look otherwise; the header, which says so, is last.
            is_foreign = true;
        }
    }
    if is_foreign {
        return Err(foreign("it holds a line that is no exchange"));
    }
    match (&header, footer) {
        (Some(_), Some(footer)) if footer.exchanges == exchanges.len() => Ok(exchanges),
        (Some(_), Some(_)) => Err(truncated("exchanges are missing")),
        _ if exchanges.is_empty() => Err(foreign("it holds no exchange")),
        _ => Err(truncated("its end is missing")),
    }
}

/// Elements of XML answers and members of JSON answers whose content is secret.
const SECRET: &[&str] =
    &["userData", "UserData", "SecretAccessKey", "SessionToken", "MasterUserPassword"];

/// The text with every secret's content replaced.
pub(crate) fn redact(text: &str) -> String {
    let mut text = text.to_owned();
    for name in SECRET {
        for (open, close) in [
            (format!("<{name}>"), format!("</{name}>")),
            (format!("\"{name}\":\""), "\"".to_owned()),
        ] {
            let mut from = 0;
            while let Some(at) = text[from..].find(&open) {
                let start = from + at + open.len();
                let Some(length) = text[start..].find(&close) else { break };
                text.replace_range(start..start + length, "");
                from = start + close.len();
            }
        }
    }
    text
}

/// Reads the whole of a compressed recording's text, for tests and tools.
pub fn text(bytes: &[u8]) -> std::io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::*;

    fn exchange(body: &str) -> Exchange {
        Exchange {
            account: "123456789012".to_owned(),
            region: "eu-central-1".to_owned(),
            service: "S3".to_owned(),
            operation: "ListBuckets".to_owned(),
            request: "GET /?max-buckets=1000".to_owned(),
            body: String::new(),
            answer: Answer::Http { status: 200, headers: BTreeMap::new(), body: body.to_owned() },
        }
    }

    fn header() -> Header {
        Header {
            demarc_recording: VERSION,
            tool: "0.0.0".to_owned(),
            taken_at: Timestamp(1_795_305_600),
            targets: Vec::new(),
        }
    }

    fn recorded(directory: &Path, exchanges: &[Exchange]) -> PathBuf {
        let path = directory.join("account.demarc");
        let recorder = Recorder::create(&path).unwrap();
        for exchange in exchanges {
            recorder.add(exchange);
        }
        assert!(!path.exists(), "nothing stands under the name before the end");
        recorder.finish(&header()).unwrap();
        path
    }

    #[test]
    fn answers_come_back_in_order_and_the_last_one_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = recorded(directory.path(), &[exchange("first"), exchange("second")]);
        let recording = Recording::open(&path).unwrap();
        let body = || match recording.answer(exchange("")) {
            Some(Answer::Http { body, .. }) => body.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!([body(), body(), body()], ["first", "second", "second"]);
        assert!(recording.answer(Exchange { region: String::new(), ..exchange("") }).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_recording_is_nobody_elses_business() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = recorded(directory.path(), &[exchange("x")]);
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn truncated_foreign_and_newer_files_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = recorded(directory.path(), &[exchange(&"x".repeat(10_000))]);
        let bytes = std::fs::read(&path).unwrap();
        let error = |bytes: &[u8]| Recording::parse(bytes, Path::new("f")).unwrap_err();
        assert!(matches!(error(&bytes[..bytes.len() / 2]), Error::Truncated { .. }));
        assert!(matches!(error(b"PK.."), Error::Foreign { .. }));
        let newer = Recorder::create(&path).unwrap();
        newer.add(&exchange("x"));
        newer.finish(&Header { demarc_recording: 2, ..header() }).unwrap();
        assert!(matches!(Recording::open(&path).unwrap_err(), Error::Version { found: 2, .. }));
    }

    #[test]
    fn secrets_do_not_reach_the_file() {
        assert_eq!(
            redact("<a><userData>c2VjcmV0</userData>b</a>"),
            "<a><userData></userData>b</a>"
        );
        assert_eq!(redact(r#"{"SessionToken":"abc","x":"y"}"#), r#"{"SessionToken":"","x":"y"}"#);
        assert_eq!(redact("nothing <userData> closed"), "nothing <userData> closed");
    }
}
