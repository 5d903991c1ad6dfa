//! Small runs over one account, made finding by finding.

use std::collections::BTreeMap;

use demarc_model::{
    ControlType, Layer, ServiceModel, Severity, Tags, Verdict, finding::Identity, time::Timestamp,
};
use demarc_report::{
    AccountError, AccountRow, BoundaryRef, Counts, Coverage, EvidenceItem, Finding, Format, Head,
    NotAssessed, Owner, Report, ResourceRef, SCHEMA_VERSION, Scan, Share, Summary, Suppressed,
    Tool, write,
};

const ACCOUNT: &str = "111122223333";
pub(crate) const ROOT: &str = "arn:aws:iam::111122223333:root";

/// One scan; `at` counts days.
pub(crate) struct Run {
    at: i64,
    findings: Vec<Finding>,
}

impl Run {
    pub(crate) fn at(day: i64) -> Self {
        Self { at: 1_795_305_600 + day * 86_400, findings: Vec::new() }
    }

    pub(crate) fn with(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    pub(crate) fn report(mut self) -> Report {
        self.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.findings.dedup();
        let checks =
            ["account.security-contact", "s3.bucket-access-logging", "s3.bucket-policy-not-public"];
        let head = Head {
            schema_version: SCHEMA_VERSION.to_owned(),
            tool: Tool { name: "demarc".to_owned(), version: "0.1.0".to_owned() },
            scan: Scan {
                taken_at: Timestamp(self.at),
                taken_at_rfc3339: Timestamp(self.at).rfc3339(),
                checks: checks.map(str::to_owned).to_vec(),
                failing_only: false,
                stopped: None,
            },
            accounts: vec![AccountRow {
                id: ACCOUNT.to_owned(),
                name: None,
                partition: "aws".to_owned(),
                caller: Some(ROOT.to_owned()),
                regions: vec!["eu-central-1".to_owned(), "us-east-1".to_owned()],
                error: None,
                verdicts: Counts::default(),
                failed: BTreeMap::new(),
                looks: Share::default(),
            }],
            summary: Summary::default(),
            coverage: Coverage {
                by_check: checks.map(|check| (check.to_owned(), looked())).into(),
                ..Coverage::default()
            },
            matrix: Vec::new(),
            control_types: Vec::new(),
            inherited: Vec::new(),
            suppressions: Vec::new(),
            carried: Vec::new(),
        };
        Report { head, findings: self.findings }
    }
}

pub(crate) fn looked() -> Share {
    Share { complete: 1, of: 1 }
}

pub(crate) fn bytes(report: &Report) -> Vec<u8> {
    let mut out = Vec::new();
    let mut findings = report.findings.iter().cloned().map(Ok);
    write(Format::Json, &report.head, &mut findings, &mut out).unwrap();
    out
}

pub(crate) fn no_role() -> AccountError {
    AccountError { cause: "role".to_owned(), reason: "cannot assume role \"demarc\"".to_owned() }
}

pub(crate) fn accepted() -> Suppressed {
    Suppressed {
        owner: "web@example.com".to_owned(),
        reason: "a public website".to_owned(),
        expires: "2027-03-31".to_owned(),
    }
}

pub(crate) fn part(mut finding: Finding, part: &str) -> Finding {
    part.clone_into(&mut finding.part);
    finding.fingerprint = Identity {
        partition: &finding.partition,
        account: &finding.account,
        region: &finding.region,
        resource: &finding.resource.arn,
        check: &finding.check,
        part,
    }
    .fingerprint();
    finding
}

fn finding(check: &str, arn: &str, verdict: Verdict) -> Finding {
    let of_account = arn == ROOT;
    let region = if of_account { "global" } else { "eu-central-1" };
    let finding = Finding {
        fingerprint: demarc_model::Fingerprint(String::new()),
        check: check.to_owned().into(),
        title: "bucket is not public".into(),
        verdict,
        severity: Severity::High,
        account: ACCOUNT.into(),
        partition: "aws".into(),
        region: region.into(),
        resource: ResourceRef {
            arn: arn.into(),
            kind: if of_account { "AWS::::Account" } else { "AWS::S3::Bucket" }.into(),
            name: arn.rsplit(':').next().unwrap().into(),
            tags: Some(Tags::from_iter([("env".to_owned(), "dev".to_owned())])),
        },
        part: String::new(),
        evidence: Vec::new(),
        not_assessed: None,
        note: None,
        service: "s3".into(),
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        boundary: BoundaryRef {
            service_model: ServiceModel::Abstracted,
            owner: Owner::Customer,
            aws: "AWS evaluates policies.".into(),
            customer: "Write them narrowly.".into(),
            variant: None,
        }
        .into(),
        controls: Vec::new().into(),
        remediation: None,
        change: None,
        suppressed: None,
    };
    part(finding, "")
}

pub(crate) fn pass(check: &str, arn: &str) -> Finding {
    finding(check, arn, Verdict::Pass)
}

pub(crate) fn fail(check: &str, arn: &str) -> Finding {
    let evidence = EvidenceItem {
        field: "Policy".into(),
        observed: "public".into(),
        expected: "private".into(),
        call: "S3 GetBucketPolicy".into(),
    };
    Finding {
        evidence: vec![evidence],
        remediation: Some("Narrow the policy's principals.".to_owned().into()),
        ..finding(check, arn, Verdict::Fail)
    }
}

pub(crate) fn not_applicable(check: &str, arn: &str) -> Finding {
    let note = Some("the bucket is a directory bucket".into());
    Finding { note, ..finding(check, arn, Verdict::NotApplicable) }
}

/// A verdict that a denial left open.
pub(crate) fn denied(check: &str, arn: &str, key: &str) -> Finding {
    let why = NotAssessed {
        cause: "denied".into(),
        reason: "denied by IAM (AccessDenied)".to_owned(),
        call: "S3 GetBucketPolicy".into(),
        action: "s3:GetBucketPolicy".into(),
    };
    let finding = Finding { not_assessed: Some(why), ..finding(check, arn, Verdict::NotAssessed) };
    part(finding, key)
}
