use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow,
};

use super::credentials::{column, each_user, has_password};

declare_check! {
    /// Every IAM user with a console password has an MFA device. That a person usually signs in
    /// through federation, or has never used the password, changes nothing: the password works.
    ///
    /// ## Why it matters
    /// Without a second factor a phished or reused password is a session in the console, from any
    /// network, with all of the user's permissions.
    ///
    /// ## Remediation
    /// Best, take the password away and let the person sign in through IAM Identity Center.
    /// Otherwise let the user register a security key or passkey on the Security credentials page:
    /// ```sh
    /// aws iam delete-login-profile --user-name NAME
    /// aws iam list-mfa-devices --user-name NAME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>
    pub(super) static CHECK = {
        id: "iam.user-console-mfa",
        title: "users with a console password have MFA",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[&calls::iam::GENERATE_CREDENTIAL_REPORT, &calls::iam::GET_CREDENTIAL_REPORT],
        evaluate: |inventory, findings| each_user(inventory, findings, evaluate),
    }
}

fn evaluate(row: &CredentialRow) -> Assessed {
    if !has_password(row)? {
        return Ok(Outcome::NotApplicable("the user has no console password"));
    }
    Ok(Outcome::require(row.mfa_active, || column("mfa_active", "false", "true")))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        iam::testing::{console_row, root_row, row, with_report},
        testing::{assert_fails, assert_not_assessed, inventory, only, run},
    };

    #[test]
    fn a_device_passes() {
        let account = with_report([root_row(), console_row("ada")]);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_password_that_was_never_used_still_works() {
        let never =
            CredentialRow { mfa_active: false, password_last_used: None, ..console_row("ada") };
        assert_fails(&CHECK, &with_report([never]), "mfa_active", "false");
    }

    #[test]
    fn users_without_a_password_have_nothing_to_sign_in_with() {
        let account = with_report([row("robot")]);
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn root_is_not_a_user() {
        assert_eq!(run(&CHECK, &with_report([root_row()])), []);
    }

    #[test]
    fn a_denied_report_is_not_an_account_without_users() {
        let call = &calls::iam::GET_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
