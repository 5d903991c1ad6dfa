//! The AWS Security Finding Format: one `BatchImportFindings` request a line.
//!
//! A request holds findings of one account and region only, since it is sent with that
//! account's credentials to that region: at most 100 findings, 240 KB each and 6 MB together.
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html>
//! Lengths: the API reference, `AwsSecurityFinding`.

use std::{collections::BTreeMap, io::Write, sync::Arc};

use demarc_model::{Severity, Tags, Verdict};
use serde_json::{Value, json};

use crate::{Change, Error, Finding, Head, Stream, text::cut};

const PER_BATCH: usize = 100;
/// Bytes, with "KB" taken as the smaller of its meanings.
const FINDING_BYTES: usize = 240_000;
const BATCH_BYTES: usize = 6_000_000;

const FIELDS: usize = 50;
const FIELD_KEY: usize = 128;
const FIELD_VALUE: usize = 2048;

pub(crate) fn write(
    head: &Head,
    findings: &mut Stream<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let names: BTreeMap<_, _> = head
        .accounts
        .iter()
        .filter_map(|row| Some((row.id.as_str(), row.name.as_deref()?)))
        .collect();
    // Findings come check by check, so that regions take turns within an account.
    let mut account: Option<Arc<str>> = None;
    let mut open: BTreeMap<String, Batch> = BTreeMap::new();
    for finding in findings {
        let finding = finding?;
        let text = fitting(head, &finding, names.get(&*finding.account).copied())?;
        if account.as_ref() != Some(&finding.account) {
            account = Some(Arc::clone(&finding.account));
            end(&mut open, out)?;
        }
        open.entry(home_region(&finding).to_owned()).or_default().add(&text, out)?;
    }
    end(&mut open, out)
}

fn end(open: &mut BTreeMap<String, Batch>, out: &mut dyn Write) -> Result<(), Error> {
    std::mem::take(open).values_mut().try_for_each(|batch| batch.end(out))
}

/// The next request to one region.
#[derive(Default)]
struct Batch {
    findings: String,
    count: usize,
}

const OPEN: &str = "{\"Findings\":[";
const CLOSE: &str = "]}";

impl Batch {
    fn add(&mut self, finding: &str, out: &mut dyn Write) -> Result<(), Error> {
        let bytes = OPEN.len() + self.findings.len() + 1 + finding.len() + CLOSE.len();
        if self.count == PER_BATCH || bytes > BATCH_BYTES {
            self.end(out)?;
        }
        if self.count > 0 {
            self.findings.push(',');
        }
        self.findings.push_str(finding);
        self.count += 1;
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        if self.count > 0 {
            writeln!(out, "{OPEN}{}{CLOSE}", self.findings)?;
            *self = Self::default();
        }
        Ok(())
    }
}

/// Where a finding of no region is sent: the partition's main region.
fn home_region(finding: &Finding) -> &str {
    match (&*finding.region, &*finding.partition) {
        ("global", "aws-cn") => "cn-north-1",
        ("global", "aws-us-gov") => "us-gov-west-1",
        ("global", _) => "us-east-1",
        (region, _) => region,
    }
}

/// The finding as JSON within the size that AWS accepts; what says least goes first.
fn fitting(head: &Head, finding: &Finding, account_name: Option<&str>) -> Result<String, Error> {
    let mut value = asff(head, finding, account_name);
    let mut text = serde_json::to_string(&value)?;
    if text.len() > FINDING_BYTES {
        value["Resources"][0]["Tags"] = json!({});
        text = serde_json::to_string(&value)?;
    }
    if text.len() > FINDING_BYTES {
        value["ProductFields"] = json!({});
        text = serde_json::to_string(&value)?;
    }
    Ok(text)
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}

fn asff(head: &Head, finding: &Finding, account_name: Option<&str>) -> Value {
    let at = &head.scan.taken_at_rfc3339;
    let region = home_region(finding);
    let Finding { account, partition, .. } = finding;
    // "INFORMATIONAL: no issue was found."
    let severity = match finding.verdict {
        Verdict::Pass | Verdict::NotApplicable => label(Severity::Info),
        _ => label(finding.severity),
    };
    let severity = json!({ "Label": severity, "Original": finding.severity.id() });
    let types = json!(["Software and Configuration Checks/AWS Security Best Practices"]);
    let message = finding.message();
    let description = if message.is_empty() { &finding.title } else { message.as_str() };
    let mut asff = json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("{}/{}", head.tool.name, finding.fingerprint.0),
        "ProductArn":
            format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": head.tool.name,
        "CompanyName": head.tool.name,
        "GeneratorId": cut(&format!("{}/{}", head.tool.name, finding.check), 512),
        "AwsAccountId": account,
        "Types": types,
        "CreatedAt": at,
        "UpdatedAt": at,
        "LastObservedAt": at,
        "Severity": severity,
        "FindingProviderFields": { "Severity": severity, "Types": types },
        "Title": cut(&finding.title, 256),
        "Description": cut(description, 1024),
        "ProductFields": product_fields(finding),
        "Resources": [resource(finding, region)],
        "Compliance": compliance(finding),
        "RecordState": match finding.change {
            Some(Change::ResourceDeleted) => "ARCHIVED",
            _ => "ACTIVE",
        },
    });
    if let Some(name) = account_name.filter(|name| !name.trim().is_empty()) {
        asff["AwsAccountName"] = json!(cut(name, 50));
    }
    if let Some(remediation) = finding.remediation().filter(|text| !blank(text)) {
        asff["Remediation"] = json!({ "Recommendation": { "Text": cut(remediation, 512) } });
    }
    if finding.suppressed.is_some() {
        asff["Workflow"] = json!({ "Status": "SUPPRESSED" });
    }
    asff
}

fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn compliance(finding: &Finding) -> Value {
    let status = match finding.verdict {
        Verdict::Pass => "PASSED",
        Verdict::Fail => "FAILED",
        // "Some information is missing."
        Verdict::NotAssessed => "WARNING",
        Verdict::Manual | Verdict::NotApplicable => "NOT_AVAILABLE",
    };
    let requirements: Vec<_> =
        finding.controls.iter().take(32).map(|c| format!("{}/{}", c.framework, c.id)).collect();
    let mut compliance = json!({
        "Status": status,
        "SecurityControlId": finding.check,
        "RelatedRequirements": requirements,
    });
    let reason = match (&finding.not_assessed, finding.verdict) {
        (Some(why), _) => Some((why.cause.to_uppercase(), finding.message())),
        (None, Verdict::Manual) => Some(("MANUAL".to_owned(), finding.message())),
        (None, Verdict::NotApplicable) => Some(("NOT_APPLICABLE".to_owned(), finding.message())),
        (None, _) => None,
    };
    if let Some((code, text)) = reason {
        let text = if blank(&text) { finding.title.to_string() } else { text };
        compliance["StatusReasons"] =
            json!([{ "ReasonCode": code.replace('-', "_"), "Description": cut(&text, 1024) }]);
    }
    compliance
}

fn resource(finding: &Finding, region: &str) -> Value {
    // AWS demands something visible in every value.
    let tags: BTreeMap<_, _> = finding
        .resource
        .tags
        .iter()
        .flat_map(Tags::iter)
        .filter(|(key, value)| !blank(key) && !blank(value))
        .map(|(key, value)| (cut(key, 128), cut(value, 256)))
        .take(50)
        .collect();
    json!({
        "Type": resource_type(&finding.resource.kind),
        "Id": cut(&finding.resource.arn, 512),
        "Partition": finding.partition,
        "Region": region,
        "Tags": tags,
    })
}

fn product_fields(finding: &Finding) -> Value {
    let boundary = &finding.boundary;
    let mut fields = vec![
        ("Check".to_owned(), finding.check.to_string()),
        ("Verdict".to_owned(), finding.verdict.id().to_owned()),
        ("Fingerprint".to_owned(), finding.fingerprint.0.clone()),
        ("Part".to_owned(), finding.part.clone()),
        ("Layer".to_owned(), finding.layer.id().to_owned()),
        ("ControlType".to_owned(), finding.control_type.id().to_owned()),
        ("ServiceModel".to_owned(), boundary.service_model.id().to_owned()),
        ("Owner".to_owned(), boundary.owner.id().to_owned()),
        ("AwsCovers".to_owned(), boundary.aws.to_string()),
        ("CustomerMust".to_owned(), boundary.customer.to_string()),
        ("ResourceType".to_owned(), finding.resource.kind.to_string()),
        ("ResourceName".to_owned(), finding.resource.name.to_string()),
    ];
    if let Some(change) = finding.change {
        fields.push(("Change".to_owned(), change.id().to_owned()));
    }
    if let Some(suppressed) = &finding.suppressed {
        fields.push(("Suppressed/Owner".to_owned(), suppressed.owner.clone()));
        fields.push(("Suppressed/Reason".to_owned(), suppressed.reason.clone()));
        fields.push(("Suppressed/Until".to_owned(), suppressed.expires.clone()));
    }
    if let Some(why) = &finding.not_assessed {
        fields.push(("NotAssessed/Call".to_owned(), why.call.to_string()));
        fields.push(("NotAssessed/Action".to_owned(), why.action.to_string()));
    }
    for (index, evidence) in finding.evidence.iter().enumerate() {
        let text = format!(
            "{}: {} is {} (expected {})",
            evidence.call, evidence.field, evidence.observed, evidence.expected
        );
        fields.push((format!("Evidence/{index}"), text));
    }
    let said = fields.into_iter().filter(|(_, value)| !blank(value)).take(FIELDS);
    let fields = said.map(|(key, value)| {
        let key = cut(&format!("demarc/{key}"), FIELD_KEY).into_owned();
        (key, json!(cut(&value, FIELD_VALUE)))
    });
    Value::Object(fields.collect())
}

/// ASFF's name of a CloudFormation type: `AwsS3Bucket` for `AWS::S3::Bucket`.
fn resource_type(kind: &str) -> &'static str {
    let name = kind.replace("::", "");
    TYPES.iter().find(|known| known.eq_ignore_ascii_case(&name)).copied().unwrap_or("Other")
}

/// The types that AWS knows (API reference, `ResourceDetails`; `AwsAccount` is what its own
/// controls use); all others are to be sent as `Other`.
const TYPES: &[&str] = &[
    "AwsAccount",
    "AwsAmazonMqBroker",
    "AwsApiGatewayRestApi",
    "AwsApiGatewayStage",
    "AwsApiGatewayV2Api",
    "AwsApiGatewayV2Stage",
    "AwsAppSyncGraphQlApi",
    "AwsAthenaWorkGroup",
    "AwsAutoScalingAutoScalingGroup",
    "AwsAutoScalingLaunchConfiguration",
    "AwsBackupBackupPlan",
    "AwsBackupBackupVault",
    "AwsBackupRecoveryPoint",
    "AwsCertificateManagerCertificate",
    "AwsCloudFormationStack",
    "AwsCloudFrontDistribution",
    "AwsCloudTrailTrail",
    "AwsCloudWatchAlarm",
    "AwsCodeBuildProject",
    "AwsDmsEndpoint",
    "AwsDmsReplicationInstance",
    "AwsDmsReplicationTask",
    "AwsDynamoDbTable",
    "AwsEc2ClientVpnEndpoint",
    "AwsEc2Eip",
    "AwsEc2Instance",
    "AwsEc2LaunchTemplate",
    "AwsEc2NetworkAcl",
    "AwsEc2NetworkInterface",
    "AwsEc2RouteTable",
    "AwsEc2SecurityGroup",
    "AwsEc2Subnet",
    "AwsEc2TransitGateway",
    "AwsEc2Volume",
    "AwsEc2Vpc",
    "AwsEc2VpcEndpointService",
    "AwsEc2VpcPeeringConnection",
    "AwsEc2VpnConnection",
    "AwsEcrContainerImage",
    "AwsEcrRepository",
    "AwsEcsCluster",
    "AwsEcsContainer",
    "AwsEcsService",
    "AwsEcsTask",
    "AwsEcsTaskDefinition",
    "AwsEfsAccessPoint",
    "AwsEksCluster",
    "AwsElasticBeanstalkEnvironment",
    "AwsElasticsearchDomain",
    "AwsElbLoadBalancer",
    "AwsElbv2LoadBalancer",
    "AwsEventSchemasRegistry",
    "AwsEventsEndpoint",
    "AwsEventsEventbus",
    "AwsGuardDutyDetector",
    "AwsIamAccessKey",
    "AwsIamGroup",
    "AwsIamPolicy",
    "AwsIamRole",
    "AwsIamUser",
    "AwsKinesisStream",
    "AwsKmsKey",
    "AwsLambdaFunction",
    "AwsLambdaLayerVersion",
    "AwsMskCluster",
    "AwsNetworkFirewallFirewall",
    "AwsNetworkFirewallFirewallPolicy",
    "AwsNetworkFirewallRuleGroup",
    "AwsOpenSearchServiceDomain",
    "AwsRdsDbCluster",
    "AwsRdsDbClusterSnapshot",
    "AwsRdsDbInstance",
    "AwsRdsDbSecurityGroup",
    "AwsRdsDbSnapshot",
    "AwsRdsEventSubscription",
    "AwsRedshiftCluster",
    "AwsRoute53HostedZone",
    "AwsS3AccessPoint",
    "AwsS3AccountPublicAccessBlock",
    "AwsS3Bucket",
    "AwsS3Object",
    "AwsSageMakerNotebookInstance",
    "AwsSecretsManagerSecret",
    "AwsSnsTopic",
    "AwsSqsQueue",
    "AwsSsmPatchCompliance",
    "AwsStepFunctionStateMachine",
    "AwsWafRateBasedRule",
    "AwsWafRegionalRateBasedRule",
    "AwsWafRegionalRule",
    "AwsWafRegionalRuleGroup",
    "AwsWafRegionalWebAcl",
    "AwsWafRule",
    "AwsWafRuleGroup",
    "AwsWafWebAcl",
    "AwsWafv2RuleGroup",
    "AwsWafv2WebAcl",
    "AwsXrayEncryptionConfig",
];
