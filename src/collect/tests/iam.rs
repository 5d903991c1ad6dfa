//! IAM: the detailed listing, the credential report, and AWS's ways to say "none".

use demarc_model::{Resource as _, calls::iam as calls, inventory::iam::CredentialRow};

use super::*;

const ALLOW_ALL: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
const TRUST_EC2: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ec2.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";

fn user(name: &str, policy: &str) -> String {
    format!(
        "<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDA{name}</UserId>\
         <Arn>arn:aws:iam::123456789012:user/{name}</Arn>\
         <CreateDate>2024-01-02T03:04:05Z</CreateDate>\
         <UserPolicyList><member><PolicyName>inline</PolicyName>\
         <PolicyDocument>{policy}</PolicyDocument></member></UserPolicyList>\
         <GroupList><member>staff</member></GroupList>\
         <Tags><member><Key>team</Key><Value>web</Value></member></Tags></member>"
    )
}

fn role(name: &str, trust: &str) -> String {
    format!(
        "<member><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId>\
         <Arn>arn:aws:iam::123456789012:role/{name}</Arn>\
         <CreateDate>2024-01-02T03:04:05Z</CreateDate>\
         <AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument>\
         <InstanceProfileList/><RolePolicyList/><AttachedManagedPolicies/></member>"
    )
}

fn managed(arn: &str, attached: u32, boundaries: u32) -> String {
    let name = arn.rsplit('/').next().unwrap();
    format!(
        "<member><PolicyName>{name}</PolicyName><Arn>{arn}</Arn><DefaultVersionId>v2</DefaultVersionId>\
         <AttachmentCount>{attached}</AttachmentCount>\
         <PermissionsBoundaryUsageCount>{boundaries}</PermissionsBoundaryUsageCount>\
         <PolicyVersionList>\
         <member><VersionId>v1</VersionId><IsDefaultVersion>false</IsDefaultVersion>\
         <Document>not even JSON</Document></member>\
         <member><VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion>\
         <Document>{ALLOW_ALL}</Document></member>\
         </PolicyVersionList></member>"
    )
}

fn details(users: &str, roles: &str, policies: &str, marker: Option<&str>) -> String {
    let more = match marker {
        Some(marker) => format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"),
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    query(
        "GetAccountAuthorizationDetails",
        &format!(
            "<UserDetailList>{users}</UserDetailList><GroupDetailList/>\
             <RoleDetailList>{roles}</RoleDetailList><Policies>{policies}</Policies>{more}"
        ),
    )
}

static DETAILS: &[&Call] = &[&calls::GET_ACCOUNT_AUTHORIZATION_DETAILS];

#[tokio::test]
async fn users_of_every_page_are_read_in_order() {
    let canned = Canned::default()
        .on("Marker=two", 200, &details(&user("ann", ALLOW_ALL), "", "", None))
        .on("GetAccount", 200, &details(&user("bob", ALLOW_ALL), "", "", Some("two")));
    let iam = read(&canned, DETAILS).await.iam;
    let users = iam.users.all().unwrap();
    let names: Vec<_> = users.iter().map(|user| user.subject().name.as_ref()).collect();
    assert_eq!(names, ["ann", "bob"]);
    assert_eq!(users[0].groups, ["staff"]);
    assert_eq!(users[0].subject().tags.get().unwrap().iter().next().unwrap().0, "team");
    assert!(canned.sent()[0].contains("MaxItems=1000"));
    // What nothing needs is not asked, and not taken for "none".
    let why = users[0].mfa_devices.all().unwrap_err();
    assert_eq!((why.call, &why.cause), (&calls::LIST_MFA_DEVICES, &Cause::NotCollected));
}

#[tokio::test]
async fn an_encoded_document_is_read_and_a_malformed_one_names_its_owner() {
    let body = details(&user("ann", "%7Bnonsense"), &role("web", TRUST_EC2), "", None);
    let canned = Canned::default().on("GetAccount", 200, &body);
    let iam = read(&canned, DETAILS).await.iam;
    assert_eq!(iam.roles.all().unwrap()[0].trust.get().unwrap().statements.len(), 1);
    match cause(&iam.users.all().unwrap()[0].inline_policies[0].document) {
        Cause::Malformed { what } => {
            assert!(what.contains("arn:aws:iam::123456789012:user/ann/inline"), "{what}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_awss_own_policies_those_in_use_are_kept_with_their_default_version() {
    let policies = [
        managed("arn:aws:iam::aws:policy/AdministratorAccess", 1, 0),
        managed("arn:aws:iam::aws:policy/Boundary", 0, 1),
        managed("arn:aws:iam::aws:policy/Unused", 0, 0),
        managed("arn:aws:iam::123456789012:policy/own", 0, 0),
    ];
    let canned =
        Canned::default().on("GetAccount", 200, &details("", "", &policies.concat(), None));
    let iam = read(&canned, DETAILS).await.iam;
    let read = iam.policies.all().unwrap();
    let names: Vec<_> = read.iter().map(|policy| policy.subject().name.as_ref()).collect();
    assert_eq!(names, ["own", "AdministratorAccess", "Boundary"]);
    assert!(read.iter().all(|policy| policy.document.get().is_ok()));
}

#[tokio::test]
async fn mfa_devices_are_asked_of_each_user_and_one_denial_is_one_users() {
    let body = details(&(user("ann", ALLOW_ALL) + &user("bob", ALLOW_ALL)), "", "", None);
    let serial = "arn:aws:iam::123456789012:mfa/ann";
    let devices = query(
        "ListMFADevices",
        &format!(
            "<MFADevices><member><UserName>ann</UserName><SerialNumber>{serial}</SerialNumber>\
             <EnableDate>2024-01-02T03:04:05Z</EnableDate></member></MFADevices>\
             <IsTruncated>false</IsTruncated>"
        ),
    );
    let canned = Canned::default()
        .on("GetAccount", 200, &body)
        .on("UserName=ann", 200, &devices)
        .on("UserName=bob", 403, &query_error("AccessDenied", "no"));
    let wanted: &[&Call] = &[&calls::GET_ACCOUNT_AUTHORIZATION_DETAILS, &calls::LIST_MFA_DEVICES];
    let iam = read(&canned, wanted).await.iam;
    let users = iam.users.all().unwrap();
    assert_eq!(users[0].mfa_devices.all().unwrap(), [serial]);
    let why = users[1].mfa_devices.all().unwrap_err();
    assert_eq!(why.cause, Cause::Denied { code: "AccessDenied".to_owned() });
}

#[tokio::test]
async fn an_account_without_a_password_policy_has_none_and_a_denial_is_no_answer() {
    let wanted: &[&Call] = &[&calls::GET_ACCOUNT_PASSWORD_POLICY];
    let none =
        query_error("NoSuchEntity", "The Password Policy with domain name 1 cannot be found.");
    let canned = Canned::default().on("GetAccountPasswordPolicy", 404, &none);
    assert_eq!(read(&canned, wanted).await.iam.password_policy.get().unwrap(), &None);

    let denied = query_error("AccessDenied", "no");
    let canned = Canned::default().on("GetAccountPasswordPolicy", 403, &denied);
    let policy = read(&canned, wanted).await.iam.password_policy;
    assert_eq!(cause(&policy), Cause::Denied { code: "AccessDenied".to_owned() });

    let set = query(
        "GetAccountPasswordPolicy",
        "<PasswordPolicy><MinimumPasswordLength>14</MinimumPasswordLength>\
         <RequireSymbols>true</RequireSymbols><RequireNumbers>true</RequireNumbers>\
         <RequireUppercaseCharacters>true</RequireUppercaseCharacters>\
         <RequireLowercaseCharacters>false</RequireLowercaseCharacters>\
         <ExpirePasswords>false</ExpirePasswords><MaxPasswordAge>0</MaxPasswordAge>\
         <PasswordReusePrevention>24</PasswordReusePrevention></PasswordPolicy>",
    );
    let canned = Canned::default().on("GetAccountPasswordPolicy", 200, &set);
    let policy = read(&canned, wanted).await.iam.password_policy;
    let policy = policy.get().unwrap().unwrap();
    assert_eq!(policy.minimum_password_length, 14);
    assert_eq!(policy.password_reuse_prevention, Some(24));
    assert_eq!(policy.max_password_age, None, "0 days is \"does not expire\"");
    assert!(policy.require_symbols && !policy.require_lowercase_characters);
}

static REPORT: &[&Call] = &[&calls::GENERATE_CREDENTIAL_REPORT, &calls::GET_CREDENTIAL_REPORT];

const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,\
    password_last_changed,password_next_rotation,mfa_active,access_key_1_active,\
    access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,\
    access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,\
    cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";
const ROOT: &str = "<root_account>,arn:aws:iam::123456789012:root,2020-01-02T03:04:05+00:00,\
    not_supported,2026-11-01T00:00:00+00:00,not_supported,not_supported,true,false,N/A,N/A,N/A,\
    N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A";
const ANN: &str = "ann,arn:aws:iam::123456789012:user/ann,2024-01-02T03:04:05+00:00,true,\
    no_information,2024-01-02T03:04:05+00:00,N/A,false,true,2024-01-02T03:04:05+00:00,N/A,N/A,\
    N/A,false,N/A,N/A,N/A,N/A,false,N/A,true,2024-01-02T03:04:05+00:00";

fn base64(text: &str) -> String {
    aws_smithy_types::base64::encode(text)
}

async fn report(csv: &str) -> Read<Vec<CredentialRow>> {
    let state = |state: &str| query("GenerateCredentialReport", &format!("<State>{state}</State>"));
    let content = query(
        "GetCredentialReport",
        &format!(
            "<Content>{}</Content><ReportFormat>text/csv</ReportFormat>\
             <GeneratedTime>2026-11-22T00:00:00Z</GeneratedTime>",
            base64(csv)
        ),
    );
    let canned = Canned::default()
        .once("GenerateCredentialReport", 200, &state("STARTED"))
        .once("GenerateCredentialReport", 200, &state("INPROGRESS"))
        .on("GenerateCredentialReport", 200, &state("COMPLETE"))
        .on("GetCredentialReport", 200, &content);
    let report = read(&canned, REPORT).await.iam.credential_report;
    assert_eq!(canned.sent().len(), 4, "{:?}", canned.sent());
    report
}

#[tokio::test]
async fn the_credential_report_is_waited_for_and_read() {
    let rows = report(&format!("{COLUMNS}\n{ROOT}\n{ANN}\n")).await;
    let [root, ann] = rows.get().unwrap().as_slice() else { panic!("{rows:?}") };
    assert!(root.is_root() && root.mfa_active);
    assert_eq!(root.password_enabled, None);
    assert_eq!(root.password_last_changed, None);
    assert_eq!(root.password_last_used, Timestamp::parse("2026-11-01T00:00:00Z"));
    assert!(!root.access_keys[0].active && root.access_keys[0].last_rotated.is_none());
    assert_eq!(ann.password_enabled, Some(true));
    assert_eq!(ann.password_last_used, None);
    assert!(ann.access_keys[0].active && !ann.access_keys[1].active);
    assert_eq!(ann.access_keys[0].last_used, None);
    assert_eq!(ann.certificates_active, [false, true]);
}

#[tokio::test]
async fn new_columns_of_the_report_move_nothing() {
    let csv = format!("partition,{COLUMNS},additional_credentials_info\naws,{ANN},\"a,b\"\n");
    let rows = report(&csv).await;
    assert_eq!(rows.get().unwrap()[0].user, "ann");
    assert!(rows.get().unwrap()[0].access_keys[0].active);
}

#[tokio::test]
async fn a_report_that_is_not_understood_proves_nothing() {
    let odd = ANN.replacen("false,true,2024", "false,maybe,2024", 1);
    for csv in [
        String::new(),
        "user,arn\nann,x\n".to_owned(),
        format!("{COLUMNS}\nann,too,few\n"),
        format!("{COLUMNS}\n{odd}\n"),
        format!("{COLUMNS}\n{}\n", ANN.replace("no_information", "yesterday")),
    ] {
        match cause(&report(&csv).await) {
            Cause::Malformed { what } => {
                assert!(what.starts_with("credential report: "), "{what}");
                assert!(!what.contains("ann"), "no content in messages: {what}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_report_that_may_not_be_made_names_the_call_that_was_denied() {
    let denied = query_error("AccessDenied", "no");
    let canned = Canned::default().on("GenerateCredentialReport", 403, &denied);
    let report = read(&canned, REPORT).await.iam.credential_report;
    assert_eq!(report.get().unwrap_err().call, &calls::GENERATE_CREDENTIAL_REPORT);
}

#[tokio::test]
async fn what_root_has_is_unknown_when_the_summary_does_not_say() {
    let summary = |entries: &[(&str, u32)]| {
        let entry = |(key, value): &(&str, u32)| {
            format!("<entry><key>{key}</key><value>{value}</value></entry>")
        };
        let entries: String = entries.iter().map(entry).collect();
        query("GetAccountSummary", &format!("<SummaryMap>{entries}</SummaryMap>"))
    };
    let whole = summary(&[
        ("AccountMFAEnabled", 1),
        ("AccountAccessKeysPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("Users", 7),
    ]);
    let wanted: &[&Call] = &[&calls::GET_ACCOUNT_SUMMARY];
    let canned = Canned::default().on("GetAccountSummary", 200, &whole);
    let read_whole = read(&canned, wanted).await.iam.summary;
    let figures = read_whole.get().unwrap();
    assert!(figures.account_mfa_enabled && !figures.account_access_keys_present);
    assert_eq!(figures.account_password_present, None);

    let canned = Canned::default().on("GetAccountSummary", 200, &summary(&[("Users", 7)]));
    let summary = read(&canned, wanted).await.iam.summary;
    assert!(matches!(cause(&summary), Cause::Malformed { .. }));
}

#[tokio::test]
async fn providers_devices_and_certificates_are_listed_in_order() {
    let providers = |operation: &str, list: &str, arns: &[&str]| {
        let member = |arn: &&str| format!("<member><Arn>{arn}</Arn></member>");
        let members: String = arns.iter().map(member).collect();
        query(operation, &format!("<{list}>{members}</{list}>"))
    };
    let devices = |serial: &str, user: &str, more: &str| {
        query(
            "ListVirtualMFADevices",
            &format!(
                "<VirtualMFADevices><member><SerialNumber>{serial}</SerialNumber>{user}</member>\
                 </VirtualMFADevices>{more}"
            ),
        )
    };
    let root = "<User><Path>/</Path><UserName>root</UserName><UserId>1</UserId>\
        <Arn>arn:aws:iam::123456789012:root</Arn><CreateDate>2024-01-02T03:04:05Z</CreateDate></User>";
    let canned = Canned::default()
        .on(
            "ListSAMLProviders",
            200,
            &providers(
                "ListSAMLProviders",
                "SAMLProviderList",
                &[
                    "arn:aws:iam::123456789012:saml-provider/b",
                    "arn:aws:iam::123456789012:saml-provider/a",
                ],
            ),
        )
        .on(
            "ListOpenIDConnectProviders",
            200,
            &providers(
                "ListOpenIDConnectProviders",
                "OpenIDConnectProviderList",
                &["arn:aws:iam::123456789012:oidc-provider/example.com/id/1"],
            ),
        )
        .on("Marker=m", 200, &devices("arn:unassigned", "", "<IsTruncated>false</IsTruncated>"))
        .on(
            "ListVirtualMFADevices",
            200,
            &devices("arn:root", root, "<IsTruncated>true</IsTruncated><Marker>m</Marker>"),
        );
    let wanted: &[&Call] = &[
        &calls::LIST_SAML_PROVIDERS,
        &calls::LIST_OPEN_ID_CONNECT_PROVIDERS,
        &calls::LIST_VIRTUAL_MFA_DEVICES,
    ];
    let iam = read(&canned, wanted).await.iam;
    let name =
        |provider: &demarc_model::inventory::iam::Provider| provider.subject().name.to_string();
    assert_eq!(iam.saml_providers.all().unwrap().iter().map(name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(name(&iam.oidc_providers.all().unwrap()[0]), "example.com/id/1");
    let devices = iam.virtual_mfa_devices.all().unwrap();
    assert_eq!(devices[0].user_arn.as_deref(), Some("arn:aws:iam::123456789012:root"));
    assert_eq!(devices[1].user_arn, None);
    assert_eq!(iam.server_certificates.all().unwrap_err().cause, Cause::NotCollected);
}
