use std::collections::BTreeMap;

use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Endpoint,
    policy::{Audience, Bound, Condition, Exposure, Owner, SetOperator, Statement, Test},
};

declare_check! {
    /// The policy of a VPC endpoint lets only trusted parties through: principals of this
    /// account, of an organization named by `aws:PrincipalOrgID`, or AWS services; or anybody,
    /// as long as what they reach is this account's (`aws:ResourceAccount`) or an
    /// organization's (`aws:ResourceOrgID`). Whether a named organization is yours does not
    /// show here.
    ///
    /// The default policy, full access for everyone, fails. A condition on the network, such as
    /// `aws:SourceVpc`, bounds nothing here, because every request comes from the VPC. Policies
    /// of gateway endpoints must name everyone as principal and bound it by conditions, which
    /// count. Where AWS answers no policy for an interface endpoint, its service takes none,
    /// and the endpoint is not judged; neither are Gateway Load Balancer endpoints, those to
    /// services that are not AWS's, which IAM does not rule, those on their way out, and those
    /// that an AWS service made for itself.
    ///
    /// ## Why it matters
    /// Through an open endpoint an intruder inside the VPC can use credentials of an account of
    /// their own and copy data to its buckets, past every firewall that watches the internet
    /// gateway.
    ///
    /// ## Remediation
    /// Bound principals and resources to your organization:
    /// ```sh
    /// aws ec2 modify-vpc-endpoint --vpc-endpoint-id ENDPOINT --policy-document '{"Statement":[{"Effect":"Allow",
    ///   "Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":
    ///   {"aws:PrincipalOrgID":"o-exampleorgid","aws:ResourceOrgID":"o-exampleorgid"}}}]}'
    /// ```
    /// Buckets of AWS itself, for package updates for example, need a statement of their own.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html>
    pub(super) static CHECK = {
        id: "vpc.endpoint-policy-trusted-only",
        title: "endpoint policy lets only trusted parties through",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::VPCEndpoint",
        needs: &[&calls::ec2::DESCRIBE_VPC_ENDPOINTS],
        evaluate: |inventory, findings| {
            let owner = Owner { account: &inventory.account_id, partition: &inventory.partition };
            findings.each_region(inventory, |region| &region.vpc.endpoints, |_, endpoint| {
                evaluate(endpoint, owner)
            });
        },
    }
}

fn evaluate(endpoint: &Endpoint, owner: Owner<'_>) -> Assessed {
    if endpoint.is_gone() {
        return Ok(Outcome::NotApplicable("the endpoint is being deleted or was refused"));
    }
    if endpoint.requester_managed {
        return Ok(Outcome::NotApplicable("an AWS service manages the endpoint"));
    }
    if endpoint.service_name.contains(".vpce-svc-") {
        return Ok(Outcome::NotApplicable("it leads to no service of AWS: IAM policies rule none"));
    }
    let takes_policy = matches!(endpoint.endpoint_type.as_str(), "Gateway" | "Interface");
    let Some(policy) = endpoint.policy.get()?.as_ref().filter(|_| takes_policy) else {
        // S3 and DynamoDB, the services with gateways, always take a policy.
        if endpoint.endpoint_type == "Gateway" {
            return Ok(Outcome::failing_parts([(
                "everyone".to_owned(),
                evidence("none: full access for everyone"),
            )]));
        }
        return Ok(Outcome::NotApplicable("the endpoint takes no policy"));
    };
    let mut parts: BTreeMap<String, Vec<Evidence>> = BTreeMap::new();
    for exposure in policy.exposure(owner) {
        let statement = &policy.statements[exposure.statement];
        if let Some(stranger) = stranger(&exposure)
            && !is_bound_to_resources(statement, owner)
        {
            let sid = match &exposure.sid {
                Some(sid) => format!("statement {sid}"),
                None => format!("statement number {}", exposure.statement + 1),
            };
            let observed = format!("{sid} allows {stranger}: {}", exposure.actions().join(", "));
            parts.entry(stranger).or_default().push(evidence(observed));
        }
    }
    let parts = parts.into_iter().map(|(key, evidence)| (key, Ok(Outcome::Fail(evidence))));
    Ok(Outcome::Parts(parts.collect()))
}

fn evidence(observed: impl Into<std::borrow::Cow<'static, str>>) -> Evidence {
    Evidence::new(
        &calls::ec2::DESCRIBE_VPC_ENDPOINTS,
        "PolicyDocument",
        observed,
        "principals or resources of this account or organization alone",
    )
}

/// Who is let through without being known to be trusted.
fn stranger(exposure: &Exposure) -> Option<String> {
    match &exposure.audience {
        Audience::Public => Some("everyone".to_owned()),
        Audience::Restricted => {
            let identified = |bound| matches!(bound, Bound::Identity | Bound::Service);
            let known = exposure.narrowed_by.iter().any(|narrowing| identified(narrowing.bound));
            (!known).then(|| "everyone".to_owned())
        }
        Audience::Account(account) => Some(format!("account {account}")),
        Audience::CanonicalUser(_) => Some("a canonical user".to_owned()),
        Audience::Federated(provider) => Some(format!("identities of {provider}")),
        Audience::Organization(_) | Audience::Service(_) => None,
    }
}

fn is_bound_to_resources(statement: &Statement, owner: Owner<'_>) -> bool {
    statement.conditions.iter().any(|condition| {
        let own = |value: &str| value == owner.account;
        let organization = |value: &str| value.starts_with("o-") && !value.contains(['*', '?']);
        asserts(condition)
            && !condition.values.is_empty()
            && ((condition.is_key("aws:ResourceAccount")
                && condition.values.iter().all(|value| own(value)))
                || (condition.is_key("aws:ResourceOrgID")
                    && condition.values.iter().all(|value| organization(value))))
    })
}

/// Whether the condition fails a request that lacks the key or has another value.
fn asserts(condition: &Condition) -> bool {
    let operator = &condition.operator;
    let positive = matches!(
        operator.test,
        Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike
    );
    positive && !operator.if_exists && operator.set != Some(SetOperator::ForAllValues)
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Read, policy::Policy};

    use super::*;
    use crate::{
        ec2::testing::endpoint,
        testing::{assert_not_assessed, failures, only, with_region},
    };

    fn account(policy: Option<&str>) -> Inventory {
        let policy = policy.map(|text| Policy::parse(text).expect("a policy"));
        let endpoint = Endpoint { policy: Read::Known(policy), ..endpoint("s3") };
        with_region(|region| region.vpc.endpoints = Listing::complete(vec![endpoint]))
    }

    /// A policy of one statement for S3, with this principal and condition.
    fn policy(principal: &str, condition: &str) -> Inventory {
        account(Some(&format!(
            r#"{{"Statement":[{{"Sid":"Use","Effect":"Allow","Principal":{principal},
                "Action":"s3:*","Resource":"*","Condition":{condition}}}]}}"#
        )))
    }

    #[test]
    fn the_default_policy_is_open_to_everyone() {
        let default = r#"{"Statement":[
            {"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
        let observed = "everyone: PolicyDocument is statement number 1 allows everyone: *";
        assert_eq!(failures(&CHECK, &account(Some(default))), [observed]);
    }

    #[test]
    fn endpoints_of_services_and_to_other_peoples_are_not_judged() {
        let open = || {
            Policy::parse(
                r#"{"Statement":[{"Effect":"Allow","Principal":"*",
            "Action":"*","Resource":"*"}]}"#,
            )
        };
        let open = || Read::Known(Some(open().expect("a policy")));
        let managed = Endpoint { requester_managed: true, policy: open(), ..endpoint("s3") };
        let name = "com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0".to_owned();
        let foreign = Endpoint { service_name: name, policy: open(), ..endpoint("s3") };
        for endpoint in [managed, foreign] {
            let account = with_region(|region| {
                region.vpc.endpoints = Listing::complete(vec![endpoint]);
            });
            assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn this_account_an_organization_or_their_resources_pass() {
        let trusted = [
            (r#"{"AWS":"123456789012"}"#, "{}"),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#),
            (r#""*""#, r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}"#),
            (r#""*""#, r#"{"StringEquals":{"aws:ResourceAccount":"123456789012"}}"#),
            (r#""*""#, r#"{"StringEquals":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}}"#),
        ];
        for (principal, condition) in trusted {
            let verdict = only(&CHECK, &policy(principal, condition));
            assert_eq!(verdict, Ok(Outcome::Pass), "{principal} {condition}");
        }
    }

    #[test]
    fn another_account_is_named() {
        let observed = "account 210987654321: PolicyDocument is \
                        statement Use allows account 210987654321: s3:*";
        assert_eq!(failures(&CHECK, &policy(r#"{"AWS":"210987654321"}"#, "{}")), [observed]);
    }

    #[test]
    fn conditions_that_anybody_inside_meets_bound_nothing() {
        let idle = [
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#,
            r#"{"StringEqualsIfExists":{"aws:ResourceAccount":"123456789012"}}"#,
            r#"{"StringNotEquals":{"aws:ResourceAccount":"210987654321"}}"#,
            r#"{"StringEquals":{"aws:ResourceAccount":["123456789012","210987654321"]}}"#,
        ];
        for condition in idle {
            assert_eq!(failures(&CHECK, &policy(r#""*""#, condition)).len(), 1, "{condition}");
        }
    }

    #[test]
    fn without_a_policy_a_gateway_is_open_and_a_service_that_takes_none_is_not_judged() {
        let mut account = account(None);
        assert_eq!(
            only(&CHECK, &account),
            Ok(Outcome::NotApplicable("the endpoint takes no policy"))
        );
        account.regions[0].vpc.endpoints.seen_mut()[0].endpoint_type = "Gateway".to_owned();
        let observed = "everyone: PolicyDocument is none: full access for everyone";
        assert_eq!(failures(&CHECK, &account), [observed]);
    }

    #[test]
    fn a_denied_listing_or_an_unread_policy_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VPC_ENDPOINTS;
        let unread = with_region(|region| {
            region.vpc.endpoints = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &unread, call);
        let mut unread = account(None);
        let endpoint = &mut unread.regions[0].vpc.endpoints.seen_mut()[0];
        endpoint.policy = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &unread, call);
    }
}
