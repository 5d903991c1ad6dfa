use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Region, Service, Severity, calls, declare_check,
    inventory::ec2::Snapshot,
};

declare_check! {
    /// A snapshot that the account owns is not shared with everyone (the group `all`). Shares
    /// with named accounts are no finding. Where the region blocks all public sharing (`block-
    /// all-sharing`), AWS treats a public snapshot as private although the permission stays;
    /// `block-new-sharing` leaves it public. Encrypted snapshots cannot be made public.
    ///
    /// ## Why it matters
    /// Anybody with an AWS account can turn a public snapshot into a volume and read the whole
    /// disk. Public snapshots are searched for secrets all the time.
    ///
    /// ## Remediation
    /// Take the permission away, and replace whatever secrets the disk held:
    /// ```sh
    /// aws ec2 modify-snapshot-attribute --snapshot-id SNAPSHOT --attribute createVolumePermission \
    ///   --operation-type remove --group-names all
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html>
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-1>
    pub(super) static CHECK = {
        id: "ebs.snapshot-not-public",
        title: "EBS snapshot is not public",
        service: Service::Ebs,
        severity: Severity::Critical,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Snapshot",
        needs: &[&calls::ec2::DESCRIBE_SNAPSHOTS, &calls::ec2::DESCRIBE_SNAPSHOT_ATTRIBUTE, &calls::ec2::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ebs.snapshots, evaluate);
        },
    }
}

fn evaluate(region: &Region, snapshot: &Snapshot) -> Assessed {
    let state = &region.ebs.snapshot_block_public_access;
    // One of these settles it, even when the others could not be read.
    if snapshot.encrypted
        || snapshot.create_volume_permission.is_known_and(|sharing| !sharing.public)
        || state.is_known_and(|state| state == "block-all-sharing")
    {
        return Ok(Outcome::Pass);
    }
    snapshot.create_volume_permission.get()?;
    let state = state.get()?;
    Ok(Outcome::fail(
        &calls::ec2::DESCRIBE_SNAPSHOT_ATTRIBUTE,
        "CreateVolumePermissions.Group",
        format!("all, in a region that is {state}"),
        "no group",
    ))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Read, inventory::ec2::SnapshotSharing};

    use super::*;
    use crate::{
        ec2::testing::snapshot,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    const SHARING: &calls::Call = &calls::ec2::DESCRIBE_SNAPSHOT_ATTRIBUTE;
    const STATE: &calls::Call = &calls::ec2::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE;

    fn account(sharing: Read<SnapshotSharing>, state: Read<String>) -> Inventory {
        let snapshot = Snapshot { create_volume_permission: sharing, ..snapshot() };
        with_region(|region| {
            region.ebs.snapshots = Listing::complete(vec![snapshot]);
            region.ebs.snapshot_block_public_access = state;
        })
    }

    fn public() -> Read<SnapshotSharing> {
        Read::Known(SnapshotSharing { public: true, accounts: vec![] })
    }

    fn state(state: &str) -> Read<String> {
        Read::Known(state.to_owned())
    }

    #[test]
    fn shares_with_accounts_pass_and_with_everyone_fail() {
        let accounts = vec!["210987654321".to_owned()];
        let shared = Read::Known(SnapshotSharing { public: false, accounts });
        assert_eq!(only(&CHECK, &account(shared, state("unblocked"))), Ok(Outcome::Pass));
        let field = "CreateVolumePermissions.Group";
        let observed = "all, in a region that is block-new-sharing";
        assert_fails(&CHECK, &account(public(), state("block-new-sharing")), field, observed);
    }

    #[test]
    fn a_region_that_blocks_all_sharing_hides_public_snapshots() {
        assert_eq!(only(&CHECK, &account(public(), state("block-all-sharing"))), Ok(Outcome::Pass));
        let unread = Read::denied(SHARING, "AccessDenied");
        assert_eq!(only(&CHECK, &account(unread, state("block-all-sharing"))), Ok(Outcome::Pass));
    }

    #[test]
    fn an_unread_half_leaves_it_open() {
        let unread = Read::denied(SHARING, "AccessDenied");
        assert_not_assessed(&CHECK, &account(unread, state("unblocked")), SHARING);
        let unread = Read::denied(STATE, "AccessDenied");
        assert_not_assessed(&CHECK, &account(public(), unread), STATE);
    }

    #[test]
    fn an_encrypted_snapshot_cannot_be_public() {
        let mut account = account(Read::denied(SHARING, "AccessDenied"), state("unblocked"));
        account.regions[0].ebs.snapshots.seen_mut()[0].encrypted = true;
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_SNAPSHOTS;
        let account = with_region(|region| {
            region.ebs.snapshots = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
