//! Whom a role lets in.

use demarc_model::{
    Evidence, Inventory, Unread,
    inventory::iam::Role,
    policy::{Owner, Principal, Principals, Statement, Trust},
};

use super::principals::DETAILS;

/// Everybody whom the role's trust policy lets in, each with the statement that does.
pub(super) fn trusts<'a>(
    role: &'a Role,
    inventory: &Inventory,
) -> Result<Vec<(Trust, &'a Statement)>, Unread> {
    let policy = role.trust.get()?;
    let owner = Owner { account: &inventory.account_id, partition: &inventory.partition };
    let with_statement = |trust: Trust| {
        let statement = &policy.statements[trust.statement];
        (trust, statement)
    };
    Ok(policy.trusts(owner).into_iter().map(with_statement).collect())
}

/// The principals that the statement names; none for `NotPrincipal`.
pub(super) fn named(statement: &Statement) -> &[Principal] {
    match &statement.principal {
        Some(Principals::Only(list)) => list,
        Some(Principals::Except(_)) | None => &[],
    }
}

/// The identity providers that the statement names.
pub(super) fn providers(statement: &Statement) -> impl Iterator<Item = &str> {
    named(statement).iter().filter_map(|principal| match principal {
        Principal::Federated(provider) => Some(&**provider),
        _ => None,
    })
}

/// One observation about a trust policy.
pub(super) fn admits(observed: impl Into<String>, expected: &'static str) -> Evidence {
    Evidence::new(DETAILS, "AssumeRolePolicyDocument.Statement", observed.into(), expected)
}
