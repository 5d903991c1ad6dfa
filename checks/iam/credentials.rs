//! The credential report, row by row, and what AWS says about an account's root user.

use std::{collections::HashMap, sync::Arc};

use demarc_model::{
    Assessed, Call, Cause, Evidence, Findings, Inventory, NotAssessed, Outcome, Read, Subject,
    Unread, calls,
    inventory::{
        GLOBAL,
        iam::{AccessKey, CredentialRow},
    },
    time::Timestamp,
};

pub(super) const REPORT: &Call = &calls::iam::GET_CREDENTIAL_REPORT;

/// Judges every user of the report; root's row is left out.
///
/// AWS makes a report at most every four hours, so a user may be in it who has since been deleted.
pub(super) fn each_user(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&CredentialRow) -> Assessed,
) {
    let rows = match inventory.iam.credential_report.get() {
        Ok(rows) => rows,
        Err(why) => return findings.one(&inventory.account, Err(why)),
    };
    let listed = inventory.iam.users.seen().iter().map(|user| (&*user.subject.arn, &user.subject));
    let listed: HashMap<_, _> = listed.collect();
    for row in rows.iter().filter(|row| !row.is_root()) {
        let subject = listed.get(&*row.arn).map_or_else(|| subject(row), |user| Arc::clone(user));
        findings.one(&subject, judge(row));
    }
}

/// A user as the report alone knows it: the report holds no tags.
fn subject(row: &CredentialRow) -> Arc<Subject> {
    let tags = Read::not_collected(&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS);
    let named = Subject::new("AWS::IAM::User", &*row.arn, &*row.user, &Arc::from(GLOBAL));
    Arc::new(Subject { tags, ..named })
}

pub(super) fn root(inventory: &Inventory) -> Result<&CredentialRow, Unread> {
    let rows = inventory.iam.credential_report.get()?;
    rows.iter().find(|row| row.is_root()).ok_or_else(|| missing(REPORT, "row <root_account>"))
}

/// Why there is no root user to judge in this partition.
pub(super) fn no_root(inventory: &Inventory) -> Option<Outcome> {
    // "There is no concept of the root user" (Amazon Web Services in China, "IAM").
    let china = inventory.partition == "aws-cn";
    china.then_some(Outcome::NotApplicable("the China regions have no root user"))
}

/// Why nobody can sign in to the console as root here, hence needs no MFA for it. AWS Config's
/// rules on root's MFA take an account without root credentials as not applicable, too.
pub(super) fn no_root_sign_in(inventory: &Inventory) -> Result<Option<Outcome>, Unread> {
    if let Some(outcome) = no_root(inventory) {
        return Ok(Some(outcome));
    }
    if inventory.partition == "aws-us-gov" {
        // AWS GovCloud (US) User Guide, "AWS Identity and Access Management".
        let why = "AWS GovCloud (US) lets nobody sign in as root or give root an MFA device";
        return Ok(Some(Outcome::NotApplicable(why)));
    }
    let summary = inventory.iam.summary.get()?;
    let bare = summary.account_password_present == Some(false)
        && !summary.account_access_keys_present
        && !summary.account_signing_certificates_present;
    Ok(bare.then_some(Outcome::NotApplicable("the root user has no credentials")))
}

/// Whether the user can sign in to the console with a password.
pub(super) fn has_password(row: &CredentialRow) -> Result<bool, Unread> {
    row.password_enabled.ok_or_else(|| missing(REPORT, "column password_enabled"))
}

/// The active access keys with their prefix in the report's columns.
pub(super) fn active_keys(row: &CredentialRow) -> impl Iterator<Item = (&'static str, AccessKey)> {
    ["access_key_1", "access_key_2"].into_iter().zip(row.access_keys).filter(|(_, key)| key.active)
}

/// What AWS always answers, but did not this time.
pub(super) fn missing(call: &'static Call, what: &str) -> Unread {
    let cause = Cause::Malformed { what: format!("answer: no {what}") };
    Arc::new(NotAssessed { call, cause })
}

/// One observation about a user, from a column of the report.
pub(super) fn column(
    name: impl Into<String>,
    observed: impl Into<String>,
    expected: impl Into<String>,
) -> Evidence {
    Evidence::new(REPORT, name.into(), observed.into(), expected.into())
}

/// `2026-11-22`, or that there is none. Dates, not ages: evidence stays the same until the thing
/// observed changes.
pub(super) fn date(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "none".to_owned(), Timestamp::date)
}
