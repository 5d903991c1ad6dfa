use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::Role,
    policy::{Audience, Bound, Principal, Trust},
};

use super::{
    principals::each_role,
    trusts::{admits, named, trusts},
};

declare_check! {
    /// No role can be assumed by any AWS principal whatsoever: its trust policy names no `*`, or
    /// bounds it to accounts, an organization, a network or the like. An external id bounds
    /// nothing here, as AWS does not treat it as a secret; conditions that a request may lack
    /// (`IfExists`) or that the caller chooses bound nothing either. `NotPrincipal` in an Allow
    /// admits everybody else.
    ///
    /// Identity providers are judged by `iam.role-trust-oidc-subject-restricted`.
    ///
    /// ## Why it matters
    /// Anybody with an AWS account of their own can take the role and all it may do; role names
    /// can be guessed, and are found by trying.
    ///
    /// ## Remediation
    /// Name the accounts or roles, or demand the organization:
    /// ```json
    /// "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}
    /// ```
    /// ```sh
    /// aws iam update-assume-role-policy --role-name NAME --policy-document file://trust.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html>
    pub(super) static CHECK = {
        id: "iam.role-trust-no-any-principal",
        title: "roles cannot be assumed by just anybody",
        service: Service::Iam,
        severity: Severity::Critical,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::Role",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_role(inventory, findings, |role| evaluate(role, inventory));
        },
    }
}

fn evaluate(role: &Role, inventory: &Inventory) -> Assessed {
    let trusts = trusts(role, inventory)?;
    let open = trusts.iter().find(|(trust, statement)| {
        let federated = |principal: &Principal| matches!(principal, Principal::Federated(_));
        let principals = named(statement);
        admits_anybody(trust) && (principals.is_empty() || !principals.iter().all(federated))
    });
    Ok(Outcome::require(open.is_none(), || {
        let conditioned = open.is_some_and(|(_, statement)| statement.is_conditional());
        let bounds = if conditioned { ", under conditions that bound nobody" } else { "" };
        admits(
            format!("any principal{bounds}"),
            "named principals, or a condition that bounds them",
        )
    }))
}

fn admits_anybody(trust: &Trust) -> bool {
    let by_secret_alone = || trust.narrowed_by.iter().all(|by| by.bound == Bound::Secret);
    match trust.audience {
        Audience::Public => true,
        Audience::Restricted => by_secret_alone(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Cause, Read};

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{role, service_linked_role, trust, with_details, without_details},
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    const FIELD: &str = "AssumeRolePolicyDocument.Statement";

    fn account_with(principal: &str, condition: &str) -> Inventory {
        let role = Role { trust: trust(principal, condition), ..role("app") };
        with_details(|details| details.roles.push(role))
    }

    #[test]
    fn named_principals_pass() {
        let account = account_with(r#"{"AWS": "arn:aws:iam::210987654321:root"}"#, "{}");
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_star_fails_within_a_list_too() {
        assert_fails(&CHECK, &account_with(r#""*""#, "{}"), FIELD, "any principal");
        let list = r#"{"AWS": ["210987654321", "*"]}"#;
        assert_fails(&CHECK, &account_with(list, "{}"), FIELD, "any principal");
    }

    #[test]
    fn an_organization_bounds_a_star_and_an_external_id_does_not() {
        let organization = r#"{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#;
        assert_eq!(only(&CHECK, &account_with(r#""*""#, organization)), Ok(Outcome::Pass));
        let observed = "any principal, under conditions that bound nobody";
        for vain in [
            r#"{"StringEquals": {"sts:ExternalId": "12345"}}"#,
            r#"{"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
        ] {
            assert_fails(&CHECK, &account_with(r#""*""#, vain), FIELD, observed);
        }
    }

    #[test]
    fn open_identity_providers_are_judged_elsewhere() {
        let github = r#"{"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}"#;
        assert_eq!(only(&CHECK, &account_with(github, "{}")), Ok(Outcome::Pass));
    }

    #[test]
    fn service_linked_roles_are_left_out() {
        let account = with_details(|details| details.roles.push(service_linked_role()));
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn an_unreadable_trust_policy_may_admit_anybody() {
        let cause = Cause::Malformed { what: "policy".to_owned() };
        let role = Role { trust: Read::unknown(DETAILS, cause), ..role("app") };
        let account = with_details(|details| details.roles.push(role));
        assert!(only(&CHECK, &account).is_err());
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
