use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
};

use super::principals::{DETAILS, Principal, carries, each_principal, is_bounded};

declare_check! {
    /// No user, group or role carries AWS's own policy `AdministratorAccess`. A permissions
    /// boundary excuses it where the boundary keeps its principal from everything and from
    /// changing the boundary. A customer's policy of that name is judged by
    /// `iam.managed-policy-no-admin`. Roles of IAM Identity Center are left out, as only their
    /// permission set can be changed.
    ///
    /// ## Why it matters
    /// Whoever becomes this principal, by a leaked key, a hijacked instance or a too generous
    /// trust policy, has the account.
    ///
    /// ## Remediation
    /// Attach what the work needs (IAM Access Analyzer generates a policy from what was used),
    /// then detach the policy; keep one emergency role with a guarded trust policy and suppress
    /// this finding for it:
    /// ```sh
    /// aws iam detach-role-policy --role-name NAME \
    ///   --policy-arn arn:aws:iam::aws:policy/AdministratorAccess
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
    /// - <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html>
    pub(super) static CHECK = {
        id: "iam.principal-no-administrator-access",
        title: "users, groups and roles do not carry AdministratorAccess",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::*",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_principal(inventory, findings, |principal| evaluate(principal, inventory));
        },
    }
}

fn evaluate(principal: &Principal, inventory: &Inventory) -> Assessed {
    if !carries(principal.attached, "AdministratorAccess")
        || is_bounded(inventory, principal.boundary)?
    {
        return Ok(Outcome::Pass);
    }
    let arn = format!("arn:{}:iam::aws:policy/AdministratorAccess", inventory.partition);
    let evidence = Evidence::new(DETAILS, "AttachedManagedPolicies", arn, "not attached");
    Ok(Outcome::Fail(vec![evidence]))
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Read,
        inventory::iam::{AttachedPolicy, Group, Role},
        policy::Policy,
    };

    use super::*;
    use crate::{
        iam::testing::{
            allow, attached, group, identity_center_role, managed, role, service_linked_role, user,
            with_details, without_details,
        },
        testing::{assert_not_assessed, failures, only, run},
    };

    fn admin() -> Vec<AttachedPolicy> {
        vec![attached("AdministratorAccess")]
    }

    fn bounded_by(document: Read<Policy>) -> Inventory {
        let limit = managed("limit", document);
        let boundary = Some(limit.subject.arn.to_string());
        let bounded =
            Role { attached_policies: admin(), permissions_boundary: boundary, ..role("app") };
        with_details(|details| {
            details.roles.push(bounded);
            details.policies.push(limit);
        })
    }

    #[test]
    fn groups_and_roles_fail_and_lesser_policies_pass() {
        let account = with_details(|details| {
            let mut reader = user("ada");
            reader.attached_policies = vec![attached("AdministratorAccess-Amplify")];
            details.users.push(reader);
            details.groups.push(Group { attached_policies: admin(), ..group("staff") });
            details.roles.push(Role { attached_policies: admin(), ..role("app") });
        });
        let observed = "AttachedManagedPolicies is arn:aws:iam::aws:policy/AdministratorAccess";
        let expected = [format!("staff: {observed}"), format!("app: {observed}")];
        assert_eq!(failures(&CHECK, &account), expected);
        assert_eq!(run(&CHECK, &account)[0].assessed, Ok(Outcome::Pass));
    }

    #[test]
    fn a_customers_policy_of_that_name_is_another_policy() {
        let own = AttachedPolicy {
            name: "AdministratorAccess".to_owned(),
            arn: "arn:aws:iam::123456789012:policy/AdministratorAccess".to_owned(),
        };
        let role = Role { attached_policies: vec![own], ..role("app") };
        let account = with_details(|details| details.roles.push(role));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn roles_of_aws_are_not_the_customers_to_change() {
        let account = with_details(|details| {
            details.roles.push(Role { attached_policies: admin(), ..identity_center_role() });
            details.roles.push(Role { attached_policies: admin(), ..service_linked_role() });
        });
        let verdicts = run(&CHECK, &account);
        assert!(verdicts.iter().all(|j| matches!(j.assessed, Ok(Outcome::NotApplicable(_)))));
    }

    #[test]
    fn a_boundary_excuses_unless_it_allows_everything_or_its_own_removal() {
        assert_eq!(only(&CHECK, &bounded_by(allow(r#""s3:*""#, "*"))), Ok(Outcome::Pass));
        for wide in [r#""*""#, r#""iam:*""#] {
            let verdict = only(&CHECK, &bounded_by(allow(wide, "*")));
            assert!(matches!(verdict, Ok(Outcome::Fail(_))), "{wide}");
        }
    }

    #[test]
    fn an_unreadable_boundary_may_or_may_not_excuse() {
        let document = Read::denied(DETAILS, "AccessDenied");
        assert_not_assessed(&CHECK, &bounded_by(document), DETAILS);
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
