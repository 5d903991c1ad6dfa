use std::collections::BTreeMap;

use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::Role,
    policy::{Audience, Principal, Statement, Trust},
};

use super::{
    principals::each_role,
    trusts::{admits, named, trusts},
};

declare_check! {
    /// A role that trusts another account as a whole (`arn:aws:iam::210987654321:root`) asks for
    /// something besides: an external id, MFA, membership of an organization, or a network. One
    /// verdict for each account. Naming users or roles of the other account passes, be it as
    /// principals or by `aws:PrincipalArn`, as does a trust in one's own account.
    ///
    /// Condition operators that let requests without the key pass (`BoolIfExists`) demand
    /// nothing. AWS Organizations makes `OrganizationAccountAccessRole` without such a condition;
    /// it is the customer's to edit, so it is judged like any other.
    ///
    /// ## Why it matters
    /// Every principal that the other account cares to permit can take the role. If the account is
    /// a supplier's, another of its customers may talk it into using the role on their behalf:
    /// the external id is what prevents that.
    ///
    /// ## Remediation
    /// For a supplier use the external id that it gives you, within your organization its id:
    /// ```json
    /// "Condition": {"StringEquals": {"sts:ExternalId": "UNIQUE_ID"}}
    /// ```
    /// ```sh
    /// aws iam update-assume-role-policy --role-name NAME --policy-document file://trust.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
    pub(super) static CHECK = {
        id: "iam.role-trust-cross-account-guarded",
        title: "trust in a whole other account asks for more than the account",
        service: Service::Iam,
        severity: Severity::High,
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
    let mut accounts = BTreeMap::new();
    for (trust, statement) in trusts(role, inventory)? {
        if trust.is_foreign_account()
            && let Audience::Account(account) = &trust.audience
        {
            let guarded = is_guarded(&trust) || !is_whole(statement, account);
            *accounts.entry(account.clone()).or_insert(true) &= guarded;
        }
    }
    if accounts.is_empty() {
        return Ok(Outcome::NotApplicable("the role trusts no other account"));
    }
    Ok(Outcome::Parts(accounts.into_iter().map(judge).collect()))
}

fn judge((account, guarded): (Box<str>, bool)) -> (String, Assessed) {
    let outcome = Outcome::require(guarded, || {
        let observed = format!("account {account} without further condition");
        admits(observed, "an external id, MFA, an organization, or a named role")
    });
    (format!("account {account}"), Ok(outcome))
}

fn is_guarded(trust: &Trust) -> bool {
    let guards = trust.guards;
    guards.external_id || guards.mfa || guards.organization || guards.network || guards.principal
}

/// Whether the statement means all of the account, not only users or roles that it names.
fn is_whole(statement: &Statement, account: &str) -> bool {
    let principals = named(statement);
    let mut of_the_account =
        principals.iter().filter(|principal| principal.account() == Some(account)).peekable();
    // A `*` that a condition bounds to the account names nobody in it.
    of_the_account.peek().is_none()
        || of_the_account.any(|principal| matches!(principal, Principal::Account(_)))
        || principals.contains(&Principal::Everyone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{role, trust, with_details, without_details},
        },
        testing::{assert_not_assessed, failures, only},
    };

    const ROOT: &str = r#"{"AWS": "arn:aws:iam::210987654321:root"}"#;
    const FAILURE: &str = "account 210987654321: AssumeRolePolicyDocument.Statement is \
                           account 210987654321 without further condition";

    fn account_with(principal: &str, condition: &str) -> Inventory {
        let role = Role { trust: trust(principal, condition), ..role("app") };
        with_details(|details| details.roles.push(role))
    }

    #[test]
    fn a_whole_account_needs_a_guard() {
        assert_eq!(failures(&CHECK, &account_with(ROOT, "{}")), [FAILURE]);
        for guard in [
            r#"{"StringEquals": {"sts:ExternalId": "7d2f"}}"#,
            r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#,
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
        ] {
            assert_eq!(only(&CHECK, &account_with(ROOT, guard)), Ok(Outcome::Pass), "{guard}");
        }
    }

    #[test]
    fn mfa_if_exists_asks_for_nothing() {
        let vain = r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}"#;
        assert_eq!(failures(&CHECK, &account_with(ROOT, vain)), [FAILURE]);
    }

    #[test]
    fn a_named_role_is_not_a_whole_account() {
        let named = r#"{"AWS": "arn:aws:iam::210987654321:role/deploy"}"#;
        assert_eq!(only(&CHECK, &account_with(named, "{}")), Ok(Outcome::Pass));
        let star = r#"{"StringEquals": {"aws:PrincipalAccount": "210987654321"}}"#;
        assert_eq!(failures(&CHECK, &account_with(r#""*""#, star)), [FAILURE]);
    }

    #[test]
    fn a_condition_may_name_the_role_as_well() {
        let deploy = r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::210987654321:role/ci/*"}}"#;
        for principal in [ROOT, r#"{"AWS": "*"}"#] {
            let account = account_with(principal, deploy);
            assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass), "{principal}");
        }
        for whole in ["root", "*", "role/*", "user/*"] {
            let arn = format!("arn:aws:iam::210987654321:{whole}");
            let condition = format!(r#"{{"ArnLike": {{"aws:PrincipalArn": "{arn}"}}}}"#);
            assert_eq!(failures(&CHECK, &account_with(ROOT, &condition)), [FAILURE], "{whole}");
        }
    }

    #[test]
    fn ones_own_account_and_services_are_not_foreign() {
        for own in [r#"{"AWS": "123456789012"}"#, r#"{"Service": "ec2.amazonaws.com"}"#] {
            let verdict = only(&CHECK, &account_with(own, "{}"));
            assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
