//! The IAM policy that a selection of checks needs: exactly the declared actions.

use std::collections::BTreeSet;

use demarc_model::{Call, calls::sts};
use serde_json::{Value, json};

/// Characters of a managed policy, white space left out ("IAM and AWS STS quotas").
const MANAGED_POLICY_SIZE: usize = 6_144;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Syntax {
    Json,
    Terraform,
    Cloudformation,
}

/// Actions of the calls, in order; calls that need none are left out.
pub(crate) fn actions<'a>(calls: impl IntoIterator<Item = &'a &'static Call>) -> Vec<&'static str> {
    let actions: BTreeSet<_> =
        calls.into_iter().map(|call| call.action).filter(|action| !action.is_empty()).collect();
    actions.into_iter().collect()
}

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn read(actions: &[&str]) -> Value {
    json!({ "Sid": "DemarcRead", "Effect": "Allow", "Action": actions, "Resource": "*" })
}

fn enter(roles: &str) -> Value {
    json!({
        "Sid": "DemarcEnter",
        "Effect": "Allow",
        "Action": [sts::ASSUME_ROLE.action],
        "Resource": roles,
    })
}

/// One policy document, or several where one would exceed a managed policy's size.
fn documents(actions: &[&str], roles: Option<&str>, limit: usize) -> Vec<Value> {
    let size = |statements: &[Value]| document(statements).to_string().len();
    let mut policies = Vec::new();
    let mut part: Vec<&str> = Vec::new();
    for action in actions {
        part.push(action);
        if size(&[read(&part)]) > limit && part.len() > 1 {
            part.pop();
            policies.push(vec![read(&part)]);
            part = vec![action];
        }
    }
    let mut last = Vec::new();
    if !part.is_empty() {
        last.push(read(&part));
    }
    if let Some(roles) = roles {
        last.push(enter(roles));
        if size(&last) > limit && last.len() > 1 {
            policies.push(vec![last.remove(0)]);
        }
    }
    if !last.is_empty() {
        policies.push(last);
    }
    policies.iter().map(|statements| document(statements)).collect()
}

/// Characters of a session policy (STS API reference, `AssumeRole`, `Policy`).
const SESSION_POLICY_SIZE: usize = 2_048;

/// A session policy that narrows a role to the declared actions. Where they exceed its size, the
/// longest groups of one service and verb become a wildcard (`ec2:Describe*`): still reads alone,
/// and the guard still lets none but declared calls leave.
pub(crate) fn session_policy(actions: &[&str]) -> String {
    let mut actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
    loop {
        let borrowed: Vec<&str> = actions.iter().map(String::as_str).collect();
        let text = document(&[read(&borrowed)]).to_string();
        let Some(group) = longest_group(&actions).filter(|_| text.len() > SESSION_POLICY_SIZE)
        else {
            return text;
        };
        actions.retain(|action| !action.starts_with(&group));
        actions.push(format!("{group}*"));
        actions.sort();
    }
}

/// `service:Verb` of the group whose exact names take the most room.
fn longest_group(actions: &[String]) -> Option<String> {
    let mut sizes = std::collections::BTreeMap::new();
    for action in actions.iter().filter(|action| !action.ends_with('*')) {
        let name = action.find(':').map_or(0, |colon| colon + 1);
        let is_upper = |c: char| c.is_ascii_uppercase();
        let verb = action[name..].chars().skip(1).position(is_upper).map(|end| name + end + 1)?;
        *sizes.entry(action[..verb].to_owned()).or_insert(0) += action.len() + 3;
    }
    sizes.into_iter().max_by_key(|(_, size)| *size).map(|(group, _)| group)
}

/// The policies in the syntax asked for; `roles` are those that may be entered.
pub(crate) fn print(actions: &[&str], roles: Option<&str>, syntax: Syntax) -> String {
    let documents = documents(actions, roles, MANAGED_POLICY_SIZE);
    let name = |at: usize| if documents.len() == 1 { String::new() } else { format!("{}", at + 1) };
    match syntax {
        Syntax::Json if documents.len() == 1 => pretty(&documents[0]),
        Syntax::Json => pretty(&Value::from(documents)),
        Syntax::Terraform => documents
            .iter()
            .enumerate()
            .map(|(at, document)| {
                format!(
                    "resource \"aws_iam_policy\" \"demarc{0}\" {{\n  name   = \"demarc{0}\"\n  policy = <<-POLICY\n{1}\n  POLICY\n}}\n",
                    name(at),
                    indented(&pretty(document), 4)
                )
            })
            .collect::<Vec<_>>()
            .join("\n"),
        Syntax::Cloudformation => {
            let resources: serde_json::Map<String, Value> = documents
                .iter()
                .enumerate()
                .map(|(at, document)| {
                    let policy = json!({
                        "Type": "AWS::IAM::ManagedPolicy",
                        "Properties": {
                            "Description": "What demarc reads, and nothing else",
                            "PolicyDocument": document,
                        },
                    });
                    (format!("DemarcPolicy{}", name(at)), policy)
                })
                .collect();
            pretty(&json!({ "AWSTemplateFormatVersion": "2010-09-09", "Resources": resources }))
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}", "")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_would_be_too_long_is_split_and_loses_nothing() {
        let actions: Vec<String> = (0..400).map(|n| format!("service:DescribeThing{n}")).collect();
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        let mut expected = actions.clone();
        expected.push("sts:AssumeRole");
        // Of any size, so that the last part has room for the role, and has not.
        for limit in (MANAGED_POLICY_SIZE - 200..=MANAGED_POLICY_SIZE).step_by(20) {
            let documents = documents(&actions, Some("arn:*:iam::*:role/audit"), limit);
            assert!(documents.len() > 1);
            let mut found = Vec::new();
            for document in &documents {
                assert!(document.to_string().len() <= limit);
                for statement in document["Statement"].as_array().expect("a list") {
                    let listed = statement["Action"].as_array().expect("a list");
                    found.extend(listed.iter().map(|action| action.as_str().expect("text")));
                }
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_session_policy_fits_and_covers_every_action() {
        let all = actions(&demarc_model::calls::all().collect::<Vec<_>>());
        let text = session_policy(&all);
        assert!(text.len() <= SESSION_POLICY_SIZE, "{}", text.len());
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let listed = document["Statement"][0]["Action"].as_array().expect("a list");
        for action in all {
            let covers = |pattern: &Value| {
                let pattern = pattern.as_str().expect("text");
                pattern
                    .strip_suffix('*')
                    .map_or(pattern == action, |start| action.starts_with(start))
            };
            assert!(listed.iter().any(covers), "{action}");
        }
        let few = session_policy(&["s3:GetBucketAcl"]);
        assert!(!few.contains(":Get*") && few.contains("s3:GetBucketAcl"), "exact where it fits");
    }

    #[test]
    fn terraform_keeps_the_document_whole() {
        let text = print(&["s3:GetBucketAcl"], None, Syntax::Terraform);
        let start = text.find("<<-POLICY\n").expect("a heredoc") + "<<-POLICY\n".len();
        let end = text.find("\n  POLICY\n}").expect("its end");
        let document: Value = serde_json::from_str(&text[start..end]).expect("JSON");
        assert_eq!(document["Statement"][0]["Action"], json!(["s3:GetBucketAcl"]));
    }
}
