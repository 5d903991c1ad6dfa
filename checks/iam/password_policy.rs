//! The account's password policy, with AWS's default where the account has none.

use demarc_model::{Call, Evidence, calls, inventory::iam::PasswordPolicy};

pub(super) const CALL: &Call = &calls::iam::GET_ACCOUNT_PASSWORD_POLICY;

/// What AWS demands of a password while the account has no policy: eight characters, three of the
/// four character classes, neither expiry nor a rule on reuse (IAM User Guide, "Set an account
/// password policy for IAM users"). "Three of four" requires no single class.
pub(super) const DEFAULT: PasswordPolicy = PasswordPolicy {
    minimum_password_length: 8,
    require_symbols: false,
    require_numbers: false,
    require_uppercase_characters: false,
    require_lowercase_characters: false,
    max_password_age: None,
    password_reuse_prevention: None,
};

/// One observation about the policy, saying where AWS's default stands in for it.
pub(super) fn observed(
    policy: Option<PasswordPolicy>,
    field: &'static str,
    observed: impl Into<String>,
    expected: &'static str,
) -> Evidence {
    let mut observed = observed.into();
    if policy.is_none() {
        observed.push_str(" (AWS's default: the account has no password policy)");
    }
    Evidence::new(CALL, field, observed, expected)
}
