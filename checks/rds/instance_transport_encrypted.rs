use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity,
    calls::rds as calls,
    declare_check,
    inventory::rds::{DbInstance, OptionGroup},
};

use super::{
    engine::{Engine, is_custom},
    scope, transport,
};

declare_check! {
    /// All engines offer TLS; the question is whether they insist. PostgreSQL and SQL Server do
    /// with `rds.force_ssl` at 1, MySQL and MariaDB with `require_secure_transport` on. Where the
    /// group sets no value the default counts: on for PostgreSQL since 15 and MariaDB since 11.8,
    /// off elsewhere. Oracle insists when the option `NATIVE_NETWORK_ENCRYPTION` has
    /// `SQLNET.ENCRYPTION_SERVER` at `REQUIRED`; its option `SSL` only adds a second port and
    /// leaves the plain one open. A value that waits for a reboot is not yet in force, and a
    /// person must look; so for Db2, where `DB2COMM` decides, which is not read. Members of a
    /// cluster follow `rds.cluster-transport-encrypted`.
    ///
    /// ## Why it matters
    /// A client that is not told to use TLS sends the login and the data readable to everyone on
    /// the way, and no server that merely offers TLS stops it.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-parameter-group --db-parameter-group-name GROUP --parameters \
    ///   ParameterName=rds.force_ssl,ParameterValue=1,ApplyMethod=pending-reboot
    /// ```
    /// Default groups cannot be changed: make one of your own and attach it. See first that all
    /// clients connect with TLS.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mariadb-ssl-connections.require-ssl.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/SQLServer.Concepts.General.SSL.Using.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Oracle.Options.NNE.Options.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.Oracle.Options.SSL.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Db2.Concepts.SSL.html>
    pub(super) static CHECK = {
        id: "rds.instance-transport-encrypted",
        title: "database instance refuses plain connections",
        service: Service::Rds,
        severity: Severity::High,
        layer: Layer::NetworkingTrafficProtection,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[
            &calls::DESCRIBE_DB_INSTANCES,
            &calls::DESCRIBE_DB_PARAMETERS,
            &calls::DESCRIBE_OPTION_GROUPS,
        ],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, evaluate);
        },
    }
}

fn evaluate(region: &Region, instance: &DbInstance) -> Assessed {
    if is_custom(&instance.engine) {
        return Ok(Outcome::NotApplicable("RDS Custom leaves the engine's settings to the host"));
    }
    if let Some(name) = transport::parameter(&instance.engine) {
        let value = match instance.parameter_groups.first() {
            Some(group) => region.rds.parameter(group, name)?,
            None => None,
        };
        return Ok(transport::judge(
            &calls::DESCRIBE_DB_PARAMETERS,
            name,
            value,
            (&instance.engine, &instance.engine_version),
            instance.parameters_pending,
        ));
    }
    match Engine::of(&instance.engine) {
        Engine::Oracle => oracle(region, instance),
        Engine::Db2 => Ok(Outcome::Manual(
            "see that DB2COMM is SSL alone in the parameter group, so that plain TCP is closed",
        )),
        _ => Ok(Outcome::NotApplicable("the engine is not known to demarc")),
    }
}

const OPTION: &str = "NATIVE_NETWORK_ENCRYPTION";
const SETTING: &str = "SQLNET.ENCRYPTION_SERVER";

fn oracle(region: &Region, instance: &DbInstance) -> Assessed {
    let own = |group: &&OptionGroup| instance.option_groups.contains(&group.name);
    let Some(group) = region.rds.option_groups.find(own)? else {
        let call = &calls::DESCRIBE_OPTION_GROUPS;
        return Ok(Outcome::fail(call, "OptionGroupMemberships", "no option group", OPTION));
    };
    let setting = group
        .options
        .iter()
        .find(|(name, _)| name == OPTION)
        .map(|(_, settings)| settings.get(SETTING).map_or("REQUESTED", String::as_str));
    let required = setting.is_some_and(|value| value.eq_ignore_ascii_case("REQUIRED"));
    Ok(Outcome::require(required, || {
        let observed = match setting {
            Some(value) => value.to_owned(),
            None if group.options.iter().any(|(name, _)| name == "SSL") => {
                "only the option SSL, which leaves the plain port open".to_owned()
            }
            None => format!("no option {OPTION}"),
        };
        Evidence::new(&calls::DESCRIBE_OPTION_GROUPS, SETTING, observed, "REQUIRED")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Read};

    use super::*;
    use crate::{
        rds::testing::{instance, tuned, with_instance},
        testing::{assert_fails, assert_not_assessed, only, subject},
    };

    fn account(instance: DbInstance, values: &[(&str, &str)]) -> Inventory {
        let mut inventory = with_instance(instance);
        inventory.regions[0].rds.parameters = tuned(values);
        inventory
    }

    fn oracle_with(option: &str, settings: &[(&str, &str)]) -> Inventory {
        let mut inventory = with_instance(instance("oracle-se2", "19.0"));
        let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        inventory.regions[0].rds.option_groups = Listing::complete(vec![OptionGroup {
            subject: subject("AWS::RDS::OptionGroup", "options"),
            name: "options".to_owned(),
            engine: "oracle-se2".to_owned(),
            options: vec![(option.to_owned(), settings)],
        }]);
        inventory
    }

    #[test]
    fn a_set_parameter_passes() {
        let mysql = account(instance("mysql", "8.0.36"), &[("require_secure_transport", "ON")]);
        assert_eq!(only(&CHECK, &mysql), Ok(Outcome::Pass));
        let server = account(instance("sqlserver-se", "15.00"), &[("rds.force_ssl", "1")]);
        assert_eq!(only(&CHECK, &server), Ok(Outcome::Pass));
    }

    #[test]
    fn the_default_depends_on_the_version() {
        assert_eq!(only(&CHECK, &account(instance("postgres", "15.4"), &[])), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &account(instance("mariadb", "11.8.2"), &[])), Ok(Outcome::Pass));
        let old = account(instance("postgres", "14.12"), &[]);
        let observed = "not set, which is off for postgres 14.12";
        assert_fails(&CHECK, &old, "rds.force_ssl", observed);
        let old = account(instance("mariadb", "11.4.5"), &[]);
        let observed = "not set, which is off for mariadb 11.4.5";
        assert_fails(&CHECK, &old, "require_secure_transport", observed);
        // Whatever the version, these leave it to the customer.
        let mysql = account(instance("mysql", "8.4.3"), &[]);
        let observed = "not set, which is off for mysql 8.4.3";
        assert_fails(&CHECK, &mysql, "require_secure_transport", observed);
        let server = account(instance("sqlserver-se", "16.00"), &[]);
        let observed = "not set, which is off for sqlserver-se 16.00";
        assert_fails(&CHECK, &server, "rds.force_ssl", observed);
    }

    #[test]
    fn a_default_that_is_switched_off_fails() {
        let off = account(instance("postgres", "16.3"), &[("rds.force_ssl", "0")]);
        assert_fails(&CHECK, &off, "rds.force_ssl", "0");
    }

    #[test]
    fn a_value_that_waits_for_a_reboot_is_for_a_person() {
        let waiting = DbInstance { parameters_pending: true, ..instance("sqlserver-se", "15.00") };
        let verdict = only(&CHECK, &account(waiting, &[("rds.force_ssl", "1")]));
        assert!(matches!(verdict, Ok(Outcome::Manual(_))), "{verdict:?}");
    }

    #[test]
    fn oracle_must_require_not_request() {
        let required = oracle_with(OPTION, &[(SETTING, "REQUIRED")]);
        assert_eq!(only(&CHECK, &required), Ok(Outcome::Pass));
        assert_fails(&CHECK, &oracle_with(OPTION, &[]), SETTING, "REQUESTED");
        let observed = "only the option SSL, which leaves the plain port open";
        assert_fails(&CHECK, &oracle_with("SSL", &[]), SETTING, observed);
    }

    #[test]
    fn unread_options_leave_oracle_open() {
        let mut account = oracle_with(OPTION, &[]);
        let call = &calls::DESCRIBE_OPTION_GROUPS;
        account.regions[0].rds.option_groups = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }

    #[test]
    fn an_unread_parameter_group_is_not_the_default() {
        let mut account = account(instance("postgres", "16.3"), &[]);
        let call = &calls::DESCRIBE_DB_PARAMETERS;
        let groups = &mut account.regions[0].rds.parameters;
        groups.insert("tuned".to_owned(), Read::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
