//! From text to [`Policy`] (IAM User Guide, "Grammar of the IAM JSON policy language").

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::condition::{Condition, Operator, is_account};
use super::pattern::Pattern;
use super::{Effect, Policy, Principal, Principals, Scope, Statement, Version};

/// Why a text is no policy. One line, and never a part of the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("not UTF-8 once percent-decoded")]
    NotUtf8,
    #[error("{problem}")]
    Document { problem: &'static str },
    /// Statements are counted from 1.
    #[error("statement {statement}: {problem}")]
    Statement { statement: usize, problem: &'static str },
}

const DUPLICATE: &str = "duplicate element";

/// JSON as written: `serde_json::Value` would silently keep the last of two equal names, and the
/// one it drops may be the condition that narrows the statement.
#[derive(Debug)]
enum Node {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Build;
        impl<'de> Visitor<'de> for Build {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Number(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Number(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(serde_json::Number::from_f64(value).map_or(Node::Null, Node::Number))
            }
            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Text(value.to_owned()))
            }
            fn visit_string<E>(self, value: String) -> Result<Node, E> {
                Ok(Node::Text(value))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(node) = seq.next_element()? {
                    list.push(node);
                }
                Ok(Node::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut entries: Vec<(String, Node)> = Vec::new();
                while let Some((name, node)) = map.next_entry::<String, Node>()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(DUPLICATE));
                    }
                    entries.push((name, node));
                }
                Ok(Node::Map(entries))
            }
        }
        deserializer.deserialize_any(Build)
    }
}

type Problem = &'static str;

impl Policy {
    /// Reads a document as AWS's APIs answer it; IAM's are percent-encoded (RFC 3986).
    ///
    /// Strict where leniency could hide something: an unknown element of a statement, a repeated
    /// name, or an empty list is [`Malformed`]. Nesting is bounded, so no text overflows the
    /// stack.
    pub fn parse(text: &str) -> Result<Policy, Malformed> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let json = if text.starts_with('%') {
            percent_encoding::percent_decode_str(text)
                .decode_utf8()
                .map_err(|_| Malformed::NotUtf8)?
        } else {
            Cow::Borrowed(text)
        };
        let node: Node = serde_json::from_str(&json).map_err(|error| {
            // The message of a syntax error may quote the text; its place does not.
            if error.to_string().starts_with(DUPLICATE) {
                Malformed::Document { problem: DUPLICATE }
            } else {
                Malformed::NotJson { line: error.line(), column: error.column() }
            }
        })?;
        document(node)
    }
}

fn document(node: Node) -> Result<Policy, Malformed> {
    let whole = |problem| Malformed::Document { problem };
    let Node::Map(entries) = node else { return Err(whole("not a JSON object")) };
    let (mut version, mut id, mut statements) = (Version::V2008, None, None);
    for (name, node) in entries {
        match &*name {
            "Version" => {
                version = match scalar(node).ok_or(whole("Version is not a string"))?.as_str() {
                    "2012-10-17" => Version::V2012,
                    "2008-10-17" => Version::V2008,
                    _ => return Err(whole("Version is neither 2008-10-17 nor 2012-10-17")),
                }
            }
            "Id" => id = Some(scalar(node).ok_or(whole("Id is not a string"))?.into()),
            "Statement" => statements = Some(node),
            // Elements of the document itself do not change what its statements say.
            _ => {}
        }
    }
    let statements = match statements {
        None => return Err(whole("no Statement")),
        Some(Node::List(list)) => list,
        Some(one @ Node::Map(_)) => vec![one],
        Some(_) => return Err(whole("Statement is neither a list nor an object")),
    };
    let statements = statements
        .into_iter()
        .enumerate()
        .map(|(index, node)| {
            statement(node)
                .map_err(|problem| Malformed::Statement { statement: index + 1, problem })
        })
        .collect::<Result<_, _>>()?;
    Ok(Policy { version, id, statements })
}

fn statement(node: Node) -> Result<Statement, Problem> {
    let Node::Map(entries) = node else { return Err("not an object") };
    let (mut sid, mut effect, mut principal, mut actions, mut resources) =
        (None, None, None, None, None);
    let mut conditions = Box::default();
    for (name, node) in entries {
        match &*name {
            "Sid" => sid = Some(scalar(node).ok_or("Sid is not a string")?.into()),
            "Effect" => {
                effect = Some(match node {
                    Node::Text(text) if text == "Allow" => Effect::Allow,
                    Node::Text(text) if text == "Deny" => Effect::Deny,
                    _ => return Err("Effect is neither Allow nor Deny"),
                });
            }
            "Principal" | "NotPrincipal" => {
                let list = principals(node)?;
                let parsed = if name == "Principal" {
                    Principals::Only(list)
                } else {
                    Principals::Except(list)
                };
                if principal.replace(parsed).is_some() {
                    return Err("both Principal and NotPrincipal");
                }
            }
            "Action" | "NotAction" => {
                let list = patterns(&node, Pattern::action, "Action is not a list of strings")?;
                let parsed = if name == "Action" { Scope::Only(list) } else { Scope::Except(list) };
                if actions.replace(parsed).is_some() {
                    return Err("both Action and NotAction");
                }
            }
            "Resource" | "NotResource" => {
                let list =
                    patterns(&node, Pattern::exact_case, "Resource is not a list of strings")?;
                let parsed =
                    if name == "Resource" { Scope::Only(list) } else { Scope::Except(list) };
                if resources.replace(parsed).is_some() {
                    return Err("both Resource and NotResource");
                }
            }
            "Condition" => conditions = condition_block(node)?,
            // A misspelt Condition must not make a statement look unconditional.
            _ => return Err("an element that the policy language does not have"),
        }
    }
    Ok(Statement {
        sid,
        effect: effect.ok_or("no Effect")?,
        principal,
        actions: actions.ok_or("neither Action nor NotAction")?,
        resources,
        conditions,
    })
}

/// Quotation marks are optional for numbers and booleans (grammar, "The policy language and
/// JSON").
fn scalar(node: Node) -> Option<String> {
    match node {
        Node::Text(text) => Some(text),
        Node::Number(number) => Some(number.to_string()),
        Node::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn scalars(node: Node) -> Option<Vec<String>> {
    match node {
        Node::List(list) => list.into_iter().map(scalar).collect(),
        one => scalar(one).map(|one| vec![one]),
    }
}

fn patterns(
    node: &Node,
    build: fn(&str) -> Pattern,
    problem: Problem,
) -> Result<Box<[Pattern]>, Problem> {
    let text = |node: &Node| if let Node::Text(text) = node { Some(build(text)) } else { None };
    let list: Option<Box<[Pattern]>> = match node {
        Node::List(list) => list.iter().map(text).collect(),
        one => text(one).map(|one| Box::from([one])),
    };
    match list {
        Some(list) if list.is_empty() => Err("an empty list of actions or resources"),
        Some(list) => Ok(list),
        None => Err(problem),
    }
}

fn principals(node: Node) -> Result<Box<[Principal]>, Problem> {
    let entries = match node {
        Node::Text(text) if text == "*" => return Ok(Box::from([Principal::Everyone])),
        Node::Map(entries) => entries,
        _ => return Err("Principal is neither * nor an object"),
    };
    let mut list = Vec::new();
    for (kind, node) in entries {
        let build: fn(&str) -> Principal = match &*kind {
            "AWS" => aws_principal,
            "Service" => |name| Principal::Service(name.to_ascii_lowercase().into()),
            "Federated" => |name| Principal::Federated(name.into()),
            "CanonicalUser" => |id| Principal::CanonicalUser(id.into()),
            _ => return Err("a kind of principal that the policy language does not have"),
        };
        let names = scalars(node).ok_or("a principal that is not a string")?;
        list.extend(names.iter().map(|name| build(name)));
    }
    if list.is_empty() { Err("an empty list of principals") } else { Ok(list.into()) }
}

fn aws_principal(name: &str) -> Principal {
    if name == "*" {
        return Principal::Everyone;
    }
    if is_account(name) {
        return Principal::Account(name.into());
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    if let ["arn", _, "iam", "", account, "root"] = parts[..]
        && is_account(account)
    {
        return Principal::Account(account.into());
    }
    Principal::Arn(name.into())
}

fn condition_block(node: Node) -> Result<Box<[Condition]>, Problem> {
    let Node::Map(operators) = node else { return Err("Condition is not an object") };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Node::Map(keys) = keys else { return Err("a condition operator without keys") };
        let operator = Operator::parse(&operator);
        for (key, values) in keys {
            let values = scalars(values).ok_or("a condition value that is no string or number")?;
            conditions.push(Condition {
                operator: operator.clone(),
                key: key.into(),
                values: values.into_iter().map(Into::into).collect(),
            });
        }
    }
    Ok(conditions.into())
}
