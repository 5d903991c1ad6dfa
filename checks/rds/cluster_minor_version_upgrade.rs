use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::{engine::is_aurora, scope};

declare_check! {
    /// For Multi-AZ DB clusters of MySQL and PostgreSQL. Aurora holds the setting for each
    /// instance, where `rds.instance-minor-version-upgrade` judges it; Aurora Serverless v1 always
    /// upgrades by itself.
    ///
    /// ## Why it matters
    /// Minor versions are where engines fix their security flaws. A cluster that waits for
    /// somebody to remember them runs known flaws meanwhile.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster --db-cluster-identifier NAME --auto-minor-version-upgrade --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/multi-az-db-clusters-concepts.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-minor-version-upgrade",
        title: "Multi-AZ DB cluster takes minor versions by itself",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::Platform,
        control_type: ControlType::SharedPatchManagement,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS],
        evaluate: |inventory, findings| {
            scope::clusters(inventory, findings, |_, cluster| Ok(evaluate(cluster)));
        },
    }
}

fn evaluate(cluster: &DbCluster) -> Outcome {
    if is_aurora(&cluster.engine) {
        return Outcome::NotApplicable("Aurora holds this setting for each instance");
    }
    Outcome::require(cluster.auto_minor_version_upgrade, || {
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "AutoMinorVersionUpgrade", "false", "true")
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
    fn automatic_upgrades_pass() {
        assert_eq!(only(&CHECK, &with_cluster(cluster("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn upgrades_by_hand_fail() {
        let manual = DbCluster { auto_minor_version_upgrade: false, ..cluster("mysql", "8.0.36") };
        assert_fails(&CHECK, &with_cluster(manual), "AutoMinorVersionUpgrade", "false");
    }

    #[test]
    fn aurora_is_judged_by_instance() {
        let manual =
            DbCluster { auto_minor_version_upgrade: false, ..cluster("aurora-mysql", "8.0") };
        let verdict = only(&CHECK, &with_cluster(manual));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
