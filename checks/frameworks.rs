//! Catalogues of published benchmarks, and crosswalks from other scanners' check ids.
//!
//! They lie beside the checks, not in them: a new catalogue edits no check. A catalogue names
//! every control of its version, and for each the checks that answer it, what they leave
//! unanswered, or both.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::LazyLock};

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

/// A control, and the catalogue that has it.
pub type Cited = (&'static Framework, &'static Control);

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

/// A check that answers a control: its id, or a table where only some of its parts do.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "AnswerForm")]
pub struct Answer {
    pub check: String,
    /// The types of resources whose verdicts bear on the control, in CloudFormation's spelling.
    pub resources: Vec<String>,
    /// Keys of the check's parts that bear on the control, `*` standing for any text.
    pub parts: Vec<String>,
    /// For parts that are openings of ports, such as `20-30/tcp from ::/0`: the ports that bear
    /// on the control, of one transport protocol (`22/tcp`) or of any (`22`).
    pub ports: Vec<String>,
    /// Of the openings, only those from this family's addresses.
    pub from: Option<Family>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    Ipv4,
    Ipv6,
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
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    parts: Vec<String>,
    #[serde(default)]
    ports: Vec<String>,
    from: Option<Family>,
}

impl From<AnswerForm> for Answer {
    fn from(form: AnswerForm) -> Self {
        match form {
            AnswerForm::Whole(check) => Self { check, ..Self::default() },
            AnswerForm::Parts(AnswerParts { check, resources, parts, ports, from }) => {
                Self { check, resources, parts, ports, from }
            }
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
    /// Whether a verdict about this part of a resource of this type bears on the control. A
    /// verdict about the whole resource does, and so does a listing that could not be read.
    pub fn covers(&self, resource: &str, part: &str) -> bool {
        if part.starts_with("listing:") {
            return true;
        }
        if !self.resources.is_empty() && !self.resources.iter().any(|own| own == resource) {
            return false;
        }
        let every_part = self.parts.is_empty() && self.ports.is_empty() && self.from.is_none();
        every_part
            || part.is_empty()
            || self.parts.iter().any(|pattern| matches(pattern, part))
            || Opening::parse(part).is_some_and(|opening| self.covers_opening(&opening))
    }

    fn covers_opening(&self, opening: &Opening<'_>) -> bool {
        let ports = self.ports.is_empty() || self.ports.iter().any(|port| opening.reaches(port));
        // A prefix list may hold either family's addresses.
        let from = self.from.is_none() || opening.from.is_none() || self.from == opening.from;
        self.parts.is_empty() && ports && from
    }
}

/// What a key such as `22/tcp SSH from 0.0.0.0/0`, `1024-65535/udp from ::/0` or
/// `all ports from ::/0` says.
struct Opening<'a> {
    ports: RangeInclusive<u16>,
    transport: Option<&'a str>,
    from: Option<Family>,
}

impl<'a> Opening<'a> {
    fn parse(key: &'a str) -> Option<Self> {
        let (what, source) = key.rsplit_once(" from ")?;
        let end = what.find(['/', ' ']).unwrap_or(what.len());
        let (ports, rest) = if let Some(rest) = what.strip_prefix("all ports") {
            (0..=u16::MAX, rest)
        } else {
            let (span, rest) = what.split_at(end);
            let (low, high) = span.split_once('-').unwrap_or((span, span));
            (low.parse().ok()?..=high.parse().ok()?, rest)
        };
        let transport = rest.strip_prefix('/').and_then(|rest| rest.split(' ').next());
        let family = |mark, family| source.contains(mark).then_some(family);
        let from = family(':', Family::Ipv6).or(family('.', Family::Ipv4));
        Some(Self { ports, transport, from })
    }

    fn reaches(&self, port: &str) -> bool {
        let (port, transport) =
            port.split_once('/').map_or((port, None), |(port, transport)| (port, Some(transport)));
        port.parse().is_ok_and(|port| self.ports.contains(&port))
            && (transport.is_none() || self.transport.is_none() || transport == self.transport)
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

/// The benchmarks' controls that a verdict of the check bears on, in the order of [`all`].
/// `resource` is the resource's type, such as `AWS::S3::Bucket`; `part` is empty for the resource
/// as a whole.
pub fn cited_by(check: &str, resource: &str, part: &str) -> Vec<Cited> {
    let answers = BY_CHECK.get(check).into_iter().flatten();
    answers
        .filter(|((framework, control), answer)| {
            framework.kind == Kind::Benchmark
                && control.in_standard
                && answer.covers(resource, part)
        })
        .map(|(cited, _)| *cited)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "AWS::EC2::SecurityGroup";
    const POLICY: &str = "AWS::IAM::ManagedPolicy";
    const USER: &str = "AWS::IAM::User";

    fn answer(form: &str) -> Answer {
        let control = format!("id = '1'\ntitle = 't'\nchecks = [{form}]");
        let mut control: Control = toml::from_str(&control).expect("a control");
        control.checks.remove(0)
    }

    #[test]
    fn a_part_bears_on_the_controls_that_name_it() {
        let kms = answer("{ check = 'iam.x', parts = ['kms', 'inline:* kms'] }");
        assert!(kms.covers(POLICY, "kms") && kms.covers(USER, "inline:mine kms"));
        assert!(!kms.covers(POLICY, "cloudtrail") && !kms.covers(POLICY, "a kms"));
        assert!(answer("'iam.x'").covers(POLICY, "anything"));
    }

    #[test]
    fn a_resource_bears_on_the_controls_that_name_its_type() {
        let managed = answer("{ check = 'iam.x', resources = ['AWS::IAM::ManagedPolicy'] }");
        assert!(managed.covers(POLICY, "") && managed.covers(POLICY, "anything"));
        assert!(!managed.covers(USER, "") && !managed.covers(USER, "inline:mine"));
    }

    #[test]
    fn an_opening_bears_on_the_ports_that_it_reaches() {
        let ssh = answer("{ check = 'ec2.x', ports = ['22/tcp'] }");
        for part in ["22/tcp SSH from 0.0.0.0/0", "1-1024/tcp from ::/0", "22/tcp from pl-1"] {
            assert!(ssh.covers(GROUP, part), "{part}");
        }
        for part in ["all ports from ::/0", "all ports/tcp from 0.0.0.0/0"] {
            assert!(ssh.covers(GROUP, part), "{part}");
        }
        for part in ["2222/tcp from ::/0", "1024-65535/tcp from ::/0", "all ports/udp from ::/0"] {
            assert!(!ssh.covers(GROUP, part), "{part}");
        }
        let any = answer("{ check = 'ec2.x', ports = ['22'] }");
        assert!(any.covers(GROUP, "all ports/udp from ::/0"));
    }

    #[test]
    fn an_opening_bears_on_its_own_family() {
        let ipv6 = answer("{ check = 'ec2.x', ports = ['22'], from = 'ipv6' }");
        for part in ["22/tcp SSH from ::/0", "22/tcp SSH from 2000::/3"] {
            assert!(ipv6.covers(GROUP, part), "{part}");
        }
        for part in ["22/tcp SSH from 0.0.0.0/0", "80/tcp from ::/0"] {
            assert!(!ipv6.covers(GROUP, part), "{part}");
        }
        assert!(ipv6.covers(GROUP, "22/tcp SSH from pl-1"), "a prefix list may hold either");
    }

    #[test]
    fn a_verdict_about_the_whole_bears_on_every_control() {
        let ssh =
            answer("{ check = 'ec2.x', resources = ['AWS::EC2::SecurityGroup'], ports = ['22'] }");
        assert!(ssh.covers(GROUP, ""));
        assert!(ssh.covers("AWS::::Account", "listing:DescribeSecurityGroups"));
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
