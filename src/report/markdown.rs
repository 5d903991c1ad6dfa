//! A summary for a pull request or a ticket.
//!
//! Names, tags and evidence are other people's words: they stand in `<code>`, with every
//! character that Markdown or HTML could act on written as a reference, so that none becomes a
//! table's border, a link, a mention of somebody or a tag.

use std::{collections::BTreeMap, io::Write};

use demarc_model::{Layer, Severity, Verdict};

use crate::{
    CellState, Error, Finding, Head, MatrixCell, Owner, Stream, Worst, missing_actions, policy,
    text::{count, cut, grouped, line},
};

/// Findings shown; the rest is counted.
const WORST: usize = 25;
/// Gaps shown.
const GAPS: usize = 25;

pub(crate) fn write(
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut worst = Worst::<WORST>::default();
    for finding in findings {
        worst.push(&finding?);
    }
    let open = worst.seen();
    summary(head, out)?;
    worst_findings(&worst.into_vec(), open, out)?;
    accepted(head, out)?;
    matrix(head, out)?;
    control_types(head, out)?;
    coverage(head, out)
}

/// Text that nothing acts upon.
pub(crate) fn escaped(text: &str) -> String {
    let text = line(text);
    let mut safe = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        let link = c == ':' && text[at..].starts_with("://")
            || c == '.' && text[..at].to_ascii_lowercase().ends_with("www");
        if link || "\\`*_[]<>#!|&~@$".contains(c) {
            safe.extend(["&#", &u32::from(c).to_string(), ";"]);
        } else {
            safe.push(c);
        }
    }
    safe
}

fn code(text: &str) -> String {
    if text.trim().is_empty() { String::new() } else { format!("<code>{}</code>", escaped(text)) }
}

fn summary(head: &Head, out: &mut dyn Write) -> Result<(), Error> {
    let verdicts = head.summary.verdicts;
    let unread = head.accounts.iter().filter(|row| row.error.is_some()).count() as u64;
    writeln!(out, "# AWS responsibility report\n")?;
    writeln!(
        out,
        "{} of {}, read at {} by {} {}\n",
        grouped(head.accounts.len() as u64 - unread),
        count(head.accounts.len() as u64, "account"),
        escaped(&head.scan.taken_at_rfc3339),
        escaped(&head.tool.name),
        escaped(&head.tool.version)
    )?;
    if let Some(stopped) = &head.scan.stopped {
        writeln!(out, "> **The scan ended early**: {}\n", escaped(stopped))?;
    }
    writeln!(out, "| Verdict | Findings | of {} |", grouped(verdicts.total()))?;
    writeln!(out, "|---|--:|---|")?;
    for verdict in Verdict::ALL {
        let number = verdicts.of(verdict);
        let (name, aside) = match verdict {
            Verdict::Fail => ("**Fail**", by_severity(head)),
            Verdict::NotAssessed if number > 0 => {
                ("**Not assessed**", "could not be read: neither sound nor unsound".to_owned())
            }
            Verdict::NotAssessed => ("**Not assessed**", String::new()),
            Verdict::Manual => ("Manual", String::new()),
            Verdict::Pass => ("Pass", String::new()),
            Verdict::NotApplicable => ("Not applicable", String::new()),
        };
        writeln!(out, "| {name} | {} | {aside} |", grouped(number))?;
    }
    let looks = head.coverage.looks;
    writeln!(
        out,
        "\nCoverage: **{} of {}** complete. A look is one check in one account and region.",
        grouped(looks.complete),
        count(looks.of, "look")
    )?;
    writeln!(out, "\n| Layer | Fail | Not assessed | Manual | Pass | of |")?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|")?;
    for layer in Layer::ALL {
        if let Some(counts) = head.summary.by_layer.get(&layer) {
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} |",
                layer.title(),
                grouped(counts.fail),
                grouped(counts.not_assessed),
                grouped(counts.manual),
                grouped(counts.pass),
                grouped(counts.total())
            )?;
        }
    }
    Ok(())
}

fn by_severity(head: &Head) -> String {
    let suppressed = head.summary.verdicts.suppressed;
    let mut parts: Vec<_> = Severity::ALL
        .iter()
        .rev()
        .filter_map(|severity| Some((severity, *head.summary.failed.get(severity)?)))
        .filter(|(_, number)| *number > 0)
        .map(|(severity, number)| format!("{} {}", grouped(number), severity.id()))
        .collect();
    if suppressed > 0 {
        parts.push(format!("{} suppressed", grouped(suppressed)));
    }
    parts.join(", ")
}

fn worst_findings(worst: &[Finding], open: u64, out: &mut dyn Write) -> Result<(), Error> {
    if worst.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Worst findings\n")?;
    writeln!(out, "| Severity | Check | Resource | Evidence |\n|---|---|---|---|")?;
    let mut remediations = BTreeMap::new();
    for finding in worst {
        let place = format!("{} {}", finding.account, finding.region);
        let mut resource = code(&cut(&finding.resource.arn, 200));
        if !finding.part.is_empty() {
            resource.extend(["<br>", &code(&cut(&finding.part, 200))]);
        }
        writeln!(
            out,
            "| **{}** | {}<br>not so: {} | {resource}<br>{} | {} |",
            finding.severity.id(),
            code(&finding.check),
            escaped(&finding.title),
            escaped(&place),
            code(&cut(&finding.message(), 400))
        )?;
        if let Some(text) = &finding.remediation {
            remediations.entry(finding.check.clone()).or_insert_with(|| text.clone());
        }
    }
    let rest = open - worst.len() as u64;
    if rest > 0 {
        writeln!(out, "\nand {}, not shown.", count(rest, "more open finding"))?;
    }
    for (check, text) in remediations {
        writeln!(
            out,
            "\n<details><summary>How to fix {}</summary>\n\n{}\n\n</details>",
            code(&check),
            text.trim()
        )?;
    }
    Ok(())
}

/// What was accepted or left open earlier and needs somebody now.
fn accepted(head: &Head, out: &mut dyn Write) -> Result<(), Error> {
    if !head.suppressions.is_empty() {
        writeln!(out, "## Suppressions to look at\n")?;
        for note in head.suppressions.iter().take(GAPS) {
            let (selects, owner) = (code(&note.selects), escaped(&note.owner));
            writeln!(out, "- {selects}: {} ({owner})", escaped(&note.text))?;
        }
        if head.suppressions.len() > GAPS {
            writeln!(out, "- and {} more", grouped((head.suppressions.len() - GAPS) as u64))?;
        }
        writeln!(out)?;
    }
    if !head.carried.is_empty() {
        let carried = count(head.carried.len() as u64, "earlier failure");
        writeln!(out, "{carried} could not be looked at again: still taken for open.\n")?;
    }
    Ok(())
}

fn matrix(head: &Head, out: &mut dyn Write) -> Result<(), Error> {
    if head.matrix.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Who owns what\n")?;
    write!(out, "| Layer |")?;
    for row in &head.matrix {
        write!(out, " {} |", escaped(&row.name))?;
    }
    write!(out, "\n|---|")?;
    for _ in &head.matrix {
        write!(out, "---|")?;
    }
    writeln!(out)?;
    for layer in Layer::ALL {
        write!(out, "| {} |", layer.title())?;
        for row in &head.matrix {
            write!(out, " {} |", row.cells.get(&layer).map_or_else(String::new, cell))?;
        }
        writeln!(out)?;
    }
    let mut instead: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in &head.matrix {
        for (layer, cell) in &row.cells {
            if let (CellState::Invisible, Some(text)) = (cell.state, &cell.instead) {
                let place = format!("{}, {}", row.name, layer.title().to_lowercase());
                instead.entry(text).or_default().push(place);
            }
        }
    }
    if !instead.is_empty() {
        writeln!(out, "\nYours, and invisible to any API:\n")?;
        for (text, places) in instead {
            writeln!(out, "- {} ({})", escaped(text), escaped(&places.join("; ")))?;
        }
    }
    Ok(())
}

fn control_types(head: &Head, out: &mut dyn Write) -> Result<(), Error> {
    if head.control_types.is_empty() && head.inherited.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Who proves what")?;
    if !head.control_types.is_empty() {
        writeln!(
            out,
            "\n| Control type | Fail | Not assessed | Pass | of | AWS's half | Your half |"
        )?;
        writeln!(out, "|---|--:|--:|--:|--:|---|---|")?;
    }
    for row in &head.control_types {
        let counts = row.verdicts;
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            escaped(&row.title),
            grouped(counts.fail),
            grouped(counts.not_assessed),
            grouped(counts.pass),
            grouped(counts.total()),
            escaped(&row.aws),
            escaped(&row.customer)
        )?;
    }
    if !head.inherited.is_empty() {
        writeln!(
            out,
            "\nInherited from AWS. No check sees these: your evidence is in AWS Artifact.\n"
        )?;
    }
    for row in &head.inherited {
        writeln!(out, "- {}: {}", escaped(&row.title), escaped(&row.evidence.join("; ")))?;
    }
    Ok(())
}

fn cell(cell: &MatrixCell) -> String {
    let found = match cell.state {
        CellState::NotYours if cell.owner == Owner::None => return "–".to_owned(),
        CellState::NotYours => return "AWS".to_owned(),
        CellState::Failed | CellState::NotAssessed => {
            let parts =
                [(cell.verdicts.fail, "failed"), (cell.verdicts.not_assessed, "not assessed")];
            let parts = parts.into_iter().filter(|(number, _)| *number > 0);
            let parts: Vec<_> =
                parts.map(|(number, what)| format!("**{} {what}**", grouped(number))).collect();
            parts.join(", ")
        }
        CellState::Passed => format!("{} passed", grouped(cell.verdicts.pass)),
        CellState::NoCheck => "no check yet".to_owned(),
        CellState::Invisible => "invisible".to_owned(),
    };
    let owner = if cell.owner == Owner::Both { "shared" } else { "you" };
    format!("{owner}: {found}")
}

fn coverage(head: &Head, out: &mut dyn Write) -> Result<(), Error> {
    let gaps = &head.coverage.gaps;
    let unread: Vec<_> =
        head.accounts.iter().filter_map(|row| Some((row, row.error.as_ref()?))).collect();
    if gaps.is_empty() && unread.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Not assessed\n")?;
    for (row, error) in unread.iter().take(GAPS) {
        let name = row.name.as_deref().map_or_else(String::new, |name| format!(" {}", code(name)));
        writeln!(
            out,
            "- Account {}{name} was not read: {}",
            escaped(&row.id),
            escaped(&error.reason)
        )?;
    }
    if unread.len() > GAPS {
        writeln!(out, "- and {}", count((unread.len() - GAPS) as u64, "more account"))?;
    }
    if !gaps.is_empty() {
        writeln!(out, "\n| Findings | Call | Why | Accounts | Checks |\n|--:|---|---|--:|---|")?;
        for gap in gaps.iter().take(GAPS) {
            let checks: Vec<_> = gap.checks.iter().map(|check| code(check)).collect();
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                grouped(gap.findings),
                code(&format!("{} {}", gap.service, gap.operation)),
                escaped(&gap.reason),
                grouped(gap.accounts_total),
                checks.join(", ")
            )?;
        }
        if gaps.len() > GAPS {
            writeln!(out, "\nand {}.", count((gaps.len() - GAPS) as u64, "narrower gap"))?;
        }
    }
    if let Some(policy) = policy(head) {
        let actions = missing_actions(head).len() as u64;
        writeln!(out, "\nTo see the rest, grant {}:\n", count(actions, "action"))?;
        writeln!(out, "```json\n{policy}\n```")?;
    }
    Ok(())
}
