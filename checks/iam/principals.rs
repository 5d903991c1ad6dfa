//! Users, groups and roles as carriers of policies.

use std::sync::Arc;

use demarc_model::{
    Assessed, Call, Evidence, Findings, Inventory, Outcome, Subject, Unread, calls,
    inventory::iam::{AttachedPolicy, InlinePolicy, Role},
    policy::{Admin, escalation_paths},
};

use super::credentials::missing;

pub(super) const DETAILS: &Call = &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS;

/// What users, groups and roles have in common.
pub(super) struct Principal<'a> {
    pub(super) subject: &'a Arc<Subject>,
    pub(super) attached: &'a [AttachedPolicy],
    pub(super) inline: &'a [InlinePolicy],
    pub(super) boundary: Option<&'a str>,
    /// Why the customer cannot change what it carries.
    pub(super) not_ours: Option<Outcome>,
}

/// All that were read; whether these are all is filed by [`gaps`].
pub(super) fn principals(inventory: &Inventory) -> impl Iterator<Item = Principal<'_>> {
    let iam = &inventory.iam;
    let users = iam.users.seen().iter().map(|user| Principal {
        subject: &user.subject,
        attached: &user.attached_policies,
        inline: &user.inline_policies,
        boundary: user.permissions_boundary.as_deref(),
        not_ours: None,
    });
    let groups = iam.groups.seen().iter().map(|group| Principal {
        subject: &group.subject,
        attached: &group.attached_policies,
        inline: &group.inline_policies,
        boundary: None,
        not_ours: None,
    });
    let roles = iam.roles.seen().iter().map(|role| Principal {
        subject: &role.subject,
        attached: &role.attached_policies,
        inline: &role.inline_policies,
        boundary: role.permissions_boundary.as_deref(),
        not_ours: not_ours(role),
    });
    users.chain(groups).chain(roles)
}

/// Judges every user, group and role; what AWS alone can change is not applicable.
pub(super) fn each_principal(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&Principal) -> Assessed,
) {
    for principal in principals(inventory) {
        let assessed = principal.not_ours.clone().map_or_else(|| judge(&principal), Ok);
        findings.one(principal.subject, assessed);
    }
    gaps(inventory, findings);
}

/// Judges every role on its own; see [`not_ours`].
pub(super) fn each_role(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&Role) -> Assessed,
) {
    findings.each(&inventory.account, &inventory.iam.roles, |role| {
        not_ours(role).map_or_else(|| judge(role), Ok)
    });
}

/// Files what is missing of the users, groups and roles: once, as one call supplies all three.
pub(super) fn gaps(inventory: &Inventory, findings: &mut Findings) {
    let iam = &inventory.iam;
    if iam.users.gap().is_some() {
        findings.gap(&inventory.account, &iam.users);
    } else if iam.groups.gap().is_some() {
        findings.gap(&inventory.account, &iam.groups);
    } else {
        findings.gap(&inventory.account, &iam.roles);
    }
}

/// Why a role is not the customer's to edit.
pub(super) fn not_ours(role: &Role) -> Option<Outcome> {
    if role.path.starts_with("/aws-service-role/") {
        return Some(Outcome::NotApplicable("an AWS service owns this service-linked role"));
    }
    let why = "IAM Identity Center owns this role: its permission set decides";
    role.is_aws_managed().then_some(Outcome::NotApplicable(why))
}

/// Whether the ARN is that of AWS's own policy `name`, in any partition, and not of a customer's
/// policy by the same name.
pub(super) fn is_aws_policy(arn: &str, name: &str) -> bool {
    let path = arn.split_once(":iam::aws:policy/").map(|(_, path)| path);
    path.and_then(|path| path.rsplit('/').next()) == Some(name)
}

/// Whether one of the attached policies is AWS's own `name`.
pub(super) fn carries(attached: &[AttachedPolicy], name: &str) -> bool {
    attached.iter().any(|policy| is_aws_policy(&policy.arn, name))
}

/// Whether some role carries AWS's own policy `name`.
pub(super) fn some_role_carries(inventory: &Inventory, name: &str) -> Assessed {
    let role = inventory.iam.roles.find(|role| carries(&role.attached_policies, name))?;
    Ok(Outcome::require(role.is_some(), || {
        let observed = format!("{name} on no role");
        Evidence::new(DETAILS, "RoleDetailList.AttachedManagedPolicies", observed, "on a role")
    }))
}

/// Whether the permissions boundary keeps its principal from being an administrator: it neither
/// allows everything nor allows changing itself or getting around it.
pub(super) fn is_bounded(inventory: &Inventory, boundary: Option<&str>) -> Result<bool, Unread> {
    let Some(arn) = boundary else { return Ok(false) };
    if arn.contains(":iam::aws:policy/") {
        // AWS's own policies are listed only where they are attached, so go by the name.
        return Ok(!["AdministratorAccess", "IAMFullAccess"].iter().any(|n| is_aws_policy(arn, n)));
    }
    let policy = inventory.iam.policies.find(|policy| *policy.subject.arn == *arn)?;
    let document = policy.ok_or_else(|| missing(DETAILS, arn))?.document.get()?;
    let opened = escalation_paths(&[document]);
    let ways_out = [
        "create-policy-version",
        "set-default-policy-version",
        "delete-user-permissions-boundary",
        "delete-role-permissions-boundary",
        "put-user-permissions-boundary",
        "put-role-permissions-boundary",
    ];
    Ok(document.grants_admin() == Admin::No && !ways_out.iter().any(|way| opened.contains(way)))
}
