use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::{
    engine::{Engine, is_custom, version},
    scope,
};

declare_check! {
    /// IAM database authentication lets a principal log in with a token of fifteen minutes instead
    /// of a password. Of the engines of RDS, MariaDB 10.6 and later, MySQL and PostgreSQL have it;
    /// RDS Custom does not. Clusters decide for their members.
    ///
    /// ## Why it matters
    /// Passwords of databases are shared, seldom changed, and end up in files. A token is made for
    /// one role, ends by itself, and who made it is in CloudTrail.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --enable-iam-database-authentication \
    ///   --apply-immediately
    /// ```
    /// Then map database users to it: `CREATE USER app IDENTIFIED WITH AWSAuthenticationPlugin AS
    /// 'RDS'` in MySQL and MariaDB, `GRANT rds_iam TO app` in PostgreSQL.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.RDS_Fea_Regions_DB-eng.Feature.IamDatabaseAuthentication.html>
    pub(super) static CHECK = {
        id: "rds.instance-iam-authentication",
        title: "database instance accepts IAM identities",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    let able = match Engine::of(&instance.engine) {
        Engine::MySql | Engine::Postgres => true,
        Engine::MariaDb => version(&instance.engine_version) >= (10, 6),
        _ => false,
    };
    if !able || is_custom(&instance.engine) {
        return Outcome::NotApplicable("the engine has no IAM authentication");
    }
    Outcome::require(instance.iam_database_authentication_enabled, || {
        let field = "IAMDatabaseAuthenticationEnabled";
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, field, "false", "true")
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
    fn iam_authentication_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn passwords_alone_fail() {
        let passwords = DbInstance {
            iam_database_authentication_enabled: false,
            ..instance("mariadb", "10.11.6")
        };
        assert_fails(
            &CHECK,
            &with_instance(passwords),
            "IAMDatabaseAuthenticationEnabled",
            "false",
        );
    }

    #[test]
    fn engines_without_the_feature_are_left_alone() {
        for (engine, version) in
            [("oracle-ee", "19.0"), ("sqlserver-se", "15.00"), ("mariadb", "10.5.23")]
        {
            let passwords = DbInstance {
                iam_database_authentication_enabled: false,
                ..instance(engine, version)
            };
            let verdict = only(&CHECK, &with_instance(passwords));
            assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{engine}: {verdict:?}");
        }
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
