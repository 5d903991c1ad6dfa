//! What a bucket's policy gives to anybody, and whether it is in force.

use demarc_model::{
    Assessed, Evidence, Inventory, Outcome,
    inventory::s3::Bucket,
    policy::{Exposure, Owner},
};

use super::block;

/// Judges the public part of the policy: `evidence` says what, if anything, is wrong with one
/// statement of it. `RestrictPublicBuckets` keeps the public out whatever the policy says.
pub(super) fn judge(
    bucket: &Bucket,
    inventory: &Inventory,
    evidence: impl Fn(&Exposure) -> Option<Evidence>,
) -> Assessed {
    let owner = Owner { account: &inventory.account_id, partition: &inventory.partition };
    let found = bucket.policy.get().map(|policy| -> Vec<Evidence> {
        let exposures = policy.as_ref().map(|policy| policy.exposure(owner)).unwrap_or_default();
        exposures.iter().filter(|exposure| exposure.is_public()).filter_map(evidence).collect()
    });
    if matches!(&found, Ok(found) if found.is_empty()) {
        return Ok(Outcome::Pass);
    }
    let restricted = block::is_on(|block| block.restrict_public_buckets, bucket, inventory);
    if matches!(restricted, Ok(true)) {
        return Ok(Outcome::Pass);
    }
    let found = found?;
    restricted?;
    Ok(Outcome::Fail(found))
}
