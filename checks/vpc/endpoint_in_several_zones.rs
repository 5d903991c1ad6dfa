use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Endpoint,
};

declare_check! {
    /// An interface endpoint has network interfaces in at least two subnets, which AWS allows
    /// one of in each Availability Zone. Gateway endpoints belong to no zone, and a Gateway
    /// Load Balancer endpoint to exactly one: neither is judged, and neither is an endpoint on
    /// its way out, or one that an AWS service made for itself.
    ///
    /// ## Why it matters
    /// When the only zone of an endpoint fails, nothing in the VPC reaches that service any
    /// more, the healthy zones included.
    ///
    /// ## Remediation
    /// Add a subnet of another zone:
    /// ```sh
    /// aws ec2 modify-vpc-endpoint --vpc-endpoint-id ENDPOINT --add-subnet-ids SUBNET
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html>
    pub(super) static CHECK = {
        id: "vpc.endpoint-in-several-zones",
        title: "interface endpoint spans several Availability Zones",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::VPCEndpoint",
        needs: &[&calls::ec2::DESCRIBE_VPC_ENDPOINTS],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.vpc.endpoints, |_, resource| Ok(evaluate(resource)));
        },
    }
}

fn evaluate(endpoint: &Endpoint) -> Outcome {
    if endpoint.endpoint_type != "Interface" {
        return Outcome::NotApplicable("the endpoint is not an interface endpoint");
    }
    if endpoint.is_gone() {
        return Outcome::NotApplicable("the endpoint is being deleted or was refused");
    }
    if endpoint.requester_managed {
        return Outcome::NotApplicable("an AWS service manages the endpoint");
    }
    Outcome::require(endpoint.subnet_ids.len() > 1, || {
        let observed = match endpoint.subnet_ids.first() {
            Some(subnet) => format!("{subnet} alone"),
            None => "none".to_owned(),
        };
        let call = &calls::ec2::DESCRIBE_VPC_ENDPOINTS;
        Evidence::new(call, "SubnetIds", observed, "subnets of two or more zones")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::endpoint,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(endpoint: Endpoint) -> Inventory {
        with_region(|region| region.vpc.endpoints = Listing::complete(vec![endpoint]))
    }

    #[test]
    fn two_subnets_pass_and_one_fails() {
        let subnet_ids = vec!["subnet-1".to_owned(), "subnet-2".to_owned()];
        let several = Endpoint { subnet_ids, ..endpoint("ec2") };
        assert_eq!(only(&CHECK, &account(several)), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(endpoint("ec2")), "SubnetIds", "subnet-1 alone");
    }

    #[test]
    fn gateways_deleted_endpoints_and_those_of_services_are_not_judged() {
        let gateway = Endpoint { endpoint_type: "Gateway".to_owned(), ..endpoint("s3") };
        let deleted = Endpoint { state: "deleting".to_owned(), ..endpoint("ec2") };
        let services = Endpoint { requester_managed: true, ..endpoint("guardduty-data") };
        for endpoint in [gateway, deleted, services] {
            assert!(matches!(only(&CHECK, &account(endpoint)), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VPC_ENDPOINTS;
        let account = with_region(|region| {
            region.vpc.endpoints = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
