use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::select(values).prop_map(Value::from)
}

fn one_or_more(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(one_of(values), 1..4)
        .prop_map(|mut list| if list.len() == 1 { list.remove(0) } else { Value::Array(list) })
}

fn principal() -> impl Strategy<Value = Value> {
    let aws = one_or_more(&[
        "*",
        "111122223333",
        OTHER,
        "arn:aws:iam::444455556666:role/r",
        "arn:aws:iam::*:root",
        "AIDAEXAMPLEEXAMPLE123",
    ]);
    let federated =
        one_or_more(&["graph.facebook.com", "arn:aws:iam::111122223333:saml-provider/i"]);
    prop_oneof![
        Just(json!("*")),
        aws.prop_map(|list| json!({ "AWS": list })),
        one_or_more(&["*", "ec2.amazonaws.com"]).prop_map(|list| json!({ "Service": list })),
        federated.prop_map(|list| json!({ "Federated": list })),
    ]
}

pub(super) fn condition() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "ForAllValues:StringEquals",
        "ForAllValues:StringNotLike",
        "ForAnyValue:StringNotLike",
        "StringEqualsIfExists",
        "StringNotEqualsIfExists",
        "Bool",
        "BoolIfExists",
        "IpAddress",
        "NotIpAddress",
        "ArnNotLike",
        "Null",
    ]);
    // A key with values that fit it, and sometimes one that does not.
    let line = |key: &'static str, values: &'static [&'static str]| {
        prop_oneof![4 => one_or_more(values), 1 => one_or_more(&["*", "true", "o-abc"])]
            .prop_map(move |values| (key, values))
    };
    let compared = prop_oneof![
        line("aws:PrincipalOrgID", &["o-abc", "o-def"]),
        line("aws:PrincipalAccount", &["111122223333", OTHER]),
        line("aws:PrincipalArn", &["arn:aws:iam::444455556666:role/*"]),
        line("aws:SourceIp", &["203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8"]),
        line("aws:SourceVpce", &["vpce-1", "vpce-*"]),
        line("aws:SecureTransport", &["true", "false"]),
        line("aws:PrincipalIsAWSService", &["true", "false"]),
    ];
    let line =
        (operator, compared).prop_map(|(operator, (key, values))| json!({operator: {key: values}}));
    prop_oneof![2 => Just(json!({})), 3 => line]
}

const ACTIONS: &[&str] = &["*", "s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "ec2:*"];
pub(super) const ACTIONS_IN_FULL: &[&str] =
    &["s3:GetObject", "s3:PutObject", "ec2:RunInstances", "iam:CreateUser"];
const RESOURCES: &[&str] =
    &["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}"];

pub(super) fn statement(effect: &'static str) -> impl Strategy<Value = Value> {
    let element =
        |name: &'static str, not: &'static str| prop::sample::select(vec![name, name, not]);
    (
        (element("Principal", "NotPrincipal"), principal()),
        (element("Action", "NotAction"), one_or_more(ACTIONS)),
        (element("Resource", "NotResource"), one_or_more(RESOURCES)),
        condition(),
    )
        .prop_map(move |((p, principal), (a, action), (r, resource), condition)| {
            json!({"Effect": effect, p: principal, a: action, r: resource, "Condition": condition})
        })
}

/// JSON that looks more or less like a policy.
fn policy_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        one_of(&[
            "Allow",
            "Deny",
            "*",
            "s3:*",
            "2012-10-17",
            "arn:aws:iam::444455556666:root",
            "${aws:username}"
        ]),
        ".{0,8}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let names = prop::sample::select(vec![
            "Version",
            "Id",
            "Statement",
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "AWS",
            "Service",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
            "StringEquals",
            "Bool",
            "aws:PrincipalOrgID",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((names, inner), 0..8).prop_map(|entries| {
                Value::Object(
                    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                )
            }),
        ]
    })
}

/// Everything that can be asked of a text.
fn ask_everything(text: &str) {
    let Ok(policy) = Policy::parse(text) else { return };
    let _ = (policy.exposure(OWNER), policy.public_actions(OWNER), policy.trusts(OWNER));
    let _ =
        (policy.grants_admin(), policy.service_wildcards(), policy.denies_insecure_s3("aws", "b"));
    let _ = (escalation_paths(&[&policy]), policy.allows("s3:GetObject", "*"));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*") {
        ask_everything(&text);
    }

    #[test]
    fn no_json_panics(document in policy_like(), statement in policy_like()) {
        ask_everything(&document.to_string());
        ask_everything(&json!({"Statement": statement}).to_string());
    }

    #[test]
    fn no_policy_panics(
        allow in statement("Allow"), deny in statement("Deny"), cut in 0usize..400,
    ) {
        let text = json!({"Statement": [allow, deny]}).to_string();
        ask_everything(&text);
        // Torn off anywhere, it is malformed, and says so without a word of it.
        let torn: String = text.chars().take(cut.min(text.chars().count() - 1)).collect();
        let error = Policy::parse(&torn).unwrap_err().to_string();
        prop_assert!(error.starts_with("not JSON"), "{}", error);
    }

    #[test]
    fn encoding_changes_nothing(document in policy_like(), statement in statement("Allow")) {
        for text in [document.to_string(), json!({"Statement": statement}).to_string()] {
            let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
            // Errors may differ: a bare string looks like no document either way.
            prop_assert_eq!(Policy::parse(&encoded).ok(), Policy::parse(&text).ok());
        }
    }

    #[test]
    fn adding_a_deny_never_makes_a_policy_more_public(
        allows in prop::collection::vec(statement("Allow"), 1..4),
        denies in prop::collection::vec(statement("Deny"), 0..3),
        another in statement("Deny"),
        at in any::<prop::sample::Index>(),
    ) {
        let mut statements: Vec<Value> = allows;
        statements.extend(denies);
        let before = policy(&Value::Array(statements.clone()));
        statements.insert(at.index(statements.len() + 1), another);
        let after = policy(&Value::Array(statements));
        prop_assert!(before.is_public(OWNER) || !after.is_public(OWNER));
        for action in ACTIONS_IN_FULL.iter().copied() {
            prop_assert!(
                before.allows_public(OWNER, &[action]) || !after.allows_public(OWNER, &[action])
            );
            let (before, after) = (before.allows(action, "*"), after.allows(action, "*"));
            prop_assert!(before.may_pass() || !after.may_pass());
        }
        let opened = escalation_paths(&[&after]);
        let known = escalation_paths(&[&before]);
        prop_assert!(opened.iter().all(|path| known.contains(path)));
    }

    #[test]
    fn an_unconditional_deny_of_everything_closes_everything(
        allows in prop::collection::vec(statement("Allow"), 1..4),
    ) {
        let mut statements = allows;
        statements.push(json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}));
        let policy = policy(&Value::Array(statements));
        prop_assert_eq!(policy.exposure(OWNER), []);
        prop_assert_eq!(escalation_paths(&[&policy]), [""; 0]);
    }
}
