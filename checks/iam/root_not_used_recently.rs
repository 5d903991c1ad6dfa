use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
};

use super::credentials::{column, no_root, root};

/// Days in which root should not have been used.
const QUIET: i64 = 30;

declare_check! {
    /// Neither root's password nor its access keys were used in the 30 days before the scan. A few
    /// tasks need root, so one failure is a question to be answered, not proof of a mistake. The
    /// report can be four hours old; root sessions that the management account takes
    /// (`sts:AssumeRoot`) use no credential of root and do not count.
    ///
    /// ## Why it matters
    /// Whoever works as root is above every policy, and CloudTrail names no person. And an
    /// unexplained use of root is the plainest sign there is that the account was taken over.
    ///
    /// ## Remediation
    /// Find out who it was and for what, then give that task to a role:
    /// ```sh
    /// aws cloudtrail lookup-events --region us-east-1 \
    ///   --lookup-attributes AttributeKey=Username,AttributeValue=root
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#root-user-tasks>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>
    pub(super) static CHECK = {
        id: "iam.root-not-used-recently",
        title: "the root user was not used in the last 30 days",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::::Account",
        needs: &[&calls::iam::GENERATE_CREDENTIAL_REPORT, &calls::iam::GET_CREDENTIAL_REPORT],
        evaluate: |inventory, findings| findings.one(&inventory.account, evaluate(inventory)),
    }
}

fn evaluate(inventory: &Inventory) -> Assessed {
    if let Some(outcome) = no_root(inventory) {
        return Ok(outcome);
    }
    let root = root(inventory)?;
    let [first, second] = root.access_keys;
    let uses = [
        ("password_last_used", root.password_last_used),
        ("access_key_1_last_used_date", first.last_used),
        ("access_key_2_last_used_date", second.last_used),
    ];
    let recent = uses.into_iter().filter_map(|(name, at)| {
        let at = at.filter(|at| at.days_before(inventory.taken_at) < QUIET)?;
        Some(column(name, at.rfc3339(), "not in the 30 days before the scan"))
    });
    let recent: Vec<_> = recent.collect();
    Ok(if recent.is_empty() { Outcome::Pass } else { Outcome::Fail(recent) })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Cause, Read, inventory::iam::CredentialRow};

    use super::*;
    use crate::{
        iam::testing::{days_ago, key, root_row, row, with_report},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    #[test]
    fn never_and_long_ago_pass() {
        assert_eq!(only(&CHECK, &with_report([root_row()])), Ok(Outcome::Pass));
        let long_ago = CredentialRow { password_last_used: Some(days_ago(30)), ..root_row() };
        assert_eq!(only(&CHECK, &with_report([long_ago])), Ok(Outcome::Pass));
    }

    #[test]
    fn a_key_counts_as_much_as_the_password() {
        let by_key =
            CredentialRow { access_keys: [key(400, None), key(400, Some(2))], ..root_row() };
        let used = "2026-11-20T00:00:00Z";
        assert_fails(&CHECK, &with_report([by_key]), "access_key_2_last_used_date", used);
    }

    #[test]
    fn a_report_without_roots_row_says_nothing_about_root() {
        let Err(why) = only(&CHECK, &with_report([row("ada")])) else { panic!("not assessed") };
        assert!(matches!(why.cause, Cause::Malformed { .. }), "{why:?}");
    }

    #[test]
    fn a_denied_report_is_not_a_quiet_root() {
        let call = &calls::iam::GENERATE_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
