//! AWS's own errors, in the shape of each protocol.
//!
//! Sources: "Error codes for the Amazon EC2 API", S3's "Error responses", "Common errors" of the
//! other services, and the IAM User Guide's "Troubleshoot access denied error messages".

use crate::request::{Asked, Protocol};

/// An error answer, before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// What an error says, in the words of each family of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    SlowDown,
    InternalError,
    Unavailable,
    ExpiredToken,
    /// No policy allows the action.
    Denied,
    DeniedByScp,
    RegionDisabled,
    NotSubscribed,
    /// The account of the credentials does not exist here.
    UnknownAccount,
    /// Nobody recorded an answer.
    NotRecorded,
}

const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// Shapes of an error, with the names that they have in common.
fn is_s3(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::S3 | Protocol::S3Control)
}

fn is_json(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Json | Protocol::RestJson)
}

/// HTTP status, code and message.
fn words(says: Says, asked: &Asked, caller: &str, action: &str) -> (u16, &'static str, String) {
    use Protocol::{Ec2, RestJson};
    let protocol = asked.protocol;
    let text = |text: &str| text.to_owned();
    match says {
        Says::SlowDown => match protocol {
            Ec2 => (503, "RequestLimitExceeded", text("Request limit exceeded.")),
            _ if is_s3(protocol) => (503, "SlowDown", text("Please reduce your request rate.")),
            Protocol::Query => (400, "Throttling", text("Rate exceeded")),
            RestJson => (429, "TooManyRequestsException", text("Too Many Requests")),
            // Organizations has its own name for it ("Quotas for AWS Organizations").
            _ if asked.service == "Organizations" => (
                400,
                "TooManyRequestsException",
                text("You have sent too many requests in too short a period of time."),
            ),
            _ => (400, "ThrottlingException", text("Rate exceeded")),
        },
        Says::InternalError => match protocol {
            Ec2 => (500, "InternalError", text("An internal error has occurred")),
            _ if is_s3(protocol) => {
                (500, "InternalError", text("We encountered an internal error. Please try again."))
            }
            Protocol::Query => (500, "InternalFailure", text("An internal failure occurred.")),
            _ => (500, "InternalServerException", text("An internal error occurred.")),
        },
        Says::Unavailable => match protocol {
            Ec2 => {
                (503, "Unavailable", text("The service is unavailable. Please try again shortly."))
            }
            _ if is_s3(protocol) => {
                (503, "ServiceUnavailable", text("Service is unable to handle request."))
            }
            Protocol::Query => (503, "ServiceUnavailable", text("The service is unavailable.")),
            _ => (503, "ServiceUnavailableException", text("The service is unavailable.")),
        },
        Says::ExpiredToken => match protocol {
            Ec2 => (400, "RequestExpired", text("Request has expired.")),
            _ if is_s3(protocol) => (400, "ExpiredToken", text("The provided token has expired.")),
            Protocol::Query => {
                (403, "ExpiredToken", text("The security token included in the request is expired"))
            }
            _ => (
                if protocol == RestJson { 403 } else { 400 },
                "ExpiredTokenException",
                text("The security token included in the request is expired"),
            ),
        },
        Says::Denied | Says::DeniedByScp => denial(says, asked, caller, action),
        Says::RegionDisabled => match protocol {
            Ec2 => (
                401,
                "AuthFailure",
                text("AWS was not able to validate the provided access credentials"),
            ),
            _ if is_s3(protocol) => (
                400,
                "IllegalLocationConstraintException",
                format!(
                    "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
                    asked.region
                ),
            ),
            _ => unknown_key(protocol),
        },
        Says::UnknownAccount => unknown_key(protocol),
        Says::NotSubscribed => match protocol {
            _ if is_s3(protocol) => (
                403,
                "NotSignedUp",
                text(
                    "Your account is not signed up for the S3 service. You must sign up before you can use S3.",
                ),
            ),
            _ if is_json(protocol) => (
                400,
                "SubscriptionRequiredException",
                text("The AWS Access Key Id needs a subscription for the service"),
            ),
            _ => (
                if protocol == Ec2 { 401 } else { 403 },
                "OptInRequired",
                text(
                    "You are not subscribed to this service. Please go to http://aws.amazon.com to subscribe.",
                ),
            ),
        },
        Says::NotRecorded => (
            if is_s3(protocol) { 501 } else { 400 },
            match protocol {
                _ if is_s3(protocol) => "NotImplemented",
                Protocol::Json | RestJson => "UnknownOperationException",
                _ => "InvalidAction",
            },
            format!("the recording holds no answer to {} {}", asked.service, asked.operation),
        ),
    }
}

fn unknown_key(protocol: Protocol) -> (u16, &'static str, String) {
    let text = "The security token included in the request is invalid".to_owned();
    match protocol {
        Protocol::Ec2 => (
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials".to_owned(),
        ),
        _ if is_s3(protocol) => (
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.".to_owned(),
        ),
        Protocol::Query => (403, "InvalidClientTokenId", text),
        _ => (
            if protocol == Protocol::RestJson { 403 } else { 400 },
            "UnrecognizedClientException",
            text,
        ),
    }
}

fn denial(says: Says, asked: &Asked, caller: &str, action: &str) -> (u16, &'static str, String) {
    let protocol = asked.protocol;
    let resource = match protocol {
        Protocol::S3 => {
            let path = asked.request.split_once(" /").map_or("", |(_, path)| path);
            let bucket = path.split(['/', '?']).next().unwrap_or_default();
            match bucket {
                "" => String::new(),
                bucket => format!(" on resource: \"arn:aws:s3:::{bucket}\""),
            }
        }
        Protocol::Ec2 | Protocol::S3Control => String::new(),
        Protocol::Query | Protocol::Json | Protocol::RestJson => " on resource: *".to_owned(),
    };
    let why = match says {
        Says::DeniedByScp => "with an explicit deny in a service control policy".to_owned(),
        _ => format!("because no identity-based policy allows the {action} action"),
    };
    let who = format!("User: {caller} is not authorized to perform: {action}{resource} {why}");
    match protocol {
        Protocol::Ec2 => (
            403,
            "UnauthorizedOperation",
            format!("You are not authorized to perform this operation. {who}"),
        ),
        Protocol::Json => (400, "AccessDeniedException", who),
        Protocol::RestJson => (403, "AccessDeniedException", who),
        _ => (403, "AccessDenied", who),
    }
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `caller` is the ARN of who asks, `action` the IAM action that allows it.
pub(crate) fn answer(says: Says, asked: &Asked, caller: &str, action: &str) -> ErrorAnswer {
    let (status, code, message) = words(says, asked, caller, action);
    let xml = escaped(&message);
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    let (mime, body) = match asked.protocol {
        Protocol::Ec2 => (
            "text/xml;charset=UTF-8",
            format!(
                "{head}<Response><Errors><Error><Code>{code}</Code><Message>{xml}</Message></Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
            ),
        ),
        Protocol::Query => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{xml}</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            ),
        ),
        Protocol::S3 => (
            "application/xml",
            format!(
                "{head}<Error><Code>{code}</Code><Message>{xml}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
            ),
        ),
        Protocol::S3Control => (
            "application/xml",
            format!(
                "{head}<ErrorResponse><Error><Code>{code}</Code><Message>{xml}</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            ),
        ),
        Protocol::Json => (
            "application/x-amz-json-1.1",
            serde_json::json!({ "__type": code, "Message": message, "message": message })
                .to_string(),
        ),
        Protocol::RestJson => {
            ("application/json", serde_json::json!({ "message": message }).to_string())
        }
    };
    let mut headers = vec![("content-type", mime.to_owned())];
    if is_json(asked.protocol) {
        headers.push(("x-amzn-errortype", code.to_owned()));
    }
    ErrorAnswer { status, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(protocol: Protocol, service: &str) -> Asked {
        Asked {
            access_key: String::new(),
            token: None,
            region: "me-south-1".to_owned(),
            protocol,
            service: service.to_owned(),
            operation: "GetBucketPolicy".to_owned(),
            request: "GET /logs?policy".to_owned(),
            body: String::new(),
        }
    }

    #[test]
    fn slow_down_has_the_words_of_each_service() {
        let says = |protocol, service: &str| {
            let answer = answer(Says::SlowDown, &asked(protocol, service), "", "");
            (answer.status, answer.body)
        };
        let (status, body) = says(Protocol::Ec2, "EC2");
        assert!(status == 503 && body.contains("<Code>RequestLimitExceeded</Code>"), "{body}");
        let (status, body) = says(Protocol::Query, "IAM");
        assert!(status == 400 && body.contains("<Code>Throttling</Code>"), "{body}");
        let (status, body) = says(Protocol::S3, "S3");
        assert!(status == 503 && body.contains("<Code>SlowDown</Code>"), "{body}");
        let (status, body) = says(Protocol::Json, "KMS");
        assert!(status == 400 && body.contains("\"__type\":\"ThrottlingException\""), "{body}");
        let rest = answer(Says::SlowDown, &asked(Protocol::RestJson, "Account"), "", "");
        let error = ("x-amzn-errortype", "TooManyRequestsException".to_owned());
        assert!(rest.status == 429 && rest.headers.contains(&error));
    }

    #[test]
    fn a_denial_says_who_may_not_do_what_and_why() {
        let caller = "arn:aws:sts::123456789012:assumed-role/audit/demarc";
        let denied = answer(Says::Denied, &asked(Protocol::S3, "S3"), caller, "s3:GetBucketPolicy");
        assert!(denied.body.contains(
            "User: arn:aws:sts::123456789012:assumed-role/audit/demarc is not authorized to perform: s3:GetBucketPolicy on resource: &quot;arn:aws:s3:::logs&quot; because no identity-based policy allows the s3:GetBucketPolicy action"
        ), "{}", denied.body);
        let scp =
            answer(Says::DeniedByScp, &asked(Protocol::Ec2, "EC2"), caller, "ec2:DescribeVpcs");
        assert_eq!(scp.status, 403);
        assert!(scp.body.contains("<Code>UnauthorizedOperation</Code>"));
        assert!(scp.body.contains("with an explicit deny in a service control policy"));
    }
}
