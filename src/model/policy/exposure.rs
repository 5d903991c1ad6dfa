//! Who outside the owner's account a resource policy lets in.

use std::collections::BTreeSet;

use super::condition::{Bound, Narrowing, SHARED_ISSUERS, is_account};
use super::{Owner, Part, Pattern, Policy, Principal, Principals, Scope, Statement};

/// Somebody whom an Allow statement lets in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// Anybody on the Internet or with any AWS account, as S3 defines it under "The meaning of
    /// public". Never narrowed.
    Public,
    /// Anybody, but only within the bounds of [`Exposure::narrowed_by`]: a network, address
    /// ranges, a secret, a source.
    Restricted,
    /// An account, or a user or role in it. A principal that is neither is kept as written.
    Account(Box<str>),
    /// Everybody in an organization; its id.
    Organization(Box<str>),
    /// S3's other name for an account; it may be the owner's own.
    CanonicalUser(Box<str>),
    /// An AWS service principal. `narrowed_by` says whether it may act only for certain accounts
    /// or resources (IAM User Guide, "The confused deputy problem").
    Service(Box<str>),
    /// Those whom an identity provider vouches for.
    Federated(Box<str>),
}

/// What one Allow statement gives one audience, once explicit denies are taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Index into [`Policy::statements`].
    pub statement: usize,
    pub sid: Option<Box<str>>,
    pub audience: Audience,
    /// What is left of the statement, one grant for each of its resources.
    pub grants: Box<[Grant]>,
    /// Whether the statement has conditions of any kind.
    pub conditioned: bool,
    /// The conditions that bound who can call.
    pub narrowed_by: Box<[Narrowing]>,
}

/// Actions on a resource, less those that are certainly denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Absent where the statement names no resource: the one that carries the policy.
    pub resources: Option<Scope>,
    pub actions: Scope,
    pub denied: Box<[Scope]>,
}

impl Grant {
    /// Whether the action, written in full, may be called.
    pub fn allows(&self, action: &str) -> bool {
        self.actions.matches(action) && !self.denied.iter().any(|scope| scope.matches(action))
    }

    /// What is left of the action patterns of the statement; `None` stands for "all but" those of
    /// a `NotAction`.
    fn remaining(&self) -> Vec<Option<&Pattern>> {
        let left = |part: &Part<'_>| !self.denied.iter().any(|scope| scope.covers_part(*part));
        let name = |part| match part {
            Part::One(pattern) => Some(pattern),
            Part::AllBut(_) => None,
        };
        self.actions.parts().into_iter().filter(left).map(name).collect()
    }
}

impl Exposure {
    /// Whether the audience may call the action, written in full (`s3:PutObject`).
    pub fn allows(&self, action: &str) -> bool {
        self.grants.iter().any(|grant| grant.allows(action))
    }

    /// The actions as the statement writes them, without those denied, sorted. What a `NotAction`
    /// leaves reads `all but …`.
    pub fn actions(&self) -> Vec<String> {
        let mut out = BTreeSet::new();
        for grant in &self.grants {
            for pattern in grant.remaining() {
                out.insert(pattern.map_or_else(
                    || {
                        let spared: Vec<&str> =
                            grant.actions.patterns().iter().map(Pattern::as_str).collect();
                        format!("all but {}", spared.join(", "))
                    },
                    ToString::to_string,
                ));
            }
        }
        out.into_iter().collect()
    }

    pub fn is_public(&self) -> bool {
        self.audience == Audience::Public
    }

    /// Whether another account, by whatever name, is let in. A canonical user counts, as its
    /// account cannot be told from the policy.
    pub fn is_cross_account(&self) -> bool {
        matches!(
            self.audience,
            Audience::Account(_) | Audience::Organization(_) | Audience::CanonicalUser(_)
        )
    }

    /// Whether a condition bounds who can call or, where the audience is a service, for whom it
    /// may act.
    pub fn is_bounded(&self) -> bool {
        !self.narrowed_by.is_empty()
    }
}

impl Policy {
    /// Everybody outside the owner's account whom the policy lets in, in the order of its
    /// statements.
    ///
    /// - A public principal that a condition bounds to accounts becomes those accounts, and
    ///   nobody if the owner's is the only one. Bounded to organizations, it becomes those.
    ///   Bounded otherwise it is [`Audience::Restricted`].
    /// - An Allow with `NotPrincipal` is public (IAM User Guide, "NotPrincipal with Allow").
    /// - A web identity provider that serves everybody is public unless a condition names a
    ///   tenant or a subject.
    /// - An explicit Deny takes off what it certainly covers: unconditional and for everybody; or
    ///   for everybody except those named by `NotPrincipal` or a negated condition such as
    ///   `StringNotEquals aws:PrincipalOrgID`, who then stand in place of the public.
    pub fn exposure(&self, owner: Owner<'_>) -> Vec<Exposure> {
        self.audiences(&|account| account == owner.account)
    }

    /// Whether anybody at all is let in to anything.
    pub fn is_public(&self, owner: Owner<'_>) -> bool {
        self.exposure(owner).iter().any(Exposure::is_public)
    }

    /// What anybody may do, as the statements write it, sorted.
    pub fn public_actions(&self, owner: Owner<'_>) -> Vec<String> {
        let actions: BTreeSet<String> = self
            .exposure(owner)
            .iter()
            .filter(|exposure| exposure.is_public())
            .flat_map(Exposure::actions)
            .collect();
        actions.into_iter().collect()
    }

    /// Whether anybody may call one of the actions, written in full.
    pub fn allows_public(&self, owner: Owner<'_>, actions: &[&str]) -> bool {
        self.exposure(owner)
            .iter()
            .filter(|exposure| exposure.is_public())
            .any(|exposure| actions.iter().any(|action| exposure.allows(action)))
    }

    /// What is given to named other accounts and organizations. The public is not among them.
    pub fn cross_account(&self, owner: Owner<'_>) -> Vec<Exposure> {
        let mut all = self.exposure(owner);
        all.retain(Exposure::is_cross_account);
        all
    }

    /// `is_home` names accounts that are not worth mentioning.
    pub(super) fn audiences(&self, is_home: &dyn Fn(&str) -> bool) -> Vec<Exposure> {
        let bars: Vec<Bar<'_>> = self.denies().filter_map(Bar::new).collect();
        let mut out: Vec<Exposure> = Vec::new();
        for (index, statement) in self.allows_indexed() {
            let mut pending = audiences_of(statement, is_home);
            let mut seen = Vec::new();
            while !pending.is_empty() {
                let (audience, narrowed_by) = pending.remove(0);
                let key = (audience.clone(), narrowed_by.clone());
                if seen.contains(&key) {
                    continue;
                }
                seen.push(key);
                for bar in &bars {
                    if bar.concerns(statement) {
                        pending.extend(bar.spares(&audience, &narrowed_by, is_home));
                    }
                }
                let grants = grants_of(statement, &bars, &audience);
                if grants.is_empty() {
                    continue;
                }
                out.push(Exposure {
                    statement: index,
                    sid: statement.sid.clone(),
                    audience,
                    grants: grants.into(),
                    conditioned: statement.is_conditional(),
                    narrowed_by: narrowed_by.into(),
                });
            }
        }
        out
    }
}

type Bounded = (Audience, Vec<Narrowing>);

/// The audiences of one Allow statement before any Deny.
fn audiences_of(statement: &Statement, is_home: &dyn Fn(&str) -> bool) -> Vec<Bounded> {
    let narrowings: Vec<Narrowing> =
        statement.conditions.iter().filter_map(super::Condition::narrows).collect();
    let principals = match &statement.principal {
        None => return Vec::new(),
        Some(Principals::Except(_)) => &[Principal::Everyone][..],
        Some(Principals::Only(list)) => list,
    };
    let mut out: Vec<Bounded> = Vec::new();
    for principal in principals {
        for each in audience_of(principal, &narrowings, is_home) {
            if !out.contains(&each) {
                out.push(each);
            }
        }
    }
    out
}

fn audience_of(
    principal: &Principal,
    narrowings: &[Narrowing],
    is_home: &dyn Fn(&str) -> bool,
) -> Vec<Bounded> {
    let as_is = |audience| vec![(audience, narrowings.to_vec())];
    match principal {
        Principal::Everyone => bounded_public(narrowings, is_home),
        Principal::Account(_) | Principal::Arn(_) if principal.account().is_some_and(is_home) => {
            Vec::new()
        }
        Principal::Account(account) => as_is(Audience::Account(account.clone())),
        Principal::Arn(arn) => match principal.account() {
            Some(account) => as_is(Audience::Account(account.into())),
            None if is_unique_id(arn) => Vec::new(),
            None if arn.contains(":iam::cloudfront:user/") => {
                as_is(Audience::Service("cloudfront.amazonaws.com".into()))
            }
            None if arn.contains(['*', '?']) => bounded_public(narrowings, is_home),
            None => as_is(Audience::Account(arn.clone())),
        },
        Principal::CanonicalUser(id) => as_is(Audience::CanonicalUser(id.clone())),
        // "Service": "*" is no fixed value, so S3 calls it public; and through some service
        // anybody can act.
        Principal::Service(name) if name.contains('*') => bounded_public(narrowings, is_home),
        Principal::Service(name) => as_is(Audience::Service(name.clone())),
        Principal::Federated(provider) => {
            if narrowings.is_empty() && is_open_provider(provider) {
                return as_is(Audience::Public);
            }
            as_is(Audience::Federated(provider.clone()))
        }
    }
}

/// What a public principal comes to once conditions, joined by AND, bound it. Each bound alone
/// holds for every caller, so the tightest kind is taken.
fn bounded_public(narrowings: &[Narrowing], is_home: &dyn Fn(&str) -> bool) -> Vec<Bounded> {
    let all = || narrowings.to_vec();
    if narrowings.is_empty() {
        return vec![(Audience::Public, Vec::new())];
    }
    let accounts = narrowings
        .iter()
        .filter(|narrowing| narrowing.bound == Bound::Account)
        .map(|narrowing| narrowing.values.iter().filter(|id| !is_home(id)).collect::<Vec<_>>())
        .min_by_key(Vec::len);
    if let Some(accounts) = accounts {
        return accounts.into_iter().map(|id| (Audience::Account(id.clone()), all())).collect();
    }
    let named = |bound, audience: fn(Box<str>) -> Audience| {
        let narrowing = narrowings.iter().find(|narrowing| narrowing.bound == bound)?;
        Some(narrowing.values.iter().map(|id| (audience(id.clone()), all())).collect())
    };
    named(Bound::Organization, Audience::Organization)
        .or_else(|| {
            // `aws:PrincipalIsAWSService` names no service.
            let narrowing = narrowings.iter().find(|narrowing| {
                narrowing.bound == Bound::Service && &*narrowing.key != "aws:principalisawsservice"
            })?;
            let service = |name: &str| Audience::Service(name.to_ascii_lowercase().into());
            Some(narrowing.values.iter().map(|name| (service(name), all())).collect())
        })
        .unwrap_or_else(|| vec![(Audience::Restricted, all())])
}

/// AWS puts the unique id in place of a principal that was deleted; it lets nobody in (IAM User
/// Guide, "IAM identifiers").
fn is_unique_id(text: &str) -> bool {
    text.len() >= 16
        && ["AIDA", "AROA", "AGPA"].iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A provider that vouches for anybody who signs up with it.
pub(super) fn is_open_provider(provider: &str) -> bool {
    let host = provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host);
    provider == "*" || SHARED_ISSUERS.iter().any(|shared| shared.matches(host))
}

/// A Deny that certainly bars everybody, or everybody except a bounded few.
#[derive(Debug)]
struct Bar<'a> {
    statement: &'a Statement,
    spared: Spared<'a>,
}

#[derive(Debug)]
enum Spared<'a> {
    Nobody,
    Some { principals: &'a [Principal], bounds: Vec<Narrowing> },
}

impl<'a> Bar<'a> {
    fn new(statement: &'a Statement) -> Option<Self> {
        let principals: &[Principal] = match statement.principal.as_ref()? {
            principals if principals.is_everyone() => &[],
            Principals::Except(list) if !list.contains(&Principal::Everyone) => list,
            _ => return None,
        };
        // The conditions of a Deny are joined by AND: whoever escapes one of them is spared.
        let bounds: Option<Vec<Narrowing>> =
            statement.conditions.iter().map(super::Condition::spares).collect();
        let bounds = bounds?;
        let spared = if principals.is_empty() && bounds.is_empty() {
            Spared::Nobody
        } else {
            Spared::Some { principals, bounds }
        };
        Some(Self { statement, spared })
    }

    /// Whether every member of the audience is denied, except those that [`Bar::spares`] lists.
    fn bars(&self, audience: &Audience) -> bool {
        let Spared::Some { principals, bounds } = &self.spared else { return true };
        let only_accounts = principals.iter().all(|principal| principal.account().is_some())
            && bounds.iter().all(|narrowing| narrowing.bound == Bound::Account);
        match audience {
            Audience::Public => true,
            Audience::Restricted | Audience::Organization(_) => only_accounts,
            Audience::Account(id) => {
                only_accounts
                    && is_account(id)
                    && !principals.iter().any(|principal| principal.account() == Some(id))
                    && !bounds.iter().any(|narrowing| narrowing.values.contains(id))
            }
            Audience::CanonicalUser(_) | Audience::Service(_) | Audience::Federated(_) => false,
        }
    }

    /// Those of a barred crowd who are spared, to be judged in their own right.
    fn spares(
        &self,
        audience: &Audience,
        narrowed_by: &[Narrowing],
        is_home: &dyn Fn(&str) -> bool,
    ) -> Vec<Bounded> {
        let Spared::Some { principals, bounds } = &self.spared else { return Vec::new() };
        let crowd =
            matches!(audience, Audience::Public | Audience::Restricted | Audience::Organization(_));
        if !crowd || !self.bars(audience) {
            return Vec::new();
        }
        let mut out = Vec::new();
        for principal in *principals {
            out.extend(audience_of(principal, narrowed_by, is_home));
        }
        for bound in bounds {
            for (audience, mut by) in bounded_public(std::slice::from_ref(bound), is_home) {
                by.splice(0..0, narrowed_by.iter().filter(|each| *each != bound).cloned());
                out.push((audience, by));
            }
        }
        out
    }

    /// Whether the Deny takes anything off the statement.
    fn concerns(&self, allow: &Statement) -> bool {
        resource_parts(allow).iter().any(|part| {
            self.covers_resource(*part)
                && allow.actions.parts().into_iter().any(|action| match action {
                    Part::One(pattern) => self.statement.actions.overlaps(pattern),
                    Part::AllBut(_) => true,
                })
        })
    }

    fn covers_resource(&self, part: Option<Part<'_>>) -> bool {
        covers_resource(self.statement, part)
    }
}

/// The resources of a statement, one by one; `None` is the one that carries the policy.
pub(super) fn resource_parts(statement: &Statement) -> Vec<Option<Part<'_>>> {
    match &statement.resources {
        None => vec![None],
        Some(scope) => scope.parts().into_iter().map(Some).collect(),
    }
}

/// Whether a statement certainly speaks of all of `part`.
pub(super) fn covers_resource(statement: &Statement, part: Option<Part<'_>>) -> bool {
    match (&statement.resources, part) {
        // Without `Resource`, a statement speaks of all that the policy is about.
        (None, _) => true,
        (Some(scope), None) => scope.is_everything(),
        (Some(scope), Some(part)) => scope.covers_part(part),
    }
}

fn grants_of(allow: &Statement, bars: &[Bar<'_>], audience: &Audience) -> Vec<Grant> {
    let mut out = Vec::new();
    for part in resource_parts(allow) {
        let denied: Vec<Scope> = bars
            .iter()
            .filter(|bar| bar.covers_resource(part) && bar.bars(audience))
            .map(|bar| bar.statement.actions.clone())
            .collect();
        let resources = part.map(|part| match part {
            Part::One(pattern) => Scope::Only(Box::from([pattern.clone()])),
            Part::AllBut(list) => Scope::Except(list.into()),
        });
        let grant = Grant { resources, actions: allow.actions.clone(), denied: denied.into() };
        if !grant.remaining().is_empty() {
            out.push(grant);
        }
    }
    out
}
