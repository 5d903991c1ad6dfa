use super::*;

fn deny(extra: &Value) -> Value {
    let mut statement = json!({
        "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    });
    statement.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    statement
}

fn proven(statement: &Value) -> bool {
    policy(statement).denies_insecure_s3("aws", "b")
}

#[test]
fn the_documented_deny_is_proof() {
    for extra in [
        json!({}),
        json!({"Action": "*"}),
        json!({"Action": "*:*"}),
        json!({"Resource": "*"}),
        json!({"Resource": "arn:aws:s3:::b*"}),
        json!({"Principal": {"AWS": "*"}}),
        json!({"Condition": {"Bool": {"AWS:securetransport": false}}}),
        json!({"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}}),
        json!({"Condition": {"StringNotEquals": {"aws:SecureTransport": "true"}}}),
    ] {
        assert!(proven(&deny(&extra)), "{extra}");
    }
}

#[test]
fn anything_less_is_not() {
    for extra in [
        json!({"Effect": "Allow"}),
        json!({"Principal": {"AWS": OTHER}}),
        json!({"Action": "s3:GetObject"}),
        json!({"Action": ["s3:Get*", "s3:Put*"]}),
        json!({"Resource": "arn:aws:s3:::b"}),
        json!({"Resource": "arn:aws:s3:::b/*"}),
        json!({"Resource": ["arn:aws:s3:::c", "arn:aws:s3:::c/*"]}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": ["true", "false"]}}}),
        json!({"Condition": {"Null": {"aws:SecureTransport": "false"}}}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalOrgID": "o-a"}}}),
        json!({"Condition": {}}),
    ] {
        assert!(!proven(&deny(&extra)), "{extra}");
    }
}

#[test]
fn bucket_and_objects_may_be_denied_apart() {
    let bucket = deny(&json!({"Resource": "arn:aws:s3:::b"}));
    let objects = deny(&json!({"Resource": "arn:aws:s3:::b/*"}));
    assert!(proven(&json!([bucket, objects])));
}

#[test]
fn the_partition_is_the_buckets() {
    let policy = policy(&deny(&json!({"Resource": ["arn:aws-cn:s3:::b", "arn:aws-cn:s3:::b/*"]})));
    assert!(policy.denies_insecure_s3("aws-cn", "b"));
    assert!(!policy.denies_insecure_s3("aws", "b"));
}

#[test]
fn old_tls_is_its_own_question() {
    let resources = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"];
    let policy = policy(&deny(&json!({"Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}})));
    assert!(policy.denies_old_tls("s3", &resources, "1.2"));
    assert!(!policy.denies_old_tls("s3", &resources, "1.3"));
    assert!(!policy.denies_insecure_s3("aws", "b"));
}
