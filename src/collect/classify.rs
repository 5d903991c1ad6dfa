//! What an error of the SDK means: whether to ask again, and which cause to report.
//!
//! Sources: "Common errors" of each service's API reference, "Error codes for the Amazon EC2 API",
//! S3's "Error responses", and the IAM User Guide's "Troubleshoot access denied error messages".

use std::time::Duration;

use aws_smithy_runtime_api::{
    client::{
        orchestrator::HttpResponse,
        result::{ConnectorError, SdkError},
    },
    http::Headers,
};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};
use demarc_model::Cause;

use crate::transport::NO_RECORDED_ANSWER;

/// An attempt that brought no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    /// AWS's error code, where AWS answered one.
    pub(crate) code: Option<String>,
    pub(crate) retry: Retry,
    pub(crate) cause: Cause,
    /// How long AWS asked to wait.
    pub(crate) retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// The answer will not change.
    Never,
    /// A passing fault.
    Transient,
    /// Too fast.
    Throttled,
    /// The credentials ran out on the way: those that renew themselves may be others by now.
    Expired,
}

const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

const TRANSIENT: &[&str] = &[
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "InternalServiceException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
];

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccessForbidden",
    "AllAccessDisabled",
    "AuthorizationError",
    "Forbidden",
    "NotAuthorized",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

const EXPIRED: &[&str] =
    &["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];

/// The identity was accepted at the start of the scan: where a region rejects it, the region is
/// not enabled ("Error codes for the Amazon EC2 API", `AuthFailure`).
const REGION_DISABLED: &[&str] = &[
    "AuthFailure",
    "IllegalLocationConstraintException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    // S3's word for a session token that the region does not know.
    "InvalidToken",
    "RegionDisabledException",
    "UnrecognizedClientException",
];

/// Answered with status 403, and yet nothing that a policy could grant: the clock or the key.
const NOT_ABOUT_POLICIES: &[&str] = &[
    "AccountProblem",
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

const NOT_SUBSCRIBED: &[&str] = &["OptInRequired", "SubscriptionRequiredException", "NotSignedUp"];

const NOT_IN_REGION: &[&str] = &[
    "InvalidAction",
    "NotImplemented",
    "UnknownOperation",
    "UnknownOperationException",
    "UnsupportedOperation",
    "UnsupportedOperationException",
];

/// Phrases of AWS's denial messages, most telling first.
const DENIED_BY: &[(&str, &str)] = &[
    ("permissions boundary", "a permissions boundary"),
    ("session policy", "a session policy"),
    ("VPC endpoint policy", "a VPC endpoint policy"),
    ("resource-based policy", "a resource-based policy"),
    ("explicit deny in an identity-based policy", "an explicit deny in an identity-based policy"),
];

fn denied(code: &str, message: &str) -> Cause {
    let code = code.to_owned();
    if ["service control policy", "resource control policy"].iter().any(|p| message.contains(p)) {
        return Cause::DeniedByScp { code };
    }
    match DENIED_BY.iter().find(|(phrase, _)| message.contains(phrase)) {
        // Granting the action helps all the same; it does not where a permissions boundary, a
        // session policy or a VPC endpoint policy "does not allow" it.
        Some(_) if message.contains("no resource-based policy allows") => Cause::Denied { code },
        Some((_, by)) => Cause::DeniedByPolicy { code, by },
        None => Cause::Denied { code },
    }
}

/// What a service's error code and message mean.
fn service_error(status: u16, code: Option<&str>, message: &str) -> (Retry, Cause) {
    let name = code.map_or_else(|| format!("HTTP {status}"), str::to_owned);
    let is = |list: &[&str]| code.is_some_and(|code| list.contains(&code));
    if is(THROTTLED) || status == 429 {
        (Retry::Throttled, Cause::Throttled { code: name })
    } else if is(DENIED) {
        (Retry::Never, denied(&name, message))
    } else if is(EXPIRED) {
        (Retry::Expired, Cause::CredentialsExpired)
    } else if is(NOT_SUBSCRIBED) {
        (Retry::Never, Cause::NotSubscribed { code: name })
    } else if is(REGION_DISABLED) {
        (Retry::Never, Cause::RegionDisabled)
    } else if is(NOT_IN_REGION) {
        (Retry::Never, Cause::NotInRegion)
    } else if is(TRANSIENT) || status >= 500 {
        (Retry::Transient, Cause::ServiceFault { code: name })
    } else {
        // AWS names its errors: one without a name arrived damaged, or somebody on the way sent it.
        let retry = if code.is_none() { Retry::Transient } else { Retry::Never };
        let cause = if status == 403 && !is(NOT_ABOUT_POLICIES) {
            denied(&name, message)
        } else {
            Cause::Refused { code: name }
        };
        (retry, cause)
    }
}

/// `Retry-After` in seconds, or S3's and others' `x-amz-retry-after` in milliseconds.
fn retry_after(headers: &Headers) -> Option<Duration> {
    let number = |name| headers.get(name).and_then(|value: &str| value.trim().parse::<u64>().ok());
    number("x-amz-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

/// The innermost message of an error, in one line.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string().replace('\n', " ")
}

impl Failure {
    /// The process is ending.
    pub(crate) fn stopped() -> Self {
        Self { code: None, retry: Retry::Never, cause: Cause::Stopped, retry_after: None }
    }

    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let unanswered = |retry, cause| Self { code: None, retry, cause, retry_after: None };
        match error {
            SdkError::ServiceError(service) => {
                let raw = service.raw();
                // An answer that is no error, and that the SDK could not parse.
                if raw.status().is_success() {
                    let what = "answer".to_owned();
                    return unanswered(Retry::Transient, Cause::Malformed { what });
                }
                let (code, message) = (error.code(), error.message().unwrap_or_default());
                let (retry, cause) = service_error(raw.status().as_u16(), code, message);
                let retry_after = retry_after(raw.headers());
                Self { code: code.map(str::to_owned), retry, cause, retry_after }
            }
            SdkError::ResponseError(response) => {
                let raw = response.raw();
                let status = raw.status().as_u16();
                if raw.status().is_success() {
                    let what = "answer".to_owned();
                    return unanswered(Retry::Transient, Cause::Malformed { what });
                }
                let (retry, cause) = service_error(status, None, "");
                let retry_after = retry_after(raw.headers());
                Self { code: None, retry, cause, retry_after }
            }
            SdkError::TimeoutError(_) => {
                unanswered(Retry::Transient, Cause::Network { what: "timed out".to_owned() })
            }
            SdkError::DispatchFailure(failure) => {
                let whole = format!("{}", DisplayErrorContext(error));
                if whole.contains(NO_RECORDED_ANSWER) {
                    return unanswered(Retry::Never, Cause::NotRecorded);
                }
                let is_credentials =
                    failure.as_connector_error().is_none_or(ConnectorError::is_other)
                        && (whole.contains("CredentialsError") || whole.contains("credentials"));
                if is_credentials {
                    return unanswered(Retry::Never, Cause::CredentialsExpired);
                }
                let what = if failure.is_timeout() {
                    "timed out".to_owned()
                } else {
                    failure.as_connector_error().map_or(whole, |error| innermost(error))
                };
                unanswered(Retry::Transient, Cause::Network { what })
            }
            SdkError::ConstructionFailure(_) => {
                let what = innermost(error);
                unanswered(Retry::Never, Cause::Bug { what })
            }
            other => unanswered(Retry::Never, Cause::Bug { what: innermost(other) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(code: &str, message: &str) -> Cause {
        service_error(403, Some(code), message).1
    }

    #[test]
    fn a_denial_names_what_denied_it_when_aws_says_so() {
        let user = "User: arn:aws:iam::123456789012:user/audit is not authorized to perform: s3:GetBucketPolicy on resource: arn:aws:s3:::b";
        let code = || "AccessDenied".to_owned();
        let says = |tail: &str| cause("AccessDenied", &format!("{user} {tail}"));
        assert_eq!(
            says("because no identity-based policy allows the s3:GetBucketPolicy action"),
            Cause::Denied { code: code() }
        );
        assert_eq!(
            says("because no resource-based policy allows the s3:GetBucketPolicy action"),
            Cause::Denied { code: code() }
        );
        assert_eq!(
            says("with an explicit deny in a service control policy"),
            Cause::DeniedByScp { code: code() }
        );
        assert_eq!(
            says("with an explicit deny in a resource-based policy"),
            Cause::DeniedByPolicy { code: code(), by: "a resource-based policy" }
        );
        assert_eq!(
            says("because no permissions boundary allows the s3:GetBucketPolicy action"),
            Cause::DeniedByPolicy { code: code(), by: "a permissions boundary" }
        );
        assert_eq!(
            says("because no service control policy allows the s3:GetBucketPolicy action"),
            Cause::DeniedByScp { code: code() }
        );
    }

    #[test]
    fn a_wrong_clock_or_key_is_no_missing_permission() {
        for code in ["RequestTimeTooSkewed", "SignatureDoesNotMatch"] {
            assert_eq!(cause(code, "no"), Cause::Refused { code: code.to_owned() });
        }
    }

    #[test]
    fn an_unknown_code_with_status_403_is_a_denial_and_with_503_a_passing_fault() {
        assert!(matches!(cause("SomethingNew", ""), Cause::Denied { .. }));
        assert_eq!(service_error(503, Some("SlowDown"), "").0, Retry::Throttled);
        assert_eq!(service_error(503, None, "").0, Retry::Transient);
        assert_eq!(service_error(404, Some("NoSuchBucket"), "").0, Retry::Never);
    }

    #[test]
    fn an_error_that_lost_its_name_is_asked_for_again() {
        for status in [400, 403, 404] {
            assert_eq!(service_error(status, None, "").0, Retry::Transient, "{status}");
        }
    }
}
