use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::scope;

declare_check! {
    /// IAM database authentication lets a principal log in with a token of fifteen minutes instead
    /// of a password. All of Aurora and the Multi-AZ DB clusters have it, except Aurora Serverless
    /// v1.
    ///
    /// ## Why it matters
    /// One password that many clients share tells nobody who used it, and cannot be withdrawn from
    /// one of them alone.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-cluster --db-cluster-identifier NAME --enable-iam-database-authentication \
    ///   --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-iam-authentication",
        title: "database cluster accepts IAM identities",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
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
        return Outcome::NotApplicable("Aurora Serverless v1 has no IAM authentication");
    }
    Outcome::require(cluster.iam_database_authentication_enabled, || {
        let field = "IAMDatabaseAuthenticationEnabled";
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, field, "false", "true")
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
    fn iam_authentication_passes() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn passwords_alone_fail() {
        let passwords = DbCluster {
            iam_database_authentication_enabled: false,
            ..cluster("aurora-mysql", "8.0")
        };
        assert_fails(&CHECK, &with_cluster(passwords), "IAMDatabaseAuthenticationEnabled", "false");
    }

    #[test]
    fn serverless_v1_lacks_the_feature() {
        let v1 = DbCluster {
            iam_database_authentication_enabled: false,
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
