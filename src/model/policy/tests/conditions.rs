use super::*;

fn condition(operator: &str, key: &str, values: &[&str]) -> Condition {
    Condition {
        operator: Operator::parse(operator),
        key: key.into(),
        values: values.iter().map(|value| (*value).into()).collect(),
    }
}

fn narrows(operator: &str, key: &str, values: &[&str]) -> bool {
    condition(operator, key, values).narrows().is_some()
}

#[test]
fn keys_that_say_who_calls_narrow() {
    for (operator, key, value) in [
        ("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-a1b2c3/r-x/*"),
        ("StringEquals", "AWS:PrincipalAccount", OTHER),
        ("ArnLike", "aws:PrincipalArn", "arn:*:iam::444455556666:role/*"),
        ("StringLike", "aws:PrincipalArn", "arn:aws:iam::444455556666:role/*"),
        ("ArnEquals", "aws:SourceArn", "arn:aws:events:us-east-1:444455556666:rule/*"),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3:::my-bucket"),
        ("StringEquals", "aws:SourceAccount", OTHER),
        ("StringEquals", "aws:SourceOwner", OTHER),
        ("StringEquals", "aws:SourceOrgID", "o-a1b2c3"),
        ("StringEquals", "aws:SourceVpc", "vpc-91237329"),
        ("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d"),
        ("StringEquals", "aws:VpceAccount", OTHER),
        ("StringEquals", "aws:VpceOrgID", "o-a1b2c3"),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
        ("IpAddress", "aws:SourceIp", "203.0.113.7"),
        ("IpAddress", "aws:SourceIp", "2001:db8::/32"),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
        ("StringEquals", "aws:userid", "AIDAEXAMPLEEXAMPLE123"),
        ("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:444455556666:accesspoint/*"),
        ("StringEquals", "s3:DataAccessPointAccount", OTHER),
        ("StringEquals", "kms:CallerAccount", OTHER),
        ("StringEquals", "sts:ExternalId", "a-long-id"),
        ("Bool", "aws:PrincipalIsAWSService", "true"),
        ("StringEquals", "SAML:aud", "https://signin.aws.amazon.com/saml"),
        ("StringLike", "token.actions.githubusercontent.com:sub", "repo:acme/*"),
    ] {
        assert!(narrows(operator, key, &[value]), "{operator} {key} {value}");
    }
}

#[test]
fn keys_that_do_not_say_who_calls_narrow_nothing() {
    for (operator, key, value) in [
        ("Bool", "aws:SecureTransport", "true"),
        ("StringEquals", "aws:UserAgent", "secret"),
        ("StringLike", "aws:Referer", "https://example.com/*"),
        ("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"),
        ("StringEquals", "aws:RequestedRegion", "eu-west-1"),
        ("StringEquals", "s3:x-amz-acl", "private"),
        ("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com"),
        ("StringEquals", "lambda:FunctionUrlAuthType", "NONE"),
        ("StringEquals", "aws:PrincipalTag/team", "blue"),
        ("StringEquals", "aws:PrincipalType", "User"),
        ("StringEquals", "aws:username", "anna"),
        ("Bool", "aws:MultiFactorAuthPresent", "true"),
        ("IpAddress", "aws:VpcSourceIp", "10.0.0.0/24"),
        ("Bool", "aws:PrincipalIsAWSService", "false"),
        ("Bool", "aws:ViaAWSService", "true"),
        ("StringEquals", "aws:ResourceAccount", "111122223333"),
    ] {
        assert!(!narrows(operator, key, &[value]), "{operator} {key} {value}");
    }
}

#[test]
fn only_fixed_values_narrow() {
    for (operator, key, value) in [
        ("StringLike", "aws:SourceVpc", "vpc-*"),
        ("StringLike", "aws:PrincipalOrgID", "*"),
        ("StringLike", "aws:PrincipalOrgID", "o-*"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-*/r-x"),
        ("StringLike", "aws:PrincipalAccount", "44445555666?"),
        ("StringEquals", "aws:PrincipalAccount", "${aws:ResourceAccount}"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/admin"),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3:::my-*"),
        ("ArnLike", "aws:SourceArn", "*"),
        ("StringLike", "aws:userid", "AROAEXAMPLEEXAMPLE123:*"),
        ("StringLike", "sts:ExternalId", "*"),
        ("StringEquals", "aws:SourceVpce", ""),
    ] {
        assert!(!narrows(operator, key, &[value]), "{operator} {key} {value}");
    }
    assert!(!narrows("StringLike", "aws:SourceVpc", &["vpc-91237329", "*"]));
    assert!(!narrows("StringEquals", "aws:SourceVpc", &[]));
}

#[test]
fn a_star_that_crosses_colons_does_not_fix_the_account() {
    let forged = "arn:aws:*:us-east-1:444455556666:x";
    assert!(!narrows("StringLike", "aws:SourceArn", &[forged]));
    assert!(narrows("ArnLike", "aws:SourceArn", &[forged]));
}

#[test]
fn an_operator_that_a_missing_key_satisfies_narrows_nothing() {
    for operator in [
        "StringEqualsIfExists",
        "ForAllValues:StringEquals",
        "StringNotEquals",
        "StringNotLike",
        "Null",
        "StringSounds",
        "NumericEquals",
    ] {
        assert!(!narrows(operator, "aws:PrincipalOrgID", &["o-abc"]), "{operator}");
    }
}

#[test]
fn wide_ranges_are_as_good_as_the_internet() {
    for ranges in [
        &["0.0.0.0/0"][..],
        &["0.0.0.0/1", "128.0.0.0/1"],
        &["203.0.113.0/24", "::/0"],
        &["16.0.0.0/7"],
        &["2001::/31"],
        &["::ffff:0:0/96"],
        &["not an address"],
    ] {
        assert!(!narrows("IpAddress", "aws:SourceIp", ranges), "{ranges:?}");
    }
    let all: Vec<String> = (0..=255).map(|first| format!("{first}.0.0.0/8")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert!(!narrows("IpAddress", "aws:SourceIp", &all));
    assert!(narrows("IpAddress", "aws:SourceIp", &["10.0.0.0/8", "11.0.0.0/8"]));
    assert!(!narrows("NotIpAddress", "aws:SourceIp", &["203.0.113.0/24"]));
    assert!(!narrows("StringEquals", "aws:SourceIp", &["203.0.113.0/24"]));
}

#[test]
fn a_subject_is_bounded_once_its_owner_is_named() {
    let key = "token.actions.githubusercontent.com:sub";
    for subject in ["*", "repo:*", "repo:acme*", "repo:*/app:*", "repo:/x"] {
        assert!(!narrows("StringLike", key, &[subject]), "{subject}");
    }
    assert!(narrows("StringEquals", key, &["repo:acme/app:ref:refs/heads/main"]));
    assert!(!narrows(
        "StringEquals",
        "token.actions.githubusercontent.com:aud",
        &["sts.amazonaws.com"]
    ));
    assert!(!narrows("StringEquals", "token.actions.githubusercontent.com:actor", &["anna"]));
    assert!(narrows("StringLike", "gitlab.com:sub", &["project_path:acme/*"]));
    assert!(!narrows("StringLike", "app.terraform.io:sub", &["organization:*:project:p"]));
    assert!(narrows("StringLike", "app.terraform.io:sub", &["organization:acme:*"]));
    assert!(narrows("StringEquals", "cognito-identity.amazonaws.com:aud", &["us-east-1:1"]));
    assert!(!narrows("StringEquals", "cognito-identity.amazonaws.com:amr", &["authenticated"]));
    let cluster = "oidc.eks.us-east-1.amazonaws.com/id/ABC:sub";
    assert!(narrows("StringLike", cluster, &["system:serviceaccount:default:*"]));
    assert!(!narrows("StringLike", cluster, &["*"]));
}

#[test]
fn a_deny_spares_those_whom_its_negation_names() {
    let spares = |operator, key, value| condition(operator, key, &[value]).spares().is_some();
    assert!(spares("StringNotEquals", "aws:PrincipalOrgID", "o-abc"));
    assert!(spares("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-abc"));
    assert!(spares("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", "o-abc/*"));
    assert!(spares("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::444455556666:role/*"));
    assert!(spares("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"));
    assert!(spares("BoolIfExists", "aws:PrincipalIsAWSService", "false"));
    // Anonymous requests lack these keys, and the condition is then false.
    assert!(!spares("ForAnyValue:StringNotLike", "aws:PrincipalOrgPaths", "o-abc/*"));
    assert!(!spares("Bool", "aws:PrincipalIsAWSService", "false"));
    // Everybody but the named is spared.
    assert!(!spares("StringEquals", "aws:PrincipalOrgID", "o-abc"));
    assert!(!spares("StringNotLike", "aws:PrincipalOrgID", "*"));
    assert!(!spares("Bool", "aws:SecureTransport", "false"));
}
