use std::collections::HashSet;

use demarc_model::{
    Assessed, ControlType, Evidence, Findings, Inventory, Layer, Outcome, Region, Service,
    Severity, calls, declare_check, inventory::ec2::Volume,
};

declare_check! {
    /// The account owns a completed snapshot of the volume, be it made by hand, by a lifecycle
    /// policy or by AWS Backup. How old it is, and copies in other regions and accounts, are
    /// not looked at.
    ///
    /// ## Why it matters
    /// A volume lives in one Availability Zone and can be deleted in one call. Without a
    /// snapshot nothing brings it back.
    ///
    /// ## Remediation
    /// Make snapshots on a schedule, with Data Lifecycle Manager or AWS Backup. For one volume,
    /// now:
    /// ```sh
    /// aws ec2 create-snapshot --volume-id VOLUME --description "first backup"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-snapshots.html>
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/snapshot-lifecycle.html>
    pub(super) static CHECK = {
        id: "ebs.volume-has-snapshot",
        title: "EBS volume has a snapshot",
        service: Service::Ebs,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::Volume",
        needs: &[&calls::ec2::DESCRIBE_VOLUMES, &calls::ec2::DESCRIBE_SNAPSHOTS],
        evaluate: evaluate_all,
    }
}

fn evaluate_all(inventory: &Inventory, findings: &mut Findings) {
    for region in &inventory.regions {
        let snapshots = region.ebs.snapshots.seen().iter();
        let completed = snapshots.filter(|snapshot| snapshot.state == "completed");
        let saved: HashSet<_> = completed.map(|snapshot| snapshot.volume_id.as_str()).collect();
        findings
            .each(&region.subject, &region.ebs.volumes, |volume| evaluate(region, volume, &saved));
    }
}

fn evaluate(region: &Region, volume: &Volume, saved: &HashSet<&str>) -> Assessed {
    if volume.is_going() || volume.state == "creating" {
        return Ok(Outcome::NotApplicable("the volume is being created or deleted"));
    }
    if saved.contains(volume.volume_id.as_str()) {
        return Ok(Outcome::Pass);
    }
    region.ebs.snapshots.all()?;
    let call = &calls::ec2::DESCRIBE_SNAPSHOTS;
    let evidence = Evidence::new(call, "VolumeId", "no completed snapshot", "a snapshot");
    Ok(Outcome::Fail(vec![evidence]))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::ec2::Snapshot};

    use super::*;
    use crate::{
        ec2::testing::{snapshot, volume},
        testing::{assert_fails, assert_not_assessed, denial, only, with_region},
    };

    fn account(snapshots: Listing<Snapshot>) -> Inventory {
        with_region(|region| {
            region.ebs.volumes = Listing::complete(vec![volume()]);
            region.ebs.snapshots = snapshots;
        })
    }

    #[test]
    fn a_completed_snapshot_passes() {
        assert_eq!(only(&CHECK, &account(Listing::complete(vec![snapshot()]))), Ok(Outcome::Pass));
    }

    #[test]
    fn another_volumes_snapshot_or_a_broken_one_is_none() {
        let other = Snapshot { volume_id: "vol-9".to_owned(), ..snapshot() };
        let broken = Snapshot { state: "error".to_owned(), ..snapshot() };
        let account = account(Listing::complete(vec![other, broken]));
        assert_fails(&CHECK, &account, "VolumeId", "no completed snapshot");
    }

    #[test]
    fn half_a_listing_proves_a_snapshot_but_not_its_absence() {
        let call = &calls::ec2::DESCRIBE_SNAPSHOTS;
        let half = |snapshots| account(Listing::broken(snapshots, denial(call)));
        assert_eq!(only(&CHECK, &half(vec![snapshot()])), Ok(Outcome::Pass));
        assert_not_assessed(&CHECK, &half(vec![]), call);
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VOLUMES;
        let account = with_region(|region| {
            region.ebs.volumes = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
