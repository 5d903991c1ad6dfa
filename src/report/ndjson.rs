//! One finding a line.

use std::io::Write;

use crate::{Error, Stream};

pub(crate) fn write(findings: &mut Stream<'_>, out: &mut dyn Write) -> Result<(), Error> {
    for finding in findings {
        serde_json::to_writer(&mut *out, &finding?).map_err(write_error)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What went wrong below the serializer; the report's own types always serialize.
pub(crate) fn write_error(error: serde_json::Error) -> Error {
    if error.is_io() { Error::Io(error.into()) } else { Error::Json(error) }
}
