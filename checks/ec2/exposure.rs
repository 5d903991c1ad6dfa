//! What the internet reaches of an instance: an address, a route and a rule must meet.

use std::{net::IpAddr, sync::Arc};

use demarc_model::{
    Assessed, Cause, Evidence, Findings, Inventory, NotAssessed, Outcome, Region, Unread, calls,
    inventory::ec2::{Instance, InstanceInterface, Subnet},
};

use super::{
    internet::Family,
    ports::{Opening, Rule, Source, rules_of},
};

/// Judges every instance but those being terminated.
pub(crate) fn each_instance(
    inventory: &Inventory,
    findings: &mut Findings,
    mut judge: impl FnMut(&Region, &Instance) -> Assessed,
) {
    findings.each_region(
        inventory,
        |region| &region.ec2.instances,
        |region, instance| {
            if instance.is_terminating() {
                return Ok(Outcome::NotApplicable("the instance is being terminated"));
            }
            judge(region, instance)
        },
    );
}

/// What is open to the internet, each with the address it is reached at.
#[derive(Debug, Default)]
pub(crate) struct Exposure<'a> {
    pub(crate) openings: Vec<(IpAddr, Opening<'a>)>,
    /// Why there may be more.
    pub(crate) unread: Option<Unread>,
}

/// What the internet reaches of the instance, among what `open` finds in the rules of an
/// interface's groups.
pub(crate) fn exposure<'a>(
    inventory: &Inventory,
    region: &'a Region,
    instance: &Instance,
    open: impl Fn(&[Rule<'a>]) -> Vec<Opening<'a>>,
) -> Exposure<'a> {
    let mut exposure = Exposure::default();
    for interface in &instance.interfaces {
        let (rules, unread_group) = rules(region, interface);
        for family in Family::BOTH {
            let Some(address) = address(interface, family) else { continue };
            let mut openings = open(&rules);
            openings.retain(|opening| match opening.from {
                Source::Internet(from, _) => from == family,
                Source::PrefixList(_) => true,
            });
            // One closed door suffices, whatever is not known of the others.
            if openings.is_empty() && unread_group.is_none() {
                continue;
            }
            match is_routed(inventory, region, interface, family) {
                Ok(false) => {}
                Ok(true) => {
                    exposure.openings.extend(openings.into_iter().map(|open| (address, open)));
                    exposure.unread = exposure.unread.or_else(|| unread_group.clone());
                }
                Err(why) => exposure.unread = exposure.unread.or(Some(why)),
            }
        }
    }
    exposure
}

fn address(interface: &InstanceInterface, family: Family) -> Option<IpAddr> {
    match family {
        Family::V4 => interface.public_ip,
        Family::V6 => interface.ipv6_addresses.first().copied(),
    }
}

/// The inbound rules of the interface's groups, and why some are missing.
fn rules<'a>(region: &'a Region, interface: &InstanceInterface) -> (Vec<Rule<'a>>, Option<Unread>) {
    let mut rules = Vec::new();
    let mut unread = None;
    for id in &interface.security_groups {
        match region.ec2.security_groups.find(|group| group.group_id == *id) {
            Ok(Some(group)) => rules.extend(rules_of(group)),
            Ok(None) => {
                let call = &calls::ec2::DESCRIBE_SECURITY_GROUPS;
                unread = Some(not_shown(call, format!("the rules of {id}")));
            }
            Err(why) => unread = Some(why),
        }
    }
    (rules, unread)
}

/// Whether packets of the family come in through an internet gateway.
fn is_routed(
    inventory: &Inventory,
    region: &Region,
    interface: &InstanceInterface,
    family: Family,
) -> Result<bool, Unread> {
    let subnet = subnet_of(region, interface);
    let routed = subnet.clone().and_then(|subnet| {
        let table = region.vpc.route_table_of(subnet)?;
        Ok(table.reaches_internet_over_ipv6(family == Family::V6))
    });
    if routed == Ok(false) {
        return Ok(false);
    }
    let blocked = subnet.and_then(|subnet| is_blocked(inventory, region, subnet));
    if blocked == Ok(true) {
        return Ok(false);
    }
    routed?;
    Ok(!blocked?)
}

fn subnet_of<'a>(region: &'a Region, interface: &InstanceInterface) -> Result<&'a Subnet, Unread> {
    let id = interface.subnet_id.as_deref().unwrap_or("of no name");
    region
        .vpc
        .subnets
        .find(|subnet| subnet.subnet_id == id)?
        .ok_or_else(|| not_shown(&calls::ec2::DESCRIBE_SUBNETS, format!("the subnet {id}")))
}

/// Whether VPC Block Public Access keeps the internet out, whatever routes and rules say. It is
/// the subnet owner's setting that counts.
fn is_blocked(inventory: &Inventory, region: &Region, subnet: &Subnet) -> Result<bool, Unread> {
    let call = &calls::ec2::DESCRIBE_VPC_BLOCK_PUBLIC_ACCESS_OPTIONS;
    if subnet.owner_id != inventory.account_id {
        let what = format!("Block Public Access of the account that owns {}", subnet.subnet_id);
        return Err(not_shown(call, what));
    }
    let options = region.vpc.block_public_access.get()?;
    if options.internet_gateway_block_mode == "off" {
        return Ok(false);
    }
    if options.state == "update-in-progress" {
        return Err(not_shown(call, "whether Block Public Access is in force already"));
    }
    if !options.exclusions_allowed {
        return Ok(true);
    }
    let exclusion = region.vpc.block_public_access_exclusions.find(|exclusion| {
        [&subnet.subnet_id, &subnet.vpc_id].contains(&&exclusion.resource_id) && exclusion.lets_in()
    });
    Ok(exclusion?.is_none())
}

pub(crate) fn not_shown(call: &'static calls::Call, what: impl Into<String>) -> Unread {
    Arc::new(NotAssessed { call, cause: Cause::NotShown { what: what.into() } })
}

impl Exposure<'_> {
    /// One part for each opening, the same of two interfaces being one; what could not be read is
    /// a part of its own.
    pub(crate) fn parts(&self, expected: &'static str) -> Assessed {
        let mut parts: Vec<(String, Assessed)> = Vec::new();
        for (address, opening) in &self.openings {
            let key = opening.key();
            let found = with_address(opening, *address, expected);
            match parts.iter_mut().find(|(known, _)| *known == key) {
                None => parts.push((key, found)),
                Some((_, Ok(Outcome::Fail(known)))) => {
                    if let Ok(Outcome::Fail(found)) = found {
                        known.extend(found);
                    }
                }
                Some(_) => {}
            }
        }
        if let Some(why) = &self.unread {
            if parts.is_empty() {
                return Err(Arc::clone(why));
            }
            parts.push(("other interfaces and groups".to_owned(), Err(Arc::clone(why))));
        }
        Ok(Outcome::Parts(parts))
    }
}

fn with_address(opening: &Opening<'_>, address: IpAddr, expected: &'static str) -> Assessed {
    let assessed = opening.assess(expected, |group, rule| format!("{group}: {rule}"))?;
    let Outcome::Fail(mut evidence) = assessed else { return Ok(assessed) };
    let (field, expected) = match address {
        IpAddr::V4(_) => ("NetworkInterfaces.Association.PublicIp", "no public address"),
        IpAddr::V6(_) => ("NetworkInterfaces.Ipv6Addresses", "no route to an internet gateway"),
    };
    let call = &calls::ec2::DESCRIBE_INSTANCES;
    evidence.push(Evidence::new(call, field, address.to_string(), expected));
    Ok(Outcome::Fail(evidence))
}
