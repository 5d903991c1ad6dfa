//! Amazon RDS and Aurora, region by region.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_sdk_rds::{Client, types};
use demarc_model::{
    Inventory, Listing, Read, Region, Subject,
    calls::{Call, rds as calls},
    inventory::{
        Rds,
        rds::{
            Certificate, DbCluster, DbInstance, DbSnapshot, EventSubscription, JUDGED_PARAMETERS,
            OptionGroup,
        },
    },
};
use futures_util::{StreamExt as _, stream};

use crate::{Collector, Context, Scope, number, ordered, owned, text, timestamp};

static CALLS: &[&Call] = calls::ALL;

pub(crate) static COLLECTOR: Collector = Collector {
    name: "rds",
    calls: CALLS,
    annotations: &[],
    scope: Scope::Regional {
        run: |context| {
            Box::pin(async move {
                let rds = Box::pin(read(&context)).await;
                let name = Arc::clone(context.region());
                Box::new(move |inventory: &mut Inventory| inventory.region_mut(&name).rds = rds)
                    as _
            })
        },
        failed: |region: &mut Region, cause| region.rds = Rds::unread(cause),
    },
};

/// Snapshots and parameter groups whose details are asked for at the same time.
const DETAILS_AT_ONCE: usize = 16;

/// Engines of other services that answer through this API.
const FOREIGN_ENGINES: [&str; 2] = ["docdb", "neptune"];

fn is_rds(engine: Option<&str>) -> bool {
    engine.is_none_or(|engine| !FOREIGN_ENGINES.contains(&engine))
}

async fn read(context: &Context) -> Rds {
    let client = &context.rds_client();
    let databases = async {
        let (instances, clusters) =
            tokio::join!(instances(context, client), clusters(context, client));
        let groups = instances.seen().iter().flat_map(|i| i.parameter_groups.iter().cloned());
        let cluster_groups = clusters.seen().iter().filter_map(|c| c.parameter_group.clone());
        let (parameters, cluster_parameters) = tokio::join!(
            parameters(context, client, groups.collect()),
            cluster_parameters(context, client, cluster_groups.collect()),
        );
        (instances, clusters, parameters, cluster_parameters)
    };
    let (
        (instances, clusters, parameters, cluster_parameters),
        snapshots,
        cluster_snapshots,
        event_subscriptions,
        option_groups,
        certificates,
    ) = tokio::join!(
        databases,
        snapshots(context, client),
        cluster_snapshots(context, client),
        event_subscriptions(context, client),
        option_groups(context, client),
        certificates(context, client),
    );
    tracing::debug!(
        instances = number(&instances),
        clusters = number(&clusters),
        snapshots = number(&snapshots),
        cluster_snapshots = number(&cluster_snapshots),
        parameter_groups = parameters.len() + cluster_parameters.len(),
        "read the region"
    );
    Rds {
        instances,
        clusters,
        snapshots,
        cluster_snapshots,
        event_subscriptions,
        option_groups,
        certificates,
        parameters,
        cluster_parameters,
    }
}

fn subject(
    context: &Context,
    kind: &'static str,
    arn: Option<&str>,
    name: &str,
    tags: &[types::Tag],
) -> Subject {
    Subject::new(kind, arn.unwrap_or_default(), name, context.region())
        .with_tags(tags.iter().map(|tag| (text(tag.key()), text(tag.value()))))
}

async fn instances(context: &Context, client: &Client) -> Listing<DbInstance> {
    let pages = context
        .pages(
            &calls::DESCRIBE_DB_INSTANCES,
            |marker| client.describe_db_instances().max_records(100).set_marker(marker).send(),
            |page| (page.db_instances.unwrap_or_default(), page.marker),
        )
        .await
        .filter(|read| is_rds(read.engine()))
        .map(|read| instance(context, &read));
    ordered(pages, |instance: &DbInstance| instance.subject.arn.clone())
}

fn instance(context: &Context, read: &types::DbInstance) -> DbInstance {
    let identifier = text(read.db_instance_identifier());
    let engine = text(read.engine());
    let arn = read.db_instance_arn();
    let subject = subject(context, "AWS::RDS::DBInstance", arn, &identifier, read.tag_list())
        .with_fact("Engine", engine.clone());
    let groups = read.db_parameter_groups();
    let mut subnet_ids: Vec<_> = read
        .db_subnet_group()
        .map(types::DbSubnetGroup::subnets)
        .unwrap_or_default()
        .iter()
        .filter_map(|subnet| owned(subnet.subnet_identifier()))
        .collect();
    subnet_ids.sort();
    let mut security_groups: Vec<_> = read
        .vpc_security_groups()
        .iter()
        .filter_map(|group| owned(group.vpc_security_group_id()))
        .collect();
    security_groups.sort();
    DbInstance {
        subject: Arc::new(subject),
        identifier,
        status: text(read.db_instance_status()),
        engine,
        engine_version: text(read.engine_version()),
        cluster: owned(read.db_cluster_identifier()),
        storage_encrypted: read.storage_encrypted().unwrap_or(false),
        storage_encryption_type: read
            .storage_encryption_type()
            .map(|kind| kind.as_str().to_owned()),
        publicly_accessible: read.publicly_accessible().unwrap_or(false),
        auto_minor_version_upgrade: read.auto_minor_version_upgrade().unwrap_or(false),
        multi_az: read.multi_az().unwrap_or(false),
        backup_retention_period: read.backup_retention_period().unwrap_or_default(),
        deletion_protection: read.deletion_protection().unwrap_or(false),
        iam_database_authentication_enabled: read
            .iam_database_authentication_enabled()
            .unwrap_or(false),
        enabled_cloudwatch_logs_exports: read.enabled_cloudwatch_logs_exports().to_vec(),
        copy_tags_to_snapshot: read.copy_tags_to_snapshot().unwrap_or(false),
        master_username: text(read.master_username()),
        port: read.endpoint().and_then(types::Endpoint::port),
        monitoring_interval: read.monitoring_interval().unwrap_or_default(),
        performance_insights_enabled: read.performance_insights_enabled().unwrap_or(false),
        ca_certificate_identifier: owned(read.ca_certificate_identifier()),
        certificate_valid_till: timestamp(
            read.certificate_details().and_then(|details| details.valid_till()),
        ),
        parameter_groups: groups
            .iter()
            .filter_map(|group| owned(group.db_parameter_group_name()))
            .collect(),
        parameters_pending: groups
            .iter()
            .any(|group| group.parameter_apply_status().is_some_and(|status| status != "in-sync")),
        option_groups: read
            .option_group_memberships()
            .iter()
            .filter_map(|group| owned(group.option_group_name()))
            .collect(),
        vpc_id: read.db_subnet_group().and_then(|group| owned(group.vpc_id())),
        subnet_ids,
        security_groups,
        replica_source: owned(read.read_replica_source_db_instance_identifier())
            .or_else(|| owned(read.read_replica_source_db_cluster_identifier())),
    }
}

async fn clusters(context: &Context, client: &Client) -> Listing<DbCluster> {
    let pages = context
        .pages(
            &calls::DESCRIBE_DB_CLUSTERS,
            |marker| client.describe_db_clusters().max_records(100).set_marker(marker).send(),
            |page| (page.db_clusters.unwrap_or_default(), page.marker),
        )
        .await
        .filter(|read| is_rds(read.engine()))
        .map(|read| cluster(context, &read));
    ordered(pages, |cluster: &DbCluster| cluster.subject.arn.clone())
}

fn cluster(context: &Context, read: &types::DbCluster) -> DbCluster {
    let identifier = text(read.db_cluster_identifier());
    let engine = text(read.engine());
    let arn = read.db_cluster_arn();
    let subject = subject(context, "AWS::RDS::DBCluster", arn, &identifier, read.tag_list())
        .with_fact("Engine", engine.clone());
    let members = read.db_cluster_members();
    DbCluster {
        subject: Arc::new(subject),
        identifier,
        status: text(read.status()),
        engine,
        // "provisioned" is the default (CreateDBCluster, EngineMode).
        engine_mode: read.engine_mode().unwrap_or("provisioned").to_owned(),
        engine_version: text(read.engine_version()),
        storage_encrypted: read.storage_encrypted().unwrap_or(false),
        storage_encryption_type: read
            .storage_encryption_type()
            .map(|kind| kind.as_str().to_owned()),
        kms_key_id: owned(read.kms_key_id()),
        auto_minor_version_upgrade: read.auto_minor_version_upgrade().unwrap_or(false),
        multi_az: read.multi_az().unwrap_or(false),
        backup_retention_period: read.backup_retention_period().unwrap_or_default(),
        deletion_protection: read.deletion_protection().unwrap_or(false),
        iam_database_authentication_enabled: read
            .iam_database_authentication_enabled()
            .unwrap_or(false),
        enabled_cloudwatch_logs_exports: read.enabled_cloudwatch_logs_exports().to_vec(),
        copy_tags_to_snapshot: read.copy_tags_to_snapshot().unwrap_or(false),
        master_username: text(read.master_username()),
        port: read.port(),
        backtrack_window: read.backtrack_window().unwrap_or_default(),
        parameter_group: owned(read.db_cluster_parameter_group()),
        parameters_pending: members.iter().any(|member| {
            member.db_cluster_parameter_group_status().is_some_and(|status| status != "in-sync")
        }),
        members: members.len(),
        replica_source: owned(read.replication_source_identifier()),
    }
}

/// The judged parameters of each group, by group name.
type Parameters = BTreeMap<String, Read<BTreeMap<String, String>>>;

fn by_name(listing: &Listing<types::Parameter>) -> Read<BTreeMap<String, String>> {
    listing
        .all()
        .map(|parameters| {
            parameters
                .iter()
                .filter_map(|read| Some((read.parameter_name()?, read.parameter_value()?)))
                .filter(|(name, _)| JUDGED_PARAMETERS.contains(name))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        })
        .into()
}

/// Narrows the answer to the parameters that are judged; the rest would be several pages.
fn judged_parameters() -> types::Filter {
    types::Filter::builder()
        .name("parameter-name")
        .set_values(Some(JUDGED_PARAMETERS.map(str::to_owned).to_vec()))
        .build()
}

async fn parameters(context: &Context, client: &Client, groups: BTreeSet<String>) -> Parameters {
    let reads = stream::iter(groups).map(|group| async move {
        let listing = context
            .pages(
                &calls::DESCRIBE_DB_PARAMETERS,
                |marker| {
                    client
                        .describe_db_parameters()
                        .db_parameter_group_name(&group)
                        .filters(judged_parameters())
                        .max_records(100)
                        .set_marker(marker)
                        .send()
                },
                |page| (page.parameters.unwrap_or_default(), page.marker),
            )
            .await;
        (group, by_name(&listing))
    });
    reads.buffered(DETAILS_AT_ONCE).collect().await
}

async fn cluster_parameters(
    context: &Context,
    client: &Client,
    groups: BTreeSet<String>,
) -> Parameters {
    let reads = stream::iter(groups).map(|group| async move {
        let listing = context
            .pages(
                &calls::DESCRIBE_DB_CLUSTER_PARAMETERS,
                |marker| {
                    client
                        .describe_db_cluster_parameters()
                        .db_cluster_parameter_group_name(&group)
                        .filters(judged_parameters())
                        .max_records(100)
                        .set_marker(marker)
                        .send()
                },
                |page| (page.parameters.unwrap_or_default(), page.marker),
            )
            .await;
        (group, by_name(&listing))
    });
    reads.buffered(DETAILS_AT_ONCE).collect().await
}

async fn snapshots(context: &Context, client: &Client) -> Listing<DbSnapshot> {
    let found = context
        .pages(
            &calls::DESCRIBE_DB_SNAPSHOTS,
            |marker| client.describe_db_snapshots().max_records(100).set_marker(marker).send(),
            |page| (page.db_snapshots.unwrap_or_default(), page.marker),
        )
        .await;
    with_restore(context, "AWS::RDS::DBSnapshot", found, |identifier: String| async move {
        let call = &calls::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES;
        let answer = context
            .ask(call, || {
                client.describe_db_snapshot_attributes().db_snapshot_identifier(&identifier).send()
            })
            .await;
        answer.map(|answer| {
            let result = answer.db_snapshot_attributes_result;
            let attributes = result.and_then(|result| result.db_snapshot_attributes);
            let attributes = attributes.unwrap_or_default().into_iter();
            attributes.map(|read| (read.attribute_name, read.attribute_values)).collect()
        })
    })
    .await
}

async fn cluster_snapshots(context: &Context, client: &Client) -> Listing<DbSnapshot> {
    let found = context
        .pages(
            &calls::DESCRIBE_DB_CLUSTER_SNAPSHOTS,
            |marker| {
                client.describe_db_cluster_snapshots().max_records(100).set_marker(marker).send()
            },
            |page| (page.db_cluster_snapshots.unwrap_or_default(), page.marker),
        )
        .await
        .map(as_db_snapshot);
    with_restore(context, "AWS::RDS::DBClusterSnapshot", found, |identifier: String| async move {
        let call = &calls::DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES;
        let answer = context
            .ask(call, || {
                client
                    .describe_db_cluster_snapshot_attributes()
                    .db_cluster_snapshot_identifier(&identifier)
                    .send()
            })
            .await;
        answer.map(|answer| {
            let result = answer.db_cluster_snapshot_attributes_result;
            let attributes = result.and_then(|result| result.db_cluster_snapshot_attributes);
            let attributes = attributes.unwrap_or_default().into_iter();
            attributes.map(|read| (read.attribute_name, read.attribute_values)).collect()
        })
    })
    .await
}

/// What is read of a cluster's snapshot in the type of an instance's.
fn as_db_snapshot(read: types::DbClusterSnapshot) -> types::DbSnapshot {
    types::DbSnapshot::builder()
        .set_db_snapshot_identifier(read.db_cluster_snapshot_identifier)
        .set_db_snapshot_arn(read.db_cluster_snapshot_arn)
        .set_snapshot_type(read.snapshot_type)
        .set_engine(read.engine)
        .set_encrypted(read.storage_encrypted)
        .set_storage_encryption_type(read.storage_encryption_type)
        .set_tag_list(read.tag_list)
        .build()
}

/// Name and values, as the SDK has them.
type Attribute = (Option<String>, Option<Vec<String>>);

/// The snapshots, each with the accounts that may restore it.
async fn with_restore<F>(
    context: &Context,
    kind: &'static str,
    found: Listing<types::DbSnapshot>,
    attributes: impl Fn(String) -> F,
) -> Listing<DbSnapshot>
where
    F: Future<Output = Read<Vec<Attribute>>>,
{
    let listed = found.seen().len();
    let found = found.filter(|read| is_rds(read.engine()));
    let others = listed - found.seen().len();
    if others > 0 {
        tracing::debug!(kind, others, "snapshots of other services are left out");
    }
    let gap = found.gap().cloned();
    let attributes = &attributes;
    let reads = stream::iter(found.into_seen()).map(|read| async move {
        let identifier = text(read.db_snapshot_identifier());
        let engine = text(read.engine());
        let arn = read.db_snapshot_arn();
        let subject = subject(context, kind, arn, &identifier, read.tag_list())
            .with_fact("Engine", engine.clone());
        // Neither automated snapshots nor those of AWS Backup can be shared ("Sharing a DB snapshot
        // for Amazon RDS"); the question is put about all others.
        let restore = match read.snapshot_type() {
            Some("automated" | "awsbackup") => DbSnapshot::unshared(),
            _ => attributes(identifier.clone()).await.map(restorers),
        };
        DbSnapshot {
            subject: Arc::new(subject),
            identifier,
            snapshot_type: text(read.snapshot_type()),
            engine,
            encrypted: read.encrypted().unwrap_or(false),
            storage_encryption_type: read
                .storage_encryption_type()
                .map(|kind| kind.as_str().to_owned()),
            restore,
        }
    });
    let snapshots = reads.buffered(DETAILS_AT_ONCE).collect().await;
    ordered(Listing::new(snapshots, gap), |snapshot| snapshot.subject.arn.clone())
}

fn restorers(attributes: Vec<Attribute>) -> Vec<String> {
    let restore = attributes.into_iter().find(|(name, _)| name.as_deref() == Some("restore"));
    let mut accounts = restore.and_then(|(_, accounts)| accounts).unwrap_or_default();
    accounts.sort();
    accounts
}

async fn event_subscriptions(context: &Context, client: &Client) -> Listing<EventSubscription> {
    let pages = context
        .pages(
            &calls::DESCRIBE_EVENT_SUBSCRIPTIONS,
            |marker| {
                client.describe_event_subscriptions().max_records(100).set_marker(marker).send()
            },
            |page| (page.event_subscriptions_list.unwrap_or_default(), page.marker),
        )
        .await
        .map(|read| {
            let name = text(read.cust_subscription_id());
            let arn = read.event_subscription_arn();
            EventSubscription {
                subject: Arc::new(subject(context, "AWS::RDS::EventSubscription", arn, &name, &[])),
                enabled: read.enabled().unwrap_or(false),
                status: text(read.status()),
                source_type: owned(read.source_type()),
                source_ids: read.source_ids_list().to_vec(),
                event_categories: read.event_categories_list().to_vec(),
            }
        });
    ordered(pages, |subscription: &EventSubscription| subscription.subject.arn.clone())
}

async fn option_groups(context: &Context, client: &Client) -> Listing<OptionGroup> {
    let pages = context
        .pages(
            &calls::DESCRIBE_OPTION_GROUPS,
            |marker| client.describe_option_groups().max_records(100).set_marker(marker).send(),
            |page| (page.option_groups_list.unwrap_or_default(), page.marker),
        )
        .await
        .map(|read| {
            let name = text(read.option_group_name());
            let arn = read.option_group_arn();
            OptionGroup {
                subject: Arc::new(subject(context, "AWS::RDS::OptionGroup", arn, &name, &[])),
                name,
                engine: text(read.engine_name()),
                options: read.options().iter().map(option).collect(),
            }
        });
    ordered(pages, |group: &OptionGroup| group.name.clone())
}

fn option(read: &types::Option) -> (String, BTreeMap<String, String>) {
    let settings = read
        .option_settings()
        .iter()
        .filter_map(|setting| Some((setting.name()?.to_owned(), setting.value()?.to_owned())));
    (text(read.option_name()), settings.collect())
}

async fn certificates(context: &Context, client: &Client) -> Listing<Certificate> {
    let pages = context
        .pages(
            &calls::DESCRIBE_CERTIFICATES,
            |marker| client.describe_certificates().max_records(100).set_marker(marker).send(),
            |page| (page.certificates.unwrap_or_default(), page.marker),
        )
        .await
        .map(|read| {
            let identifier = text(read.certificate_identifier());
            let arn = read.certificate_arn();
            Certificate {
                subject: Arc::new(subject(context, "AWS::RDS::Certificate", arn, &identifier, &[])),
                identifier,
                valid_till: timestamp(read.valid_till()),
            }
        });
    ordered(pages, |certificate: &Certificate| certificate.identifier.clone())
}
