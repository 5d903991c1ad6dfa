use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::scope;

declare_check! {
    /// The console proposes `admin` for MySQL and `postgres` for PostgreSQL. A replica has the
    /// users of its source.
    ///
    /// ## Why it matters
    /// Half of a guessed login is right when the name is the default one.
    ///
    /// ## Remediation
    /// The name cannot be changed: create a cluster with another one and move the data over.
    /// ```sh
    /// aws rds create-db-cluster --db-cluster-identifier NEW --engine aurora-postgresql --master-username NAME \
    ///   --manage-master-user-password
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>
    pub(super) static CHECK = {
        id: "rds.cluster-custom-admin-name",
        title: "database cluster has no default administrator name",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS],
        evaluate: |inventory, findings| {
            scope::clusters(inventory, findings, |_, cluster| Ok(evaluate(cluster)));
        },
    }
}

fn evaluate(cluster: &DbCluster) -> Outcome {
    if cluster.replica_source.is_some() {
        return Outcome::NotApplicable("a replica has the users of its source");
    }
    let name = cluster.master_username.to_ascii_lowercase();
    Outcome::require(!matches!(name.as_str(), "admin" | "postgres"), || {
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "MasterUsername", name, "a name of its own")
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
    fn a_name_of_its_own_passes() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn the_default_name_fails() {
        let guessable =
            DbCluster { master_username: "admin".to_owned(), ..cluster("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_cluster(guessable), "MasterUsername", "admin");
    }

    #[test]
    fn a_replica_has_the_users_of_its_source() {
        let replica = DbCluster {
            master_username: "admin".to_owned(),
            replica_source: Some("primary".to_owned()),
            ..cluster("aurora-mysql", "8.0")
        };
        let verdict = only(&CHECK, &with_cluster(replica));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
