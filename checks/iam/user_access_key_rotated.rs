use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow, time::Timestamp,
};

use super::credentials::{REPORT, active_keys, column, each_user, missing};

/// Days.
const AGE: i64 = 90;

declare_check! {
    /// No active access key is older than 90 days. AWS's `last_rotated` is the day the key was
    /// made: an access key cannot be changed, only replaced. Inactive keys sign nothing and are
    /// left out. The report names keys by their place, first or second, not by their id.
    ///
    /// ## Why it matters
    /// Keys are copied to laptops, build systems and backups, and work from anywhere until they
    /// are deleted. Their age is the time in which one copy was enough.
    ///
    /// ## Remediation
    /// Replace the key by a role where the program can take one. Otherwise make a second key, move
    /// the program to it, see that the first one's last use stands still, then:
    /// ```sh
    /// aws iam update-access-key --user-name NAME --access-key-id KEY_ID --status Inactive
    /// aws iam delete-access-key --user-name NAME --access-key-id KEY_ID
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>
    pub(super) static CHECK = {
        id: "iam.user-access-key-rotated",
        title: "active access keys are at most 90 days old",
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
        let name = format!("{slot}_last_rotated");
        let made = key.last_rotated.ok_or_else(|| missing(REPORT, &format!("column {name}")));
        let assessed = made.map(|made| {
            Outcome::require(made.days_before(now) <= AGE, || {
                column(name, made.date(), "at most 90 days before the scan")
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
        iam::testing::{key, key_row, row, with_report},
        testing::{assert_not_assessed, failures, inventory, only, run},
    };

    #[test]
    fn ninety_days_pass_and_ninety_one_fail() {
        let young = with_report([key_row("robot", 90, Some(1))]);
        assert_eq!(only(&CHECK, &young), Ok(Outcome::Pass));
        let old = with_report([key_row("robot", 91, Some(1))]);
        let expected = "access_key_1: access_key_1_last_rotated is 2026-08-23";
        assert_eq!(failures(&CHECK, &old), [expected]);
    }

    #[test]
    fn a_young_key_does_not_excuse_the_old_one_beside_it() {
        let both = CredentialRow { access_keys: [key(1, None), key(300, Some(1))], ..row("robot") };
        let account = with_report([both]);
        assert_eq!(run(&CHECK, &account).len(), 2);
        let expected = "access_key_2: access_key_2_last_rotated is 2026-01-26";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn an_inactive_key_may_be_old() {
        let mut inactive = key_row("robot", 1000, None);
        inactive.access_keys[0].active = false;
        let account = with_report([inactive]);
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_report_is_not_an_account_without_keys() {
        let call = &calls::iam::GENERATE_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
