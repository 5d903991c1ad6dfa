//! `demarc demo`: the embedded account.

use std::{path::Path, sync::Arc};

use demarc_collect::recording::Recording;

use super::scan;
use crate::exit::Outcome;

/// Made by `examples/demo/record.sh`: a seeded emulator, recorded by demarc itself.
static ACCOUNT: &[u8] = include_bytes!("../../examples/demo/account.demarc");

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    report: scan::Report,
    #[command(flatten)]
    select: super::select::Select,
}

impl Args {
    pub(crate) fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let recording = Recording::parse(ACCOUNT, Path::new("the embedded demo account"))?;
        let args = scan::Args { report: self.report, select: self.select, ..scan::Args::default() };
        args.replay(&Arc::new(recording), quiet)
    }
}
