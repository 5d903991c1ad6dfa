use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check, policy::Policy,
};

use super::documents::{each_lesser_document, grants};

declare_check! {
    /// No policy of the customer's allows every action of a service on all resources (`s3:*` on
    /// `*`); one finding for each service. An Allow with `NotAction` on all resources counts as
    /// every service, `*:*`. Judged are customer managed policies and inline policies; those that
    /// grant everything are left to `iam.managed-policy-no-admin` and
    /// `iam.inline-policy-no-admin`.
    ///
    /// ## Why it matters
    /// The star takes in what nobody thought of: deleting, sharing, changing the service's own
    /// policies, and every action that AWS adds later.
    ///
    /// ## Remediation
    /// List what was used, and grant that:
    /// ```sh
    /// aws iam generate-service-last-accessed-details --arn ARN --granularity ACTION_LEVEL
    /// aws iam create-policy-version --policy-arn ARN --policy-document file://policy.json \
    ///   --set-as-default
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege>
    /// - <https://docs.aws.amazon.com/config/latest/developerguide/iam-policy-no-statements-with-full-access.html>
    pub(super) static CHECK = {
        id: "iam.policy-no-service-wildcard",
        title: "policies do not grant all actions of a service",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| each_lesser_document(inventory, findings, evaluate),
    }
}

fn evaluate(policy: &Policy) -> Outcome {
    Outcome::failing_parts(policy.service_wildcards().into_iter().map(|service| {
        let observed = format!("{service}:* on all resources");
        (format!("{service}:*"), grants(observed, "the actions that are needed"))
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
    fn each_service_is_a_finding_of_its_own() {
        let account = account_with(managed("wide", allow(r#"["sqs:*", "S3:*", "ec2:Get*"]"#, "*")));
        let expected = [
            "s3:*: PolicyDocument.Statement is s3:* on all resources",
            "sqs:*: PolicyDocument.Statement is sqs:* on all resources",
        ];
        assert_eq!(failures(&CHECK, &account), expected);
    }

    #[test]
    fn all_actions_on_one_bucket_are_not_all_of_the_service() {
        let account = account_with(managed("own", allow(r#""s3:*""#, "arn:aws:s3:::own/*")));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn all_but_one_service_is_every_other_one() {
        let json = r#"{"Version": "2012-10-17", "Statement":
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}"#;
        let account = account_with(managed("power", document(json)));
        let expected = "*:*: PolicyDocument.Statement is *:* on all resources";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
