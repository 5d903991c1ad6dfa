//! The report itself: what precedes the findings first, then one finding a line, so that two
//! reports of one account diff line by line.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Deserializer, Serializer, ser::Formatter};

use crate::{
    Error, Finding, Head, Report, SCHEMA_VERSION, Stream, Tool, lines, ndjson::write_error,
};

pub(crate) fn write(
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    open(head, out)?;
    let mut any = false;
    for finding in findings {
        let finding = finding?;
        out.write_all(if any { b",\n    " } else { b"\n    " })?;
        serde_json::to_writer(&mut *out, &finding).map_err(write_error)?;
        any = true;
    }
    close(any, out)
}

/// [`write`] for findings that [`crate::write_line`] wrote.
pub(crate) fn copy(head: &Head, findings: impl BufRead, out: &mut dyn Write) -> Result<(), Error> {
    open(head, out)?;
    let any = lines::copy(findings, out)?;
    close(any, out)
}

fn open(head: &Head, out: &mut dyn Write) -> Result<(), Error> {
    let mut text = Vec::new();
    head.serialize(&mut Serializer::with_formatter(&mut text, Outline::default()))?;
    // The findings follow as the object's last field.
    let open = text.strip_suffix(b"\n}").unwrap_or(&text);
    out.write_all(open)?;
    Ok(out.write_all(b",\n  \"findings\": [")?)
}

fn close(any: bool, out: &mut dyn Write) -> Result<(), Error> {
    Ok(out.write_all(if any { b"\n  ]\n}\n" } else { b"]\n}\n" })?)
}

/// Indents the outer levels and keeps what is deeper on one line.
#[derive(Default)]
struct Outline {
    depth: usize,
    has_value: bool,
}

impl Outline {
    const LEVELS: usize = 3;

    fn open<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        out.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        let broken = self.has_value && self.depth <= Self::LEVELS;
        self.depth -= 1;
        if broken {
            self.line(out)?;
        }
        out.write_all(bracket)
    }

    fn item<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        match self.depth <= Self::LEVELS {
            true => self.line(out),
            false if first => Ok(()),
            false => out.write_all(b" "),
        }
    }

    fn line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Outline {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _out: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _out: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

/// Reads a whole report into memory; [`Reader`] does the same one finding at a time.
pub fn read_json(input: impl Read) -> Result<Report, Error> {
    let mut reader = Reader::new(input)?;
    let findings = reader.by_ref().collect::<Result<_, _>>()?;
    Ok(Report { head: reader.into_head(), findings })
}

/// A report being read: its head at once, its findings as they are asked for. Memory stays flat
/// however many there are, as long as the head stands first, as demarc writes it; a report whose
/// fields another tool has reordered is read too, but held.
pub struct Reader<R: Read> {
    head: Head,
    source: Source<R>,
    findings: Findings,
    seen: u64,
}

enum Findings {
    /// The source stands before a finding or the end of their list.
    Ahead {
        first: bool,
    },
    Held(std::vec::IntoIter<Finding>),
    Ended,
}

/// The head, field by field.
#[derive(Default)]
struct Parts {
    schema_version: Option<String>,
    tool: Option<Tool>,
    scan: Option<crate::Scan>,
    accounts: Option<Vec<crate::AccountRow>>,
    summary: Option<crate::Summary>,
    coverage: Option<crate::Coverage>,
    matrix: Option<Vec<crate::MatrixRow>>,
    control_types: Vec<crate::ControlTypeRow>,
    inherited: Vec<crate::InheritedRow>,
    suppressions: Vec<crate::SuppressionNote>,
    carried: Vec<crate::Carried>,
}

impl Parts {
    fn is_complete(&self) -> bool {
        self.missing().is_none()
    }

    fn missing(&self) -> Option<&'static str> {
        [
            ("schema_version", self.schema_version.is_none()),
            ("tool", self.tool.is_none()),
            ("scan", self.scan.is_none()),
            ("accounts", self.accounts.is_none()),
            ("summary", self.summary.is_none()),
            ("coverage", self.coverage.is_none()),
            ("matrix", self.matrix.is_none()),
        ]
        .into_iter()
        .find_map(|(name, missing)| missing.then_some(name))
    }

    fn into_head(self) -> Result<Head, Error> {
        let missing = self.missing().unwrap_or_default();
        let (Some(schema_version), Some(tool), Some(scan)) =
            (self.schema_version, self.tool, self.scan)
        else {
            return Err(Error::Foreign(format!("it has no \"{missing}\"")));
        };
        let (Some(accounts), Some(summary), Some(coverage), Some(matrix)) =
            (self.accounts, self.summary, self.coverage, self.matrix)
        else {
            return Err(Error::Foreign(format!("it has no \"{missing}\"")));
        };
        Ok(Head {
            schema_version,
            tool,
            scan,
            accounts,
            summary,
            coverage,
            matrix,
            control_types: self.control_types,
            inherited: self.inherited,
            suppressions: self.suppressions,
            carried: self.carried,
        })
    }
}

impl<R: Read> Reader<R> {
    pub fn new(input: R) -> Result<Self, Error> {
        let mut source = Source::new(input);
        match source.next_token()? {
            Some(b'{') => {}
            Some(_) => return Err(Error::Foreign("it is not a JSON object".to_owned())),
            None => return Err(Error::Foreign("it is empty".to_owned())),
        }
        let mut parts = Parts::default();
        let mut buffered = None;
        let mut first = true;
        loop {
            match source.next_token()? {
                Some(b'}') => break,
                Some(b',') if !first => source.expect(b'"')?,
                Some(b'"') if first => {}
                other => return Err(source.unexpected(other, "a field")),
            }
            first = false;
            source.unread(b'"');
            let key: String = source.value()?;
            source.expect(b':')?;
            match key.as_str() {
                "schema_version" => {
                    let found: String = source.value()?;
                    check_version(&found)?;
                    parts.schema_version = Some(found);
                }
                "tool" => parts.tool = Some(source.value()?),
                "scan" => parts.scan = Some(source.value()?),
                "accounts" => parts.accounts = Some(source.value()?),
                "summary" => parts.summary = Some(source.value()?),
                "coverage" => parts.coverage = Some(source.value()?),
                "matrix" => parts.matrix = Some(source.value()?),
                "control_types" => parts.control_types = source.value()?,
                "inherited" => parts.inherited = source.value()?,
                "suppressions" => parts.suppressions = source.value()?,
                "carried" => parts.carried = source.value()?,
                "findings" if parts.is_complete() => {
                    source.expect(b'[')?;
                    let findings = Findings::Ahead { first: true };
                    return Ok(Self { head: parts.into_head()?, source, findings, seen: 0 });
                }
                "findings" => buffered = Some(source.value::<Vec<Finding>>()?),
                _ => {
                    source.value::<IgnoredAny>()?;
                }
            }
        }
        source.expect_end()?;
        let head = parts.into_head()?;
        let Some(buffered) = buffered else {
            return Err(Error::Foreign("it has no \"findings\"".to_owned()));
        };
        Ok(Self { head, source, findings: Findings::Held(buffered.into_iter()), seen: 0 })
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    pub fn into_head(self) -> Head {
        self.head
    }

    fn ahead(&mut self, first: bool) -> Result<Option<Finding>, Error> {
        match self.source.next_token()? {
            Some(b']') => {
                self.tail()?;
                return Ok(None);
            }
            Some(b',') if !first => {}
            Some(b'{') if first => self.source.unread(b'{'),
            other => return Err(self.source.unexpected(other, "a finding")),
        }
        match self.source.value_on_a_line()? {
            Some(finding) => Ok(Some(finding)),
            None => self.source.value().map(Some),
        }
    }

    /// What follows the findings: fields of a newer minor version, and the end.
    fn tail(&mut self) -> Result<(), Error> {
        loop {
            match self.source.next_token()? {
                Some(b'}') => return self.source.expect_end(),
                Some(b',') => {}
                other => return Err(self.source.unexpected(other, "the end of the report")),
            }
            self.source.value::<String>()?;
            self.source.expect(b':')?;
            self.source.value::<IgnoredAny>()?;
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Finding, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = match &mut self.findings {
            Findings::Held(findings) => return findings.next().map(Ok),
            Findings::Ended => return None,
            Findings::Ahead { first } => std::mem::replace(first, false),
        };
        match self.ahead(first) {
            Ok(Some(finding)) => {
                self.seen += 1;
                Some(Ok(finding))
            }
            Ok(None) => {
                self.findings = Findings::Ended;
                None
            }
            Err(error) => {
                self.findings = Findings::Ended;
                Some(Err(match error {
                    Error::Truncated(_) => Error::Truncated(format!(
                        "it breaks off after {}",
                        crate::text::count(self.seen, "finding")
                    )),
                    error => error,
                }))
            }
        }
    }
}

/// Readers understand every minor version of their own major one.
fn check_version(found: &str) -> Result<(), Error> {
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(found) == major(SCHEMA_VERSION) {
        Ok(())
    } else {
        Err(Error::Schema { found: found.to_owned() })
    }
}

/// The input, byte by byte, with one byte that can be put back: serde_json reads one value and
/// leaves the rest, but has to look one byte past a number to know where it ends.
struct Source<R: Read> {
    input: BufReader<R>,
    put_back: Option<u8>,
    last: Option<u8>,
    at: u64,
    in_lines: bool,
}

const BUFFER: usize = 1 << 16;

impl<R: Read> Source<R> {
    fn new(input: R) -> Self {
        let input = BufReader::with_capacity(BUFFER, input);
        Self { input, put_back: None, last: None, at: 0, in_lines: true }
    }

    fn byte(&mut self) -> Result<Option<u8>, Error> {
        let mut byte = [0];
        Ok((self.read(&mut byte)? == 1).then_some(byte[0]))
    }

    fn unread(&mut self, byte: u8) {
        self.put_back = Some(byte);
        self.at -= 1;
    }

    /// The next byte that is not white space.
    fn next_token(&mut self) -> Result<Option<u8>, Error> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\n' | b'\r' | b'\t') => {}
                byte => return Ok(byte),
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Error> {
        match self.next_token()? {
            Some(byte) if byte == wanted => Ok(()),
            other => Err(self.unexpected(other, &format!("\"{}\"", wanted as char))),
        }
    }

    fn expect_end(&mut self) -> Result<(), Error> {
        match self.next_token()? {
            None => Ok(()),
            other => Err(self.unexpected(other, "nothing more")),
        }
    }

    fn unexpected(&self, found: Option<u8>, wanted: &str) -> Error {
        match found {
            None => Error::Truncated(format!("it breaks off after {} bytes", self.at)),
            Some(byte) => Error::Foreign(format!(
                "expected {wanted} at byte {}, found \"{}\"",
                self.at,
                (byte as char).escape_default()
            )),
        }
    }

    /// One value, if it stands alone on a line that is in the buffer, as demarc writes
    /// findings: a slice is parsed several times as fast as single bytes. Nothing is taken
    /// otherwise.
    fn value_on_a_line<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        if self.put_back.is_some() || !self.in_lines {
            return Ok(None);
        }
        let buffer = self.input.fill_buf()?;
        let start = buffer.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
        let rest = &buffer[start..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            // Without lines, looking for one each time would cost more than it saves.
            self.in_lines = rest.len() < BUFFER / 2;
            return Ok(None);
        };
        let line = rest[..end].trim_ascii_end();
        let line = line.strip_suffix(b",").unwrap_or(line);
        let Ok(value) = serde_json::from_slice(line) else {
            return Ok(None);
        };
        let taken = start + line.len();
        self.input.consume(taken);
        self.at += taken as u64;
        Ok(Some(value))
    }

    /// One JSON value.
    fn value<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, Error> {
        let Some(start) = self.next_token()? else {
            return Err(self.unexpected(None, "a value"));
        };
        self.unread(start);
        let value = T::deserialize(&mut Deserializer::from_reader(&mut *self));
        let value = value.map_err(|error| match error.classify() {
            serde_json::error::Category::Eof => self.unexpected(None, "a value"),
            serde_json::error::Category::Io => Error::Io(error.into()),
            _ => Error::Json(error),
        })?;
        // A number is known to end only by the byte that follows it.
        if (start == b'-' || start.is_ascii_digit())
            && let Some(last) = self.last
            && !last.is_ascii_digit()
        {
            self.unread(last);
        }
        Ok(value)
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(slot) = buffer.first_mut() else {
            return Ok(0);
        };
        if let Some(byte) = self.put_back.take() {
            *slot = byte;
        } else if self.input.read(std::slice::from_mut(slot))? == 0 {
            self.last = None;
            return Ok(0);
        }
        self.last = Some(*slot);
        self.at += 1;
        Ok(1)
    }
}
