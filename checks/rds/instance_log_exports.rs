use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::{
    engine::{Engine, is_custom},
    logs::missing,
    scope,
};

declare_check! {
    /// The logs that an investigation needs, by engine: `postgresql` for PostgreSQL; `audit` and
    /// `error` for MySQL and MariaDB; `alert`, `audit` and `listener` for Oracle; `error` for SQL
    /// Server, with `agent` except in Express, which has no agent; `diag.log` and `notify.log` for
    /// Db2. Logs of single statements (`general`, `slowquery`, `trace`) are not asked for: they
    /// cost much and hold data. Exporting `audit` of MySQL and MariaDB needs the audit plugin in
    /// the option group. Members of a cluster export through it; RDS Custom leaves logs to the
    /// host.
    ///
    /// ## Why it matters
    /// Logs on the instance are deleted after days, go with the instance, and fall to whoever
    /// takes it over. Copies in CloudWatch Logs stay, and can raise alarms.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME \
    ///   --cloudwatch-logs-export-configuration '{"EnableLogTypes":["audit","error"]}' --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MySQL.Options.AuditPlugin.html>
    pub(super) static CHECK = {
        id: "rds.instance-log-exports",
        title: "database instance exports its error and audit logs",
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
    if is_custom(&instance.engine) {
        return Outcome::NotApplicable("RDS Custom leaves logs to the host");
    }
    let wanted: &[&str] = match Engine::of(&instance.engine) {
        Engine::Db2 => &["diag.log", "notify.log"],
        Engine::MariaDb | Engine::MySql => &["audit", "error"],
        Engine::Oracle => &["alert", "audit", "listener"],
        Engine::Postgres => &["postgresql"],
        Engine::SqlServer if instance.engine == "sqlserver-ex" => &["error"],
        Engine::SqlServer => &["agent", "error"],
        Engine::Other => return Outcome::NotApplicable("the engine exports no logs"),
    };
    missing(&calls::DESCRIBE_DB_INSTANCES, &instance.enabled_cloudwatch_logs_exports, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{denied_instances, instance, with_instance},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn exporting(engine: &str, logs: &[&str]) -> DbInstance {
        let logs = logs.iter().map(|log| (*log).to_owned()).collect();
        DbInstance { enabled_cloudwatch_logs_exports: logs, ..instance(engine, "1.0") }
    }

    #[test]
    fn the_logs_of_the_engine_pass() {
        assert_eq!(
            only(&CHECK, &with_instance(exporting("postgres", &["postgresql"]))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn the_missing_log_is_named() {
        let silent = exporting("mariadb", &["error", "slowquery"]);
        assert_fails(
            &CHECK,
            &with_instance(silent),
            "EnabledCloudwatchLogsExports",
            "audit missing",
        );
    }

    #[test]
    fn sql_server_express_has_no_agent() {
        assert_eq!(
            only(&CHECK, &with_instance(exporting("sqlserver-ex", &["error"]))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn rds_custom_has_no_exports() {
        let custom = exporting("custom-oracle-ee", &[]);
        let verdict = only(&CHECK, &with_instance(custom));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
