use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity,
    calls::{Call, rds as calls},
    declare_check,
    inventory::rds::DbSnapshot,
};

use super::encryption::is_encrypted;

declare_check! {
    /// Snapshots of instances and of clusters that somebody, or AWS Backup, made to keep.
    /// Automated ones share their database's storage and end with it: the storage checks judge
    /// those. A snapshot under a key that AWS owns is encrypted, though `Encrypted` reads `false`.
    ///
    /// ## Why it matters
    /// Snapshots outlive databases and travel between accounts and regions. An unencrypted one can
    /// be shared with everyone by a single call.
    ///
    /// ## Remediation
    /// Copy it with a key, then delete the plain one:
    /// ```sh
    /// aws rds copy-db-snapshot --source-db-snapshot-identifier PLAIN --target-db-snapshot-identifier SEALED \
    ///   --kms-key-id alias/aws/rds
    /// aws rds delete-db-snapshot --db-snapshot-identifier PLAIN
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CopySnapshot.html>
    pub(super) static CHECK = {
        id: "rds.snapshot-encrypted",
        title: "database snapshot is encrypted",
        service: Service::Rds,
        severity: Severity::High,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBSnapshot",
        needs: &[&calls::DESCRIBE_DB_SNAPSHOTS, &calls::DESCRIBE_DB_CLUSTER_SNAPSHOTS],
        evaluate: |inventory, findings| {
            findings.each_region(
                inventory,
                |region| &region.rds.snapshots,
                |_, snapshot| {
                    Ok(evaluate(snapshot, &calls::DESCRIBE_DB_SNAPSHOTS, "Encrypted"))
                },
            );
            findings.each_region(
                inventory,
                |region| &region.rds.cluster_snapshots,
                |_, snapshot| {
                    let call = &calls::DESCRIBE_DB_CLUSTER_SNAPSHOTS;
                    Ok(evaluate(snapshot, call, "StorageEncrypted"))
                },
            );
        },
    }
}

fn evaluate(snapshot: &DbSnapshot, call: &'static Call, field: &'static str) -> Outcome {
    if snapshot.snapshot_type == "automated" {
        return Outcome::NotApplicable("an automated snapshot is judged with its database");
    }
    let sealed = is_encrypted(snapshot.encrypted, snapshot.storage_encryption_type.as_deref());
    Outcome::require(sealed, || Evidence::new(call, field, "false", "true"))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        rds::testing::snapshot,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(instance: Vec<DbSnapshot>, cluster: Vec<DbSnapshot>) -> Inventory {
        with_region(|region| {
            region.rds.snapshots = Listing::complete(instance);
            region.rds.cluster_snapshots = Listing::complete(cluster);
        })
    }

    fn plain(kind: &'static str) -> DbSnapshot {
        DbSnapshot { encrypted: false, storage_encryption_type: None, ..snapshot(kind) }
    }

    #[test]
    fn encrypted_snapshots_pass() {
        let account = account(vec![snapshot("AWS::RDS::DBSnapshot")], Vec::new());
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_key_that_aws_owns_is_encryption_too() {
        let kind = Some("sse-rds".to_owned());
        let owned = DbSnapshot { storage_encryption_type: kind, ..plain("AWS::RDS::DBSnapshot") };
        assert_eq!(only(&CHECK, &account(vec![owned], Vec::new())), Ok(Outcome::Pass));
    }

    #[test]
    fn plain_snapshots_of_instances_and_of_clusters_fail() {
        let of_instance = account(vec![plain("AWS::RDS::DBSnapshot")], Vec::new());
        assert_fails(&CHECK, &of_instance, "Encrypted", "false");
        let of_cluster = account(Vec::new(), vec![plain("AWS::RDS::DBClusterSnapshot")]);
        assert_fails(&CHECK, &of_cluster, "StorageEncrypted", "false");
    }

    #[test]
    fn automated_snapshots_go_with_their_database() {
        let kind = "automated".to_owned();
        let daily = DbSnapshot { snapshot_type: kind, ..plain("AWS::RDS::DBSnapshot") };
        let verdict = only(&CHECK, &account(vec![daily], Vec::new()));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        let mut account = account(Vec::new(), Vec::new());
        let call = &calls::DESCRIBE_DB_CLUSTER_SNAPSHOTS;
        account.regions[0].rds.cluster_snapshots = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
