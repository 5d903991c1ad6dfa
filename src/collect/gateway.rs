//! The one way to AWS: every question is declared, paced, repeated when that can help, and
//! entered into the ledger.

use std::{
    collections::{BTreeSet, HashSet},
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aws_config::{Region, SdkConfig};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use demarc_model::{Call, Cause, Listing, NotAssessed, Read, Unread};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use crate::{
    classify::{Failure, Retry},
    guard::ReadOnly,
    ledger::{Ledger, Progress},
    limits::{Bucket, Buckets},
};

/// Attempts at one question that passing faults may cost.
const TRANSIENT_ATTEMPTS: u32 = 5;
/// Attempts at one question that throttling may cost; with the pauses between them, minutes.
const THROTTLED_ATTEMPTS: u32 = 10;
/// Attempts at one question that credentials may cost which ran out on the way.
const EXPIRED_ATTEMPTS: u32 = 3;
/// The pause after the first failure; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// What a whole run shares.
#[derive(Debug, Clone)]
pub struct Shared {
    pub buckets: Arc<Buckets>,
    pub in_flight: Arc<InFlight>,
    /// Cancelled by the deadline and by signals: nothing more is asked.
    pub stop: CancellationToken,
    pub progress: Arc<Progress>,
    /// Pauses between attempts; off when a recording answers.
    pub pauses: bool,
}

/// Bounds the requests in flight over all accounts.
#[derive(Debug)]
pub struct InFlight {
    all: Semaphore,
    /// Those of the thousands of small questions about single resources. A quarter is left to the
    /// listings, whose pages wait for each other: what waits longest must not queue behind what
    /// can be asked at any time.
    bulk: Semaphore,
}

impl InFlight {
    pub fn new(most: usize) -> Self {
        Self { all: Semaphore::new(most), bulk: Semaphore::new((most - most / 4).max(1)) }
    }

    async fn enter(&self, bulk: bool) -> (Option<SemaphorePermit<'_>>, SemaphorePermit<'_>) {
        const OPEN: &str = "the semaphore is never closed";
        let of_bulk = if bulk { Some(self.bulk.acquire().await.expect(OPEN)) } else { None };
        (of_bulk, self.all.acquire().await.expect(OPEN))
    }
}

/// The way to one account.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub(crate) shared: Shared,
    pub(crate) config: SdkConfig,
    pub(crate) account: Arc<str>,
    pub(crate) partition: Arc<str>,
    /// What the selected checks need; nothing else is asked.
    pub(crate) wanted: Arc<BTreeSet<&'static Call>>,
    pub ledger: Arc<Ledger>,
    /// The credentials ran out and were not renewed: asking again is in vain.
    pub(crate) expired: Arc<AtomicBool>,
}

impl Gateway {
    /// `config` carries the transport and the account's credentials.
    pub fn new(
        shared: Shared,
        config: SdkConfig,
        account: &str,
        partition: &str,
        wanted: Arc<BTreeSet<&'static Call>>,
    ) -> Self {
        Self {
            shared,
            config,
            account: Arc::from(account),
            partition: Arc::from(partition),
            wanted,
            ledger: Arc::default(),
            expired: Arc::default(),
        }
    }

    /// The way that one collector has to one region.
    pub(crate) fn context(&self, calls: &'static [&'static Call], region: &str) -> Context {
        Context { gateway: self.clone(), calls, region: Arc::from(region), bulk: false }
    }
}

/// The way that one collector has to one account and region.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) gateway: Gateway,
    calls: &'static [&'static Call],
    region: Arc<str>,
    bulk: bool,
}

/// Builds the client of one SDK crate for a context: its region, behind the guard.
macro_rules! client {
    ($name:ident, $sdk:ident) => {
        pub(crate) fn $name(&self) -> $sdk::Client {
            $sdk::Client::from_conf(
                $sdk::config::Builder::from(&self.gateway.config)
                    .region(Region::new(self.region.to_string()))
                    .interceptor(self.guard())
                    .build(),
            )
        }
    };
}

impl Context {
    client!(account_client, aws_sdk_account);
    client!(ec2_client, aws_sdk_ec2);
    client!(iam_client, aws_sdk_iam);
    client!(organizations_client, aws_sdk_organizations);
    client!(rds_client, aws_sdk_rds);

    pub(crate) fn s3_client(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::config::Builder::from(&self.gateway.config)
                .region(Region::new(self.region.to_string()))
                // A host of the user's own seldom resolves a bucket's name before its own.
                .force_path_style(self.gateway.config.endpoint_url().is_some())
                // A name like a directory bucket's would have the SDK send CreateSession first.
                .disable_s3_express_session_auth(true)
                .interceptor(self.guard())
                .build(),
        )
    }

    /// S3 Control puts the account before the host; a host of the user's own stays as it is.
    pub(crate) fn s3control_client(&self) -> aws_sdk_s3control::Client {
        use aws_sdk_s3control::config::endpoint::{
            Endpoint, EndpointFuture, Params, ResolveEndpoint,
        };

        #[derive(Debug)]
        struct AsGiven(String);
        impl ResolveEndpoint for AsGiven {
            fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
                EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
            }
        }

        let mut builder = aws_sdk_s3control::config::Builder::from(&self.gateway.config)
            .region(Region::new(self.region.to_string()))
            .interceptor(self.guard());
        if let Some(url) = self.gateway.config.endpoint_url() {
            builder = builder.endpoint_resolver(AsGiven(url.to_owned()));
        }
        aws_sdk_s3control::Client::from_conf(builder.build())
    }

    fn guard(&self) -> ReadOnly {
        ReadOnly {
            declared: self.calls,
            account: Arc::clone(&self.gateway.account),
            region: Arc::clone(&self.region),
        }
    }

    pub(crate) fn region(&self) -> &Arc<str> {
        &self.region
    }

    pub(crate) fn account(&self) -> &str {
        &self.gateway.account
    }

    pub(crate) fn partition(&self) -> &str {
        &self.gateway.partition
    }

    /// The same collector's way to another region.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        Self { region: Arc::from(region), ..self.clone() }
    }

    /// The same way, for thousands of questions that nothing else waits for.
    pub(crate) fn in_bulk(&self) -> Self {
        Self { bulk: true, ..self.clone() }
    }

    /// Whether a selected check needs the call.
    pub(crate) fn wants(&self, call: &'static Call) -> bool {
        self.gateway.wanted.contains(call)
    }

    /// Waits for AWS to get on with something; not at all when a recording answers.
    pub(crate) async fn pause(&self, pause: Duration) {
        if self.gateway.shared.pauses {
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks one question, as often as that can help. `request` makes one attempt.
    async fn attempts<T, E, F>(
        &self,
        call: &'static Call,
        request: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
    {
        let shared = &self.gateway.shared;
        let bucket = shared.buckets.of(&self.gateway.account, &self.region, call);
        let (mut faults, mut throttles, mut expiries) = (0, 0, 0);
        loop {
            if let Some(bucket) = &bucket {
                bucket.take().await;
            }
            let answer = {
                let _permit = shared.in_flight.enter(self.bulk).await;
                Progress::count(&shared.progress.requests);
                // A task of its own: answers of megabytes are taken apart on every processor.
                match AbortOnDropHandle::new(tokio::spawn(request().in_current_span())).await {
                    Ok(answer) => answer,
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => return Err(Failure::stopped()),
                    },
                }
            };
            let failure = match answer {
                Ok(answer) => {
                    answered(bucket.as_deref());
                    return Ok(answer);
                }
                Err(error) => Failure::of(&error),
            };
            match failure.retry {
                Retry::Never => {
                    answered(bucket.as_deref());
                    return Err(failure);
                }
                Retry::Transient => {
                    faults += 1;
                    Progress::count(&shared.progress.retried);
                    if faults >= TRANSIENT_ATTEMPTS {
                        return Err(failure);
                    }
                    self.pause(pause(faults, failure.retry_after)).await;
                }
                Retry::Expired => {
                    expiries += 1;
                    let expired = &self.gateway.expired;
                    if expired.load(Ordering::Relaxed) {
                        return Err(failure);
                    }
                    if expiries >= EXPIRED_ATTEMPTS {
                        expired.store(true, Ordering::Relaxed);
                        return Err(failure);
                    }
                    Progress::count(&shared.progress.retried);
                    self.pause(pause(expiries, None)).await;
                }
                Retry::Throttled => {
                    throttles += 1;
                    Progress::count(&shared.progress.throttled);
                    if throttles >= THROTTLED_ATTEMPTS {
                        return Err(failure);
                    }
                    // The whole bucket waits, not this question alone.
                    if let Some(bucket) = &bucket {
                        let asked_for = failure.retry_after.map(|time| time.min(LONGEST_PAUSE));
                        bucket
                            .throttled(Instant::now(), asked_for, |refusals| pause(refusals, None));
                    }
                }
            }
        }
    }

    /// Asks one question and enters the outcome into the ledger; `absent` are the error codes
    /// that are AWS's way to say "none is set".
    async fn question<T, E, F>(
        &self,
        call: &'static Call,
        absent: &[&str],
        request: impl Fn() -> F,
    ) -> Result<Option<T>, Unread>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
    {
        let unread = |cause| Arc::new(NotAssessed { call, cause });
        if !self.wants(call) {
            return Err(unread(Cause::NotCollected));
        }
        let begun = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = self.gateway.shared.stop.cancelled() => Err(Cause::Stopped),
            outcome = self.attempts(call, request) => match outcome {
                Ok(answer) => Ok(Some(answer)),
                Err(failure) if failure.code.as_deref().is_some_and(|c| absent.contains(&c)) => Ok(None),
                Err(failure) => Err(failure.cause),
            },
        };
        let ledger = &self.gateway.ledger;
        match outcome {
            Ok(answer) => {
                ledger.answered(call, &self.region);
                let ms = begun.elapsed().as_millis();
                tracing::debug!(call = %call.name(), region = %self.region, ms, "answered");
                Ok(answer)
            }
            Err(cause) => {
                ledger.unanswered(call, &self.region, &cause);
                tracing::debug!(call = %call.name(), region = %self.region, %cause, "no answer");
                Err(unread(cause))
            }
        }
    }

    /// Asks one question.
    pub(crate) async fn ask<T, E, F>(&self, call: &'static Call, request: impl Fn() -> F) -> Read<T>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
    {
        let answer = self.question(call, &[], request).await;
        answer.map(|answer| answer.expect("no error code is an absence here")).into()
    }

    /// Asks one question where the error codes `absent` are AWS's way to say "none is set".
    pub(crate) async fn ask_optional<T, E, F>(
        &self,
        call: &'static Call,
        absent: &[&str],
        request: impl Fn() -> F,
    ) -> Read<Option<T>>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
    {
        self.question(call, absent, request).await.into()
    }

    /// Reads every page of a listing; one that breaks half-way keeps what it has. `split` takes a
    /// page apart into its items and the token of the next page.
    pub(crate) async fn pages<T, P, E, F>(
        &self,
        call: &'static Call,
        request: impl Fn(Option<String>) -> F,
        split: impl Fn(P) -> (Vec<T>, Option<String>),
    ) -> Listing<T>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        P: Send + 'static,
        F: Future<Output = Result<P, SdkError<E, HttpResponse>>> + Send + 'static,
    {
        let mut items = Vec::new();
        let (mut token, mut seen) = (None, HashSet::new());
        loop {
            let page = match self.question(call, &[], || request(token.clone())).await {
                Ok(page) => page.expect("no error code is an absence here"),
                Err(why) => return Listing::broken(items, why),
            };
            let (more, next) = split(page);
            items.extend(more);
            match next.filter(|next| !next.is_empty()) {
                None => return Listing::complete(items),
                // A token leads to one page: asking on would never end.
                Some(next) if !seen.insert(next.clone()) => {
                    let cause = Cause::Malformed { what: "listing: its token repeats".to_owned() };
                    self.gateway.ledger.unanswered(call, &self.region, &cause);
                    return Listing::broken(items, Arc::new(NotAssessed { call, cause }));
                }
                next => token = next,
            }
        }
    }
}

fn answered(bucket: Option<&Bucket>) {
    if let Some(bucket) = bucket {
        bucket.answered(Instant::now());
    }
}

/// Exponential with full jitter over its upper half; what AWS asks for, when it does.
fn pause(failed: u32, asked_for: Option<Duration>) -> Duration {
    let whole =
        FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failed.min(10) - 1)).min(LONGEST_PAUSE);
    let jittered = whole.mul_f64(0.5 + fastrand::f64() / 2.0);
    asked_for.map_or(jittered, |asked_for| asked_for.min(LONGEST_PAUSE).max(jittered))
}
