//! RDS: pages, neighbours that answer through the same API, parameters and sharing.

use demarc_model::{calls::rds as calls, inventory::Rds};

use super::*;

async fn rds(canned: &Canned, wanted: &[&'static Call]) -> Rds {
    read(canned, wanted).await.regions.remove(0).rds
}

fn instance(id: &str, engine: &str) -> String {
    format!(
        "<DBInstance><DBInstanceIdentifier>{id}</DBInstanceIdentifier><Engine>{engine}</Engine>\
         <DBInstanceArn>arn:aws:rds:eu-central-1:123456789012:db:{id}</DBInstanceArn>\
         <StorageEncrypted>true</StorageEncrypted><Endpoint><Port>5432</Port></Endpoint>\
         <DBParameterGroups><DBParameterGroup><DBParameterGroupName>pg</DBParameterGroupName>\
         <ParameterApplyStatus>pending-reboot</ParameterApplyStatus></DBParameterGroup>\
         </DBParameterGroups><TagList><Tag><Key>k</Key><Value>v</Value></Tag></TagList></DBInstance>"
    )
}

fn instances(items: &str, marker: &str) -> String {
    query("DescribeDBInstances", &format!("<DBInstances>{items}</DBInstances>{marker}"))
}

#[tokio::test]
async fn every_page_is_read_and_neighbours_are_left_out() {
    let canned =
        Canned::default().on("Marker=two", 200, &instances(&instance("a", "postgres"), "")).on(
            "DescribeDBInstances",
            200,
            &instances(
                &(instance("b", "custom-oracle-ee")
                    + &instance("n", "neptune")
                    + &instance("d", "docdb")),
                "<Marker>two</Marker>",
            ),
        );
    let rds = rds(&canned, &[&calls::DESCRIBE_DB_INSTANCES]).await;
    let read = rds.instances.all().unwrap();
    let names: Vec<_> = read.iter().map(|instance| instance.identifier.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(read[0].storage_encrypted && read[0].parameters_pending);
    assert_eq!(read[0].port, Some(5432));
    assert_eq!(read[0].subject.tags.get().unwrap().iter().next().unwrap().0, "k");
    assert!(canned.sent()[0].contains("MaxRecords=100"));
    // The parameters were not wanted: their group reads as not asked for.
    assert!(rds.parameter("pg", "rds.force_ssl").is_err());
}

#[tokio::test]
async fn a_group_used_twice_is_asked_once_and_tells_set_from_unset() {
    let parameter = |name: &str, value: &str| {
        format!("<Parameter><ParameterName>{name}</ParameterName>{value}</Parameter>")
    };
    let parameters = |items: &str, marker: &str| {
        query("DescribeDBParameters", &format!("<Parameters>{items}</Parameters>{marker}"))
    };
    let on = parameter("rds.force_ssl", "<ParameterValue>1</ParameterValue>");
    // An endpoint that knows no filter answers everything, in pages.
    let other = parameter("autovacuum", "<ParameterValue>1</ParameterValue>")
        + &parameter("server_audit_logging", "");
    let canned = Canned::default()
        .on(
            "DescribeDBInstances",
            200,
            &instances(&(instance("a", "postgres") + &instance("b", "postgres")), ""),
        )
        .on("Marker=two", 200, &parameters(&on, ""))
        .on("DescribeDBParameters", 200, &parameters(&other, "<Marker>two</Marker>"));
    let wanted: &[&Call] = &[&calls::DESCRIBE_DB_INSTANCES, &calls::DESCRIBE_DB_PARAMETERS];
    let rds = rds(&canned, wanted).await;
    assert_eq!(rds.parameter("pg", "rds.force_ssl").unwrap(), Some("1"));
    assert_eq!(rds.parameter("pg", "server_audit_logging").unwrap(), None);
    assert_eq!(rds.parameters["pg"].get().unwrap().len(), 1, "the judged ones alone are kept");
    assert_eq!(canned.sent().len(), 3);
    let asked = &canned.sent()[1];
    assert!(asked.contains("Filters.Filter.1.Name=parameter-name"), "{asked}");
}

#[tokio::test]
async fn half_a_parameter_group_is_no_group() {
    let first = query(
        "DescribeDBParameters",
        "<Parameters><Parameter><ParameterName>rds.force_ssl</ParameterName>\
         <ParameterValue>1</ParameterValue></Parameter></Parameters><Marker>two</Marker>",
    );
    let canned = Canned::default()
        .on("DescribeDBInstances", 200, &instances(&instance("a", "postgres"), ""))
        .on("Marker=two", 403, &query_error("AccessDenied", "no"))
        .on("DescribeDBParameters", 200, &first);
    let wanted: &[&Call] = &[&calls::DESCRIBE_DB_INSTANCES, &calls::DESCRIBE_DB_PARAMETERS];
    let rds = rds(&canned, wanted).await;
    let why = rds.parameter("pg", "rds.force_ssl").unwrap_err();
    assert_eq!(why.cause, Cause::Denied { code: "AccessDenied".to_owned() });
}

#[tokio::test]
async fn who_may_restore_is_asked_of_snapshots_that_can_be_shared() {
    let snapshot = |id: &str, kind: &str| {
        format!(
            "<DBSnapshot><DBSnapshotIdentifier>{id}</DBSnapshotIdentifier><Engine>mysql</Engine>\
             <DBSnapshotArn>arn:aws:rds:eu-central-1:123456789012:snapshot:{id}</DBSnapshotArn>\
             <SnapshotType>{kind}</SnapshotType><Encrypted>false</Encrypted></DBSnapshot>"
        )
    };
    let items = snapshot("rds:auto", "automated")
        + &snapshot("mine", "manual")
        + &snapshot("x", "new-kind");
    let listed = query("DescribeDBSnapshots", &format!("<DBSnapshots>{items}</DBSnapshots>"));
    let attributes = query(
        "DescribeDBSnapshotAttributes",
        "<DBSnapshotAttributesResult><DBSnapshotIdentifier>mine</DBSnapshotIdentifier>\
         <DBSnapshotAttributes><DBSnapshotAttribute><AttributeName>restore</AttributeName>\
         <AttributeValues><AttributeValue>all</AttributeValue>\
         <AttributeValue>210987654321</AttributeValue></AttributeValues></DBSnapshotAttribute>\
         </DBSnapshotAttributes></DBSnapshotAttributesResult>",
    );
    let canned = Canned::default()
        .on("DBSnapshotIdentifier=mine", 200, &attributes)
        .on("DBSnapshotIdentifier=x", 404, &query_error("DBSnapshotNotFound", "gone"))
        .on("DescribeDBSnapshots", 200, &listed);
    let wanted: &[&Call] =
        &[&calls::DESCRIBE_DB_SNAPSHOTS, &calls::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES];
    let rds = rds(&canned, wanted).await;
    let [mine, auto, gone] = rds.snapshots.all().unwrap() else { panic!("{:?}", rds.snapshots) };
    assert_eq!(mine.restore.get().unwrap(), &["210987654321", "all"]);
    assert_eq!(auto.restore.get().unwrap(), &[""; 0]);
    assert_eq!(cause(&gone.restore), Cause::Refused { code: "DBSnapshotNotFound".to_owned() });
    assert_eq!(canned.sent().len(), 3);
}

#[tokio::test]
async fn clusters_subscriptions_options_and_certificates_are_read() {
    let cluster = "<DBClusters><DBCluster><DBClusterIdentifier>c</DBClusterIdentifier>\
        <DBClusterArn>arn:aws:rds:eu-central-1:123456789012:cluster:c</DBClusterArn>\
        <Engine>aurora-mysql</Engine><StorageEncrypted>true</StorageEncrypted>\
        <DBClusterParameterGroup>cpg</DBClusterParameterGroup>\
        <DBClusterMembers><DBClusterMember><DBInstanceIdentifier>m</DBInstanceIdentifier>\
        <DBClusterParameterGroupStatus>in-sync</DBClusterParameterGroupStatus></DBClusterMember>\
        </DBClusterMembers></DBCluster></DBClusters>";
    let subscription = "<EventSubscriptionsList><EventSubscription>\
        <CustSubscriptionId>s</CustSubscriptionId><Status>active</Status><Enabled>true</Enabled>\
        <SourceType>db-instance</SourceType>\
        <EventCategoriesList><EventCategory>failure</EventCategory></EventCategoriesList>\
        <EventSubscriptionArn>arn:aws:rds:eu-central-1:123456789012:es:s</EventSubscriptionArn>\
        </EventSubscription></EventSubscriptionsList>";
    let options = "<OptionGroupsList><OptionGroup><OptionGroupName>o</OptionGroupName>\
        <EngineName>oracle-ee</EngineName><OptionGroupArn>arn:o</OptionGroupArn><Options><Option>\
        <OptionName>NATIVE_NETWORK_ENCRYPTION</OptionName><OptionSettings><OptionSetting>\
        <Name>SQLNET.ENCRYPTION_SERVER</Name><Value>REQUIRED</Value></OptionSetting>\
        </OptionSettings></Option></Options></OptionGroup></OptionGroupsList>";
    let certificates = "<Certificates><Certificate>\
        <CertificateIdentifier>rds-ca-2019</CertificateIdentifier>\
        <ValidTill>2024-08-22T17:08:50Z</ValidTill></Certificate></Certificates>";
    let parameters = query(
        "DescribeDBClusterParameters",
        "<Parameters><Parameter><ParameterName>require_secure_transport</ParameterName>\
         <ParameterValue>ON</ParameterValue></Parameter></Parameters>",
    );
    let canned = Canned::default()
        .on("DescribeDBClusters", 200, &query("DescribeDBClusters", cluster))
        .on("DescribeDBClusterParameters", 200, &parameters)
        .on("DescribeEventSubscriptions", 200, &query("DescribeEventSubscriptions", subscription))
        .on("DescribeOptionGroups", 200, &query("DescribeOptionGroups", options))
        .on("DescribeCertificates", 200, &query("DescribeCertificates", certificates));
    let wanted: &[&Call] = &[
        &calls::DESCRIBE_DB_CLUSTERS,
        &calls::DESCRIBE_DB_CLUSTER_PARAMETERS,
        &calls::DESCRIBE_EVENT_SUBSCRIPTIONS,
        &calls::DESCRIBE_OPTION_GROUPS,
        &calls::DESCRIBE_CERTIFICATES,
    ];
    let rds = rds(&canned, wanted).await;
    let cluster = &rds.clusters.all().unwrap()[0];
    assert_eq!((cluster.members, cluster.parameters_pending), (1, false));
    assert_eq!(cluster.engine_mode, "provisioned");
    assert_eq!(rds.cluster_parameter("cpg", "require_secure_transport").unwrap(), Some("ON"));
    let subscription = &rds.event_subscriptions.all().unwrap()[0];
    assert!(subscription.enabled);
    assert_eq!(subscription.event_categories, ["failure"]);
    let (name, settings) = &rds.option_groups.all().unwrap()[0].options[0];
    assert_eq!(name, "NATIVE_NETWORK_ENCRYPTION");
    assert_eq!(settings["SQLNET.ENCRYPTION_SERVER"], "REQUIRED");
    assert!(rds.certificates.all().unwrap()[0].valid_till.is_some());
}
