//! AWS IAM: root, users, groups, roles and policies.

use demarc_model::Check;

mod credentials;
mod password_policy;
mod password_policy_character_classes;
mod password_policy_max_age;
mod password_policy_minimum_length;
mod password_policy_reuse_prevention;
mod root_hardware_mfa;
mod root_mfa;
mod root_no_access_keys;
mod root_no_signing_certificates;
mod root_not_used_recently;
#[cfg(test)]
mod testing;
mod user_access_key_rotated;
mod user_access_key_used;
mod user_console_mfa;
mod user_console_password_used;
mod user_mfa;
mod user_no_setup_access_key;
mod user_password_or_key_not_both;
mod user_single_active_access_key;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &password_policy_character_classes::CHECK,
    &password_policy_max_age::CHECK,
    &password_policy_minimum_length::CHECK,
    &password_policy_reuse_prevention::CHECK,
    &root_hardware_mfa::CHECK,
    &root_mfa::CHECK,
    &root_no_access_keys::CHECK,
    &root_no_signing_certificates::CHECK,
    &root_not_used_recently::CHECK,
    &user_access_key_rotated::CHECK,
    &user_access_key_used::CHECK,
    &user_console_mfa::CHECK,
    &user_console_password_used::CHECK,
    &user_mfa::CHECK,
    &user_no_setup_access_key::CHECK,
    &user_password_or_key_not_both::CHECK,
    &user_single_active_access_key::CHECK,
];
