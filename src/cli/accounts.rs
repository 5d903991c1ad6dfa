//! Which accounts a scan reads, and the way into each.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use demarc_collect::{
    Shared, Transport,
    target::{self, Caller, Member, Role},
};
use demarc_report::AccountError;
use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::{
    exit::Usage,
    scan::{Account, Accounts, Way},
};

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Many accounts")]
pub(crate) struct Organization {
    /// Scan every active account of the organization
    #[arg(long, env = "DEMARC_ORGANIZATION", requires = "assume_role")]
    #[expect(clippy::struct_field_names, reason = "named after its flag")]
    pub(super) organization: bool,
    /// Only accounts of this organizational unit and those below it (repeatable)
    #[arg(long, value_name = "OU", requires = "organization")]
    pub(super) ou: Vec<String>,
    /// Leave out this account (repeatable)
    #[arg(long, value_name = "ID")]
    pub(super) exclude_account: Vec<String>,
    /// Scan the accounts of a file: one id a line, a name after it if you like, # comments
    #[arg(long, value_name = "FILE", conflicts_with = "organization", requires = "assume_role")]
    pub(super) accounts: Option<PathBuf>,
    /// Name (with its path) of the role to assume in each account
    #[arg(long, value_name = "NAME", env = "DEMARC_ASSUME_ROLE")]
    pub(super) assume_role: Option<String>,
    /// Accounts that are read at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) accounts_at_once: u16,
    /// Directory that lets a killed run go on where it was
    #[arg(long, value_name = "DIR", conflicts_with_all = ["record", "replay"])]
    pub(super) checkpoint: Option<PathBuf>,
}

/// The way into the accounts of a run.
pub(super) struct Entrance {
    pub(super) caller: Arc<Caller>,
    pub(super) transport: Transport,
    pub(super) role_name: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: String,
    pub(super) session_policy: String,
}

impl Entrance {
    fn direct(&self) -> Way {
        Way::Direct { caller: Arc::clone(&self.caller), transport: self.transport.clone() }
    }

    fn account(&self, member: Member) -> Account {
        let way = if !member.active {
            Way::Closed(AccountError {
                cause: "not-active".to_owned(),
                reason: "the account is not active in the organization".to_owned(),
            })
        } else if member.id == self.caller.account {
            self.direct()
        } else {
            Way::Role {
                caller: Arc::clone(&self.caller),
                transport: self.transport.clone(),
                role: Role {
                    arn: target::role_arn(&self.caller.partition, &member.id, &self.role_name),
                    external_id: self.external_id.clone(),
                    session_name: self.session_name.clone(),
                    mfa: None,
                    policy: Some(self.session_policy.clone()),
                },
            }
        };
        let name = Some(member.name).filter(|name| !name.is_empty());
        Account { id: member.id, name, way }
    }
}

impl Organization {
    /// The accounts of the file, if one was named, but for those that are left out.
    pub(super) fn listed(&self) -> anyhow::Result<Option<Vec<Member>>> {
        let Some(path) = &self.accounts else { return Ok(None) };
        let mut listed = read_accounts(path)?;
        listed.retain(|member| !self.exclude_account.contains(&member.id));
        Ok(Some(listed))
    }

    /// The accounts to read: those that a file `listed`, the organization's, or the caller's own.
    pub(super) fn accounts(
        &self,
        shared: &Shared,
        entrance: Entrance,
        listed: Option<&[Member]>,
    ) -> Accounts {
        if let Some(listed) = listed {
            let accounts = listed.iter().cloned().map(|member| entrance.account(member)).collect();
            return Accounts::of(accounts, shared);
        }
        if !self.organization {
            let (way, id) = (entrance.direct(), entrance.caller.account.clone());
            return Accounts::of(vec![Account { id, name: None, way }], shared);
        }
        let (units, excluded) = (&self.ou, &self.exclude_account);
        let (mut members, listing) = target::members(shared, &entrance.caller, units, excluded);
        let known = stream::poll_fn(move |polled| members.poll_recv(polled))
            .map(move |member| entrance.account(member));
        let listing = listing.map(|listed| Ok(listed.context("the listing panicked")??));
        Accounts { known: known.boxed(), listing: listing.boxed() }
    }
}

/// One account id a line, a name after it, `#` comments.
fn read_accounts(path: &Path) -> anyhow::Result<Vec<Member>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read accounts file \"{shown}\""))?;
    let mut members = std::collections::BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (id, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if id.len() != 12 || !id.chars().all(|c| c.is_ascii_digit()) {
            let number = number + 1;
            let text = format!(
                "accounts file \"{shown}\", line {number}: \"{id}\" is not a twelve-digit account id"
            );
            return Err(Usage(text).into());
        }
        let member = Member { id: id.to_owned(), name: name.trim().to_owned(), active: true };
        members.insert(id.to_owned(), member);
    }
    Ok(members.into_values().collect())
}
