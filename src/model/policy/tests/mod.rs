#![expect(clippy::unwrap_used, reason = "tests")]

mod conditions;
mod escalation;
mod exposure;
mod identity;
mod oracle;
mod parse;
mod properties;
mod transport;
mod trust;

use serde_json::{Value, json};

use super::*;

const OWNER: Owner<'static> = Owner { account: "111122223333", partition: "aws" };
const OTHER: &str = "444455556666";

/// A document from the value of its `Statement`.
fn policy(statement: &Value) -> Policy {
    Policy::parse(&json!({ "Version": "2012-10-17", "Statement": statement }).to_string()).unwrap()
}

/// An Allow on a bucket for everybody, under the condition.
fn public_if(condition: &Value) -> Policy {
    policy(&json!({
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*", "Condition": condition,
    }))
}

fn audiences(policy: &Policy) -> Vec<Audience> {
    policy.exposure(OWNER).into_iter().map(|exposure| exposure.audience).collect()
}

fn account(id: &str) -> Audience {
    Audience::Account(id.into())
}

fn organization(id: &str) -> Audience {
    Audience::Organization(id.into())
}

fn service(name: &str) -> Audience {
    Audience::Service(name.into())
}
