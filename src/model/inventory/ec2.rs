//! Amazon EC2, EBS and VPC: one API, three services of the model.

use std::{net::IpAddr, sync::Arc};

pub use ipnet::IpNet;

use super::{Subject, resources, unlisted, unread};
use crate::{Cause, Listing, NotAssessed, Read, Unread, calls, policy::Policy, time::Timestamp};

#[derive(Debug)]
pub struct Ec2 {
    /// All but terminated ones.
    pub instances: Listing<Instance>,
    /// Owned by the account.
    pub images: Listing<Image>,
    pub launch_templates: Listing<LaunchTemplate>,
    pub security_groups: Listing<SecurityGroup>,
    pub network_acls: Listing<NetworkAcl>,
    pub network_interfaces: Listing<NetworkInterface>,
    pub addresses: Listing<Address>,
    /// `block-new-sharing` or `unblocked`.
    pub image_block_public_access: Read<String>,
    pub instance_metadata_defaults: Read<InstanceMetadataDefaults>,
    pub serial_console_access_enabled: Read<bool>,
}

#[derive(Debug)]
pub struct Ebs {
    pub encryption_by_default: Read<bool>,
    /// `block-all-sharing`, `block-new-sharing` or `unblocked`.
    pub snapshot_block_public_access: Read<String>,
    pub volumes: Listing<Volume>,
    /// Owned by the account.
    pub snapshots: Listing<Snapshot>,
}

#[derive(Debug)]
pub struct Vpcs {
    pub vpcs: Listing<Vpc>,
    pub subnets: Listing<Subnet>,
    pub route_tables: Listing<RouteTable>,
    pub internet_gateways: Listing<InternetGateway>,
    pub flow_logs: Listing<FlowLog>,
    pub endpoints: Listing<Endpoint>,
    pub peering_connections: Listing<PeeringConnection>,
    /// `off`, `block-bidirectional` or `block-ingress`.
    pub block_public_access: Read<BlockPublicAccess>,
    /// What Block Public Access leaves out; deleted exclusions stay listed for a while.
    pub block_public_access_exclusions: Listing<BlockPublicAccessExclusion>,
}

#[derive(Debug)]
pub struct Instance {
    pub subject: Arc<Subject>,
    pub instance_id: String,
    /// `pending`, `running`, `shutting-down`, `stopping` or `stopped`.
    pub state: String,
    /// When it was last started.
    pub launch_time: Option<Timestamp>,
    /// `User initiated (2026-01-02 03:04:05 GMT)`, for stopped instances.
    pub state_transition_reason: String,
    pub instance_type: String,
    /// `hvm` or `paravirtual`.
    pub virtualization_type: String,
    pub image_id: String,
    pub key_name: Option<String>,
    /// ARN.
    pub instance_profile: Option<String>,
    pub metadata: MetadataOptions,
    pub monitoring: bool,
    pub vpc_id: Option<String>,
    /// `NetworkInterfaces`, in order of the device index: each has its own subnet and filters.
    /// The instance's own fields repeat those of the first alone.
    pub interfaces: Vec<InstanceInterface>,
    pub enclave: bool,
}

/// A network interface, as its instance shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceInterface {
    pub network_interface_id: String,
    pub subnet_id: Option<String>,
    /// `Association.PublicIp`.
    pub public_ip: Option<IpAddr>,
    /// IPv6 addresses are public as such: what a route and a filter let through reaches them.
    pub ipv6_addresses: Vec<IpAddr>,
    /// Group ids.
    pub security_groups: Vec<String>,
}

/// `MetadataOptions` of an instance; AWS always answers it for an instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataOptions {
    /// `required` is IMDSv2; `optional` admits IMDSv1. `None` when absent.
    pub http_tokens: Option<String>,
    /// `enabled` or `disabled`.
    pub http_endpoint: Option<String>,
    pub http_put_response_hop_limit: Option<i32>,
}

/// The region's defaults for new instances; `None` is "no preference".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceMetadataDefaults {
    pub http_tokens: Option<String>,
    pub http_endpoint: Option<String>,
    pub http_put_response_hop_limit: Option<i32>,
}

#[derive(Debug)]
pub struct Image {
    pub subject: Arc<Subject>,
    pub image_id: String,
    pub public: bool,
    pub creation_date: Option<Timestamp>,
    pub deprecation_time: Option<Timestamp>,
    pub ebs: Vec<EbsDevice>,
}

/// An EBS block device mapping of an image or a launch template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EbsDevice {
    pub device_name: String,
    /// `None` when absent: the snapshot, or else the region's default, decides.
    pub encrypted: Option<bool>,
    pub snapshot_id: Option<String>,
}

#[derive(Debug)]
pub struct LaunchTemplate {
    pub subject: Arc<Subject>,
    pub launch_template_id: String,
    pub default_version: i64,
    pub latest_version: i64,
    /// The default and the latest version, in ascending order; one when they are the same.
    pub versions: Read<Vec<LaunchTemplateVersion>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchTemplateVersion {
    pub version: i64,
    pub is_default: bool,
    /// All `None` when the template leaves it to the AMI and the region's default.
    pub metadata: MetadataOptions,
    /// Per network interface, in order of the device index: `AssociatePublicIpAddress`.
    pub associate_public_ip: Vec<Option<bool>>,
    pub ebs: Vec<EbsDevice>,
}

#[derive(Debug)]
pub struct SecurityGroup {
    pub subject: Arc<Subject>,
    pub group_id: String,
    pub group_name: String,
    pub description: String,
    /// Another account's when the group is shared with this one.
    pub owner_id: String,
    pub vpc_id: Option<String>,
    pub ingress: Vec<Permission>,
    pub egress: Vec<Permission>,
}

/// One `IpPermission`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol number, or `-1` for all.
    pub protocol: String,
    /// ICMP: the type. `None` and -1 mean all.
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    /// IPv4 and IPv6 ranges.
    pub ranges: Vec<IpNet>,
    pub prefix_lists: Vec<String>,
    /// Ids of the security groups admitted, with the account when it is another's.
    pub groups: Vec<(String, Option<String>)>,
}

#[derive(Debug)]
pub struct NetworkAcl {
    pub subject: Arc<Subject>,
    pub network_acl_id: String,
    pub vpc_id: String,
    pub is_default: bool,
    pub subnet_ids: Vec<String>,
    /// In order of the rule number, which is the order AWS evaluates them in.
    pub entries: Vec<AclEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclEntry {
    pub rule_number: i32,
    pub egress: bool,
    pub allow: bool,
    /// Protocol number; `-1` for all, 6 TCP, 17 UDP.
    pub protocol: String,
    /// `None` when the entry has no port range: all ports.
    pub ports: Option<(i32, i32)>,
    pub range: Option<IpNet>,
}

#[derive(Debug)]
pub struct NetworkInterface {
    pub subject: Arc<Subject>,
    pub network_interface_id: String,
    pub interface_type: String,
    /// Made by an AWS service for itself.
    pub requester_managed: bool,
    pub status: String,
    pub source_dest_check: bool,
    pub instance_id: Option<String>,
    pub public_ip: Option<IpAddr>,
    pub security_groups: Vec<String>,
    pub vpc_id: Option<String>,
    pub subnet_id: Option<String>,
}

#[derive(Debug)]
pub struct Address {
    pub subject: Arc<Subject>,
    pub public_ip: String,
    pub association_id: Option<String>,
    pub network_interface_id: Option<String>,
    pub instance_id: Option<String>,
}

#[derive(Debug)]
pub struct Volume {
    pub subject: Arc<Subject>,
    pub volume_id: String,
    pub encrypted: bool,
    /// `creating`, `available`, `in-use`, `deleting`, `deleted` or `error`.
    pub state: String,
    pub instance_ids: Vec<String>,
}

#[derive(Debug)]
pub struct Snapshot {
    pub subject: Arc<Subject>,
    pub snapshot_id: String,
    pub volume_id: String,
    /// `pending`, `completed`, `error`, `recoverable` or `recovering`.
    pub state: String,
    pub encrypted: bool,
    pub start_time: Option<Timestamp>,
    /// Who else may make volumes of it.
    pub create_volume_permission: Read<SnapshotSharing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotSharing {
    /// The group `all`.
    pub public: bool,
    /// Asked of public snapshots alone: of others it is empty and proves nothing.
    pub accounts: Vec<String>,
}

#[derive(Debug)]
pub struct Vpc {
    pub subject: Arc<Subject>,
    pub vpc_id: String,
    /// Another account's when its subnets are shared with this one.
    pub owner_id: String,
    pub is_default: bool,
    pub cidr_blocks: Vec<IpNet>,
}

#[derive(Debug)]
pub struct Subnet {
    pub subject: Arc<Subject>,
    pub subnet_id: String,
    pub vpc_id: String,
    /// Another account's when the subnet is shared with this one.
    pub owner_id: String,
    pub availability_zone: String,
    pub default_for_az: bool,
    pub map_public_ip_on_launch: bool,
    pub assign_ipv6_address_on_creation: bool,
}

#[derive(Debug)]
pub struct RouteTable {
    pub subject: Arc<Subject>,
    pub route_table_id: String,
    pub vpc_id: String,
    /// The VPC's main table: used by subnets that name none.
    pub main: bool,
    pub subnet_ids: Vec<String>,
    pub routes: Vec<Route>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `None` when the destination is a prefix list.
    pub destination: Option<IpNet>,
    pub prefix_list: Option<String>,
    /// `igw-…`, `vgw-…`, `local`, a VPC endpoint.
    pub gateway_id: Option<String>,
    pub egress_only_internet_gateway_id: Option<String>,
    pub nat_gateway_id: Option<String>,
    pub vpc_peering_connection_id: Option<String>,
    /// `blackhole` routes lead nowhere.
    pub active: bool,
}

#[derive(Debug)]
pub struct InternetGateway {
    pub subject: Arc<Subject>,
    pub internet_gateway_id: String,
    pub vpc_ids: Vec<String>,
}

#[derive(Debug)]
pub struct FlowLog {
    pub subject: Arc<Subject>,
    /// Of a VPC, a subnet or a network interface.
    pub resource_id: String,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic_type: String,
    /// `ACTIVE`.
    pub status: String,
    /// `SUCCESS` or `FAILED`; a failed one delivers nothing.
    pub deliver_logs_status: Option<String>,
}

#[derive(Debug)]
pub struct Endpoint {
    pub subject: Arc<Subject>,
    pub vpc_endpoint_id: String,
    pub vpc_id: String,
    /// `com.amazonaws.eu-central-1.ec2`.
    pub service_name: String,
    /// `Interface`, `Gateway`, `GatewayLoadBalancer`, …
    pub endpoint_type: String,
    /// Made by an AWS service for itself, which alone can change it.
    pub requester_managed: bool,
    /// `available`, `pending`, `deleting`, …
    pub state: String,
    pub subnet_ids: Vec<String>,
    /// `None` when AWS answers none: full access is then the default.
    pub policy: Read<Option<Policy>>,
}

#[derive(Debug)]
pub struct PeeringConnection {
    pub subject: Arc<Subject>,
    pub vpc_peering_connection_id: String,
    /// `active`, `pending-acceptance`, `deleted`, …
    pub status: String,
    pub requester: PeeringSide,
    pub accepter: PeeringSide,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeeringSide {
    pub account: String,
    pub vpc_id: String,
    pub region: String,
    pub cidr_blocks: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPublicAccess {
    /// `off`, `block-bidirectional` or `block-ingress`.
    pub internet_gateway_block_mode: String,
    /// `default-state`, `update-in-progress` or `update-complete`.
    pub state: String,
    /// Whether VPCs and subnets may be left out; an organization can forbid it.
    pub exclusions_allowed: bool,
}

/// A VPC or subnet that Block Public Access leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPublicAccessExclusion {
    pub exclusion_id: String,
    /// `vpc-…` or `subnet-…`: the last part of the `ResourceArn`.
    pub resource_id: String,
    /// `allow-bidirectional`, or `allow-egress`, which keeps inbound traffic blocked.
    pub internet_gateway_exclusion_mode: String,
    /// `create-`, `update-`, `delete-` or `disable-`, each with `in-progress` or `complete`;
    /// `create-failed` and `update-failed`.
    pub state: String,
}

resources!(
    Instance,
    Image,
    LaunchTemplate,
    SecurityGroup,
    NetworkAcl,
    NetworkInterface,
    Address,
    Volume,
    Snapshot,
    Vpc,
    Subnet,
    RouteTable,
    InternetGateway,
    FlowLog,
    Endpoint,
    PeeringConnection,
);

impl Ec2 {
    /// The section with everything unread for one reason.
    pub fn unread(cause: &Cause) -> Self {
        Self {
            instances: unlisted(cause, &calls::ec2::DESCRIBE_INSTANCES),
            images: unlisted(cause, &calls::ec2::DESCRIBE_IMAGES),
            launch_templates: unlisted(cause, &calls::ec2::DESCRIBE_LAUNCH_TEMPLATES),
            security_groups: unlisted(cause, &calls::ec2::DESCRIBE_SECURITY_GROUPS),
            network_acls: unlisted(cause, &calls::ec2::DESCRIBE_NETWORK_ACLS),
            network_interfaces: unlisted(cause, &calls::ec2::DESCRIBE_NETWORK_INTERFACES),
            addresses: unlisted(cause, &calls::ec2::DESCRIBE_ADDRESSES),
            image_block_public_access: unread(
                cause,
                &calls::ec2::GET_IMAGE_BLOCK_PUBLIC_ACCESS_STATE,
            ),
            instance_metadata_defaults: unread(cause, &calls::ec2::GET_INSTANCE_METADATA_DEFAULTS),
            serial_console_access_enabled: unread(
                cause,
                &calls::ec2::GET_SERIAL_CONSOLE_ACCESS_STATUS,
            ),
        }
    }
}

impl Default for Ec2 {
    fn default() -> Self {
        Self::unread(&Cause::NotCollected)
    }
}

impl Ebs {
    /// The section with everything unread for one reason.
    pub fn unread(cause: &Cause) -> Self {
        Self {
            encryption_by_default: unread(cause, &calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT),
            snapshot_block_public_access: unread(
                cause,
                &calls::ec2::GET_SNAPSHOT_BLOCK_PUBLIC_ACCESS_STATE,
            ),
            volumes: unlisted(cause, &calls::ec2::DESCRIBE_VOLUMES),
            snapshots: unlisted(cause, &calls::ec2::DESCRIBE_SNAPSHOTS),
        }
    }
}

impl Default for Ebs {
    fn default() -> Self {
        Self::unread(&Cause::NotCollected)
    }
}

impl Vpcs {
    /// The section with everything unread for one reason.
    pub fn unread(cause: &Cause) -> Self {
        Self {
            vpcs: unlisted(cause, &calls::ec2::DESCRIBE_VPCS),
            subnets: unlisted(cause, &calls::ec2::DESCRIBE_SUBNETS),
            route_tables: unlisted(cause, &calls::ec2::DESCRIBE_ROUTE_TABLES),
            internet_gateways: unlisted(cause, &calls::ec2::DESCRIBE_INTERNET_GATEWAYS),
            flow_logs: unlisted(cause, &calls::ec2::DESCRIBE_FLOW_LOGS),
            endpoints: unlisted(cause, &calls::ec2::DESCRIBE_VPC_ENDPOINTS),
            peering_connections: unlisted(cause, &calls::ec2::DESCRIBE_VPC_PEERING_CONNECTIONS),
            block_public_access: unread(
                cause,
                &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS,
            ),
            block_public_access_exclusions: unlisted(
                cause,
                &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_EXCLUSIONS,
            ),
        }
    }
}

impl Default for Vpcs {
    fn default() -> Self {
        Self::unread(&Cause::NotCollected)
    }
}

impl Vpcs {
    /// The route table in force for a subnet: its own, or else the VPC's main one. Every subnet
    /// has one; that of a subnet shared by another account may not be shown to this one.
    pub fn route_table_of(&self, subnet: &Subnet) -> Result<&RouteTable, Unread> {
        let own = |table: &&RouteTable| table.subnet_ids.contains(&subnet.subnet_id);
        if let Some(table) = self.route_tables.seen().iter().find(own) {
            return Ok(table);
        }
        // The main table applies only when no other one names the subnet.
        let tables = self.route_tables.all()?;
        let main = |table: &&RouteTable| table.main && table.vpc_id == subnet.vpc_id;
        tables.iter().find(main).ok_or_else(|| {
            Arc::new(NotAssessed {
                call: &calls::ec2::DESCRIBE_ROUTE_TABLES,
                cause: Cause::NotShown { what: format!("the route table of {}", subnet.subnet_id) },
            })
        })
    }

    /// Whether the subnet's traffic has an active route to an internet gateway: what makes a
    /// subnet public (Amazon VPC User Guide, "Subnet types").
    pub fn is_public(&self, subnet: &Subnet) -> Result<bool, Unread> {
        Ok(self.route_table_of(subnet)?.reaches_internet())
    }
}

impl BlockPublicAccessExclusion {
    /// Whether the internet comes in to what it names, or may while AWS is still changing it.
    pub fn lets_in(&self) -> bool {
        match self.state.as_str() {
            // No more, or not at all: `disable` is what an organization's policy does to it.
            "create-failed" | "delete-complete" | "disable-complete" => false,
            // The mode named is the one to come, or the one that could not be set.
            "update-in-progress" | "update-failed" => true,
            _ => self.internet_gateway_exclusion_mode != "allow-egress",
        }
    }
}

impl RouteTable {
    /// Whether an active route leads to an internet gateway.
    pub fn reaches_internet(&self) -> bool {
        self.internet_routes().next().is_some()
    }

    /// The same for one family alone: IPv6 often leaves through an egress-only gateway, through
    /// which nothing comes in.
    pub fn reaches_internet_over_ipv6(&self, ipv6: bool) -> bool {
        self.internet_routes().any(|route| match route.destination {
            Some(destination) => matches!(destination, IpNet::V6(_)) == ipv6,
            // The destination is a prefix list, of either family.
            None => true,
        })
    }

    fn internet_routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().filter(|route| {
            route.active && route.gateway_id.as_deref().is_some_and(|id| id.starts_with("igw-"))
        })
    }
}

impl Instance {
    /// Whether it is on its way out: its settings are nobody's to mend any more.
    pub fn is_terminating(&self) -> bool {
        matches!(self.state.as_str(), "shutting-down" | "terminated")
    }
}

impl MetadataOptions {
    /// Whether nothing is answered without a session token. AWS's default is `optional`.
    pub fn refuses_imdsv1(&self) -> bool {
        self.http_tokens.as_deref() == Some("required")
            || self.http_endpoint.as_deref() == Some("disabled")
    }
}

impl Volume {
    pub fn is_going(&self) -> bool {
        matches!(self.state.as_str(), "deleting" | "deleted")
    }
}

impl Endpoint {
    /// Whether it carries no traffic, now or any more. The API spells states in either case.
    pub fn is_gone(&self) -> bool {
        let gone = ["deleting", "deleted", "rejected", "failed", "expired"];
        gone.iter().any(|state| self.state.eq_ignore_ascii_case(state))
    }
}

impl PeeringConnection {
    /// Whether it connects nothing, and never will again.
    pub fn is_gone(&self) -> bool {
        let gone = ["deleting", "deleted", "rejected", "failed", "expired"];
        gone.contains(&self.status.as_str())
    }
}

impl SecurityGroup {
    /// The group that AWS makes with every VPC. No other may have its name.
    pub fn is_default(&self) -> bool {
        self.group_name == "default"
    }
}

impl Permission {
    /// Whether the permission covers TCP or UDP `port` of `protocol` (`tcp` or `udp`).
    pub fn covers_port(&self, protocol: &str, port: u16) -> bool {
        if self.protocol == "-1" {
            return true;
        }
        let number = if protocol == "tcp" { "6" } else { "17" };
        if self.protocol != protocol && self.protocol != number {
            return false;
        }
        let port = i32::from(port);
        match (self.from_port, self.to_port) {
            (None, None) | (Some(-1), _) => true,
            (from, to) => from.unwrap_or(0) <= port && port <= to.unwrap_or(65_535),
        }
    }

    /// Whether it covers every port of every protocol, or all of TCP or UDP.
    pub fn covers_all_ports(&self) -> bool {
        match self.protocol.as_str() {
            "-1" => true,
            "tcp" | "6" | "udp" | "17" => match (self.from_port, self.to_port) {
                (None, None) | (Some(-1), _) => true,
                (from, to) => from.unwrap_or(0) <= 1 && to.unwrap_or(65_535) >= 65_535,
            },
            _ => false,
        }
    }
}

/// `0.0.0.0/0` or `::/0`.
pub fn is_anywhere(range: &IpNet) -> bool {
    range.prefix_len() == 0
}
