use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::scope;

declare_check! {
    /// With `CopyTagsToSnapshot`, snapshots carry the tags that the cluster had. The default is
    /// not to copy them.
    ///
    /// ## Why it matters
    /// What goes by tags, from access rules to clean-up, does not see the snapshots of such a
    /// cluster.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster --db-cluster-identifier NAME --copy-tags-to-snapshot --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-copy-tags-to-snapshots",
        title: "database cluster passes its tags on to snapshots",
        service: Service::Rds,
        severity: Severity::Low,
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
    Outcome::require(cluster.copy_tags_to_snapshot, || {
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "CopyTagsToSnapshot", "false", "true")
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
    fn copied_tags_pass() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn tags_left_behind_fail() {
        let bare = DbCluster { copy_tags_to_snapshot: false, ..cluster("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_cluster(bare), "CopyTagsToSnapshot", "false");
    }

    #[test]
    fn a_cluster_being_deleted_is_left_alone() {
        let bare = DbCluster {
            copy_tags_to_snapshot: false,
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
