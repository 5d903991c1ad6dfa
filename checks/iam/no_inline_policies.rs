use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
};

use super::principals::{DETAILS, Principal, each_principal};

declare_check! {
    /// No user, group or role carries inline policies. Roles that an AWS service or IAM Identity
    /// Center owns are left out: the inline policy of a permission set appears in them, but can
    /// only be changed there.
    ///
    /// ## Why it matters
    /// An inline policy has no versions to return to, cannot be found by what it grants, and its
    /// copies in other identities go their own ways.
    ///
    /// ## Remediation
    /// Make it a customer managed policy, attach that, then delete the inline one:
    /// ```sh
    /// aws iam create-policy --policy-name POLICY --policy-document file://policy.json
    /// aws iam attach-role-policy --role-name NAME --policy-arn ARN
    /// aws iam delete-role-policy --role-name NAME --policy-name POLICY
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-convert-inline-to-managed.html>
    pub(super) static CHECK = {
        id: "iam.no-inline-policies",
        title: "users, groups and roles carry no inline policies",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::*",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_principal(inventory, findings, |principal| Ok(evaluate(principal)));
        },
    }
}

fn evaluate(principal: &Principal) -> Outcome {
    let names: Vec<_> = principal.inline.iter().map(|policy| &*policy.name).collect();
    Outcome::require(names.is_empty(), || {
        let field = match principal.subject.kind {
            "AWS::IAM::User" => "UserPolicyList",
            "AWS::IAM::Group" => "GroupPolicyList",
            _ => "RolePolicyList",
        };
        Evidence::new(DETAILS, field, names.join(", "), "none")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::iam::{Group, Role};

    use super::*;
    use crate::{
        iam::testing::{
            allow, group, identity_center_role, inline, role, user, with_details, without_details,
        },
        testing::{assert_not_assessed, failures, only, run},
    };

    fn policy() -> Vec<demarc_model::inventory::iam::InlinePolicy> {
        vec![inline("own", allow(r#""s3:GetObject""#, "*"))]
    }

    #[test]
    fn users_groups_and_roles_are_all_judged() {
        let account = with_details(|details| {
            details.users.push(user("ada"));
            details.groups.push(Group { inline_policies: policy(), ..group("staff") });
            details.roles.push(Role { inline_policies: policy(), ..role("app") });
        });
        assert_eq!(run(&CHECK, &account)[0].assessed, Ok(Outcome::Pass));
        let expected = ["staff: GroupPolicyList is own", "app: RolePolicyList is own"];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn a_permission_sets_policy_is_changed_elsewhere() {
        let role = Role { inline_policies: policy(), ..identity_center_role() };
        let account = with_details(|details| details.roles.push(role));
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn denied_details_are_one_gap_not_three() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
