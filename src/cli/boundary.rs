//! `demarc boundary`.

use demarc_checks::boundary;

use super::{print, select::unknown};
use crate::exit::{Outcome, Usage};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Services, e.g. rds lambda; all when none is named
    services: Vec<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        if self.services.is_empty() {
            return print(boundary::page().as_bytes());
        }
        let known: Vec<_> = boundary::all().iter().map(|found| found.service.as_str()).collect();
        let mut text = String::new();
        for service in &self.services {
            let found =
                boundary::of(service).ok_or_else(|| Usage(unknown("service", service, &known)))?;
            text += &boundary::section(found);
        }
        print(text.as_bytes())
    }
}
