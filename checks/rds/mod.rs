//! Amazon RDS and Aurora.

use demarc_model::Check;

mod cluster_audit_logging;
mod cluster_backtrack;
mod cluster_backup_retention;
mod cluster_copy_tags_to_snapshots;
mod cluster_custom_admin_name;
mod cluster_custom_port;
mod cluster_deletion_protection;
mod cluster_iam_authentication;
mod cluster_log_exports;
mod cluster_minor_version_upgrade;
mod cluster_multi_az;
mod cluster_storage_encrypted;
mod cluster_transport_encrypted;
mod encryption;
mod engine;
mod event_subscription_cluster;
mod event_subscription_instance;
mod event_subscription_parameter_group;
mod event_subscription_security_group;
mod events;
mod instance_backup_retention;
mod instance_certificate_valid;
mod instance_copy_tags_to_snapshots;
mod instance_custom_admin_name;
mod instance_custom_port;
mod instance_deletion_protection;
mod instance_enhanced_monitoring;
mod instance_iam_authentication;
mod instance_log_exports;
mod instance_minor_version_upgrade;
mod instance_multi_az;
mod instance_not_in_public_subnet;
mod instance_not_publicly_accessible;
mod instance_storage_encrypted;
mod instance_transport_encrypted;
mod logs;
mod scope;
mod snapshot_encrypted;
mod snapshot_not_public;
#[cfg(test)]
mod testing;
mod transport;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &cluster_audit_logging::CHECK,
    &cluster_backtrack::CHECK,
    &cluster_backup_retention::CHECK,
    &cluster_copy_tags_to_snapshots::CHECK,
    &cluster_custom_admin_name::CHECK,
    &cluster_custom_port::CHECK,
    &cluster_deletion_protection::CHECK,
    &cluster_iam_authentication::CHECK,
    &cluster_log_exports::CHECK,
    &cluster_minor_version_upgrade::CHECK,
    &cluster_multi_az::CHECK,
    &cluster_storage_encrypted::CHECK,
    &cluster_transport_encrypted::CHECK,
    &event_subscription_cluster::CHECK,
    &event_subscription_instance::CHECK,
    &event_subscription_parameter_group::CHECK,
    &event_subscription_security_group::CHECK,
    &instance_backup_retention::CHECK,
    &instance_certificate_valid::CHECK,
    &instance_copy_tags_to_snapshots::CHECK,
    &instance_custom_admin_name::CHECK,
    &instance_custom_port::CHECK,
    &instance_deletion_protection::CHECK,
    &instance_enhanced_monitoring::CHECK,
    &instance_iam_authentication::CHECK,
    &instance_log_exports::CHECK,
    &instance_minor_version_upgrade::CHECK,
    &instance_multi_az::CHECK,
    &instance_not_in_public_subnet::CHECK,
    &instance_not_publicly_accessible::CHECK,
    &instance_storage_encrypted::CHECK,
    &instance_transport_encrypted::CHECK,
    &snapshot_encrypted::CHECK,
    &snapshot_not_public::CHECK,
];
