//! Small IAM accounts for the tests of this folder.

use std::sync::Arc;

use demarc_model::{
    Inventory, Listing, Read, Subject, calls,
    inventory::{
        GLOBAL, Iam,
        iam::{
            AccessKey, AccountSummary, AttachedPolicy, CredentialRow, Group, InlinePolicy,
            ManagedPolicy, PasswordPolicy, Role, User,
        },
    },
    policy::Policy,
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

/// An account whose authorization details were read and are empty, filled in by `fill`.
pub(super) fn with_details(fill: impl FnOnce(&mut Details)) -> Inventory {
    let mut details = Details::default();
    fill(&mut details);
    let mut inventory = inventory();
    inventory.iam = Iam {
        users: Listing::complete(details.users),
        groups: Listing::complete(details.groups),
        roles: Listing::complete(details.roles),
        policies: Listing::complete(details.policies),
        ..Iam::default()
    };
    inventory
}

/// An account whose authorization details were denied.
pub(super) fn without_details() -> Inventory {
    let call = &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS;
    let mut inventory = inventory();
    inventory.iam = Iam {
        users: Listing::denied(call, "AccessDenied"),
        groups: Listing::denied(call, "AccessDenied"),
        roles: Listing::denied(call, "AccessDenied"),
        policies: Listing::denied(call, "AccessDenied"),
        ..Iam::default()
    };
    inventory
}

#[derive(Default)]
pub(super) struct Details {
    pub(super) users: Vec<User>,
    pub(super) groups: Vec<Group>,
    pub(super) roles: Vec<Role>,
    pub(super) policies: Vec<ManagedPolicy>,
}

fn subject(kind: &'static str, arn: String) -> Arc<Subject> {
    let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
    Arc::new(Subject::new(kind, arn, name, &Arc::from(GLOBAL)))
}

pub(super) fn user(name: &str) -> User {
    User {
        subject: subject("AWS::IAM::User", format!("arn:aws:iam::{ACCOUNT}:user/{name}")),
        create_date: Some(days_ago(400)),
        groups: Vec::new(),
        attached_policies: Vec::new(),
        inline_policies: Vec::new(),
        permissions_boundary: None,
        mfa_devices: Listing::complete(Vec::new()),
    }
}

pub(super) fn group(name: &str) -> Group {
    Group {
        subject: subject("AWS::IAM::Group", format!("arn:aws:iam::{ACCOUNT}:group/{name}")),
        attached_policies: Vec::new(),
        inline_policies: Vec::new(),
    }
}

/// A role that EC2 may assume, made 400 days ago and used yesterday.
pub(super) fn role(name: &str) -> Role {
    Role {
        subject: subject("AWS::IAM::Role", format!("arn:aws:iam::{ACCOUNT}:role/{name}")),
        path: "/".to_owned(),
        create_date: Some(days_ago(400)),
        last_used: Some(days_ago(1)),
        trust: trust(r#"{"Service": "ec2.amazonaws.com"}"#, "{}"),
        attached_policies: Vec::new(),
        inline_policies: Vec::new(),
        permissions_boundary: None,
        instance_profiles: Vec::new(),
    }
}

/// The role of an AWS service, which the customer cannot edit.
pub(super) fn service_linked_role() -> Role {
    Role { path: "/aws-service-role/support.amazonaws.com/".to_owned(), ..role("AWSServiceRole") }
}

/// The role that IAM Identity Center makes of a permission set.
pub(super) fn identity_center_role() -> Role {
    Role { path: "/aws-reserved/sso.amazonaws.com/".to_owned(), ..role("AWSReservedSSO_Admin") }
}

/// A trust policy of one statement.
pub(super) fn trust(principal: &str, condition: &str) -> Read<Policy> {
    let action = r#"["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"]"#;
    document(&format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": {action},
           "Principal": {principal}, "Condition": {condition}}}}}"#
    ))
}

pub(super) fn document(json: &str) -> Read<Policy> {
    Read::Known(Policy::parse(json).expect("a valid policy"))
}

/// An Allow of one statement.
pub(super) fn allow(action: &str, resource: &str) -> Read<Policy> {
    allow_if(action, resource, "{}")
}

pub(super) fn allow_if(action: &str, resource: &str, condition: &str) -> Read<Policy> {
    document(&format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": {action},
           "Resource": "{resource}", "Condition": {condition}}}}}"#
    ))
}

/// A customer managed policy that is attached once.
pub(super) fn managed(name: &str, document: Read<Policy>) -> ManagedPolicy {
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/{name}");
    ManagedPolicy {
        subject: subject("AWS::IAM::ManagedPolicy", arn),
        attachment_count: 1,
        permissions_boundary_usage_count: 0,
        document,
    }
}

/// One of AWS's own policies.
pub(super) fn aws_managed(name: &str, document: Read<Policy>) -> ManagedPolicy {
    let arn = format!("arn:aws:iam::aws:policy/{name}");
    ManagedPolicy { subject: subject("AWS::IAM::ManagedPolicy", arn), ..managed(name, document) }
}

pub(super) fn inline(name: &str, document: Read<Policy>) -> InlinePolicy {
    InlinePolicy { name: name.to_owned(), document }
}

/// AWS's own policy of that name, attached.
pub(super) fn attached(name: &str) -> AttachedPolicy {
    AttachedPolicy { name: name.to_owned(), arn: format!("arn:aws:iam::aws:policy/{name}") }
}
