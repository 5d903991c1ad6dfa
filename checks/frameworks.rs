//! Catalogues of published benchmarks, and crosswalks from other scanners' check ids.
//!
//! They lie beside the checks, not in them: a new catalogue edits no check. A catalogue names
//! every control of its version, and for each the checks that answer it, what they leave
//! unanswered, or both.

use std::{collections::BTreeMap, sync::LazyLock};

use demarc_model::Severity;
use serde::Deserialize;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
static SOURCES: &[&str] = &[
    include_str!("frameworks/aws-fsbp.toml"),
    include_str!("frameworks/cis-aws-3.0.0.toml"),
    include_str!("frameworks/cis-aws-4.0.1.toml"),
    include_str!("frameworks/cis-aws-5.0.0.toml"),
    include_str!("frameworks/cis-aws-6.0.0.toml"),
    include_str!("frameworks/cis-aws-7.0.0.toml"),
    include_str!("frameworks/prowler.toml"),
];

static ALL: LazyLock<Vec<Framework>> = LazyLock::new(|| {
    let parse = |source: &&str| toml::from_str(source).expect("a test parses every catalogue");
    SOURCES.iter().map(parse).collect()
});

type Cited = (&'static Framework, &'static Control);

static BY_CHECK: LazyLock<BTreeMap<&str, Vec<(Cited, &Answer)>>> = LazyLock::new(|| {
    let mut index = BTreeMap::<_, Vec<_>>::new();
    for framework in all() {
        for control in &framework.controls {
            for answer in &control.checks {
                index.entry(&*answer.check).or_default().push(((framework, control), answer));
            }
        }
    }
    index
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// Name and version, e.g. `cis-aws-7.0.0`.
    pub id: String,
    pub name: String,
    pub kind: Kind,
    /// Where the original is published.
    pub source: String,
    /// In the original's order.
    pub controls: Vec<Control>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Controls that an account can be held against.
    Benchmark,
    /// Another scanner's check ids, for people who come from there.
    Crosswalk,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    pub id: String,
    /// In our own words.
    pub title: String,
    /// CIS alone.
    pub level: Option<Level>,
    /// CIS alone: what the benchmark says, not what our checks do.
    pub assessment: Option<Assessment>,
    /// Security Hub alone.
    pub severity: Option<Severity>,
    /// Security Hub has controls outside the standard that the catalogue is named after.
    #[serde(default = "yes")]
    pub in_standard: bool,
    #[serde(default)]
    pub checks: Vec<Answer>,
    /// What no check answers, and why; beside `checks` it names the remainder.
    pub uncovered: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Level {
    L1,
    L2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assessment {
    Automated,
    Manual,
}

/// How much of a control the checks answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    Full,
    Part,
    None,
}

/// A check that answers a control: `"id"`, or `{ check = "id", parts = ["22/tcp *"] }`.
#[derive(Debug, Deserialize)]
#[serde(from = "AnswerForm")]
pub struct Answer {
    pub check: String,
    /// Keys of the check's parts that bear on the control, `*` standing for any text; all of
    /// them when empty.
    pub parts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnswerForm {
    Whole(String),
    Parts(AnswerParts),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerParts {
    check: String,
    parts: Vec<String>,
}

impl From<AnswerForm> for Answer {
    fn from(form: AnswerForm) -> Self {
        match form {
            AnswerForm::Whole(check) => Self { check, parts: Vec::new() },
            AnswerForm::Parts(AnswerParts { check, parts }) => Self { check, parts },
        }
    }
}

fn yes() -> bool {
    true
}

impl Control {
    pub fn coverage(&self) -> Coverage {
        match (self.checks.is_empty(), &self.uncovered) {
            (true, _) => Coverage::None,
            (false, Some(_)) => Coverage::Part,
            (false, None) => Coverage::Full,
        }
    }
}

impl Answer {
    /// Whether a verdict under this part key bears on the control. A verdict about the whole
    /// resource does, and so does a listing that could not be read.
    pub fn covers(&self, part: &str) -> bool {
        self.parts.is_empty()
            || part.is_empty()
            || part.starts_with("listing:")
            || self.parts.iter().any(|pattern| matches(pattern, part))
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(tail) = text.strip_prefix(head) else { return false };
    let mut ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
    ends.any(|at| matches(rest, &tail[at..]))
}

/// Every catalogue and crosswalk, ordered by id.
pub fn all() -> &'static [Framework] {
    &ALL
}

pub fn find(id: &str) -> Option<&'static Framework> {
    all().iter().find(|framework| framework.id == id)
}

/// Everything that names the check, crosswalks too, in the order of [`all`].
pub fn controls_of(check: &str) -> Vec<Cited> {
    BY_CHECK.get(check).into_iter().flatten().map(|(cited, _)| *cited).collect()
}

/// The benchmarks' controls that a verdict of the check about this part bears on (the part is
/// empty for the resource as a whole), in the order of [`all`].
pub fn cited_by(check: &str, part: &str) -> Vec<Cited> {
    let answers = BY_CHECK.get(check).into_iter().flatten();
    answers
        .filter(|((framework, control), answer)| {
            framework.kind == Kind::Benchmark && control.in_standard && answer.covers(part)
        })
        .map(|(cited, _)| *cited)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(parts: &[&str]) -> Answer {
        let parts = parts.iter().map(ToString::to_string).collect();
        Answer { check: "ec2.security-group-no-open-private-port".to_owned(), parts }
    }

    #[test]
    fn a_part_bears_on_the_controls_that_name_it() {
        let ssh = answer(&["22/tcp *", "all *"]);
        assert!(ssh.covers("22/tcp from 0.0.0.0/0"));
        assert!(ssh.covers("all from ::/0"));
        assert!(!ssh.covers("2222/tcp from 0.0.0.0/0"));
        assert!(!ssh.covers("3306/tcp from 22/tcp"));
        let ipv6 = answer(&["22/tcp * ::/0"]);
        assert!(ipv6.covers("22/tcp from ::/0"));
        assert!(!ipv6.covers("22/tcp from 0.0.0.0/0"));
    }

    #[test]
    fn a_verdict_about_the_whole_bears_on_every_control() {
        let ssh = answer(&["22/tcp *"]);
        assert!(ssh.covers(""));
        assert!(ssh.covers("listing:DescribeSecurityGroups"));
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let control = |extra: &str| format!("id = '1'\ntitle = 't'\n{extra}");
        assert!(toml::from_str::<Control>(&control("uncovered = 'why'")).is_ok());
        for extra in ["uncoverd = 'why'", "checks = [{ check = 'a.b', part = ['x'] }]"] {
            assert!(toml::from_str::<Control>(&control(extra)).is_err(), "{extra}");
        }
    }
}
