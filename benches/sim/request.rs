//! What a client asked: read off the wire as AWS's front ends do.

use std::collections::BTreeMap;

use hyper::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// How a service's requests and errors look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form in, XML out; EC2 has errors of its own shape.
    Ec2,
    /// Form in, XML out.
    Query,
    S3,
    S3Control,
    /// `X-Amz-Target` and JSON.
    Json,
    RestJson,
}

/// One request, but for who may ask it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) access_key: String,
    /// The session token, where the credentials are a role's.
    pub(crate) token: Option<String>,
    /// Of the signature's scope.
    pub(crate) region: String,
    pub(crate) protocol: Protocol,
    /// As the SDK names it, `S3 Control`.
    pub(crate) service: String,
    /// Empty when neither a header nor the body names it, and the path is not a known one.
    pub(crate) operation: String,
    /// `METHOD /path?query`, as a recording files it.
    pub(crate) request: String,
    pub(crate) body: String,
}

/// SDK service ids whose name in a signature is not the id in lower case without spaces.
const SIGNED_AS: &[(&str, &str)] = &[
    ("API Gateway", "apigateway"),
    ("CloudWatch", "monitoring"),
    ("CloudWatch Logs", "logs"),
    ("Config Service", "config"),
    ("EFS", "elasticfilesystem"),
    ("Elastic Load Balancing v2", "elasticloadbalancing"),
    ("EventBridge", "events"),
    ("OpenSearch", "es"),
    ("S3 Control", "s3"),
    ("SESv2", "ses"),
    ("SFN", "states"),
];

/// The name under which a service's requests are signed.
pub(crate) fn signed_as(service: &str) -> String {
    match SIGNED_AS.iter().find(|(id, _)| *id == service) {
        Some((_, name)) => (*name).to_owned(),
        None => service.to_lowercase().replace([' ', '-'], ""),
    }
}

/// S3's operations by the query key that selects them; those without one come last.
const S3_BUCKET: &[(&str, &str)] = &[
    ("acl", "GetBucketAcl"),
    ("accelerate", "GetBucketAccelerateConfiguration"),
    ("cors", "GetBucketCors"),
    ("encryption", "GetBucketEncryption"),
    ("lifecycle", "GetBucketLifecycleConfiguration"),
    ("location", "GetBucketLocation"),
    ("logging", "GetBucketLogging"),
    ("notification", "GetBucketNotificationConfiguration"),
    ("object-lock", "GetObjectLockConfiguration"),
    ("ownershipControls", "GetBucketOwnershipControls"),
    ("policy", "GetBucketPolicy"),
    ("policyStatus", "GetBucketPolicyStatus"),
    ("publicAccessBlock", "GetPublicAccessBlock"),
    ("replication", "GetBucketReplication"),
    ("requestPayment", "GetBucketRequestPayment"),
    ("tagging", "GetBucketTagging"),
    ("versioning", "GetBucketVersioning"),
    ("website", "GetBucketWebsite"),
];

const S3_CONTROL: &str = "/v20180820/";

fn s3_operation(path: &str, query: &str) -> &'static str {
    if let Some(rest) = path.strip_prefix(S3_CONTROL) {
        return match rest.trim_end_matches('/').split('/').collect::<Vec<_>>().as_slice() {
            ["configuration", "publicAccessBlock"] => "GetPublicAccessBlock",
            ["accesspoint"] => "ListAccessPoints",
            ["accesspoint", _] => "GetAccessPoint",
            ["accesspoint", _, "policy"] => "GetAccessPointPolicy",
            ["mrap", "instances"] => "ListMultiRegionAccessPoints",
            _ => "",
        };
    }
    if path == "/" {
        return "ListBuckets";
    }
    let keys = || query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    let found = S3_BUCKET.iter().find(|(key, _)| keys().any(|asked| asked == *key));
    found.map_or("", |(_, operation)| operation)
}

/// Why a request cannot be attributed to an account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsigned;

/// `services` are the SDK ids that the recording knows.
pub(crate) fn read(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: String,
    services: &[String],
) -> Result<Asked, Unsigned> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scope = header("authorization")
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, rest)| rest.split(',').next())
        .ok_or(Unsigned)?;
    let (access_key, region, signed) = match scope.trim().split('/').collect::<Vec<_>>()[..] {
        [key, _, region, service, "aws4_request"] => (key, region, service),
        // SigV4A: the signature holds for a set of regions.
        [key, _, service, "aws4_request"] => (key, "us-east-1", service),
        _ => return Err(Unsigned),
    };
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let by_signature = || {
        let fits = |service: &&String| signed_as(service) == signed;
        services.iter().find(fits).cloned().unwrap_or_else(|| signed.to_owned())
    };
    let (protocol, service, operation) = if let Some(target) = header("x-amz-target") {
        let operation = target.rsplit('.').next().unwrap_or_default();
        (Protocol::Json, by_signature(), operation.to_owned())
    } else if signed == "s3" && path.starts_with(S3_CONTROL) {
        (Protocol::S3Control, "S3 Control".to_owned(), s3_operation(path, query).to_owned())
    } else if signed == "s3" {
        (Protocol::S3, "S3".to_owned(), s3_operation(path, query).to_owned())
    } else if let Some(action) = field(&body, "Action").or_else(|| field(query, "Action")) {
        let protocol = if signed == "ec2" { Protocol::Ec2 } else { Protocol::Query };
        (protocol, by_signature(), action)
    } else {
        (Protocol::RestJson, by_signature(), String::new())
    };
    Ok(Asked {
        access_key: access_key.to_owned(),
        token: header("x-amz-security-token").map(str::to_owned),
        region: region.to_owned(),
        protocol,
        service,
        operation,
        request: filed(&format!("{method} {}", uri.path_and_query().map_or(path, |p| p.as_str()))),
        body,
    })
}

/// `/bucket/?query` and `/bucket/` as `/bucket?query` and `/bucket`: both are the same request.
pub(crate) fn filed(request: &str) -> String {
    let (line, query) =
        request.split_once('?').map_or((request, None), |(line, query)| (line, Some(query)));
    let line = match line.strip_suffix('/') {
        Some(shorter) if shorter.contains('/') => shorter,
        _ => line,
    };
    query.map_or_else(|| line.to_owned(), |query| format!("{line}?{query}"))
}

/// The value of one form field.
pub(crate) fn field(form: &str, name: &str) -> Option<String> {
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Parameters that do not change what is asked for: page sizes, and how the request is sent.
const FORM: &[&str] = &[
    "Action",
    "DryRun",
    "Limit",
    "MaxItems",
    "MaxRecords",
    "MaxResults",
    "PageSize",
    "Version",
    "max-buckets",
    "max-items",
    "max-keys",
    "maxResults",
    "x-id",
];

/// What a request asks for, whichever client put it, in whatever order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Essence {
    /// Path and parameters.
    pub(crate) whole: String,
    /// The same without its filters.
    pub(crate) unfiltered: String,
}

pub(crate) fn essence(request: &str, body: &str) -> Essence {
    let (line, query) = request.split_once('?').unwrap_or((request, ""));
    let path = line.split_once(' ').map_or(line, |(_, path)| path);
    let mut parameters = BTreeMap::new();
    let mut form = |text: &str| {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.insert(decoded(key), decoded(value));
        }
    };
    form(query);
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(members)) => {
            parameters.extend(members.into_iter().map(|(key, value)| (key, value.to_string())));
        }
        _ => form(body),
    }
    parameters.retain(|key, _| !FORM.contains(&key.as_str()));
    let text = |filters: bool| {
        let mut text = path.to_owned();
        for (key, value) in &parameters {
            if filters || !key.starts_with("Filter") {
                text.push('\n');
                text.push_str(key);
                text.push('=');
                text.push_str(value);
            }
        }
        text
    };
    Essence { whole: text(true), unfiltered: text(false) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::*;

    fn asked(service: &str, method: &str, uri: &str, target: Option<&str>, body: &str) -> Asked {
        let mut headers = HeaderMap::new();
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAX/20261122/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
        );
        headers.insert("authorization", scope.parse().unwrap());
        if let Some(target) = target {
            headers.insert("x-amz-target", target.parse().unwrap());
        }
        let services = ["Account", "EC2", "IAM", "Organizations", "S3", "S3 Control"];
        let services: Vec<_> = services.map(str::to_owned).into();
        let method = method.parse().unwrap();
        read(&method, &uri.parse().unwrap(), &headers, body.to_owned(), &services).unwrap()
    }

    #[test]
    fn each_protocol_names_its_service_and_operation() {
        let of = |asked: Asked| (asked.service, asked.operation, asked.protocol);
        let name = |service: &str, operation: &str, protocol| {
            (service.to_owned(), operation.to_owned(), protocol)
        };
        assert_eq!(
            of(asked("ec2", "POST", "/", None, "Action=DescribeVpcs&Version=2016-11-15")),
            name("EC2", "DescribeVpcs", Protocol::Ec2)
        );
        assert_eq!(
            of(asked("iam", "GET", "/?Action=ListUsers", None, "")),
            name("IAM", "ListUsers", Protocol::Query)
        );
        let target = Some("AWSOrganizationsV20161128.ListAccounts");
        assert_eq!(
            of(asked("organizations", "POST", "/", target, "{}")),
            name("Organizations", "ListAccounts", Protocol::Json)
        );
        assert_eq!(
            of(asked("s3", "GET", "/?max-buckets=1000", None, "")),
            name("S3", "ListBuckets", Protocol::S3)
        );
        assert_eq!(
            of(asked("s3", "GET", "/logs/?policyStatus", None, "")),
            name("S3", "GetBucketPolicyStatus", Protocol::S3)
        );
        assert_eq!(
            of(asked("s3", "GET", "/v20180820/configuration/publicAccessBlock", None, "")),
            name("S3 Control", "GetPublicAccessBlock", Protocol::S3Control)
        );
        assert_eq!(
            asked("account", "POST", "/getContactInformation", None, "{}").service,
            "Account"
        );
        assert_eq!(asked("ec2", "POST", "/", None, "Action=X").region, "eu-west-1");
    }

    #[test]
    fn the_essence_of_a_request_does_not_depend_on_order_page_size_or_sdk() {
        let rust = essence("POST /", "Action=A&Version=1&OwnerId.1=self&NextToken=n&MaxResults=5");
        let python = essence("POST /", "NextToken=n&OwnerId.1=self&Action=A&Version=2");
        assert_eq!(rust, python);
        let other = essence("POST /", "Action=A&OwnerId.1=self&NextToken=m");
        assert_ne!(rust, other);
        assert_eq!(
            essence("GET /logs?acl", ""),
            essence(&filed("GET /logs/?acl&x-id=GetBucketAcl"), "")
        );
        let filtered = essence("POST /", "Filter.1.Name=a&Filter.1.Value.1=b");
        assert_eq!(filtered.unfiltered, essence("POST /", "").whole);
        assert_eq!(
            essence("POST /", r#"{"MaxResults":5,"ParentId":"r-1"}"#),
            essence("POST /", r#"{ "ParentId": "r-1" }"#)
        );
    }
}
