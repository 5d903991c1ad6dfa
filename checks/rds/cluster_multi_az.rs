use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::scope;

declare_check! {
    /// Aurora keeps six copies of the data in three zones whatever one does, but only an instance
    /// in another zone can take over serving it. A cluster without any instance, as in the
    /// secondary region of a global database, serves nobody and is left alone, as is Aurora
    /// Serverless v1, which starts its capacity in another zone by itself.
    ///
    /// ## Why it matters
    /// When the only instance or its zone fails, Aurora must create a new one, which takes minutes
    /// at best and fails while the zone has no capacity.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds create-db-instance --db-cluster-identifier NAME --db-instance-identifier NAME-2 \
    ///   --engine aurora-postgresql --db-instance-class db.r7g.large --availability-zone OTHER-ZONE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-multi-az",
        title: "database cluster has instances in several zones",
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
        return Outcome::NotApplicable("Aurora Serverless v1 fails over by itself");
    }
    if cluster.members == 0 {
        return Outcome::NotApplicable("it has no instance: there is nothing to fail over");
    }
    Outcome::require(cluster.multi_az, || {
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "MultiAZ", "false", "true")
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
    fn instances_in_several_zones_pass() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn one_instance_fails() {
        let single = DbCluster { multi_az: false, members: 1, ..cluster("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_cluster(single), "MultiAZ", "false");
    }

    #[test]
    fn a_headless_secondary_serves_nobody() {
        let headless = DbCluster { multi_az: false, members: 0, ..cluster("aurora-mysql", "8.0") };
        let verdict = only(&CHECK, &with_cluster(headless));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn serverless_v1_fails_over_by_itself() {
        let serverless = DbCluster {
            multi_az: false,
            engine_mode: "serverless".to_owned(),
            ..cluster("aurora-mysql", "5.7")
        };
        let verdict = only(&CHECK, &with_cluster(serverless));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
