//! Amazon VPC: subnets, routes, endpoints, flow logs.

use demarc_model::Check;

mod block_public_access;
mod endpoint_in_several_zones;
mod endpoint_policy_trusted_only;
mod flow_logs_enabled;
mod in_use;
mod interface_endpoints_present;
mod peering_routes_least_privilege;
mod peering_same_account;
mod public_and_private_subnets;
mod subnet_no_automatic_public_ip;
mod subnets_in_several_zones;
pub(crate) mod usage;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &block_public_access::CHECK,
    &endpoint_in_several_zones::CHECK,
    &endpoint_policy_trusted_only::CHECK,
    &flow_logs_enabled::CHECK,
    &in_use::CHECK,
    &interface_endpoints_present::CHECK,
    &peering_routes_least_privilege::CHECK,
    &peering_same_account::CHECK,
    &public_and_private_subnets::CHECK,
    &subnet_no_automatic_public_ip::CHECK,
    &subnets_in_several_zones::CHECK,
];
