use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
    inventory::ec2::{Endpoint, Vpc},
};

use super::usage::each_used_vpc;

/// Of the Security Hub controls EC2.10, EC2.55 to EC2.58 and EC2.60.
const SERVICES: [&str; 6] = ["ec2", "ecr.api", "ecr.dkr", "ssm", "ssm-contacts", "ssm-incidents"];

declare_check! {
    /// A VPC that is in use has an available interface endpoint for each of these services: EC2
    /// (`ec2`), the container registry (`ecr.api` and `ecr.dkr`), Systems Manager (`ssm`) and
    /// its incident services (`ssm-contacts`, `ssm-incidents`). Each that is missing is a
    /// finding of its own; suppress those for services the VPC does not use. The FIPS variant
    /// of an endpoint counts.
    ///
    /// A VPC without network interfaces calls nothing and is not judged, nor is one that
    /// another account shares.
    ///
    /// ## Why it matters
    /// Without an endpoint the calls leave through a NAT or internet gateway. An endpoint keeps
    /// them on AWS's network and has a policy that can say which accounts may be called.
    ///
    /// ## Remediation
    /// Create the endpoint, with private DNS so that clients need no change:
    /// ```sh
    /// aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id VPC --private-dns-enabled \
    ///   --service-name com.amazonaws.REGION.ec2 --subnet-ids SUBNET1 SUBNET2 --security-group-ids GROUP
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-10>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-55>
    pub(super) static CHECK = {
        id: "vpc.interface-endpoints-present",
        title: "VPC has interface endpoints for the services that manage it",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::VPC",
        needs: &[&calls::ec2::DESCRIBE_VPCS, &calls::ec2::DESCRIBE_VPC_ENDPOINTS, &calls::ec2::DESCRIBE_NETWORK_INTERFACES],
        evaluate: |inventory, findings| {
            each_used_vpc(inventory, findings, evaluate);
        },
    }
}

fn evaluate(region: &Region, vpc: &Vpc) -> Assessed {
    let endpoints = &region.vpc.endpoints;
    let missing = SERVICES.into_iter().filter(|service| {
        !endpoints.seen().iter().any(|endpoint| serves(endpoint, vpc, region, service))
    });
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return Ok(Outcome::Pass);
    }
    endpoints.all()?;
    Ok(Outcome::failing_parts(missing.into_iter().map(|service| {
        let evidence = Evidence::new(
            &calls::ec2::DESCRIBE_VPC_ENDPOINTS,
            "ServiceName",
            format!("no available interface endpoint for {service}"),
            format!("one in {}", vpc.vpc_id),
        );
        (service.to_owned(), evidence)
    })))
}

fn serves(endpoint: &Endpoint, vpc: &Vpc, region: &Region, service: &str) -> bool {
    // `com.amazonaws.eu-central-1.ecr.api`; `cn.com.amazonaws.…` in China.
    let region = format!(".{}.", region.name);
    let name = endpoint.service_name.split_once(&*region).map_or("", |(_, name)| name);
    endpoint.vpc_id == vpc.vpc_id
        && endpoint.endpoint_type == "Interface"
        && endpoint.state.eq_ignore_ascii_case("available")
        && name.strip_suffix("-fips").unwrap_or(name) == service
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::{endpoint, interface, vpc},
        testing::{assert_not_assessed, failures, only, with_region},
    };

    fn account(endpoints: Vec<Endpoint>) -> Inventory {
        with_region(|region| {
            region.vpc.vpcs = Listing::complete(vec![vpc("vpc-1")]);
            region.vpc.endpoints = Listing::complete(endpoints);
            region.ec2.network_interfaces = Listing::complete(vec![interface()]);
        })
    }

    fn all() -> Vec<Endpoint> {
        SERVICES.map(endpoint).into()
    }

    #[test]
    fn all_of_them_pass_and_each_missing_one_is_a_finding() {
        assert_eq!(only(&CHECK, &account(all())), Ok(Outcome::Pass));
        let missing = "ssm: ServiceName is no available interface endpoint for ssm";
        let mut some = all();
        some.remove(3);
        assert_eq!(failures(&CHECK, &account(some)), [missing]);
    }

    #[test]
    fn another_vpcs_pending_or_gateway_endpoint_does_not_count() {
        let spoil: [fn(&mut Endpoint); 3] = [
            |endpoint| endpoint.vpc_id = "vpc-9".to_owned(),
            |endpoint| endpoint.state = "pending".to_owned(),
            |endpoint| endpoint.endpoint_type = "Gateway".to_owned(),
        ];
        for spoil in spoil {
            let mut endpoints = all();
            spoil(&mut endpoints[0]);
            assert_eq!(failures(&CHECK, &account(endpoints)).len(), 1);
        }
    }

    #[test]
    fn the_fips_variant_counts_and_a_service_of_like_name_does_not() {
        let mut endpoints = all();
        endpoints[0].service_name.push_str("-fips");
        assert_eq!(only(&CHECK, &account(endpoints)), Ok(Outcome::Pass));
        let mut endpoints = all();
        endpoints[0].service_name.push_str("messages");
        assert_eq!(failures(&CHECK, &account(endpoints)).len(), 1);
    }

    #[test]
    fn an_unused_vpc_calls_nothing() {
        let mut unused = account(vec![]);
        unused.regions[0].ec2.network_interfaces = Listing::complete(vec![]);
        assert!(matches!(only(&CHECK, &unused), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn unread_endpoints_might_be_there() {
        let call = &calls::ec2::DESCRIBE_VPC_ENDPOINTS;
        let mut unread = account(vec![]);
        unread.regions[0].vpc.endpoints = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &unread, call);
    }
}
