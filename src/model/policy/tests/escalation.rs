use std::collections::BTreeSet;

use super::*;

fn paths(statement: &Value) -> Vec<&'static str> {
    escalation_paths(&[&policy(statement)])
}

fn allow(actions: &[&str], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

#[test]
fn names_are_unique_and_in_kebab_case() {
    let names: BTreeSet<&str> = ESCALATIONS.iter().map(|path| path.name).collect();
    assert_eq!(names.len(), ESCALATIONS.len());
    assert!(
        names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
    );
    for path in ESCALATIONS {
        let passes = path.actions.contains(&"iam:PassRole");
        assert_eq!(passes, path.passed_to.is_some(), "{}", path.name);
    }
}

#[test]
fn one_action_may_be_enough() {
    assert_eq!(paths(&allow(&["iam:createpolicyversion"], "*")), ["create-policy-version"]);
    assert_eq!(paths(&allow(&["iam:Get*", "s3:*"], "*")), [""; 0]);
}

#[test]
fn combinations_need_all_their_actions_from_any_document() {
    let pass = policy(&allow(&["iam:PassRole"], "*"));
    let run = policy(&allow(&["ec2:RunInstances"], "*"));
    assert_eq!(escalation_paths(&[&pass]), [""; 0]);
    assert_eq!(escalation_paths(&[&run]), [""; 0]);
    assert_eq!(escalation_paths(&[&pass, &run]), ["pass-role-to-new-instance"]);
}

#[test]
fn everything_opens_every_way() {
    assert_eq!(paths(&allow(&["*"], "*")).len(), ESCALATIONS.len());
}

#[test]
fn an_unconditional_deny_closes_a_way_and_a_conditional_one_does_not() {
    let open = allow(&["iam:PutUserPolicy"], "*");
    let deny = json!({"Effect": "Deny", "Action": "iam:Put*", "Resource": "*"});
    assert_eq!(paths(&json!([open, deny])), [""; 0]);
    let mut sometimes = deny.clone();
    sometimes["Condition"] = json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}});
    assert_eq!(paths(&json!([open, sometimes])), ["put-user-policy"]);
    let elsewhere = json!({"Effect": "Deny", "Action": "iam:*", "Resource": "arn:aws:iam::111122223333:user/root"});
    assert_eq!(paths(&json!([open, elsewhere])), ["put-user-policy"]);
}

#[test]
fn ones_own_credentials_are_ones_own() {
    let own = "arn:aws:iam::*:user/${aws:username}";
    assert_eq!(paths(&allow(&["iam:CreateAccessKey", "iam:UpdateLoginProfile"], own)), [""; 0]);
    assert_eq!(paths(&allow(&["iam:PutUserPolicy"], own)), ["put-user-policy"]);
    assert_eq!(
        paths(&allow(&["iam:CreateAccessKey"], "arn:aws:iam::*:user/*")),
        ["create-access-key"]
    );
}

#[test]
fn an_action_counts_only_where_it_applies() {
    assert_eq!(paths(&allow(&["*"], "arn:aws:s3:::b/*")), [""; 0]);
    assert_eq!(
        paths(&allow(&["iam:AttachRolePolicy"], "arn:aws:iam::111122223333:user/u")),
        [""; 0]
    );
    assert_eq!(paths(&allow(&["ssm:StartSession"], "arn:aws:ssm:*:*:document/AWS-*")), [""; 0]);
}

#[test]
fn named_roles_are_least_privilege() {
    let with = |role: &str| {
        paths(&json!([
            allow(&["iam:PassRole"], role),
            allow(&["lambda:CreateFunction", "lambda:InvokeFunction"], "*"),
        ]))
    };
    for named in ["role/app", "role/app-*", "role/team/*"] {
        assert_eq!(with(&format!("arn:aws:iam::111122223333:{named}")), [""; 0], "{named}");
    }
    for every in ["role/*", "role/?*", "*"] {
        let open = with(&format!("arn:aws:iam::111122223333:{every}"));
        assert_eq!(open, ["pass-role-to-new-function-and-invoke"], "{every}");
    }
    assert_eq!(paths(&allow(&["sts:AssumeRole"], "arn:aws:iam::*:role/deploy")), [""; 0]);
    assert_eq!(paths(&allow(&["sts:AssumeRole"], "arn:aws:iam::*:role/deploy-*")), [""; 0]);
    assert_eq!(
        paths(&allow(&["sts:AssumeRole"], "arn:aws:iam::444455556666:*")),
        ["assume-any-role"]
    );
    assert_eq!(paths(&allow(&["sts:*"], "*")), ["assume-any-role"]);
}

#[test]
fn a_condition_bounds_only_what_it_is_about() {
    let pass_to = |service: &str| {
        let mut pass = allow(&["iam:PassRole"], "*");
        pass["Condition"] = json!({"StringEquals": {"iam:PassedToService": service}});
        paths(&json!([pass, allow(&["ec2:RunInstances"], "*")]))
    };
    assert_eq!(pass_to("lambda.amazonaws.com"), [""; 0]);
    assert_eq!(pass_to("ec2.amazonaws.com"), ["pass-role-to-new-instance"]);

    let attach = |condition: Value| {
        let mut attach = allow(&["iam:AttachUserPolicy"], "*");
        attach["Condition"] = condition;
        paths(&attach)
    };
    assert_eq!(
        attach(json!({"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}})),
        [""; 0]
    );
    assert_eq!(
        attach(json!({"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/*"}})),
        ["attach-user-policy"]
    );
    assert_eq!(
        attach(
            json!({"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/b"}})
        ),
        [""; 0]
    );
    assert_eq!(
        attach(json!({"StringEqualsIfExists": {"iam:PermissionsBoundary": "x"}})),
        ["attach-user-policy"]
    );
    assert_eq!(
        attach(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
        ["attach-user-policy"]
    );
}

#[test]
fn a_tag_names_a_resource_but_does_not_bound_rights() {
    let statement = |actions: &[&str], key: &str, value: &str| {
        let mut statement = allow(actions, "*");
        statement["Condition"] = json!({"StringLike": {key: value}});
        statement
    };
    let tagged = |actions: &[&str], key: &str, value: &str| paths(&statement(actions, key, value));
    assert_eq!(tagged(&["ssm:StartSession"], "ssm:resourceTag/Team", "web"), [""; 0]);
    assert_eq!(tagged(&["ssm:StartSession"], "ssm:resourceTag/Team", "*"), ["start-session"]);
    assert_eq!(tagged(&["sts:AssumeRole"], "iam:ResourceTag/Team", "web"), [""; 0]);
    let rights = tagged(&["iam:PutRolePolicy"], "aws:ResourceTag/Team", "web");
    assert_eq!(rights, ["put-role-policy"]);
    // What is new has no tags yet, and those of the role passed to it do not count.
    let run = statement(&["ec2:RunInstances"], "aws:ResourceTag/Team", "web");
    for pass in
        [allow(&["iam:PassRole"], "*"), statement(&["iam:PassRole"], "iam:ResourceTag/Team", "web")]
    {
        assert_eq!(paths(&json!([pass, run])), ["pass-role-to-new-instance"]);
    }
}
