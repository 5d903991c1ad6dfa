use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check, policy::Policy,
};

use super::documents::{each_lesser_document, grants};

declare_check! {
    /// No policy of the customer's allows every action of a service (`s3:*`), be it on all
    /// resources or on those that it names; one finding for each service. An Allow with
    /// `NotAction` counts as every service, `*:*`. A Deny takes back what it covers in full, and a
    /// condition nothing. Judged are customer managed policies and inline policies; those that
    /// grant everything are left to `iam.managed-policy-no-admin` and
    /// `iam.inline-policy-no-admin`.
    ///
    /// That a named resource is no excuse is AWS's reading: the control IAM.21 of Security Hub
    /// fails any Allow with `"Action": "service:*"`, whatever its `Resource`.
    ///
    /// ## Why it matters
    /// The star takes in what nobody thought of: deleting, sharing, changing the resource's own
    /// policy, and every action that AWS adds later.
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
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21>
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
    Outcome::failing_parts(policy.service_wildcards().into_iter().map(|wildcard| {
        let resources = if wildcard.on_all_resources { "all" } else { "named" };
        let actions = format!("{}:*", wildcard.service);
        let observed = format!("{actions} on {resources} resources");
        (actions, grants(observed, "the actions that are needed"))
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
    fn a_named_bucket_is_no_excuse_for_all_actions() {
        let own = r#"["arn:aws:s3:::own", "arn:aws:s3:::own/*"]"#;
        let json = |action: &str| {
            format!(
                r#"{{"Version": "2012-10-17", "Statement":
                {{"Effect": "Allow", "Action": "{action}", "Resource": {own}}}}}"#
            )
        };
        let account = account_with(managed("own", document(&json("s3:*"))));
        let expected = "s3:*: PolicyDocument.Statement is s3:* on named resources";
        assert_eq!(failures(&CHECK, &account), [expected]);
        let account = account_with(managed("own", document(&json("s3:Get*"))));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_deny_takes_back_what_it_covers() {
        let denying = |resource: &str| {
            let json = format!(
                r#"{{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::own/*"}},
                {{"Effect": "Deny", "Action": "s3:*", "Resource": "{resource}"}}]}}"#
            );
            account_with(managed("own", document(&json)))
        };
        assert_eq!(only(&CHECK, &denying("arn:aws:s3:::own/*")), Ok(Outcome::Pass));
        assert_eq!(failures(&CHECK, &denying("arn:aws:s3:::own/secret/*")).len(), 1);
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
