use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::pattern::is_fixed;

/// One line of a `Condition` block: an operator, a key and the values it is compared with.
/// Lines are joined by AND, the values of a line by OR (by NOR where the operator is negated).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub operator: Operator,
    /// As written; keys are compared without regard to case.
    pub key: Box<str>,
    pub values: Box<[Box<str>]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    pub test: Test,
    /// `…IfExists`: true when the request does not carry the key.
    pub if_exists: bool,
    pub set: Option<SetOperator>,
}

/// How a key with several values is compared (IAM User Guide, "Set operators for multivalued
/// context keys"): `ForAllValues` is true, `ForAnyValue` false, when the key is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    ForAllValues,
    ForAnyValue,
}

macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        /// The comparison itself (IAM User Guide, "IAM JSON policy elements: Condition operators").
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Test {
            $($name,)*
            /// An operator that this version does not know. It narrows nothing and makes no
            /// Deny certain, so not knowing it never hides an exposure.
            Other(Box<str>),
        }

        impl Test {
            fn parse(name: &str) -> Self {
                $(if name.eq_ignore_ascii_case(stringify!($name)) { return Self::$name; })*
                Self::Other(name.into())
            }

            /// AWS's spelling.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Other(name) => name,
                }
            }
        }
    };
}

tests!(
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnEquals,
    ArnNotEquals,
    ArnLike,
    ArnNotLike,
    Null,
);

impl Operator {
    /// `ForAnyValue:StringLikeIfExists` and its like, without regard to case.
    pub fn parse(text: &str) -> Self {
        let (set, rest) = match text.split_once(':') {
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => {
                (Some(SetOperator::ForAllValues), rest)
            }
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => {
                (Some(SetOperator::ForAnyValue), rest)
            }
            _ => (None, text),
        };
        let suffix = "IfExists";
        let cut = rest
            .len()
            .checked_sub(suffix.len())
            .filter(|at| rest.is_char_boundary(*at) && rest[*at..].eq_ignore_ascii_case(suffix));
        let (name, if_exists) = cut.map_or((rest, false), |at| (&rest[..at], true));
        Self { test: Test::parse(name), if_exists, set }
    }
}

/// How values are compared once negation is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// Whole strings; a `*` in the value is not a wildcard.
    Equal,
    /// Wildcards over the whole string.
    Like,
    /// Wildcards within each of the six parts of an ARN; `ArnEquals` and `ArnLike` are the same.
    Arn,
    Address,
}

impl Test {
    /// The comparison and whether it is negated; none for those that never bound an audience.
    fn comparison(&self) -> Option<(Comparison, bool)> {
        Some(match self {
            Test::StringEquals | Test::StringEqualsIgnoreCase => (Comparison::Equal, false),
            Test::StringNotEquals | Test::StringNotEqualsIgnoreCase => (Comparison::Equal, true),
            Test::StringLike => (Comparison::Like, false),
            Test::StringNotLike => (Comparison::Like, true),
            Test::ArnEquals | Test::ArnLike => (Comparison::Arn, false),
            Test::ArnNotEquals | Test::ArnNotLike => (Comparison::Arn, true),
            Test::IpAddress => (Comparison::Address, false),
            Test::NotIpAddress => (Comparison::Address, true),
            _ => return None,
        })
    }
}

/// What a condition bounds the callers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// Account ids: of the principal, or of the resource for which an AWS service calls.
    Account,
    /// Organization ids.
    Organization,
    /// VPCs and VPC endpoints.
    Network,
    /// Address ranges no wider than AWS accepts.
    Address,
    /// Resources that name no account (a bucket) for which an AWS service calls.
    Source,
    /// Unique ids of users or named role sessions.
    Identity,
    /// AWS services.
    Service,
    /// KMS keys with which an object must be encrypted.
    Key,
    /// A value that the caller has to know, such as an external id.
    Secret,
    /// A subject or audience at an identity provider.
    Federation,
}

/// A condition that really bounds who can call, and what it bounds them to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Narrowing {
    pub bound: Bound,
    /// The condition key in lower case.
    pub key: Box<str>,
    /// For [`Bound::Account`] the account ids and for [`Bound::Organization`] the organization
    /// ids, sorted; else the values as written.
    pub values: Box<[Box<str>]>,
}

impl Condition {
    pub fn is_key(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// Whether every value is `value`, and there is one.
    pub(super) fn only_value(&self, value: &str) -> bool {
        !self.values.is_empty() && self.values.iter().all(|each| each.eq_ignore_ascii_case(value))
    }

    /// How this condition, in an Allow, bounds who can call; `None` if it does not.
    ///
    /// Follows "The meaning of public" on the S3 page "Blocking public access to your Amazon S3
    /// storage": only fixed values narrow, without wildcard or policy variable. A value whose
    /// *account* is fixed (`arn:aws:iam::123456789012:role/*`) is bounded to that account.
    ///
    /// Nothing is narrowed by a negated operator (everybody else is let in), by `…IfExists` and
    /// `ForAllValues` (true for a request without the key, IAM User Guide, "Condition
    /// operators"), or by `Null`.
    ///
    /// Keys that do not say who calls never narrow: `aws:SecureTransport`, `aws:UserAgent`,
    /// `aws:Referer` (both free for the caller to set), `aws:CurrentTime`, `aws:RequestedRegion`,
    /// `s3:x-amz-acl`, `kms:ViaService`, `lambda:FunctionUrlAuthType`. Nor do
    /// `aws:PrincipalTag/…`, `aws:PrincipalType`, `aws:username` and
    /// `aws:MultiFactorAuthPresent`, which any account can arrange for its own principals, nor
    /// `aws:VpcSourceIp`, as private addresses repeat in every VPC.
    pub fn narrows(&self) -> Option<Narrowing> {
        let Operator { test, if_exists: false, set } = &self.operator else { return None };
        if *set == Some(SetOperator::ForAllValues) {
            return None;
        }
        if self.is_key("aws:PrincipalIsAWSService") {
            let asserted = matches!(test, Test::Bool | Test::StringEquals);
            return (asserted && self.only_value("true")).then(|| self.bounded(Bound::Service));
        }
        match test.comparison() {
            Some((comparison, false)) => self.bound(comparison),
            _ => None,
        }
    }

    /// Whom a Deny with this condition leaves alone; `None` if that is not bounded.
    ///
    /// A negated operator, with or without `IfExists`, is true for a request that lacks the key,
    /// so anonymous callers are denied. `ForAnyValue` is false there, and spares them.
    pub fn spares(&self) -> Option<Narrowing> {
        let Operator { test, if_exists, set } = &self.operator;
        if *set == Some(SetOperator::ForAnyValue) {
            return None;
        }
        if self.is_key("aws:PrincipalIsAWSService") {
            // Anonymous requests lack the key (IAM User Guide, "AWS global condition context
            // keys"): without IfExists the Deny does not reach them.
            let rest_denied = *test == Test::Bool && *if_exists && self.only_value("false");
            return rest_denied.then(|| self.bounded(Bound::Service));
        }
        match test.comparison() {
            Some((comparison, true)) => self.bound(comparison),
            _ => None,
        }
    }

    fn bounded(&self, bound: Bound) -> Narrowing {
        self.bounded_to(bound, self.values.iter().cloned())
    }

    fn bounded_to(&self, bound: Bound, values: impl IntoIterator<Item = Box<str>>) -> Narrowing {
        let values: BTreeSet<Box<str>> = values.into_iter().collect();
        Narrowing {
            bound,
            key: self.key.to_ascii_lowercase().into(),
            values: values.into_iter().collect(),
        }
    }

    fn bound(&self, comparison: Comparison) -> Option<Narrowing> {
        if self.values.is_empty() {
            return None;
        }
        let key = self.key.to_ascii_lowercase();
        if (comparison == Comparison::Address) != (key == "aws:sourceip") {
            return None;
        }
        let fixed = |bound| {
            let all = self.values.iter().all(|value| !value.is_empty() && is_fixed(value));
            all.then(|| self.bounded(bound))
        };
        match &*key {
            "aws:principalaccount"
            | "aws:sourceaccount"
            | "aws:sourceowner"
            | "aws:vpceaccount"
            | "kms:calleraccount"
            | "s3:dataaccesspointaccount" => {
                let all = self.values.iter().all(|value| is_account(value));
                all.then(|| self.bounded(Bound::Account))
            }
            "aws:principalarn" | "s3:dataaccesspointarn" => self.accounts_of_arns(comparison),
            "aws:sourcearn" => self.accounts_of_arns(comparison).or_else(|| {
                let bounded = |value: &str| {
                    account_of_arn(value, comparison).is_some()
                        || (is_fixed(value) && value.starts_with("arn:"))
                };
                let all = self.values.iter().all(|value| bounded(value));
                all.then(|| self.bounded(Bound::Source))
            }),
            "aws:principalorgid" | "aws:sourceorgid" | "aws:vpceorgid" => {
                let all = self.values.iter().all(|value| is_organization(value));
                all.then(|| self.bounded(Bound::Organization))
            }
            "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => {
                let organizations: Option<Vec<Box<str>>> = self
                    .values
                    .iter()
                    .map(|path| {
                        path.split('/').next().filter(|id| is_organization(id)).map(Into::into)
                    })
                    .collect();
                organizations.map(|ids| self.bounded_to(Bound::Organization, ids))
            }
            "aws:sourcevpc" | "aws:sourcevpce" | "aws:sourcevpcarn" => fixed(Bound::Network),
            "aws:sourceip" => is_narrow_range(&self.values).then(|| self.bounded(Bound::Address)),
            // The page excludes the pattern `AROLEID:*`, which the wildcard already does.
            "aws:userid" => fixed(Bound::Identity),
            "aws:principalservicename" | "aws:principalservicenameslist" => fixed(Bound::Service),
            "s3:x-amz-server-side-encryption-aws-kms-key-id" => fixed(Bound::Key),
            "sts:externalid" | "lambda:eventsourcetoken" => fixed(Bound::Secret),
            _ => self.is_federation_bound(&key).then(|| self.bounded(Bound::Federation)),
        }
    }

    fn accounts_of_arns(&self, comparison: Comparison) -> Option<Narrowing> {
        let accounts: Option<Vec<Box<str>>> = self
            .values
            .iter()
            .map(|value| account_of_arn(value, comparison).map(Into::into))
            .collect();
        accounts.map(|accounts| self.bounded_to(Bound::Account, accounts))
    }

    /// Whether the key is a claim of an identity provider that tells its tenants or users apart.
    ///
    /// GitHub's `aud` is the same for all of GitHub; a subject is bounded only with the owner
    /// before the first wildcard, as `repo:acme*` also matches `acme-evil` (IAM User Guide,
    /// "Create a role for OpenID Connect federation").
    fn is_federation_bound(&self, key: &str) -> bool {
        let Some((issuer, claim)) = key.rsplit_once(':') else { return false };
        let fixed = || self.values.iter().all(|value| !value.is_empty() && is_fixed(value));
        let prefix_holds = |test: &dyn Fn(&str) -> bool| {
            self.values.iter().all(|value| {
                let end =
                    value.find(['*', '?']).or_else(|| value.find("${")).unwrap_or(value.len());
                test(&value[..end])
            })
        };
        if issuer == "saml" {
            // Any fixed attribute says more than the provider's own ARN.
            return matches!(claim, "aud" | "iss" | "sub" | "namequalifier" | "edupersonorgdn")
                && fixed();
        }
        let Some(tenancy) = SHARED_ISSUERS.iter().find(|shared| shared.matches(issuer)) else {
            // A provider of one's own: its subjects are one's own.
            return issuer.contains('.')
                && match claim {
                    "sub" => prefix_holds(&|prefix| !prefix.is_empty()),
                    "aud" => fixed(),
                    _ => false,
                };
        };
        match claim {
            "sub" => tenancy.names_tenant.map_or_else(fixed, |names| prefix_holds(&names)),
            claim => tenancy.claims.contains(&claim) && fixed(),
        }
    }
}

/// An identity provider whose issuer serves everybody: trusting it without naming a tenant or
/// subject trusts the public.
#[derive(Debug)]
pub(super) struct SharedIssuer {
    host: &'static str,
    /// Claims, beside `sub`, that name a tenant.
    claims: &'static [&'static str],
    /// Whether the part of a subject before its first wildcard names the tenant; where subjects
    /// are opaque, only a fixed one does.
    names_tenant: Option<fn(&str) -> bool>,
}

impl SharedIssuer {
    pub(super) fn matches(&self, issuer: &str) -> bool {
        issuer
            .strip_prefix(self.host)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with(':'))
    }
}

pub(super) static SHARED_ISSUERS: &[SharedIssuer] = &[
    SharedIssuer {
        host: "token.actions.githubusercontent.com",
        claims: &[
            "repository",
            "repository_id",
            "repository_owner",
            "repository_owner_id",
            "enterprise_id",
        ],
        names_tenant: Some(|prefix| names_owner(prefix, "repo:")),
    },
    SharedIssuer {
        host: "gitlab.com",
        claims: &[],
        names_tenant: Some(|prefix| names_owner(prefix, "project_path:")),
    },
    SharedIssuer {
        host: "app.terraform.io",
        claims: &[],
        names_tenant: Some(|prefix| {
            prefix
                .strip_prefix("organization:")
                .and_then(|rest| rest.split_once(':'))
                .is_some_and(|(name, _)| !name.is_empty())
        }),
    },
    SharedIssuer {
        host: "accounts.google.com",
        claims: &["aud", "oaud", "azp"],
        names_tenant: None,
    },
    SharedIssuer { host: "cognito-identity.amazonaws.com", claims: &["aud"], names_tenant: None },
    SharedIssuer { host: "www.amazon.com", claims: &["app_id", "user_id"], names_tenant: None },
    SharedIssuer { host: "graph.facebook.com", claims: &["app_id", "id"], names_tenant: None },
];

/// `repo:owner/`, with the owner ended by its slash.
fn names_owner(prefix: &str, kind: &str) -> bool {
    prefix
        .strip_prefix(kind)
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(owner, _)| !owner.is_empty())
}

/// An account id is twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|rest| {
        !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// The account that every ARN matched by `value` belongs to.
///
/// `StringLike`'s star crosses colons, so nothing before the account may be a wildcard: a foreign
/// topic may be named `…:x:us-east-1:123456789012:…`. ARN operators compare part by part.
fn account_of_arn(value: &str, comparison: Comparison) -> Option<&str> {
    let mut parts = value.splitn(6, ':');
    let [arn, partition, service, region, account] =
        [(); 5].map(|()| parts.next().unwrap_or_default());
    parts.next()?;
    let before_is_fixed = || {
        [partition, service, region].iter().all(|part| is_fixed(part))
            || comparison == Comparison::Arn
    };
    (arn == "arn" && is_account(account) && before_is_fixed()).then_some(account)
}

/// Whether all ranges, taken together, are no wider than /8 for IPv4 and /32 for IPv6; private
/// ranges (RFC 1918) do not count (S3, "Blocking public access to your Amazon S3 storage").
fn is_narrow_range(values: &[Box<str>]) -> bool {
    let (mut v4, mut v6): (Vec<Ipv4Net>, Vec<Ipv6Net>) = (Vec::new(), Vec::new());
    for value in values {
        let range =
            value.parse::<IpNet>().ok().or_else(|| value.parse::<IpAddr>().ok().map(IpNet::from));
        match range {
            Some(IpNet::V4(range)) if is_private(range) => {}
            Some(IpNet::V4(range)) => v4.push(range.trunc()),
            Some(IpNet::V6(range)) => v6.push(range.trunc()),
            None => return false,
        }
    }
    // Neighbours are joined first: 256 ranges of /8 are the whole Internet.
    Ipv4Net::aggregate(&v4).iter().all(|range| range.prefix_len() >= 8)
        && Ipv6Net::aggregate(&v6)
            .iter()
            .all(|range| range.prefix_len() >= 32 && range.network().to_ipv4_mapped().is_none())
}

fn is_private(range: Ipv4Net) -> bool {
    let last = range.broadcast();
    range.prefix_len() >= 8 && range.network().is_private() && last.is_private()
}
