use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity,
    calls::{Call, rds as calls},
    declare_check,
    inventory::rds::DbSnapshot,
};

declare_check! {
    /// A manual snapshot, of an instance or a cluster, whose `restore` attribute holds `all` can
    /// be restored by every AWS account. Sharing with named accounts is not judged here. RDS
    /// refuses to make a snapshot public that is encrypted under a KMS key, so such a one passes
    /// without its attributes.
    ///
    /// ## Why it matters
    /// Public snapshots are listed for everyone. People restore them by the hundred to see what is
    /// inside, and the owner notices nothing.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-snapshot-attribute --db-snapshot-identifier NAME --attribute-name restore \
    ///   --values-to-remove all
    /// ```
    /// For clusters, `modify-db-cluster-snapshot-attribute`. Whoever copied it meanwhile keeps the
    /// copy: treat the data as leaked.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshotAttributes.html>
    pub(super) static CHECK = {
        id: "rds.snapshot-not-public",
        title: "database snapshot is not shared with everyone",
        service: Service::Rds,
        severity: Severity::Critical,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::RDS::DBSnapshot",
        needs: &[
            &calls::DESCRIBE_DB_SNAPSHOTS,
            &calls::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES,
            &calls::DESCRIBE_DB_CLUSTER_SNAPSHOTS,
            &calls::DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES,
        ],
        evaluate: |inventory, findings| {
            findings.each_region(
                inventory,
                |region| &region.rds.snapshots,
                |_, snapshot| evaluate(snapshot, &calls::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES),
            );
            findings.each_region(
                inventory,
                |region| &region.rds.cluster_snapshots,
                |_, snapshot| evaluate(snapshot, &calls::DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES),
            );
        },
    }
}

fn evaluate(snapshot: &DbSnapshot, call: &'static Call) -> Assessed {
    let is_public = |accounts: &Vec<String>| accounts.iter().any(|account| account == "all");
    if snapshot.restore.is_known_and(is_public) {
        return Ok(Outcome::fail(call, "restore", "all", "named accounts, or none"));
    }
    if !snapshot.encrypted {
        snapshot.restore.get()?;
    }
    Ok(Outcome::Pass)
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Read};

    use super::*;
    use crate::{
        rds::testing::snapshot,
        testing::{assert_fails, assert_not_assessed, failures, only, with_region},
    };

    fn account(snapshot: DbSnapshot) -> Inventory {
        with_region(|region| {
            region.rds.snapshots = Listing::complete(vec![snapshot]);
            region.rds.cluster_snapshots = Listing::complete(Vec::new());
        })
    }

    fn plain(restore: Read<Vec<String>>) -> DbSnapshot {
        DbSnapshot { encrypted: false, restore, ..snapshot("AWS::RDS::DBSnapshot") }
    }

    #[test]
    fn a_snapshot_for_a_named_account_passes() {
        let shared = plain(Read::Known(vec!["210987654321".to_owned()]));
        assert_eq!(only(&CHECK, &account(shared)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_snapshot_for_all_fails() {
        assert_fails(
            &CHECK,
            &account(plain(Read::Known(vec!["all".to_owned()]))),
            "restore",
            "all",
        );
    }

    #[test]
    fn snapshots_of_clusters_are_looked_at_too() {
        let mut account = account(plain(DbSnapshot::unshared()));
        let public = DbSnapshot {
            restore: Read::Known(vec!["all".to_owned()]),
            ..snapshot("AWS::RDS::DBClusterSnapshot")
        };
        account.regions[0].rds.cluster_snapshots = Listing::complete(vec![public]);
        assert_eq!(failures(&CHECK, &account), ["before-migration: restore is all"]);
    }

    #[test]
    fn an_encrypted_snapshot_cannot_be_public() {
        let call = &calls::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES;
        let unread = Read::denied(call, "AccessDenied");
        let sealed = DbSnapshot { encrypted: true, ..plain(unread) };
        assert_eq!(only(&CHECK, &account(sealed)), Ok(Outcome::Pass));
    }

    #[test]
    fn unread_attributes_of_a_plain_one_leave_it_open() {
        let call = &calls::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES;
        let unread = plain(Read::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account(unread), call);
    }
}
