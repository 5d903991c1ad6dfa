use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::Role,
    policy::{Audience, Trust},
};

use super::{
    principals::{carries, each_role},
    trusts::{admits, trusts},
};

declare_check! {
    /// No role with AWS's own policy `ReadOnlyAccess` can be assumed from another account, unless
    /// the trust policy demands membership of an organization.
    ///
    /// ## Why it matters
    /// `ReadOnlyAccess` reads data, not only settings: objects in buckets, items in tables,
    /// messages in queues. Given to a supplier who wanted to see the configuration, it is a copy
    /// of everything.
    ///
    /// ## Remediation
    /// `SecurityAudit` and `job-function/ViewOnlyAccess` show settings without content:
    /// ```sh
    /// aws iam attach-role-policy --role-name NAME \
    ///   --policy-arn arn:aws:iam::aws:policy/SecurityAudit
    /// aws iam detach-role-policy --role-name NAME \
    ///   --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ReadOnlyAccess.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html>
    pub(super) static CHECK = {
        id: "iam.role-no-cross-account-read-only-access",
        title: "other accounts do not hold ReadOnlyAccess",
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
    if !carries(&role.attached_policies, "ReadOnlyAccess") {
        return Ok(Outcome::Pass);
    }
    let trusts = trusts(role, inventory)?;
    let mut outsiders: Vec<_> = trusts.iter().filter_map(|(trust, _)| outsider(trust)).collect();
    outsiders.sort();
    outsiders.dedup();
    Ok(Outcome::require(outsiders.is_empty(), || {
        let observed = format!("{} on a role with ReadOnlyAccess", outsiders.join(", "));
        admits(observed, "no other account, or a policy that reads no data")
    }))
}

/// Who else holds the role; nobody, if it takes membership of an organization.
fn outsider(trust: &Trust) -> Option<String> {
    if trust.guards.organization {
        return None;
    }
    match &trust.audience {
        Audience::Public | Audience::Restricted => Some("any principal".to_owned()),
        Audience::Account(account) if !trust.own => Some(format!("account {account}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{attached, role, trust, with_details, without_details},
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn account_with(policy: &str, principal: &str, condition: &str) -> Inventory {
        let attached_policies = vec![attached(policy)];
        let role = Role { trust: trust(principal, condition), attached_policies, ..role("audit") };
        with_details(|details| details.roles.push(role))
    }

    const OTHERS: &str = r#"{"AWS": ["210987654321", "arn:aws:iam::123456789012:role/own"]}"#;

    #[test]
    fn another_account_fails_and_is_named() {
        let account = account_with("ReadOnlyAccess", OTHERS, "{}");
        let observed = "account 210987654321 on a role with ReadOnlyAccess";
        assert_fails(&CHECK, &account, "AssumeRolePolicyDocument.Statement", observed);
    }

    #[test]
    fn an_external_id_makes_the_other_account_no_less_foreign() {
        let condition = r#"{"StringEquals": {"sts:ExternalId": "7d2f"}}"#;
        let account = account_with("ReadOnlyAccess", OTHERS, condition);
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::Fail(_))));
    }

    #[test]
    fn ones_own_account_organization_and_lesser_policies_pass() {
        let own = account_with("ReadOnlyAccess", r#"{"AWS": "123456789012"}"#, "{}");
        let organization = r#"{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#;
        let within = account_with("ReadOnlyAccess", OTHERS, organization);
        let lesser = account_with("SecurityAudit", OTHERS, "{}");
        for account in [own, within, lesser] {
            assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        }
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
