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

/// Services whose documentation shows `aws:SourceArn` or `aws:SourceAccount` in the trust policy
/// of the roles they assume; beside each, the guide and its page. Others (EC2, Lambda, …) are not
/// said to send these keys, so that demanding them could lock the service out.
const TELLS_FOR_WHOM: [&str; 21] = [
    "appstream",      // appstream2, example-fleet-machine
    "autoscaling",    // autoscaling/ec2, cross-service-confused-deputy-prevention
    "batch",          // batch, cross-service-confused-deputy-prevention
    "bedrock",        // bedrock, model-customization-iam-role and its like
    "codebuild",      // codebuild, setting-up-service-role
    "codedeploy",     // codedeploy, security_confused_deputy
    "config",         // config, iamrole-permissions
    "dms",            // dms, cross-service-confused-deputy-prevention
    "ecs-tasks",      // AmazonECS, task-iam-roles
    "events",         // eventbridge, cross-service-confused-deputy-prevention
    "greengrass",     // greengrass/v2, greengrass-service-role
    "monitoring.rds", // AmazonRDS, USER_Monitoring.OS.Enabling
    "personalize",    // personalize, cross-service-confused-deputy-prevention
    "pipes",          // eventbridge, cross-service-confused-deputy-prevention
    "rds",            // AmazonRDS, cross-service-confused-deputy-prevention
    "sagemaker",      // sagemaker, security-confused-deputy-prevention
    "scheduler",      // scheduler, cross-service-confused-deputy-prevention
    "ssm",            // systems-manager, cross-service-confused-deputy-prevention
    "states",         // step-functions, procedure-create-iam-role
    "transfer",       // transfer, confused-deputy
    "vpc-flow-logs",  // vpc, flow-logs-iam-role
];

declare_check! {
    /// A role that an AWS service may assume says for whose resources: by `aws:SourceArn`,
    /// `aws:SourceAccount`, an organization or an external id. One verdict for each service.
    /// Judged are services whose documentation shows these keys in such a trust policy; of others,
    /// such as EC2 and Lambda, it says nothing, and the condition might never hold. RDS documents
    /// the keys for the roles that databases use, and shows those of RDS Proxy without: try a
    /// proxy's role before relying on it.
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
    /// - <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/cross-service-confused-deputy-prevention.html>
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
    fn ec2_and_lambda_are_not_said_to_send_the_keys() {
        let services = r#"{"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}"#;
        let verdict = only(&CHECK, &account_with(services, "{}"));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn services_are_listed_once_and_in_order() {
        assert!(TELLS_FOR_WHOM.is_sorted_by(|a, b| a < b));
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
