//! What to grant, so that the next scan sees what this one could not.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::Head;

/// IAM actions whose absence left something without a verdict, in order.
///
/// Only denials that an identity policy can cure: a service control policy, for one, is not
/// overruled by a grant.
pub fn missing_actions(head: &Head) -> Vec<&str> {
    let denied = head.coverage.gaps.iter().filter(|gap| gap.cause == "denied");
    let actions: BTreeSet<_> =
        denied.map(|gap| gap.action.as_str()).filter(|action| !action.is_empty()).collect();
    actions.into_iter().collect()
}

/// The IAM policy that grants [`missing_actions`], as JSON for people; `None` when nothing is
/// missing.
pub fn policy(head: &Head) -> Option<String> {
    let actions = missing_actions(head);
    let policy = Policy {
        version: "2012-10-17",
        statement: [Statement {
            sid: "DemarcSeesTheRest",
            effect: "Allow",
            action: &actions,
            resource: "*",
        }],
    };
    (!actions.is_empty()).then(|| serde_json::to_string_pretty(&policy).unwrap_or_default())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    sid: &'static str,
    effect: &'static str,
    action: &'a [&'a str],
    resource: &'static str,
}
