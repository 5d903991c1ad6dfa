//! Amazon EC2: instances, images, launch templates and packet filters.

use demarc_model::Check;

mod elastic_ip_associated;
pub(crate) mod exposure;
mod image_encrypted;
mod image_not_public;
mod image_public_sharing_blocked;
mod image_recent;
mod imdsv2_by_default;
mod instance_detailed_monitoring;
mod instance_imdsv2;
mod instance_no_exposed_private_port;
mod instance_no_key_pair;
mod instance_no_public_ip;
mod instance_not_paravirtual;
mod instance_not_stopped_too_long;
mod instance_not_too_old;
mod instance_profile_attached;
mod instance_single_network_interface;
pub(crate) mod internet;
mod internet_facing_instance_without_role;
mod launch_template_ebs_encrypted;
mod launch_template_imdsv2;
mod launch_template_no_public_ip;
mod network_acl_in_use;
mod network_acl_no_open_admin_port;
mod network_interface_attached;
mod network_interface_source_dest_check;
pub(crate) mod owned;
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
mod serial_console_disabled;
pub(crate) mod template;
#[cfg(test)]
pub(crate) mod testing;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &elastic_ip_associated::CHECK,
    &image_encrypted::CHECK,
    &image_not_public::CHECK,
    &image_public_sharing_blocked::CHECK,
    &image_recent::CHECK,
    &imdsv2_by_default::CHECK,
    &instance_detailed_monitoring::CHECK,
    &instance_imdsv2::CHECK,
    &instance_no_exposed_private_port::CHECK,
    &instance_no_key_pair::CHECK,
    &instance_no_public_ip::CHECK,
    &instance_not_paravirtual::CHECK,
    &instance_not_stopped_too_long::CHECK,
    &instance_not_too_old::CHECK,
    &instance_profile_attached::CHECK,
    &instance_single_network_interface::CHECK,
    &internet_facing_instance_without_role::CHECK,
    &launch_template_ebs_encrypted::CHECK,
    &launch_template_imdsv2::CHECK,
    &launch_template_no_public_ip::CHECK,
    &network_acl_in_use::CHECK,
    &network_acl_no_open_admin_port::CHECK,
    &network_interface_attached::CHECK,
    &network_interface_source_dest_check::CHECK,
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
    &serial_console_disabled::CHECK,
];
