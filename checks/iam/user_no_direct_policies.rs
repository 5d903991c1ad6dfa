use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::User,
};

use super::principals::DETAILS;

declare_check! {
    /// No IAM user carries policies of its own, neither attached nor inline: what a user may do
    /// comes from groups. Permissions boundaries are no grants and do not count.
    ///
    /// ## Why it matters
    /// Permissions given one user at a time are forgotten when the person changes jobs, and nobody
    /// can say what a role in the company is allowed to do.
    ///
    /// ## Remediation
    /// Put the policy on a group and the user into it, or better, move the person to a role in IAM
    /// Identity Center; then:
    /// ```sh
    /// aws iam detach-user-policy --user-name NAME --policy-arn ARN
    /// aws iam delete-user-policy --user-name NAME --policy-name POLICY
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html>
    /// - <https://docs.aws.amazon.com/config/latest/developerguide/iam-user-no-policies-check.html>
    pub(super) static CHECK = {
        id: "iam.user-no-direct-policies",
        title: "users get permissions through groups alone",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.iam.users, |user| Ok(evaluate(user)));
        },
    }
}

fn evaluate(user: &User) -> Outcome {
    let attached: Vec<_> = user.attached_policies.iter().map(|policy| &*policy.arn).collect();
    let inline: Vec<_> = user.inline_policies.iter().map(|policy| &*policy.name).collect();
    let evidence: Vec<_> = [("AttachedManagedPolicies", attached), ("UserPolicyList", inline)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(field, names)| Evidence::new(DETAILS, field, names.join(", "), "none"))
        .collect();
    if evidence.is_empty() { Outcome::Pass } else { Outcome::Fail(evidence) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::testing::{allow, attached, inline, user, with_details, without_details},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn groups_and_boundaries_pass() {
        let grouped = User {
            groups: vec!["staff".to_owned()],
            permissions_boundary: Some("arn:aws:iam::123456789012:policy/limit".to_owned()),
            ..user("ada")
        };
        let account = with_details(|details| details.users.push(grouped));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn an_attached_policy_fails() {
        let direct = User { attached_policies: vec![attached("ReadOnlyAccess")], ..user("ada") };
        let account = with_details(|details| details.users.push(direct));
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        assert_fails(&CHECK, &account, "AttachedManagedPolicies", arn);
    }

    #[test]
    fn an_inline_policy_is_attached_directly_too() {
        let policy = inline("own", allow(r#""s3:GetObject""#, "*"));
        let direct = User { inline_policies: vec![policy], ..user("ada") };
        let account = with_details(|details| details.users.push(direct));
        assert_fails(&CHECK, &account, "UserPolicyList", "own");
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
