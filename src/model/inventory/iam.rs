//! AWS Identity and Access Management, a global service.

use std::sync::Arc;

use super::{Subject, resources, unlisted, unread};
use crate::{Cause, Listing, Read, calls, policy::Policy, time::Timestamp};

#[derive(Debug)]
pub struct Iam {
    pub summary: Read<AccountSummary>,
    /// `None` when the account has none; AWS's default policy then applies (8 characters, three of
    /// four character classes, no expiry, no reuse rule).
    pub password_policy: Read<Option<PasswordPolicy>>,
    /// One row a user and one for root; rows in the order of the report.
    pub credential_report: Read<Vec<CredentialRow>>,
    pub users: Listing<User>,
    pub groups: Listing<Group>,
    pub roles: Listing<Role>,
    /// Customer managed policies, and the AWS managed ones that are attached to something.
    pub policies: Listing<ManagedPolicy>,
    /// Serial numbers (ARNs) of assigned virtual MFA devices; root's ends in
    /// `:mfa/root-account-mfa-device`, or is owned by the root user.
    pub virtual_mfa_devices: Listing<VirtualMfaDevice>,
    pub saml_providers: Listing<Provider>,
    pub oidc_providers: Listing<Provider>,
    pub server_certificates: Listing<ServerCertificate>,
}

/// `GetAccountSummary`, the figures that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountSummary {
    pub account_mfa_enabled: bool,
    /// 0 or 1: whether root has access keys, not how many.
    pub account_access_keys_present: bool,
    pub account_signing_certificates_present: bool,
    /// Root's password; absent (`None`) in the answers of some partitions.
    pub account_password_present: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of AWS's PasswordPolicy")]
pub struct PasswordPolicy {
    pub minimum_password_length: i32,
    pub require_symbols: bool,
    pub require_numbers: bool,
    pub require_uppercase_characters: bool,
    pub require_lowercase_characters: bool,
    /// Days; `None` when passwords do not expire.
    pub max_password_age: Option<i32>,
    /// `None` when passwords may be reused.
    pub password_reuse_prevention: Option<i32>,
}

/// One row of the credential report. `N/A`, `no_information` and `not_supported` are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// `<root_account>` for root.
    pub user: String,
    pub arn: String,
    pub user_creation_time: Option<Timestamp>,
    /// `None` for root, where the report says `not_supported`.
    pub password_enabled: Option<bool>,
    pub password_last_used: Option<Timestamp>,
    pub password_last_changed: Option<Timestamp>,
    pub mfa_active: bool,
    pub access_keys: [AccessKey; 2],
    /// X.509 signing certificates.
    pub certificates_active: [bool; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessKey {
    pub active: bool,
    /// When it was made or last rotated; `None` when there is no such key.
    pub last_rotated: Option<Timestamp>,
    pub last_used: Option<Timestamp>,
}

impl CredentialRow {
    pub fn is_root(&self) -> bool {
        self.user == "<root_account>"
    }
}

#[derive(Debug)]
pub struct User {
    pub subject: Arc<Subject>,
    pub create_date: Option<Timestamp>,
    pub groups: Vec<String>,
    pub attached_policies: Vec<AttachedPolicy>,
    pub inline_policies: Vec<InlinePolicy>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Serial numbers; a virtual or passkey device's is an ARN, a hardware token's a plain number.
    pub mfa_devices: Listing<String>,
}

#[derive(Debug)]
pub struct Group {
    pub subject: Arc<Subject>,
    pub attached_policies: Vec<AttachedPolicy>,
    pub inline_policies: Vec<InlinePolicy>,
}

#[derive(Debug)]
pub struct Role {
    pub subject: Arc<Subject>,
    /// `/aws-service-role/…` for service-linked roles, which customers cannot edit.
    pub path: String,
    pub create_date: Option<Timestamp>,
    /// `None` when AWS has seen no use in its tracking period (400 days).
    pub last_used: Option<Timestamp>,
    pub trust: Read<Policy>,
    pub attached_policies: Vec<AttachedPolicy>,
    pub inline_policies: Vec<InlinePolicy>,
    pub permissions_boundary: Option<String>,
    /// ARNs of the instance profiles that carry the role.
    pub instance_profiles: Vec<String>,
}

impl Role {
    /// Made and edited by an AWS service alone, or by IAM Identity Center.
    pub fn is_aws_managed(&self) -> bool {
        self.path.starts_with("/aws-service-role/") || self.path.starts_with("/aws-reserved/")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedPolicy {
    pub name: String,
    pub arn: String,
}

#[derive(Debug)]
pub struct InlinePolicy {
    pub name: String,
    pub document: Read<Policy>,
}

#[derive(Debug)]
pub struct ManagedPolicy {
    pub subject: Arc<Subject>,
    /// How many users, groups and roles it is attached to.
    pub attachment_count: i32,
    /// How many users and roles have it as their permissions boundary.
    pub permissions_boundary_usage_count: i32,
    /// The default version's document.
    pub document: Read<Policy>,
}

impl ManagedPolicy {
    /// AWS's own (`arn:aws:iam::aws:policy/…`), which the customer cannot edit.
    pub fn is_aws_managed(&self) -> bool {
        self.subject.arn.split(':').nth(4) == Some("aws")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualMfaDevice {
    pub serial_number: String,
    /// ARN of the user it is assigned to; `None` when unassigned.
    pub user_arn: Option<String>,
}

/// A SAML or OpenID Connect identity provider.
#[derive(Debug)]
pub struct Provider {
    pub subject: Arc<Subject>,
    /// SAML alone: when the provider's certificate ends.
    pub valid_until: Option<Timestamp>,
}

#[derive(Debug)]
pub struct ServerCertificate {
    pub subject: Arc<Subject>,
    pub expiration: Option<Timestamp>,
}

resources!(User, Group, Role, ManagedPolicy, Provider, ServerCertificate);

impl Iam {
    /// The section with everything unread for one reason.
    pub fn unread(cause: &Cause) -> Self {
        Self {
            summary: unread(cause, &calls::iam::GET_ACCOUNT_SUMMARY),
            password_policy: unread(cause, &calls::iam::GET_ACCOUNT_PASSWORD_POLICY),
            credential_report: unread(cause, &calls::iam::GET_CREDENTIAL_REPORT),
            users: unlisted(cause, &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS),
            groups: unlisted(cause, &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS),
            roles: unlisted(cause, &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS),
            policies: unlisted(cause, &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS),
            virtual_mfa_devices: unlisted(cause, &calls::iam::LIST_VIRTUAL_MFA_DEVICES),
            saml_providers: unlisted(cause, &calls::iam::LIST_SAML_PROVIDERS),
            oidc_providers: unlisted(cause, &calls::iam::LIST_OPEN_ID_CONNECT_PROVIDERS),
            server_certificates: unlisted(cause, &calls::iam::LIST_SERVER_CERTIFICATES),
        }
    }
}

impl Default for Iam {
    fn default() -> Self {
        Self::unread(&Cause::NotCollected)
    }
}
