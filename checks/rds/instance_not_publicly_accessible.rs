use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::scope;

declare_check! {
    /// `Publicly accessible` gives the instance a public IP address, to which its name resolves
    /// outside the VPC. Whether a packet gets through is then up to the subnet's routes, the security
    /// groups and VPC Block Public Access; none of them is counted, as each is changed for other
    /// reasons. `rds.instance-not-in-public-subnet` judges the routes.
    /// Members of a cluster have their own setting and are judged one by one.
    ///
    /// ## Why it matters
    /// Databases that the internet can address are found within minutes and then tried with leaked
    /// and guessed passwords, and with every flaw of the engine that has no patch yet.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --no-publicly-accessible --apply-immediately
    /// ```
    /// Clients outside the VPC need another way in first: a VPN, a peering, or a bastion.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-not-publicly-accessible",
        title: "database instance has no public address",
        service: Service::Rds,
        severity: Severity::Critical,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    Outcome::require(!instance.publicly_accessible, || {
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, "PubliclyAccessible", "true", "false")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{denied_instances, instance, member, with_instance},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn a_private_instance_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn a_public_instance_fails() {
        let public = DbInstance { publicly_accessible: true, ..instance("mysql", "8.0.36") };
        assert_fails(&CHECK, &with_instance(public), "PubliclyAccessible", "true");
    }

    #[test]
    fn a_member_of_a_cluster_can_be_public_on_its_own() {
        let public = DbInstance { publicly_accessible: true, ..member("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_instance(public), "PubliclyAccessible", "true");
    }

    #[test]
    fn an_instance_being_deleted_is_left_alone() {
        let public = DbInstance {
            publicly_accessible: true,
            status: "deleting".to_owned(),
            ..instance("mysql", "8.0.36")
        };
        let verdict = only(&CHECK, &with_instance(public));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
