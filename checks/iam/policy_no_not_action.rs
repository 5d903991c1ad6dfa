use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    policy::{Decision, Pattern, Policy, Scope, Statement},
};

use super::documents::{each_document, grants};

declare_check! {
    /// No policy of the customer's allows by exception, with `NotAction` on all resources.
    /// `NotAction` on named resources allows no more than what these support, and in a Deny it is
    /// a good tool; both pass. Judged are customer managed policies and inline policies.
    ///
    /// ## Why it matters
    /// `Allow` with `NotAction` grants every action of every service but those listed, also of
    /// services that AWS has yet to launch; the list shows what is kept back, not what is given.
    ///
    /// ## Remediation
    /// List what is to be allowed. To keep something from an otherwise wide policy, add a Deny:
    /// ```sh
    /// aws iam create-policy-version --policy-arn ARN --policy-document file://policy.json \
    ///   --set-as-default
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html>
    pub(super) static CHECK = {
        id: "iam.policy-no-not-action",
        title: "policies do not allow by NotAction on all resources",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| each_document(inventory, findings, evaluate),
    }
}

fn evaluate(policy: &Policy) -> Outcome {
    if policy.allows_on_all_resources("*") == Decision::Denied {
        return Outcome::Pass;
    }
    let open = policy.allow_not_action().filter(|(_, statement)| on_all_resources(statement));
    let evidence: Vec<_> = open
        .map(|(_, statement)| {
            let spared: Vec<_> = statement.actions.patterns().iter().map(Pattern::as_str).collect();
            grants(
                format!("Allow with NotAction {} on all resources", spared.join(", ")),
                "Action with what is needed",
            )
        })
        .collect();
    if evidence.is_empty() { Outcome::Pass } else { Outcome::Fail(evidence) }
}

/// `*`, a partition, or all but a few.
fn on_all_resources(statement: &Statement) -> bool {
    match &statement.resources {
        None | Some(Scope::Except(_)) => true,
        Some(Scope::Only(patterns)) => patterns.iter().any(|pattern| {
            pattern.is_everything()
                || matches!(
                    pattern.as_str(),
                    "arn:*" | "arn:aws:*" | "arn:aws-cn:*" | "arn:aws-us-gov:*"
                )
        }),
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::iam::ManagedPolicy;

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{document, managed, with_details, without_details},
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn account_with(effect: &str, resource: &str) -> demarc_model::Inventory {
        let json = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "{effect}",
               "NotAction": ["iam:*", "organizations:*"], {resource}}}}}"#
        );
        let policy: ManagedPolicy = managed("power", document(&json));
        with_details(|details| details.policies.push(policy))
    }

    #[test]
    fn allowing_all_but_a_few_actions_fails() {
        let observed = "Allow with NotAction iam:*, organizations:* on all resources";
        let field = "PolicyDocument.Statement";
        assert_fails(&CHECK, &account_with("Allow", r#""Resource": "*""#), field, observed);
        let all_but = r#""NotResource": "arn:aws:s3:::own""#;
        assert_fails(&CHECK, &account_with("Allow", all_but), field, observed);
    }

    #[test]
    fn denying_by_exception_is_a_good_tool() {
        let account = account_with("Deny", r#""Resource": "*""#);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_named_resource_bounds_the_actions() {
        let account = account_with("Allow", r#""Resource": "arn:aws:s3:::own/*""#);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
