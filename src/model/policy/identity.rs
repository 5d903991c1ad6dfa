//! What identity policies grant.

use std::collections::BTreeMap;

use super::exposure::{covers_resource, resource_parts};
use super::{Part, Pattern, Policy, Scope, Statement};

/// The answer to "may they?", as far as the documents alone can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// Depends on the request: a condition, a policy variable, or a Deny or Allow that covers
    /// only a part of what was asked.
    Conditionally,
    /// An explicit Deny certainly covers it.
    Denied,
    /// No statement speaks of it, which denies it too (IAM User Guide, "Policy evaluation
    /// logic").
    NotMentioned,
}

impl Decision {
    /// Whether some request may pass.
    pub fn may_pass(self) -> bool {
        matches!(self, Decision::Allowed | Decision::Conditionally)
    }
}

/// Whether a policy gives all actions on all resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Admin {
    No,
    /// Only under a condition, such as MFA.
    Conditioned,
    Yes,
}

/// A service of which a document allows every action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceWildcard {
    /// `s3`; `*` for all services.
    pub service: Box<str>,
    /// Or on some that it names.
    pub on_all_resources: bool,
}

/// Whether the documents, taken together, allow the action on the resource. The resource is an
/// ARN, possibly with wildcards; `*` asks for all of them.
pub fn decide(policies: &[&Policy], action: &str, resource: &str) -> Decision {
    let action = Pattern::action(action);
    let resource = Pattern::exact_case(resource);
    let mut decision = Decision::NotMentioned;
    let mut partly_denied = false;
    for statement in policies.iter().flat_map(|policy| policy.statements.iter()) {
        if statement.is_allow() {
            match reach(statement, &action, &resource, false) {
                Reach::All => decision = Decision::Allowed,
                Reach::Some if decision == Decision::NotMentioned => {
                    decision = Decision::Conditionally;
                }
                _ => {}
            }
        } else {
            match reach(statement, &action, &resource, true) {
                Reach::All => return Decision::Denied,
                Reach::Some => partly_denied = true,
                Reach::None => {}
            }
        }
    }
    if partly_denied && decision == Decision::Allowed { Decision::Conditionally } else { decision }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    None,
    Some,
    All,
}

fn reach(statement: &Statement, action: &Pattern, resource: &Pattern, strict: bool) -> Reach {
    let resources = |test: &dyn Fn(&Scope) -> bool| statement.resources.as_ref().is_none_or(test);
    if !statement.actions.overlaps(action) || !resources(&|scope| scope.overlaps(resource)) {
        return Reach::None;
    }
    let all_resources = resources(&|scope| {
        scope.covers(resource) || (!strict && resource.is_everything() && is_all_resources(scope))
    });
    if statement.actions.covers(action) && all_resources && !statement.is_conditional() {
        Reach::All
    } else {
        Reach::Some
    }
}

/// `*`, or every ARN of a partition (`arn:aws:*`), which for a grant comes to the same.
fn is_all_resources(scope: &Scope) -> bool {
    let Scope::Only(list) = scope else { return false };
    list.iter().any(|pattern| {
        pattern.is_everything()
            || ["aws", "aws-cn", "aws-us-gov"].iter().any(|partition| {
                pattern.covers(&Pattern::exact_case(&format!("arn:{partition}:*:*:*:*")))
            })
    })
}

fn grants_all_resources(statement: &Statement) -> bool {
    statement.resources.as_ref().is_none_or(is_all_resources)
}

impl Policy {
    /// [`decide`] for this document alone.
    pub fn allows(&self, action: &str, resource: &str) -> Decision {
        decide(&[self], action, resource)
    }

    /// Whether the action is allowed without regard to the resource.
    pub fn allows_on_all_resources(&self, action: &str) -> Decision {
        self.allows(action, "*")
    }

    /// Whether the document gives `*` on `*`, as CIS and Security Hub (IAM.1) mean it.
    ///
    /// Only a Deny of all actions on all resources cancels that: what remains after a Deny of
    /// some actions is still more than anyone can oversee. A `NotAction` that spares something is
    /// not all actions; see [`Policy::allow_not_action`] and
    /// [`escalation_paths`](super::escalation_paths).
    pub fn grants_admin(&self) -> Admin {
        let everything = Pattern::action("*");
        if self.cancels(&everything) {
            return Admin::No;
        }
        let all = |statement: &&Statement| {
            grants_all_resources(statement) && statement.actions.is_everything()
        };
        self.statements
            .iter()
            .filter(|statement| statement.is_allow())
            .filter(all)
            .map(
                |statement| {
                    if statement.is_conditional() { Admin::Conditioned } else { Admin::Yes }
                },
            )
            .max()
            .unwrap_or(Admin::No)
    }

    /// The services of which the document allows every action (`s3:*`), on whatever resources,
    /// sorted; `*` for all services. An Allow with `NotAction` counts as `*`, as it gives all
    /// actions of every service that it does not name (Security Hub, IAM.21). A Deny takes back
    /// only what it covers in full.
    pub fn service_wildcards(&self) -> Vec<ServiceWildcard> {
        let every = Pattern::action("*");
        let mut services = BTreeMap::new();
        for statement in self.statements.iter().filter(|statement| statement.is_allow()) {
            for part in statement.actions.parts() {
                let (pattern, service) = match part {
                    Part::One(pattern) => (pattern, wildcard_service(pattern)),
                    Part::AllBut(_) => (&every, Some("*".into())),
                };
                let Some(service) = service else { continue };
                if !usable_resources(&[self], statement, pattern).is_empty() {
                    *services.entry(service).or_insert(false) |= grants_all_resources(statement);
                }
            }
        }
        services
            .into_iter()
            .map(|(service, on_all_resources)| ServiceWildcard { service, on_all_resources })
            .collect()
    }

    /// Allow statements with `NotAction`, with their index.
    pub fn allow_not_action(&self) -> impl Iterator<Item = (usize, &Statement)> {
        self.allows_indexed().filter(|(_, statement)| matches!(statement.actions, Scope::Except(_)))
    }

    /// Whether an unconditional Deny covers the actions on all resources.
    fn cancels(&self, actions: &Pattern) -> bool {
        self.denies().any(|statement| {
            !statement.is_conditional()
                && statement.actions.covers(actions)
                && statement.resources.as_ref().is_none_or(Scope::is_everything)
        })
    }
}

/// `s3:*` is `s3`, `*` is `*`, `s3:Get*` is nothing.
fn wildcard_service(pattern: &Pattern) -> Option<Box<str>> {
    if pattern.is_everything() {
        return Some("*".into());
    }
    let (service, name) = pattern.as_str().split_once(':')?;
    (!name.is_empty() && name.bytes().all(|byte| byte == b'*'))
        .then(|| service.to_ascii_lowercase().into())
}

/// The resources on which an Allow gives the action and no unconditional Deny takes it away.
pub(super) fn usable_resources<'a>(
    policies: &[&Policy],
    allow: &'a Statement,
    action: &Pattern,
) -> Vec<Option<Part<'a>>> {
    let denied = |part: Option<Part<'_>>| {
        policies.iter().flat_map(|policy| policy.denies()).any(|deny| {
            !deny.is_conditional() && deny.actions.covers(action) && covers_resource(deny, part)
        })
    };
    resource_parts(allow).into_iter().filter(|part| !denied(*part)).collect()
}
