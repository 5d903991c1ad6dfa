//! EC2, EBS and VPC: what the answers hold, and what they leave out.

use demarc_model::{Listing, calls::ec2 as calls};

use super::*;

async fn answers(canned: &Canned, wanted: &[&'static Call]) -> demarc_model::Region {
    read(canned, wanted).await.regions.remove(0)
}

fn instance(id: &str, state: &str, inner: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId><imageId>ami-1</imageId>\
         <instanceState><code>16</code><name>{state}</name></instanceState>{inner}</item>"
    )
}

fn instances(items: &str, token: &str) -> String {
    ec2(
        "DescribeInstances",
        &format!(
            "<reservationSet><item><reservationId>r</reservationId><instancesSet>{items}\
             </instancesSet></item></reservationSet>{token}"
        ),
    )
}

fn ids<T>(listing: &Listing<T>, id: impl Fn(&T) -> &str) -> Vec<String> {
    listing.all().unwrap().iter().map(|item| id(item).to_owned()).collect()
}

#[tokio::test]
async fn instances_come_in_order_once_each_and_without_terminated_ones() {
    let second = instance("i-1", "running", "") + &instance("i-9", "terminated", "");
    let first = instance("i-2", "stopped", "") + &instance("i-1", "running", "");
    let canned = Canned::default().on("NextToken=two", 200, &instances(&second, "")).on(
        "DescribeInstances",
        200,
        &instances(&first, "<nextToken>two</nextToken>"),
    );
    let region = answers(&canned, &[&calls::DESCRIBE_INSTANCES]).await;
    assert_eq!(ids(&region.ec2.instances, |read| &read.instance_id), ["i-1", "i-2"]);
}

#[tokio::test]
async fn each_interface_of_an_instance_is_read_with_its_addresses() {
    let interfaces = "<networkInterfaceSet>\
        <item><networkInterfaceId>eni-2</networkInterfaceId><subnetId>subnet-2</subnetId>\
        <attachment><deviceIndex>1</deviceIndex></attachment>\
        <groupSet><item><groupId>sg-2</groupId></item></groupSet>\
        <privateIpAddressesSet>\
        <item><privateIpAddress>10.0.0.4</privateIpAddress><primary>true</primary></item>\
        <item><privateIpAddress>10.0.0.5</privateIpAddress><primary>false</primary>\
        <association><publicIp>198.51.100.9</publicIp></association></item>\
        </privateIpAddressesSet>\
        <ipv6AddressesSet><item><ipv6Address>2001:db8::1</ipv6Address></item></ipv6AddressesSet></item>\
        <item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId>\
        <attachment><deviceIndex>0</deviceIndex></attachment>\
        <association><publicIp>203.0.113.7</publicIp></association>\
        <groupSet><item><groupId>sg-b</groupId></item><item><groupId>sg-a</groupId></item></groupSet>\
        </item></networkInterfaceSet>\
        <metadataOptions><httpTokens>optional</httpTokens><httpEndpoint>enabled</httpEndpoint>\
        <httpPutResponseHopLimit>2</httpPutResponseHopLimit></metadataOptions>\
        <monitoring><state>enabled</state></monitoring>\
        <iamInstanceProfile><arn>arn:aws:iam::1:instance-profile/p</arn></iamInstanceProfile>\
        <tagSet><item><key>Name</key><value>web</value></item></tagSet>";
    let canned = Canned::default().on(
        "DescribeInstances",
        200,
        &instances(&instance("i-1", "running", interfaces), ""),
    );
    let region = answers(&canned, &[&calls::DESCRIBE_INSTANCES]).await;
    let read = &region.ec2.instances.all().unwrap()[0];
    assert_eq!(&*read.subject.arn, "arn:aws:ec2:eu-central-1:123456789012:instance/i-1");
    assert_eq!(read.metadata.http_tokens.as_deref(), Some("optional"));
    assert_eq!(read.metadata.http_put_response_hop_limit, Some(2));
    assert!(read.monitoring);
    assert_eq!(read.instance_profile.as_deref(), Some("arn:aws:iam::1:instance-profile/p"));
    let [first, second] = read.interfaces.as_slice() else { panic!("{read:?}") };
    assert_eq!(first.network_interface_id, "eni-1");
    assert_eq!(first.public_ip, "203.0.113.7".parse().ok());
    assert_eq!(first.security_groups, ["sg-a", "sg-b"]);
    assert_eq!(second.subnet_id.as_deref(), Some("subnet-2"));
    assert_eq!(second.ipv6_addresses.len(), 1);
    // The only public address stands behind a secondary private one.
    assert_eq!(second.public_ip, "198.51.100.9".parse().ok());
}

#[tokio::test]
async fn a_security_group_keeps_both_families_of_ranges_and_what_else_it_admits() {
    let group = "<securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>sg-1</groupId>\
        <groupName>web</groupName><groupDescription>d</groupDescription><vpcId>vpc-1</vpcId>\
        <ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>\
        <groups><item><userId>123456789012</userId><groupId>sg-2</groupId></item></groups>\
        <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges>\
        <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>\
        <prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item>\
        </ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/>\
        <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/><prefixListIds/>\
        </item></ipPermissionsEgress></item></securityGroupInfo>";
    let canned =
        Canned::default().on("DescribeSecurityGroups", 200, &ec2("DescribeSecurityGroups", group));
    let region = answers(&canned, &[&calls::DESCRIBE_SECURITY_GROUPS]).await;
    let group = &region.ec2.security_groups.all().unwrap()[0];
    let ingress = &group.ingress[0];
    let ranges: Vec<_> = ingress.ranges.iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["10.0.0.0/8", "::/0"]);
    assert_eq!(ingress.prefix_lists, ["pl-1"]);
    assert_eq!(ingress.groups, [("sg-2".to_owned(), Some("123456789012".to_owned()))]);
    assert_eq!((ingress.from_port, ingress.to_port), (Some(22), Some(22)));
    assert_eq!((group.egress[0].protocol.as_str(), group.egress[0].from_port), ("-1", None));
}

#[tokio::test]
async fn entries_of_a_network_acl_come_in_the_order_of_their_evaluation() {
    let entry = |number: u32, action: &str, egress: bool, inner: &str| {
        format!(
            "<item><ruleNumber>{number}</ruleNumber><protocol>6</protocol>\
             <ruleAction>{action}</ruleAction><egress>{egress}</egress>{inner}</item>"
        )
    };
    let entries = entry(32767, "deny", false, "<cidrBlock>0.0.0.0/0</cidrBlock>")
        + &entry(
            100,
            "allow",
            false,
            "<ipv6CidrBlock>::/0</ipv6CidrBlock><portRange><from>443</from><to>444</to></portRange>",
        )
        + &entry(1, "allow", true, "<cidrBlock>0.0.0.0/0</cidrBlock>");
    let acl = format!(
        "<networkAclSet><item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</vpcId>\
         <default>true</default><entrySet>{entries}</entrySet><associationSet>\
         <item><subnetId>subnet-1</subnetId></item></associationSet></item></networkAclSet>"
    );
    let canned =
        Canned::default().on("DescribeNetworkAcls", 200, &ec2("DescribeNetworkAcls", &acl));
    let region = answers(&canned, &[&calls::DESCRIBE_NETWORK_ACLS]).await;
    let acl = &region.ec2.network_acls.all().unwrap()[0];
    let numbers: Vec<_> = acl.entries.iter().map(|e| (e.egress, e.rule_number)).collect();
    assert_eq!(numbers, [(false, 100), (false, 32767), (true, 1)]);
    assert!(acl.entries[0].allow && !acl.entries[1].allow);
    assert_eq!(acl.entries[0].ports, Some((443, 444)));
    assert_eq!(acl.entries[0].range.unwrap().to_string(), "::/0");
    assert_eq!(acl.subnet_ids, ["subnet-1"]);
}

fn snapshots(ids: &[&str]) -> String {
    let item = |id: &&str| {
        format!(
            "<item><snapshotId>{id}</snapshotId><volumeId>vol-1</volumeId><status>completed</status>\
             <encrypted>false</encrypted></item>"
        )
    };
    let items: String = ids.iter().map(item).collect();
    ec2("DescribeSnapshots", &format!("<snapshotSet>{items}</snapshotSet>"))
}

static SNAPSHOTS: &[&Call] = &[&calls::DESCRIBE_SNAPSHOTS, &calls::DESCRIBE_SNAPSHOT_ATTRIBUTE];

#[tokio::test]
async fn sharing_is_asked_of_public_snapshots_alone_and_the_rest_are_proven_private() {
    let attribute = ec2(
        "DescribeSnapshotAttribute",
        "<snapshotId>snap-2</snapshotId><createVolumePermission><item><group>all</group></item>\
         <item><userId>210987654321</userId></item></createVolumePermission>",
    );
    let canned = Canned::default()
        .on("RestorableBy.1=all", 200, &snapshots(&["snap-2"]))
        .on("DescribeSnapshots", 200, &snapshots(&["snap-2", "snap-1"]))
        .on("DescribeSnapshotAttribute", 200, &attribute);
    let region = answers(&canned, SNAPSHOTS).await;
    let [private, public] = region.ebs.snapshots.all().unwrap() else { panic!() };
    assert!(!private.create_volume_permission.get().unwrap().public);
    let sharing = public.create_volume_permission.get().unwrap();
    assert!(sharing.public);
    assert_eq!(sharing.accounts, ["210987654321"]);
    assert_eq!(canned.sent().len(), 3);
    assert!(
        canned
            .sent()
            .iter()
            .all(|sent| { !sent.contains("DescribeSnapshots ") || sent.contains("Owner.1=self") })
    );
}

#[tokio::test]
async fn without_the_list_of_public_snapshots_none_is_proven_private() {
    let canned = Canned::default()
        .on("RestorableBy.1=all", 403, &ec2_error("UnauthorizedOperation", "no"))
        .on("DescribeSnapshots", 200, &snapshots(&["snap-1"]));
    let region = answers(&canned, SNAPSHOTS).await;
    let snapshot = &region.ebs.snapshots.all().unwrap()[0];
    let denied = Cause::Denied { code: "UnauthorizedOperation".to_owned() };
    assert_eq!(cause(&snapshot.create_volume_permission), denied);
}

#[tokio::test]
async fn a_snapshot_on_two_pages_is_public_all_the_same() {
    let page = snapshots(&["snap-1"]);
    let first = page.replace("</snapshotSet>", "</snapshotSet><nextToken>two</nextToken>");
    let attribute = ec2(
        "DescribeSnapshotAttribute",
        "<createVolumePermission><item><group>all</group></item></createVolumePermission>",
    );
    let canned = Canned::default()
        .on("DescribeSnapshotAttribute", 200, &attribute)
        .on("NextToken=two", 200, &page)
        .on("DescribeSnapshots", 200, &first);
    let region = answers(&canned, SNAPSHOTS).await;
    let [snapshot] = region.ebs.snapshots.all().unwrap() else { panic!() };
    assert!(snapshot.create_volume_permission.get().unwrap().public);
}

#[tokio::test]
async fn default_and_latest_version_of_a_launch_template_are_read_once_when_they_are_one() {
    let template = "<launchTemplates><item><launchTemplateId>lt-1</launchTemplateId>\
        <launchTemplateName>web</launchTemplateName><defaultVersionNumber>1</defaultVersionNumber>\
        <latestVersionNumber>3</latestVersionNumber></item></launchTemplates>";
    let version = |number: u32, is_default: bool, data: &str| {
        format!(
            "<item><launchTemplateId>lt-1</launchTemplateId><versionNumber>{number}</versionNumber>\
             <defaultVersion>{is_default}</defaultVersion>\
             <launchTemplateData>{data}</launchTemplateData></item>"
        )
    };
    let interface = "<networkInterfaceSet><item><deviceIndex>0</deviceIndex>\
        <associatePublicIpAddress>true</associatePublicIpAddress></item></networkInterfaceSet>\
        <metadataOptions><httpTokens>required</httpTokens></metadataOptions>\
        <blockDeviceMappingSet><item><deviceName>/dev/xvda</deviceName><ebs><encrypted>false\
        </encrypted></ebs></item></blockDeviceMappingSet>";
    let versions = |items: &str| {
        ec2(
            "DescribeLaunchTemplateVersions",
            &format!("<launchTemplateVersionSet>{items}</launchTemplateVersionSet>"),
        )
    };
    let wanted: &[&Call] =
        &[&calls::DESCRIBE_LAUNCH_TEMPLATES, &calls::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS];
    let listed = ec2("DescribeLaunchTemplates", template);
    let two = versions(&(version(3, false, "") + &version(1, true, interface)));
    let canned = Canned::default().on("DescribeLaunchTemplateVersions", 200, &two).on(
        "DescribeLaunchTemplates",
        200,
        &listed,
    );
    let region = answers(&canned, wanted).await;
    let template = &region.ec2.launch_templates.all().unwrap()[0];
    assert_eq!(&*template.subject.name, "web");
    let [first, latest] = template.versions.get().unwrap().as_slice() else { panic!() };
    assert_eq!((first.version, first.is_default, latest.version), (1, true, 3));
    assert_eq!(first.associate_public_ip, [Some(true)]);
    assert_eq!(first.metadata.http_tokens.as_deref(), Some("required"));
    assert_eq!(first.ebs[0].encrypted, Some(false));
    assert_eq!(latest.metadata.http_tokens, None);

    let one = versions(&version(1, true, "").repeat(2));
    let canned = Canned::default().on("DescribeLaunchTemplateVersions", 200, &one).on(
        "DescribeLaunchTemplates",
        200,
        &listed,
    );
    let region = answers(&canned, wanted).await;
    assert_eq!(region.ec2.launch_templates.seen()[0].versions.get().unwrap().len(), 1);

    let denied = ec2_error("UnauthorizedOperation", "no");
    let canned = Canned::default().on("DescribeLaunchTemplateVersions", 403, &denied).on(
        "DescribeLaunchTemplates",
        200,
        &listed,
    );
    let region = answers(&canned, wanted).await;
    let template = &region.ec2.launch_templates.all().unwrap()[0];
    assert!(matches!(cause(&template.versions), Cause::Denied { .. }));
}

#[tokio::test]
async fn a_regions_settings_are_unknown_when_the_answer_leaves_them_out() {
    let wanted: &[&Call] = &[
        &calls::GET_EBS_ENCRYPTION_BY_DEFAULT,
        &calls::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE,
        &calls::GET_IMAGE_BLOCK_PUBLIC_ACCESS_STATE,
        &calls::GET_SERIAL_CONSOLE_ACCESS_STATUS,
        &calls::GET_INSTANCE_METADATA_DEFAULTS,
    ];
    let operations = [
        ("GetEbsEncryptionByDefault", "<ebsEncryptionByDefault>true</ebsEncryptionByDefault>"),
        ("GetSnapshotBlockPublicAccessState", "<state>block-new-sharing</state>"),
        (
            "GetImageBlockPublicAccessState",
            "<imageBlockPublicAccessState>unblocked</imageBlockPublicAccessState>",
        ),
        (
            "GetSerialConsoleAccessStatus",
            "<serialConsoleAccessEnabled>false</serialConsoleAccessEnabled>",
        ),
        (
            "GetInstanceMetadataDefaults",
            "<accountLevel><httpTokens>required</httpTokens></accountLevel>",
        ),
    ];
    let (mut whole, mut empty) = (Canned::default(), Canned::default());
    for (operation, inner) in operations {
        whole = whole.on(operation, 200, &ec2(operation, inner));
        empty = empty.on(operation, 200, &ec2(operation, ""));
    }
    let region = answers(&whole, wanted).await;
    assert!(region.ebs.encryption_by_default.get().unwrap());
    assert_eq!(region.ebs.snapshot_block_public_access.get().unwrap(), "block-new-sharing");
    assert_eq!(region.ec2.image_block_public_access.get().unwrap(), "unblocked");
    assert!(!region.ec2.serial_console_access_enabled.get().unwrap());
    let defaults = region.ec2.instance_metadata_defaults.get().unwrap();
    assert_eq!(defaults.http_tokens.as_deref(), Some("required"));

    let region = answers(&empty, wanted).await;
    for cause in [
        cause(&region.ebs.encryption_by_default),
        cause(&region.ebs.snapshot_block_public_access),
        cause(&region.ec2.image_block_public_access),
        cause(&region.ec2.serial_console_access_enabled),
    ] {
        assert!(matches!(cause, Cause::Malformed { .. }), "{cause:?}");
    }
    // Here an empty answer is the answer: no default is set.
    let defaults = region.ec2.instance_metadata_defaults.get().unwrap();
    assert_eq!(defaults.http_tokens, None);
}

#[tokio::test]
async fn routes_and_vpcs_are_read_for_both_families() {
    let route = |destination: &str, target: &str, state: &str| {
        format!("<item>{destination}{target}<state>{state}</state></item>")
    };
    let routes = route(
        "<destinationCidrBlock>0.0.0.0/0</destinationCidrBlock>",
        "<gatewayId>igw-1</gatewayId>",
        "active",
    ) + &route(
        "<destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock>",
        "<egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId>",
        "blackhole",
    ) + &route(
        "<destinationPrefixListId>pl-1</destinationPrefixListId>",
        "<gatewayId>vpce-1</gatewayId>",
        "active",
    );
    let tables = format!(
        "<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId>\
         <routeSet>{routes}</routeSet><associationSet><item><main>true</main></item>\
         <item><subnetId>subnet-1</subnetId><main>false</main></item></associationSet></item>\
         </routeTableSet>"
    );
    let vpcs = "<vpcSet><item><vpcId>vpc-1</vpcId><ownerId>210987654321</ownerId>\
        <cidrBlock>10.0.0.0/16</cidrBlock><isDefault>true</isDefault>\
        <cidrBlockAssociationSet><item><cidrBlock>10.0.0.0/16</cidrBlock></item>\
        <item><cidrBlock>10.1.0.0/16</cidrBlock></item></cidrBlockAssociationSet>\
        <ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>2001:db8::/56</ipv6CidrBlock></item>\
        </ipv6CidrBlockAssociationSet></item></vpcSet>";
    let canned = Canned::default()
        .on("DescribeRouteTables", 200, &ec2("DescribeRouteTables", &tables))
        .on("DescribeVpcs", 200, &ec2("DescribeVpcs", vpcs));
    let region = answers(&canned, &[&calls::DESCRIBE_ROUTE_TABLES, &calls::DESCRIBE_VPCS]).await;
    let table = &region.vpc.route_tables.all().unwrap()[0];
    assert!(table.main);
    assert_eq!(table.subnet_ids, ["subnet-1"]);
    assert!(table.reaches_internet_over_ipv6(false) && !table.reaches_internet_over_ipv6(true));
    assert!(!table.routes[1].active);
    assert_eq!(table.routes[2].prefix_list.as_deref(), Some("pl-1"));
    let vpc = &region.vpc.vpcs.all().unwrap()[0];
    let blocks: Vec<_> = vpc.cidr_blocks.iter().map(ToString::to_string).collect();
    assert_eq!(blocks, ["10.0.0.0/16", "10.1.0.0/16", "2001:db8::/56"]);
    assert_eq!(&*vpc.subject.arn, "arn:aws:ec2:eu-central-1:210987654321:vpc/vpc-1");
}

#[tokio::test]
async fn an_endpoints_policy_that_cannot_be_read_is_not_the_default_one() {
    let endpoint = |policy: &str| {
        ec2(
            "DescribeVpcEndpoints",
            &format!(
                "<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId>\
                 <vpcEndpointType>Gateway</vpcEndpointType><state>available</state>{policy}\
                 <serviceName>com.amazonaws.eu-central-1.s3</serviceName></item></vpcEndpointSet>"
            ),
        )
    };
    let wanted: &[&Call] = &[&calls::DESCRIBE_VPC_ENDPOINTS];
    let canned = Canned::default().on("DescribeVpcEndpoints", 200, &endpoint(""));
    let region = answers(&canned, wanted).await;
    assert_eq!(region.vpc.endpoints.all().unwrap()[0].policy.get().unwrap(), &None);
    let odd = endpoint("<policyDocument>{&quot;Version&quot;:</policyDocument>");
    let canned = Canned::default().on("DescribeVpcEndpoints", 200, &odd);
    let region = answers(&canned, wanted).await;
    match cause(&region.vpc.endpoints.all().unwrap()[0].policy) {
        Cause::Malformed { what } => assert!(what.contains("vpce-1"), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_region_that_refuses_costs_its_own_reads_alone() {
    let off =
        ec2_error("AuthFailure", "AWS was not able to validate the provided access credentials");
    let canned = Canned::default().on("me-south-1 EC2", 401, &off).on(
        "DescribeVpcs",
        200,
        &ec2("DescribeVpcs", "<vpcSet/>"),
    );
    let wanted: &[&Call] = &[&calls::DESCRIBE_VPCS];
    let inventory = read_regions(&canned, wanted, &["eu-central-1", "me-south-1"], true).await;
    assert!(inventory.regions[0].vpc.vpcs.all().unwrap().is_empty());
    let why = inventory.regions[1].vpc.vpcs.all().unwrap_err();
    assert_eq!(why.cause, Cause::RegionDisabled);
}
