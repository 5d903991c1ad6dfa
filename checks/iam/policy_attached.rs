use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::ManagedPolicy,
};

use super::principals::DETAILS;

declare_check! {
    /// Every customer managed policy is in use: attached to a user, group or role, or set as a
    /// permissions boundary.
    ///
    /// ## Why it matters
    /// A policy that nobody uses is not reviewed, but is one call away from being attached by
    /// somebody who goes by its name.
    ///
    /// ## Remediation
    /// Delete it, other versions first:
    /// ```sh
    /// aws iam list-policy-versions --policy-arn ARN
    /// aws iam delete-policy-version --policy-arn ARN --version-id VERSION
    /// aws iam delete-policy --policy-arn ARN
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-delete.html>
    pub(super) static CHECK = {
        id: "iam.policy-attached",
        title: "customer managed policies are in use",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            let policies = &inventory.iam.policies;
            findings.each(&inventory.account, policies, |policy| Ok(evaluate(policy)));
        },
    }
}

fn evaluate(policy: &ManagedPolicy) -> Outcome {
    if policy.is_aws_managed() {
        return Outcome::NotApplicable("AWS owns this policy");
    }
    let used = policy.attachment_count > 0 || policy.permissions_boundary_usage_count > 0;
    Outcome::require(used, || {
        let field = "AttachmentCount, PermissionsBoundaryUsageCount";
        Evidence::new(DETAILS, field, "0, 0", "at least one above 0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::testing::{allow, aws_managed, managed, with_details, without_details},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn unused() -> ManagedPolicy {
        ManagedPolicy { attachment_count: 0, ..managed("old", allow(r#""s3:GetObject""#, "*")) }
    }

    #[test]
    fn an_unused_policy_fails() {
        let account = with_details(|details| details.policies.push(unused()));
        let field = "AttachmentCount, PermissionsBoundaryUsageCount";
        assert_fails(&CHECK, &account, field, "0, 0");
    }

    #[test]
    fn a_permissions_boundary_is_in_use_without_being_attached() {
        let boundary = ManagedPolicy { permissions_boundary_usage_count: 1, ..unused() };
        let account = with_details(|details| details.policies.push(boundary));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn nobody_can_delete_awss_own_policies() {
        let policy = aws_managed("ReadOnlyAccess", allow(r#""s3:Get*""#, "*"));
        let policy = ManagedPolicy { attachment_count: 0, ..policy };
        let account = with_details(|details| details.policies.push(policy));
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
