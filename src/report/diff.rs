//! Two saved reports side by side.

use std::io::{Read, Write};

use demarc_model::time::Timestamp;
use serde::Serialize;

use crate::{
    Baseline, Change, Error, Event, EventKind, Head, Reader, Tool,
    text::{count, grouped, line},
};

/// What happened between two reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    pub before: Side,
    pub after: Side,
    /// Failures that are as they were.
    pub unchanged: u64,
    /// In the later report's order; what it no longer shows comes last.
    pub events: Vec<Event>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    pub tool: Tool,
    pub taken_at: Timestamp,
}

/// Compares two reports, the earlier one first. Both are read finding by finding.
pub fn diff(before: impl Read, after: impl Read) -> Result<Diff, Error> {
    let baseline = Baseline::read(before)?;
    let mut after = Reader::new(after)?;
    let side = |head: &Head| Side { tool: head.tool.clone(), taken_at: head.scan.taken_at };
    let later = side(after.head());
    let earlier = Side {
        tool: baseline.tool().cloned().unwrap_or_else(|| later.tool.clone()),
        taken_at: baseline.taken_at().unwrap_or(later.taken_at),
    };
    let comparison = baseline.compare(&later.tool, later.taken_at);
    let mut unchanged = 0;
    let mut events = Vec::new();
    for finding in after.by_ref() {
        let mut finding = finding?;
        events.extend(comparison.mark(&mut finding));
        unchanged += u64::from(finding.change == Some(Change::Unchanged));
    }
    events.extend(comparison.rest(after.head()).events);
    Ok(Diff { before: earlier, after: later, unchanged, events })
}

impl Diff {
    /// For people: the events by kind, each with its cause.
    pub fn write_text(&self, out: &mut dyn Write) -> Result<(), Error> {
        writeln!(out, "{} to {}", self.before.taken_at.rfc3339(), self.after.taken_at.rfc3339())?;
        if self.before.tool.version != self.after.tool.version {
            let (before, after) = (&self.before.tool.version, &self.after.tool.version);
            writeln!(out, "demarc {} became {}", line(before), line(after))?;
        }
        for kind in EventKind::ALL {
            let events: Vec<_> = self.events.iter().filter(|e| e.event == kind).collect();
            if events.is_empty() {
                continue;
            }
            writeln!(out, "\n{} ({})", kind.title(), grouped(events.len() as u64))?;
            for event in events {
                write_event(event, out)?;
            }
        }
        let unchanged = match self.unchanged {
            0 => "no failure is as it was".to_owned(),
            1 => "1 failure is as it was".to_owned(),
            number => format!("{} failures are as they were", grouped(number)),
        };
        writeln!(out, "\n{}; {unchanged}.", count(self.events.len() as u64, "event"))?;
        Ok(())
    }
}

fn write_event(event: &Event, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "  {:<8} {}: {}", event.severity.id(), line(&event.check), line(&event.title))?;
    let part = if event.part.is_empty() { String::new() } else { format!(" [{}]", event.part) };
    let place = format!("{} {} {}{part}", event.account, event.region, event.resource.arn);
    writeln!(out, "           {}", line(&place))?;
    if event.message != event.detail {
        writeln!(out, "           {}", line(&event.message))?;
    }
    let why: Vec<_> = event.why.iter().map(|why| why.id()).collect();
    writeln!(out, "           why: {} ({})", line(&event.detail), why.join(" or "))?;
    Ok(())
}
