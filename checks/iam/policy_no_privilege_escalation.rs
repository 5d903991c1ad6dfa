use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    policy::{ESCALATIONS, Policy, escalation_paths},
};

use super::documents::{each_lesser_document, grants};

declare_check! {
    /// No policy of the customer's opens a known way from its permissions to more; one finding for
    /// each way. Judged are customer managed policies and inline policies, each by itself: a way
    /// that opens only where two policies meet in one identity is not seen.
    ///
    /// Managing one's own credentials is no escalation, nor is passing or assuming roles that the
    /// policy names, be it by a prefix or a path: which roles those are, and what they may, is not
    /// looked up. A tag of the role does not bound passing it. A Deny closes a way if it is
    /// unconditional. Policies that grant everything are left to `iam.managed-policy-no-admin` and
    /// `iam.inline-policy-no-admin`.
    ///
    /// ## Why it matters
    /// Whoever may, say, change a policy's default version, or start a machine with any role, has
    /// what the strongest role has, though no administrator's policy was ever attached.
    ///
    /// ## Remediation
    /// Name the resources (roles, functions, policies) that the work needs, or bound what can be
    /// passed and attached (`iam:PassedToService`, `iam:PermissionsBoundary`):
    /// ```sh
    /// aws iam create-policy-version --policy-arn ARN --policy-document file://policy.json \
    ///   --set-as-default
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate>
    pub(super) static CHECK = {
        id: "iam.policy-no-privilege-escalation",
        title: "policies open no way to more privileges",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| each_lesser_document(inventory, findings, evaluate),
    }
}

fn evaluate(policy: &Policy) -> Outcome {
    let open = escalation_paths(&[policy]);
    let ways = ESCALATIONS.iter().filter(|way| open.contains(&way.name));
    Outcome::failing_parts(ways.map(|way| {
        let expected = "one of these withheld, or limited to named resources";
        (way.name.to_owned(), grants(way.actions.join(" with "), expected))
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::iam::{ManagedPolicy, Role};

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{
                allow, aws_managed, document, inline, managed, role, with_details, without_details,
            },
        },
        testing::{assert_not_assessed, failures, only, run},
    };

    fn account_with(policy: ManagedPolicy) -> demarc_model::Inventory {
        with_details(|details| details.policies.push(policy))
    }

    #[test]
    fn a_way_is_named_with_its_actions() {
        let actions = r#"["iam:PassRole", "ec2:RunInstances"]"#;
        let account = account_with(managed("start", allow(actions, "*")));
        let expected = "pass-role-to-new-instance: PolicyDocument.Statement is \
                        iam:PassRole with ec2:RunInstances";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn a_prefix_names_the_roles_that_can_be_passed() {
        let json = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:PassRole",
             "Resource": "arn:aws:iam::123456789012:role/app-*"},
            {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}]}"#;
        let account = account_with(managed("start", document(json)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn inline_policies_are_parts_of_who_carries_them() {
        let policies = vec![
            inline("read", allow(r#""s3:GetObject""#, "*")),
            inline("keys", allow(r#""iam:CreateAccessKey""#, "*")),
        ];
        let role = Role { inline_policies: policies, ..role("app") };
        let account = with_details(|details| details.roles.push(role));
        let expected = "inline:keys create-access-key: PolicyDocument.Statement is \
                        iam:CreateAccessKey";
        assert_eq!(failures(&CHECK, &account), [expected]);
        assert_eq!(run(&CHECK, &account)[0].part, "inline:read");
    }

    #[test]
    fn a_deny_closes_the_way() {
        let json = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:Create*", "Resource": "*"}]}"#;
        let account = account_with(managed("closed", document(json)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn administrators_and_awss_own_policies_are_judged_elsewhere() {
        for policy in [
            managed("power", allow(r#""*""#, "*")),
            aws_managed("IAMFullAccess", allow(r#""iam:*""#, "*")),
        ] {
            let verdict = only(&CHECK, &account_with(policy));
            assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
