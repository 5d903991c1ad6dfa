use std::collections::BTreeMap;

use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::Role,
    policy::{Audience, Guards},
};

use super::{
    principals::each_role,
    trusts::{admits, trusts},
};

/// Services whose documentation asks for `aws:SourceArn` or `aws:SourceAccount` in the trust
/// policy of the roles they assume. Others (EC2, Lambda, …) do not send these keys, so that
/// demanding them would lock the service out.
const TELLS_FOR_WHOM: [&str; 19] = [
    "autoscaling",
    "batch",
    "bedrock",
    "codebuild",
    "codedeploy",
    "config",
    "dms",
    "ecs-tasks",
    "greengrass",
    "monitoring.rds",
    "personalize",
    "pipes",
    "rds",
    "sagemaker",
    "scheduler",
    "ssm",
    "states",
    "transfer",
    "vpc-flow-logs",
];

declare_check! {
    /// A role that an AWS service may assume says for whose resources: by `aws:SourceArn`,
    /// `aws:SourceAccount`, an organization or an external id. One verdict for each service.
    /// Judged are services that send these keys when they assume a role, by their own
    /// documentation; for others, such as EC2 and Lambda, the condition would never hold.
    ///
    /// ## Why it matters
    /// The service acts for all of its customers. Without the condition another account that
    /// learns the role's ARN may be able to have the service use it on its resources' behalf.
    ///
    /// ## Remediation
    /// ```json
    /// "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"},
    ///               "ArnLike": {"aws:SourceArn": "arn:aws:states:*:123456789012:stateMachine:*"}}
    /// ```
    /// ```sh
    /// aws iam update-assume-role-policy --role-name NAME --policy-document file://trust.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html>
    /// - <https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html>
    /// - <https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html>
    pub(super) static CHECK = {
        id: "iam.role-trust-confused-deputy",
        title: "roles of AWS services say for whose resources",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::Role",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_role(inventory, findings, |role| evaluate(role, inventory));
        },
    }
}

fn evaluate(role: &Role, inventory: &Inventory) -> Assessed {
    let mut services = BTreeMap::new();
    for (trust, _) in trusts(role, inventory)? {
        if let Audience::Service(service) = trust.audience
            && tells_for_whom(&service)
        {
            *services.entry(service).or_insert(true) &= is_guarded(trust.guards);
        }
    }
    if services.is_empty() {
        let why = "the role trusts no service that tells for whom it acts";
        return Ok(Outcome::NotApplicable(why));
    }
    let parts = services.into_iter().map(|(service, guarded)| {
        let outcome = Outcome::require(guarded, || {
            admits(
                format!("{service} for anybody's resources"),
                "aws:SourceArn or aws:SourceAccount",
            )
        });
        (service.into(), Ok(outcome))
    });
    Ok(Outcome::Parts(parts.collect()))
}

/// `states.amazonaws.com`, also as `states.eu-central-1.amazonaws.com` or of another partition.
fn tells_for_whom(service: &str) -> bool {
    TELLS_FOR_WHOM
        .iter()
        .any(|name| service.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

fn is_guarded(guards: Guards) -> bool {
    guards.source_arn || guards.source_account || guards.organization || guards.external_id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{role, trust, with_details, without_details},
        },
        testing::{assert_not_assessed, failures, only, run},
    };

    const FLOW_LOGS: &str = r#"{"Service": "vpc-flow-logs.amazonaws.com"}"#;
    const FAILURE: &str = "vpc-flow-logs.amazonaws.com: AssumeRolePolicyDocument.Statement is \
                           vpc-flow-logs.amazonaws.com for anybody's resources";

    fn account_with(principal: &str, condition: &str) -> Inventory {
        let role = Role { trust: trust(principal, condition), ..role("app") };
        with_details(|details| details.roles.push(role))
    }

    #[test]
    fn a_source_account_or_arn_passes_and_none_fails() {
        assert_eq!(failures(&CHECK, &account_with(FLOW_LOGS, "{}")), [FAILURE]);
        for guard in [
            r#"{"StringEquals": {"aws:SourceAccount": "123456789012"}}"#,
            r#"{"ArnLike": {"aws:SourceArn": "arn:aws:ec2:*:123456789012:vpc-flow-log/*"}}"#,
        ] {
            assert_eq!(only(&CHECK, &account_with(FLOW_LOGS, guard)), Ok(Outcome::Pass));
        }
    }

    #[test]
    fn an_arn_of_any_account_says_nothing() {
        let vain = r#"{"ArnLike": {"aws:SourceArn": "arn:aws:ec2:*:*:vpc-flow-log/*"}}"#;
        assert_eq!(failures(&CHECK, &account_with(FLOW_LOGS, vain)), [FAILURE]);
    }

    #[test]
    fn ec2_and_lambda_do_not_send_the_keys() {
        let services = r#"{"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}"#;
        let verdict = only(&CHECK, &account_with(services, "{}"));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_regional_name_is_the_same_service() {
        let services = r#"{"Service": ["states.eu-central-1.amazonaws.com", "ec2.amazonaws.com"]}"#;
        let verdicts = run(&CHECK, &account_with(services, "{}"));
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].part, "states.eu-central-1.amazonaws.com");
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
