use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::scope;

declare_check! {
    /// With deletion protection, deleting takes two calls: the first one takes the protection off.
    /// It guards the cluster and its storage, not the single members.
    ///
    /// ## Why it matters
    /// The last member and then the cluster fall to two hasty commands; automated backups go with
    /// them.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster --db-cluster-identifier NAME --deletion-protection --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-deletion-protection",
        title: "database cluster cannot be deleted by one call",
        service: Service::Rds,
        severity: Severity::Medium,
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
    Outcome::require(cluster.deletion_protection, || {
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "DeletionProtection", "false", "true")
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
    fn a_protected_cluster_passes() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn an_unprotected_one_fails() {
        let bare = DbCluster { deletion_protection: false, ..cluster("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_cluster(bare), "DeletionProtection", "false");
    }

    #[test]
    fn a_cluster_being_deleted_is_left_alone() {
        let bare = DbCluster {
            deletion_protection: false,
            status: "deleting".to_owned(),
            ..cluster("mysql", "8.0.36")
        };
        let verdict = only(&CHECK, &with_cluster(bare));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
