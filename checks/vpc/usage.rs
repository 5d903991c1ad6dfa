//! Which VPCs are judged: this account's, and for some checks only those where something runs.

use demarc_model::{Assessed, Findings, Inventory, Outcome, Region, Unread, inventory::ec2::Vpc};

/// Judges every VPC but those that another account shares with this one.
pub(crate) fn each_own_vpc(
    inventory: &Inventory,
    findings: &mut Findings,
    mut judge: impl FnMut(&Region, &Vpc) -> Assessed,
) {
    findings.each_region(
        inventory,
        |region| &region.vpc.vpcs,
        |region, vpc| {
            if vpc.owner_id == inventory.account_id {
                judge(region, vpc)
            } else {
                Ok(Outcome::NotApplicable("another account owns the VPC"))
            }
        },
    );
}

/// Judges those of them that are in use.
pub(crate) fn each_used_vpc(
    inventory: &Inventory,
    findings: &mut Findings,
    mut judge: impl FnMut(&Region, &Vpc) -> Assessed,
) {
    each_own_vpc(inventory, findings, |region, vpc| {
        if is_used(region, vpc)? {
            judge(region, vpc)
        } else {
            Ok(Outcome::NotApplicable("no network interface lives in the VPC"))
        }
    });
}

/// Whether any network interface lives in the VPC.
pub(crate) fn is_used(region: &Region, vpc: &Vpc) -> Result<bool, Unread> {
    let interfaces = &region.ec2.network_interfaces;
    let own = interfaces.find(|interface| interface.vpc_id.as_ref() == Some(&vpc.vpc_id))?;
    Ok(own.is_some())
}
