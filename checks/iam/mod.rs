//! AWS IAM: root, users, groups, roles and policies.

use demarc_model::Check;

mod cloudshell_full_access_not_attached;
mod credentials;
mod documents;
mod federation_provider_exists;
mod group_has_members;
mod inline_policy_no_admin;
mod managed_policy_no_admin;
mod no_inline_policies;
mod password_policy;
mod password_policy_character_classes;
mod password_policy_max_age;
mod password_policy_minimum_length;
mod password_policy_reuse_prevention;
mod policy_attached;
mod policy_no_full_service_access;
mod policy_no_kms_decrypt_all;
mod policy_no_not_action;
mod policy_no_privilege_escalation;
mod policy_no_service_wildcard;
mod policy_pass_role_scoped;
mod principal_no_administrator_access;
mod principals;
mod role_no_cross_account_read_only_access;
mod role_trust_confused_deputy;
mod role_trust_cross_account_guarded;
mod role_trust_no_any_principal;
mod role_trust_oidc_subject_restricted;
mod role_used_recently;
mod root_hardware_mfa;
mod root_mfa;
mod root_no_access_keys;
mod root_no_signing_certificates;
mod root_not_used_recently;
mod security_audit_role_exists;
mod server_certificate_not_expired;
mod support_role_exists;
#[cfg(test)]
mod testing;
mod trusts;
mod user_access_key_rotated;
mod user_access_key_used;
mod user_console_mfa;
mod user_console_password_used;
mod user_hardware_mfa;
mod user_in_group;
mod user_mfa;
mod user_no_direct_policies;
mod user_no_setup_access_key;
mod user_password_or_key_not_both;
mod user_single_active_access_key;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &cloudshell_full_access_not_attached::CHECK,
    &federation_provider_exists::CHECK,
    &group_has_members::CHECK,
    &inline_policy_no_admin::CHECK,
    &managed_policy_no_admin::CHECK,
    &no_inline_policies::CHECK,
    &password_policy_character_classes::CHECK,
    &password_policy_max_age::CHECK,
    &password_policy_minimum_length::CHECK,
    &password_policy_reuse_prevention::CHECK,
    &policy_attached::CHECK,
    &policy_no_full_service_access::CHECK,
    &policy_no_kms_decrypt_all::CHECK,
    &policy_no_not_action::CHECK,
    &policy_no_privilege_escalation::CHECK,
    &policy_no_service_wildcard::CHECK,
    &policy_pass_role_scoped::CHECK,
    &principal_no_administrator_access::CHECK,
    &role_no_cross_account_read_only_access::CHECK,
    &role_trust_confused_deputy::CHECK,
    &role_trust_cross_account_guarded::CHECK,
    &role_trust_no_any_principal::CHECK,
    &role_trust_oidc_subject_restricted::CHECK,
    &role_used_recently::CHECK,
    &root_hardware_mfa::CHECK,
    &root_mfa::CHECK,
    &root_no_access_keys::CHECK,
    &root_no_signing_certificates::CHECK,
    &root_not_used_recently::CHECK,
    &security_audit_role_exists::CHECK,
    &server_certificate_not_expired::CHECK,
    &support_role_exists::CHECK,
    &user_access_key_rotated::CHECK,
    &user_access_key_used::CHECK,
    &user_console_mfa::CHECK,
    &user_console_password_used::CHECK,
    &user_hardware_mfa::CHECK,
    &user_in_group::CHECK,
    &user_mfa::CHECK,
    &user_no_direct_policies::CHECK,
    &user_no_setup_access_key::CHECK,
    &user_password_or_key_not_both::CHECK,
    &user_single_active_access_key::CHECK,
];
