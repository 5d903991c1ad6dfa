//! `demarc.toml`: everything the flags of `scan` do, by the flags' own names. A flag on the
//! command line wins over its environment variable, that over the file, that over the default.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, parser::ValueSource};
use toml::{Table, Value};

use super::{Cli, Command, print, select::unknown};
use crate::exit::{Outcome, Usage};

/// Read when it stands in the working directory.
const DEFAULT_FILE: &str = "demarc.toml";

/// The key that holds suppressions; no flag has its name.
pub(crate) const SUPPRESS: &str = "suppress";

/// Keys of flags that only make sense on the command line.
const NOT_IN_FILE: [&str; 3] = ["config", "mfa-code", "help"];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Check a configuration file without scanning
    Check {
        #[arg(default_value = DEFAULT_FILE)]
        file: PathBuf,
    },
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let Action::Check { file } = self.action;
        let config = Config::read(&file)?;
        let arguments = ["demarc", "scan"].map(OsString::from).into_iter();
        let matches = Cli::command()
            .try_get_matches_from(arguments.chain(config.arguments(None)?))
            .map_err(|error| config.usage(&first_line(&error)))?;
        let Command::Scan(args) = Cli::from_arg_matches(&matches)?.command else {
            return Ok(Outcome::Clean);
        };
        args.check().map_err(|error| config.usage(&error.to_string()))?;
        config.suppressions()?;
        print(format!("{} is sound\n", file.display()).as_bytes())
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// A configuration file.
#[derive(Debug)]
pub(crate) struct Config {
    path: PathBuf,
    table: Table,
}

impl Config {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read configuration \"{shown}\""))?;
        let table = text.parse::<Table>().map_err(|error| {
            Usage(format!("configuration \"{shown}\" is not TOML: {}", error.to_string().trim()))
        })?;
        Ok(Self { path: path.to_owned(), table })
    }

    fn usage(&self, what: &str) -> Usage {
        Usage(format!("configuration \"{}\": {what}", self.path.display()))
    }

    /// The file's keys as arguments; those that `given` holds already are left out.
    fn arguments(&self, given: Option<&ArgMatches>) -> Result<Vec<OsString>, Usage> {
        let command = Cli::command();
        let scan = command.find_subcommand("scan").expect("there is a scan");
        let flags: Vec<_> = scan
            .get_arguments()
            .chain(command.get_arguments().filter(|argument| argument.is_global_set()))
            .filter_map(|argument| Some((argument.get_long()?, argument)))
            .filter(|(name, _)| !NOT_IN_FILE.contains(name))
            .collect();
        let names: Vec<_> = flags.iter().map(|(name, _)| *name).chain([SUPPRESS]).collect();
        let mut arguments = Vec::new();
        for (key, value) in self.table.iter().filter(|(key, _)| *key != SUPPRESS) {
            let Some((name, argument)) = flags.iter().find(|(name, _)| name == key) else {
                return Err(self.usage(&unknown("key", key, &names)));
            };
            let given = given.and_then(|given| given.value_source(argument.get_id().as_str()));
            if matches!(given, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
                continue;
            }
            let takes_value = argument.get_action().takes_values();
            let values = match value {
                Value::Boolean(false) if !takes_value => continue,
                Value::Boolean(true) if !takes_value => {
                    arguments.push(format!("--{name}").into());
                    continue;
                }
                Value::Integer(times) if !takes_value => {
                    // -v counts.
                    let flag = || OsString::from(format!("--{name}"));
                    arguments.extend((0..(*times).clamp(0, 9)).map(|_| flag()));
                    continue;
                }
                Value::Array(values) => values.clone(),
                value => vec![value.clone()],
            };
            for value in values {
                let text = match value {
                    Value::String(text) => text,
                    Value::Integer(number) => number.to_string(),
                    Value::Float(number) => number.to_string(),
                    _ => return Err(self.usage(&format!("{key} holds a value of another type"))),
                };
                if !takes_value {
                    return Err(self.usage(&format!("{key} is true or false")));
                }
                arguments.push(format!("--{name}={text}").into());
            }
        }
        Ok(arguments)
    }

    /// The `[[suppress]]` entries, where there are any.
    pub(crate) fn suppressions(&self) -> anyhow::Result<Option<demarc_report::Suppressions>> {
        let origin = self.path.display().to_string();
        match self.table.get(SUPPRESS) {
            None => Ok(None),
            Some(value) => {
                let read = demarc_report::Suppressions::from_value(value.clone(), &origin);
                Ok(Some(read.map_err(|error| Usage(error.to_string()))?))
            }
        }
    }
}

/// The command line with the configuration file's part in it.
pub(crate) fn load() -> anyhow::Result<Cli> {
    let given: Vec<OsString> = std::env::args_os().collect();
    let matches = Cli::command().get_matches_from(&given);
    let Some(("scan", scan)) = matches.subcommand() else {
        return Ok(Cli::from_arg_matches(&matches)?);
    };
    let named = scan.get_one::<PathBuf>("config").cloned();
    let path = match named {
        Some(path) => path,
        None if Path::new(DEFAULT_FILE).is_file() => PathBuf::from(DEFAULT_FILE),
        None => return Ok(Cli::from_arg_matches(&matches)?),
    };
    let config = Config::read(&path)?;
    let mut arguments = given;
    arguments.extend(config.arguments(Some(scan))?);
    let matches = Cli::command()
        .try_get_matches_from(&arguments)
        .map_err(|error| config.usage(&first_line(&error)))?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Command::Scan(args) = &mut cli.command {
        args.config_file = Some(config);
    }
    Ok(cli)
}
