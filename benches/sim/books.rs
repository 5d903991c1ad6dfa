//! What was asked, and the token buckets it drew from.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use demarc_collect::limits;
use serde::Serialize;

use crate::index::is_global;

/// Numbers of one bucket of one account and region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fullest {
    pub account: String,
    /// Empty for services that are asked in one place for the whole account.
    pub region: String,
    pub bucket: String,
    /// Requests that drew from it, throttled ones among them.
    pub calls: u64,
    pub throttled: u64,
    pub burst: f64,
    pub rate: f64,
}

impl Fullest {
    /// Seconds that the calls take at least, at a share of the bucket, which starts full.
    pub fn bound(&self, share: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "calls of one run are far below 2^52")]
        let calls = self.calls as f64;
        ((calls - (self.burst * share).max(1.0)) / (self.rate * share)).max(0.0)
    }
}

/// What was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Snapshot {
    pub requests: u64,
    /// Answered with "slow down" because a bucket was empty.
    pub throttled: u64,
    /// Answered as a fault rule says.
    pub faults: u64,
    /// Questions that the recording does not answer.
    pub unknown: u64,
    /// Most requests that were being answered at the same time.
    pub max_concurrency: u64,
    /// By service and operation.
    pub operations: BTreeMap<String, u64>,
    pub regions: BTreeMap<String, u64>,
    pub accounts: BTreeMap<String, u64>,
    /// The buckets that take longest to answer their calls, longest first; not more than fifty.
    pub fullest: Vec<Fullest>,
}

/// One request, as it is kept when a log is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    pub account: String,
    pub region: String,
    pub service: String,
    pub operation: String,
    pub request: String,
    pub body: String,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    refilled: Instant,
    calls: u64,
    throttled: u64,
}

/// One operation, and the bucket that it draws from.
#[derive(Debug)]
struct Operation {
    name: String,
    requests: u64,
    bucket: u16,
    global: bool,
}

#[derive(Debug)]
struct Kind {
    name: String,
    burst: f64,
    rate: f64,
}

#[derive(Debug, Default)]
struct Open {
    operations: Vec<Operation>,
    operation_ids: HashMap<String, u16>,
    kinds: Vec<Kind>,
    regions: Vec<(String, u64)>,
    /// By account number.
    accounts: HashMap<u32, u64>,
    buckets: HashMap<(u32, u16, u16), Bucket>,
    throttled: u64,
    log: Option<Vec<Logged>>,
}

#[derive(Debug)]
pub(crate) struct Books {
    enforced: bool,
    /// What another client leaves of every bucket.
    left: f64,
    open: Mutex<Open>,
    faults: AtomicU64,
    unknown: AtomicU64,
    in_flight: AtomicU64,
    most_in_flight: AtomicU64,
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Books>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn place<T>(list: &mut Vec<T>, fits: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> u16 {
    let at = list.iter().position(fits).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    u16::try_from(at).expect("AWS has fewer than 65,536 operations and regions")
}

impl Open {
    fn operation(&mut self, service: &str, operation: &str) -> u16 {
        let name = format!("{service} {operation}");
        if let Some(at) = self.operation_ids.get(&name) {
            return *at;
        }
        let (limit, bucket) = limits::limit_for(service, operation);
        let bucket = place(
            &mut self.kinds,
            |kind| kind.name == bucket,
            || Kind { name: bucket.clone(), burst: limit.burst, rate: limit.rate },
        );
        let global = is_global(service) && service != "S3";
        let new = Operation { name: name.clone(), requests: 0, bucket, global };
        let at = place(&mut self.operations, |known| known.name == name, || new);
        self.operation_ids.insert(name, at);
        at
    }
}

impl Books {
    /// `foreign`: the share that another client takes of every bucket and its refill.
    pub(crate) fn new(enforced: bool, foreign: f64, log: bool) -> Self {
        let open = Open { log: log.then(Vec::new), ..Open::default() };
        Self {
            enforced,
            left: 1.0 - foreign,
            open: Mutex::new(open),
            faults: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            most_in_flight: AtomicU64::new(0),
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("no holder of the books panics")
    }

    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(now, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(crate) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unknown(&self) {
        self.unknown.fetch_add(1, Ordering::Relaxed);
    }

    /// Enters a request; says whether its bucket had a token for it.
    pub(crate) fn request(
        &self,
        account: u32,
        asked: &crate::request::Asked,
        now: Instant,
    ) -> bool {
        let open = &mut *self.open();
        let id = open.operation(&asked.service, &asked.operation);
        let operation = &mut open.operations[usize::from(id)];
        operation.requests += 1;
        let bucket = operation.bucket;
        let name = if operation.global { "" } else { asked.region.as_str() };
        let find = |open: &mut Open, name: &str| {
            place(&mut open.regions, |(known, _)| known == name, || (name.to_owned(), 0))
        };
        let owner = find(open, name);
        let region = find(open, &asked.region);
        open.regions[usize::from(region)].1 += 1;
        *open.accounts.entry(account).or_default() += 1;
        let kind = &open.kinds[usize::from(bucket)];
        let (burst, rate) = ((kind.burst * self.left).max(1.0), kind.rate * self.left);
        let new = || Bucket { tokens: burst, refilled: now, calls: 0, throttled: 0 };
        let bucket = open.buckets.entry((account, owner, bucket)).or_insert_with(new);
        bucket.calls += 1;
        if !self.enforced {
            return true;
        }
        let elapsed = now.saturating_duration_since(bucket.refilled).as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * rate).min(burst);
        bucket.refilled = now;
        // A share such as 1 - 0.8 is a little less than it should be.
        let granted = bucket.tokens >= 1.0 - 1e-6;
        if granted {
            bucket.tokens -= 1.0;
        } else {
            bucket.throttled += 1;
            open.throttled += 1;
        }
        granted
    }

    pub(crate) fn log(&self, logged: impl FnOnce() -> Logged) {
        if let Some(log) = &mut self.open().log {
            log.push(logged());
        }
    }

    pub(crate) fn logged(&self) -> Vec<Logged> {
        self.open().log.clone().unwrap_or_default()
    }

    /// Forgets all that was asked; the buckets are full again.
    pub(crate) fn reset(&self) {
        let open = &mut *self.open();
        let log = open.log.is_some().then(Vec::new);
        *open = Open { log, ..Open::default() };
        for counter in [&self.faults, &self.unknown, &self.most_in_flight] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn snapshot(&self, account_id: impl Fn(u32) -> String) -> Snapshot {
        let open = self.open();
        let seconds = |calls: u64, kind: &Kind| {
            #[expect(clippy::cast_precision_loss, reason = "calls of one run are far below 2^52")]
            let calls = calls as f64;
            calls / kind.rate
        };
        let mut buckets: Vec<_> = open
            .buckets
            .iter()
            .map(|(key, bucket)| (key, bucket, &open.kinds[usize::from(key.2)]))
            .collect();
        buckets.sort_by(|(a_key, a, a_kind), (b_key, b, b_kind)| {
            let order = seconds(b.calls, b_kind).total_cmp(&seconds(a.calls, a_kind));
            order.then_with(|| a_key.cmp(b_key))
        });
        let fullest =
            buckets.into_iter().take(50).map(|((account, region, _), bucket, kind)| Fullest {
                account: account_id(*account),
                region: open.regions[usize::from(*region)].0.clone(),
                bucket: kind.name.clone(),
                calls: bucket.calls,
                throttled: bucket.throttled,
                burst: kind.burst,
                rate: kind.rate,
            });
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            requests: open.operations.iter().map(|operation| operation.requests).sum(),
            throttled: open.throttled,
            faults: read(&self.faults),
            unknown: read(&self.unknown),
            max_concurrency: read(&self.most_in_flight),
            operations: open.operations.iter().map(|o| (o.name.clone(), o.requests)).collect(),
            regions: open.regions.iter().filter(|(_, requests)| *requests > 0).cloned().collect(),
            accounts: open.accounts.iter().map(|(at, n)| (account_id(*at), *n)).collect(),
            fullest: fullest.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::request::{Asked, Protocol};

    fn asked(service: &str, operation: &str, region: &str) -> Asked {
        Asked {
            access_key: String::new(),
            token: None,
            region: region.to_owned(),
            protocol: Protocol::Ec2,
            service: service.to_owned(),
            operation: operation.to_owned(),
            request: String::new(),
            body: String::new(),
        }
    }

    fn granted(books: &Books, account: u32, asked: &Asked, now: Instant, times: usize) -> usize {
        (0..times).filter(|_| books.request(account, asked, now)).count()
    }

    #[test]
    fn each_account_region_and_operation_of_ec2_has_its_own_hundred_requests() {
        let books = Books::new(true, 0.0, false);
        let now = Instant::now();
        let vpcs = asked("EC2", "DescribeVpcs", "eu-west-1");
        assert_eq!(granted(&books, 0, &vpcs, now, 150), 100);
        assert_eq!(granted(&books, 0, &vpcs, now + Duration::from_millis(500), 50), 10);
        assert_eq!(granted(&books, 1, &vpcs, now, 150), 100);
        assert_eq!(granted(&books, 0, &asked("EC2", "DescribeVpcs", "us-east-1"), now, 150), 100);
        assert_eq!(granted(&books, 0, &asked("EC2", "DescribeTags", "eu-west-1"), now, 150), 100);
        let snapshot = books.snapshot(|account| account.to_string());
        assert_eq!((snapshot.requests, snapshot.throttled), (650, 240));
        assert_eq!(snapshot.fullest[0].calls, 200);
        assert_eq!(snapshot.operations["EC2 DescribeVpcs"], 500);
        // 200 calls, of which half a bucket of 50 is free, at 10/s.
        assert!((snapshot.fullest[0].bound(0.5) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn another_client_leaves_its_rest_and_iam_is_one_place() {
        let books = Books::new(true, 0.8, false);
        let now = Instant::now();
        assert_eq!(granted(&books, 0, &asked("EC2", "DescribeVpcs", "eu-west-1"), now, 150), 20);
        let iam = |region| granted(&books, 0, &asked("IAM", "ListUsers", region), now, 100);
        assert_eq!((iam("us-east-1"), iam("eu-west-1")), (8, 0));
    }
}
