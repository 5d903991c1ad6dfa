//! The policy language, parsed and judged in one place.
//!
//! IAM identity policies, resource policies, role trust policies, KMS key policies, service
//! control policies and VPC endpoint policies are one language (IAM User Guide, "IAM JSON policy
//! element reference"). Every check takes its notion of *public*, *cross-account*, *conditioned*
//! and *admin* from here:
//!
//! - [`Policy::exposure`] says who outside the owner's account a resource policy lets in;
//! - [`Policy::trusts`] says who may assume a role;
//! - [`decide`] and [`Policy::grants_admin`] say what an identity policy grants;
//! - [`escalation_paths`] names the ways from one set of policies to more rights;
//! - [`Policy::denies_insecure_transport`] proves that plain HTTP is refused.
//!
//! Whatever is not understood counts against a pass: an unknown operator narrows nothing, and an
//! explicit Deny takes something away only where it certainly covers it. So adding a Deny never
//! makes a policy more public, and a document that AWS would refuse is [`Malformed`], not empty.

mod condition;
mod escalation;
mod exposure;
mod identity;
mod parse;
mod pattern;
mod transport;
mod trust;

pub use condition::{Bound, Condition, Narrowing, Operator, SetOperator, Test};
pub use escalation::{ESCALATIONS, Escalation, escalation_paths};
pub use exposure::{Audience, Exposure, Grant};
pub use identity::{Admin, Decision, ServiceWildcard, decide};
pub use parse::Malformed;
pub use pattern::Pattern;
pub use trust::{Guards, Trust};

/// One policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub version: Version,
    pub id: Option<Box<str>>,
    pub statements: Box<[Statement]>,
}

/// The version of the language; 2008-10-17 where the document names none, as AWS does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V2008,
    V2012,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub sid: Option<Box<str>>,
    pub effect: Effect,
    /// Absent from identity policies and service control policies.
    pub principal: Option<Principals>,
    pub actions: Scope,
    /// Absent from trust policies: the role that carries the policy.
    pub resources: Option<Scope>,
    pub conditions: Box<[Condition]>,
}

/// `Action` and `Resource`, or `NotAction` and `NotResource`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Only(Box<[Pattern]>),
    Except(Box<[Pattern]>),
}

/// `Principal` or `NotPrincipal`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principals {
    Only(Box<[Principal]>),
    Except(Box<[Principal]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// `*`, `{"AWS": "*"}` or a `*` within an AWS list: all the same (IAM User Guide, "AWS JSON
    /// policy elements: Principal").
    Everyone,
    /// An account id, bare or as its root ARN: everybody whom that account lets.
    Account(Box<str>),
    /// A user, role or session; also the unique id (`AIDA…`, `AROA…`) that AWS shows in place of
    /// a deleted one, and CloudFront's origin access identities.
    Arn(Box<str>),
    /// In lower case.
    Service(Box<str>),
    /// The ARN of an OIDC or SAML provider, or a web identity provider's host name.
    Federated(Box<str>),
    CanonicalUser(Box<str>),
}

/// The account that owns the resource a policy is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    pub account: &'a str,
    pub partition: &'a str,
}

impl Principal {
    /// The account, if the principal names exactly one.
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::Account(account) => Some(account),
            Principal::Arn(arn) => arn
                .strip_prefix("arn:")?
                .split(':')
                .nth(3)
                .filter(|text| condition::is_account(text)),
            _ => None,
        }
    }
}

impl Principals {
    /// `Principal` with `*`; `NotPrincipal` is never "all", it spares somebody.
    pub fn is_everyone(&self) -> bool {
        matches!(self, Principals::Only(list) if list.contains(&Principal::Everyone))
    }
}

/// A part of a scope, as wide as one statement says it.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    One(&'a Pattern),
    AllBut(&'a [Pattern]),
}

impl Scope {
    /// As written, whichever of the two elements it was.
    pub fn patterns(&self) -> &[Pattern] {
        let (Scope::Only(list) | Scope::Except(list)) = self;
        list
    }

    /// Whether `name` may be within; a policy variable may take any value.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Scope::Only(list) => list.iter().any(|pattern| pattern.matches(name)),
            Scope::Except(list) => !list.iter().any(|pattern| pattern.surely_matches(name)),
        }
    }

    /// Whether everything that `pattern` may match is certainly within.
    pub fn covers(&self, pattern: &Pattern) -> bool {
        self.covers_part(Part::One(pattern))
    }

    /// Whether something that `pattern` may match may be within.
    pub fn overlaps(&self, pattern: &Pattern) -> bool {
        match self {
            Scope::Only(list) => list.iter().any(|each| each.overlaps(pattern)),
            Scope::Except(list) => !list.iter().any(|each| each.covers(pattern)),
        }
    }

    /// `*`.
    pub fn is_everything(&self) -> bool {
        matches!(self, Scope::Only(list) if list.iter().any(Pattern::is_everything))
    }

    fn covers_part(&self, part: Part<'_>) -> bool {
        match (self, part) {
            (Scope::Only(list), Part::One(pattern)) => list.iter().any(|each| each.covers(pattern)),
            (Scope::Only(_), Part::AllBut(_)) => self.is_everything(),
            (Scope::Except(list), Part::One(pattern)) => {
                !list.iter().any(|each| each.overlaps(pattern))
            }
            (Scope::Except(list), Part::AllBut(spared)) => {
                list.iter().all(|each| spared.iter().any(|spare| spare.covers(each)))
            }
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        match self {
            Scope::Only(list) => list.iter().map(Part::One).collect(),
            Scope::Except(list) => vec![Part::AllBut(list)],
        }
    }
}

impl Statement {
    /// Whether the statement speaks of the action, by `Action` or `NotAction`, in any case.
    pub fn matches_action(&self, action: &str) -> bool {
        self.actions.matches(action)
    }

    /// Whether the statement may speak of the resource; one without `Resource` speaks of the
    /// resource that carries it.
    pub fn matches_resource(&self, resource: &str) -> bool {
        self.resources.as_ref().is_none_or(|scope| scope.matches(resource))
    }

    pub fn is_allow(&self) -> bool {
        self.effect == Effect::Allow
    }

    pub fn is_conditional(&self) -> bool {
        !self.conditions.is_empty()
    }
}

impl Policy {
    fn allows_indexed(&self) -> impl Iterator<Item = (usize, &Statement)> {
        self.statements.iter().enumerate().filter(|(_, statement)| statement.is_allow())
    }

    fn denies(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(|statement| !statement.is_allow())
    }
}

#[cfg(test)]
mod tests;
