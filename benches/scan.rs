//! Speed and memory of whole scans, against a simulated AWS with its published rate limits and
//! 50 ms of latency.
//!
//! `cargo bench --bench scan` prints the table of docs/performance.md; `-- NAME…` runs the
//! scenarios whose names begin so.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "prints a table of figures")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use demarc_collect::target;
use demarc_sim::{
    Logged, Recorded, Running, Sim,
    scale::{Sizes, scale},
};
use wait4::Wait4 as _;

const LATENCY: Duration = Duration::from_millis(50);
const BUDGET: f64 = 0.5;
const IN_FLIGHT: f64 = 256.0;

struct Scenario {
    name: &'static str,
    accounts: usize,
    /// Empty for those that every account of the `aws` partition has.
    regions: &'static [&'static str],
    sizes: Option<fn() -> Sizes>,
    /// The share of every bucket that another client takes.
    foreign: f64,
    arguments: &'static [&'static str],
}

/// A real account's published shape.
fn large() -> Sizes {
    Sizes {
        instances: Some(12_906),
        volumes: Some(13_433),
        buckets: Some(391),
        roles: Some(723),
        security_groups: Some(398),
        ..Sizes::default()
    }
}

const MANY: &[&str] = &["--assume-role", "audit", "--organization"];

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "1-region",
        accounts: 1,
        regions: &["eu-central-1"],
        sizes: None,
        foreign: 0.0,
        arguments: &[],
    },
    Scenario {
        name: "4-regions",
        accounts: 1,
        regions: &["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"],
        sizes: None,
        foreign: 0.0,
        arguments: &[],
    },
    Scenario {
        name: "17-regions",
        accounts: 1,
        regions: &[],
        sizes: None,
        foreign: 0.0,
        arguments: &[],
    },
    Scenario {
        name: "large",
        accounts: 1,
        regions: &["eu-central-1", "us-east-1"],
        sizes: Some(large),
        foreign: 0.0,
        arguments: &[],
    },
    Scenario {
        name: "busy-large",
        accounts: 1,
        regions: &["eu-central-1", "us-east-1"],
        sizes: Some(large),
        foreign: 0.8,
        arguments: &[],
    },
    Scenario {
        name: "100-accounts",
        accounts: 100,
        regions: &["eu-central-1"],
        sizes: None,
        foreign: 0.0,
        arguments: MANY,
    },
    Scenario {
        name: "1000-accounts",
        accounts: 1_000,
        regions: &["eu-central-1"],
        sizes: None,
        foreign: 0.0,
        arguments: MANY,
    },
    // Two services: the whole selection would be two million calls.
    Scenario {
        name: "10000-accounts",
        accounts: 10_000,
        regions: &["eu-central-1"],
        sizes: None,
        foreign: 0.0,
        arguments: &[
            "--assume-role",
            "audit",
            "--organization",
            "--service",
            "ebs",
            "--service",
            "account",
        ],
    },
];

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    println!(
        "| scenario | wall s | lower bound s | ratio | requests | throttled | CPU s | CPU ms/request | peak MB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for scenario in SCENARIOS {
        if wanted.is_empty() || wanted.iter().any(|name| scenario.name.starts_with(name.as_str())) {
            run(scenario).with_context(|| format!("scenario {}", scenario.name))?;
        }
    }
    if wanted.is_empty() || wanted.iter().any(|name| "judging".starts_with(name.as_str())) {
        judging().context("judging alone")?;
    }
    Ok(())
}

/// Verdicts a second on the large account, from its inventory to the spool.
fn judging() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let recording = directory.path().join("large.demarc");
    scale(Recorded::open(&demo())?, &large())?.write(&recording)?;
    let ended = Command::new(env!("CARGO_BIN_EXE_demarc"))
        .args(["scan", "--format", "json", "--output"])
        .arg(directory.path().join("report.json"))
        .args(["--log-format", "json", "--replay"])
        .arg(&recording)
        .env("DEMARC_LOG", "demarc=debug")
        .output()?;
    let (mut verdicts, mut seconds) = (0.0, 0.0);
    for line in String::from_utf8(ended.stderr)?.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        let figure = |name: &str| line["fields"][name].as_f64();
        if let (Some(number), Some(millis)) = (figure("verdicts"), figure("ms")) {
            verdicts += number;
            seconds += millis / 1_000.0;
        }
    }
    ensure!(verdicts > 0.0, "demarc says nothing of its judging");
    let rate = verdicts / seconds;
    println!("\nJudging alone: {verdicts} verdicts in {seconds:.2} s, {rate:.0} a second.");
    Ok(())
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/account.demarc")
}

fn run(scenario: &Scenario) -> anyhow::Result<()> {
    let mut recorded = Recorded::open(&demo())?;
    if let Some(sizes) = scenario.sizes {
        recorded = scale(recorded, &sizes())?;
    }
    let regions = match scenario.regions {
        [] => target::default_regions("aws"),
        regions => regions,
    };
    let mut builder = Sim::builder(recorded)
        .accounts(scenario.accounts)
        .regions(regions.iter().copied())
        .latency(format!("{}ms", LATENCY.as_millis()).parse().map_err(anyhow::Error::msg)?)
        .limits(true)
        .foreign_load(scenario.foreign);
    if scenario.accounts == 1 {
        builder = builder.log();
    }
    let sim = builder.start_on_thread()?;
    let report = tempfile::NamedTempFile::new()?;
    let report = report.into_temp_path();
    let format = ["--quiet", "--format", "json", "--output"];
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_demarc"))
        .arg("scan")
        .args(scenario.arguments)
        .args(format)
        .arg(&report)
        .args(["--endpoint-url", &sim.url()])
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdout(Stdio::null())
        .spawn()?;
    let peak = peak_of(child.id());
    let usage = child.wait4()?;
    let wall = begun.elapsed();
    let code = usage.status.code();
    ensure!(matches!(code, Some(0 | 3 | 4 | 5)), "demarc exited with {code:?}");
    let stats = sim.stats();
    let bound = lower_bound(scenario, &sim);
    let cpu = usage.rusage.utime + usage.rusage.stime;
    println!(
        "| {} | {:.2} | {:.2} | {:.2} | {} | {} | {:.2} | {:.2} | {:.0} |",
        scenario.name,
        wall.as_secs_f64(),
        bound.as_secs_f64(),
        wall.as_secs_f64() / bound.as_secs_f64(),
        stats.requests,
        stats.throttled,
        cpu.as_secs_f64(),
        cpu.as_secs_f64() * 1_000.0 / stats.requests as f64,
        peak.join().unwrap_or_default() as f64 / 1_000.0,
    );
    sim.stop();
    Ok(())
}

/// Watches a process until it ends; its peak resident memory in kilobytes. (What `wait4` says of
/// it begins with the memory of the process that started it.)
fn peak_of(process: u32) -> std::thread::JoinHandle<u64> {
    let status = format!("/proc/{process}/status");
    std::thread::spawn(move || {
        let mut peak = 0;
        while let Ok(text) = std::fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            // A process that has ended and was not waited for has no memory left.
            let Some(line) = line else { break };
            let number = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
            peak = peak.max(number);
            std::thread::sleep(Duration::from_millis(5));
        }
        peak
    })
}

/// No scan that asks these questions can be faster: the fullest token bucket at the budget, the
/// longest chain of questions that wait for each other, or all questions through the requests in
/// flight, whichever is the longest.
fn lower_bound(scenario: &Scenario, sim: &Running) -> Duration {
    let stats = sim.stats();
    let bucket = stats
        .fullest
        .iter()
        .map(|bucket| {
            // What is left of it, or the scan's own share.
            let share = BUDGET.min(1.0 - scenario.foreign);
            let saved = (bucket.burst * share).max(1.0);
            let answered = bucket.calls - bucket.throttled;
            (answered as f64 - saved).max(0.0) / (bucket.rate * share)
        })
        .fold(0.0, f64::max);
    let through = stats.requests as f64 * LATENCY.as_secs_f64() / IN_FLIGHT;
    let chain = if scenario.accounts == 1 { chain(&sim.log()) } else { 0.0 };
    let bound = bucket.max(chain * LATENCY.as_secs_f64()).max(through);
    Duration::from_secs_f64(bound)
}

/// Operations that are asked about each item of a listing, and the listing they wait for.
const AFTER: [(&str, &str); 8] = [
    ("IAM ListMFADevices", "IAM GetAccountAuthorizationDetails"),
    ("EC2 DescribeLaunchTemplateVersions", "EC2 DescribeLaunchTemplates"),
    ("EC2 DescribeSnapshotAttribute", "EC2 DescribeSnapshots"),
    ("RDS DescribeDBParameters", "RDS DescribeDBInstances"),
    ("RDS DescribeDBClusterParameters", "RDS DescribeDBClusters"),
    ("RDS DescribeDBSnapshotAttributes", "RDS DescribeDBSnapshots"),
    ("RDS DescribeDBClusterSnapshotAttributes", "RDS DescribeDBClusterSnapshots"),
    ("S3 Control GetAccessPoint", "S3 Control ListAccessPoints"),
];

/// The longest chain of questions that wait for each other's answers, from the log of a scan:
/// whose credentials these are, which regions are enabled, then every page of the longest listing
/// and what is asked about its items.
fn chain(log: &[Logged]) -> f64 {
    let mut asked: BTreeMap<(String, String), usize> = BTreeMap::new();
    for request in log {
        let name = format!("{} {}", request.service, request.operation);
        *asked.entry((name, request.region.clone())).or_default() += 1;
    }
    let per_item = |name: &str| AFTER.iter().any(|(item, _)| *item == name);
    let first = ["STS GetCallerIdentity", "EC2 DescribeRegions"];
    let longest = asked
        .iter()
        .filter(|((name, _), _)| !per_item(name) && !first.contains(&name.as_str()))
        .filter(|((name, _), _)| name == "S3 ListBuckets" || !name.starts_with("S3 G"))
        .map(|((name, region), pages)| {
            // The global services do not wait for the list of regions.
            let is_regional = ["EC2 ", "RDS ", "S3 Control "].iter().any(|s| name.starts_with(s));
            let begin = 1 + usize::from(is_regional);
            // Who may restore a snapshot is found by a second listing beside the first.
            let pages = if name == "EC2 DescribeSnapshots" { pages.div_ceil(2) } else { *pages };
            let follows = match name.as_str() {
                "S3 ListBuckets" => usize::from(asked.keys().any(|(n, _)| n == "S3 GetBucketAcl")),
                "IAM GenerateCredentialReport" => 1,
                "Account GetAlternateContact" => return begin + 1,
                name => usize::from(AFTER.iter().any(|(item, listing)| {
                    *listing == name && asked.contains_key(&((*item).to_owned(), region.clone()))
                })),
            };
            begin + pages + follows
        })
        .max()
        .unwrap_or_default();
    longest as f64
}
