use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::scope;

declare_check! {
    /// Automated backups with seven days or more to return to. Clusters always have backups; the
    /// API's default is a single day.
    ///
    /// ## Why it matters
    /// A day is often over before damage is noticed. What continuous backup could have undone is
    /// then lost.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster --db-cluster-identifier NAME --backup-retention-period 7 --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Backups.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-backup-retention",
        title: "database cluster keeps backups for a week",
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
    let days = cluster.backup_retention_period;
    Outcome::require(days >= 7, || {
        let observed =
            if days == 0 { "0: no automated backups".to_owned() } else { days.to_string() };
        let expected = "7 days or more";
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "BackupRetentionPeriod", observed, expected)
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
    fn a_week_is_enough() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn the_default_of_one_day_fails() {
        let short = DbCluster { backup_retention_period: 1, ..cluster("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_cluster(short), "BackupRetentionPeriod", "1");
    }

    #[test]
    fn a_cluster_being_deleted_is_left_alone() {
        let short = DbCluster {
            backup_retention_period: 1,
            status: "deleting".to_owned(),
            ..cluster("aurora-mysql", "8.0")
        };
        let verdict = only(&CHECK, &with_cluster(short));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
