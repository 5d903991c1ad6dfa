//! Findings on their way through a file: the lines of a JSON report, before the rest of it is
//! known.

use std::io::{BufRead, Write};

use crate::{Error, Finding};

/// What stands before every finding; a report drops the comma of the first.
const SEPARATOR: &[u8] = b",\n    ";

/// Writes one finding as [`crate::write_lines`] takes it.
///
/// # Panics
/// Never: findings always serialize.
pub fn write_line(finding: &Finding, out: &mut Vec<u8>) {
    out.extend_from_slice(SEPARATOR);
    serde_json::to_writer(out, finding).expect("findings always serialize");
}

/// The JSON of each finding, without what stands around it.
fn each(lines: impl BufRead) -> impl Iterator<Item = Result<Vec<u8>, Error>> {
    lines.split(b'\n').filter_map(|line| {
        let mut line = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(error.into())),
        };
        if line.ends_with(b",") {
            line.pop();
        }
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        line.drain(..indent);
        (!line.is_empty()).then_some(Ok(line))
    })
}

/// The findings that [`write_line`] wrote.
pub fn read_lines(lines: impl BufRead) -> impl Iterator<Item = Result<Finding, Error>> {
    each(lines).map(|line| Ok(serde_json::from_slice(&line?)?))
}

/// One finding a line, with nothing around it.
pub(crate) fn copy_bare(lines: impl BufRead, out: &mut dyn Write) -> Result<(), Error> {
    for line in each(lines) {
        out.write_all(&line?)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// As they are, without the first comma; says whether there was any.
pub(crate) fn copy(mut lines: impl BufRead, out: &mut dyn Write) -> Result<bool, Error> {
    let mut any = false;
    loop {
        let bytes = lines.fill_buf()?;
        if bytes.is_empty() {
            return Ok(any);
        }
        out.write_all(if any { bytes } else { &bytes[1..] })?;
        any = true;
        let taken = bytes.len();
        lines.consume(taken);
    }
}
