use demarc_model::{
    Assessed, ControlType, Findings, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check, inventory::iam::InlinePolicy, policy::Admin,
};

use super::{
    documents::grants,
    principals::{Principal, gaps, is_bounded, principals},
};

declare_check! {
    /// No inline policy of a user, group or role allows all actions on all resources, under a
    /// condition or not; one verdict for each inline policy. A permissions boundary excuses it
    /// where the boundary keeps its principal from everything and from changing the boundary.
    /// Roles that an AWS service or IAM Identity Center owns are left out.
    ///
    /// ## Why it matters
    /// An inline policy shows up in no list of policies, so this administrator is found last.
    ///
    /// ## Remediation
    /// Replace it by a managed policy with what is used (IAM Access Analyzer generates one):
    /// ```sh
    /// aws iam attach-role-policy --role-name NAME --policy-arn ARN
    /// aws iam delete-role-policy --role-name NAME --policy-name POLICY
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
    pub(super) static CHECK = {
        id: "iam.inline-policy-no-admin",
        title: "inline policies do not grant everything",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::*",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: evaluate,
    }
}

fn evaluate(inventory: &Inventory, findings: &mut Findings) {
    for principal in principals(inventory).filter(|principal| !principal.inline.is_empty()) {
        let assessed = principal.not_ours.clone().unwrap_or_else(|| {
            let parts = principal.inline.iter().map(|policy| {
                (format!("inline:{}", policy.name), judge(policy, &principal, inventory))
            });
            Outcome::Parts(parts.collect())
        });
        findings.one(principal.subject, Ok(assessed));
    }
    gaps(inventory, findings);
}

fn judge(policy: &InlinePolicy, principal: &Principal, inventory: &Inventory) -> Assessed {
    let observed = match policy.document.get()?.grants_admin() {
        Admin::No => return Ok(Outcome::Pass),
        Admin::Conditioned => "all actions on all resources, under a condition",
        Admin::Yes => "all actions on all resources",
    };
    if is_bounded(inventory, principal.boundary)? {
        return Ok(Outcome::Pass);
    }
    Ok(Outcome::Fail(vec![grants(observed, "the actions and resources that are needed")]))
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Read,
        inventory::iam::{Role, User},
    };

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{
                allow, identity_center_role, inline, role, user, with_details, without_details,
            },
        },
        testing::{assert_not_assessed, failures, only, run},
    };

    fn admin() -> InlinePolicy {
        inline("all", allow(r#""*""#, "*"))
    }

    #[test]
    fn each_inline_policy_is_judged_for_itself() {
        let policies = vec![inline("read", allow(r#""s3:Get*""#, "*")), admin()];
        let account = with_details(|details| {
            details.users.push(user("ada"));
            details.roles.push(Role { inline_policies: policies, ..role("app") });
        });
        assert_eq!(run(&CHECK, &account).len(), 2);
        let expected = "inline:all: PolicyDocument.Statement is all actions on all resources";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn a_real_boundary_excuses_and_an_administrators_does_not() {
        let bounded = |name: &str| {
            let boundary = Some(format!("arn:aws:iam::aws:policy/{name}"));
            let inline_policies = vec![admin()];
            let user = User { inline_policies, permissions_boundary: boundary, ..user("ada") };
            only(&CHECK, &with_details(|details| details.users.push(user)))
        };
        assert_eq!(bounded("PowerUserAccess"), Ok(Outcome::Pass));
        assert!(matches!(bounded("AdministratorAccess"), Ok(Outcome::Fail(_))));
    }

    #[test]
    fn a_permission_sets_policy_is_changed_elsewhere() {
        let role = Role { inline_policies: vec![admin()], ..identity_center_role() };
        let account = with_details(|details| details.roles.push(role));
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn what_cannot_be_read_proves_nothing() {
        let odd = inline("odd", Read::denied(DETAILS, "AccessDenied"));
        let role = Role { inline_policies: vec![odd], ..role("app") };
        let account = with_details(|details| details.roles.push(role));
        assert_not_assessed(&CHECK, &account, DETAILS);
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
