//! Amazon EBS: volumes, snapshots and the region's defaults.

use demarc_model::Check;

mod default_encryption;
mod snapshot_encrypted;
mod snapshot_not_public;
mod snapshot_public_sharing_blocked;
mod volume_attached;
mod volume_encrypted;
mod volume_has_snapshot;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &default_encryption::CHECK,
    &snapshot_encrypted::CHECK,
    &snapshot_not_public::CHECK,
    &snapshot_public_sharing_blocked::CHECK,
    &volume_attached::CHECK,
    &volume_encrypted::CHECK,
    &volume_has_snapshot::CHECK,
];
