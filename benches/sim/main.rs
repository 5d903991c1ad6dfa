//! `demarc-sim`: serves a recording as a simulated AWS, scales a recording, measures the server.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use demarc_sim::{
    Latency, Recorded, Sim, duration,
    load::{Question, load},
    rules,
    scale::{Sizes, scale},
};

#[derive(Debug, Parser)]
#[command(version, about)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Serve a recording to any AWS client, through its endpoint URL
    Serve(Serve),
    /// Scale a recording to a given size
    Scale(Scale),
    /// Measure how many requests a second the server answers on one core
    Load(LoadOptions),
}

#[derive(Debug, Args)]
struct Serve {
    /// File made by demarc scan --record
    recording: PathBuf,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Accounts in all; the recorded ones come first
    #[arg(long, default_value_t = 1)]
    accounts: usize,
    /// How many of them, from the end, are suspended
    #[arg(long, default_value_t = 0)]
    suspended: usize,
    /// Regions that are enabled [default: the recorded ones]
    #[arg(long, value_delimiter = ',')]
    regions: Vec<String>,
    /// Latency of each answer: 50ms, or lognormal:MEDIAN:SIGMA
    #[arg(long, default_value = "0")]
    latency: Latency,
    /// Do not enforce AWS's rate limits
    #[arg(long)]
    no_limits: bool,
    /// Share of every token bucket that another client takes, e.g. 80%
    #[arg(long, default_value = "0%", value_parser = percent)]
    foreign_load: f64,
    /// Fault rules, TOML or JSON
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Decides which requests a fault with a probability befalls
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How long the credentials of a role last at most
    #[arg(long, default_value = "1h", value_parser = duration)]
    session: Duration,
    /// Cores to serve on
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn percent(text: &str) -> Result<f64, String> {
    let share: f64 = text
        .strip_suffix('%')
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| format!("\"{text}\" is not a percentage such as 80%"))?;
    if (0.0..100.0).contains(&share) {
        Ok(share / 100.0)
    } else {
        Err(format!("{text} is not within 0% and 100%"))
    }
}

#[derive(Debug, Args)]
struct Scale {
    /// File made by demarc scan --record
    recording: PathBuf,
    /// File to write
    out: PathBuf,
    #[command(flatten)]
    sizes: Sizes,
}

#[derive(Debug, Args)]
struct LoadOptions {
    /// File made by demarc scan --record
    recording: PathBuf,
    /// Connections that ask at the same time
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[arg(long, default_value = "5s", value_parser = duration)]
    lasts: Duration,
}

fn main() -> anyhow::Result<()> {
    match Command::parse().what {
        What::Serve(options) => serve(options),
        What::Scale(options) => {
            let recorded = scale(Recorded::open(&options.recording)?, &options.sizes)?;
            recorded.write(&options.out)?;
            say(&format!("{} exchanges", recorded.exchanges.len()))
        }
        What::Load(options) => measure(&options),
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to standard output")
}

fn serve(options: Serve) -> anyhow::Result<()> {
    let recorded = Recorded::open(&options.recording)?;
    let rules = options.faults.as_deref().map(rules).transpose()?.unwrap_or_default();
    let builder = Sim::builder(recorded)
        .listen(options.listen)
        .accounts(options.accounts)
        .suspended(options.suspended)
        .regions(options.regions)
        .latency(options.latency)
        .limits(!options.no_limits)
        .foreign_load(options.foreign_load)
        .faults(rules)
        .seed(options.seed)
        .session(options.session);
    let runtime = if options.threads <= 1 {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?
    } else {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads)
            .enable_all()
            .build()?
    };
    runtime.block_on(async {
        let running = builder.start().await.context("cannot start the simulated AWS")?;
        say(&running.url())?;
        tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")
    })
}

/// Seconds of processor time that this process's thread of that name took so far; Linux tells.
fn processor_time(thread: &str) -> Option<f64> {
    std::fs::read_dir("/proc/self/task").ok()?.flatten().find_map(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        // The kernel keeps 15 characters of a thread's name.
        let name = thread.get(..15).unwrap_or(thread);
        if !head.ends_with(name) {
            return None;
        }
        let ticks = |at: usize| rest.split_whitespace().nth(at)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / 100.0)
    })
}

fn measure(options: &LoadOptions) -> anyhow::Result<()> {
    let recorded = Recorded::open(&options.recording)?;
    // The shortest answer to a question that needs no path, of those the recording gives itself.
    let question = recorded
        .exchanges
        .iter()
        .filter(|exchange| exchange.service == "EC2" && exchange.operation != "DescribeRegions")
        .min_by_key(|exchange| format!("{:?}", exchange.answer).len())
        .map(|exchange| Question {
            region: exchange.region.clone(),
            service: "ec2".to_owned(),
            body: exchange.body.clone(),
        })
        .context("the recording holds no exchange with EC2")?;
    let running = Sim::builder(recorded).limits(false).start_on_thread()?;
    let server = running.url().trim_start_matches("http://").parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let started = Instant::now();
    let load = runtime.block_on(load(server, &question, options.connections, options.lasts))?;
    #[expect(clippy::cast_precision_loss, reason = "requests of one run are far below 2^52")]
    let requests = load.requests as f64;
    say(&format!(
        "{} requests in {:.1} s: {:.0} a second",
        load.requests,
        started.elapsed().as_secs_f64(),
        requests / load.wall.as_secs_f64()
    ))?;
    if let Some(spent) = processor_time("simulated-aws") {
        say(&format!(
            "the server's thread took {:.1} µs of processor time a request: {:.0} a second on one core",
            spent * 1e6 / requests,
            requests / spent
        ))?;
    }
    Ok(())
}
