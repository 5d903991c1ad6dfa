//! JUnit XML, for servers that show test results: a suite for each account and service.
//!
//! As Jenkins and GitLab read it. What was not assessed is an error, never a success.

use std::{borrow::Cow, collections::BTreeMap, io::Write, sync::Arc};

use demarc_model::Verdict;

use crate::{Error, Finding, Head, Stream};

pub(crate) fn write(
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"demarc\">\n")?;
    // A suite states its totals first: one account's cases are kept until the next begins.
    let mut account: Option<Arc<str>> = None;
    let mut suites = BTreeMap::new();
    for finding in findings {
        let finding = finding?;
        if account.as_ref() != Some(&finding.account) {
            end(head, account.take(), &mut suites, out)?;
            account = Some(finding.account.clone());
        }
        suites.entry(finding.service.to_string()).or_insert_with(Suite::default).add(&finding);
    }
    end(head, account, &mut suites, out)?;
    out.write_all(b"</testsuites>\n")?;
    Ok(())
}

#[derive(Default)]
struct Suite {
    cases: String,
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

fn end(
    head: &Head,
    account: Option<Arc<str>>,
    suites: &mut BTreeMap<String, Suite>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let Some(account) = account else { return Ok(()) };
    for (service, suite) in std::mem::take(suites) {
        writeln!(
            out,
            "  <testsuite name=\"{} {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" \
             skipped=\"{}\" timestamp=\"{}\">\n{}  </testsuite>",
            escaped(&account),
            escaped(&service),
            suite.tests,
            suite.failures,
            suite.errors,
            suite.skipped,
            escaped(&head.scan.taken_at_rfc3339),
            suite.cases,
        )?;
    }
    Ok(())
}

impl Suite {
    fn add(&mut self, finding: &Finding) {
        self.tests += 1;
        let part =
            if finding.part.is_empty() { String::new() } else { format!(" {}", finding.part) };
        let name = format!("{} {}{part}", finding.region, finding.resource.arn);
        let open = format!(
            "    <testcase name=\"{}\" classname=\"{}\"",
            escaped(&name),
            escaped(&finding.check)
        );
        self.cases += &open;
        let kind = finding.severity.id();
        let message = escaped(&finding.message()).into_owned();
        match (finding.verdict, &finding.suppressed) {
            (Verdict::Pass, _) => {
                self.cases += "/>\n";
                return;
            }
            (Verdict::Fail, None) => {
                self.failures += 1;
                self.element("failure", kind, &message, &body(finding));
            }
            (Verdict::Fail, Some(suppressed)) => {
                self.skipped += 1;
                let text = format!(
                    "suppressed by {} until {}: {}",
                    suppressed.owner, suppressed.expires, suppressed.reason
                );
                self.element("skipped", "suppressed", &escaped(&text), &message);
            }
            (Verdict::NotAssessed, _) => {
                self.errors += 1;
                let cause = finding.not_assessed.as_ref().map_or("", |why| &why.cause);
                self.element("error", &escaped(cause), &message, "");
            }
            (Verdict::Manual | Verdict::NotApplicable, _) => {
                self.skipped += 1;
                self.element("skipped", finding.verdict.id(), &message, "");
            }
        }
        self.cases += "    </testcase>\n";
    }

    /// All of it escaped already.
    fn element(&mut self, tag: &str, kind: &str, message: &str, body: &str) {
        let element =
            format!(">\n      <{tag} type=\"{kind}\" message=\"{message}\">{body}</{tag}>\n");
        self.cases += &element;
    }
}

/// What a person needs to act on it.
fn body(finding: &Finding) -> String {
    let evidence = finding.evidence.iter().map(|evidence| {
        format!(
            "{}: {} is {}, expected {}",
            evidence.call, evidence.field, evidence.observed, evidence.expected
        )
    });
    let mut lines = vec![finding.title.to_string()];
    lines.extend(evidence);
    lines.push(format!("{}: {}", finding.layer.title(), finding.boundary.customer));
    if let Some(remediation) = &finding.remediation {
        lines.extend([String::new(), remediation.trim_end().to_owned()]);
    }
    escaped(&lines.join("\n")).into_owned()
}

/// Markup and what XML 1.0 has no place for, even escaped, made text.
fn escaped(text: &str) -> Cow<'_, str> {
    let illegal = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    let special = |c: char| matches!(c, '<' | '>' | '&' | '"' | '\'') || illegal(c);
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 16), |mut xml, c| {
        match c {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            c if illegal(c) => xml.extend(c.escape_unicode()),
            c => xml.push(c),
        }
        xml
    }))
}
