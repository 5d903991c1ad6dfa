use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    policy::{Decision, Policy},
};

use super::documents::{each_lesser_document, grants};

declare_check! {
    /// No policy of the customer's gives unconditional control of what an account's safety hangs
    /// on: all actions of CloudTrail, all actions of KMS, or subscribing to anything in the AWS
    /// Marketplace; one finding for each. A Deny of a part, or a condition, makes it less than
    /// full. Judged are customer managed policies and inline policies; those that grant everything
    /// are left to `iam.managed-policy-no-admin` and `iam.inline-policy-no-admin`.
    ///
    /// ## Why it matters
    /// With CloudTrail goes the record of what happened, with KMS the keys and hence the data, and
    /// a Marketplace subscription binds the company to a contract.
    ///
    /// ## Remediation
    /// Grant reading, or the operations that the work needs, and leave the rest to one role:
    /// ```sh
    /// aws iam create-policy-version --policy-arn ARN --policy-document file://policy.json \
    ///   --set-as-default
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html>
    /// - <https://docs.aws.amazon.com/kms/latest/developerguide/iam-policies-best-practices.html>
    /// - <https://docs.aws.amazon.com/marketplace/latest/buyerguide/buyer-iam-users-groups-policies.html>
    pub(super) static CHECK = {
        id: "iam.policy-no-full-service-access",
        title: "policies do not grant all of CloudTrail, KMS or Marketplace",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| each_lesser_document(inventory, findings, evaluate),
    }
}

const CONTROLS: [(&str, &str); 3] = [
    ("cloudtrail", "cloudtrail:*"),
    ("kms", "kms:*"),
    ("marketplace", "aws-marketplace:Subscribe"),
];

fn evaluate(policy: &Policy) -> Outcome {
    let full = CONTROLS
        .into_iter()
        .filter(|(_, action)| policy.allows_on_all_resources(action) == Decision::Allowed);
    Outcome::failing_parts(full.map(|(service, action)| {
        let observed = format!("{action} on all resources");
        (service.to_owned(), grants(observed, "the actions and resources that are needed"))
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::iam::ManagedPolicy;

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{allow, document, managed, with_details, without_details},
        },
        testing::{assert_not_assessed, failures, only},
    };

    fn account_with(policy: ManagedPolicy) -> demarc_model::Inventory {
        with_details(|details| details.policies.push(policy))
    }

    #[test]
    fn reading_and_one_key_pass() {
        let account =
            account_with(managed("read", allow(r#"["kms:Describe*", "cloudtrail:Get*"]"#, "*")));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        let key = "arn:aws:kms:eu-central-1:123456789012:key/1234";
        let account = account_with(managed("one", allow(r#""kms:*""#, key)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn each_control_is_a_finding_of_its_own() {
        let actions = r#"["kms:*", "aws-marketplace:*"]"#;
        let expected = [
            "kms: PolicyDocument.Statement is kms:* on all resources",
            "marketplace: PolicyDocument.Statement is aws-marketplace:Subscribe on all resources",
        ];
        let account = account_with(managed("wide", allow(actions, "*")));
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn a_deny_of_what_hurts_makes_it_less_than_full() {
        let json = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"},
            {"Effect": "Deny", "Action": ["cloudtrail:StopLogging"], "Resource": "*"}]}"#;
        let account = account_with(managed("most", document(json)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
