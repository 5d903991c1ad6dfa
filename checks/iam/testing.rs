//! Small IAM accounts for the tests of this folder.

use demarc_model::{
    Inventory, Read,
    inventory::iam::{AccessKey, AccountSummary, CredentialRow, PasswordPolicy},
    time::Timestamp,
};

use crate::testing::{ACCOUNT, inventory, now};

pub(super) fn days_ago(days: i64) -> Timestamp {
    now().plus_days(-days)
}

/// A user with no credentials, made 400 days ago.
pub(super) fn row(user: &str) -> CredentialRow {
    CredentialRow {
        user: user.to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/{user}"),
        user_creation_time: Some(days_ago(400)),
        password_enabled: Some(false),
        password_last_used: None,
        password_last_changed: None,
        mfa_active: false,
        access_keys: [AccessKey::default(); 2],
        certificates_active: [false; 2],
    }
}

/// A user with a password, used and set yesterday, and an MFA device.
pub(super) fn console_row(user: &str) -> CredentialRow {
    CredentialRow {
        password_enabled: Some(true),
        password_last_used: Some(days_ago(1)),
        password_last_changed: Some(days_ago(1)),
        mfa_active: true,
        ..row(user)
    }
}

/// A user whose one access key is active, made and used that many days ago.
pub(super) fn key_row(name: &str, rotated: i64, used: Option<i64>) -> CredentialRow {
    CredentialRow { access_keys: [key(rotated, used), AccessKey::default()], ..row(name) }
}

pub(super) fn key(rotated: i64, used: Option<i64>) -> AccessKey {
    AccessKey { active: true, last_rotated: Some(days_ago(rotated)), last_used: used.map(days_ago) }
}

/// Root's row: neither used nor holding keys.
pub(super) fn root_row() -> CredentialRow {
    CredentialRow {
        arn: format!("arn:aws:iam::{ACCOUNT}:root"),
        password_enabled: None,
        ..row("<root_account>")
    }
}

pub(super) fn with_report(rows: impl IntoIterator<Item = CredentialRow>) -> Inventory {
    let mut inventory = inventory();
    inventory.iam.credential_report = Read::Known(rows.into_iter().collect());
    inventory
}

/// An account whose root user has a password and nothing else.
pub(super) fn with_summary(summary: AccountSummary) -> Inventory {
    let mut inventory = inventory();
    let password = summary.account_password_present.or(Some(true));
    inventory.iam.summary =
        Read::Known(AccountSummary { account_password_present: password, ..summary });
    inventory
}

pub(super) fn with_password_policy(policy: Option<PasswordPolicy>) -> Inventory {
    let mut inventory = inventory();
    inventory.iam.password_policy = Read::Known(policy);
    inventory
}

/// What CIS asks for.
pub(super) const STRONG: PasswordPolicy = PasswordPolicy {
    minimum_password_length: 14,
    require_symbols: true,
    require_numbers: true,
    require_uppercase_characters: true,
    require_lowercase_characters: true,
    max_password_age: Some(90),
    password_reuse_prevention: Some(24),
};
