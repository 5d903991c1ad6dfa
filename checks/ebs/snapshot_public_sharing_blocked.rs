use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
};

declare_check! {
    /// The region blocks all public sharing of snapshots (`block-all-sharing`). `block-new-
    /// sharing` leaves those public that are, and fails, as in AWS's own control.
    ///
    /// ## Why it matters
    /// One wrong flag publishes a disk. The block makes the attempt fail, and hides what was
    /// public before.
    ///
    /// ## Remediation
    /// Set it in every region, unless snapshots are published on purpose there:
    /// ```sh
    /// aws ec2 enable-snapshot-block-public-access --state block-all-sharing --region REGION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSnapshotBlockPublicAccessState.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-182>
    pub(super) static CHECK = {
        id: "ebs.snapshot-public-sharing-blocked",
        title: "region blocks all public sharing of EBS snapshots",
        service: Service::Ebs,
        severity: Severity::High,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::ec2::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

fn evaluate(region: &Region) -> Assessed {
    let state = region.ebs.snapshot_block_public_access.get()?;
    Ok(Outcome::require(state == "block-all-sharing", || {
        let call = &calls::ec2::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE;
        Evidence::new(call, "State", state.clone(), "block-all-sharing")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, only, with_region};

    fn account(state: &str) -> Inventory {
        with_region(|region| {
            region.ebs.snapshot_block_public_access = Read::Known(state.to_owned());
        })
    }

    #[test]
    fn only_the_block_of_all_sharing_passes() {
        assert_eq!(only(&CHECK, &account("block-all-sharing")), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account("unblocked"), "State", "unblocked");
    }

    #[test]
    fn a_block_of_new_shares_leaves_the_old_ones_public() {
        assert_fails(&CHECK, &account("block-new-sharing"), "State", "block-new-sharing");
    }

    #[test]
    fn a_denied_read_is_not_assessed() {
        let call = &calls::ec2::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE;
        let account = with_region(|region| {
            region.ebs.snapshot_block_public_access = Read::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
