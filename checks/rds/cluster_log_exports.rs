use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::{
    engine::{Engine, is_aurora},
    logs::missing,
    scope,
};

declare_check! {
    /// The logs that an investigation needs, by engine: `audit` and `error` for Aurora MySQL,
    /// `postgresql` for PostgreSQL, `error` for a Multi-AZ DB cluster of MySQL, which cannot
    /// export an audit log. Logs of single statements (`general`, `slowquery`) are not asked for:
    /// they cost much and hold data. Aurora Serverless v1 publishes its logs by itself. Whether
    /// Aurora MySQL writes an audit log at all is `rds.cluster-audit-logging`.
    ///
    /// ## Why it matters
    /// Logs on the members are deleted after days and go with the instance. Copies in CloudWatch
    /// Logs stay, and can raise alarms.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster --db-cluster-identifier NAME \
    ///   --cloudwatch-logs-export-configuration '{"EnableLogTypes":["audit","error"]}' --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Integrating.CloudWatch.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.CloudWatch.html>
    pub(super) static CHECK = {
        id: "rds.cluster-log-exports",
        title: "database cluster exports its error and audit logs",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS],
        evaluate: |inventory, findings| {
            scope::clusters(inventory, findings, |_, cluster| Ok(evaluate(cluster)));
        },
    }
}

fn evaluate(cluster: &DbCluster) -> Outcome {
    if cluster.engine_mode == "serverless" {
        return Outcome::NotApplicable("Aurora Serverless v1 publishes its logs by itself");
    }
    let wanted: &[&str] = match Engine::of(&cluster.engine) {
        Engine::MySql if is_aurora(&cluster.engine) => &["audit", "error"],
        Engine::MySql => &["error"],
        Engine::Postgres => &["postgresql"],
        _ => return Outcome::NotApplicable("the engine exports no logs"),
    };
    missing(&calls::DESCRIBE_DB_CLUSTERS, &cluster.enabled_cloudwatch_logs_exports, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{cluster, denied_clusters, with_cluster},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn exporting(engine: &str, logs: &[&str]) -> DbCluster {
        let logs = logs.iter().map(|log| (*log).to_owned()).collect();
        DbCluster { enabled_cloudwatch_logs_exports: logs, ..cluster(engine, "8.0") }
    }

    #[test]
    fn the_logs_of_the_engine_pass() {
        assert_eq!(
            only(&CHECK, &with_cluster(exporting("aurora-mysql", &["error", "audit"]))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn the_missing_logs_are_named() {
        let silent = exporting("aurora-mysql", &["slowquery"]);
        assert_fails(
            &CHECK,
            &with_cluster(silent),
            "EnabledCloudwatchLogsExports",
            "audit, error missing",
        );
    }

    #[test]
    fn a_multi_az_cluster_of_mysql_has_no_audit_log() {
        assert_eq!(only(&CHECK, &with_cluster(exporting("mysql", &["error"]))), Ok(Outcome::Pass));
    }

    #[test]
    fn serverless_v1_publishes_by_itself() {
        let v1 =
            DbCluster { engine_mode: "serverless".to_owned(), ..exporting("aurora-mysql", &[]) };
        let verdict = only(&CHECK, &with_cluster(v1));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
