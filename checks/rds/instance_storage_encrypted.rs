use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::{encryption::is_encrypted, scope};

declare_check! {
    /// The storage of an instance, its automated backups, read replicas and snapshots are
    /// encrypted together or not at all. `StorageEncrypted` tells of keys in KMS; storage under a
    /// key that AWS owns reads `false` there and `sse-rds` in `StorageEncryptionType`, and is
    /// encrypted all the same. Members of a cluster share the cluster's storage, which
    /// `rds.cluster-storage-encrypted` judges.
    ///
    /// ## Why it matters
    /// Whoever comes by a copy of an unencrypted volume, backup or shared snapshot has the data.
    /// Encryption also puts reading the data under the control of a key's policy.
    ///
    /// ## Remediation
    /// Encryption cannot be turned on in place: copy a snapshot with a key and restore from the
    /// copy, then move the clients.
    /// ```sh
    /// aws rds copy-db-snapshot --source-db-snapshot-identifier PLAIN --target-db-snapshot-identifier SEALED \
    ///   --kms-key-id alias/aws/rds
    /// aws rds restore-db-instance-from-db-snapshot --db-snapshot-identifier SEALED --db-instance-identifier NEW
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-storage-encrypted",
        title: "database instance encrypts its storage",
        service: Service::Rds,
        severity: Severity::High,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    let encrypted =
        is_encrypted(instance.storage_encrypted, instance.storage_encryption_type.as_deref());
    Outcome::require(encrypted, || {
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, "StorageEncrypted", "false", "true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{denied_instances, instance, member, with_instance},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn storage_under_a_key_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn a_key_that_aws_owns_is_encryption_too() {
        let owned_by_aws = DbInstance {
            storage_encrypted: false,
            storage_encryption_type: Some("sse-rds".to_owned()),
            ..instance("postgres", "16.3")
        };
        assert_eq!(only(&CHECK, &with_instance(owned_by_aws)), Ok(Outcome::Pass));
    }

    #[test]
    fn plain_storage_fails() {
        let plain = DbInstance {
            storage_encrypted: false,
            storage_encryption_type: Some("none".to_owned()),
            ..instance("mysql", "8.0.36")
        };
        assert_fails(&CHECK, &with_instance(plain), "StorageEncrypted", "false");
    }

    #[test]
    fn a_member_shares_the_storage_of_its_cluster() {
        let plain = DbInstance { storage_encrypted: false, ..member("aurora-mysql", "8.0") };
        let verdict = only(&CHECK, &with_instance(plain));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
