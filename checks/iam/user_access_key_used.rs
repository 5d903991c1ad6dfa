use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow, time::Timestamp,
};

use super::credentials::{REPORT, active_keys, column, each_user, missing};

/// Days without use.
const IDLE: i64 = 45;

declare_check! {
    /// Every active access key was used in the 45 days before the scan. For a key that was never
    /// used the time runs from the day it was made, so that a new key is not stale at once.
    ///
    /// ## Why it matters
    /// Nobody notices when a forgotten key is used, because nobody knows what it was for, and
    /// nothing breaks when it goes.
    ///
    /// ## Remediation
    /// Deactivate the key, wait for complaints, then delete it:
    /// ```sh
    /// aws iam update-access-key --user-name NAME --access-key-id KEY_ID --status Inactive
    /// aws iam delete-access-key --user-name NAME --access-key-id KEY_ID
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_finding-unused.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>
    pub(super) static CHECK = {
        id: "iam.user-access-key-used",
        title: "active access keys were used in the last 45 days",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[&calls::iam::GENERATE_CREDENTIAL_REPORT, &calls::iam::GET_CREDENTIAL_REPORT],
        evaluate: |inventory, findings| {
            each_user(inventory, findings, |row| Ok(evaluate(row, inventory.taken_at)));
        },
    }
}

fn evaluate(row: &CredentialRow, now: Timestamp) -> Outcome {
    let mut parts = Vec::new();
    for (slot, key) in active_keys(row) {
        let since = key.last_used.or(key.last_rotated);
        let since = since.ok_or_else(|| missing(REPORT, &format!("column {slot}_last_rotated")));
        let assessed = since.map(|since| {
            Outcome::require(since.days_before(now) < IDLE, || {
                let observed = match key.last_used {
                    Some(used) => used.date(),
                    None => format!("never, made {}", since.date()),
                };
                let expected = "within the 45 days before the scan";
                column(format!("{slot}_last_used_date"), observed, expected)
            })
        });
        parts.push((slot.to_owned(), assessed));
    }
    match parts.as_slice() {
        [] => Outcome::NotApplicable("the user has no active access key"),
        _ => Outcome::Parts(parts),
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        iam::testing::{key_row, row, with_report},
        testing::{assert_not_assessed, failures, inventory, only},
    };

    #[test]
    fn a_used_key_passes_and_an_idle_one_fails() {
        let used = with_report([key_row("robot", 300, Some(44))]);
        assert_eq!(only(&CHECK, &used), Ok(Outcome::Pass));
        let idle = with_report([key_row("robot", 300, Some(45))]);
        let expected = "access_key_1: access_key_1_last_used_date is 2026-10-08";
        assert_eq!(failures(&CHECK, &idle), [expected]);
    }

    #[test]
    fn a_new_key_has_time_to_be_used_and_an_old_unused_one_had_it() {
        assert_eq!(only(&CHECK, &with_report([key_row("new", 1, None)])), Ok(Outcome::Pass));
        let never = with_report([key_row("robot", 100, None)]);
        let expected = "access_key_1: access_key_1_last_used_date is never, made 2026-08-14";
        assert_eq!(failures(&CHECK, &never), [expected]);
    }

    #[test]
    fn users_without_active_keys_are_left_out() {
        let account = with_report([row("ada")]);
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_report_is_not_an_account_without_keys() {
        let call = &calls::iam::GET_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
