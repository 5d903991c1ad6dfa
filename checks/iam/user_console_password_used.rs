use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow, time::Timestamp,
};

use super::credentials::{REPORT, column, each_user, has_password, missing};

/// Days without use.
const IDLE: i64 = 45;

declare_check! {
    /// Every console password was used in the 45 days before the scan. For one that was never used
    /// the time runs from the day it was set, and failing that from the day the user was made.
    ///
    /// ## Why it matters
    /// The password of somebody who left, or who signs in through federation by now, is an open
    /// door that its owner would not see used.
    ///
    /// ## Remediation
    /// Take the password away; the user, keys and permissions stay:
    /// ```sh
    /// aws iam delete-login-profile --user-name NAME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_finding-unused.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>
    pub(super) static CHECK = {
        id: "iam.user-console-password-used",
        title: "console passwords were used in the last 45 days",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[&calls::iam::GENERATE_CREDENTIAL_REPORT, &calls::iam::GET_CREDENTIAL_REPORT],
        evaluate: |inventory, findings| {
            each_user(inventory, findings, |row| evaluate(row, inventory.taken_at));
        },
    }
}

fn evaluate(row: &CredentialRow, now: Timestamp) -> Assessed {
    if !has_password(row)? {
        return Ok(Outcome::NotApplicable("the user has no console password"));
    }
    let set = row.password_last_changed.or(row.user_creation_time);
    let since = row.password_last_used.or(set);
    let since = since.ok_or_else(|| missing(REPORT, "column password_last_changed"))?;
    Ok(Outcome::require(since.days_before(now) < IDLE, || {
        let observed = match row.password_last_used {
            Some(used) => used.date(),
            None => format!("never, set {}", since.date()),
        };
        column("password_last_used", observed, "within the 45 days before the scan")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        iam::testing::{console_row, days_ago, row, with_report},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    fn used(used: Option<i64>, changed: Option<i64>) -> demarc_model::Inventory {
        with_report([CredentialRow {
            password_last_used: used.map(days_ago),
            password_last_changed: changed.map(days_ago),
            ..console_row("ada")
        }])
    }

    #[test]
    fn a_used_password_passes_and_an_idle_one_fails() {
        assert_eq!(only(&CHECK, &used(Some(44), Some(300))), Ok(Outcome::Pass));
        assert_fails(&CHECK, &used(Some(45), Some(300)), "password_last_used", "2026-10-08");
    }

    #[test]
    fn a_password_that_was_never_used_counts_from_the_day_it_was_set() {
        assert_eq!(only(&CHECK, &used(None, Some(3))), Ok(Outcome::Pass));
        let field = "password_last_used";
        assert_fails(&CHECK, &used(None, Some(50)), field, "never, set 2026-10-03");
        assert_fails(&CHECK, &used(None, None), field, "never, set 2025-10-18");
    }

    #[test]
    fn users_without_a_password_are_left_out() {
        let account = with_report([row("robot")]);
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_report_is_not_an_account_without_users() {
        let call = &calls::iam::GET_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
