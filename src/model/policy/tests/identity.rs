use super::*;

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn deny(action: &str, resource: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": resource})
}

fn with_mfa(mut statement: Value) -> Value {
    statement["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    statement
}

#[test]
fn admin_is_all_actions_on_all_resources() {
    for statement in [allow("*", "*"), allow("*:*", "*"), allow("**", "*"), allow("*", "arn:aws:*")]
    {
        assert_eq!(policy(&statement).grants_admin(), Admin::Yes, "{statement}");
    }
    for statement in [
        allow("s3:*", "*"),
        allow("*", "arn:aws:s3:::*"),
        deny("*", "*"),
        json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        json!([allow("*", "*"), deny("*", "*")]),
    ] {
        assert_eq!(policy(&statement).grants_admin(), Admin::No, "{statement}");
    }
}

#[test]
fn admin_under_a_condition_is_said_so() {
    assert_eq!(policy(&with_mfa(allow("*", "*"))).grants_admin(), Admin::Conditioned);
    let both = json!([with_mfa(allow("*", "*")), allow("*", "*")]);
    assert_eq!(policy(&both).grants_admin(), Admin::Yes);
}

#[test]
fn a_deny_under_a_condition_or_of_some_actions_leaves_admin() {
    let sometimes = json!([allow("*", "*"), with_mfa(deny("*", "*"))]);
    assert_eq!(policy(&sometimes).grants_admin(), Admin::Yes);
    let some = json!([allow("*", "*"), deny("s3:DeleteBucket", "*")]);
    assert_eq!(policy(&some).grants_admin(), Admin::Yes);
}

#[test]
fn decisions_follow_the_evaluation_logic() {
    let policy = policy(&json!([
        allow("s3:*", "arn:aws:s3:::b/*"),
        with_mfa(allow("s3:DeleteObject", "arn:aws:s3:::c/*")),
        allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*"),
        deny("S3:put*", "arn:aws:s3:::b/locked/*"),
        with_mfa(deny("s3:GetObjectAcl", "*")),
    ]));
    let asked = |action, resource| policy.allows(action, resource);
    assert_eq!(asked("s3:GetObject", "arn:aws:s3:::b/k"), Decision::Allowed);
    assert_eq!(asked("s3:PutObject", "arn:aws:s3:::b/locked/k"), Decision::Denied);
    assert_eq!(asked("s3:PutObject", "arn:aws:s3:::b/k"), Decision::Allowed);
    assert_eq!(asked("s3:PutObject", "arn:aws:s3:::b/*"), Decision::Conditionally);
    assert_eq!(asked("s3:GetObjectAcl", "arn:aws:s3:::b/k"), Decision::Conditionally);
    assert_eq!(asked("s3:DeleteObject", "arn:aws:s3:::c/k"), Decision::Conditionally);
    assert_eq!(asked("s3:GetObject", "arn:aws:s3:::home/anna/k"), Decision::Conditionally);
    assert_eq!(asked("ec2:RunInstances", "*"), Decision::NotMentioned);
    assert_eq!(policy.allows_on_all_resources("s3:GetObject"), Decision::Conditionally);
    assert!(!Decision::Denied.may_pass());
}

#[test]
fn a_deny_in_one_document_binds_the_others() {
    let (allowing, denying) = (policy(&allow("*", "*")), policy(&deny("iam:*", "*")));
    assert_eq!(decide(&[&allowing, &denying], "iam:CreateUser", "*"), Decision::Denied);
    assert_eq!(decide(&[&allowing, &denying], "s3:GetObject", "*"), Decision::Allowed);
}

#[test]
fn not_resource_leaves_everything_else() {
    let policy =
        policy(&json!({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}));
    assert_eq!(policy.allows("s3:GetObject", "arn:aws:s3:::c/k"), Decision::Allowed);
    assert_eq!(policy.allows("s3:GetObject", "arn:aws:s3:::b/k"), Decision::NotMentioned);
}

#[test]
fn services_given_whole_are_named() {
    let wildcards = |statement: Value| -> Vec<String> {
        let name = |each: ServiceWildcard| {
            format!("{}{}", each.service, if each.on_all_resources { "" } else { " in part" })
        };
        policy(&statement).service_wildcards().into_iter().map(name).collect()
    };
    assert_eq!(
        wildcards(
            json!({"Effect": "Allow", "Action": ["S3:*", "ec2:Describe*", "kms:**"], "Resource": "*"})
        ),
        ["kms", "s3"]
    );
    assert_eq!(wildcards(allow("*", "*")), ["*"]);
    assert_eq!(wildcards(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})), ["*"]);
    let bucket = "arn:aws:s3:::b";
    assert_eq!(wildcards(allow("s3:*", bucket)), ["s3 in part"]);
    assert_eq!(wildcards(json!([allow("s3:*", bucket), allow("s3:*", "*")])), ["s3"]);
    assert_eq!(
        wildcards(json!({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": bucket})),
        ["* in part"]
    );
    assert_eq!(wildcards(json!([allow("s3:*", "*"), deny("s3:*", "*")])), [""; 0]);
    assert_eq!(wildcards(json!([allow("s3:*", bucket), deny("s3:*", bucket)])), [""; 0]);
    assert_eq!(wildcards(json!([allow("s3:*", "*"), deny("s3:*", bucket)])), ["s3"]);
    assert_eq!(wildcards(json!([allow("s3:*", "*"), deny("s3:Put*", "*")])), ["s3"]);
}

#[test]
fn allows_by_exception_are_found() {
    let policy = policy(&json!([
        allow("s3:*", "*"),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"},
    ]));
    let found: Vec<usize> = policy.allow_not_action().map(|(index, _)| index).collect();
    assert_eq!(found, [1]);
    assert!(policy.statements[1].matches_action("S3:getobject"));
    assert!(!policy.statements[1].matches_action("iam:GetUser"));
}
