use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::ManagedPolicy, policy::Admin,
};

use super::documents::grants;

declare_check! {
    /// No customer managed policy allows all actions on all resources, be it attached or not, and
    /// under a condition or not. A Deny in the same policy excuses it only if it denies everything:
    /// what is left after denying some actions is still more than anybody can oversee.
    ///
    /// AWS's own policies cannot be edited; `iam.principal-no-administrator-access` judges who
    /// carries the one that grants everything. A policy that is a permissions boundary and nothing
    /// else grants nothing.
    ///
    /// ## Why it matters
    /// Everybody who carries it is an administrator, under a name that may not say so.
    ///
    /// ## Remediation
    /// Write a version with the actions that are used (IAM Access Analyzer generates one):
    /// ```sh
    /// aws iam create-policy-version --policy-arn ARN --policy-document file://policy.json \
    ///   --set-as-default
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-policy-generation.html>
    /// - <https://docs.aws.amazon.com/config/latest/developerguide/iam-policy-no-statements-with-admin-access.html>
    pub(super) static CHECK = {
        id: "iam.managed-policy-no-admin",
        title: "customer managed policies do not grant everything",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.iam.policies, evaluate);
        },
    }
}

fn evaluate(policy: &ManagedPolicy) -> Assessed {
    if policy.is_aws_managed() {
        return Ok(Outcome::NotApplicable("AWS writes this policy: who attaches it is judged"));
    }
    let attached = policy.attachment_count > 0;
    if !attached && policy.permissions_boundary_usage_count > 0 {
        let why = "serves as a permissions boundary alone, which grants nothing";
        return Ok(Outcome::NotApplicable(why));
    }
    let how = match policy.document.get()?.grants_admin() {
        Admin::No => return Ok(Outcome::Pass),
        Admin::Conditioned => "all actions on all resources, under a condition",
        Admin::Yes => "all actions on all resources",
    };
    let observed = format!("{how}; {}", if attached { "attached" } else { "not attached" });
    Ok(Outcome::Fail(vec![grants(observed, "the actions and resources that are needed")]))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Cause, Inventory, Read};

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{
                allow, allow_if, aws_managed, document, managed, with_details, without_details,
            },
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn account_with(policy: ManagedPolicy) -> Inventory {
        with_details(|details| details.policies.push(policy))
    }

    #[test]
    fn a_service_is_not_everything() {
        let account = account_with(managed("s3", allow(r#""s3:*""#, "*")));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn everything_fails_attached_or_not() {
        let field = "PolicyDocument.Statement";
        let policy = || managed("power", allow(r#"["s3:Get*", "*:*"]"#, "*"));
        let observed = "all actions on all resources; attached";
        assert_fails(&CHECK, &account_with(policy()), field, observed);
        let spare = ManagedPolicy { attachment_count: 0, ..policy() };
        let observed = "all actions on all resources; not attached";
        assert_fails(&CHECK, &account_with(spare), field, observed);
    }

    #[test]
    fn mfa_makes_an_administrator_safer_not_smaller() {
        let mfa = r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#;
        let account = account_with(managed("power", allow_if(r#""*""#, "*", mfa)));
        let observed = "all actions on all resources, under a condition; attached";
        assert_fails(&CHECK, &account, "PolicyDocument.Statement", observed);
    }

    #[test]
    fn a_small_deny_leaves_an_administrator() {
        let json = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "aws-portal:*", "Resource": "*"}]}"#;
        let verdict = only(&CHECK, &account_with(managed("power", document(json))));
        assert!(matches!(verdict, Ok(Outcome::Fail(_))));
    }

    #[test]
    fn boundaries_grant_nothing_and_aws_edits_its_own() {
        let boundary = ManagedPolicy {
            attachment_count: 0,
            permissions_boundary_usage_count: 2,
            ..managed("limit", allow(r#""*""#, "*"))
        };
        let aws = aws_managed("AdministratorAccess", allow(r#""*""#, "*"));
        for policy in [boundary, aws] {
            let verdict = only(&CHECK, &account_with(policy));
            assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_not_harmless() {
        let cause = Cause::Malformed { what: "policy".to_owned() };
        let policy = managed("odd", Read::unknown(DETAILS, cause.clone()));
        let Err(why) = only(&CHECK, &account_with(policy)) else { panic!("not assessed") };
        assert_eq!(why.cause, cause);
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
