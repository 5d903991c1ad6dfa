//! Who is scanned: credentials, the caller's identity, and the regions of an account.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache,
    profile::ProfileFileCredentialsProvider, sts::AssumeRoleProvider,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::{
    http::SharedHttpClient, orchestrator::HttpResponse, result::SdkError,
};
use aws_smithy_types::{
    error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata},
    retry::RetryConfig,
    timeout::TimeoutConfig,
};
use demarc_model::{
    Call, Listing, Read,
    calls::{ec2, organizations, sts},
};
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Gateway, Regions, Shared, Transport,
    classify::{Failure, Retry},
    gateway::Context,
    ledger::Progress,
};

/// How to reach AWS.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Of the shared configuration files.
    pub profile: Option<String>,
    /// Where to start; otherwise the profile's or the environment's, otherwise `us-east-1`.
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    /// Assumed with the credentials found.
    pub role: Option<Role>,
    pub timeouts: Timeouts,
}

/// Bounds on one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    pub connect: Duration,
    /// Between two bytes of the answer.
    pub read: Duration,
    /// The whole attempt.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            request: Duration::from_mins(1),
        }
    }
}

/// A role to assume.
#[derive(Debug, Clone)]
pub struct Role {
    pub arn: String,
    pub external_id: Option<String>,
    pub session_name: String,
    /// Serial number of the MFA device, and its current code.
    pub mfa: Option<(String, String)>,
    /// Session policy: narrows what the role may do to the declared actions.
    pub policy: Option<String>,
}

/// Why no account can be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no AWS credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID, pass --profile, or sign in with `aws sso login`"
    )]
    NoCredentials,
    #[error("cannot use profile \"{profile}\": {what}")]
    Profile { profile: String, what: String },
    #[error("cannot get credentials: {0}")]
    Credentials(String),
    #[error("AWS rejected the credentials ({code}): {what}")]
    Rejected { code: String, what: String },
    #[error("cannot assume role \"{role}\": {what}")]
    AssumeRole { role: String, what: String },
    #[error("cannot reach AWS at {endpoint}: {what}")]
    Unreachable { endpoint: String, what: String },
    #[error("cannot list the organization's accounts: {0}")]
    Organization(String),
}

/// Credentials that AWS accepted, and whose they are.
#[derive(Debug, Clone)]
pub struct Caller {
    pub config: SdkConfig,
    /// Twelve digits.
    pub account: String,
    pub partition: String,
    pub arn: String,
    /// Where global services are asked.
    pub home_region: String,
}

/// Whether requests could go there.
pub fn is_endpoint(url: &str) -> bool {
    let Ok(url) = url.parse::<hyper::Uri>() else { return false };
    let is_web = matches!(url.scheme_str(), Some("http" | "https"));
    is_web && url.host().is_some_and(|host| !host.is_empty())
}

/// The way to the network: one pool of connections for the whole run.
pub type Network = SharedHttpClient;

pub fn network() -> Network {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https()
}

/// The innermost message of an error chain.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        message = inner.to_string();
        source = inner.source();
    }
    message.replace('\n', " ")
}

/// Finds credentials and asks AWS whose they are: one attempt, seconds at most, before anything
/// else is asked.
pub async fn connect(access: &Access, network: &Network) -> Result<Caller, Error> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(network.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(timeout_config(access.timeouts));
    if let Some(profile) = &access.profile {
        // The default chain would look into the environment first, and scan another account.
        let of_profile = ProfileFileCredentialsProvider::builder().profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(of_profile);
    }
    if let Some(region) = &access.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &access.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let mut config = loader.load().await;
    let home_region = config.region().map_or("us-east-1", Region::as_ref).to_owned();
    config = config.into_builder().region(Region::new(home_region.clone())).build();

    let provider = held(config.credentials_provider().ok_or(Error::NoCredentials)?);
    provider
        .provide_credentials()
        .await
        .map_err(|error| credentials_error(access.profile.as_deref(), &error))?;
    config = config.into_builder().credentials_provider(provider.clone()).build();
    let credentials = match &access.role {
        None => provider,
        Some(role) => held(assume(role, &config).await?),
    };
    let config = config
        .into_builder()
        .credentials_provider(credentials)
        // The gateway repeats what is worth repeating.
        .retry_config(RetryConfig::disabled())
        .build();
    let (account, arn) = identity(&config, access.role.as_ref()).await?;
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    tracing::info!(%account, caller = %arn, region = %home_region, "AWS accepts the credentials");
    Ok(Caller { config, account, partition, arn, home_region })
}

/// Credentials, kept until shortly before they expire. The provider of a role keeps nothing of
/// what it assumes the role with: entering a thousand accounts would ask a thousand times for the
/// caller's own, of whatever supplies them: the SSO portal, a process, another role.
#[derive(Debug)]
struct Held {
    source: SharedCredentialsProvider,
    last: Mutex<Option<Credentials>>,
}

/// Longer than the SDK's own margin, so that whoever asks for new ones gets them.
const RENEWED_BEFORE: Duration = Duration::from_mins(1);

fn held(source: SharedCredentialsProvider) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Held { source, last: Mutex::new(None) })
}

impl ProvideCredentials for Held {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let soon = SystemTime::now() + RENEWED_BEFORE;
        future::ProvideCredentials::new(async move {
            let mut last = self.last.lock().await;
            match &*last {
                Some(held) if held.expiry().is_none_or(|end| end > soon) => Ok(held.clone()),
                _ => Ok(last.insert(self.source.provide_credentials().await?).clone()),
            }
        })
    }
}

fn timeout_config(timeouts: Timeouts) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .operation_attempt_timeout(timeouts.request)
        .build()
}

fn credentials_error(profile: Option<&str>, error: &CredentialsError) -> Error {
    let what = innermost(error);
    // Instance metadata is the last place that is asked; elsewhere than on EC2 nobody answers.
    let nowhere = matches!(error, CredentialsError::CredentialsNotLoaded(_))
        || what.contains("IMDS")
        || what.contains("instance metadata");
    match profile {
        Some(profile) if nowhere => {
            let what = "the AWS configuration files do not define it, or it holds no credentials";
            Error::Profile { profile: profile.to_owned(), what: what.to_owned() }
        }
        Some(profile) => Error::Profile { profile: profile.to_owned(), what },
        None if nowhere => Error::NoCredentials,
        None => Error::Credentials(what),
    }
}

/// Credentials of a role; refreshed before they expire, but for those that an MFA code bought.
async fn assume(role: &Role, config: &SdkConfig) -> Result<SharedCredentialsProvider, Error> {
    let fail = |what: String| Error::AssumeRole { role: role.arn.clone(), what };
    if let Some((serial, code)) = &role.mfa {
        let answer = aws_sdk_sts::Client::new(config)
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(&role.session_name)
            .set_external_id(role.external_id.clone())
            .set_policy(role.policy.clone())
            .serial_number(serial)
            .token_code(code)
            .send()
            .await
            .map_err(|error| fail(innermost(&error)))?;
        let read = answer.credentials.ok_or_else(|| fail("AWS answered none".to_owned()))?;
        let expires = read.expiration.try_into().ok();
        let credentials = Credentials::new(
            read.access_key_id,
            read.secret_access_key,
            Some(read.session_token),
            expires,
            "AssumeRole with MFA",
        );
        return Ok(SharedCredentialsProvider::new(credentials));
    }
    Ok(provider(role, config).await)
}

async fn provider(role: &Role, config: &SdkConfig) -> SharedCredentialsProvider {
    // No gateway stands before it, and it renews itself in the middle of a scan.
    let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let config = config.clone().into_builder().retry_config(retry).build();
    let mut builder =
        AssumeRoleProvider::builder(&role.arn).session_name(&role.session_name).configure(&config);
    if let Some(external_id) = &role.external_id {
        builder = builder.external_id(external_id);
    }
    if let Some(policy) = &role.policy {
        builder = builder.policy(policy);
    }
    SharedCredentialsProvider::new(builder.build().await)
}

impl Caller {
    /// The way into another account of the organization: the role of that name there.
    pub async fn assume(&self, account: &str, role: &Role) -> Result<Self, Error> {
        let provider = assume(role, &self.config).await?;
        let config = self
            .config
            .clone()
            .into_builder()
            .credentials_provider(provider)
            // Its own: a shared one holds 64 accounts and then throws out any, in use or not.
            .identity_cache(IdentityCache::lazy().build())
            .build();
        let (found, arn) = identity(&config, Some(role)).await?;
        if found != account {
            let what = format!("it is a role of account {found}, not {account}");
            return Err(Error::AssumeRole { role: role.arn.clone(), what });
        }
        tracing::info!(%account, caller = %arn, "entered the account");
        Ok(Self { config, account: found, arn, ..self.clone() })
    }
}

/// Attempts at what the gateway does not ask: who asks, and the way into an account.
const ATTEMPTS: u32 = 4;

/// Asks until AWS answers, or an answer is not to be hoped for within seconds.
async fn identity(config: &SdkConfig, role: Option<&Role>) -> Result<(String, String), Error> {
    let quick = config
        .clone()
        .into_builder()
        .timeout_config(timeout_config(Timeouts {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(5),
            request: Duration::from_secs(6),
        }))
        .build();
    let client = aws_sdk_sts::Client::new(&quick);
    let mut failed = 0;
    let answer = loop {
        let answer = client.get_caller_identity().send().await;
        let again = match &answer {
            // A body that was cut off reads like a short one.
            Ok(answer) => answer.account.is_none() || answer.arn.is_none(),
            Err(error) => is_passing(error),
        };
        failed += 1;
        if failed == ATTEMPTS || !again {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(failed - 1)).await;
    };
    let answer = answer.map_err(|error| {
        if let (SdkError::ServiceError(service), Some(code)) = (&error, error.code()) {
            Error::Rejected {
                code: code.to_owned(),
                what: service.err().message().unwrap_or("AWS gave no reason").to_owned(),
            }
        } else if let Some(answer) = error.raw_response() {
            // A proxy, or another server altogether.
            Error::Unreachable {
                endpoint: config.endpoint_url().unwrap_or("its public endpoint").to_owned(),
                what: format!("who answers there (HTTP {}) is not AWS", answer.status()),
            }
        } else {
            let whole = format!("{}", DisplayErrorContext(&error));
            match role {
                Some(role) if whole.contains("AssumeRole") => {
                    Error::AssumeRole { role: role.arn.clone(), what: innermost(&error) }
                }
                _ if whole.contains("CredentialsError") => Error::Credentials(innermost(&error)),
                _ => Error::Unreachable {
                    endpoint: config.endpoint_url().unwrap_or("its public endpoint").to_owned(),
                    what: innermost(&error),
                },
            }
        }
    })?;
    match (answer.account, answer.arn) {
        (Some(account), Some(arn)) => Ok((account, arn)),
        _ => Err(Error::Rejected {
            code: "no identity".to_owned(),
            what: "sts:GetCallerIdentity answered without an account".to_owned(),
        }),
    }
}

/// Whether asking again may help. A time-out took its seconds already, and whoever refuses without
/// AWS's words at first is not AWS.
fn is_passing<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let lasts = match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_timeout(),
        SdkError::ServiceError(service) => {
            service.raw().status().is_client_error() && error.code().is_none()
        }
        _ => false,
    };
    !lasts && matches!(Failure::of(error).retry, Retry::Transient | Retry::Throttled)
}

/// A configuration that reaches nothing but its transport: for replays.
pub fn offline_config(region: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "none", None, None, "replay");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .build()
}

/// The configuration with another transport below it.
pub fn with_transport(config: &SdkConfig, transport: Transport) -> SdkConfig {
    config.clone().into_builder().http_client(transport).build()
}

/// Regions that are enabled in every account of a partition ("Enable or disable AWS Regions in
/// your account"): what is scanned when AWS does not say which regions are enabled.
pub fn default_regions(partition: &str) -> &'static [&'static str] {
    match partition {
        "aws-cn" => &["cn-north-1", "cn-northwest-1"],
        "aws-us-gov" => &["us-gov-east-1", "us-gov-west-1"],
        _ => &[
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    }
}

/// The regions to scan: those that the user chose, or those enabled for the account. Where AWS
/// does not say which are, the ones that are enabled everywhere; the ledger then holds the gap.
pub async fn regions(gateway: &Gateway, home: &str, chosen: &[String]) -> Regions {
    static CALLS: &[&Call] = &[&ec2::DESCRIBE_REGIONS];
    if !chosen.is_empty() {
        let names: BTreeSet<_> = chosen.iter().cloned().collect();
        return Regions { names: names.into_iter().collect(), chosen: true };
    }
    let mut gateway = gateway.clone();
    gateway.wanted = Arc::new(CALLS.iter().copied().collect());
    let context = gateway.context(CALLS, home);
    let client = context.ec2_client();
    let answer = context
        .ask(&ec2::DESCRIBE_REGIONS, || client.describe_regions().all_regions(false).send())
        .await;
    let names: BTreeSet<String> = match answer {
        Read::Known(answer) => {
            answer.regions().iter().filter_map(|r| r.region_name().map(str::to_owned)).collect()
        }
        Read::Unknown(why) => {
            tracing::warn!(cause = %why.cause, "cannot list the enabled regions; scanning those enabled by default");
            default_regions(&gateway.partition).iter().map(|name| (*name).to_owned()).collect()
        }
    };
    let names: Vec<_> = names.into_iter().collect();
    let account = &gateway.account;
    tracing::info!(%account, number = names.len(), regions = %names.join(" "), "regions to scan");
    Regions { names, chosen: false }
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub name: String,
    pub active: bool,
}

/// What listing the accounts of an organization asks: of all of it, or of some of its units.
pub fn listing_calls(of_units: bool) -> &'static [&'static Call] {
    static ALL: &[&Call] = &[&organizations::LIST_ACCOUNTS];
    static OF_UNITS: &[&Call] = &[
        &organizations::LIST_ACCOUNTS_FOR_PARENT,
        &organizations::LIST_ORGANIZATIONAL_UNITS_FOR_PARENT,
    ];
    if of_units { OF_UNITS } else { ALL }
}

/// The accounts of the organization, or of organizational units and all below them, each once, as
/// AWS lists them: the first can be read while the last are not known yet. With them, what becomes
/// of the listing: one that breaks is an error, one that the end of the scan cut short is `false`.
pub fn members(
    shared: &Shared,
    caller: &Caller,
    units: &[String],
    excluded: &[String],
) -> (mpsc::UnboundedReceiver<Member>, AbortOnDropHandle<Result<bool, Error>>) {
    let calls = listing_calls(!units.is_empty());
    let wanted = Arc::new(calls.iter().copied().collect());
    let (config, stop) = (caller.config.clone(), shared.stop.clone());
    let gateway = Gateway::new(shared.clone(), config, &caller.account, &caller.partition, wanted);
    let context = gateway.context(calls, &caller.home_region);
    let (units, excluded) = (units.to_vec(), excluded.to_vec());
    let (sender, receiver) = mpsc::unbounded_channel();
    let progress = Arc::clone(&shared.progress);
    let listing = AbortOnDropHandle::new(tokio::spawn(async move {
        let found = Found { sender, progress, excluded, seen: std::sync::Mutex::default() };
        match list(&context, units, &found).await {
            Err(_) if stop.is_cancelled() => {
                tracing::warn!("the organization's accounts were not all listed");
                Ok(false)
            }
            Err(error) => Err(error),
            Ok(()) => {
                let accounts = found.seen().len();
                tracing::info!(accounts, "accounts of the organization");
                Ok(true)
            }
        }
    }));
    (receiver, listing)
}

/// Accounts on their way to who reads them.
struct Found {
    sender: mpsc::UnboundedSender<Member>,
    progress: Arc<Progress>,
    /// Ids that nobody wants read.
    excluded: Vec<String>,
    /// Ids: units overlap, and pages of a changing organization.
    seen: std::sync::Mutex<BTreeSet<String>>,
}

impl Found {
    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.seen.lock().expect("no holder of the ids panics")
    }

    fn add(&self, account: aws_sdk_organizations::types::Account) {
        let member = member(account);
        if !self.excluded.contains(&member.id) && self.seen().insert(member.id.clone()) {
            Progress::count(&self.progress.accounts);
            // Nobody listens any more when the scan has failed.
            let _ = self.sender.send(member);
        }
    }
}

async fn list(context: &Context, units: Vec<String>, found: &Found) -> Result<(), Error> {
    if units.is_empty() {
        complete(all_accounts(context, found).await)?;
        return Ok(());
    }
    let mut waiting = units;
    while let Some(unit) = waiting.pop() {
        waiting.extend(complete(units_below(context, &unit).await)?);
        complete(accounts_of(context, &unit, found).await)?;
    }
    Ok(())
}

/// Part of an organization is not the organization: a broken listing is an error.
fn complete<T>(listing: Listing<T>) -> Result<Vec<T>, Error> {
    match listing.gap() {
        None => Ok(listing.into_seen()),
        Some(why) => Err(Error::Organization(format!("{}: {}", why.call.action, why.cause))),
    }
}

fn member(account: aws_sdk_organizations::types::Account) -> Member {
    // `State` replaces `Status`, which AWS stops answering in September 2026.
    let state = account.state.as_ref().map(|state| state.as_str().to_owned());
    let status = account.status.as_ref().map(|status| status.as_str().to_owned());
    Member {
        id: account.id.unwrap_or_default(),
        name: account.name.unwrap_or_default(),
        active: state.or(status).as_deref() == Some("ACTIVE"),
    }
}

/// Hands on the accounts of a page.
fn handed_on(
    found: &Found,
    accounts: Option<Vec<aws_sdk_organizations::types::Account>>,
    token: Option<String>,
) -> (Vec<()>, Option<String>) {
    accounts.into_iter().flatten().for_each(|account| found.add(account));
    (Vec::new(), token)
}

async fn all_accounts(context: &Context, found: &Found) -> Listing<()> {
    let client = context.organizations_client();
    let listing = context.pages(
        &organizations::LIST_ACCOUNTS,
        |token| client.list_accounts().max_results(20).set_next_token(token).send(),
        |page| handed_on(found, page.accounts, page.next_token),
    );
    listing.await
}

async fn accounts_of(context: &Context, unit: &str, found: &Found) -> Listing<()> {
    let client = context.organizations_client();
    let listing = context.pages(
        &organizations::LIST_ACCOUNTS_FOR_PARENT,
        |token| {
            client
                .list_accounts_for_parent()
                .parent_id(unit)
                .max_results(20)
                .set_next_token(token)
                .send()
        },
        |page| handed_on(found, page.accounts, page.next_token),
    );
    listing.await
}

async fn units_below(context: &Context, unit: &str) -> Listing<String> {
    let client = context.organizations_client();
    context
        .pages(
            &organizations::LIST_ORGANIZATIONAL_UNITS_FOR_PARENT,
            |token| {
                client
                    .list_organizational_units_for_parent()
                    .parent_id(unit)
                    .max_results(20)
                    .set_next_token(token)
                    .send()
            },
            |page| (page.organizational_units.unwrap_or_default(), page.next_token),
        )
        .await
        .filter(|unit| unit.id().is_some())
        .map(|unit| unit.id.unwrap_or_default())
}

/// The ARN of the role of that name in an account.
pub fn role_arn(partition: &str, account: &str, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:role/{}", name.trim_start_matches('/'))
}

/// The calls made before the collectors run.
pub static CALLS: &[&Call] = &[&sts::GET_CALLER_IDENTITY, &ec2::DESCRIBE_REGIONS];
