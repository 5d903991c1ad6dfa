use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::{engine::Engine, scope};

declare_check! {
    /// The port that the engine's clients try first: 3306 for MySQL and MariaDB, 5432 for
    /// PostgreSQL, 1521 for Oracle, 1433 for SQL Server, 50000 for Db2. Members of a cluster
    /// listen where the cluster does. This hides a database from the cheapest of scans, no more.
    ///
    /// ## Why it matters
    /// Scripts that sweep networks try the well-known ports. A database elsewhere is spared by
    /// them, and a connection to the default port becomes a sign of somebody looking.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --db-port-number 6033 --apply-immediately
    /// ```
    /// The instance restarts; change the clients and the security groups with it.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CreateDBInstance.Settings.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-custom-port",
        title: "database instance does not listen on the default port",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    let Some(port) = instance.port else {
        return Outcome::NotApplicable("it has no port yet");
    };
    let default = Engine::of(&instance.engine).default_port();
    Outcome::require(Some(port) != default, || {
        Evidence::new(
            &calls::DESCRIBE_DB_INSTANCES,
            "Endpoint.Port",
            port.to_string(),
            "another port",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{denied_instances, instance, with_instance},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn another_port_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn the_default_port_fails() {
        let usual = DbInstance { port: Some(1433), ..instance("sqlserver-web", "15.00") };
        assert_fails(&CHECK, &with_instance(usual), "Endpoint.Port", "1433");
    }

    #[test]
    fn the_default_of_another_engine_is_not_its_own() {
        assert_eq!(
            only(
                &CHECK,
                &with_instance(DbInstance { port: Some(3306), ..instance("postgres", "16.3") })
            ),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn an_instance_without_an_endpoint_has_no_port() {
        let creating = DbInstance { port: None, ..instance("mysql", "8.0.36") };
        let verdict = only(&CHECK, &with_instance(creating));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
