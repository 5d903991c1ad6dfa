use super::*;

fn role(principal: &Value, action: &str, condition: &Value) -> Policy {
    policy(&json!({
        "Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition,
    }))
}

fn only(policy: &Policy) -> Trust {
    let [trust] = &policy.trusts(OWNER)[..] else { panic!("{:?}", policy.trusts(OWNER)) };
    trust.clone()
}

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

#[test]
fn services_and_accounts_are_listed() {
    let policy = policy(&json!([
        {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": [OTHER, "111122223333"]}, "Action": ["sts:AssumeRole", "sts:TagSession"]},
        {"Effect": "Allow", "Principal": {"AWS": "777788889999"}, "Action": "sts:TagSession"},
    ]));
    assert_eq!(
        policy.trusted_services(OWNER),
        ["ec2.amazonaws.com".into(), "lambda.amazonaws.com".into()]
    );
    assert_eq!(policy.trusted_accounts(OWNER), [OTHER.into()]);
    let own: Vec<bool> = policy.trusts(OWNER).iter().map(|trust| trust.own).collect();
    assert_eq!(own.iter().filter(|own| **own).count(), 1);
    assert!(!policy.trusts_anybody(OWNER));
}

#[test]
fn anybody_is_anybody_even_with_mfa() {
    let anybody = role(
        &json!("*"),
        "sts:AssumeRole",
        &json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    );
    assert!(anybody.trusts_anybody(OWNER));
    assert!(only(&anybody).guards.mfa);
    let known =
        role(&json!("*"), "sts:AssumeRole", &json!({"StringEquals": {"sts:ExternalId": "x"}}));
    assert!(!known.trusts_anybody(OWNER));
}

#[test]
fn guards_hold_only_if_every_request_meets_them() {
    let guards =
        |condition: Value| only(&role(&json!({"AWS": OTHER}), "sts:AssumeRole", &condition)).guards;
    assert!(guards(json!({"StringEquals": {"sts:ExternalId": "x"}})).external_id);
    assert!(!guards(json!({"StringEqualsIfExists": {"sts:ExternalId": "x"}})).external_id);
    assert!(!guards(json!({"StringLike": {"sts:ExternalId": "*"}})).external_id);
    assert!(guards(json!({"Bool": {"aws:MultiFactorAuthPresent": true}})).mfa);
    assert!(guards(json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}})).mfa);
    assert!(!guards(json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}})).mfa);
    assert!(!guards(json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}})).mfa);
    assert!(guards(json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}})).organization);
    assert!(guards(json!({"StringEquals": {"aws:SourceAccount": OTHER}})).source_account);
    assert!(guards(json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}})).source_arn);
    assert!(guards(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})).network);
    assert_eq!(guards(json!({})), Guards::default());
}

#[test]
fn github_without_a_subject_is_the_public() {
    let github = |condition: Value| {
        role(&json!({"Federated": GITHUB}), "sts:AssumeRoleWithWebIdentity", &condition)
    };
    let open = github(
        json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}),
    );
    assert!(open.trusts_anybody(OWNER));
    let loose =
        github(json!({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}}));
    assert!(loose.trusts_anybody(OWNER));
    let bound = github(
        json!({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/app:*"}}),
    );
    assert!(!bound.trusts_anybody(OWNER));
    assert!(only(&bound).guards.subject && !only(&bound).is_open_oidc());
}

#[test]
fn an_audience_is_no_subject() {
    let cluster = "oidc.eks.us-east-1.amazonaws.com/id/ABC";
    let provider =
        json!({"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{cluster}")});
    let with = |claim: &str, value: &str| {
        let key = format!("{cluster}:{claim}");
        only(&role(
            &provider,
            "sts:AssumeRoleWithWebIdentity",
            &json!({"StringEquals": {key: value}}),
        ))
    };
    assert!(with("aud", "sts.amazonaws.com").is_open_oidc());
    assert!(!with("sub", "system:serviceaccount:default:app").is_open_oidc());
    assert!(!with("aud", "sts.amazonaws.com").is_public());
}

#[test]
fn a_saml_provider_is_not_open() {
    let saml = role(
        &json!({"Federated": "arn:aws:iam::111122223333:saml-provider/idp"}),
        "sts:AssumeRoleWithSAML",
        &json!({"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}),
    );
    assert!(!only(&saml).is_open_oidc() && !only(&saml).is_public());
    assert!(!only(&saml).is_foreign_account());
}

#[test]
fn a_foreign_role_is_a_foreign_account() {
    let policy = role(&json!({"AWS": "arn:aws:iam::444455556666:role/r"}), "sts:*", &json!({}));
    assert!(only(&policy).is_foreign_account());
}
