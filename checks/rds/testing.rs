//! Sound databases, for tests to spoil.

use std::collections::BTreeMap;

use demarc_model::{
    Inventory, Listing, Read,
    calls::rds as calls,
    inventory::rds::{DbCluster, DbInstance, DbSnapshot, EventSubscription},
};

use crate::testing::{now, subject, with_region};

/// An instance of its own with nothing wanting.
pub(super) fn instance(engine: &str, engine_version: &str) -> DbInstance {
    DbInstance {
        subject: subject("AWS::RDS::DBInstance", "orders"),
        identifier: "orders".to_owned(),
        status: "available".to_owned(),
        engine: engine.to_owned(),
        engine_version: engine_version.to_owned(),
        cluster: None,
        storage_encrypted: true,
        storage_encryption_type: Some("sse-kms".to_owned()),
        publicly_accessible: false,
        auto_minor_version_upgrade: true,
        multi_az: true,
        backup_retention_period: 7,
        deletion_protection: true,
        iam_database_authentication_enabled: true,
        enabled_cloudwatch_logs_exports: Vec::new(),
        copy_tags_to_snapshot: true,
        master_username: "keeper".to_owned(),
        port: Some(6033),
        monitoring_interval: 60,
        performance_insights_enabled: true,
        ca_certificate_identifier: Some("rds-ca-rsa2048-g1".to_owned()),
        certificate_valid_till: Some(now().plus_days(300)),
        parameter_groups: vec!["tuned".to_owned()],
        parameters_pending: false,
        option_groups: vec!["options".to_owned()],
        vpc_id: Some("vpc-1".to_owned()),
        subnet_ids: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        security_groups: Vec::new(),
        replica_source: None,
    }
}

/// The same as a member of the cluster `fleet`.
pub(super) fn member(engine: &str, engine_version: &str) -> DbInstance {
    DbInstance { cluster: Some("fleet".to_owned()), ..instance(engine, engine_version) }
}

/// A cluster with nothing wanting.
pub(super) fn cluster(engine: &str, engine_version: &str) -> DbCluster {
    DbCluster {
        subject: subject("AWS::RDS::DBCluster", "fleet"),
        identifier: "fleet".to_owned(),
        status: "available".to_owned(),
        engine: engine.to_owned(),
        engine_mode: "provisioned".to_owned(),
        engine_version: engine_version.to_owned(),
        storage_encrypted: true,
        storage_encryption_type: Some("sse-kms".to_owned()),
        kms_key_id: None,
        auto_minor_version_upgrade: true,
        multi_az: true,
        backup_retention_period: 7,
        deletion_protection: true,
        iam_database_authentication_enabled: true,
        enabled_cloudwatch_logs_exports: Vec::new(),
        copy_tags_to_snapshot: true,
        master_username: "keeper".to_owned(),
        port: Some(6033),
        backtrack_window: 86_400,
        parameter_group: Some("tuned".to_owned()),
        parameters_pending: false,
        members: 2,
        replica_source: None,
    }
}

/// A manual snapshot that nobody else may restore.
pub(super) fn snapshot(kind: &'static str) -> DbSnapshot {
    DbSnapshot {
        subject: subject(kind, "before-migration"),
        identifier: "before-migration".to_owned(),
        snapshot_type: "manual".to_owned(),
        engine: "postgres".to_owned(),
        encrypted: true,
        storage_encryption_type: Some("sse-kms".to_owned()),
        restore: DbSnapshot::unshared(),
    }
}

/// A subscription to everything.
pub(super) fn subscription() -> EventSubscription {
    EventSubscription {
        subject: subject("AWS::RDS::EventSubscription", "pager"),
        enabled: true,
        status: "active".to_owned(),
        source_type: None,
        source_ids: Vec::new(),
        event_categories: Vec::new(),
    }
}

/// A [`subscription`] to some categories of the events of one type of source.
pub(super) fn subscription_to(source_type: &str, categories: &[&str]) -> EventSubscription {
    EventSubscription {
        source_type: Some(source_type.to_owned()),
        event_categories: categories.iter().map(|category| (*category).to_owned()).collect(),
        ..subscription()
    }
}

/// An account with this instance alone.
pub(super) fn with_instance(instance: DbInstance) -> Inventory {
    with_region(|region| region.rds.instances = Listing::complete(vec![instance]))
}

/// An account with this cluster alone.
pub(super) fn with_cluster(cluster: DbCluster) -> Inventory {
    with_region(|region| region.rds.clusters = Listing::complete(vec![cluster]))
}

/// An account with one sound PostgreSQL instance, one Aurora cluster and these subscriptions.
pub(super) fn subscribed(subscriptions: Vec<EventSubscription>) -> Inventory {
    with_region(|region| {
        region.rds.instances = Listing::complete(vec![instance("postgres", "17.2")]);
        region.rds.clusters = Listing::complete(vec![cluster("aurora-mysql", "8.0")]);
        region.rds.event_subscriptions = Listing::complete(subscriptions);
    })
}

/// The same, but listing subscriptions was denied.
pub(super) fn unknown_subscriptions() -> Inventory {
    let mut inventory = subscribed(Vec::new());
    let call = &calls::DESCRIBE_EVENT_SUBSCRIPTIONS;
    for region in &mut inventory.regions {
        region.rds.event_subscriptions = Listing::denied(call, "AccessDenied");
    }
    inventory
}

pub(super) fn denied_instances() -> Inventory {
    with_region(|region| {
        region.rds.instances = Listing::denied(&calls::DESCRIBE_DB_INSTANCES, "AccessDenied");
    })
}

pub(super) fn denied_clusters() -> Inventory {
    with_region(|region| {
        region.rds.clusters = Listing::denied(&calls::DESCRIBE_DB_CLUSTERS, "AccessDenied");
    })
}

/// Parameter values of the group `tuned`.
pub(super) fn tuned(values: &[(&str, &str)]) -> BTreeMap<String, Read<BTreeMap<String, String>>> {
    let values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    BTreeMap::from([("tuned".to_owned(), Read::Known(values))])
}
