use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbCluster,
};

use super::{encryption::is_encrypted, scope};

declare_check! {
    /// The storage that all members of an Aurora or Multi-AZ DB cluster share. `StorageEncrypted`
    /// tells of keys in KMS; storage under a key that AWS owns reads `false` there and `sse-rds`
    /// in `StorageEncryptionType`, and is encrypted all the same.
    ///
    /// ## Why it matters
    /// One unencrypted cluster leaves every member's data, all its backups and each snapshot taken
    /// of it readable to whoever comes by a copy.
    ///
    /// ## Remediation
    /// Encryption cannot be turned on in place. For Aurora, restore a snapshot with a key named:
    /// ```sh
    /// aws rds restore-db-cluster-from-snapshot --snapshot-identifier PLAIN --db-cluster-identifier NEW \
    ///   --engine aurora-postgresql --kms-key-id alias/aws/rds
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Overview.Encryption.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
    pub(super) static CHECK = {
        id: "rds.cluster-storage-encrypted",
        title: "database cluster encrypts its storage",
        service: Service::Rds,
        severity: Severity::High,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBCluster",
        needs: &[&calls::DESCRIBE_DB_CLUSTERS],
        evaluate: |inventory, findings| {
            scope::clusters(inventory, findings, |_, cluster| Ok(evaluate(cluster)));
        },
    }
}

fn evaluate(cluster: &DbCluster) -> Outcome {
    let encrypted =
        is_encrypted(cluster.storage_encrypted, cluster.storage_encryption_type.as_deref());
    Outcome::require(encrypted, || {
        Evidence::new(&calls::DESCRIBE_DB_CLUSTERS, "StorageEncrypted", "false", "true")
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
    fn storage_under_a_key_passes() {
        assert_eq!(
            only(&CHECK, &with_cluster(cluster("aurora-postgresql", "16.3"))),
            Ok(Outcome::Pass)
        );
    }

    #[test]
    fn a_key_that_aws_owns_is_encryption_too() {
        let owned_by_aws = DbCluster {
            storage_encrypted: false,
            storage_encryption_type: Some("sse-rds".to_owned()),
            ..cluster("aurora-mysql", "8.0")
        };
        assert_eq!(only(&CHECK, &with_cluster(owned_by_aws)), Ok(Outcome::Pass));
    }

    #[test]
    fn plain_storage_fails() {
        let plain = DbCluster {
            storage_encrypted: false,
            storage_encryption_type: None,
            ..cluster("aurora-mysql", "8.0")
        };
        assert_fails(&CHECK, &with_cluster(plain), "StorageEncrypted", "false");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_clusters(), &calls::DESCRIBE_DB_CLUSTERS);
    }
}
