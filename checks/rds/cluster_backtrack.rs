use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::{
    engine::{Engine, is_aurora},
    scope,
};

declare_check! {
    /// Backtracking winds a cluster back in place, within minutes. Aurora MySQL alone has it, and
    /// not Aurora Serverless v1; a replica of another cluster is wound back by its source.
    ///
    /// ## Why it matters
    /// A restore makes a new cluster, takes long, and all clients must move to it. After a wrong
    /// statement, backtracking returns the same cluster to the moment before.
    ///
    /// ## Remediation
    /// Backtracking can only be chosen when a cluster is made or restored:
    /// ```sh
    /// aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier NAME \
    ///   --db-cluster-identifier NEW --use-latest-restorable-time --backtrack-window 86400
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Managing.Backtrack.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-backtrack",
        title: "Aurora MySQL cluster can be wound back",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS],
        evaluate: |inventory, findings| {
            scope::clusters(inventory, findings, |_, cluster| Ok(evaluate(cluster)));
        },
    }
}

fn evaluate(cluster: &DbCluster) -> Outcome {
    let able = is_aurora(&cluster.engine) && Engine::of(&cluster.engine) == Engine::MySql;
    if !able || cluster.engine_mode == "serverless" {
        return Outcome::NotApplicable("Aurora MySQL alone has backtracking");
    }
    if cluster.replica_source.is_some() {
        return Outcome::NotApplicable("a replica; its source is what is wound back");
    }
    Outcome::require(cluster.backtrack_window > 0, || {
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "BacktrackWindow", "0", "more than 0 seconds")
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
    fn a_window_passes() {
        assert_eq!(only(&CHECK, &with_cluster(cluster("aurora-mysql", "8.0"))), Ok(Outcome::Pass));
    }

    #[test]
    fn no_window_fails() {
        let forward = DbCluster { backtrack_window: 0, ..cluster("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_cluster(forward), "BacktrackWindow", "0");
    }

    #[test]
    fn aurora_postgresql_cannot() {
        let postgres = DbCluster { backtrack_window: 0, ..cluster("aurora-postgresql", "16.3") };
        let verdict = only(&CHECK, &with_cluster(postgres));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
