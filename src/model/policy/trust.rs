//! Who may assume a role.

use super::condition::{Bound, Condition, SetOperator, Test};
use super::exposure::is_open_provider;
use super::{Audience, Exposure, Narrowing, Owner, Policy};

const ASSUME: [&str; 3] =
    ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];

/// One audience that a trust policy lets assume its role, the owner's own account included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Index into [`Policy::statements`].
    pub statement: usize,
    pub sid: Option<Box<str>>,
    pub audience: Audience,
    /// Whether the audience is the account that owns the role.
    pub own: bool,
    pub guards: Guards,
    pub narrowed_by: Box<[Narrowing]>,
}

/// What a trust statement demands of the caller. Each is set only by a condition that holds for
/// every request that it lets through: `IfExists` and `ForAllValues` guard nothing, as requests
/// without the key pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one question that a check asks")]
pub struct Guards {
    /// `sts:ExternalId` with a fixed value.
    pub external_id: bool,
    /// `aws:MultiFactorAuthPresent` is true, or `aws:MultiFactorAuthAge` is bounded.
    pub mfa: bool,
    /// `aws:PrincipalOrgID`, `aws:PrincipalOrgPaths`, `aws:SourceOrgID` and their like.
    pub organization: bool,
    /// `aws:SourceArn`.
    pub source_arn: bool,
    /// `aws:SourceAccount`.
    pub source_account: bool,
    /// A VPC, a VPC endpoint or addresses.
    pub network: bool,
    /// Users, roles or sessions by name or unique id, by `aws:PrincipalArn` or `aws:userid`.
    pub principal: bool,
    /// A subject or tenant at the identity provider, which tells callers apart.
    pub subject: bool,
}

impl Guards {
    fn of(conditions: &[Condition], narrowed_by: &[Narrowing]) -> Self {
        let bound = |bound| narrowed_by.iter().any(|narrowing| narrowing.bound == bound);
        let key = |key| narrowed_by.iter().any(|narrowing| &*narrowing.key == key);
        Self {
            external_id: key("sts:externalid"),
            mfa: conditions.iter().any(demands_mfa),
            organization: bound(Bound::Organization),
            source_arn: key("aws:sourcearn"),
            source_account: key("aws:sourceaccount"),
            network: bound(Bound::Network) || bound(Bound::Address),
            principal: bound(Bound::Identity) || conditions.iter().any(names_principal),
            subject: narrowed_by.iter().any(names_subject),
        }
    }
}

/// The audience of a provider of one's own is the same for all of its subjects; that of a shared
/// one is the tenant.
fn names_subject(narrowing: &Narrowing) -> bool {
    let own_audience = narrowing.key.rsplit_once(':').is_some_and(|(issuer, claim)| {
        claim == "aud" && issuer != "saml" && !is_open_provider(issuer)
    });
    narrowing.bound == Bound::Federation && !own_audience
}

/// `arn:aws:iam::123456789012:role/ci/*` names a principal or a few, `…:role/*` and `…:root` mean
/// whoever the account has.
fn names_principal(condition: &Condition) -> bool {
    let named = |arn: &str| {
        let name = arn.splitn(6, ':').nth(5).and_then(|part| part.split_once('/'));
        name.is_some_and(|(_, name)| name.contains(|c: char| !matches!(c, '*' | '?' | '/')))
    };
    condition.is_key("aws:PrincipalArn")
        && condition.narrows().is_some()
        && condition.values.iter().all(|arn| named(arn))
}

/// `BoolIfExists` passes for long-term keys, which never carry the MFA key (IAM User Guide,
/// "AWS global condition context keys": `aws:MultiFactorAuthPresent`).
fn demands_mfa(condition: &Condition) -> bool {
    let operator = &condition.operator;
    if operator.if_exists || operator.set == Some(SetOperator::ForAllValues) {
        return false;
    }
    if condition.is_key("aws:MultiFactorAuthPresent") {
        return matches!(operator.test, Test::Bool | Test::StringEquals)
            && condition.only_value("true");
    }
    // The age is present only where MFA was used.
    condition.is_key("aws:MultiFactorAuthAge")
        && (matches!(operator.test, Test::NumericLessThan | Test::NumericLessThanEquals)
            || (operator.test == Test::Null && condition.only_value("false")))
}

impl Trust {
    /// Whether anybody may assume the role.
    pub fn is_public(&self) -> bool {
        self.audience == Audience::Public
    }

    /// Another account, organization or canonical user.
    pub fn is_foreign_account(&self) -> bool {
        !self.own
            && matches!(
                self.audience,
                Audience::Account(_) | Audience::Organization(_) | Audience::CanonicalUser(_)
            )
    }

    /// An OIDC provider (GitHub Actions, GitLab, an EKS cluster) trusted without a condition on
    /// the subject or tenant.
    pub fn is_open_oidc(&self) -> bool {
        let oidc = match &self.audience {
            Audience::Federated(provider) => {
                provider.contains(":oidc-provider/") || is_open_provider(provider)
            }
            _ => false,
        };
        oidc && !self.guards.subject
    }
}

impl Policy {
    /// Who may assume the role that carries this trust policy, by any of the `sts:AssumeRole…`
    /// actions, in the order of the statements. The owner's own account is among them, marked.
    ///
    /// A shared identity provider without a condition on subject or tenant is [`Audience::Public`]
    /// (anybody can have a GitHub repository).
    pub fn trusts(&self, owner: Owner<'_>) -> Vec<Trust> {
        self.audiences(&|_| false)
            .into_iter()
            .filter(|exposure| ASSUME.iter().any(|action| exposure.allows(action)))
            .map(|exposure: Exposure| {
                let conditions = &self.statements[exposure.statement].conditions;
                Trust {
                    own: matches!(&exposure.audience, Audience::Account(id) if **id == *owner.account),
                    guards: Guards::of(conditions, &exposure.narrowed_by),
                    statement: exposure.statement,
                    sid: exposure.sid,
                    audience: exposure.audience,
                    narrowed_by: exposure.narrowed_by,
                }
            })
            .collect()
    }

    /// Whether anybody may assume the role.
    pub fn trusts_anybody(&self, owner: Owner<'_>) -> bool {
        self.trusts(owner).iter().any(Trust::is_public)
    }

    /// The AWS services that may assume the role, sorted, each once.
    pub fn trusted_services(&self, owner: Owner<'_>) -> Vec<Box<str>> {
        self.named(owner, |audience| match audience {
            Audience::Service(name) => Some(name),
            _ => None,
        })
    }

    /// The accounts other than the owner's that may assume the role, sorted, each once.
    pub fn trusted_accounts(&self, owner: Owner<'_>) -> Vec<Box<str>> {
        self.named(owner, |audience| match audience {
            Audience::Account(id) if *id != *owner.account => Some(id),
            _ => None,
        })
    }

    fn named(
        &self,
        owner: Owner<'_>,
        pick: impl Fn(Audience) -> Option<Box<str>>,
    ) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> =
            self.trusts(owner).into_iter().filter_map(|trust| pick(trust.audience)).collect();
        names.sort();
        names.dedup();
        names
    }
}
