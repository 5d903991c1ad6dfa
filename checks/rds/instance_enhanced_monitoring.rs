use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::{engine::is_custom, scope};

declare_check! {
    /// Enhanced Monitoring reports processes, memory and load from an agent inside the instance,
    /// every 1 to 60 seconds; an interval of 0 is off. Members of clusters are judged by their own
    /// interval. RDS Custom has no such setting.
    ///
    /// ## Why it matters
    /// The hypervisor's view tells that the processor is busy, not with what. A process that does
    /// not belong there shows in the agent's view alone.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --monitoring-interval 60 \
    ///   --monitoring-role-arn arn:aws:iam::ACCOUNT:role/rds-monitoring-role
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-enhanced-monitoring",
        title: "database instance reports its operating system",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    if is_custom(&instance.engine) {
        return Outcome::NotApplicable("RDS Custom has no Enhanced Monitoring");
    }
    Outcome::require(instance.monitoring_interval > 0, || {
        Evidence::new(
            &calls::DESCRIBE_DB_INSTANCES,
            "MonitoringInterval",
            "0",
            "60 seconds or less",
        )
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
    fn an_interval_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn no_interval_fails() {
        let blind = DbInstance { monitoring_interval: 0, ..member("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_instance(blind), "MonitoringInterval", "0");
    }

    #[test]
    fn rds_custom_has_no_agent() {
        let custom =
            DbInstance { monitoring_interval: 0, ..instance("custom-sqlserver-ee", "15.00") };
        let verdict = only(&CHECK, &with_instance(custom));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
