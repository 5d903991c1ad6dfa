//! A recording, ready to be asked from any account and region.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use demarc_collect::recording::{self, Answer, Exchange, Header};
use demarc_model::calls;

use crate::{
    request::{Asked, Protocol, essence, filed, signed_as},
    template::Template,
};

/// The exchanges of a recording, from a file or made by hand.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub header: Header,
    pub exchanges: Vec<Exchange>,
}

impl Recorded {
    pub fn open(path: &Path) -> Result<Self, recording::Error> {
        let fail = |source| recording::Error::Open { path: PathBuf::from(path), source };
        Self::parse(&std::fs::read(path).map_err(fail)?, path)
    }

    /// Reads a recording from memory; `path` is for messages.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, recording::Error> {
        let mut header = None;
        let exchanges = recording::exchanges(bytes, path, &mut header)?;
        let truncated =
            || recording::Error::Truncated { path: path.to_owned(), what: "no header".to_owned() };
        Ok(Self { header: header.ok_or_else(truncated)?, exchanges })
    }

    pub fn write(&self, path: &Path) -> Result<(), recording::Error> {
        let recorder = recording::Recorder::create(path)?;
        for exchange in &self.exchanges {
            recorder.add(exchange);
        }
        recorder.finish(&self.header)
    }

    /// The regions that were recorded, of all targets, in order of their names.
    pub(crate) fn regions(&self) -> Vec<String> {
        let mut regions: Vec<_> =
            self.header.targets.iter().flat_map(|target| target.regions.clone()).collect();
        regions.sort();
        regions.dedup();
        regions
    }
}

/// Services that are asked in one place for the whole account: an answer's region stays.
const GLOBAL: &[&str] = &["Account", "CloudFront", "IAM", "Organizations", "Route 53", "S3"];

pub(crate) fn is_global(service: &str) -> bool {
    GLOBAL.contains(&service)
}

#[derive(Debug)]
pub(crate) enum Prepared {
    Http { status: u16, headers: Vec<(String, String)>, body: Template },
    Lost,
}

/// One recorded question with its answers, in the order they came.
#[derive(Debug)]
pub(crate) struct Entry {
    region: String,
    pub(crate) answers: Vec<Prepared>,
}

/// A question's service and operation, and what it asks for.
type Key = (usize, String, String);

#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    /// The request to the byte; its essence; its essence without filters.
    exact: HashMap<Key, Vec<usize>>,
    whole: HashMap<Key, Vec<usize>>,
    unfiltered: HashMap<Key, Vec<usize>>,
    /// REST requests say what they are by their path: signature's service and path, to operation.
    paths: HashMap<(String, String), (String, String)>,
    /// SDK ids of the services that demarc or the recording knows.
    pub(crate) services: Vec<String>,
    /// Recorded account ids, by target.
    pub(crate) accounts: Vec<String>,
}

fn exact(request: &str, body: &str) -> String {
    format!("{request}\n{body}")
}

fn operation_key(service: &str, operation: &str) -> String {
    format!("{service} {operation}")
}

/// An answer that AWS would have given otherwise a moment later.
fn is_passing_fault(answer: &Answer) -> bool {
    match answer {
        Answer::Lost(_) => true,
        Answer::Http { status, body, .. } => {
            *status >= 500
                || *status == 429
                || *status >= 400 && (body.contains("Throttl") || body.contains("TooManyRequests"))
        }
    }
}

impl Index {
    pub(crate) fn new(recorded: &Recorded) -> Self {
        let mut index = Self {
            accounts: recorded.header.targets.iter().map(|t| t.account.clone()).collect(),
            services: calls::all().map(|call| call.service.to_owned()).collect(),
            ..Self::default()
        };
        index.services.extend(recorded.exchanges.iter().map(|e| e.service.clone()));
        index.services.sort();
        index.services.dedup();
        let mut grouped: Vec<(&Exchange, Vec<&Answer>)> = Vec::new();
        let mut places = HashMap::new();
        for exchange in &recorded.exchanges {
            let key = (
                &exchange.account,
                &exchange.region,
                &exchange.service,
                &exchange.operation,
                &exchange.request,
                &exchange.body,
            );
            let at = *places.entry(key).or_insert_with(|| {
                grouped.push((exchange, Vec::new()));
                grouped.len() - 1
            });
            grouped[at].1.push(&exchange.answer);
        }
        // Faults are made on demand here; recorded ones only stand where there is no better
        // answer in any region.
        for (_, answers) in &mut grouped {
            if answers.iter().any(|answer| !is_passing_fault(answer)) {
                answers.retain(|answer| !is_passing_fault(answer));
            }
        }
        for passing in [false, true] {
            for (exchange, answers) in &grouped {
                if answers.iter().all(|answer| is_passing_fault(answer)) == passing {
                    index.add(exchange, answers, passing);
                }
            }
        }
        index
    }

    fn add(&mut self, exchange: &Exchange, answers: &[&Answer], only_where_none_is: bool) {
        let Some(target) = self.accounts.iter().position(|a| *a == exchange.account) else {
            return;
        };
        let request = filed(&exchange.request);
        let operation = operation_key(&exchange.service, &exchange.operation);
        let key = (target, operation.clone(), exact(&request, &exchange.body));
        if only_where_none_is && self.exact.contains_key(&key) {
            return;
        }
        let region = (!is_global(&exchange.service)).then_some(exchange.region.as_str());
        let prepared = answers.iter().map(|answer| match answer {
            Answer::Http { status, headers, body } => Prepared::Http {
                status: *status,
                headers: headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
                body: Template::new(body, &exchange.account, region),
            },
            Answer::Lost(_) => Prepared::Lost,
        });
        let at = self.entries.len();
        self.entries.push(Entry { region: exchange.region.clone(), answers: prepared.collect() });
        let essence = essence(&request, &exchange.body);
        let path = request.split('?').next().unwrap_or_default().to_owned();
        self.paths
            .entry((signed_as(&exchange.service), path))
            .or_insert_with(|| (exchange.service.clone(), exchange.operation.clone()));
        self.exact.entry(key).or_default().push(at);
        self.whole.entry((target, operation.clone(), essence.whole)).or_default().push(at);
        self.unfiltered.entry((target, operation, essence.unfiltered)).or_default().push(at);
    }

    /// Names a REST request's operation, where its path was recorded.
    pub(crate) fn name(&self, asked: &mut Asked) {
        if asked.protocol == Protocol::RestJson && asked.operation.is_empty() {
            let path = asked.request.split('?').next().unwrap_or_default().to_owned();
            if let Some((service, operation)) = self.paths.get(&(signed_as(&asked.service), path)) {
                asked.service.clone_from(service);
                asked.operation.clone_from(operation);
            }
        }
    }

    /// The recorded answers to a question that `account` asks, which copies `target`'s recording
    /// of `region`, and their number in the recording.
    pub(crate) fn find(
        &self,
        asked: &Asked,
        account: &str,
        target: usize,
        region: &str,
    ) -> Option<(usize, &Entry)> {
        let recorded = &self.accounts[target];
        let as_recorded = |text: &str| {
            let mut text = text.to_owned();
            if account != recorded && text.contains(account) {
                text = text.replace(account, recorded);
            }
            if !is_global(&asked.service) && asked.region != region && text.contains(&asked.region)
            {
                text = text.replace(&asked.region, region);
            }
            text
        };
        let (request, body) = (as_recorded(&asked.request), as_recorded(&asked.body));
        let operation = operation_key(&asked.service, &asked.operation);
        let best = |found: Option<&Vec<usize>>, anywhere: bool| {
            let found = found?;
            let here =
                |wanted: &str| found.iter().copied().find(|at| self.entries[*at].region == wanted);
            here(&asked.region)
                .or_else(|| here(region))
                .or_else(|| found.first().copied().filter(|_| anywhere))
        };
        let key = (target, operation, exact(&request, &body));
        if let Some(at) = best(self.exact.get(&key), false) {
            return Some((at, &self.entries[at]));
        }
        let (target, operation, _) = key;
        let essence = essence(&request, &body);
        let whole = (target, operation.clone(), essence.whole);
        let unfiltered = (target, operation, essence.unfiltered);
        let at = [false, true].into_iter().find_map(|anywhere| {
            best(self.whole.get(&whole), anywhere)
                .or_else(|| best(self.unfiltered.get(&unfiltered), anywhere))
        })?;
        Some((at, &self.entries[at]))
    }
}
