//! AWS IAM: one detailed listing, the credential report, and what neither of them holds.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_sdk_iam::{
    Client,
    operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput,
    types::{self, AssignmentStatusType, EntityType, ReportStateType, SummaryKeyType},
};
use demarc_model::{
    Cause, Inventory, Listing, Read, Resource as _, Subject,
    calls::{Call, iam as calls},
    inventory::{
        GLOBAL, Iam,
        iam::{
            AccessKey, AccountSummary, AttachedPolicy, CredentialRow, Group, InlinePolicy,
            ManagedPolicy, PasswordPolicy, Provider, Role, ServerCertificate, User,
            VirtualMfaDevice,
        },
    },
    policy::Policy,
    time::Timestamp,
};
use futures_util::{StreamExt as _, stream};

use crate::{Collector, Context, Scope, number, text, timestamp};

static CALLS: &[&Call] = calls::ALL;

pub(crate) static COLLECTOR: Collector = Collector {
    name: "iam",
    calls: CALLS,
    annotations: &[],
    scope: Scope::Global {
        run: |context, _| {
            Box::pin(async move {
                let iam = Box::pin(read(&context)).await;
                Box::new(move |inventory: &mut Inventory| inventory.iam = iam) as _
            })
        },
        failed: |inventory, cause| inventory.iam = Iam::unread(cause),
    },
};

/// Users whose MFA devices are asked for at the same time.
const USERS_AT_ONCE: usize = 32;
/// How often to ask whether the credential report is ready, and how long to wait between.
const REPORT_POLLS: u32 = 30;
/// The first pause between; doubled with each question up to the longest.
const REPORT_PAUSE: Duration = Duration::from_millis(250);
const REPORT_LONGEST_PAUSE: Duration = Duration::from_secs(4);

async fn read(context: &Context) -> Iam {
    let client = context.iam_client();
    // The report and the details have the longest chains of dependent calls: they start first.
    let (credential_report, details, rest) = tokio::join!(
        credential_report(context, &client),
        details(context, &client),
        rest(context, &client),
    );
    Iam { credential_report, ..merge(details, rest) }
}

fn merge(details: Details, rest: Iam) -> Iam {
    Iam {
        users: details.users,
        groups: details.groups,
        roles: details.roles,
        policies: details.policies,
        ..rest
    }
}

async fn rest(context: &Context, client: &Client) -> Iam {
    let (summary, password_policy, virtual_mfa_devices, saml, oidc, certificates) = tokio::join!(
        summary(context, client),
        password_policy(context, client),
        virtual_mfa_devices(context, client),
        saml_providers(context, client),
        oidc_providers(context, client),
        server_certificates(context, client),
    );
    Iam {
        summary,
        password_policy,
        virtual_mfa_devices,
        saml_providers: saml,
        oidc_providers: oidc,
        server_certificates: certificates,
        ..Iam::default()
    }
}

fn global() -> Arc<str> {
    Arc::from(GLOBAL)
}

/// A document as IAM answers it: percent-encoded JSON.
fn document(call: &'static Call, text: Option<&str>, owner: &str) -> Read<Policy> {
    match text.map(Policy::parse) {
        Some(Ok(policy)) => Read::Known(policy),
        Some(Err(error)) => {
            Read::unknown(call, Cause::Malformed { what: format!("policy of {owner}: {error}") })
        }
        None => Read::unknown(
            call,
            Cause::Malformed { what: format!("policy of {owner}: no document") },
        ),
    }
}

#[derive(Default)]
struct Found {
    users: BTreeMap<Arc<str>, User>,
    groups: BTreeMap<Arc<str>, Group>,
    roles: BTreeMap<Arc<str>, Role>,
    policies: BTreeMap<Arc<str>, ManagedPolicy>,
}

impl Found {
    /// What a page holds. The page itself is dropped: it carries every version of every policy.
    fn of(page: &GetAccountAuthorizationDetailsOutput) -> Self {
        let call = &calls::GET_ACCOUNT_AUTHORIZATION_DETAILS;
        let mut found = Self::default();
        found.users.extend(page.user_detail_list().iter().map(|detail| {
            let user = user(call, detail);
            (user.subject.arn.clone(), user)
        }));
        found.groups.extend(page.group_detail_list().iter().map(|detail| {
            let group = group(call, detail);
            (group.subject.arn.clone(), group)
        }));
        found.roles.extend(page.role_detail_list().iter().map(|detail| {
            let role = role(call, detail);
            (role.subject.arn.clone(), role)
        }));
        found.policies.extend(page.policies().iter().filter_map(|detail| {
            let policy = managed_policy(call, detail);
            let is_used =
                policy.attachment_count > 0 || policy.permissions_boundary_usage_count > 0;
            (!policy.is_aws_managed() || is_used).then(|| (policy.subject.arn.clone(), policy))
        }));
        found
    }

    fn extend(&mut self, page: Self) {
        self.users.extend(page.users);
        self.groups.extend(page.groups);
        self.roles.extend(page.roles);
        self.policies.extend(page.policies);
    }
}

struct Details {
    users: Listing<User>,
    groups: Listing<Group>,
    roles: Listing<Role>,
    policies: Listing<ManagedPolicy>,
}

async fn details(context: &Context, client: &Client) -> Details {
    let pages = context
        .pages(
            &calls::GET_ACCOUNT_AUTHORIZATION_DETAILS,
            |marker| {
                client
                    .get_account_authorization_details()
                    .max_items(1_000)
                    .set_marker(marker)
                    .filter(EntityType::User)
                    .filter(EntityType::Group)
                    .filter(EntityType::Role)
                    .filter(EntityType::LocalManagedPolicy)
                    .filter(EntityType::AwsManagedPolicy)
                    .send()
            },
            |page: GetAccountAuthorizationDetailsOutput| {
                let next = page.marker.clone().filter(|_| page.is_truncated);
                (vec![Found::of(&page)], next)
            },
        )
        .await;
    let gap = pages.gap().cloned();
    let mut found = Found::default();
    for page in pages.into_seen() {
        found.extend(page);
    }
    let mut users: Vec<User> = found.users.into_values().collect();
    if context.wants(&calls::LIST_MFA_DEVICES) {
        let names: Vec<_> = users.iter().map(|user| user.subject.name.clone()).collect();
        let devices: Vec<_> = stream::iter(names)
            .map(|name| async move { mfa_devices(context, client, &name).await })
            .buffered(USERS_AT_ONCE)
            .collect()
            .await;
        for (user, devices) in users.iter_mut().zip(devices) {
            user.mfa_devices = devices;
        }
    }
    let complete = gap.is_none();
    let details = Details {
        users: Listing::new(users, gap.clone()),
        groups: Listing::new(found.groups.into_values().collect(), gap.clone()),
        roles: Listing::new(found.roles.into_values().collect(), gap.clone()),
        policies: Listing::new(found.policies.into_values().collect(), gap),
    };
    if let Some(users) = number(&details.users) {
        tracing::info!(
            users,
            groups = number(&details.groups),
            roles = number(&details.roles),
            policies = number(&details.policies),
            complete,
            "read principals and policies"
        );
    }
    details
}

async fn mfa_devices(context: &Context, client: &Client, user: &str) -> Listing<String> {
    context
        .pages(
            &calls::LIST_MFA_DEVICES,
            |marker| {
                client.list_mfa_devices().user_name(user).max_items(100).set_marker(marker).send()
            },
            |page| {
                let next = page.marker.clone().filter(|_| page.is_truncated);
                (page.mfa_devices.into_iter().map(|device| device.serial_number).collect(), next)
            },
        )
        .await
}

fn tags(tags: &[types::Tag]) -> impl Iterator<Item = (String, String)> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()))
}

fn attached(policies: &[types::AttachedPolicy]) -> Vec<AttachedPolicy> {
    policies
        .iter()
        .map(|policy| AttachedPolicy {
            name: text(policy.policy_name()),
            arn: text(policy.policy_arn()),
        })
        .collect()
}

fn inline(call: &'static Call, policies: &[types::PolicyDetail], owner: &str) -> Vec<InlinePolicy> {
    policies
        .iter()
        .map(|policy| {
            let name = text(policy.policy_name());
            let document = document(call, policy.policy_document(), &format!("{owner}/{name}"));
            InlinePolicy { name, document }
        })
        .collect()
}

fn boundary(boundary: Option<&types::AttachedPermissionsBoundary>) -> Option<String> {
    boundary?.permissions_boundary_arn().map(str::to_owned)
}

fn user(call: &'static Call, detail: &types::UserDetail) -> User {
    let (arn, name) = (detail.arn().unwrap_or_default(), detail.user_name().unwrap_or_default());
    User {
        subject: Arc::new(
            Subject::new("AWS::IAM::User", arn, name, &global()).with_tags(tags(detail.tags())),
        ),
        create_date: timestamp(detail.create_date()),
        groups: detail.group_list().to_vec(),
        attached_policies: attached(detail.attached_managed_policies()),
        inline_policies: inline(call, detail.user_policy_list(), arn),
        permissions_boundary: boundary(detail.permissions_boundary()),
        mfa_devices: Listing::not_collected(&calls::LIST_MFA_DEVICES),
    }
}

fn group(call: &'static Call, detail: &types::GroupDetail) -> Group {
    let (arn, name) = (detail.arn().unwrap_or_default(), detail.group_name().unwrap_or_default());
    Group {
        subject: Arc::new(Subject::new("AWS::IAM::Group", arn, name, &global())),
        attached_policies: attached(detail.attached_managed_policies()),
        inline_policies: inline(call, detail.group_policy_list(), arn),
    }
}

fn role(call: &'static Call, detail: &types::RoleDetail) -> Role {
    let (arn, name) = (detail.arn().unwrap_or_default(), detail.role_name().unwrap_or_default());
    let last_used = detail.role_last_used().and_then(|used| timestamp(used.last_used_date()));
    let mut instance_profiles: Vec<_> =
        detail.instance_profile_list().iter().map(|profile| profile.arn().to_owned()).collect();
    instance_profiles.sort();
    Role {
        subject: Arc::new(
            Subject::new("AWS::IAM::Role", arn, name, &global()).with_tags(tags(detail.tags())),
        ),
        path: detail.path().unwrap_or("/").to_owned(),
        create_date: timestamp(detail.create_date()),
        last_used,
        trust: document(call, detail.assume_role_policy_document(), arn),
        attached_policies: attached(detail.attached_managed_policies()),
        inline_policies: inline(call, detail.role_policy_list(), arn),
        permissions_boundary: boundary(detail.permissions_boundary()),
        instance_profiles,
    }
}

fn managed_policy(call: &'static Call, detail: &types::ManagedPolicyDetail) -> ManagedPolicy {
    let (arn, name) = (detail.arn().unwrap_or_default(), detail.policy_name().unwrap_or_default());
    let default = detail.policy_version_list().iter().find(|version| version.is_default_version());
    ManagedPolicy {
        subject: Arc::new(Subject::new("AWS::IAM::ManagedPolicy", arn, name, &global())),
        attachment_count: detail.attachment_count().unwrap_or_default(),
        permissions_boundary_usage_count: detail
            .permissions_boundary_usage_count()
            .unwrap_or_default(),
        document: document(call, default.and_then(|version| version.document()), arn),
    }
}

async fn summary(context: &Context, client: &Client) -> Read<AccountSummary> {
    let call = &calls::GET_ACCOUNT_SUMMARY;
    let answer = context.ask(call, || client.get_account_summary().send()).await;
    answer.and_then(|answer| {
        let figures = answer.summary_map.unwrap_or_default();
        let figure = |key| figures.get(&SummaryKeyType::from(key)).copied();
        let present = |key| figure(key).map(|number| number > 0);
        let read = (
            present("AccountMFAEnabled"),
            present("AccountAccessKeysPresent"),
            present("AccountSigningCertificatesPresent"),
        );
        let (Some(mfa), Some(keys), Some(certificates)) = read else {
            let what = "answer: the account summary lacks figures about root".to_owned();
            return Read::unknown(call, Cause::Malformed { what });
        };
        Read::Known(AccountSummary {
            account_mfa_enabled: mfa,
            account_access_keys_present: keys,
            account_signing_certificates_present: certificates,
            account_password_present: present("AccountPasswordPresent"),
        })
    })
}

async fn password_policy(context: &Context, client: &Client) -> Read<Option<PasswordPolicy>> {
    let call = &calls::GET_ACCOUNT_PASSWORD_POLICY;
    let answer = context
        .ask_optional(call, &["NoSuchEntity"], || client.get_account_password_policy().send())
        .await;
    answer.and_then(|answer| match answer.map(|answer| answer.password_policy) {
        None => Read::Known(None),
        Some(Some(policy)) => Read::Known(Some(PasswordPolicy {
            // "If no value is specified, the default is 6" (CreateAccountPasswordPolicy).
            minimum_password_length: policy.minimum_password_length.unwrap_or(6),
            require_symbols: policy.require_symbols,
            require_numbers: policy.require_numbers,
            require_uppercase_characters: policy.require_uppercase_characters,
            require_lowercase_characters: policy.require_lowercase_characters,
            max_password_age: policy.max_password_age.filter(|days| *days > 0),
            password_reuse_prevention: policy.password_reuse_prevention.filter(|n| *n > 0),
        })),
        Some(None) => {
            let what = "answer: no PasswordPolicy in it".to_owned();
            Read::unknown(call, Cause::Malformed { what })
        }
    })
}

async fn virtual_mfa_devices(context: &Context, client: &Client) -> Listing<VirtualMfaDevice> {
    context
        .pages(
            &calls::LIST_VIRTUAL_MFA_DEVICES,
            |marker| {
                client
                    .list_virtual_mfa_devices()
                    .assignment_status(AssignmentStatusType::Any)
                    .max_items(1_000)
                    .set_marker(marker)
                    .send()
            },
            |page| {
                let next = page.marker.clone().filter(|_| page.is_truncated);
                let devices = page.virtual_mfa_devices.into_iter().map(|device| VirtualMfaDevice {
                    user_arn: device.user.map(|user| user.arn),
                    serial_number: device.serial_number,
                });
                (devices.collect(), next)
            },
        )
        .await
}

async fn saml_providers(context: &Context, client: &Client) -> Listing<Provider> {
    let call = &calls::LIST_SAML_PROVIDERS;
    let answer = context.ask(call, || client.list_saml_providers().send()).await;
    listed(answer.map(|answer| {
        let providers = answer.saml_provider_list.unwrap_or_default();
        let read = providers.into_iter().map(|provider| {
            let arn = provider.arn.unwrap_or_default();
            let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
            Provider {
                subject: Arc::new(Subject::new("AWS::IAM::SAMLProvider", arn, name, &global())),
                valid_until: timestamp(provider.valid_until.as_ref()),
            }
        });
        read.collect()
    }))
}

async fn oidc_providers(context: &Context, client: &Client) -> Listing<Provider> {
    let call = &calls::LIST_OPEN_ID_CONNECT_PROVIDERS;
    let answer = context.ask(call, || client.list_open_id_connect_providers().send()).await;
    listed(answer.map(|answer| {
        let providers = answer.open_id_connect_provider_list.unwrap_or_default();
        let read = providers.into_iter().map(|provider| {
            let arn = provider.arn.unwrap_or_default();
            // The issuer's own path may hold slashes.
            let name = arn.split_once('/').map_or("", |(_, name)| name).to_owned();
            Provider {
                subject: Arc::new(Subject::new("AWS::IAM::OIDCProvider", arn, name, &global())),
                valid_until: None,
            }
        });
        read.collect()
    }))
}

/// A listing that AWS answers whole, ordered by ARN.
fn listed(answer: Read<Vec<Provider>>) -> Listing<Provider> {
    Listing::from(answer.map(|mut providers| {
        providers.sort_by(|a, b| a.subject().arn.cmp(&b.subject().arn));
        providers
    }))
}

async fn server_certificates(context: &Context, client: &Client) -> Listing<ServerCertificate> {
    context
        .pages(
            &calls::LIST_SERVER_CERTIFICATES,
            |marker| client.list_server_certificates().max_items(1_000).set_marker(marker).send(),
            |page| {
                let next = page.marker.clone().filter(|_| page.is_truncated);
                let certificates = page.server_certificate_metadata_list.into_iter().map(|read| {
                    ServerCertificate {
                        expiration: timestamp(read.expiration.as_ref()),
                        subject: Arc::new(Subject::new(
                            "AWS::IAM::ServerCertificate",
                            read.arn,
                            read.server_certificate_name,
                            &global(),
                        )),
                    }
                });
                (certificates.collect(), next)
            },
        )
        .await
}

/// Has the report made, waits until it is, and reads it. A report of the last four hours is
/// answered as it is ("Generate credential reports for your AWS account").
async fn credential_report(context: &Context, client: &Client) -> Read<Vec<CredentialRow>> {
    let generate = &calls::GENERATE_CREDENTIAL_REPORT;
    if !context.wants(&calls::GET_CREDENTIAL_REPORT) {
        return Read::not_collected(&calls::GET_CREDENTIAL_REPORT);
    }
    let mut polls = 0;
    loop {
        let made = context.ask(generate, || client.generate_credential_report().send()).await;
        match made.get().map(|made| made.state().cloned()) {
            Ok(Some(ReportStateType::Complete)) => break,
            Err(why) => return Read::Unknown(why),
            Ok(_) if polls == REPORT_POLLS => {
                let what = "credential report: it was not made in time".to_owned();
                return Read::unknown(generate, Cause::Malformed { what });
            }
            Ok(_) => {
                polls += 1;
                tracing::debug!(polls, "IAM has not made the credential report yet");
                let pause = REPORT_PAUSE * 2_u32.pow(polls.min(10) - 1);
                context.pause(pause.min(REPORT_LONGEST_PAUSE)).await;
            }
        }
    }
    let call = &calls::GET_CREDENTIAL_REPORT;
    let answer = context.ask(call, || client.get_credential_report().send()).await;
    answer.and_then(|answer| {
        let csv = answer.content.map(aws_smithy_types::Blob::into_inner).unwrap_or_default();
        match parse_report(&csv) {
            Ok(rows) => {
                tracing::debug!(rows = rows.len(), "credential report");
                Read::Known(rows)
            }
            Err(error) => {
                let what = format!("credential report: {error}");
                Read::unknown(call, Cause::Malformed { what })
            }
        }
    })
}

/// The report's columns are those of "Credential report format" in the IAM User Guide.
fn parse_report(csv: &[u8]) -> Result<Vec<CredentialRow>, String> {
    let mut reader = csv::Reader::from_reader(csv);
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| {
        headers.iter().position(|header| header == name).ok_or_else(|| format!("no column {name}"))
    };
    let user = column("user")?;
    let arn = column("arn")?;
    let created = column("user_creation_time")?;
    let password_enabled = column("password_enabled")?;
    let password_last_used = column("password_last_used")?;
    let password_last_changed = column("password_last_changed")?;
    let mfa_active = column("mfa_active")?;
    let mut keys = Vec::new();
    for number in 1..=2 {
        keys.push((
            column(&format!("access_key_{number}_active"))?,
            column(&format!("access_key_{number}_last_rotated"))?,
            column(&format!("access_key_{number}_last_used_date"))?,
        ));
    }
    let certificates = [column("cert_1_active")?, column("cert_2_active")?];
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let text = |at: usize| record.get(at).unwrap_or_default();
        let time = |at: usize| moment(text(at));
        let is = |at: usize| flag(text(at));
        let key = |at: usize| -> Result<AccessKey, String> {
            let (active, last_rotated, last_used): (usize, usize, usize) = keys[at];
            Ok(AccessKey {
                active: is(active)?.unwrap_or(false),
                last_rotated: time(last_rotated)?,
                last_used: time(last_used)?,
            })
        };
        rows.push(CredentialRow {
            user: text(user).to_owned(),
            arn: text(arn).to_owned(),
            user_creation_time: time(created)?,
            password_enabled: is(password_enabled)?,
            password_last_used: time(password_last_used)?,
            password_last_changed: time(password_last_changed)?,
            mfa_active: is(mfa_active)?.unwrap_or(false),
            access_keys: [key(0)?, key(1)?],
            certificates_active: [
                is(certificates[0])?.unwrap_or(false),
                is(certificates[1])?.unwrap_or(false),
            ],
        });
    }
    Ok(rows)
}

/// How the report says that there is nothing to say.
const NOTHING: [&str; 4] = ["", "N/A", "no_information", "not_supported"];

/// Text that is not understood is an error: taken for "no key", it would prove what it does not.
fn flag(text: &str) -> Result<Option<bool>, String> {
    match text {
        "true" | "TRUE" => Ok(Some(true)),
        "false" | "FALSE" => Ok(Some(false)),
        _ if NOTHING.contains(&text) => Ok(None),
        _ => Err("a column holds neither true nor false".to_owned()),
    }
}

fn moment(text: &str) -> Result<Option<Timestamp>, String> {
    match Timestamp::parse(text) {
        Some(moment) => Ok(Some(moment)),
        None if NOTHING.contains(&text) => Ok(None),
        None => Err("a column holds no moment".to_owned()),
    }
}
