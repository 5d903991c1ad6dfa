use super::*;

/// A public read of the bucket's objects together with a Deny.
fn public_with(deny: &Value) -> Policy {
    let mut statement = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    statement.as_object_mut().unwrap().extend(deny.as_object().unwrap().clone());
    policy(&json!([
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
        statement,
    ]))
}

#[test]
fn every_spelling_of_everybody_is_public() {
    for principal in [
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": ["111122223333", "*"]}),
        json!({"AWS": "arn:aws:iam::*:root"}),
        json!({"Service": "*"}),
        json!({"Federated": "graph.facebook.com"}),
    ] {
        let policy = policy(&json!({
            "Effect": "Allow", "Principal": principal, "Action": "s3:PutObject", "Resource": "*",
        }));
        assert!(policy.is_public(OWNER), "{principal}");
        assert!(policy.allows_public(OWNER, &["s3:GetObject", "s3:PutObject"]));
        assert!(!policy.allows_public(OWNER, &["s3:GetObject"]));
    }
}

#[test]
fn allowing_all_but_some_is_public() {
    let policy = policy(&json!({
        "Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "s3:*", "Resource": "*",
    }));
    assert!(policy.is_public(OWNER));
}

#[test]
fn the_owner_is_not_outside() {
    let policy = policy(&json!({
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/r"]},
    }));
    assert_eq!(policy.exposure(OWNER), []);
}

#[test]
fn other_principals_are_named() {
    let policy = policy(&json!({
        "Effect": "Allow", "Action": "s3:*", "Resource": "*",
        "Principal": {
            "AWS": [OTHER, "arn:aws:iam::444455556666:user/u", "AIDAEXAMPLEEXAMPLE123",
                "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"],
            "Service": "logs.amazonaws.com",
            "Federated": "arn:aws:iam::111122223333:saml-provider/idp",
            "CanonicalUser": "79a5",
        },
    }));
    // Elements keep the order of the document, which `json!` sorts by name.
    assert_eq!(
        audiences(&policy),
        [
            account(OTHER),
            service("cloudfront.amazonaws.com"),
            Audience::CanonicalUser("79a5".into()),
            Audience::Federated("arn:aws:iam::111122223333:saml-provider/idp".into()),
            service("logs.amazonaws.com"),
        ]
    );
    assert_eq!(policy.cross_account(OWNER).len(), 2);
    assert!(!policy.is_public(OWNER));
}

#[test]
fn a_condition_turns_the_public_into_those_it_names() {
    let to = |condition| audiences(&public_if(&condition));
    assert_eq!(
        to(json!({"StringEquals": {"aws:PrincipalAccount": [OTHER, "111122223333"]}})),
        [account(OTHER)]
    );
    assert_eq!(to(json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}})), []);
    assert_eq!(to(json!({"StringEquals": {"AWS:SourceOwner": "111122223333"}})), []);
    assert_eq!(
        to(json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}})),
        [organization("o-abc")]
    );
    assert_eq!(to(json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}})), [Audience::Restricted]);
    assert_eq!(
        to(json!({"StringEquals": {"aws:PrincipalServiceName": "cloudtrail.amazonaws.com"}})),
        [service("cloudtrail.amazonaws.com")]
    );
    assert_eq!(to(json!({"Bool": {"aws:SecureTransport": "true"}})), [Audience::Public]);
}

#[test]
fn the_tightest_of_joined_conditions_counts() {
    let policy = public_if(&json!({
        "StringEquals": {"aws:PrincipalOrgID": "o-abc", "aws:PrincipalAccount": "111122223333"},
    }));
    assert_eq!(audiences(&policy), []);
}

#[test]
fn narrowing_and_conditions_are_reported() {
    let policy = public_if(&json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}));
    let [exposure] = &policy.exposure(OWNER)[..] else { panic!() };
    assert!(exposure.conditioned && exposure.is_bounded());
    assert_eq!(exposure.narrowed_by[0].bound, Bound::Address);
    assert_eq!(&*exposure.narrowed_by[0].key, "aws:sourceip");
    assert_eq!(exposure.actions(), ["s3:GetObject"]);

    let open = public_if(&json!({"StringLike": {"aws:Referer": "https://example.com/*"}}));
    let [exposure] = &open.exposure(OWNER)[..] else { panic!() };
    assert!(exposure.conditioned && !exposure.is_bounded() && exposure.is_public());
}

#[test]
fn a_service_shows_for_whom_it_may_act() {
    let policy = policy(&json!({
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:t"}},
    }));
    let [exposure] = &policy.exposure(OWNER)[..] else { panic!() };
    assert_eq!(exposure.audience, service("sns.amazonaws.com"));
    assert_eq!(&*exposure.narrowed_by[0].values, ["111122223333".into()]);
}

#[test]
fn a_deny_for_everybody_takes_off_what_it_covers() {
    assert_eq!(audiences(&public_with(&json!({"Principal": "*"}))), []);
    assert_eq!(
        audiences(&public_with(&json!({"Principal": {"AWS": "*"}, "Action": "s3:Get*"}))),
        []
    );
    assert_eq!(
        audiences(&public_with(&json!({"Principal": "*", "Resource": "arn:aws:s3:::b/*"}))),
        []
    );
}

#[test]
fn a_deny_that_may_miss_somebody_takes_nothing_off() {
    for deny in [
        json!({"Principal": {"AWS": OTHER}}),
        json!({"Principal": "*", "Resource": "arn:aws:s3:::b/private/*"}),
        json!({"Principal": "*", "Resource": "arn:aws:s3:::b"}),
        json!({"Principal": "*", "Action": "s3:PutObject"}),
        json!({"Principal": "*", "Resource": "arn:aws:s3:::${aws:username}/*"}),
        json!({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
        json!({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}}),
        json!({"Principal": "*", "Condition": {"StringNotLike": {"aws:PrincipalOrgID": "*"}}}),
        json!({"Principal": "*", "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}}}),
        json!({"NotPrincipal": "*"}),
        // Missing principal: no resource policy has that.
        json!({}),
    ] {
        assert_eq!(audiences(&public_with(&deny)), [Audience::Public], "{deny}");
    }
}

#[test]
fn a_partial_deny_leaves_the_rest() {
    let policy = policy(&json!([
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:Put*"],
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]},
        {"Effect": "Deny", "Principal": "*", "Action": ["s3:Put*", "s3:Delete*"], "Resource": "arn:aws:s3:::b/*"},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutBucket*", "Resource": "*"},
    ]));
    let [exposure] = &policy.exposure(OWNER)[..] else { panic!() };
    assert_eq!(exposure.actions(), ["s3:GetObject", "s3:Put*"]);
    assert!(exposure.allows("s3:PutObject"), "on the bucket itself it is not denied");
    assert!(!exposure.allows("s3:PutBucketPolicy"));
    assert_eq!(policy.public_actions(OWNER), ["s3:GetObject", "s3:Put*"]);
}

#[test]
fn denies_and_allows_by_exception_are_compared() {
    let with = |allow: Value, deny: Value| {
        let mut first = json!({"Effect": "Allow", "Principal": "*", "Resource": "*"});
        let mut second = json!({"Effect": "Deny", "Principal": "*", "Resource": "*"});
        first.as_object_mut().unwrap().extend(allow.as_object().unwrap().clone());
        second.as_object_mut().unwrap().extend(deny.as_object().unwrap().clone());
        policy(&json!([first, second]))
    };
    let gone =
        with(json!({"NotAction": ["s3:Get*", "s3:List*"]}), json!({"NotAction": "s3:GetObject"}));
    assert!(!gone.is_public(OWNER));
    let left = with(json!({"NotAction": "s3:GetObject"}), json!({"NotAction": ["s3:Get*"]}));
    assert_eq!(left.public_actions(OWNER), ["all but s3:GetObject"]);
    assert!(left.allows_public(OWNER, &["s3:GetObjectAcl"]));
    assert!(!left.allows_public(OWNER, &["s3:PutObject"]));
    let elsewhere = with(json!({"Action": "s3:*"}), json!({"NotAction": "ec2:*"}));
    assert!(!elsewhere.is_public(OWNER));
}

#[test]
fn a_deny_for_all_but_some_leaves_those() {
    let left = |deny: Value| audiences(&public_with(&deny));
    assert_eq!(
        left(json!({"NotPrincipal": {"AWS": ["arn:aws:iam::444455556666:root", "111122223333"]}})),
        [account(OTHER)]
    );
    assert_eq!(
        left(
            json!({"Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}})
        ),
        []
    );
    assert_eq!(
        left(json!({"Principal": "*", "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }})),
        [Audience::Restricted, organization("o-abc")]
    );
    assert_eq!(
        left(
            json!({"Principal": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}})
        ),
        [Audience::Restricted]
    );
}

#[test]
fn a_deny_for_all_but_the_owner_removes_other_accounts_too() {
    let policy = policy(&json!([
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ["111122223333", "777788889999"]}}},
    ]));
    assert_eq!(audiences(&policy), []);
}

#[test]
fn two_bars_leave_only_who_passes_both() {
    let policy = policy(&json!([
        {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}}},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalAccount": OTHER}}},
    ]));
    assert!(!policy.is_public(OWNER));
    assert!(audiences(&policy).contains(&account(OTHER)));
    assert!(!audiences(&policy).contains(&organization("o-abc")));
}

#[test]
fn an_identity_policy_exposes_nothing() {
    let policy = policy(&json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    assert_eq!(policy.exposure(OWNER), []);
}
