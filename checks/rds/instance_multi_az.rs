use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::{engine::is_custom, scope};

declare_check! {
    /// A Multi-AZ deployment keeps a synchronous standby in another Availability Zone and fails
    /// over to it. A read replica is not asked for one: its source is what must not fail. SQL
    /// Server Express cannot have one. RDS Custom passes where the API shows a standby and is left
    /// alone otherwise, for there the field need not be filled. Clusters have
    /// `rds.cluster-multi-az`.
    ///
    /// ## Why it matters
    /// Without a standby, the loss of one zone, or a patch of the operating system, is an outage
    /// of the database, and recovery is a restore to the last backup.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --multi-az --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-multi-az",
        title: "database instance has a standby in another zone",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    if instance.multi_az {
        return Outcome::Pass;
    }
    if instance.replica_source.is_some() {
        return Outcome::NotApplicable("a read replica; its source is what fails over");
    }
    if instance.engine == "sqlserver-ex" {
        return Outcome::NotApplicable("SQL Server Express has no Multi-AZ deployments");
    }
    if is_custom(&instance.engine) {
        return Outcome::NotApplicable("the API does not tell it of RDS Custom");
    }
    Outcome::fail(&calls::DESCRIBE_DB_INSTANCES, "MultiAZ", "false", "true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{denied_instances, instance, with_instance},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn a_standby_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn a_single_zone_fails() {
        let single = DbInstance { multi_az: false, ..instance("mysql", "8.0.36") };
        assert_fails(&CHECK, &with_instance(single), "MultiAZ", "false");
    }

    #[test]
    fn a_read_replica_needs_no_standby() {
        let replica = DbInstance {
            multi_az: false,
            replica_source: Some("primary".to_owned()),
            ..instance("mysql", "8.0.36")
        };
        let verdict = only(&CHECK, &with_instance(replica));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn sql_server_express_cannot_have_one() {
        let express = DbInstance { multi_az: false, ..instance("sqlserver-ex", "15.00") };
        let verdict = only(&CHECK, &with_instance(express));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
