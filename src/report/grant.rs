//! What to grant, so that the next scan sees what this one could not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

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

/// The IAM policy that grants [`missing_actions`]; `None` when nothing is missing.
pub fn policy(head: &Head) -> Option<Value> {
    let actions = missing_actions(head);
    (!actions.is_empty()).then(|| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "DemarcSeesTheRest",
                "Effect": "Allow",
                "Action": actions,
                "Resource": "*",
            }],
        })
    })
}
