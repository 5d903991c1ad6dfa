//! The formats a report can be written in, and how a file's name tells which.

use std::{fmt, path::Path, str::FromStr};

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// The report itself; every other format is a view of it.
    Json,
    /// One finding a line.
    Ndjson,
    Csv,
    /// For a pull request or a ticket.
    Markdown,
    Junit,
    /// 2.1.0.
    Sarif,
    /// Compliance Findings (class 2003), one event a line.
    Ocsf,
    /// AWS Security Finding Format: one `BatchImportFindings` request a line.
    Asff,
    Html,
}

impl Format {
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Markdown,
        Self::Junit,
        Self::Sarif,
        Self::Ocsf,
        Self::Asff,
        Self::Html,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Ocsf => "ocsf",
            Self::Asff => "asff",
            Self::Html => "html",
        }
    }

    /// Endings of file names, without the first dot; the first is the usual one.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["json"],
            Self::Ndjson => &["ndjson", "jsonl"],
            Self::Csv => &["csv"],
            Self::Markdown => &["md", "markdown"],
            Self::Junit => &["xml", "junit.xml", "junit"],
            Self::Sarif => &["sarif", "sarif.json"],
            Self::Ocsf => &["ocsf.json", "ocsf.ndjson", "ocsf.jsonl", "ocsf"],
            Self::Asff => &["asff.json", "asff.ndjson", "asff.jsonl", "asff"],
            Self::Html => &["html", "htm"],
        }
    }

    /// The format that a file's name asks for; the longest ending wins, so that
    /// `report.ocsf.json` is not plain JSON.
    pub fn of_path(path: &Path) -> Result<Self, UnknownFormat> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let endings = Self::ALL.iter().flat_map(|format| {
            format.endings().iter().map(move |ending| (ending.len(), *format, *ending))
        });
        endings
            .filter(|(.., ending)| {
                name.strip_suffix(ending).is_some_and(|stem| stem.ends_with('.'))
            })
            .max_by_key(|(length, ..)| *length)
            .map(|(_, format, _)| format)
            .ok_or_else(|| UnknownFormat::Path(path.display().to_string()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// A format's id, or an ending of its file names.
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let wanted = text.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.id() == wanted || format.endings().contains(&wanted.as_str()))
            .ok_or_else(|| UnknownFormat::Name(text.to_owned()))
    }
}

/// A name or a path that stands for no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFormat {
    #[error("unknown format \"{0}\": known are {known}", known = ids())]
    Name(String),
    #[error(
        "cannot tell the format of \"{0}\" from its ending: known are {endings}; or name the \
         format ({known})",
        endings = usual_endings(),
        known = ids()
    )]
    Path(String),
}

fn ids() -> String {
    Format::ALL.map(Format::id).join(", ")
}

fn usual_endings() -> String {
    Format::ALL.map(|format| format!(".{}", format.endings()[0])).join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Format;

    #[test]
    fn the_longest_ending_tells_the_format() {
        let of = |name: &str| Format::of_path(Path::new(name)).ok();
        assert_eq!(of("out/report.json"), Some(Format::Json));
        assert_eq!(of("report.ocsf.json"), Some(Format::Ocsf));
        assert_eq!(of("report.ASFF.jsonl"), Some(Format::Asff));
        assert_eq!(of("report.sarif.json"), Some(Format::Sarif));
        assert_eq!(of("a.junit.xml"), Some(Format::Junit));
        assert_eq!(of("a.xml"), Some(Format::Junit));
        assert_eq!(of("json"), None);
        assert_eq!(of("json/report"), None);
        assert_eq!(of("report.pdf"), None);
    }

    #[test]
    fn every_id_and_ending_names_one_format() {
        for format in Format::ALL {
            assert_eq!(format.id().parse(), Ok(format));
            for ending in format.endings() {
                assert_eq!(ending.parse(), Ok(format));
                assert_eq!(Format::of_path(Path::new(&format!("x.{ending}"))), Ok(format));
            }
        }
    }

    #[test]
    #[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    fn an_unknown_name_is_told_what_is_known() {
        let name = "yaml".parse::<Format>().unwrap_err().to_string();
        assert!(name.starts_with("unknown format \"yaml\": known are json, ndjson,"), "{name}");
        let path = Format::of_path(Path::new("x.pdf")).unwrap_err().to_string();
        assert!(path.contains("\"x.pdf\"") && path.contains(".ocsf.json"), "{path}");
    }
}
