//! Small resources of EC2, EBS and VPC for the checks' tests.

use demarc_model::{
    Inventory, Listing, Read,
    inventory::ec2::{
        AclEntry, BlockPublicAccess, EbsDevice, Endpoint, Image, Instance, InstanceInterface,
        IpNet, LaunchTemplate, LaunchTemplateVersion, MetadataOptions, NetworkAcl,
        NetworkInterface, PeeringConnection, PeeringSide, Permission, Route, RouteTable,
        SecurityGroup, Snapshot, SnapshotSharing, Subnet, Volume, Vpc,
    },
};

use crate::testing::{ACCOUNT, REGION, now, subject, with_region};

pub(crate) fn ranges(text: &[&str]) -> Vec<IpNet> {
    text.iter().map(|range| range.parse().expect("a range of addresses")).collect()
}

pub(crate) fn permission(protocol: &str, from: i32, to: i32, sources: &[&str]) -> Permission {
    Permission {
        protocol: protocol.to_owned(),
        from_port: Some(from),
        to_port: Some(to),
        ranges: ranges(sources),
        prefix_lists: Vec::new(),
        groups: Vec::new(),
    }
}

pub(crate) fn all_traffic(sources: &[&str]) -> Permission {
    Permission { from_port: None, to_port: None, ..permission("-1", 0, 0, sources) }
}

/// `sg-1`, in `vpc-1`, with these rules and no outbound ones.
pub(crate) fn group(ingress: Vec<Permission>) -> SecurityGroup {
    SecurityGroup {
        subject: subject("AWS::EC2::SecurityGroup", "sg-1"),
        group_id: "sg-1".to_owned(),
        group_name: "web".to_owned(),
        description: String::new(),
        owner_id: ACCOUNT.to_owned(),
        vpc_id: Some("vpc-1".to_owned()),
        ingress,
        egress: Vec::new(),
    }
}

/// An account with this group alone.
pub(crate) fn account_with_group(group: SecurityGroup) -> Inventory {
    with_region(|region| region.ec2.security_groups = Listing::complete(vec![group]))
}

/// `i-1`: running, with IMDSv2 and one interface in `subnet-1` that has no public address.
pub(crate) fn instance() -> Instance {
    Instance {
        subject: subject("AWS::EC2::Instance", "i-1"),
        instance_id: "i-1".to_owned(),
        state: "running".to_owned(),
        launch_time: Some(now()),
        state_transition_reason: String::new(),
        instance_type: "t3.micro".to_owned(),
        virtualization_type: "hvm".to_owned(),
        image_id: "ami-1".to_owned(),
        key_name: None,
        instance_profile: None,
        metadata: MetadataOptions {
            http_tokens: Some("required".to_owned()),
            http_endpoint: Some("enabled".to_owned()),
            http_put_response_hop_limit: Some(1),
        },
        monitoring: false,
        vpc_id: Some("vpc-1".to_owned()),
        interfaces: vec![InstanceInterface {
            network_interface_id: "eni-1".to_owned(),
            subnet_id: Some("subnet-1".to_owned()),
            public_ip: None,
            ipv6_addresses: Vec::new(),
            security_groups: vec!["sg-1".to_owned()],
        }],
        enclave: false,
    }
}

/// An account with this instance alone.
pub(crate) fn account_with_instance(instance: Instance) -> Inventory {
    with_region(|region| region.ec2.instances = Listing::complete(vec![instance]))
}

/// Of this account.
pub(crate) fn vpc(id: &str) -> Vpc {
    Vpc {
        subject: subject("AWS::EC2::VPC", id),
        vpc_id: id.to_owned(),
        owner_id: ACCOUNT.to_owned(),
        is_default: false,
        cidr_blocks: ranges(&["10.0.0.0/16"]),
    }
}

/// In `vpc-1`, of this account.
pub(crate) fn subnet(id: &str) -> Subnet {
    Subnet {
        subject: subject("AWS::EC2::Subnet", id),
        subnet_id: id.to_owned(),
        vpc_id: "vpc-1".to_owned(),
        owner_id: ACCOUNT.to_owned(),
        availability_zone: "eu-central-1a".to_owned(),
        default_for_az: false,
        map_public_ip_on_launch: false,
        assign_ipv6_address_on_creation: false,
    }
}

/// `eni-1` of `i-1`, in `subnet-1` of `vpc-1`, without security groups.
pub(crate) fn interface() -> NetworkInterface {
    NetworkInterface {
        subject: subject("AWS::EC2::NetworkInterface", "eni-1"),
        network_interface_id: "eni-1".to_owned(),
        interface_type: "interface".to_owned(),
        requester_managed: false,
        status: "in-use".to_owned(),
        source_dest_check: true,
        instance_id: Some("i-1".to_owned()),
        public_ip: None,
        security_groups: Vec::new(),
        vpc_id: Some("vpc-1".to_owned()),
        subnet_id: Some("subnet-1".to_owned()),
    }
}

/// `acl-1` of `subnet-1`, not the default one.
pub(crate) fn acl(entries: Vec<AclEntry>) -> NetworkAcl {
    NetworkAcl {
        subject: subject("AWS::EC2::NetworkAcl", "acl-1"),
        network_acl_id: "acl-1".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        is_default: false,
        subnet_ids: vec!["subnet-1".to_owned()],
        entries,
    }
}

/// An inbound entry.
pub(crate) fn acl_entry(
    rule_number: i32,
    allow: bool,
    protocol: &str,
    ports: Option<(i32, i32)>,
    range: &str,
) -> AclEntry {
    let range = ranges(&[range]).pop();
    AclEntry { rule_number, egress: false, allow, protocol: protocol.to_owned(), ports, range }
}

/// `rtb-1`, the main table of `vpc-1`.
pub(crate) fn route_table(routes: Vec<Route>) -> RouteTable {
    RouteTable {
        subject: subject("AWS::EC2::RouteTable", "rtb-1"),
        route_table_id: "rtb-1".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        main: true,
        subnet_ids: Vec::new(),
        routes,
    }
}

/// An active route to the internet gateway.
pub(crate) fn open_to(destination: &str) -> Route {
    Route {
        destination: ranges(&[destination]).pop(),
        prefix_list: None,
        gateway_id: Some("igw-1".to_owned()),
        egress_only_internet_gateway_id: None,
        nat_gateway_id: None,
        vpc_peering_connection_id: None,
        active: true,
    }
}

/// An account whose instance has a public IPv4 address in a public subnet, behind these rules.
pub(crate) fn exposed(ingress: Vec<Permission>) -> Inventory {
    let mut instance = instance();
    instance.interfaces[0].public_ip = Some("203.0.113.7".parse().expect("an address"));
    with_region(|region| {
        region.ec2.instances = Listing::complete(vec![instance]);
        region.ec2.security_groups = Listing::complete(vec![group(ingress)]);
        region.vpc.subnets = Listing::complete(vec![subnet("subnet-1")]);
        region.vpc.route_tables = Listing::complete(vec![route_table(vec![open_to("0.0.0.0/0")])]);
        region.vpc.block_public_access = Read::Known(BlockPublicAccess {
            internet_gateway_block_mode: "off".to_owned(),
            state: "default-state".to_owned(),
            exclusions_allowed: true,
        });
    })
}

/// `ami-1`: private, made today, with no volumes.
pub(crate) fn image() -> Image {
    Image {
        subject: subject("AWS::EC2::Image", "ami-1"),
        image_id: "ami-1".to_owned(),
        public: false,
        creation_date: Some(now()),
        deprecation_time: None,
        ebs: Vec::new(),
    }
}

/// A mapping that names no snapshot.
pub(crate) fn device(name: &str, encrypted: Option<bool>) -> EbsDevice {
    EbsDevice { device_name: name.to_owned(), encrypted, snapshot_id: None }
}

/// `lt-1`.
pub(crate) fn template(versions: Vec<LaunchTemplateVersion>) -> LaunchTemplate {
    LaunchTemplate {
        subject: subject("AWS::EC2::LaunchTemplate", "lt-1"),
        launch_template_id: "lt-1".to_owned(),
        default_version: 1,
        latest_version: versions.iter().map(|version| version.version).max().unwrap_or(1),
        versions: Read::Known(versions),
    }
}

/// The default one, which says nothing.
pub(crate) fn template_version() -> LaunchTemplateVersion {
    LaunchTemplateVersion {
        version: 1,
        is_default: true,
        metadata: MetadataOptions::default(),
        associate_public_ip: Vec::new(),
        ebs: Vec::new(),
    }
}

/// `snap-1` of `vol-1`: completed, unencrypted, shared with nobody.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        subject: subject("AWS::EC2::Snapshot", "snap-1"),
        snapshot_id: "snap-1".to_owned(),
        volume_id: "vol-1".to_owned(),
        state: "completed".to_owned(),
        encrypted: false,
        start_time: Some(now()),
        create_volume_permission: Read::Known(SnapshotSharing::default()),
    }
}

/// `vol-1`: unencrypted, attached to `i-1`.
pub(crate) fn volume() -> Volume {
    Volume {
        subject: subject("AWS::EC2::Volume", "vol-1"),
        volume_id: "vol-1".to_owned(),
        encrypted: false,
        state: "in-use".to_owned(),
        instance_ids: vec!["i-1".to_owned()],
    }
}

/// An interface endpoint of `vpc-1` for `service`, in `subnet-1` alone.
pub(crate) fn endpoint(service: &str) -> Endpoint {
    Endpoint {
        subject: subject("AWS::EC2::VPCEndpoint", "vpce-1"),
        vpc_endpoint_id: "vpce-1".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        service_name: format!("com.amazonaws.{REGION}.{service}"),
        endpoint_type: "Interface".to_owned(),
        requester_managed: false,
        state: "available".to_owned(),
        subnet_ids: vec!["subnet-1".to_owned()],
        policy: Read::Known(None),
    }
}

/// `pcx-1`, active, between `vpc-1` (10.0.0.0/16) and `vpc-2` (10.1.0.0/16) of this account.
pub(crate) fn peering() -> PeeringConnection {
    let side = |vpc: &str, range: &str| PeeringSide {
        account: ACCOUNT.to_owned(),
        vpc_id: vpc.to_owned(),
        region: REGION.to_owned(),
        cidr_blocks: ranges(&[range]),
    };
    PeeringConnection {
        subject: subject("AWS::EC2::VPCPeeringConnection", "pcx-1"),
        vpc_peering_connection_id: "pcx-1".to_owned(),
        status: "active".to_owned(),
        requester: side("vpc-1", "10.0.0.0/16"),
        accepter: side("vpc-2", "10.1.0.0/16"),
    }
}
