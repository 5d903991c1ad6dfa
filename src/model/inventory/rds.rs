//! Amazon RDS and Aurora. Neptune and DocumentDB answer through the same API and are left out
//! by their engine.

use std::{collections::BTreeMap, sync::Arc};

use super::{Subject, resources, unlisted, unread};
use crate::{Cause, Listing, Read, calls, time::Timestamp};

/// The parameters that are judged, of instance and of cluster parameter groups.
pub const JUDGED_PARAMETERS: [&str; 4] =
    ["rds.force_ssl", "require_secure_transport", "server_audit_events", "server_audit_logging"];

#[derive(Debug)]
pub struct Rds {
    pub instances: Listing<DbInstance>,
    pub clusters: Listing<DbCluster>,
    /// Manual and automated snapshots of instances.
    pub snapshots: Listing<DbSnapshot>,
    pub cluster_snapshots: Listing<DbSnapshot>,
    pub event_subscriptions: Listing<EventSubscription>,
    pub option_groups: Listing<OptionGroup>,
    /// Certificate authorities, by identifier.
    pub certificates: Listing<Certificate>,
    /// Parameters of the instance parameter groups in use, by group name: those of
    /// [`JUDGED_PARAMETERS`], name to value; a parameter without a value is absent.
    pub parameters: BTreeMap<String, Read<BTreeMap<String, String>>>,
    /// The same of the cluster parameter groups in use.
    pub cluster_parameters: BTreeMap<String, Read<BTreeMap<String, String>>>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of AWS's DBInstance")]
pub struct DbInstance {
    pub subject: Arc<Subject>,
    pub identifier: String,
    /// `available`, `creating`, `deleting`, …
    pub status: String,
    pub engine: String,
    pub engine_version: String,
    /// Of the cluster it belongs to, which then holds storage, backups and the admin.
    pub cluster: Option<String>,
    pub storage_encrypted: bool,
    /// `none`, `sse-rds` or `sse-kms`. Under a key that AWS owns (`sse-rds`) the storage is
    /// encrypted although `StorageEncrypted` says `false`.
    pub storage_encryption_type: Option<String>,
    pub publicly_accessible: bool,
    pub auto_minor_version_upgrade: bool,
    pub multi_az: bool,
    /// Days; 0 is off.
    pub backup_retention_period: i32,
    pub deletion_protection: bool,
    pub iam_database_authentication_enabled: bool,
    pub enabled_cloudwatch_logs_exports: Vec<String>,
    pub copy_tags_to_snapshot: bool,
    pub master_username: String,
    /// Of the endpoint (`DbInstancePort` is 0 outside clusters); absent while it is created.
    pub port: Option<i32>,
    /// Seconds; 0 is off.
    pub monitoring_interval: i32,
    pub performance_insights_enabled: bool,
    pub ca_certificate_identifier: Option<String>,
    /// When the instance's own server certificate ends.
    pub certificate_valid_till: Option<Timestamp>,
    pub parameter_groups: Vec<String>,
    /// Whether a parameter group's `ParameterApplyStatus` is other than `in-sync`: what the
    /// group says is then not surely in force.
    pub parameters_pending: bool,
    pub option_groups: Vec<String>,
    pub vpc_id: Option<String>,
    pub subnet_ids: Vec<String>,
    pub security_groups: Vec<String>,
    /// Of a read replica: the instance or cluster it copies.
    pub replica_source: Option<String>,
}

impl DbInstance {
    /// Storage, backups, deletion protection and the admin are the cluster's.
    pub fn is_cluster_member(&self) -> bool {
        self.cluster.is_some()
    }
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of AWS's DBCluster")]
pub struct DbCluster {
    pub subject: Arc<Subject>,
    pub identifier: String,
    pub status: String,
    pub engine: String,
    /// `provisioned`, `serverless`, …
    pub engine_mode: String,
    pub engine_version: String,
    pub storage_encrypted: bool,
    /// As of [`DbInstance::storage_encryption_type`].
    pub storage_encryption_type: Option<String>,
    pub kms_key_id: Option<String>,
    pub auto_minor_version_upgrade: bool,
    pub multi_az: bool,
    pub backup_retention_period: i32,
    pub deletion_protection: bool,
    pub iam_database_authentication_enabled: bool,
    pub enabled_cloudwatch_logs_exports: Vec<String>,
    pub copy_tags_to_snapshot: bool,
    pub master_username: String,
    pub port: Option<i32>,
    /// Seconds; 0 or absent is off. Aurora MySQL alone.
    pub backtrack_window: i64,
    pub parameter_group: Option<String>,
    /// Whether a member's `DBClusterParameterGroupStatus` is other than `in-sync`.
    pub parameters_pending: bool,
    pub members: usize,
    pub replica_source: Option<String>,
}

#[derive(Debug)]
pub struct DbSnapshot {
    pub subject: Arc<Subject>,
    pub identifier: String,
    /// `manual`, `automated`, `awsbackup`, …; neither of the last two can be shared.
    pub snapshot_type: String,
    pub engine: String,
    pub encrypted: bool,
    /// As of [`DbInstance::storage_encryption_type`].
    pub storage_encryption_type: Option<String>,
    /// Accounts that may restore it; `all` is everyone.
    pub restore: Read<Vec<String>>,
}

#[derive(Debug)]
pub struct EventSubscription {
    pub subject: Arc<Subject>,
    pub enabled: bool,
    /// `active`, `creating`, `modifying`, `deleting`, `no-permission` or `topic-not-exist`.
    pub status: String,
    /// `db-instance`, `db-cluster`, `db-parameter-group`, `db-security-group`, …; `None` means
    /// every source type.
    pub source_type: Option<String>,
    /// Empty means every source of the type.
    pub source_ids: Vec<String>,
    /// Empty means every category.
    pub event_categories: Vec<String>,
}

#[derive(Debug)]
pub struct OptionGroup {
    pub subject: Arc<Subject>,
    pub name: String,
    pub engine: String,
    /// Option names, each with its settings.
    pub options: Vec<(String, BTreeMap<String, String>)>,
}

#[derive(Debug)]
pub struct Certificate {
    pub subject: Arc<Subject>,
    pub identifier: String,
    pub valid_till: Option<Timestamp>,
}

resources!(DbInstance, DbCluster, DbSnapshot, EventSubscription, OptionGroup, Certificate);

impl Rds {
    /// The value of an instance parameter: unknown when its group was not read, `None` when the
    /// group sets no value (the engine's default applies).
    pub fn parameter(&self, group: &str, name: &str) -> Result<Option<&str>, crate::Unread> {
        lookup(&self.parameters, &calls::rds::DESCRIBE_DB_PARAMETERS, group, name)
    }

    /// The same of a cluster parameter group.
    pub fn cluster_parameter(
        &self,
        group: &str,
        name: &str,
    ) -> Result<Option<&str>, crate::Unread> {
        let call = &calls::rds::DESCRIBE_DB_CLUSTER_PARAMETERS;
        lookup(&self.cluster_parameters, call, group, name)
    }
}

fn lookup<'a>(
    groups: &'a BTreeMap<String, Read<BTreeMap<String, String>>>,
    call: &'static calls::Call,
    group: &str,
    name: &str,
) -> Result<Option<&'a str>, crate::Unread> {
    match groups.get(group) {
        Some(parameters) => Ok(parameters.get()?.get(name).map(String::as_str)),
        None => Err(Arc::new(crate::NotAssessed { call, cause: crate::Cause::NotCollected })),
    }
}

impl Rds {
    /// The section with everything unread for one reason.
    pub fn unread(cause: &Cause) -> Self {
        Self {
            instances: unlisted(cause, &calls::rds::DESCRIBE_DB_INSTANCES),
            clusters: unlisted(cause, &calls::rds::DESCRIBE_DB_CLUSTERS),
            snapshots: unlisted(cause, &calls::rds::DESCRIBE_DB_SNAPSHOTS),
            cluster_snapshots: unlisted(cause, &calls::rds::DESCRIBE_DB_CLUSTER_SNAPSHOTS),
            event_subscriptions: unlisted(cause, &calls::rds::DESCRIBE_EVENT_SUBSCRIPTIONS),
            option_groups: unlisted(cause, &calls::rds::DESCRIBE_OPTION_GROUPS),
            certificates: unlisted(cause, &calls::rds::DESCRIBE_CERTIFICATES),
            parameters: BTreeMap::new(),
            cluster_parameters: BTreeMap::new(),
        }
    }
}

impl Default for Rds {
    fn default() -> Self {
        Self::unread(&Cause::NotCollected)
    }
}

impl DbSnapshot {
    /// Who may restore a snapshot that cannot be shared: nobody else.
    pub fn unshared() -> Read<Vec<String>> {
        Read::Known(Vec::new())
    }

    pub fn sharing_unread() -> Read<Vec<String>> {
        unread(&Cause::NotCollected, &calls::rds::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES)
    }
}
