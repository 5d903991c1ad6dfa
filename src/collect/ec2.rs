//! Amazon EC2 with EBS and VPC: one API, read region by region.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use aws_sdk_ec2::{Client, operation::describe_snapshots::DescribeSnapshotsOutput, types};
use demarc_model::{
    Cause, Inventory, Listing, Read, Region, Subject,
    calls::{Call, ec2 as calls},
    inventory::{
        Ebs, Ec2, Vpcs,
        ec2::{
            AclEntry, Address, BlockPublicAccess, BlockPublicAccessExclusion, EbsDevice, Endpoint,
            FlowLog, Image, Instance, InstanceInterface, InstanceMetadataDefaults, InternetGateway,
            LaunchTemplate, LaunchTemplateVersion, MetadataOptions, NetworkAcl, NetworkInterface,
            PeeringConnection, PeeringSide, Permission, Route, RouteTable, SecurityGroup, Snapshot,
            SnapshotSharing, Subnet, Volume, Vpc,
        },
    },
    policy::Policy,
    time::Timestamp,
};
use futures_util::{StreamExt as _, stream};
use ipnet::IpNet;

use crate::{Collector, Context, Scope, number, ordered, owned, text, timestamp};

static CALLS: &[&Call] = calls::ALL;

pub(crate) static COLLECTOR: Collector = Collector {
    name: "ec2",
    calls: CALLS,
    annotations: &[],
    scope: Scope::Regional {
        run: |context| {
            Box::pin(async move {
                let (ec2, ebs, vpc) = read(&context).await;
                let name = Arc::clone(context.region());
                Box::new(move |inventory: &mut Inventory| {
                    let region = inventory.region_mut(&name);
                    (region.ec2, region.ebs, region.vpc) = (ec2, ebs, vpc);
                }) as _
            })
        },
        failed: |region: &mut Region, cause: &Cause| {
            region.ec2 = Ec2::unread(cause);
            region.ebs = Ebs::unread(cause);
            region.vpc = Vpcs::unread(cause);
        },
    },
};

/// Launch templates and shared snapshots whose details are asked for at the same time.
const DETAILS_AT_ONCE: usize = 16;

async fn read(context: &Context) -> (Ec2, Ebs, Vpcs) {
    let client = &context.ec2_client();
    let ec2 = async {
        let (
            instances,
            images,
            launch_templates,
            security_groups,
            network_acls,
            network_interfaces,
            addresses,
            image_block_public_access,
            instance_metadata_defaults,
            serial_console_access_enabled,
        ) = tokio::join!(
            instances(context, client),
            images(context, client),
            launch_templates(context, client),
            security_groups(context, client),
            network_acls(context, client),
            network_interfaces(context, client),
            addresses(context, client),
            image_block_public_access(context, client),
            instance_metadata_defaults(context, client),
            serial_console_access(context, client),
        );
        Ec2 {
            instances,
            images,
            launch_templates,
            security_groups,
            network_acls,
            network_interfaces,
            addresses,
            image_block_public_access,
            instance_metadata_defaults,
            serial_console_access_enabled,
        }
    };
    let ebs = async {
        let (encryption_by_default, snapshot_block_public_access, volumes, snapshots) = tokio::join!(
            encryption_by_default(context, client),
            snapshot_block_public_access(context, client),
            volumes(context, client),
            snapshots(context, client),
        );
        Ebs { encryption_by_default, snapshot_block_public_access, volumes, snapshots }
    };
    let vpc = async {
        let (
            vpcs,
            subnets,
            route_tables,
            internet_gateways,
            flow_logs,
            endpoints,
            peering_connections,
            block_public_access,
            block_public_access_exclusions,
        ) = tokio::join!(
            vpcs(context, client),
            subnets(context, client),
            route_tables(context, client),
            internet_gateways(context, client),
            flow_logs(context, client),
            endpoints(context, client),
            peering_connections(context, client),
            block_public_access(context, client),
            block_public_access_exclusions(context, client),
        );
        Vpcs {
            vpcs,
            subnets,
            route_tables,
            internet_gateways,
            flow_logs,
            endpoints,
            peering_connections,
            block_public_access,
            block_public_access_exclusions,
        }
    };
    // Boxed: the three futures together are tens of kilobytes.
    let (ec2, ebs, vpc) = tokio::join!(Box::pin(ec2), Box::pin(ebs), Box::pin(vpc));
    tracing::debug!(
        vpcs = number(&vpc.vpcs),
        instances = number(&ec2.instances),
        security_groups = number(&ec2.security_groups),
        network_interfaces = number(&ec2.network_interfaces),
        volumes = number(&ebs.volumes),
        snapshots = number(&ebs.snapshots),
        images = number(&ec2.images),
        "read the region"
    );
    (ec2, ebs, vpc)
}

/// `arn:aws:ec2:REGION:ACCOUNT:instance/i-…`, with its tags; `Name` is its name when it has one.
fn subject(
    context: &Context,
    kind: &'static str,
    noun: &str,
    id: &str,
    owner: Option<&str>,
    tags: &[types::Tag],
) -> Subject {
    let (partition, region) = (context.partition(), context.region());
    let owner = owner.unwrap_or_else(|| context.account());
    let arn = format!("arn:{partition}:ec2:{region}:{owner}:{noun}/{id}");
    Subject::new(kind, arn, id, region).with_tags(tags.iter().map(|tag| {
        (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned())
    }))
}

fn address(value: Option<&str>) -> Option<IpAddr> {
    value?.parse().ok()
}

fn group_ids(groups: &[types::GroupIdentifier]) -> Vec<String> {
    let mut ids: Vec<_> = groups.iter().map(|group| text(group.group_id())).collect();
    ids.sort();
    ids
}

/// The same three options in whichever of the SDK's types.
macro_rules! metadata {
    ($as:ident, $read:expr) => {
        $as {
            http_tokens: $read.http_tokens().map(|state| state.as_str().to_owned()),
            http_endpoint: $read.http_endpoint().map(|state| state.as_str().to_owned()),
            http_put_response_hop_limit: $read.http_put_response_hop_limit(),
        }
    };
}

async fn instances(context: &Context, client: &Client) -> Listing<Instance> {
    let pages = context
        .pages(
            &calls::DESCRIBE_INSTANCES,
            |token| client.describe_instances().max_results(1_000).set_next_token(token).send(),
            |page| {
                let reservations = page.reservations.unwrap_or_default();
                let instances: Vec<_> = reservations
                    .iter()
                    .flat_map(types::Reservation::instances)
                    .map(|read| instance(context, read))
                    .filter(|instance| instance.state != "terminated")
                    .collect();
                (instances, page.next_token)
            },
        )
        .await;
    ordered(pages, |instance| instance.instance_id.clone())
}

fn instance(context: &Context, read: &types::Instance) -> Instance {
    let id = text(read.instance_id());
    let mut subject = subject(context, "AWS::EC2::Instance", "instance", &id, None, read.tags());
    if read.operator().and_then(types::OperatorResponse::managed) == Some(true) {
        subject = subject.with_fact("Operator.Managed", "true");
    }
    let mut interfaces: Vec<_> = read.network_interfaces().iter().collect();
    interfaces.sort_by_key(|interface| {
        interface.attachment().and_then(types::InstanceNetworkInterfaceAttachment::device_index)
    });
    Instance {
        subject: Arc::new(subject),
        state: read
            .state()
            .and_then(|state| state.name())
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default(),
        launch_time: timestamp(read.launch_time()),
        state_transition_reason: text(read.state_transition_reason()),
        instance_type: read.instance_type().map(|t| t.as_str().to_owned()).unwrap_or_default(),
        virtualization_type: read
            .virtualization_type()
            .map(|kind| kind.as_str().to_owned())
            .unwrap_or_default(),
        image_id: text(read.image_id()),
        key_name: owned(read.key_name()),
        instance_profile: read.iam_instance_profile().and_then(|profile| owned(profile.arn())),
        metadata: read
            .metadata_options()
            .map(|options| metadata!(MetadataOptions, options))
            .unwrap_or_default(),
        monitoring: read
            .monitoring()
            .and_then(|monitoring| monitoring.state())
            .is_some_and(|state| matches!(state.as_str(), "enabled" | "pending")),
        vpc_id: owned(read.vpc_id()),
        interfaces: interfaces.into_iter().map(interface_of_instance).collect(),
        enclave: read.enclave_options().and_then(types::EnclaveOptions::enabled).unwrap_or(false),
        instance_id: id,
    }
}

/// An image's and a launch template's have types of their own in the SDK.
fn ebs_device(name: Option<&str>, encrypted: Option<bool>, snapshot: Option<&str>) -> EbsDevice {
    EbsDevice { device_name: text(name), encrypted, snapshot_id: owned(snapshot) }
}

fn interface_of_instance(read: &types::InstanceNetworkInterface) -> InstanceInterface {
    InstanceInterface {
        network_interface_id: text(read.network_interface_id()),
        subnet_id: owned(read.subnet_id()),
        // A secondary private address may carry the only public one.
        public_ip: std::iter::once(read.association())
            .chain(read.private_ip_addresses().iter().map(|private| private.association()))
            .find_map(|association| address(association?.public_ip())),
        ipv6_addresses: read
            .ipv6_addresses()
            .iter()
            .filter_map(|read| address(read.ipv6_address()))
            .collect(),
        security_groups: group_ids(read.groups()),
    }
}

async fn images(context: &Context, client: &Client) -> Listing<Image> {
    let pages = context
        .pages(
            &calls::DESCRIBE_IMAGES,
            |token| {
                client
                    .describe_images()
                    .owners("self")
                    .include_deprecated(true)
                    .max_results(1_000)
                    .set_next_token(token)
                    .send()
            },
            |page| {
                let images = page.images.unwrap_or_default();
                (images.iter().map(|read| image(context, read)).collect(), page.next_token)
            },
        )
        .await;
    ordered(pages, |image: &Image| image.image_id.clone())
}

fn image(context: &Context, read: &types::Image) -> Image {
    let id = text(read.image_id());
    Image {
        subject: Arc::new(subject(context, "AWS::EC2::Image", "image", &id, Some(""), read.tags())),
        image_id: id,
        public: read.public().unwrap_or(false),
        creation_date: read.creation_date().and_then(Timestamp::parse),
        deprecation_time: read.deprecation_time().and_then(Timestamp::parse),
        ebs: read
            .block_device_mappings()
            .iter()
            .filter_map(|device| {
                let ebs = device.ebs()?;
                Some(ebs_device(device.device_name(), ebs.encrypted(), ebs.snapshot_id()))
            })
            .collect(),
    }
}

async fn launch_templates(context: &Context, client: &Client) -> Listing<LaunchTemplate> {
    let found = context
        .pages(
            &calls::DESCRIBE_LAUNCH_TEMPLATES,
            |token| {
                client.describe_launch_templates().max_results(200).set_next_token(token).send()
            },
            |page| (page.launch_templates.unwrap_or_default(), page.next_token),
        )
        .await;
    let gap = found.gap().cloned();
    let reads = stream::iter(found.into_seen()).map(|read| launch_template(context, client, read));
    let templates = reads.buffered(DETAILS_AT_ONCE).collect().await;
    ordered(Listing::new(templates, gap), |template: &LaunchTemplate| {
        template.launch_template_id.clone()
    })
}

async fn launch_template(
    context: &Context,
    client: &Client,
    read: types::LaunchTemplate,
) -> LaunchTemplate {
    let id = text(read.launch_template_id());
    let versions = context
        .ask(&calls::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS, || {
            client
                .describe_launch_template_versions()
                .launch_template_id(&id)
                .versions("$Default")
                .versions("$Latest")
                .send()
        })
        .await
        .map(|answer| {
            let versions: BTreeMap<_, _> = answer
                .launch_template_versions()
                .iter()
                .map(|read| (read.version_number(), launch_template_version(read)))
                .collect();
            versions.into_values().collect()
        });
    let mut subject =
        subject(context, "AWS::EC2::LaunchTemplate", "launch-template", &id, None, read.tags());
    if let Some(name) = read.launch_template_name() {
        subject.name = Arc::from(name);
    }
    LaunchTemplate {
        subject: Arc::new(subject),
        launch_template_id: id,
        default_version: read.default_version_number().unwrap_or_default(),
        latest_version: read.latest_version_number().unwrap_or_default(),
        versions,
    }
}

fn launch_template_version(read: &types::LaunchTemplateVersion) -> LaunchTemplateVersion {
    let data = read.launch_template_data();
    let mut interfaces: Vec<_> = data
        .map(types::ResponseLaunchTemplateData::network_interfaces)
        .unwrap_or_default()
        .iter()
        .collect();
    interfaces.sort_by_key(|interface| interface.device_index());
    LaunchTemplateVersion {
        version: read.version_number().unwrap_or_default(),
        is_default: read.default_version().unwrap_or(false),
        metadata: data
            .and_then(|data| data.metadata_options())
            .map(|options| metadata!(MetadataOptions, options))
            .unwrap_or_default(),
        associate_public_ip: interfaces
            .iter()
            .map(|interface| interface.associate_public_ip_address())
            .collect(),
        ebs: data
            .map(types::ResponseLaunchTemplateData::block_device_mappings)
            .unwrap_or_default()
            .iter()
            .filter_map(|device| {
                let ebs = device.ebs()?;
                Some(ebs_device(device.device_name(), ebs.encrypted(), ebs.snapshot_id()))
            })
            .collect(),
    }
}

async fn security_groups(context: &Context, client: &Client) -> Listing<SecurityGroup> {
    let pages = context
        .pages(
            &calls::DESCRIBE_SECURITY_GROUPS,
            |token| {
                client.describe_security_groups().max_results(1_000).set_next_token(token).send()
            },
            |page| {
                let groups = page.security_groups.unwrap_or_default();
                (groups.iter().map(|read| security_group(context, read)).collect(), page.next_token)
            },
        )
        .await;
    ordered(pages, |group: &SecurityGroup| group.group_id.clone())
}

fn security_group(context: &Context, read: &types::SecurityGroup) -> SecurityGroup {
    let id = text(read.group_id());
    let owner = read.owner_id();
    SecurityGroup {
        subject: Arc::new(subject(
            context,
            "AWS::EC2::SecurityGroup",
            "security-group",
            &id,
            owner,
            read.tags(),
        )),
        group_id: id,
        group_name: text(read.group_name()),
        description: text(read.description()),
        owner_id: owner.unwrap_or_else(|| context.account()).to_owned(),
        vpc_id: owned(read.vpc_id()),
        ingress: read.ip_permissions().iter().map(permission).collect(),
        egress: read.ip_permissions_egress().iter().map(permission).collect(),
    }
}

fn permission(read: &types::IpPermission) -> Permission {
    let v4 = read.ip_ranges().iter().filter_map(|range| range.cidr_ip()?.parse::<IpNet>().ok());
    let v6 = read.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6()?.parse::<IpNet>().ok());
    let mut ranges: Vec<_> = v4.chain(v6).collect();
    ranges.sort();
    let mut prefix_lists: Vec<_> =
        read.prefix_list_ids().iter().map(|list| text(list.prefix_list_id())).collect();
    prefix_lists.sort();
    let mut groups: Vec<_> = read
        .user_id_group_pairs()
        .iter()
        .map(|pair| (text(pair.group_id()), owned(pair.user_id())))
        .collect();
    groups.sort();
    Permission {
        protocol: text(read.ip_protocol()),
        from_port: read.from_port(),
        to_port: read.to_port(),
        ranges,
        prefix_lists,
        groups,
    }
}

async fn network_acls(context: &Context, client: &Client) -> Listing<NetworkAcl> {
    let pages = context
        .pages(
            &calls::DESCRIBE_NETWORK_ACLS,
            |token| client.describe_network_acls().max_results(1_000).set_next_token(token).send(),
            |page| {
                let acls = page.network_acls.unwrap_or_default();
                (acls.iter().map(|read| network_acl(context, read)).collect(), page.next_token)
            },
        )
        .await;
    ordered(pages, |acl: &NetworkAcl| acl.network_acl_id.clone())
}

fn network_acl(context: &Context, read: &types::NetworkAcl) -> NetworkAcl {
    let id = text(read.network_acl_id());
    let mut entries: Vec<_> = read
        .entries()
        .iter()
        .map(|entry| AclEntry {
            rule_number: entry.rule_number().unwrap_or_default(),
            egress: entry.egress().unwrap_or(false),
            allow: entry.rule_action().is_some_and(|action| action.as_str() == "allow"),
            protocol: text(entry.protocol()),
            ports: entry
                .port_range()
                .map(|range| (range.from().unwrap_or(0), range.to().unwrap_or(65_535))),
            range: entry
                .cidr_block()
                .or_else(|| entry.ipv6_cidr_block())
                .and_then(|range| range.parse().ok()),
        })
        .collect();
    entries.sort_by_key(|entry| (entry.egress, entry.rule_number));
    let mut subnet_ids: Vec<_> = read
        .associations()
        .iter()
        .filter_map(|association| owned(association.subnet_id()))
        .collect();
    subnet_ids.sort();
    NetworkAcl {
        subject: Arc::new(subject(
            context,
            "AWS::EC2::NetworkAcl",
            "network-acl",
            &id,
            read.owner_id(),
            read.tags(),
        )),
        network_acl_id: id,
        vpc_id: text(read.vpc_id()),
        is_default: read.is_default().unwrap_or(false),
        subnet_ids,
        entries,
    }
}

async fn network_interfaces(context: &Context, client: &Client) -> Listing<NetworkInterface> {
    let pages = context
        .pages(
            &calls::DESCRIBE_NETWORK_INTERFACES,
            |token| {
                client.describe_network_interfaces().max_results(1_000).set_next_token(token).send()
            },
            |page| {
                let read = page.network_interfaces.unwrap_or_default();
                (
                    read.iter().map(|read| network_interface(context, read)).collect(),
                    page.next_token,
                )
            },
        )
        .await;
    ordered(pages, |interface: &NetworkInterface| interface.network_interface_id.clone())
}

fn network_interface(context: &Context, read: &types::NetworkInterface) -> NetworkInterface {
    let id = text(read.network_interface_id());
    NetworkInterface {
        subject: Arc::new(subject(
            context,
            "AWS::EC2::NetworkInterface",
            "network-interface",
            &id,
            read.owner_id(),
            read.tag_set(),
        )),
        network_interface_id: id,
        interface_type: read.interface_type().map(|t| t.as_str().to_owned()).unwrap_or_default(),
        requester_managed: read.requester_managed().unwrap_or(false),
        status: read.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        // "Default: enabled" (ModifyNetworkInterfaceAttribute).
        source_dest_check: read.source_dest_check().unwrap_or(true),
        instance_id: read.attachment().and_then(|attachment| owned(attachment.instance_id())),
        // A secondary private address may carry the only public one.
        public_ip: std::iter::once(read.association())
            .chain(read.private_ip_addresses().iter().map(|private| private.association()))
            .find_map(|association| address(association?.public_ip())),
        security_groups: group_ids(read.groups()),
        vpc_id: owned(read.vpc_id()),
        subnet_id: owned(read.subnet_id()),
    }
}

async fn addresses(context: &Context, client: &Client) -> Listing<Address> {
    // DescribeAddresses has no pages.
    let answer = context
        .ask(&calls::DESCRIBE_ADDRESSES, || client.describe_addresses().send())
        .await
        .map(|answer| answer.addresses.unwrap_or_default());
    let listing = Listing::from(answer).map(|read| {
        let public_ip = text(read.public_ip());
        let id = read.allocation_id().map_or_else(|| public_ip.clone(), str::to_owned);
        Address {
            subject: Arc::new(subject(
                context,
                "AWS::EC2::EIP",
                "elastic-ip",
                &id,
                None,
                read.tags(),
            )),
            public_ip,
            association_id: owned(read.association_id()),
            network_interface_id: owned(read.network_interface_id()),
            instance_id: owned(read.instance_id()),
        }
    });
    ordered(listing, |address: &Address| address.subject.arn.clone())
}

/// An answer that lacks the field it is asked for.
fn lacks(call: &'static Call, field: &str) -> Cause {
    Cause::Malformed { what: format!("answer of {}: no {field} in it", call.operation) }
}

async fn image_block_public_access(context: &Context, client: &Client) -> Read<String> {
    let call = &calls::GET_IMAGE_BLOCK_PUBLIC_ACCESS_STATE;
    let answer = context.ask(call, || client.get_image_block_public_access_state().send()).await;
    answer.and_then(|answer| match answer.image_block_public_access_state {
        Some(state) => Read::Known(state),
        None => Read::unknown(call, lacks(call, "ImageBlockPublicAccessState")),
    })
}

async fn instance_metadata_defaults(
    context: &Context,
    client: &Client,
) -> Read<InstanceMetadataDefaults> {
    let call = &calls::GET_INSTANCE_METADATA_DEFAULTS;
    let answer = context.ask(call, || client.get_instance_metadata_defaults().send()).await;
    // An empty answer means that no default is set.
    answer.map(|answer| {
        answer
            .account_level
            .map(|level| metadata!(InstanceMetadataDefaults, level))
            .unwrap_or_default()
    })
}

async fn serial_console_access(context: &Context, client: &Client) -> Read<bool> {
    let call = &calls::GET_SERIAL_CONSOLE_ACCESS_STATUS;
    let answer = context.ask(call, || client.get_serial_console_access_status().send()).await;
    answer.and_then(|answer| match answer.serial_console_access_enabled {
        Some(enabled) => Read::Known(enabled),
        None => Read::unknown(call, lacks(call, "SerialConsoleAccessEnabled")),
    })
}

async fn encryption_by_default(context: &Context, client: &Client) -> Read<bool> {
    let call = &calls::GET_EBS_ENCRYPTION_BY_DEFAULT;
    let answer = context.ask(call, || client.get_ebs_encryption_by_default().send()).await;
    answer.and_then(|answer| match answer.ebs_encryption_by_default {
        Some(enabled) => Read::Known(enabled),
        None => Read::unknown(call, lacks(call, "EbsEncryptionByDefault")),
    })
}

async fn snapshot_block_public_access(context: &Context, client: &Client) -> Read<String> {
    let call = &calls::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE;
    let answer = context.ask(call, || client.get_snapshot_block_public_access_state().send()).await;
    answer.and_then(|answer| match answer.state {
        Some(state) => Read::Known(state.as_str().to_owned()),
        None => Read::unknown(call, lacks(call, "State")),
    })
}

async fn volumes(context: &Context, client: &Client) -> Listing<Volume> {
    let pages = context
        .pages(
            &calls::DESCRIBE_VOLUMES,
            |token| client.describe_volumes().max_results(500).set_next_token(token).send(),
            |page| {
                let volumes = page.volumes.unwrap_or_default();
                (volumes.iter().map(|read| volume(context, read)).collect(), page.next_token)
            },
        )
        .await;
    ordered(pages, |volume: &Volume| volume.volume_id.clone())
}

fn volume(context: &Context, read: &types::Volume) -> Volume {
    let id = text(read.volume_id());
    let mut instance_ids: Vec<_> = read
        .attachments()
        .iter()
        .filter_map(|attachment| owned(attachment.instance_id()))
        .collect();
    instance_ids.sort();
    Volume {
        subject: Arc::new(subject(context, "AWS::EC2::Volume", "volume", &id, None, read.tags())),
        volume_id: id,
        encrypted: read.encrypted().unwrap_or(false),
        state: read.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        instance_ids,
    }
}

/// Who may use each snapshot is a question of its own, so it is put only about those that AWS
/// lists as restorable by everyone; an empty list proves that none is public.
async fn snapshots(context: &Context, client: &Client) -> Listing<Snapshot> {
    let call = &calls::DESCRIBE_SNAPSHOTS;
    let request = |token| {
        client.describe_snapshots().owner_ids("self").max_results(1_000).set_next_token(token)
    };
    let all = context.pages(
        call,
        |token| request(token).send(),
        // Taken over page by page: accounts hold snapshots by the hundred thousand.
        |page: DescribeSnapshotsOutput| {
            (page.snapshots().iter().map(|read| snapshot(context, read)).collect(), page.next_token)
        },
    );
    let public = context.pages(
        call,
        |token| request(token).restorable_by_user_ids("all").send(),
        |page: DescribeSnapshotsOutput| {
            let ids = page.snapshots().iter().filter_map(|read| owned(read.snapshot_id()));
            (ids.collect(), page.next_token)
        },
    );
    let (all, public): (_, Listing<String>) = if context.wants(&calls::DESCRIBE_SNAPSHOT_ATTRIBUTE)
    {
        tokio::join!(all, public)
    } else {
        (all.await, Listing::not_collected(call))
    };
    let gap = public.gap().cloned();
    let candidates: BTreeSet<String> = public.into_seen().into_iter().collect();
    if !candidates.is_empty() {
        tracing::debug!(
            number = candidates.len(),
            "snapshots that AWS lists as restorable by everyone"
        );
    }
    let reads = stream::iter(candidates).map(|id| async move {
        let sharing = sharing(context, client, &id).await;
        (id, sharing)
    });
    let shared: BTreeMap<_, _> = reads.buffered(DETAILS_AT_ONCE).collect().await;
    let snapshots = all.map(|snapshot| Snapshot {
        create_volume_permission: match (shared.get(&snapshot.snapshot_id), &gap) {
            (Some(sharing), _) => sharing.clone(),
            (None, None) => Read::Known(SnapshotSharing::default()),
            (None, Some(why)) => Read::Unknown(Arc::clone(why)),
        },
        ..snapshot
    });
    ordered(snapshots, |snapshot: &Snapshot| snapshot.snapshot_id.clone())
}

fn snapshot(context: &Context, read: &types::Snapshot) -> Snapshot {
    let id = text(read.snapshot_id());
    Snapshot {
        subject: Arc::new(subject(
            context,
            "AWS::EC2::Snapshot",
            "snapshot",
            &id,
            Some(""),
            read.tags(),
        )),
        snapshot_id: id,
        volume_id: text(read.volume_id()),
        state: read.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        encrypted: read.encrypted().unwrap_or(false),
        start_time: timestamp(read.start_time()),
        create_volume_permission: Read::not_collected(&calls::DESCRIBE_SNAPSHOT_ATTRIBUTE),
    }
}

async fn sharing(context: &Context, client: &Client, id: &str) -> Read<SnapshotSharing> {
    let answer = context
        .ask(&calls::DESCRIBE_SNAPSHOT_ATTRIBUTE, || {
            client
                .describe_snapshot_attribute()
                .snapshot_id(id)
                .attribute(types::SnapshotAttributeName::CreateVolumePermission)
                .send()
        })
        .await;
    answer.map(|answer| {
        let permissions = answer.create_volume_permissions();
        let mut accounts: Vec<_> =
            permissions.iter().filter_map(|permission| owned(permission.user_id())).collect();
        accounts.sort();
        let is_all = |permission: &types::CreateVolumePermission| {
            permission.group().is_some_and(|group| group.as_str() == "all")
        };
        SnapshotSharing { public: permissions.iter().any(is_all), accounts }
    })
}

fn ranges(texts: impl Iterator<Item = Option<String>>) -> Vec<IpNet> {
    let mut ranges: Vec<IpNet> = texts.flatten().filter_map(|text| text.parse().ok()).collect();
    ranges.sort();
    ranges.dedup();
    ranges
}

async fn vpcs(context: &Context, client: &Client) -> Listing<Vpc> {
    let pages = context
        .pages(
            &calls::DESCRIBE_VPCS,
            |token| client.describe_vpcs().max_results(1_000).set_next_token(token).send(),
            |page| (page.vpcs.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| {
            let id = text(read.vpc_id());
            let v4 = read.cidr_block_association_set().iter().map(|a| owned(a.cidr_block()));
            let v6 =
                read.ipv6_cidr_block_association_set().iter().map(|a| owned(a.ipv6_cidr_block()));
            let own = std::iter::once(owned(read.cidr_block()));
            Vpc {
                subject: Arc::new(subject(
                    context,
                    "AWS::EC2::VPC",
                    "vpc",
                    &id,
                    read.owner_id(),
                    read.tags(),
                )),
                vpc_id: id,
                owner_id: read.owner_id().unwrap_or_else(|| context.account()).to_owned(),
                is_default: read.is_default().unwrap_or(false),
                cidr_blocks: ranges(own.chain(v4).chain(v6)),
            }
        });
    ordered(pages, |vpc: &Vpc| vpc.vpc_id.clone())
}

async fn subnets(context: &Context, client: &Client) -> Listing<Subnet> {
    let pages = context
        .pages(
            &calls::DESCRIBE_SUBNETS,
            |token| client.describe_subnets().max_results(1_000).set_next_token(token).send(),
            |page| (page.subnets.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| {
            let id = text(read.subnet_id());
            Subnet {
                subject: Arc::new(subject(
                    context,
                    "AWS::EC2::Subnet",
                    "subnet",
                    &id,
                    read.owner_id(),
                    read.tags(),
                )),
                subnet_id: id,
                vpc_id: text(read.vpc_id()),
                owner_id: read.owner_id().unwrap_or_else(|| context.account()).to_owned(),
                availability_zone: text(read.availability_zone()),
                default_for_az: read.default_for_az().unwrap_or(false),
                map_public_ip_on_launch: read.map_public_ip_on_launch().unwrap_or(false),
                assign_ipv6_address_on_creation: read
                    .assign_ipv6_address_on_creation()
                    .unwrap_or(false),
            }
        });
    ordered(pages, |subnet: &Subnet| subnet.subnet_id.clone())
}

async fn route_tables(context: &Context, client: &Client) -> Listing<RouteTable> {
    let pages = context
        .pages(
            &calls::DESCRIBE_ROUTE_TABLES,
            |token| client.describe_route_tables().max_results(100).set_next_token(token).send(),
            |page| (page.route_tables.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| {
            let id = text(read.route_table_id());
            let mut subnet_ids: Vec<_> = read
                .associations()
                .iter()
                .filter_map(|association| owned(association.subnet_id()))
                .collect();
            subnet_ids.sort();
            RouteTable {
                subject: Arc::new(subject(
                    context,
                    "AWS::EC2::RouteTable",
                    "route-table",
                    &id,
                    read.owner_id(),
                    read.tags(),
                )),
                route_table_id: id,
                vpc_id: text(read.vpc_id()),
                main: read.associations().iter().any(|a| a.main() == Some(true)),
                subnet_ids,
                routes: read.routes().iter().map(route).collect(),
            }
        });
    ordered(pages, |table: &RouteTable| table.route_table_id.clone())
}

fn route(read: &types::Route) -> Route {
    Route {
        destination: read
            .destination_cidr_block()
            .or_else(|| read.destination_ipv6_cidr_block())
            .and_then(|range| range.parse().ok()),
        prefix_list: owned(read.destination_prefix_list_id()),
        gateway_id: owned(read.gateway_id()),
        egress_only_internet_gateway_id: owned(read.egress_only_internet_gateway_id()),
        nat_gateway_id: owned(read.nat_gateway_id()),
        vpc_peering_connection_id: owned(read.vpc_peering_connection_id()),
        active: read.state().is_none_or(|state| state.as_str() == "active"),
    }
}

async fn internet_gateways(context: &Context, client: &Client) -> Listing<InternetGateway> {
    let pages = context
        .pages(
            &calls::DESCRIBE_INTERNET_GATEWAYS,
            |token| {
                client.describe_internet_gateways().max_results(1_000).set_next_token(token).send()
            },
            |page| (page.internet_gateways.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| {
            let id = text(read.internet_gateway_id());
            let mut vpc_ids: Vec<_> =
                read.attachments().iter().filter_map(|a| owned(a.vpc_id())).collect();
            vpc_ids.sort();
            InternetGateway {
                subject: Arc::new(subject(
                    context,
                    "AWS::EC2::InternetGateway",
                    "internet-gateway",
                    &id,
                    read.owner_id(),
                    read.tags(),
                )),
                internet_gateway_id: id,
                vpc_ids,
            }
        });
    ordered(pages, |gateway: &InternetGateway| gateway.internet_gateway_id.clone())
}

async fn flow_logs(context: &Context, client: &Client) -> Listing<FlowLog> {
    let pages = context
        .pages(
            &calls::DESCRIBE_FLOW_LOGS,
            |token| client.describe_flow_logs().max_results(1_000).set_next_token(token).send(),
            |page| (page.flow_logs.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| {
            let id = text(read.flow_log_id());
            FlowLog {
                subject: Arc::new(subject(
                    context,
                    "AWS::EC2::FlowLog",
                    "vpc-flow-log",
                    &id,
                    None,
                    read.tags(),
                )),
                resource_id: text(read.resource_id()),
                traffic_type: read
                    .traffic_type()
                    .map(|t| t.as_str().to_owned())
                    .unwrap_or_default(),
                status: text(read.flow_log_status()),
                deliver_logs_status: owned(read.deliver_logs_status()),
            }
        });
    ordered(pages, |log: &FlowLog| log.subject.arn.clone())
}

async fn endpoints(context: &Context, client: &Client) -> Listing<Endpoint> {
    let call = &calls::DESCRIBE_VPC_ENDPOINTS;
    let pages = context
        .pages(
            call,
            |token| client.describe_vpc_endpoints().max_results(1_000).set_next_token(token).send(),
            |page| (page.vpc_endpoints.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| {
            let id = text(read.vpc_endpoint_id());
            let policy = match read.policy_document().map(Policy::parse) {
                None => Read::Known(None),
                Some(Ok(policy)) => Read::Known(Some(policy)),
                Some(Err(error)) => {
                    let what = format!("policy of VPC endpoint {id}: {error}");
                    Read::unknown(call, Cause::Malformed { what })
                }
            };
            let mut subnet_ids = read.subnet_ids().to_vec();
            subnet_ids.sort();
            Endpoint {
                subject: Arc::new(subject(
                    context,
                    "AWS::EC2::VPCEndpoint",
                    "vpc-endpoint",
                    &id,
                    read.owner_id(),
                    read.tags(),
                )),
                vpc_endpoint_id: id,
                vpc_id: text(read.vpc_id()),
                service_name: text(read.service_name()),
                endpoint_type: read
                    .vpc_endpoint_type()
                    .map(|kind| kind.as_str().to_owned())
                    .unwrap_or_default(),
                requester_managed: read.requester_managed().unwrap_or(false),
                // The API answers `available` where its reference says `Available`.
                state: read.state().map(|s| s.as_str().to_ascii_lowercase()).unwrap_or_default(),
                subnet_ids,
                policy,
            }
        });
    ordered(pages, |endpoint: &Endpoint| endpoint.vpc_endpoint_id.clone())
}

async fn peering_connections(context: &Context, client: &Client) -> Listing<PeeringConnection> {
    let pages = context
        .pages(
            &calls::DESCRIBE_VPC_PEERING_CONNECTIONS,
            |token| {
                client
                    .describe_vpc_peering_connections()
                    .max_results(1_000)
                    .set_next_token(token)
                    .send()
            },
            |page| (page.vpc_peering_connections.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| {
            let id = text(read.vpc_peering_connection_id());
            PeeringConnection {
                subject: Arc::new(subject(
                    context,
                    "AWS::EC2::VPCPeeringConnection",
                    "vpc-peering-connection",
                    &id,
                    None,
                    read.tags(),
                )),
                vpc_peering_connection_id: id,
                status: read
                    .status()
                    .and_then(|status| status.code())
                    .map(|code| code.as_str().to_owned())
                    .unwrap_or_default(),
                requester: side(read.requester_vpc_info()),
                accepter: side(read.accepter_vpc_info()),
            }
        });
    ordered(pages, |peering: &PeeringConnection| peering.vpc_peering_connection_id.clone())
}

fn side(read: Option<&types::VpcPeeringConnectionVpcInfo>) -> PeeringSide {
    let Some(read) = read else { return PeeringSide::default() };
    let own = std::iter::once(owned(read.cidr_block()));
    let v4 = read.cidr_block_set().iter().map(|block| owned(block.cidr_block()));
    let v6 = read.ipv6_cidr_block_set().iter().map(|block| owned(block.ipv6_cidr_block()));
    PeeringSide {
        account: text(read.owner_id()),
        vpc_id: text(read.vpc_id()),
        region: text(read.region()),
        cidr_blocks: ranges(own.chain(v4).chain(v6)),
    }
}

async fn block_public_access(context: &Context, client: &Client) -> Read<BlockPublicAccess> {
    let call = &calls::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS;
    let answer =
        context.ask(call, || client.describe_vpc_block_public_access_options().send()).await;
    answer.and_then(|answer| match answer.vpc_block_public_access_options {
        Some(options) => Read::Known(BlockPublicAccess {
            internet_gateway_block_mode: options
                .internet_gateway_block_mode()
                .map_or("off", |mode| mode.as_str())
                .to_owned(),
            state: options.state().map(|s| s.as_str().to_owned()).unwrap_or_default(),
            exclusions_allowed: options
                .exclusions_allowed()
                .is_none_or(|allowed| allowed.as_str() == "allowed"),
        }),
        None => Read::unknown(call, lacks(call, "VpcBlockPublicAccessOptions")),
    })
}

async fn block_public_access_exclusions(
    context: &Context,
    client: &Client,
) -> Listing<BlockPublicAccessExclusion> {
    let pages = context
        .pages(
            &calls::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_EXCLUSIONS,
            |token| {
                client
                    .describe_vpc_block_public_access_exclusions()
                    .max_results(1_000)
                    .set_next_token(token)
                    .send()
            },
            |page| (page.vpc_block_public_access_exclusions.unwrap_or_default(), page.next_token),
        )
        .await
        .map(|read| BlockPublicAccessExclusion {
            exclusion_id: text(read.exclusion_id()),
            // `arn:aws:ec2:REGION:ACCOUNT:vpc/vpc-…` or `…:subnet/subnet-…`.
            resource_id: text(read.resource_arn().and_then(|arn| arn.rsplit('/').next())),
            internet_gateway_exclusion_mode: text(
                read.internet_gateway_exclusion_mode()
                    .map(types::InternetGatewayExclusionMode::as_str),
            ),
            state: text(read.state().map(types::VpcBlockPublicAccessExclusionState::as_str)),
        });
    ordered(pages, |exclusion: &BlockPublicAccessExclusion| exclusion.exclusion_id.clone())
}
