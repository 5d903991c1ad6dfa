//! The command line: one definition for parsing, help, completions and the man page.

use std::io::{IsTerminal as _, Write as _};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use tracing_subscriber::{EnvFilter, fmt};

use crate::exit::Outcome;

mod accounts;
mod boundary;
mod checks;
pub(crate) mod config;
mod convert;
mod demo;
mod diff;
mod permissions;
mod region;
mod scan;
mod select;

/// Scans the security posture of live AWS accounts and says of every finding where it falls in
/// AWS's shared responsibility model.
#[derive(Debug, Parser)]
#[command(name = "demarc", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  complete, nothing at or above --fail-on
  1  could not run
  2  wrong usage
  3  findings at or above --fail-on
  4  coverage below --min-coverage, and no such findings
  5  both 3 and 4";

#[derive(Debug, clap::Args)]
struct Global {
    /// More log messages on stderr (-vv for all of demarc's own)
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Errors alone; no progress, no summary
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Format of log messages
    #[arg(long, value_enum, default_value_t, global = true, value_name = "FORMAT")]
    log_format: LogFormat,
    /// Colour on stdout and stderr
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    color: Color,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Scan live accounts, or replay a recording
    Scan(Box<scan::Args>),
    /// Scan the embedded demo account; no credentials, no network
    Demo(demo::Args),
    /// List the checks
    Checks(checks::List),
    /// Print a check's page
    Explain(checks::Explain),
    /// Print the exact IAM policy for the selected checks
    Permissions(permissions::Args),
    /// Print whose duty each layer of a service is
    Boundary(boundary::Args),
    /// Write a saved JSON report in another format
    Convert(convert::Args),
    /// Print what changed between two saved reports
    Diff(diff::Args),
    /// Check a configuration file
    Config(config::Args),
    /// Print shell completions
    Completions { shell: clap_complete::Shell },
    /// Print the man page
    Man,
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        self.global.color();
        self.global.log();
        let quiet = self.global.quiet;
        match self.command {
            Command::Scan(args) => args.run(quiet),
            Command::Demo(args) => args.run(quiet),
            Command::Checks(args) => args.run(),
            Command::Explain(args) => args.run(),
            Command::Permissions(args) => args.run(),
            Command::Boundary(args) => args.run(),
            Command::Convert(args) => args.run(quiet),
            Command::Diff(args) => args.run(),
            Command::Config(args) => args.run(),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "demarc", &mut script);
                print(&script)
            }
            Command::Man => {
                let mut page = Vec::new();
                clap_mangen::Man::new(Self::command()).render(&mut page)?;
                print(&page)
            }
        }
    }
}

/// Prints a command's result.
fn print(result: &[u8]) -> anyhow::Result<Outcome> {
    let mut out = anstream::stdout().lock();
    out.write_all(result)?;
    out.flush()?;
    Ok(Outcome::Clean)
}

impl Global {
    fn color(&self) {
        match self.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
    }

    fn log(&self) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => "error",
            // The SDK's own warnings are about places that hold no credentials.
            (_, 0) => "error,demarc=warn,demarc_collect=warn",
            (_, 1) => "demarc=info,demarc_collect=info,warn",
            (_, 2) => "demarc=debug,demarc_collect=debug,info",
            _ => "demarc=trace,demarc_collect=trace,debug",
        };
        let filter =
            EnvFilter::try_from_env("DEMARC_LOG").unwrap_or_else(|_| EnvFilter::new(level));
        let colour = match self.color {
            Color::Auto => {
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
            }
            Color::Always => true,
            Color::Never => false,
        };
        let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
        match self.log_format {
            LogFormat::Text => builder.with_target(false).init(),
            LogFormat::Json => builder.json().init(),
        }
    }
}
