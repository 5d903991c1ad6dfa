use demarc_model::{
    ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    policy::{Condition, Decision, Pattern, Policy, SetOperator, Test},
};

use super::documents::{each_lesser_document, grants};

declare_check! {
    /// No policy of the customer's allows passing (`iam:PassRole`) or assuming (`sts:AssumeRole`)
    /// every role of the account; one finding for each. Names and paths with wildcards are named
    /// enough, as AWS's own examples are (`role/EC2-roles-for-XYZ-*`); so
    /// `iam.policy-no-privilege-escalation` has it too. `iam:PassedToService` bounds passing, and
    /// a tag of the role bounds assuming: for passing, AWS says, tags do not work reliably. Judged
    /// are customer managed policies and inline policies; those that grant everything are left to
    /// `iam.managed-policy-no-admin` and `iam.inline-policy-no-admin`.
    ///
    /// ## Why it matters
    /// Whoever passes any role to a machine or function, or assumes any that trusts the account,
    /// has what the strongest of them has.
    ///
    /// ## Remediation
    /// Name the roles in `Resource`, and for passing say to which service:
    /// ```json
    /// {"Effect": "Allow", "Action": "iam:PassRole",
    ///  "Resource": "arn:aws:iam::123456789012:role/app-*",
    ///  "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
    /// ```
    /// ```sh
    /// aws iam create-policy-version --policy-arn ARN --policy-document file://policy.json \
    ///   --set-as-default
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html>
    pub(super) static CHECK = {
        id: "iam.policy-pass-role-scoped",
        title: "policies name the roles that can be passed or assumed",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_lesser_document(inventory, findings, |policy| evaluate(policy, inventory));
        },
    }
}

fn evaluate(policy: &Policy, inventory: &Inventory) -> Outcome {
    let roles = format!("arn:{}:iam::{}:role/?*", inventory.partition, inventory.account_id);
    let every_role = Pattern::exact_case(&roles);
    let unbounded = |action: &&str| {
        policy.allows(action, &roles) != Decision::Denied
            && policy.statements.iter().any(|statement| {
                statement.is_allow()
                    && statement.matches_action(action)
                    && statement.resources.as_ref().is_none_or(|scope| scope.covers(&every_role))
                    && !statement.conditions.iter().any(|condition| picks_roles(condition, action))
            })
    };
    let open = ["iam:PassRole", "sts:AssumeRole"].into_iter().filter(unbounded);
    Outcome::failing_parts(open.map(|action| {
        (action.to_owned(), grants(format!("{action} on every role"), "named roles"))
    }))
}

/// A positive comparison, which a request without the key fails, of what tells roles or their use
/// apart.
fn picks_roles(condition: &Condition, action: &str) -> bool {
    let key = condition.key.to_ascii_lowercase();
    let tells = match action {
        "iam:PassRole" => key == "iam:passedtoservice",
        _ => key.starts_with("iam:resourcetag/") || key.starts_with("aws:resourcetag/"),
    };
    tells
        && !condition.operator.if_exists
        && condition.operator.set != Some(SetOperator::ForAllValues)
        && matches!(
            condition.operator.test,
            Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike
        )
        && !condition.values.iter().any(|value| &**value == "*")
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::iam::ManagedPolicy;

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{allow, allow_if, document, managed, with_details, without_details},
        },
        testing::{assert_not_assessed, failures, only},
    };

    fn account_with(policy: ManagedPolicy) -> Inventory {
        with_details(|details| details.policies.push(policy))
    }

    #[test]
    fn passing_and_assuming_are_findings_of_their_own() {
        let actions = r#"["iam:PassRole", "sts:*"]"#;
        let account = account_with(managed("wide", allow(actions, "*")));
        let expected = [
            "iam:PassRole: PolicyDocument.Statement is iam:PassRole on every role",
            "sts:AssumeRole: PolicyDocument.Statement is sts:AssumeRole on every role",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn a_prefix_or_a_path_names_roles_and_a_bare_wildcard_does_not() {
        let account = |roles: &str| {
            let roles = format!("arn:aws:iam::123456789012:role/{roles}");
            account_with(managed("app", allow(r#""iam:PassRole""#, &roles)))
        };
        for named in ["app-*", "team/*"] {
            assert_eq!(only(&CHECK, &account(named)), Ok(Outcome::Pass), "{named}");
        }
        let expected = "iam:PassRole: PolicyDocument.Statement is iam:PassRole on every role";
        for every in ["*", "?*"] {
            assert_eq!(failures(&CHECK, &account(every)), [expected], "{every}");
        }
    }

    #[test]
    fn a_tag_bounds_assuming_but_not_passing() {
        let tagged = r#"{"StringEquals": {"aws:ResourceTag/Team": "web"}}"#;
        let actions = r#"["iam:PassRole", "sts:AssumeRole"]"#;
        let account = account_with(managed("tagged", allow_if(actions, "*", tagged)));
        let expected = "iam:PassRole: PolicyDocument.Statement is iam:PassRole on every role";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn a_service_bounds_passing_but_not_assuming() {
        let to_ec2 = r#"{"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}"#;
        let actions = r#"["iam:PassRole", "sts:AssumeRole"]"#;
        let account = account_with(managed("ec2", allow_if(actions, "*", to_ec2)));
        let expected = "sts:AssumeRole: PolicyDocument.Statement is sts:AssumeRole on every role";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn a_deny_takes_it_back() {
        let json = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}]}"#;
        let account = account_with(managed("closed", document(json)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
