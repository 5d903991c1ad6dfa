use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Region, Service, Severity, calls::rds as calls,
    declare_check, inventory::rds::DbCluster,
};

use super::{scope, transport};

declare_check! {
    /// Clusters offer TLS; they insist on it with `require_secure_transport` on (MySQL) or
    /// `rds.force_ssl` at 1 (PostgreSQL) in the cluster's parameter group. Where the group sets no
    /// value the default counts: on for Aurora MySQL since 8.4, Aurora PostgreSQL since 17 and
    /// Multi-AZ DB clusters of PostgreSQL since 15, off elsewhere. A value that a member has yet to
    /// take over by a reboot is not in force, and a person must look.
    ///
    /// ## Why it matters
    /// A client that is not told to use TLS sends the login and the data readable to everyone on
    /// the way, and no server that merely offers TLS stops it.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name GROUP --parameters \
    ///   ParameterName=require_secure_transport,ParameterValue=ON,ApplyMethod=immediate
    /// ```
    /// Default groups cannot be changed: make one of your own and attach it. See first that all
    /// clients connect with TLS.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Security.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-v3-v84.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html>
    pub(super) static CHECK = {
        id: "rds.cluster-transport-encrypted",
        title: "database cluster refuses plain connections",
        service: Service::Rds,
        severity: Severity::High,
        layer: Layer::NetworkingTrafficProtection,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS, &calls::DESCRIBE_DB_CLUSTER_PARAMETERS],
        evaluate: |inventory, findings| scope::clusters(inventory, findings, evaluate),
    }
}

fn evaluate(region: &Region, cluster: &DbCluster) -> Assessed {
    let Some(name) = transport::parameter(&cluster.engine) else {
        return Ok(Outcome::NotApplicable("the engine is not known to demarc"));
    };
    let value = match &cluster.parameter_group {
        Some(group) => region.rds.cluster_parameter(group, name)?,
        None => None,
    };
    Ok(transport::judge(
        &calls::DESCRIBE_DB_CLUSTER_PARAMETERS,
        name,
        value,
        (&cluster.engine, &cluster.engine_version),
        cluster.parameters_pending,
    ))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read};

    use super::*;
    use crate::{
        rds::testing::{cluster, tuned, with_cluster},
        testing::{assert_fails, assert_not_assessed, only},
    };

    fn account(cluster: DbCluster, values: &[(&str, &str)]) -> Inventory {
        let mut inventory = with_cluster(cluster);
        inventory.regions[0].rds.cluster_parameters = tuned(values);
        inventory
    }

    #[test]
    fn a_set_parameter_passes() {
        let values = [("require_secure_transport", "ON")];
        let account = account(cluster("aurora-mysql", "8.0.mysql_aurora.3.04.0"), &values);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn the_default_depends_on_the_engine_and_its_version() {
        let sixteen = account(cluster("aurora-postgresql", "16.3"), &[]);
        let observed = "not set, which is off for aurora-postgresql 16.3";
        assert_fails(&CHECK, &sixteen, "rds.force_ssl", observed);
        let seventeen = account(cluster("aurora-postgresql", "17.4"), &[]);
        assert_eq!(only(&CHECK, &seventeen), Ok(Outcome::Pass));
        let mysql = account(cluster("aurora-mysql", "8.4.mysql_aurora.8.4.7"), &[]);
        assert_eq!(only(&CHECK, &mysql), Ok(Outcome::Pass));
        let multi_az = account(cluster("postgres", "16.3"), &[]);
        assert_eq!(only(&CHECK, &multi_az), Ok(Outcome::Pass));
    }

    #[test]
    fn a_member_that_has_not_rebooted_is_for_a_person() {
        let waiting = DbCluster { parameters_pending: true, ..cluster("aurora-mysql", "8.0") };
        let verdict = only(&CHECK, &account(waiting, &[("require_secure_transport", "1")]));
        assert!(matches!(verdict, Ok(Outcome::Manual(_))), "{verdict:?}");
    }

    #[test]
    fn an_unread_parameter_group_is_not_the_default() {
        let mut account = account(cluster("aurora-postgresql", "17.4"), &[]);
        let call = &calls::DESCRIBE_DB_CLUSTER_PARAMETERS;
        let groups = &mut account.regions[0].rds.cluster_parameters;
        groups.insert("tuned".to_owned(), Read::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
