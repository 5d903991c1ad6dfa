//! A second, naive evaluator for single requests, against which the judgement is held: whoever it
//! lets in must appear in the exposure.

use ipnet::IpNet;
use proptest::prelude::*;

use super::properties::{ACTIONS_IN_FULL, condition, statement};
use super::*;

/// A caller of whom the policy knows nothing.
struct Request {
    account: Option<&'static str>,
    action: &'static str,
    resource: &'static str,
    keys: &'static [(&'static str, &'static str)],
}

const ANONYMOUS: &[(&str, &str)] =
    &[("aws:SourceIp", "198.51.100.9"), ("aws:SecureTransport", "true")];
const SIGNED: &[(&str, &str)] = &[
    ("aws:SourceIp", "198.51.100.9"),
    ("aws:SecureTransport", "true"),
    ("aws:PrincipalIsAWSService", "false"),
    ("aws:PrincipalOrgID", "o-zzz"),
    ("aws:PrincipalAccount", "999988887777"),
    ("aws:PrincipalArn", "arn:aws:iam::999988887777:role/r"),
];
const NEIGHBOUR: &[(&str, &str)] = &[
    ("aws:SourceIp", "203.0.113.9"),
    ("aws:SecureTransport", "true"),
    ("aws:SourceVpce", "vpce-1"),
    ("aws:PrincipalIsAWSService", "false"),
    ("aws:PrincipalOrgID", "o-abc"),
    ("aws:PrincipalAccount", OTHER),
    ("aws:PrincipalArn", "arn:aws:iam::444455556666:role/r"),
];

fn holds(condition: &Condition, request: &Request) -> bool {
    let Operator { test, if_exists, set } = &condition.operator;
    let actual =
        request.keys.iter().find(|(key, _)| condition.is_key(key)).map(|(_, value)| *value);
    let any = |test: &dyn Fn(&str) -> bool| condition.values.iter().any(|value| test(value));
    let name = test.name();
    if *test == Test::Null {
        return any(&|value| value == if actual.is_none() { "true" } else { "false" });
    }
    let negated = name.contains("Not");
    let Some(actual) = actual else {
        return match set {
            Some(SetOperator::ForAllValues) => true,
            Some(SetOperator::ForAnyValue) => false,
            None => *if_exists || negated,
        };
    };
    let matched = any(&|value| match test {
        Test::IpAddress | Test::NotIpAddress => value.parse::<IpNet>().is_ok_and(|range| {
            actual.parse().is_ok_and(|ip: std::net::IpAddr| range.contains(&ip))
        }),
        Test::StringLike | Test::StringNotLike | Test::ArnNotLike => {
            Pattern::exact_case(value).surely_matches(actual)
        }
        _ => value == actual,
    });
    matched != negated
}

fn applies(statement: &Statement, request: &Request) -> bool {
    let named = |list: &[Principal]| {
        list.iter().any(|principal| match principal {
            Principal::Everyone => true,
            Principal::Account(id) => request.account == Some(&**id),
            Principal::Arn(arn) => request.keys.contains(&("aws:PrincipalArn", &**arn)),
            _ => false,
        })
    };
    let principal = match statement.principal.as_ref().unwrap() {
        Principals::Only(list) => named(list),
        Principals::Except(list) => !named(list),
    };
    let within = |scope: &Scope, name: &str| {
        let found = scope.patterns().iter().any(|pattern| pattern.surely_matches(name));
        found == matches!(scope, Scope::Only(_))
    };
    principal
        && within(&statement.actions, request.action)
        && within(statement.resources.as_ref().unwrap(), request.resource)
        && statement.conditions.iter().all(|condition| holds(condition, request))
}

fn lets_in(policy: &Policy, request: &Request) -> bool {
    let any = |effect| {
        policy.statements.iter().any(|each| each.effect == effect && applies(each, request))
    };
    any(Effect::Allow) && !any(Effect::Deny)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whoever_is_let_in_is_exposed(
        allows in prop::collection::vec(statement("Allow"), 1..3),
        denies in prop::collection::vec(statement("Deny"), 0..4),
        action in prop::sample::select(ACTIONS_IN_FULL),
        resource in prop::sample::select(vec!["arn:aws:s3:::b", "arn:aws:s3:::b/k", "arn:aws:s3:::c"]),
    ) {
        all_are_exposed(&policy(&allows.into_iter().chain(denies).collect()), action, resource)?;
    }

    /// The same where conditions alone decide.
    #[test]
    fn whoever_meets_the_conditions_is_exposed(
        allow in condition(), deny in condition(), and in condition(), another in condition(),
    ) {
        let everybody = |effect: &str, condition: Value| json!({
            "Effect": effect, "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition,
        });
        let mut deny = deny;
        deny.as_object_mut().unwrap().extend(and.as_object().unwrap().clone());
        let policy = policy(&json!([
            everybody("Allow", allow), everybody("Deny", deny), everybody("Deny", another),
        ]));
        all_are_exposed(&policy, "s3:GetObject", "arn:aws:s3:::b/k")?;
    }
}

fn all_are_exposed(
    policy: &Policy,
    action: &'static str,
    resource: &'static str,
) -> Result<(), TestCaseError> {
    let request = |account, keys| Request { account, action, resource, keys };
    for stranger in [request(None, ANONYMOUS), request(Some("999988887777"), SIGNED)] {
        if lets_in(policy, &stranger) {
            prop_assert!(policy.allows_public(OWNER, &[action]), "{:?}", policy);
        }
    }
    if lets_in(policy, &request(Some(OTHER), NEIGHBOUR)) {
        let known = policy.exposure(OWNER).into_iter().any(|exposure| {
            exposure.allows(action)
                && (exposure.audience == Audience::Public
                    || exposure.audience == Audience::Restricted
                    || exposure.audience == organization("o-abc")
                    || exposure.audience == account(OTHER))
        });
        prop_assert!(known, "{:?}", policy);
    }
    Ok(())
}
