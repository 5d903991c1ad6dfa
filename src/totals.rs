//! What a report says before its findings: figures that add up over checks and accounts.

use std::collections::{BTreeMap, BTreeSet};

use demarc_checks::boundary;
use demarc_collect::ledger;
use demarc_model::{Call, Check, Layer, Severity};
use demarc_report::{
    AccountRow, CallRow, CellState, ControlTypeRow, Counts, Coverage, Finding, Gap, Head,
    InheritedRow, MatrixCell, MatrixRow, Owner, SCHEMA_VERSION, Scan, Share, Summary, Worst,
};
use serde::{Deserialize, Serialize};

/// Account ids that a gap lists; the rest are counted.
const GAP_ACCOUNTS: usize = 20;

/// Findings that a summary shows.
pub(crate) const WORST: usize = 10;

/// What one check found in one account.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) verdicts: Counts,
    /// One look a region, or one at the account's global part.
    pub(crate) looks: Share,
    /// A resource was there to be judged, not only the account itself.
    pub(crate) saw_resource: bool,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) worst: Worst<WORST>,
}

/// The figures of one account, or of many added up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    accounts: Vec<AccountRow>,
    summary: Summary,
    looks: Share,
    looks_by_check: BTreeMap<String, Share>,
    calls: Vec<CallRow>,
    gaps: Vec<Gap>,
    /// Service to layer to verdicts.
    cells: BTreeMap<String, BTreeMap<Layer, Counts>>,
    /// Services of which a resource was seen.
    in_use: BTreeSet<String>,
    worst: Worst<WORST>,
}

impl Totals {
    /// The figures of one account, before anything was counted.
    pub(crate) fn of(row: AccountRow) -> Self {
        Self { accounts: vec![row], ..Self::default() }
    }

    /// Counts what a check found in the account of the last row.
    pub(crate) fn add(&mut self, check: &Check, found: Tally) {
        let (service, counts) = (check.service.id(), &found.verdicts);
        let summary = &mut self.summary;
        if counts.total() > 0 {
            summary.verdicts.merge(counts);
            summary.by_layer.entry(check.layer).or_default().merge(counts);
            entry(&mut summary.by_service, service).merge(counts);
            summary.by_control_type.entry(check.control_type).or_default().merge(counts);
            entry(&mut summary.by_check, check.id).merge(counts);
            entry(&mut self.cells, service).entry(check.layer).or_default().merge(counts);
        }
        let open = counts.fail - counts.suppressed;
        if open > 0 {
            *summary.failed.entry(check.severity).or_default() += open;
        }
        if found.saw_resource && !self.in_use.contains(service) {
            self.in_use.insert(service.to_owned());
        }
        self.looks.merge(found.looks);
        entry(&mut self.looks_by_check, check.id).merge(found.looks);
        if let Some(row) = self.accounts.last_mut() {
            row.verdicts.merge(counts);
            if open > 0 {
                *row.failed.entry(check.severity).or_default() += open;
            }
            row.looks.merge(found.looks);
        }
        for gap in found.gaps {
            self.add_gap(gap);
        }
        self.worst.merge(found.worst);
    }

    fn add_gap(&mut self, gap: Gap) {
        let key = |gap: &Gap| {
            (gap.cause.clone(), gap.service.clone(), gap.operation.clone(), gap.reason.clone())
        };
        let at = self.gaps.binary_search_by_key(&key(&gap), key);
        match at {
            Err(at) => self.gaps.insert(at, gap),
            Ok(at) => {
                let known = &mut self.gaps[at];
                union(&mut known.checks, gap.checks);
                union(&mut known.regions, gap.regions);
                let is_new = gap.accounts.iter().any(|id| !known.accounts.contains(id));
                known.accounts_total += if is_new { gap.accounts_total } else { 0 };
                union(&mut known.accounts, gap.accounts);
                known.accounts.truncate(GAP_ACCOUNTS);
                known.findings += gap.findings;
            }
        }
    }

    /// Enters an account's ledger.
    pub(crate) fn ledger(
        &mut self,
        entries: &[((&'static Call, std::sync::Arc<str>), ledger::Tally)],
    ) {
        for ((call, _), tally) in entries {
            self.add_call(CallRow {
                service: call.service.to_owned(),
                operation: call.operation.to_owned(),
                action: call.action.to_owned(),
                answered: tally.answered,
                unanswered: tally
                    .unanswered
                    .iter()
                    .map(|(cause, number)| ((*cause).to_owned(), *number))
                    .collect(),
            });
        }
    }

    fn add_call(&mut self, row: CallRow) {
        let key = |row: &CallRow| (row.service.clone(), row.operation.clone());
        match self.calls.binary_search_by_key(&key(&row), key) {
            Err(at) => self.calls.insert(at, row),
            Ok(at) => {
                let known = &mut self.calls[at];
                known.answered += row.answered;
                for (cause, number) in row.unanswered {
                    *known.unanswered.entry(cause).or_default() += number;
                }
            }
        }
    }

    /// Adds another account's figures.
    pub(crate) fn merge(&mut self, other: Self) {
        fn merge_all<K: Ord>(into: &mut BTreeMap<K, Counts>, from: BTreeMap<K, Counts>) {
            for (key, counts) in from {
                into.entry(key).or_default().merge(&counts);
            }
        }
        self.accounts.extend(other.accounts);
        self.summary.verdicts.merge(&other.summary.verdicts);
        for (severity, number) in other.summary.failed {
            *self.summary.failed.entry(severity).or_default() += number;
        }
        merge_all(&mut self.summary.by_layer, other.summary.by_layer);
        merge_all(&mut self.summary.by_service, other.summary.by_service);
        merge_all(&mut self.summary.by_control_type, other.summary.by_control_type);
        merge_all(&mut self.summary.by_check, other.summary.by_check);
        self.looks.merge(other.looks);
        for (check, share) in other.looks_by_check {
            self.looks_by_check.entry(check).or_default().merge(share);
        }
        for row in other.calls {
            self.add_call(row);
        }
        for gap in other.gaps {
            self.add_gap(gap);
        }
        for (service, layers) in other.cells {
            merge_all(self.cells.entry(service).or_default(), layers);
        }
        self.in_use.extend(other.in_use);
        self.worst.merge(other.worst);
    }

    /// Whether they are of no account at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The findings that a summary shows, the worst first.
    pub(crate) fn worst(&self) -> Vec<Finding> {
        self.worst.clone().into_vec()
    }

    /// Everything that precedes the findings.
    pub(crate) fn head(mut self, scan: Scan, checks: &[&'static Check]) -> Head {
        self.accounts.sort_by(|a, b| a.id.cmp(&b.id));
        let matrix = self.matrix(checks);
        let mut coverage = Coverage {
            looks: self.looks,
            calls: self.calls,
            gaps: self.gaps,
            ..Coverage::default()
        };
        for check in checks {
            let share = self.looks_by_check.get(check.id).copied().unwrap_or_default();
            entry(&mut coverage.by_service, check.service.id()).merge(share);
            coverage.by_layer.entry(check.layer).or_default().merge(share);
        }
        coverage.by_check = self.looks_by_check;
        // The widest gap first; the order of causes and calls settles the rest.
        coverage.gaps.sort_by_key(|gap| std::cmp::Reverse(gap.findings));
        Head {
            schema_version: SCHEMA_VERSION.to_owned(),
            tool: crate::tickets::tool(),
            scan,
            accounts: self.accounts,
            control_types: control_types(&self.summary),
            inherited: inherited(),
            summary: self.summary,
            coverage,
            matrix,
            suppressions: Vec::new(),
            carried: Vec::new(),
        }
    }

    /// Services in use × layers; the account's own settings are always in use.
    fn matrix(&self, checks: &[&'static Check]) -> Vec<MatrixRow> {
        let is_in_use = |service: &str| service == "account" || self.in_use.contains(service);
        boundary::all()
            .iter()
            .filter(|boundary| is_in_use(&boundary.service))
            .map(|boundary| MatrixRow {
                service: boundary.service.clone(),
                name: boundary.name.clone(),
                service_model: boundary.service_model,
                cells: boundary
                    .layers
                    .iter()
                    .map(|(layer, cell)| {
                        let counts = self.cells.get(&boundary.service);
                        let verdicts = counts
                            .and_then(|layers| layers.get(&layer))
                            .copied()
                            .unwrap_or_default();
                        let looks_here = |check: &&&Check| {
                            check.service.id() == boundary.service && check.layer == layer
                        };
                        let number = checks.iter().filter(looks_here).count() as u64;
                        (
                            layer,
                            MatrixCell {
                                owner: owner(cell.owner),
                                state: state(cell, &verdicts),
                                checks: number,
                                verdicts,
                                aws: cell.aws.clone(),
                                customer: cell.customer.clone(),
                                instead: cell.instead.clone(),
                            },
                        )
                    })
                    .collect(),
            })
            .collect()
    }

    /// Open failures at or above a severity.
    pub(crate) fn failed_from(head: &Head, severity: Severity) -> u64 {
        head.summary.failed.range(severity..).map(|(_, number)| number).sum()
    }
}

fn entry<'a, V: Default>(map: &'a mut BTreeMap<String, V>, key: &str) -> &'a mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.get_mut(key).expect("the key was just inserted")
}

fn control_types(summary: &Summary) -> Vec<ControlTypeRow> {
    boundary::control_types()
        .types
        .iter()
        .map(|kind| ControlTypeRow {
            id: kind.id,
            title: kind.title.clone(),
            meaning: kind.meaning.clone(),
            aws: kind.aws.clone(),
            customer: kind.customer.clone(),
            verdicts: summary.by_control_type.get(&kind.id).copied().unwrap_or_default(),
        })
        .collect()
}

fn inherited() -> Vec<InheritedRow> {
    boundary::control_types()
        .inherited
        .iter()
        .map(|control| InheritedRow {
            id: control.id.clone(),
            title: control.title.clone(),
            aws: control.aws.clone(),
            evidence: control.evidence.clone(),
            page: control.page.clone(),
        })
        .collect()
}

fn union(into: &mut Vec<String>, from: Vec<String>) {
    for item in from {
        if let Err(at) = into.binary_search(&item) {
            into.insert(at, item);
        }
    }
}

fn state(cell: &demarc_model::boundary::Cell, verdicts: &Counts) -> CellState {
    if verdicts.fail > verdicts.suppressed {
        CellState::Failed
    } else if verdicts.not_assessed > 0 {
        CellState::NotAssessed
    } else if verdicts.total() > 0 {
        CellState::Passed
    } else if !cell.owner.includes_customer() {
        CellState::NotYours
    } else if cell.visible {
        CellState::NoCheck
    } else {
        CellState::Invisible
    }
}

pub(crate) fn owner(owner: demarc_model::boundary::Owner) -> Owner {
    use demarc_model::boundary::Owner as Of;
    match owner {
        Of::Aws => Owner::Aws,
        Of::Customer => Owner::Customer,
        Of::Both => Owner::Both,
        Of::None => Owner::None,
    }
}
