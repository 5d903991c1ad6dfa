use super::*;

fn problem(text: &str) -> String {
    Policy::parse(text).unwrap_err().to_string()
}

fn statement_problem(statement: &Value) -> String {
    problem(&json!({ "Statement": [statement] }).to_string())
}

#[test]
fn single_values_stand_for_lists() {
    let short = policy(&json!({
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}},
    }));
    let long = policy(&json!([{
        "Effect": "Allow", "Principal": {"AWS": [OTHER]}, "Action": ["s3:GetObject"],
        "Resource": ["*"], "Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-abc"]}},
    }]));
    assert_eq!(short, long);
}

#[test]
fn a_percent_encoded_document_is_the_same_document() {
    let encoded = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A%22%2A%22\
                   %2C%22Resource%22%3A%22a%2Bb%22%7D%7D";
    let plain = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"a+b"}}"#;
    assert_eq!(Policy::parse(encoded), Policy::parse(plain));
    assert!(Policy::parse(plain).is_ok());
}

#[test]
fn a_percent_sign_in_a_plain_document_is_not_decoded() {
    let policy = policy(&json!({"Effect": "Deny", "Action": "*", "Resource": "%2A"}));
    assert_eq!(policy.statements[0].resources.as_ref().unwrap().patterns()[0].as_str(), "%2A");
}

#[test]
fn version_id_and_sid_are_kept() {
    let text = r#"{"Version":"2012-10-17","Id":"x","Statement":{"Sid":"s","Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let policy = Policy::parse(text).unwrap();
    assert_eq!(policy.version, Version::V2012);
    assert_eq!(policy.id.as_deref(), Some("x"));
    assert_eq!(policy.statements[0].sid.as_deref(), Some("s"));
    let unversioned = Policy::parse(r#"{"Statement":[]}"#).unwrap();
    assert_eq!(unversioned.version, Version::V2008);
}

#[test]
fn principals_are_told_apart() {
    let policy = policy(&json!({
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Principal": {
            "AWS": [OTHER, format!("arn:aws-cn:iam::{OTHER}:root"), "arn:aws:iam::444455556666:role/r", "*"],
            "Service": "Lambda.amazonaws.com",
            "Federated": "graph.facebook.com",
            "CanonicalUser": "79a5",
        },
    }));
    let Some(Principals::Only(list)) = &policy.statements[0].principal else { panic!() };
    assert_eq!(list.len(), 7);
    for expected in [
        Principal::Account(OTHER.into()),
        Principal::Arn("arn:aws:iam::444455556666:role/r".into()),
        Principal::Everyone,
        Principal::Service("lambda.amazonaws.com".into()),
        Principal::Federated("graph.facebook.com".into()),
        Principal::CanonicalUser("79a5".into()),
    ] {
        assert!(list.contains(&expected), "{expected:?}");
    }
}

#[test]
fn operators_come_apart_into_test_set_and_if_exists() {
    let operator = Operator::parse("ForAnyValue:StringLikeIfExists");
    assert_eq!(operator.test, Test::StringLike);
    assert_eq!(operator.set, Some(SetOperator::ForAnyValue));
    assert!(operator.if_exists);
    assert_eq!(Operator::parse("bool").test, Test::Bool);
    assert_eq!(Operator::parse("StringSounds").test, Test::Other("StringSounds".into()));
    assert_eq!(Operator::parse("Ünlike").test.name(), "Ünlike");
}

#[test]
fn numbers_and_booleans_may_go_without_quotes() {
    let policy = policy(&json!({
        "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"s3:TlsVersion": 1.2}},
    }));
    let values: Vec<&str> =
        policy.statements[0].conditions.iter().map(|each| &*each.values[0]).collect();
    assert_eq!(values, ["false", "1.2"]);
}

#[test]
fn what_is_no_policy_is_refused() {
    assert_eq!(problem("secret text"), "not JSON (line 1, column 1)");
    assert_eq!(problem(""), "not JSON (line 1, column 0)");
    assert_eq!(problem("%ff%fe"), "not UTF-8 once percent-decoded");
    assert_eq!(problem("[]"), "not a JSON object");
    assert_eq!(problem("{}"), "no Statement");
    assert_eq!(
        problem(r#"{"Version":"2030-01-01","Statement":[]}"#),
        "Version is neither 2008-10-17 nor 2012-10-17"
    );
    assert_eq!(problem(r#"{"Statement":"*"}"#), "Statement is neither a list nor an object");
    assert_eq!(
        problem(&format!("{}1{}", "[".repeat(5000), "]".repeat(5000))),
        "not JSON (line 1, column 128)"
    );
}

#[test]
fn a_repeated_element_is_refused_rather_than_dropped() {
    let text = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*",
        "Condition":{"Bool":{"a:b":"true"}},"Condition":{}}}"#;
    assert_eq!(problem(text), "duplicate element");
}

#[test]
fn what_is_no_statement_is_refused_by_number() {
    for (statement, expected) in [
        (json!({"Action": "*", "Resource": "*"}), "no Effect"),
        (json!({"Effect": "allow", "Action": "*"}), "Effect is neither Allow nor Deny"),
        (json!({"Effect": ["Allow"], "Action": "*"}), "Effect is neither Allow nor Deny"),
        (json!({"Effect": "Allow", "Resource": "*"}), "neither Action nor NotAction"),
        (json!({"Effect": "Allow", "Action": "*", "NotAction": "*"}), "both Action and NotAction"),
        (json!({"Effect": "Allow", "Action": []}), "an empty list of actions or resources"),
        (json!({"Effect": "Allow", "Action": 1}), "Action is not a list of strings"),
        (
            json!({"Effect": "Allow", "Action": "*", "Resource": {}}),
            "Resource is not a list of strings",
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "NotResource": "a"}),
            "both Resource and NotResource",
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Principal": "444455556666"}),
            "Principal is neither * nor an object",
        ),
        (json!({"Effect": "Allow", "Action": "*", "Principal": {}}), "an empty list of principals"),
        (
            json!({"Effect": "Allow", "Action": "*", "Principal": {"Aws": "*"}}),
            "a kind of principal that the policy language does not have",
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Principal": "*", "NotPrincipal": "*"}),
            "both Principal and NotPrincipal",
        ),
        (json!({"Effect": "Allow", "Action": "*", "Condition": []}), "Condition is not an object"),
        (
            json!({"Effect": "Allow", "Action": "*", "Condition": {"Bool": "true"}}),
            "a condition operator without keys",
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"a": null}}}),
            "a condition value that is no string or number",
        ),
        (
            json!({"Effect": "Deny", "Action": "*", "Conditions": {}}),
            "an element that the policy language does not have",
        ),
        (json!("Allow"), "not an object"),
    ] {
        assert_eq!(statement_problem(&statement), format!("statement 1: {expected}"));
    }
}
