use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::{engine::Engine, scope};

declare_check! {
    /// The port that the engine's clients try first: 3306 for MySQL, 5432 for PostgreSQL. Aurora
    /// Serverless v1 has no other. This hides a database from the cheapest of scans, no more.
    ///
    /// ## Why it matters
    /// Scripts that sweep networks try the well-known ports first.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster --db-cluster-identifier NAME --port 6033 --apply-immediately
    /// ```
    /// The members restart; change the clients and the security groups with it.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.CreateInstance.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-custom-port",
        title: "database cluster does not listen on the default port",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS],
        evaluate: |inventory, findings| {
            scope::clusters(inventory, findings, |_, cluster| Ok(evaluate(cluster)));
        },
    }
}

fn evaluate(cluster: &DbCluster) -> Outcome {
    if cluster.engine_mode == "serverless" {
        return Outcome::NotApplicable("Aurora Serverless v1 has no other port");
    }

    let Some(port) = cluster.port else {
        return Outcome::NotApplicable("it has no port yet");
    };
    let default = Engine::of(&cluster.engine).default_port();
    Outcome::require(Some(port) != default, || {
        Evidence::new(
            &calls::DESCRIBE_DB_CLUSTERS,
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
        rds::testing::{cluster, denied_clusters, with_cluster},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn another_port_passes() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn the_default_port_fails() {
        let usual = DbCluster { port: Some(5432), ..cluster("aurora-postgresql", "16.3") };
        assert_fails(&CHECK, &with_cluster(usual), "Endpoint.Port", "5432");
    }

    #[test]
    fn serverless_v1_has_no_other_port() {
        let v1 = DbCluster {
            port: Some(3306),
            engine_mode: "serverless".to_owned(),
            ..cluster("aurora-mysql", "5.7")
        };
        let verdict = only(&CHECK, &with_cluster(v1));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
