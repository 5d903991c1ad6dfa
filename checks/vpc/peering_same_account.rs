use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::PeeringConnection,
};

declare_check! {
    /// Both sides of a peering connection belong to this account. A connection that was
    /// refused, failed, expired or deleted connects nothing and is not judged; one that waits
    /// for acceptance is. Connections to accounts of your organization fail too, because
    /// membership does not show here: suppress them by name.
    ///
    /// ## Why it matters
    /// A peering joins another party's network to this one, with only routes and security
    /// groups in between.
    ///
    /// ## Remediation
    /// Prefer PrivateLink, which exposes one service instead of a network. Where nobody needs
    /// the connection:
    /// ```sh
    /// aws ec2 delete-vpc-peering-connection --vpc-peering-connection-id PEERING
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>
    /// - <https://docs.aws.amazon.com/vpc/latest/privatelink/what-is-privatelink.html>
    pub(super) static CHECK = {
        id: "vpc.peering-same-account",
        title: "peering connection stays within the account",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::VPCPeeringConnection",
        needs: &[&calls::ec2::DESCRIBE_VPC_PEERING_CONNECTIONS],
        evaluate: |inventory, findings| {
            let account = &inventory.account_id;
            findings.each_region(inventory, |region| &region.vpc.peering_connections, |_, peering| {
                Ok(evaluate(peering, account))
            });
        },
    }
}

fn evaluate(peering: &PeeringConnection, account: &str) -> Outcome {
    if peering.is_gone() {
        return Outcome::NotApplicable(
            "the connection does not exist any more, or never came about",
        );
    }
    let sides = [
        ("RequesterVpcInfo.OwnerId", &peering.requester),
        ("AccepterVpcInfo.OwnerId", &peering.accepter),
    ];
    match sides.into_iter().find(|(_, side)| side.account != account) {
        None => Outcome::Pass,
        Some((field, side)) => Outcome::Fail(vec![Evidence::new(
            &calls::ec2::DESCRIBE_VPC_PEERING_CONNECTIONS,
            field,
            side.account.clone(),
            account.to_owned(),
        )]),
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::peering,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(peering: PeeringConnection) -> Inventory {
        with_region(|region| region.vpc.peering_connections = Listing::complete(vec![peering]))
    }

    fn foreign(status: &str) -> PeeringConnection {
        let mut peering = peering();
        peering.accepter.account = "210987654321".to_owned();
        peering.status = status.to_owned();
        peering
    }

    #[test]
    fn the_own_account_on_both_sides_passes_and_another_fails() {
        assert_eq!(only(&CHECK, &account(peering())), Ok(Outcome::Pass));
        let field = "AccepterVpcInfo.OwnerId";
        assert_fails(&CHECK, &account(foreign("active")), field, "210987654321");
        assert_fails(&CHECK, &account(foreign("pending-acceptance")), field, "210987654321");
    }

    #[test]
    fn a_connection_that_is_gone_is_not_judged() {
        for status in ["deleted", "rejected", "expired", "failed", "deleting"] {
            let verdict = only(&CHECK, &account(foreign(status)));
            assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{status}");
        }
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VPC_PEERING_CONNECTIONS;
        let account = with_region(|region| {
            region.vpc.peering_connections = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
