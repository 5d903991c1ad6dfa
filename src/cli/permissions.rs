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
    /// Add what listing the organization's accounts needs, for the identity that scans them all
    #[arg(long, requires = "assume_role")]
    organization: bool,
    /// List those of this organizational unit and those below it, as the scan will (repeatable)
    #[arg(long, value_name = "OU", requires = "organization")]
    ou: Vec<String>,
    /// Add entering every account through the role of this name (with its path)
    #[arg(long, value_name = "NAME")]
    assume_role: Option<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let wanted = Plan::wanted(&self.select.checks()?);
        let first = if self.regions_given { &[][..] } else { target::CALLS };
        let listing =
            if self.organization { target::listing_calls(!self.ou.is_empty()) } else { &[] };
        let actions = actions(wanted.iter().chain(first).chain(listing));
        // In a policy, whatever the partition and the account.
        let roles = self.assume_role.map(|name| target::role_arn("*", "*", &name));
        let policy = crate::permissions::print(&actions, roles.as_deref(), self.format);
        print(format!("{policy}\n").as_bytes())
    }
}
