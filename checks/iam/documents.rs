//! The policy documents that the customer wrote: customer managed policies and inline policies.

use demarc_model::{
    Assessed, Evidence, Findings, Inventory, Outcome,
    policy::{Admin, Policy},
};

use super::principals::{DETAILS, gaps, principals};

/// Judges every document that the customer wrote: managed policies as resources of their own,
/// inline policies as parts `inline:NAME` of whoever carries them. What AWS wrote is not
/// applicable: nobody but AWS can edit it.
pub(super) fn each_document(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&Policy) -> Outcome,
) {
    for policy in inventory.iam.policies.seen() {
        let assessed = if policy.is_aws_managed() {
            Ok(Outcome::NotApplicable("AWS writes this policy: who attaches it is judged"))
        } else if policy.attachment_count == 0 && policy.permissions_boundary_usage_count > 0 {
            Ok(Outcome::NotApplicable(
                "serves as a permissions boundary alone, which grants nothing",
            ))
        } else {
            policy.document.get().map(&judge)
        };
        findings.one(&policy.subject, assessed);
    }
    for principal in principals(inventory) {
        if principal.inline.is_empty() {
            continue;
        }
        let assessed = principal.not_ours.clone().unwrap_or_else(|| {
            let parts = principal
                .inline
                .iter()
                .flat_map(|policy| inline_parts(&policy.name, policy.document.get().map(&judge)));
            Outcome::Parts(parts.collect())
        });
        findings.one(principal.subject, Ok(assessed));
    }
    if inventory.iam.policies.gap().is_some() {
        findings.gap(&inventory.account, &inventory.iam.policies);
    } else {
        gaps(inventory, findings);
    }
}

/// [`each_document`], where a document that grants everything is left to the checks on
/// administrators: all that could be said of it follows from that.
pub(super) fn each_lesser_document(
    inventory: &Inventory,
    findings: &mut Findings,
    judge: impl Fn(&Policy) -> Outcome,
) {
    each_document(inventory, findings, |policy| match policy.grants_admin() {
        Admin::No => judge(policy),
        Admin::Conditioned | Admin::Yes => Outcome::NotApplicable(
            "grants everything: iam.managed-policy-no-admin and iam.inline-policy-no-admin judge it",
        ),
    });
}

fn inline_parts(name: &str, assessed: Assessed) -> Vec<(String, Assessed)> {
    let key = format!("inline:{name}");
    match assessed {
        Ok(Outcome::Parts(parts)) if parts.is_empty() => vec![(key, Ok(Outcome::Pass))],
        Ok(Outcome::Parts(parts)) => {
            parts.into_iter().map(|(part, assessed)| (format!("{key} {part}"), assessed)).collect()
        }
        assessed => vec![(key, assessed)],
    }
}

/// One observation about a policy document.
pub(super) fn grants(observed: impl Into<String>, expected: impl Into<String>) -> Evidence {
    Evidence::new(DETAILS, "PolicyDocument.Statement", observed.into(), expected.into())
}
