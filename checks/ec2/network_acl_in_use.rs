use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::NetworkAcl,
};

use super::owned::each_owned;

declare_check! {
    /// A network ACL that somebody made filters at least one subnet. The default ACL of a VPC
    /// cannot be deleted and is not judged.
    ///
    /// ## Why it matters
    /// An ACL without subnets is mistaken for protection when the rules of a VPC are read.
    ///
    /// ## Remediation
    /// Give it its subnets back, or delete it:
    /// ```sh
    /// aws ec2 delete-network-acl --network-acl-id ACL
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-16>
    pub(super) static CHECK = {
        id: "ec2.network-acl-in-use",
        title: "network ACL filters a subnet",
        service: Service::Ec2,
        severity: Severity::Low,
        layer: Layer::FirewallConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::NetworkAcl",
        needs: &[&calls::ec2::DESCRIBE_NETWORK_ACLS],
        evaluate: |inventory, findings| {
            each_owned(inventory, findings, |region| &region.ec2.network_acls, evaluate);
        },
    }
}

fn evaluate(acl: &NetworkAcl) -> Outcome {
    if acl.is_default {
        return Outcome::NotApplicable("the default ACL cannot be deleted");
    }
    Outcome::require(!acl.subnet_ids.is_empty(), || {
        let call = &calls::ec2::DESCRIBE_NETWORK_ACLS;
        Evidence::new(call, "Associations", "none", "a subnet, or no ACL")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::acl,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(acl: NetworkAcl) -> Inventory {
        with_region(|region| region.ec2.network_acls = Listing::complete(vec![acl]))
    }

    #[test]
    fn an_acl_with_a_subnet_passes_and_one_without_fails() {
        assert_eq!(only(&CHECK, &account(acl(vec![]))), Ok(Outcome::Pass));
        let idle = NetworkAcl { subnet_ids: vec![], ..acl(vec![]) };
        assert_fails(&CHECK, &account(idle), "Associations", "none");
    }

    #[test]
    fn the_default_acl_cannot_be_deleted() {
        let idle = NetworkAcl { subnet_ids: vec![], is_default: true, ..acl(vec![]) };
        let verdict = only(&CHECK, &account(idle));
        assert_eq!(verdict, Ok(Outcome::NotApplicable("the default ACL cannot be deleted")));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_NETWORK_ACLS;
        let account = with_region(|region| {
            region.ec2.network_acls = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
