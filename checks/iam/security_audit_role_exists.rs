use demarc_model::{ControlType, Layer, Service, Severity, calls, declare_check};

use super::principals::some_role_carries;

declare_check! {
    /// Some role carries AWS's own policy `SecurityAudit`, the job function for reading the
    /// configuration of all services. A role that IAM Identity Center made of a permission set
    /// counts. Who may assume the role is not judged here.
    ///
    /// ## Why it matters
    /// Reviewers and scanners that have no role of their own are given a wider one, and an
    /// investigation starts with a search for somebody who may look.
    ///
    /// ## Remediation
    /// ```sh
    /// aws iam create-role --role-name SecurityAudit \
    ///   --assume-role-policy-document file://trust.json
    /// aws iam attach-role-policy --role-name SecurityAudit \
    ///   --policy-arn arn:aws:iam::aws:policy/SecurityAudit
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html>
    /// - <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SecurityAudit.html>
    pub(super) static CHECK = {
        id: "iam.security-audit-role-exists",
        title: "a role for security audits exists",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::::Account",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            findings.one(&inventory.account, some_role_carries(inventory, "SecurityAudit"));
        },
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Listing, Outcome,
        inventory::iam::{Role, User},
    };

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{attached, identity_center_role, role, user, with_details, without_details},
        },
        testing::{assert_fails, assert_not_assessed, denial, only},
    };

    fn carrying(name: &str, role: Role) -> Role {
        Role { attached_policies: vec![attached(name)], ..role }
    }

    #[test]
    fn a_permission_sets_role_is_a_role() {
        let account = with_details(|details| {
            details.roles.push(role("app"));
            details.roles.push(carrying("SecurityAudit", identity_center_role()));
        });
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn users_and_other_policies_do_not_stand_in_for_it() {
        let account = with_details(|details| {
            details
                .users
                .push(User { attached_policies: vec![attached("SecurityAudit")], ..user("ada") });
            details.roles.push(carrying("ReadOnlyAccess", role("app")));
        });
        let field = "RoleDetailList.AttachedManagedPolicies";
        assert_fails(&CHECK, &account, field, "SecurityAudit on no role");
    }

    #[test]
    fn the_role_may_be_on_the_page_that_was_not_read() {
        let mut account = with_details(|_| ());
        account.iam.roles = Listing::broken(vec![role("app")], denial(DETAILS));
        assert_not_assessed(&CHECK, &account, DETAILS);
        let seen = carrying("SecurityAudit", role("seen"));
        account.iam.roles = Listing::broken(vec![seen], denial(DETAILS));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
