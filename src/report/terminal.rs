//! The summary that a person reads at the end of a scan.
//!
//! Styles are always written; whoever owns the stream strips them where colour is not wanted.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use demarc_model::{Layer, Severity, Verdict};

use crate::{
    CellState, Counts, Finding, Gap, Head, MatrixCell, MatrixRow, missing_actions,
    text::{count, cut, grouped, line, wrap},
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Rows of gaps and of accounts without an answer; the report has them all.
const ROWS: usize = 12;

/// Pieces of evidence of one finding.
const EVIDENCE: usize = 4;

/// Widths of the matrix's columns: the layer's, and each service's.
const NAME: usize = 33;
const CELL: usize = 11;

fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => RED.bold().invert(),
        Severity::High => RED.bold(),
        Severity::Medium => YELLOW,
        Severity::Low => CYAN,
        Severity::Info => DIM,
    }
}

/// `not assessed` is as loud as `fail`: what was not seen is not known to be sound.
fn of_verdict(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Fail => RED.bold(),
        Verdict::NotAssessed => YELLOW.bold(),
        Verdict::Manual => CYAN,
        Verdict::Pass => GREEN,
        Verdict::NotApplicable => DIM,
    }
}

/// Prints the summary of a report; `worst` are the findings to show, the worst first, and
/// `width` is the terminal's, in columns (80 to 140 are used).
pub fn summary(
    head: &Head,
    worst: &[Finding],
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page { out, width: width.clamp(80, 140) };
    page.scan(head)?;
    page.layers(head)?;
    page.worst(head, worst)?;
    page.accepted(head)?;
    page.matrix(&head.matrix)?;
    page.control_types(head)?;
    page.coverage(head)
}

struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A number in a column, dim when it is nothing.
fn cell(number: u64, width: usize, style: Style) -> String {
    let text = if number == 0 { "-".to_owned() } else { grouped(number) };
    styled(if number == 0 { DIM } else { style }, &format!("{text:>width$}"))
}

impl Page<'_> {
    /// What was accepted or left open earlier and needs somebody now.
    fn accepted(&mut self, head: &Head) -> io::Result<()> {
        let notes = &head.suppressions;
        if !notes.is_empty() {
            self.title("Suppressions to look at", "")?;
        }
        for note in notes.iter().take(ROWS) {
            let text = format!("{}: {} ({})", note.selects, note.text, note.owner);
            self.paragraph(2, YELLOW, &text)?;
        }
        if notes.len() > ROWS {
            let more = (notes.len() - ROWS) as u64;
            self.paragraph(2, DIM, &format!("and {} more", grouped(more)))?;
        }
        if !head.carried.is_empty() {
            let carried = count(head.carried.len() as u64, "earlier failure");
            let text = format!("{carried} could not be looked at again: still taken for open");
            writeln!(self.out)?;
            self.paragraph(0, YELLOW, &text)?;
        }
        Ok(())
    }

    fn title(&mut self, text: &str, aside: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}  {}", styled(BOLD.underline(), text), styled(DIM, aside))
    }

    /// A paragraph, indented.
    fn paragraph(&mut self, indent: usize, style: Style, text: &str) -> io::Result<()> {
        for line in wrap(&line(text), self.width.saturating_sub(indent)) {
            writeln!(self.out, "{:indent$}{}", "", styled(style, &line))?;
        }
        Ok(())
    }

    fn scan(&mut self, head: &Head) -> io::Result<()> {
        let verdicts = head.summary.verdicts;
        let unread = head.accounts.iter().filter(|row| row.error.is_some()).count() as u64;
        writeln!(
            self.out,
            "\n{} {}  {}",
            styled(BOLD, "demarc"),
            line(&head.tool.version),
            styled(
                DIM,
                &format!(
                    "{}{}, {}, read at {}",
                    count(head.accounts.len() as u64, "account"),
                    if unread > 0 {
                        format!(" ({} not read)", grouped(unread))
                    } else {
                        String::new()
                    },
                    count(verdicts.total(), "finding"),
                    line(&head.scan.taken_at_rfc3339)
                )
            )
        )?;
        if let Some(stopped) = &head.scan.stopped {
            let text = format!("The scan ended early: {stopped}. The rest is not assessed.");
            self.paragraph(0, YELLOW.bold(), &text)?;
        }
        writeln!(self.out)?;
        for verdict in Verdict::ALL {
            let number = verdicts.of(verdict);
            let style = if number == 0 { DIM } else { of_verdict(verdict) };
            write!(self.out, "  {:<14}{}", title(verdict), cell(number, 9, style))?;
            match verdict {
                Verdict::Fail => {
                    let open: Vec<_> = Severity::ALL
                        .iter()
                        .rev()
                        .filter_map(|severity| {
                            let number = *head.summary.failed.get(severity)?;
                            let text = format!("{} {}", grouped(number), severity.id());
                            (number > 0).then(|| styled(of_severity(*severity), &text))
                        })
                        .collect();
                    write!(self.out, "   {}", open.join("  "))?;
                    if verdicts.suppressed > 0 {
                        let text = format!("{} suppressed", grouped(verdicts.suppressed));
                        write!(self.out, "  {}", styled(DIM, &text))?;
                    }
                }
                Verdict::NotAssessed if number > 0 => {
                    let text = "   could not be read: neither sound nor unsound";
                    write!(self.out, "{}", styled(YELLOW, text))?;
                }
                _ => {}
            }
            writeln!(self.out)?;
        }
        self.coverage_line(head)
    }

    fn coverage_line(&mut self, head: &Head) -> io::Result<()> {
        let looks = head.coverage.looks;
        let missing = looks.of - looks.complete.min(looks.of);
        let style = if missing == 0 { GREEN } else { YELLOW.bold() };
        writeln!(
            self.out,
            "  {:<14}{}   {}",
            "coverage",
            styled(style, &format!("{:>9}", percent(looks))),
            styled(
                PLAIN,
                &format!("{} of {} complete", grouped(looks.complete), count(looks.of, "look"))
            )
        )
    }

    fn layers(&mut self, head: &Head) -> io::Result<()> {
        self.title("By layer", "the customer's side of the shared responsibility model")?;
        let columns =
            [Verdict::Fail, Verdict::NotAssessed, Verdict::Manual, Verdict::Pass].map(title);
        writeln!(
            self.out,
            "  {}",
            styled(
                DIM,
                &format!(
                    "{:<31}{:>7}{:>14}{:>8}{:>8}{:>8}",
                    "", columns[0], columns[1], columns[2], columns[3], "of"
                )
            )
        )?;
        for layer in Layer::ALL {
            let Some(counts) = head.summary.by_layer.get(&layer) else { continue };
            writeln!(
                self.out,
                "  {:<31}{}{}{}{}{}",
                layer.title(),
                cell(counts.fail, 7, of_verdict(Verdict::Fail)),
                cell(counts.not_assessed, 14, of_verdict(Verdict::NotAssessed)),
                cell(counts.manual, 8, of_verdict(Verdict::Manual)),
                cell(counts.pass, 8, of_verdict(Verdict::Pass)),
                cell(counts.total(), 8, PLAIN),
            )?;
        }
        Ok(())
    }

    fn worst(&mut self, head: &Head, worst: &[Finding]) -> io::Result<()> {
        if worst.is_empty() {
            return Ok(());
        }
        let open: u64 = head.summary.failed.values().sum();
        let shown = worst.len() as u64;
        self.title(
            "Worst findings",
            &format!("{} of {} open", grouped(shown), grouped(open.max(shown))),
        )?;
        for finding in worst {
            let severity = finding.severity;
            let label = format!("{:<8}", severity.id());
            let check = line(&finding.check);
            let title = format!("not so: {}", line(&finding.title));
            let fits = 14 + check.chars().count() + title.chars().count() <= self.width;
            write!(
                self.out,
                "  {}  {}",
                styled(of_severity(severity), &label),
                styled(BOLD, &check)
            )?;
            if fits {
                writeln!(self.out, "  {}", styled(DIM, &title))?;
            } else {
                writeln!(self.out)?;
                self.paragraph(12, DIM, &title)?;
            }
            self.paragraph(12, PLAIN, &whereabouts(finding))?;
            for evidence in finding.evidence.iter().take(EVIDENCE) {
                let text = format!(
                    "{} is {} (expected {})",
                    evidence.field, evidence.observed, evidence.expected
                );
                self.paragraph(12, RED, &text)?;
            }
            if finding.evidence.len() > EVIDENCE {
                let text = format!("and {} more", finding.evidence.len() - EVIDENCE);
                self.paragraph(12, DIM, &text)?;
            }
            let duty = format!("{}: {}", finding.layer.title(), finding.boundary.customer);
            self.paragraph(12, DIM, &duty)?;
        }
        Ok(())
    }

    /// Layers down, services across, in as many blocks as the width asks for.
    fn matrix(&mut self, rows: &[MatrixRow]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.title("Who owns what", "and what was found there")?;
        let per_block = (self.width.saturating_sub(NAME) / CELL).max(1);
        for (index, block) in rows.chunks(per_block).enumerate() {
            if index > 0 {
                writeln!(self.out)?;
            }
            write!(self.out, "  {:<1$}", "", NAME - 2)?;
            for row in block {
                let name = format!("{:>CELL$}", cut(&line(&row.service), CELL - 1));
                write!(self.out, "{}", styled(BOLD, &name))?;
            }
            writeln!(self.out)?;
            for layer in Layer::ALL {
                let cells = || block.iter().map(|row| row.cells.get(&layer));
                if cells().all(|cell| cell.is_none()) {
                    continue;
                }
                write!(self.out, "  {:<1$}", layer.title(), NAME - 2)?;
                for cell in cells() {
                    let (text, style) = cell.map_or((String::new(), PLAIN), glyph);
                    write!(self.out, "{}", styled(style, &format!("{text:>CELL$}")))?;
                }
                writeln!(self.out)?;
            }
        }
        let legend = [
            ("2✗", "failed", RED),
            ("1?", "not assessed", YELLOW),
            ("3✓", "all passed", GREEN),
            ("aws", "AWS's own", DIM),
            ("no check", "yours, no check yet", CYAN),
            ("unseen", "yours, and invisible to any API", CYAN),
        ];
        let mut length = 2;
        write!(self.out, " ")?;
        for (sign, meaning, style) in legend {
            let needed = sign.chars().count() + meaning.chars().count() + 3;
            if length + needed > self.width {
                write!(self.out, "\n ")?;
                length = 2;
            }
            length += needed;
            write!(self.out, " {} {} ", styled(style, sign), styled(DIM, meaning))?;
        }
        writeln!(self.out)
    }

    fn control_types(&mut self, head: &Head) -> io::Result<()> {
        if head.control_types.is_empty() {
            return Ok(());
        }
        self.title("Who proves what", "by type of control")?;
        let columns = [Verdict::Fail, Verdict::NotAssessed, Verdict::Pass].map(title);
        let columns =
            format!("{:<34}{:>7}{:>14}{:>8}{:>8}", "", columns[0], columns[1], columns[2], "of");
        writeln!(self.out, "  {}", styled(DIM, &columns))?;
        for row in &head.control_types {
            let counts = row.verdicts;
            writeln!(
                self.out,
                "  {:<34}{}{}{}{}",
                cut(&line(&row.title), 33),
                cell(counts.fail, 7, of_verdict(Verdict::Fail)),
                cell(counts.not_assessed, 14, of_verdict(Verdict::NotAssessed)),
                cell(counts.pass, 8, of_verdict(Verdict::Pass)),
                cell(counts.total(), 8, PLAIN),
            )?;
        }
        if !head.inherited.is_empty() {
            let text = format!(
                "and {} that no check sees: the evidence is in AWS Artifact",
                count(head.inherited.len() as u64, "inherited control")
            );
            self.paragraph(2, DIM, &text)?;
        }
        Ok(())
    }

    fn coverage(&mut self, head: &Head) -> io::Result<()> {
        let unread: Vec<_> = head
            .accounts
            .iter()
            .filter_map(|row| row.error.as_ref().map(|error| (row, error)))
            .collect();
        let gaps = &head.coverage.gaps;
        if unread.is_empty() && gaps.is_empty() {
            return Ok(());
        }
        self.title("Not assessed", "what stands between this report and a complete one")?;
        for (row, error) in unread.iter().take(ROWS) {
            let name = row.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
            let text = format!("account {}{name} was not read: {}", row.id, error.reason);
            self.paragraph(2, YELLOW.bold(), &text)?;
        }
        if unread.len() > ROWS {
            let text = format!("and {}", count((unread.len() - ROWS) as u64, "account"));
            self.paragraph(2, DIM, &text)?;
        }
        for gap in gaps.iter().take(ROWS) {
            self.gap(gap)?;
        }
        if gaps.len() > ROWS {
            let text = format!("and {}", count((gaps.len() - ROWS) as u64, "narrower gap"));
            self.paragraph(2, DIM, &text)?;
        }
        let actions = missing_actions(head);
        if !actions.is_empty() {
            self.title("To see the rest, grant", "demarc permissions prints the whole policy")?;
            for action in actions {
                self.paragraph(2, PLAIN, action)?;
            }
        }
        Ok(())
    }

    fn gap(&mut self, gap: &Gap) -> io::Result<()> {
        let findings = format!("{:>6}", grouped(gap.findings));
        let text = format!("{} {}: {}", gap.service, gap.operation, gap.reason);
        for (index, line) in wrap(&line(&text), self.width - 10).iter().enumerate() {
            let lead = if index == 0 { findings.as_str() } else { "      " };
            writeln!(self.out, "  {}  {}", styled(YELLOW.bold(), lead), styled(YELLOW, line))?;
        }
        let text = format!(
            "{}, {}, {}: {}",
            count(gap.accounts_total, "account"),
            count(gap.regions.len() as u64, "region"),
            count(gap.checks.len() as u64, "check"),
            list(&gap.checks, 4)
        );
        self.paragraph(10, DIM, &text)
    }
}

fn title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "FAIL",
        Verdict::NotAssessed => "NOT ASSESSED",
        Verdict::Manual => "manual",
        Verdict::Pass => "pass",
        Verdict::NotApplicable => "not applicable",
    }
}

pub(crate) fn percent(share: crate::Share) -> String {
    let percent = share.percent();
    // 99.96 % is not all of it.
    let percent = if share.complete < share.of { percent.min(99.9) } else { percent };
    if share.complete >= share.of { "100 %".to_owned() } else { format!("{percent:.1} %") }
}

fn whereabouts(finding: &Finding) -> String {
    let part = if finding.part.is_empty() { String::new() } else { format!(", {}", finding.part) };
    format!("{}{part} (account {}, {})", finding.resource.arn, finding.account, finding.region)
}

fn list(items: &[String], most: usize) -> String {
    let text = items.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if items.len() > most { format!("{text} and {} more", items.len() - most) } else { text }
}

fn glyph(cell: &MatrixCell) -> (String, Style) {
    let Counts { fail, not_assessed, pass, .. } = cell.verdicts;
    match cell.state {
        CellState::NotYours if cell.owner == crate::Owner::None => ("·".to_owned(), DIM),
        CellState::NotYours => ("aws".to_owned(), DIM),
        CellState::Failed if not_assessed > 0 => {
            (format!("{}✗ {}?", short(fail), short(not_assessed)), RED.bold())
        }
        CellState::Failed => (format!("{}✗", short(fail)), RED.bold()),
        CellState::NotAssessed => (format!("{}?", short(not_assessed)), YELLOW.bold()),
        CellState::Passed => (format!("{}✓", short(pass)), GREEN),
        CellState::NoCheck => ("no check".to_owned(), CYAN),
        CellState::Invisible => ("unseen".to_owned(), CYAN),
    }
}

/// At most four characters.
fn short(number: u64) -> String {
    match number {
        0..=9_999 => number.to_string(),
        10_000..=999_999 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}
