//! `demarc scan`.

use std::{
    io::{IsTerminal as _, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail};
use demarc_collect::{
    Gateway, Regions, Transport,
    plan::{self as collect_plan, Times},
    recording::{self, Recorder, Recording},
    target::{self, Access, Caller, Member, Role, Timeouts},
};
use demarc_model::{Severity, Verdict, time::Timestamp};
use demarc_report::{Change, Finding, Format, Scan};
use tokio_util::sync::CancellationToken;

use super::{
    accounts::{Entrance, Organization},
    config::Config,
    print, region,
    select::{Select, unknown},
};
use crate::{
    exit::{Outcome, Usage},
    output::Outputs,
    permissions,
    progress::Display,
    scan::{self, Account, Accounts, Done, Pace, Plan, Way},
    spool::{Manifest, Spool},
    tickets::{Schedule, Scheduled},
    totals::Totals,
};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) organization: Organization,
    #[command(flatten)]
    pub(crate) select: Select,
    #[command(flatten)]
    pub(crate) report: Report,
    #[command(flatten)]
    pub(crate) engine: Engine,
    #[command(flatten)]
    pub(crate) tape: Tape,
    #[command(flatten)]
    pub(crate) tickets: Scheduled,
    /// Configuration file; ./demarc.toml by default, when there is one
    #[arg(long, value_name = "FILE", env = "DEMARC_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print what the scan would send and how long that takes at least; scan nothing
    #[arg(long, conflicts_with_all = ["replay", "record", "organization", "accounts"])]
    pub(crate) plan: bool,
    #[arg(skip)]
    pub(crate) config_file: Option<Config>,
}

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct Target {
    /// Profile of the shared AWS configuration files
    #[arg(long, value_name = "NAME", env = "DEMARC_PROFILE")]
    profile: Option<String>,
    /// Region to scan (repeatable); every region enabled for the account by default
    #[arg(long, value_name = "REGION", env = "DEMARC_REGION", value_delimiter = ',')]
    region: Vec<String>,
    /// Role to assume before scanning
    #[arg(long, value_name = "ARN", env = "DEMARC_ROLE_ARN")]
    role_arn: Option<String>,
    /// External id that the role's trust policy asks for
    #[arg(long, value_name = "ID", env = "DEMARC_EXTERNAL_ID")]
    external_id: Option<String>,
    /// Session name that CloudTrail shows
    #[arg(long, value_name = "NAME", env = "DEMARC_SESSION_NAME", default_value = "demarc")]
    session_name: String,
    /// MFA device to assume the role with; its code is asked for
    #[arg(long, value_name = "SERIAL", env = "DEMARC_MFA_SERIAL", requires = "role_arn")]
    mfa_serial: Option<String>,
    /// Current code of the MFA device, instead of being asked
    #[arg(long, value_name = "CODE", requires = "mfa_serial")]
    mfa_code: Option<String>,
    /// Endpoint to use for every service (AWS_ENDPOINT_URL works too)
    #[arg(long, value_name = "URL", env = "DEMARC_ENDPOINT_URL")]
    endpoint_url: Option<String>,
}

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Report")]
pub(crate) struct Report {
    /// File to write; the format follows from its name (repeatable)
    #[arg(long, short, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Format of the output, on stdout when no file is named
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Leave passing and not applicable verdicts out of the findings
    #[arg(long)]
    failing_only: bool,
    /// Severity from which failing findings change the exit code: critical, high, medium, low,
    /// info, or none
    #[arg(long, value_name = "SEVERITY", default_value = "high", env = "DEMARC_FAIL_ON")]
    fail_on: String,
    /// Percent of looks that must be complete
    #[arg(long, value_name = "PERCENT", default_value_t = 100.0, env = "DEMARC_MIN_COVERAGE")]
    min_coverage: f64,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Pace")]
pub(crate) struct Engine {
    /// Share of each of AWS's rate limits that the scan may take, in percent
    #[arg(long, value_name = "PERCENT", default_value = "50", env = "DEMARC_BUDGET", value_parser = percent)]
    budget: u8,
    /// Requests in flight, over all accounts and regions
    #[arg(long, value_name = "NUMBER", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    max_in_flight: u16,
    /// Bound on connecting
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    connect_timeout: Duration,
    /// Bound on the silence between two bytes of an answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    read_timeout: Duration,
    /// Bound on one attempt at a request
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    request_timeout: Duration,
    /// Bound on the whole scan; what was not read by then is reported as not assessed
    #[arg(long, value_name = "TIME", env = "DEMARC_DEADLINE", value_parser = humantime::parse_duration)]
    deadline: Option<Duration>,
}

impl Default for Engine {
    fn default() -> Self {
        let timeouts = Timeouts::default();
        Self {
            budget: 50,
            max_in_flight: 256,
            connect_timeout: timeouts.connect,
            read_timeout: timeouts.read,
            request_timeout: timeouts.request,
            deadline: None,
        }
    }
}

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Recording")]
pub(crate) struct Tape {
    /// Write every exchange to a file, secrets removed
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Judge a recording instead of a live account; no credentials, no network
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

fn percent(text: &str) -> Result<u8, String> {
    let number: u8 =
        text.trim_end_matches('%').parse().map_err(|_| "not a whole number".to_owned())?;
    if (1..=100).contains(&number) { Ok(number) } else { Err("not within 1 to 100".to_owned()) }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().context("cannot start the runtime")
}

impl Args {
    pub(crate) fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        if let Some(path) = &self.tape.replay {
            let recording = Arc::new(Recording::open(path)?);
            return self.replay(&recording, quiet);
        }
        let plan = self.plan(now())?;
        if self.plan {
            return runtime()?.block_on(self.print_plan(plan));
        }
        let schedule = self.tickets.open(self.config_file.as_ref(), plan.taken_at)?;
        let report = self.report.check(schedule)?;
        runtime()?.block_on(self.live(plan, report, quiet))
    }

    /// Everything that can be said of the arguments without asking anybody.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let plan = self.plan(now())?;
        self.report.check(Schedule::none(plan.taken_at))?;
        Ok(())
    }

    fn plan(&self, taken_at: Timestamp) -> anyhow::Result<Plan> {
        let checks = self.select.checks()?;
        for region in &self.target.region {
            region::check(region)?;
        }
        // A recording is reached without any of it.
        if self.tape.replay.is_none() {
            self.reach()?;
        }
        Ok(Plan {
            wanted: Plan::wanted(&checks),
            checks,
            taken_at,
            regions: self.target.region.clone(),
            accounts_at_once: usize::from(self.organization.accounts_at_once.max(1)),
        })
    }

    /// Whether the way to AWS is one.
    fn reach(&self) -> Result<(), Usage> {
        let target = &self.target;
        let role = target.role_arn.as_ref().or(self.organization.assume_role.as_ref());
        if target.external_id.is_some() && role.is_none() {
            let text = "--external-id is sent when a role is assumed: add --role-arn or --assume-role, or leave it out";
            return Err(Usage(text.to_owned()));
        }
        match target.endpoint_url.as_deref().filter(|url| !target::is_endpoint(url)) {
            None => Ok(()),
            Some(url) => Err(Usage(format!(
                "--endpoint-url \"{url}\" is not an http or https URL, such as http://localhost:4566"
            ))),
        }
    }

    /// Judges a recording.
    pub(crate) fn replay(self, recording: &Arc<Recording>, quiet: bool) -> anyhow::Result<Outcome> {
        let plan = self.plan(recording.header.taken_at)?;
        let schedule = self.tickets.open(self.config_file.as_ref(), plan.taken_at)?;
        let report = self.report.check(schedule)?;
        runtime()?.block_on(async {
            let stop = CancellationToken::new();
            let why = scan::watch(&stop, self.engine.deadline);
            let shared = scan::shared_for_replay(stop);
            let accounts = recording
                .header
                .targets
                .iter()
                .map(|recorded| Account {
                    id: recorded.account.clone(),
                    name: None,
                    way: Way::Recording {
                        recording: Arc::clone(recording),
                        recorded: recorded.clone(),
                    },
                })
                .collect();
            let (plan, report) = (Arc::new(plan), Arc::new(report));
            let (accounts, spool) = (Accounts::of(accounts, &shared), Spool::temporary()?);
            let done =
                scan::run(Arc::clone(&plan), &shared, accounts, spool, report.keep()).await?;
            report.finish(&plan, done, why.lock().expect("no holder panics").clone(), quiet)
        })
    }

    async fn live(self, plan: Plan, mut report: Checked, quiet: bool) -> anyhow::Result<Outcome> {
        let stop = CancellationToken::new();
        let why = scan::watch(&stop, self.engine.deadline);
        let pace =
            Pace { budget: self.engine.budget, in_flight: usize::from(self.engine.max_in_flight) };
        let shared = scan::shared(pace, stop);
        let network = target::network();
        // The recording's place is checked before anything is asked.
        let recorder = match &self.tape.record {
            Some(path) => Some(Arc::new(Recorder::create(path)?)),
            None => None,
        };
        let session_policy = permissions::session_policy(&permissions::actions(
            plan.wanted.iter().chain(target::CALLS),
        ));
        let caller = Arc::new(self.connect(&network, &session_policy).await?);
        let transport = scan::transport(&network, recorder.as_ref());
        let listed = self.organization.listed()?;
        let entrance = Entrance {
            caller: Arc::clone(&caller),
            transport: transport.clone(),
            role_name: self.organization.assume_role.clone().unwrap_or_default(),
            external_id: self.target.external_id.clone(),
            session_name: self.target.session_name.clone(),
            session_policy,
        };
        let accounts = self.organization.accounts(&shared, entrance, listed.as_deref());
        let (spool, plan) = match &self.organization.checkpoint {
            None => (Spool::temporary()?, plan),
            Some(directory) => {
                let manifest = Manifest {
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    arguments: self.identity(&plan, &caller, listed.as_deref(), &report),
                    taken_at: plan.taken_at,
                };
                let (spool, manifest) = Spool::checkpoint(directory, manifest)?;
                report.schedule.continues(manifest.taken_at);
                (spool, Plan { taken_at: manifest.taken_at, ..plan })
            }
        };
        let display = Display::start(&shared.progress, quiet);
        let (plan, report) = (Arc::new(plan), Arc::new(report));
        let done = scan::run(Arc::clone(&plan), &shared, accounts, spool, report.keep()).await;
        if let Some(display) = display {
            display.finish();
        }
        let done = done?;
        let why = why.lock().expect("no holder panics").clone();
        if done.totals.is_empty() {
            return match why {
                Some(_) => bail!("the scan was stopped before an account was known"),
                None => Err(Usage("no account is left to scan".to_owned()).into()),
            };
        }
        drop(transport);
        if let Some(recorder) = recorder {
            let header = recording::Header {
                demarc_recording: recording::VERSION,
                tool: env!("CARGO_PKG_VERSION").to_owned(),
                taken_at: plan.taken_at,
                targets: done.recorded.clone(),
            };
            recorder.finish(&header)?;
        }
        report.finish(&plan, done, why, quiet)
    }

    /// What a checkpoint is bound to: all that the findings depend on, and who asks.
    fn identity(
        &self,
        plan: &Plan,
        caller: &Caller,
        listed: Option<&[Member]>,
        report: &Checked,
    ) -> Vec<String> {
        let organization = &self.organization;
        let accounts = listed.into_iter().flatten().map(|member| format!("account {}", member.id));
        let whole = organization.organization.then(|| "organization".to_owned());
        let units = organization.ou.iter().map(|unit| format!("unit {unit}"));
        let excluded = organization.exclude_account.iter().map(|id| format!("without {id}"));
        let checks = plan.checks.iter().map(|check| check.id.to_owned());
        let regions = plan.regions.iter().map(|region| format!("region {region}"));
        let roles = [&self.target.role_arn, &self.organization.assume_role];
        let roles = roles.into_iter().flatten().map(|role| format!("role {role}"));
        let session = format!("session {}", self.target.session_name);
        let caller = format!("caller {}", caller.account);
        let suppressions = report.schedule.suppressions();
        let suppressions = suppressions.map(|entry| format!("suppression {entry:?}"));
        let left_out = report.leaves_out_quiet().then(|| "failing only".to_owned());
        checks
            .chain(regions)
            .chain(accounts)
            .chain(whole)
            .chain(units)
            .chain(excluded)
            .chain(roles)
            .chain([session, caller])
            .chain(suppressions)
            .chain(left_out)
            .collect()
    }

    async fn connect(
        &self,
        network: &target::Network,
        session_policy: &str,
    ) -> anyhow::Result<Caller> {
        let target = &self.target;
        let role = match &target.role_arn {
            None => None,
            Some(arn) => Some(Role {
                arn: arn.clone(),
                external_id: target.external_id.clone(),
                session_name: target.session_name.clone(),
                mfa: match &target.mfa_serial {
                    None => None,
                    Some(serial) => Some((serial.clone(), target.mfa_code(serial)?)),
                },
                // A role that only opens the way to others needs more than reading.
                policy: self.organization.assume_role.is_none().then(|| session_policy.to_owned()),
            }),
        };
        let access = Access {
            profile: target.profile.clone(),
            region: target.region.first().cloned(),
            endpoint_url: target.endpoint_url.clone(),
            role,
            timeouts: Timeouts {
                connect: self.engine.connect_timeout,
                read: self.engine.read_timeout,
                request: self.engine.request_timeout,
            },
        };
        Ok(target::connect(&access, network).await?)
    }
}

impl Target {
    fn mfa_code(&self, serial: &str) -> anyhow::Result<String> {
        if let Some(code) = &self.mfa_code {
            return Ok(code.clone());
        }
        if !std::io::stdin().is_terminal() {
            let text = format!(
                "the MFA code of {serial} is needed: pass --mfa-code, or run on a terminal"
            );
            return Err(Usage(text).into());
        }
        let mut terminal = anstream::stderr();
        write!(terminal, "MFA code of {serial}: ")?;
        terminal.flush()?;
        let mut code = String::new();
        std::io::stdin().read_line(&mut code).context("cannot read the MFA code")?;
        Ok(code.trim().to_owned())
    }
}

/// A [`Report`] whose values make sense.
pub(crate) struct Checked {
    outputs: Outputs,
    failing_only: bool,
    /// `None` for never.
    fail_on: Option<Severity>,
    min_coverage: f64,
    schedule: Schedule,
}

impl Report {
    /// Checks everything about the report before anything is asked.
    pub(crate) fn check(&self, schedule: Schedule) -> Result<Checked, Usage> {
        let severities: Vec<&str> = Severity::ALL.iter().map(|s| s.id()).chain(["none"]).collect();
        let fail_on = Severity::ALL.into_iter().find(|severity| severity.id() == self.fail_on);
        if fail_on.is_none() && self.fail_on != "none" {
            return Err(Usage(unknown("severity", &self.fail_on, &severities)));
        }
        if !(0.0..=100.0).contains(&self.min_coverage) {
            let text = format!("--min-coverage {} is not within 0 to 100", self.min_coverage);
            return Err(Usage(text));
        }
        Ok(Checked {
            outputs: Outputs::new(&self.output, self.format)?,
            failing_only: self.failing_only,
            fail_on,
            min_coverage: self.min_coverage,
            schedule,
        })
    }
}

impl Checked {
    /// Writes the reports and says how the scan ended.
    fn finish(
        &self,
        plan: &Plan,
        done: Done,
        stopped: Option<String>,
        quiet: bool,
    ) -> anyhow::Result<Outcome> {
        let Done { totals, spool, all_listed, .. } = done;
        let scan = Scan {
            taken_at: plan.taken_at,
            taken_at_rfc3339: plan.taken_at.rfc3339(),
            checks: plan.checks.iter().map(|check| check.id.to_owned()).collect(),
            failing_only: self.failing_only,
            stopped,
        };
        let worst = totals.worst();
        let mut head = totals.head(scan, &plan.checks);
        let accounts: Vec<_> = head.accounts.iter().map(|account| account.id.clone()).collect();
        let events = self.schedule.compare(&mut head, spool.findings(accounts.clone()))?;
        let all = || {
            spool.findings(accounts.clone()).map(|finding| {
                finding.map(|mut finding| {
                    self.schedule.mark(&mut finding);
                    finding
                })
            })
        };
        let is_shown = |finding: &Result<Finding, _>| {
            !self.failing_only || finding.as_ref().map_or(true, |finding| !is_quiet(finding))
        };
        let write = |format, out: &mut dyn Write| {
            if self.schedule.compares() {
                demarc_report::write(format, &head, &mut all().filter(is_shown), out)
            } else {
                demarc_report::write_lines(format, &head, spool.lines(accounts.clone()), out)
            }
        };
        self.outputs.write_files(write)?;
        self.schedule.write(&head, &events, all)?;
        if head.scan.stopped.is_none()
            && let Err(error) = spool.end()
        {
            tracing::warn!("cannot remove the checkpoint: {error:#}");
        }
        self.outputs.show(&head, write, || Ok(worst), quiet)?;
        let failed = self.fail_on.is_some_and(|from| Totals::failed_from(&head, from) > 0);
        // An account that was never listed is in no figure.
        let incomplete = !all_listed || head.coverage.looks.percent() < self.min_coverage;
        Ok(Outcome::of(failed, incomplete))
    }

    /// Whether what `--failing-only` leaves out is not even spooled.
    fn leaves_out_quiet(&self) -> bool {
        self.failing_only && !self.schedule.compares()
    }

    fn keep(self: &Arc<Self>) -> impl scan::Keep {
        let report = Arc::clone(self);
        move |finding: &mut Finding| {
            report.schedule.suppress(finding);
            !report.leaves_out_quiet() || !is_quiet(finding)
        }
    }
}

/// What `--failing-only` leaves out.
fn is_quiet(finding: &Finding) -> bool {
    let is_news = finding.change == Some(Change::Resolved);
    !is_news && matches!(finding.verdict, Verdict::Pass | Verdict::NotApplicable)
}

impl Args {
    /// Prints what a scan would send.
    async fn print_plan(self, plan: Plan) -> anyhow::Result<Outcome> {
        let pace =
            Pace { budget: self.engine.budget, in_flight: usize::from(self.engine.max_in_flight) };
        let shared = scan::shared(pace, CancellationToken::new());
        let network = target::network();
        let policy = permissions::session_policy(&permissions::actions(plan.wanted.iter()));
        let caller = self.connect(&network, &policy).await?;
        let gateway = Gateway::new(
            shared,
            target::with_transport(&caller.config, Transport::Live(network)),
            &caller.account,
            &caller.partition,
            Arc::clone(&plan.wanted),
        );
        let regions = target::regions(&gateway, &caller.home_region, &plan.regions).await;
        let found = collect_plan::plan(&gateway, &caller.home_region, &regions).await;
        print(plan_text(&found, &regions, self.engine.budget).as_bytes())
    }
}

fn plan_text(plan: &collect_plan::Plan, regions: &Regions, budget: u8) -> String {
    use std::{collections::BTreeMap, fmt::Write as _};

    // Calls that cost the same in every region are one line.
    let mut lines: BTreeMap<(&str, &str), (u64, Option<&str>, usize)> = BTreeMap::new();
    for row in &plan.rows {
        let line = lines.entry((row.call.service, row.call.operation)).or_default();
        match row.times {
            Times::Known(times) => line.0 += times,
            Times::ForEach(kind) => line.1 = Some(kind),
        }
        line.2 += usize::from(row.region.is_some());
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    for ((service, operation), (times, each, in_regions)) in lines {
        let cost = match each {
            Some(kind) => format!("1 for each {kind}"),
            None => times.to_string(),
        };
        let place =
            if in_regions > 0 { format!(", in {in_regions} regions") } else { String::new() };
        let _ = writeln!(text, "{service:14} {operation:42} {cost}{place}");
    }
    let (least, bucket) = plan.fullest_bucket(f64::from(budget) / 100.0);
    let _ = writeln!(
        text,
        "\n{} requests in {} regions, and more where a listing has several pages.",
        plan.requests(),
        regions.names.len()
    );
    let seconds = least.as_secs_f64();
    let _ = writeln!(
        text,
        "At {budget} % of AWS's rates the fullest bucket ({bucket}) takes {seconds:.1} s; the longest chain of\ndependent calls adds its latency."
    );
    text
}
