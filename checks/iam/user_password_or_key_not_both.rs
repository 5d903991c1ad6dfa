use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow,
};

use super::credentials::{active_keys, column, each_user, has_password};

declare_check! {
    /// No IAM user has both a console password and an active access key: a user is either a
    /// person or a program.
    ///
    /// ## Why it matters
    /// A person's permissions in a program's key, or a program's in the console, are more than
    /// either needs, and CloudTrail cannot tell which of the two acted.
    ///
    /// ## Remediation
    /// Give the program a role, the person IAM Identity Center (whose CLI sign-in needs no key),
    /// and take away whichever credential is left over:
    /// ```sh
    /// aws iam delete-login-profile --user-name NAME
    /// aws iam update-access-key --user-name NAME --access-key-id KEY_ID --status Inactive
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>
    pub(super) static CHECK = {
        id: "iam.user-password-or-key-not-both",
        title: "users have a console password or access keys, not both",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[&calls::iam::GENERATE_CREDENTIAL_REPORT, &calls::iam::GET_CREDENTIAL_REPORT],
        evaluate: |inventory, findings| each_user(inventory, findings, evaluate),
    }
}

fn evaluate(row: &CredentialRow) -> Assessed {
    let Some((slot, _)) = active_keys(row).next() else { return Ok(Outcome::Pass) };
    Ok(Outcome::require(!has_password(row)?, || {
        column(format!("password_enabled, {slot}_active"), "true, true", "at most one true")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        iam::testing::{console_row, key, key_row, with_report},
        testing::{assert_fails, assert_not_assessed, inventory, only, run},
    };

    #[test]
    fn people_and_programs_pass() {
        let account = with_report([console_row("ada"), key_row("robot", 1, None)]);
        let verdicts = run(&CHECK, &account);
        assert!(verdicts.iter().all(|judged| judged.assessed == Ok(Outcome::Pass)));
    }

    #[test]
    fn a_second_key_alone_is_a_key() {
        let mut user = console_row("ada");
        user.access_keys[1] = key(9, Some(1));
        let field = "password_enabled, access_key_2_active";
        assert_fails(&CHECK, &with_report([user]), field, "true, true");
    }

    #[test]
    fn an_inactive_key_does_not_count() {
        let mut user = console_row("ada");
        user.access_keys[0].last_rotated = Some(crate::iam::testing::days_ago(9));
        assert_eq!(only(&CHECK, &with_report([user])), Ok(Outcome::Pass));
    }

    #[test]
    fn a_denied_report_is_not_an_account_without_users() {
        let call = &calls::iam::GET_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
