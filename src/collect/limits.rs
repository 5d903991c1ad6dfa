//! Token buckets, as AWS publishes them, of which a scan takes its share.
//!
//! Limiter crates offer fixed quotas; these buckets slow down and recover as AWS's answers say
//! (additive increase, multiplicative decrease), so they are kept here.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use demarc_model::Call;
use serde::Deserialize;

/// One row of `limits.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    #[serde(default)]
    pub service: String,
    #[serde(default)]
    pub operations: Vec<String>,
    /// One bucket for all the operations that the row fits.
    #[serde(default)]
    pub shared: bool,
    /// Size of the bucket, requests.
    pub burst: f64,
    /// Refill, requests per second.
    pub rate: f64,
    /// The AWS page that publishes it, by name.
    pub source: String,
    pub published: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    limit: Vec<Limit>,
    default: Limit,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("limits.toml")).expect("limits.toml is tested to parse")
});

/// The row that fits a call, and the name of the bucket it draws from.
pub fn limit_of(call: &Call) -> (&'static Limit, String) {
    limit_for(call.service, call.operation)
}

/// [`limit_of`] for a call that demarc may not know: whoever answers in AWS's place asks too.
pub fn limit_for(service: &str, operation: &str) -> (&'static Limit, String) {
    let fits = |limit: &&Limit| {
        limit.service == service
            && (limit.operations.is_empty() || limit.operations.iter().any(|o| o == operation))
    };
    match TABLE.limit.iter().find(fits) {
        Some(limit) if limit.shared => (limit, format!("{service} *")),
        Some(limit) => (limit, format!("{service} {operation}")),
        None => (&TABLE.default, format!("{service} {operation}")),
    }
}

/// The buckets of a run: one set an account and region.
#[derive(Debug)]
pub struct Buckets {
    /// 0 exclusive to 1: how much of each bucket the run may take.
    share: f64,
    /// Off where nobody is on the other side: replaying a recording.
    enforced: bool,
    filled: Mutex<Filled>,
}

/// By account, region and name.
type Filled = HashMap<(Arc<str>, Arc<str>, String), Arc<Bucket>>;

impl Buckets {
    pub fn new(share: f64) -> Self {
        Self { share, enforced: true, filled: Mutex::default() }
    }

    pub fn unlimited() -> Self {
        Self { share: 1.0, enforced: false, filled: Mutex::default() }
    }

    fn filled(&self) -> MutexGuard<'_, Filled> {
        self.filled.lock().expect("no holder of the buckets panics")
    }

    pub(crate) fn of(
        &self,
        account: &Arc<str>,
        region: &Arc<str>,
        call: &Call,
    ) -> Option<Arc<Bucket>> {
        if !self.enforced {
            return None;
        }
        let (limit, name) = limit_of(call);
        let key = (Arc::clone(account), Arc::clone(region), name);
        let mut filled = self.filled();
        let bucket = filled.entry(key).or_insert_with(|| Arc::new(Bucket::new(limit, self.share)));
        Some(Arc::clone(bucket))
    }

    /// Drops an account's buckets once it is done.
    pub fn forget(&self, account: &str) {
        self.filled().retain(|(owner, ..), _| &**owner != account);
    }
}

/// One token bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    burst: f64,
    rate: f64,
    state: Mutex<State>,
    /// Held by who is next: requests leave in the order in which they came, at the pace of the
    /// moment.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    refilled: Instant,
    /// Of the rate; halved when AWS says "slow down", regained step by step.
    pace: f64,
    /// Nobody gets a token before: set when AWS says "slow down".
    hold_until: Instant,
    /// Times in a row that AWS said "slow down", with no answer between them.
    refusals: u32,
}

/// The slowest pace, as a share of the rate: a scan that is starved still crawls.
const MIN_PACE: f64 = 0.05;
/// Regained with every answer.
const PACE_STEP: f64 = 0.02;

impl Bucket {
    fn new(limit: &Limit, share: f64) -> Self {
        let now = Instant::now();
        let burst = (limit.burst * share).max(1.0);
        Self {
            burst,
            rate: limit.rate * share,
            state: Mutex::new(State {
                tokens: burst,
                refilled: now,
                pace: 1.0,
                hold_until: now,
                refusals: 0,
            }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of a bucket panics")
    }

    fn refill(&self, state: &mut State, now: Instant) {
        let elapsed = now.saturating_duration_since(state.refilled).as_secs_f64();
        state.tokens = (state.tokens + elapsed * self.rate * state.pace).min(self.burst);
        state.refilled = now;
    }

    /// Takes one token, or says when there may be one.
    fn try_take(&self, now: Instant) -> Result<(), Instant> {
        let state = &mut *self.state();
        self.refill(state, now);
        if now < state.hold_until {
            return Err(state.hold_until);
        }
        // Sums of fractions are a little less than they should be.
        if state.tokens > 1.0 - 1e-6 {
            state.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - state.tokens) / (self.rate * state.pace);
        Err(now + Duration::from_secs_f64(wait))
    }

    /// Waits for a token.
    pub(crate) async fn take(&self) {
        let _turn = self.turn.lock().await;
        while let Err(at) = self.try_take(Instant::now()) {
            tokio::time::sleep_until(at.into()).await;
        }
    }

    /// AWS said "slow down": half the pace, nothing saved up, a pause. `pause` says how long
    /// after how many refusals in a row; what AWS asked for is kept besides.
    pub(crate) fn throttled(
        &self,
        now: Instant,
        asked_for: Option<Duration>,
        pause: impl FnOnce(u32) -> Duration,
    ) {
        let state = &mut *self.state();
        self.refill(state, now);
        state.tokens = state.tokens.min(0.0);
        // Many requests were on their way: they are one refusal.
        if now >= state.hold_until {
            state.pace = (state.pace / 2.0).max(MIN_PACE);
            state.refusals += 1;
            state.hold_until = now + pause(state.refusals);
        }
        if let Some(asked_for) = asked_for {
            state.hold_until = state.hold_until.max(now + asked_for);
        }
    }

    pub(crate) fn answered(&self, now: Instant) {
        let state = &mut *self.state();
        state.refusals = 0;
        if state.pace < 1.0 {
            self.refill(state, now);
            state.pace = (state.pace + PACE_STEP).min(1.0);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use demarc_model::calls;

    use super::*;

    #[test]
    fn every_call_has_a_limit_with_a_source() {
        for call in calls::all() {
            let (limit, _) = limit_of(call);
            assert!(limit.burst >= 1.0 && limit.rate > 0.0, "{}", call.name());
            assert!(!limit.source.is_empty(), "{}", call.name());
        }
        let (describe, name) = limit_of(&calls::ec2::DESCRIBE_INSTANCES);
        assert_eq!((describe.burst, describe.rate), (100.0, 20.0));
        assert_eq!(name, "EC2 DescribeInstances");
    }

    fn bucket() -> (Bucket, Instant) {
        let (limit, _) = limit_of(&calls::ec2::DESCRIBE_VPCS);
        let bucket = Bucket::new(limit, 0.5);
        let now = bucket.state().refilled + Duration::from_millis(1);
        (bucket, now)
    }

    #[test]
    fn half_a_bucket_is_spent_at_once_and_then_at_half_the_rate() {
        let (bucket, now) = bucket();
        for _ in 0..50 {
            bucket.try_take(now).unwrap();
        }
        let mut at = now;
        for _ in 0..10 {
            at = bucket.try_take(at).unwrap_err();
            bucket.try_take(at).unwrap();
        }
        let waited = (at - now).as_secs_f64();
        assert!((waited - 1.0).abs() < 0.01, "ten more at 10/s leave within {waited} s");
    }

    #[test]
    fn a_throttled_bucket_halves_its_pace_once_a_pause_and_regains_it() {
        let (bucket, now) = bucket();
        let pause = Duration::from_secs(1);
        bucket.throttled(now, None, |_| pause);
        bucket.throttled(now, None, |_| pause * 2);
        assert_eq!(bucket.try_take(now), Err(now + pause), "nothing leaves during the pause");
        assert!((bucket.state().pace - 0.5).abs() < 1e-9);
        for _ in 0..25 {
            bucket.answered(now);
        }
        assert!((bucket.state().pace - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_aws_asks_for_is_kept_also_by_the_second_refusal() {
        let (bucket, now) = bucket();
        bucket.throttled(now, None, |_| Duration::from_millis(200));
        let long = Duration::from_secs(10);
        bucket.throttled(now, Some(long), |_| Duration::from_millis(200));
        assert_eq!(bucket.try_take(now), Err(now + long));
    }

    #[test]
    fn pauses_grow_until_an_answer_comes() {
        let (bucket, now) = bucket();
        let refused = |second: u64| {
            let mut seen = 0;
            bucket.throttled(now + Duration::from_secs(second), None, |refusals| {
                seen = refusals;
                Duration::from_secs(1)
            });
            seen
        };
        assert_eq!([refused(0), refused(1), refused(2)], [1, 2, 3]);
        bucket.answered(now + Duration::from_secs(3));
        assert_eq!(refused(3), 1);
    }

    #[tokio::test]
    async fn who_waits_keeps_to_the_pace_of_the_moment() {
        let (bucket, now) = bucket();
        while bucket.try_take(now).is_ok() {}
        bucket.throttled(now, None, |_| Duration::from_millis(50));
        let begun = Instant::now();
        tokio::join!(bucket.take(), bucket.take());
        // At 10/s they would have left after a fifth of a second.
        assert!(begun.elapsed() > Duration::from_millis(300), "{:?}", begun.elapsed());
    }
}
