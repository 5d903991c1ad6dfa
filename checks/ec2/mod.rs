//! Amazon EC2: instances, images, launch templates and packet filters.

use demarc_model::Check;

pub(crate) mod exposure;
mod instance_no_exposed_private_port;
pub(crate) mod internet;
mod internet_facing_instance_without_role;
mod network_acl_in_use;
mod network_acl_no_open_admin_port;
pub(crate) mod ports;
mod security_group_default_closed;
mod security_group_few_rules;
mod security_group_in_use;
mod security_group_no_all_ports_private;
mod security_group_no_open_all_ports;
mod security_group_no_open_icmp;
mod security_group_no_open_private_port;
mod security_group_no_wide_public_range;
mod security_group_not_from_launch_wizard;
mod security_group_only_authorized_open_ports;
#[cfg(test)]
pub(crate) mod testing;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &instance_no_exposed_private_port::CHECK,
    &internet_facing_instance_without_role::CHECK,
    &network_acl_in_use::CHECK,
    &network_acl_no_open_admin_port::CHECK,
    &security_group_default_closed::CHECK,
    &security_group_few_rules::CHECK,
    &security_group_in_use::CHECK,
    &security_group_no_all_ports_private::CHECK,
    &security_group_no_open_all_ports::CHECK,
    &security_group_no_open_icmp::CHECK,
    &security_group_no_open_private_port::CHECK,
    &security_group_no_wide_public_range::CHECK,
    &security_group_not_from_launch_wizard::CHECK,
    &security_group_only_authorized_open_ports::CHECK,
];
