use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity,
    calls::rds as calls, declare_check, inventory::rds::DbCluster,
};

use super::{
    engine::{Engine, is_aurora},
    scope,
};

declare_check! {
    /// Aurora MySQL writes an audit log when `server_audit_logging` is on, and of nothing while
    /// `server_audit_events` is empty, which is the default. Other engines audit in other ways:
    /// PostgreSQL by the extension pgaudit, inside the database. Whether the log leaves the
    /// cluster is `rds.cluster-log-exports`.
    ///
    /// ## Why it matters
    /// Without it nobody can tell who connected, and which tables they read, when an account turns
    /// out to be stolen.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name GROUP --parameters \
    ///   ParameterName=server_audit_logging,ParameterValue=1,ApplyMethod=immediate \
    ///   "ParameterName=server_audit_events,ParameterValue='CONNECT,QUERY_DCL,QUERY_DDL',ApplyMethod=immediate"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Auditing.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>
    pub(super) static CHECK = {
        id: "rds.cluster-audit-logging",
        title: "Aurora MySQL cluster writes an audit log",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS, &calls::DESCRIBE_DB_CLUSTER_PARAMETERS],
        evaluate: |inventory, findings| scope::clusters(inventory, findings, evaluate),
    }
}

fn evaluate(region: &Region, cluster: &DbCluster) -> Assessed {
    if !is_aurora(&cluster.engine) || Engine::of(&cluster.engine) != Engine::MySql {
        return Ok(Outcome::NotApplicable("Aurora MySQL alone has these parameters"));
    }
    let value = |name| match &cluster.parameter_group {
        Some(group) => region.rds.cluster_parameter(group, name),
        None => Ok(None),
    };
    let logging = value("server_audit_logging")?.unwrap_or("0");
    let events = value("server_audit_events")?.unwrap_or_default();
    let call = &calls::DESCRIBE_DB_CLUSTER_PARAMETERS;
    if !matches!(logging.to_ascii_lowercase().as_str(), "1" | "on" | "true") {
        return Ok(Outcome::fail(call, "server_audit_logging", logging.to_owned(), "1"));
    }
    Ok(Outcome::require(!events.trim().is_empty(), || {
        Evidence::new(call, "server_audit_events", "empty", "CONNECT and what else matters")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read};

    use super::*;
    use crate::{
        rds::testing::{cluster, tuned, with_cluster},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn account(engine: &str, values: &[(&str, &str)]) -> Inventory {
        let mut inventory = with_cluster(cluster(engine, "8.0.mysql_aurora.3.04.0"));
        inventory.regions[0].rds.cluster_parameters = tuned(values);
        inventory
    }

    #[test]
    fn events_that_are_logged_pass() {
        let values = [("server_audit_logging", "1"), ("server_audit_events", "CONNECT")];
        assert_eq!(only(&CHECK, &account("aurora-mysql", &values)), Ok(Outcome::Pass));
    }

    #[test]
    fn the_default_is_off() {
        assert_fails(&CHECK, &account("aurora-mysql", &[]), "server_audit_logging", "0");
    }

    #[test]
    fn logging_no_events_is_no_audit() {
        let account = account("aurora-mysql", &[("server_audit_logging", "1")]);
        assert_fails(&CHECK, &account, "server_audit_events", "empty");
    }

    #[test]
    fn postgresql_audits_in_another_way() {
        let verdict = only(&CHECK, &account("aurora-postgresql", &[]));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn an_unread_parameter_group_is_not_assessed() {
        let mut account = account("aurora-mysql", &[]);
        let call = &calls::DESCRIBE_DB_CLUSTER_PARAMETERS;
        let groups = &mut account.regions[0].rds.cluster_parameters;
        groups.insert("tuned".to_owned(), Read::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
