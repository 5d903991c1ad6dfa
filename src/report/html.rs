//! The report as one page: no network, nothing beside it, and a Content-Security-Policy that
//! lets nothing run but the page's own script.
//!
//! Figures, matrix and coverage are in the markup, escaped by the template; findings are data
//! that the script turns into text nodes. Data is written as it comes: resources once, what a
//! check says about all its findings once, in a dictionary that follows.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt,
    io::Write,
    sync::OnceLock,
};

use askama::Template;
use demarc_model::{Layer, Severity, Verdict};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    CellState, Change, Counts, Error, Finding, Head, MatrixCell, Owner, Stream, policy,
    terminal::percent,
    text::{count, grouped, line},
};

const CSS: &str = include_str!("html/report.css");
const JS: &str = include_str!("html/report.js");

/// Findings of a block of data; browsers refuse single strings of some 500 MB.
const BLOCK: usize = 10_000;
/// Beyond this many, findings that ask nothing of anybody stay out of the list.
const ALL_UP_TO: u64 = 300_000;
/// Beyond this many, the page would no longer open.
const MOST: u64 = 500_000;
/// Rows of the charts, and of the table of accounts.
const BARS: usize = 20;
const ACCOUNTS: usize = 500;
/// Suppressions to look at, and failures that were carried over.
const NOTES: usize = 500;

pub(crate) fn write(
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let data = Data { findings: RefCell::new(findings), failure: RefCell::new(None), head };
    let page = Page::new(head, &data)?;
    let result = page.write_into(out);
    match data.failure.take() {
        Some(error) => Err(error),
        None => Ok(result?),
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    policy: String,
    css: &'static str,
    js: &'static str,
    head: &'a Head,
    date: String,
    scope: String,
    tiles: Vec<Tile>,
    charts: Vec<Chart>,
    layers: [Layer; 11],
    matrix: Vec<Row>,
    unseen: Vec<(String, String)>,
    unseen_total: String,
    control_types: Vec<TypeRow>,
    inherited: Vec<InheritedView>,
    inherited_total: String,
    notes: Vec<NoteView>,
    more_notes: Option<String>,
    carried: Vec<CarriedView>,
    carried_total: String,
    more_carried: Option<String>,
    left_out: Option<String>,
    coverage: String,
    unread: Vec<(String, String)>,
    gaps: Vec<GapRow>,
    grant: Option<String>,
    calls: Vec<(String, String, String, String)>,
    accounts: Vec<AccountView>,
    more_accounts: Option<String>,
    about: String,
    data: &'a Data<'a, 'a>,
}

struct Tile {
    class: &'static str,
    link: &'static str,
    name: &'static str,
    number: String,
    aside: String,
}

struct Chart {
    title: &'static str,
    aside: String,
    what: &'static str,
    /// Whether "not assessed" and the whole are known for its rows.
    seen: bool,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    link: String,
    class: &'static str,
    fail: String,
    unknown: String,
    total: String,
    /// Percent of the chart's longest bar.
    fail_share: String,
    unknown_share: String,
}

struct Row {
    service: String,
    name: String,
    model: &'static str,
    cells: Vec<CellView>,
}

struct CellView {
    class: &'static str,
    layer: &'static str,
    owner: &'static str,
    parts: Vec<(&'static str, String)>,
    /// Read out after the visible parts; empty where there is no such layer.
    label: &'static str,
}

struct TypeRow {
    name: String,
    meaning: String,
    aws: String,
    customer: String,
    fail: String,
    unknown: String,
    pass: String,
    total: String,
}

struct InheritedView {
    name: String,
    aws: String,
    evidence: Vec<String>,
    page: Option<String>,
}

struct NoteView {
    selects: String,
    text: String,
    owner: String,
    reason: String,
    expires: String,
}

struct CarriedView {
    severity: &'static str,
    check: String,
    title: String,
    arn: String,
    part: String,
    place: String,
    last: String,
    suppressed: bool,
}

struct GapRow {
    findings: String,
    call: String,
    reason: String,
    action: String,
    accounts: String,
    regions: String,
    checks: String,
}

struct AccountView {
    id: String,
    name: String,
    failed: Vec<String>,
    unknown: String,
    pass: String,
    total: String,
    looks: String,
}

impl<'a> Page<'a> {
    fn new(head: &'a Head, data: &'a Data<'a, 'a>) -> Result<Self, Error> {
        let all = head.accounts.len() as u64;
        let unread: Vec<_> = head
            .accounts
            .iter()
            .filter_map(|row| {
                let error = row.error.as_ref()?;
                let name = row.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
                Some((
                    line(&format!("{}{name}", row.id)).into_owned(),
                    line(&error.reason).into_owned(),
                ))
            })
            .collect();
        let read = all - unread.len() as u64;
        let scope = if read == all {
            count(all, "account")
        } else {
            format!("{} of {} read", grouped(read), count(all, "account"))
        };
        let looks = head.coverage.looks;
        let unseen = unseen(head);
        Ok(Self {
            policy: content_security_policy().to_owned(),
            css: CSS,
            js: JS,
            head,
            date: head.scan.taken_at.date(),
            scope: format!("{scope}, {}", count(head.summary.verdicts.total(), "finding")),
            tiles: tiles(head),
            charts: charts(head),
            layers: Layer::ALL,
            matrix: head.matrix.iter().map(matrix_row).collect(),
            unseen_total: count(unseen.len() as u64, "kind"),
            unseen,
            control_types: control_types(head),
            inherited: inherited(head),
            inherited_total: count(head.inherited.len() as u64, "control"),
            notes: notes(head),
            more_notes: more(head.suppressions.len(), "more suppression"),
            carried: carried(head),
            carried_total: count(head.carried.len() as u64, "earlier failure"),
            more_carried: more(head.carried.len(), "more earlier failure"),
            left_out: left_out(head),
            coverage: format!(
                "{} of {} complete ({}).",
                grouped(looks.complete),
                count(looks.of, "look"),
                percent(looks)
            ),
            unread,
            gaps: head.coverage.gaps.iter().map(gap_row).collect(),
            grant: policy(head),
            calls: calls(head),
            accounts: accounts(head),
            more_accounts: (head.accounts.len() > ACCOUNTS).then(|| {
                format!(
                    "and {} with fewer failures; the JSON report has them all.",
                    count((head.accounts.len() - ACCOUNTS) as u64, "account")
                )
            }),
            about: about(head)?,
            data,
        })
    }
}

/// Only this page's own style and script, told by their hashes; no request to anywhere.
fn content_security_policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; \
             base-uri 'none'; form-action 'none'",
            base64(&Sha256::digest(JS)),
            base64(&Sha256::digest(CSS))
        )
    })
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        for digit in 0..4 {
            if digit <= group.len() {
                text.push(char::from(ALPHABET[bits >> (18 - 6 * digit) & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

fn tiles(head: &Head) -> Vec<Tile> {
    let verdicts = head.summary.verdicts;
    let of = format!("of {}", count(verdicts.total(), "finding"));
    let looks = head.coverage.looks;
    let suppressed = verdicts.suppressed;
    vec![
        Tile {
            class: if verdicts.fail > suppressed { "fail" } else { "" },
            link: "#verdict=fail",
            name: "Failed",
            number: grouped(verdicts.fail - suppressed.min(verdicts.fail)),
            aside: if suppressed == 0 {
                of.clone()
            } else {
                format!("{of}, and {} suppressed", grouped(suppressed))
            },
        },
        Tile {
            class: if verdicts.not_assessed > 0 { "not-assessed" } else { "" },
            link: "#verdict=not-assessed",
            name: "Not assessed",
            number: grouped(verdicts.not_assessed),
            aside: format!("{of}: could not be read"),
        },
        Tile {
            class: "",
            link: "#verdict=manual",
            name: "Manual",
            number: grouped(verdicts.manual),
            aside: of.clone(),
        },
        Tile {
            class: "pass",
            link: "#verdict=pass",
            name: "Passed",
            number: grouped(verdicts.pass),
            aside: if verdicts.not_applicable == 0 {
                of
            } else {
                format!("{of}, and {} not applicable", grouped(verdicts.not_applicable))
            },
        },
        Tile {
            class: if looks.complete < looks.of { "not-assessed" } else { "" },
            link: "#coverage",
            name: "Coverage",
            number: percent(looks),
            aside: format!("{} of {}", grouped(looks.complete), count(looks.of, "look")),
        },
    ]
}

fn charts(head: &Head) -> Vec<Chart> {
    let summary = &head.summary;
    let open: u64 = summary.failed.values().sum();
    let severities = Severity::ALL.iter().rev().map(|severity| {
        let fail = summary.failed.get(severity).copied().unwrap_or_default();
        let counts = Counts { fail, ..Counts::default() };
        (severity.id().to_owned(), format!("#verdict=fail&severity={}", severity.id()), counts)
    });
    let mut by_severity = bars(severities.collect());
    for (bar, severity) in by_severity.iter_mut().zip(Severity::ALL.iter().rev()) {
        bar.class = severity.id();
    }
    let layers = Layer::ALL.iter().filter_map(|layer| {
        let counts = summary.by_layer.get(layer)?;
        Some((layer.title().to_owned(), format!("#layer={}", layer.id()), *counts))
    });
    let mut services: Vec<_> = summary
        .by_service
        .iter()
        .map(|(service, counts)| (service.clone(), format!("#service={}", link(service)), *counts))
        .collect();
    let (services_aside, _) = worst_first(&mut services);
    let mut accounts: Vec<_> = head
        .accounts
        .iter()
        .filter(|row| row.error.is_none())
        .map(|row| {
            let name = row.name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
            let name = line(&format!("{}{name}", row.id)).into_owned();
            (name, format!("#account={}", link(&row.id)), row.verdicts)
        })
        .collect();
    let (accounts_aside, _) = worst_first(&mut accounts);
    vec![
        Chart {
            title: "By severity",
            aside: format!("{}, suppressed ones left out", count(open, "failed finding")),
            what: "Severity",
            seen: false,
            bars: by_severity,
        },
        Chart {
            title: "By layer",
            aside: "the customer's side".to_owned(),
            what: "Layer",
            seen: true,
            bars: bars(layers.collect()),
        },
        Chart {
            title: "By service",
            aside: services_aside,
            what: "Service",
            seen: true,
            bars: bars(services),
        },
        Chart {
            title: "By account",
            aside: accounts_aside,
            what: "Account",
            seen: true,
            bars: bars(accounts),
        },
    ]
}

/// What fails most first, and no more than fit.
fn worst_first(rows: &mut Vec<(String, String, Counts)>) -> (String, usize) {
    let all = rows.len();
    rows.sort_by_key(|(_, _, counts)| {
        std::cmp::Reverse((counts.fail - counts.suppressed.min(counts.fail), counts.not_assessed))
    });
    rows.truncate(BARS);
    if all > BARS {
        (format!("the worst {BARS} of {}", grouped(all as u64)), all)
    } else {
        (String::new(), all)
    }
}

fn bars(rows: Vec<(String, String, Counts)>) -> Vec<Bar> {
    let open = |counts: &Counts| counts.fail - counts.suppressed.min(counts.fail);
    let longest =
        rows.iter().map(|(_, _, counts)| open(counts) + counts.not_assessed).max().unwrap_or(0);
    rows.into_iter()
        .map(|(name, link, counts)| Bar {
            name,
            link,
            class: "fail",
            fail: grouped(open(&counts)),
            unknown: grouped(counts.not_assessed),
            total: grouped(counts.total()),
            fail_share: share(open(&counts), longest),
            unknown_share: share(counts.not_assessed, longest),
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "the length of a bar")]
fn share(part: u64, of: u64) -> String {
    if of == 0 { "0".to_owned() } else { format!("{:.2}", part as f64 * 100.0 / of as f64) }
}

/// A value within the page's address.
fn link(text: &str) -> String {
    text.bytes().fold(String::new(), |mut link, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            link.push(byte as char);
        } else {
            link.push('%');
            for nibble in [byte >> 4, byte & 15] {
                link.extend(char::from_digit(nibble.into(), 16));
            }
        }
        link
    })
}

fn matrix_row(row: &crate::MatrixRow) -> Row {
    let absent =
        || CellView { class: "absent", layer: "", owner: "", parts: Vec::new(), label: "" };
    Row {
        service: row.service.clone(),
        name: row.name.clone(),
        model: row.service_model.id(),
        cells: Layer::ALL
            .iter()
            .map(|layer| row.cells.get(layer).map_or_else(absent, |cell| cell_view(*layer, cell)))
            .collect(),
    }
}

fn cell_view(layer: Layer, cell: &MatrixCell) -> CellView {
    let verdicts = cell.verdicts;
    let owner = match cell.owner {
        Owner::Aws => "AWS",
        Owner::Customer => "You",
        Owner::Both => "Shared",
        Owner::None => "",
    };
    let part = |class, number: u64, what: &str| {
        (number > 0).then(|| (class, format!("{} {what}", grouped(number))))
    };
    let (parts, label) = match cell.state {
        CellState::NotYours if cell.owner == Owner::None => (Vec::new(), ""),
        CellState::NotYours => (Vec::new(), "AWS's own"),
        CellState::Failed | CellState::NotAssessed => {
            let open = verdicts.fail - verdicts.suppressed.min(verdicts.fail);
            let parts = [
                part("fail", open, "failed"),
                part("unknown", verdicts.not_assessed, "not assessed"),
            ];
            (parts.into_iter().flatten().collect(), "details")
        }
        CellState::Passed => {
            (part("pass", verdicts.pass, "passed").into_iter().collect(), "details")
        }
        CellState::NoCheck => (vec![("none", "no check yet".to_owned())], "details"),
        CellState::Invisible => (vec![("none", "invisible to any API".to_owned())], "details"),
    };
    CellView { class: cell.state.id(), layer: layer.id(), owner, parts, label }
}

/// What no API shows, and what to use for it; places that share an answer share a row.
fn unseen(head: &Head) -> Vec<(String, String)> {
    let mut places: BTreeMap<(Layer, &str), Vec<&str>> = BTreeMap::new();
    for row in &head.matrix {
        for (layer, cell) in &row.cells {
            if let (CellState::Invisible, Some(instead)) = (cell.state, &cell.instead) {
                places.entry((*layer, instead)).or_default().push(&row.name);
            }
        }
    }
    places
        .into_iter()
        .map(|((layer, instead), names)| {
            (format!("{}: {}", layer.title(), names.join(", ")), instead.to_owned())
        })
        .collect()
}

fn control_types(head: &Head) -> Vec<TypeRow> {
    let row = |row: &crate::ControlTypeRow| {
        let counts = row.verdicts;
        TypeRow {
            name: line(&row.title).into_owned(),
            meaning: line(&row.meaning).into_owned(),
            aws: line(&row.aws).into_owned(),
            customer: line(&row.customer).into_owned(),
            fail: grouped(counts.fail - counts.suppressed.min(counts.fail)),
            unknown: grouped(counts.not_assessed),
            pass: grouped(counts.pass),
            total: grouped(counts.total()),
        }
    };
    head.control_types.iter().map(row).collect()
}

fn inherited(head: &Head) -> Vec<InheritedView> {
    let view = |row: &crate::InheritedRow| InheritedView {
        name: line(&row.title).into_owned(),
        aws: line(&row.aws).into_owned(),
        evidence: row.evidence.iter().map(|name| line(name).into_owned()).collect(),
        // A report may come from elsewhere: nothing but a web page becomes a link.
        page: row.page.starts_with("https://").then(|| row.page.clone()),
    };
    head.inherited.iter().map(view).collect()
}

fn notes(head: &Head) -> Vec<NoteView> {
    let view = |note: &crate::SuppressionNote| NoteView {
        selects: line(&note.selects).into_owned(),
        text: line(&note.text).into_owned(),
        owner: line(&note.owner).into_owned(),
        reason: line(&note.reason).into_owned(),
        expires: line(&note.expires).into_owned(),
    };
    head.suppressions.iter().take(NOTES).map(view).collect()
}

/// Failures that could not be looked at again, the severest first.
fn carried(head: &Head) -> Vec<CarriedView> {
    let mut rows: Vec<_> = head.carried.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.severity));
    rows.truncate(NOTES);
    rows.into_iter()
        .map(|row| CarriedView {
            severity: row.severity.id(),
            check: line(&row.check).into_owned(),
            title: line(&row.title).into_owned(),
            arn: line(&row.resource.arn).into_owned(),
            part: line(&row.part).into_owned(),
            place: line(&format!("{} {}", row.account, row.region)).into_owned(),
            last: row.last_failed.date(),
            suppressed: row.suppressed,
        })
        .collect()
}

fn more(all: usize, what: &str) -> Option<String> {
    (all > NOTES).then(|| {
        format!("and {}; the JSON report has them all.", count((all - NOTES) as u64, what))
    })
}

/// Whether the list has this finding.
fn is_listed(head: &Head, verdict: Verdict) -> bool {
    head.summary.verdicts.total() <= ALL_UP_TO
        || !matches!(verdict, Verdict::Pass | Verdict::NotApplicable)
}

fn left_out(head: &Head) -> Option<String> {
    let verdicts = head.summary.verdicts;
    let listed: u64 = Verdict::ALL
        .into_iter()
        .filter(|verdict| is_listed(head, *verdict))
        .map(|verdict| verdicts.of(verdict))
        .sum();
    if listed > MOST {
        Some(format!(
            "The list holds the first {} of {}; the JSON report has them all.",
            grouped(MOST),
            count(verdicts.total(), "finding")
        ))
    } else if listed < verdicts.total() {
        Some(format!(
            "The list leaves out {} that passed or did not apply; the JSON report has them.",
            count(verdicts.total() - listed, "finding")
        ))
    } else if head.scan.failing_only {
        Some("Findings that passed were left out of this report; the counts hold them.".to_owned())
    } else {
        None
    }
}

fn gap_row(gap: &crate::Gap) -> GapRow {
    let mut accounts = gap.accounts.join(", ");
    let shown = gap.accounts.len() as u64;
    if gap.accounts_total > shown {
        accounts = format!("{accounts} and {} more", grouped(gap.accounts_total - shown));
    }
    GapRow {
        findings: grouped(gap.findings),
        call: format!("{} {}", gap.service, gap.operation),
        reason: line(&gap.reason).into_owned(),
        action: gap.action.clone(),
        accounts,
        regions: gap.regions.join(", "),
        checks: gap.checks.join(", "),
    }
}

fn calls(head: &Head) -> Vec<(String, String, String, String)> {
    head.coverage
        .calls
        .iter()
        .map(|call| {
            let unanswered: Vec<_> = call
                .unanswered
                .iter()
                .map(|(cause, number)| format!("{} {cause}", grouped(*number)))
                .collect();
            (
                format!("{} {}", call.service, call.operation),
                call.action.clone(),
                grouped(call.answered),
                unanswered.join(", "),
            )
        })
        .collect()
}

fn accounts(head: &Head) -> Vec<AccountView> {
    let mut rows: Vec<_> = head.accounts.iter().collect();
    if rows.len() > ACCOUNTS {
        let severe = |row: &crate::AccountRow| {
            let failed: Vec<_> =
                Severity::ALL.iter().rev().map(|s| row.failed.get(s).copied()).collect();
            (row.error.is_some(), failed)
        };
        rows.sort_by_cached_key(|row| std::cmp::Reverse(severe(row)));
        rows.truncate(ACCOUNTS);
    }
    rows.into_iter()
        .map(|row| AccountView {
            id: row.id.clone(),
            name: line(row.name.as_deref().unwrap_or_default()).into_owned(),
            failed: Severity::ALL
                .iter()
                .rev()
                .map(|severity| grouped(row.failed.get(severity).copied().unwrap_or_default()))
                .collect(),
            unknown: grouped(row.verdicts.not_assessed),
            pass: grouped(row.verdicts.pass),
            total: grouped(row.verdicts.total()),
            looks: match &row.error {
                Some(error) => format!("not read: {}", line(&error.reason)),
                None => format!("{} of {}", grouped(row.looks.complete), grouped(row.looks.of)),
            },
        })
        .collect()
}

const CHANGES: [Change; 7] = [
    Change::New,
    Change::Unchanged,
    Change::Changed,
    Change::Reopened,
    Change::Resolved,
    Change::ResourceDeleted,
    Change::UnknownThisRun,
];

/// The words that the script needs. Findings name verdicts, layers and changes by their
/// position here.
fn about(head: &Head) -> Result<String, Error> {
    let verdicts = Verdict::ALL.map(|verdict| {
        let (title, rank) = match verdict {
            Verdict::Fail => ("Failed", 0),
            // Beside the failures: what was not seen is not known to be sound.
            Verdict::NotAssessed => ("Not assessed", 0),
            Verdict::Manual => ("Manual", 1),
            Verdict::Pass => ("Passed", 3),
            Verdict::NotApplicable => ("Not applicable", 4),
        };
        json!({ "id": verdict.id(), "title": title, "rank": rank, "attention": rank < 2 })
    });
    let suppressed =
        json!({ "id": "suppressed", "title": "Suppressed", "rank": 2, "attention": false });
    let names: BTreeMap<_, _> = head
        .accounts
        .iter()
        .filter_map(|row| Some((row.id.as_str(), row.name.as_deref()?)))
        .collect();
    let owners: BTreeMap<_, _> = Owner::ALL.iter().map(|o| (o.id(), o.title())).collect();
    let about = json!({
        "verdicts": verdicts.iter().chain([&suppressed]).collect::<Vec<_>>(),
        "severities": Severity::ALL.map(Severity::id),
        "layers": Layer::ALL.map(|layer| json!({ "id": layer.id(), "title": layer.title() })),
        "changes": CHANGES.map(Change::id),
        "owners": owners,
        "accounts": names,
        "matrix": head.matrix,
    });
    Ok(inert(&serde_json::to_string(&about)?))
}

/// JSON that no HTML parser takes for markup. These characters stand only within JSON's
/// strings, where an escape means the same.
fn inert(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len() + 16), |mut text, c| {
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            c => text.push(c),
        }
        text
    })
}

/// The findings, written where the template displays them.
struct Data<'a, 'b> {
    findings: RefCell<&'a mut Stream<'b>>,
    /// What a `Display` cannot return.
    failure: RefCell<Option<Error>>,
    head: &'a Head,
}

impl fmt::Display for Data<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut findings = self.findings.borrow_mut();
        let mut dictionary = Dictionary::default();
        let mut resource = String::new();
        let mut listed = 0;
        let mut in_block = 0;
        for finding in &mut **findings {
            let item = finding.and_then(|finding| {
                if !is_listed(self.head, finding.verdict) || listed >= MOST {
                    return Ok(None);
                }
                let own = dictionary.resource(&finding)?;
                Ok(Some((own, dictionary.finding(&finding)?)))
            });
            let (own, item) = match item {
                Ok(Some(item)) => item,
                Ok(None) => continue,
                Err(error) => {
                    self.failure.replace(Some(error));
                    return Err(fmt::Error);
                }
            };
            if in_block == 0 {
                f.write_str("<script type=\"application/json\" class=\"findings\">[\n")?;
                resource.clear();
            } else {
                f.write_str(",\n")?;
            }
            if own != resource {
                writeln!(f, "{own},")?;
                resource = own;
            }
            f.write_str(&item)?;
            listed += 1;
            in_block += 1;
            if in_block == BLOCK {
                f.write_str("\n]</script>\n")?;
                in_block = 0;
            }
        }
        if in_block > 0 {
            f.write_str("\n]</script>\n")?;
        }
        match dictionary.text() {
            Ok(text) => {
                writeln!(f, "<script type=\"application/json\" id=\"dictionary\">{text}</script>")
            }
            Err(error) => {
                self.failure.replace(Some(error));
                Err(fmt::Error)
            }
        }
    }
}

/// What many findings share, by number.
#[derive(Default)]
struct Dictionary {
    strings: Numbered,
    /// As JSON.
    kinds: Numbered,
}

#[derive(Default)]
struct Numbered {
    numbers: HashMap<String, usize>,
    entries: Vec<String>,
}

impl Numbered {
    fn number(&mut self, entry: &str) -> usize {
        if let Some(number) = self.numbers.get(entry) {
            return *number;
        }
        let number = self.entries.len();
        self.numbers.insert(entry.to_owned(), number);
        self.entries.push(entry.to_owned());
        number
    }
}

/// What is the same for all findings of a check, or nearly.
#[derive(Serialize)]
struct Kind<'a> {
    check: &'a str,
    title: &'a str,
    severity: usize,
    service: &'a str,
    layer: usize,
    control_type: &'static str,
    #[serde(rename = "type")]
    resource: &'a str,
    service_model: &'static str,
    owner: Owner,
    aws: &'a str,
    customer: &'a str,
    variant: Option<&'a str>,
    controls: Vec<(&'a str, &'a str)>,
    remediation: Option<&'a str>,
}

fn position<T: PartialEq>(of: &T, all: &[T]) -> usize {
    all.iter().position(|one| one == of).unwrap_or_default()
}

impl Dictionary {
    /// `[0, account, region, arn, name, tags]`.
    fn resource(&mut self, finding: &Finding) -> Result<String, Error> {
        let resource = &finding.resource;
        let text = serde_json::to_string(&(
            0,
            self.strings.number(&finding.account),
            self.strings.number(&finding.region),
            &resource.arn,
            &resource.name,
            &resource.tags,
        ))?;
        Ok(inert(&text))
    }

    /// `[fingerprint, kind, verdict, part, evidence, not assessed, note, change, suppressed]`,
    /// without the empty ones at the end.
    fn finding(&mut self, finding: &Finding) -> Result<String, Error> {
        let boundary = &finding.boundary;
        let kind = serde_json::to_string(&Kind {
            check: &finding.check,
            title: &finding.title,
            severity: position(&finding.severity, &Severity::ALL),
            service: &finding.service,
            layer: position(&finding.layer, &Layer::ALL),
            control_type: finding.control_type.id(),
            resource: &finding.resource.kind,
            service_model: boundary.service_model.id(),
            owner: boundary.owner,
            aws: &boundary.aws,
            customer: &boundary.customer,
            variant: boundary.variant.as_deref(),
            controls: finding.controls.iter().map(|c| (&*c.framework, &*c.id)).collect(),
            remediation: finding.remediation(),
        })?;
        let evidence: Vec<_> = finding
            .evidence
            .iter()
            .map(|item| {
                (
                    self.strings.number(&item.field),
                    &item.observed,
                    self.strings.number(&item.expected),
                    self.strings.number(&item.call),
                )
            })
            .collect();
        let unread = finding
            .not_assessed
            .as_ref()
            .map(|why| (&why.cause, &why.reason, &why.call, &why.action));
        let suppressed = finding.suppressed.as_ref().map(|s| (&s.owner, &s.reason, &s.expires));
        let mut text = serde_json::to_string(&(
            &finding.fingerprint,
            self.kinds.number(&kind),
            position(&finding.verdict, &Verdict::ALL),
            (!finding.part.is_empty()).then_some(&finding.part),
            (!evidence.is_empty()).then_some(evidence),
            unread,
            &finding.note,
            finding.change.map(|change| position(&change, &CHANGES)),
            suppressed,
        ))?;
        while let Some(rest) = text.strip_suffix(",null]") {
            text = format!("{rest}]");
        }
        Ok(inert(&text))
    }

    fn text(&self) -> Result<String, Error> {
        let strings = serde_json::to_string(&self.strings.entries)?;
        Ok(inert(&format!(
            "{{\"strings\":{strings},\"kinds\":[{}]}}",
            self.kinds.entries.join(",")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::{CSS, JS, base64, inert};

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let vectors =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in vectors {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }

    #[test]
    fn the_pages_own_script_and_style_end_where_they_should() {
        assert!(!JS.to_ascii_lowercase().contains("</script") && !JS.contains("<!--"));
        assert!(!CSS.to_ascii_lowercase().contains("</style"));
        assert!(!JS.contains("innerHTML") && !JS.contains("insertAdjacentHTML"));
    }

    #[test]
    fn inert_json_means_the_same_and_has_no_markup() {
        let text = serde_json::json!(["</script>\u{2028}&amp;"]).to_string();
        let inert = inert(&text);
        assert!(!inert.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&inert).ok(),
            serde_json::from_str(&text).ok()
        );
    }
}
