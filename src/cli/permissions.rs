//! `demarc permissions`.

use demarc_collect::target;

use super::{print, select::Select};
use crate::{
    exit::Outcome,
    permissions::{Syntax, actions},
    scan::Plan,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    select: Select,
    #[arg(long, value_enum, default_value = "json")]
    format: Syntax,
    /// Leave out what only a scan of every enabled region needs (ec2:DescribeRegions)
    #[arg(long)]
    regions_given: bool,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let wanted = Plan::wanted(&self.select.checks()?);
        let first = if self.regions_given { &[][..] } else { target::CALLS };
        let actions = actions(wanted.iter().chain(first));
        print(format!("{}\n", crate::permissions::print(&actions, self.format)).as_bytes())
    }
}
