//! Which databases a check judges, and which it leaves to something else.

use demarc_model::{
    Assessed, Findings, Inventory, Outcome, Region,
    inventory::rds::{DbCluster, DbInstance},
};

const DELETING: Outcome = Outcome::NotApplicable("it is being deleted");

/// Judges every instance that stays.
pub(super) fn instances(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&Region, &DbInstance) -> Assessed,
) {
    findings.each_region(
        inventory,
        |region| &region.rds.instances,
        |region, instance| {
            if instance.status == "deleting" { Ok(DELETING) } else { judge(region, instance) }
        },
    );
}

/// Judges the instances that hold the setting themselves: a member of an Aurora or Multi-AZ DB
/// cluster takes it from its cluster (API reference, `CreateDBInstance`).
pub(super) fn standalone_instances(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&Region, &DbInstance) -> Assessed,
) {
    instances(inventory, findings, |region, instance| {
        if instance.is_cluster_member() {
            Ok(Outcome::NotApplicable("the cluster that it belongs to decides this"))
        } else {
            judge(region, instance)
        }
    });
}

/// Judges every cluster that stays.
pub(super) fn clusters(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&Region, &DbCluster) -> Assessed,
) {
    findings.each_region(
        inventory,
        |region| &region.rds.clusters,
        |region, cluster| {
            if cluster.status == "deleting" { Ok(DELETING) } else { judge(region, cluster) }
        },
    );
}
