use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow,
};

use super::credentials::{active_keys, column, each_user, has_password};

declare_check! {
    /// Every IAM user with an active access key has an MFA device. Users with a console password
    /// are left to `iam.user-console-mfa`, so that one missing device is one finding; users
    /// without any credential have nothing to protect.
    ///
    /// A device alone does not stop a stolen key: a policy has to ask for `aws:MultiFactorAuthPresent`.
    ///
    /// ## Why it matters
    /// Without a device nothing can ever be made conditional on MFA for this user, and the key by
    /// itself is the whole credential.
    ///
    /// ## Remediation
    /// A program cannot type a code: give it a role instead of a user, then delete the key. Give a
    /// person a device and deny what matters without it:
    /// ```sh
    /// aws iam delete-access-key --user-name NAME --access-key-id KEY_ID
    /// aws iam enable-mfa-device --user-name NAME --serial-number ARN \
    ///   --authentication-code1 123456 --authentication-code2 789012
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html>
    pub(super) static CHECK = {
        id: "iam.user-mfa",
        title: "users with access keys have MFA",
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
    if row.mfa_active {
        return Ok(Outcome::Pass);
    }
    if has_password(row)? {
        return Ok(Outcome::NotApplicable("iam.user-console-mfa judges users with a password"));
    }
    if active_keys(row).next().is_none() {
        return Ok(Outcome::NotApplicable("the user has no credentials"));
    }
    Ok(Outcome::Fail(vec![column("mfa_active", "false", "true")]))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        iam::testing::{console_row, key_row, row, with_report},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    #[test]
    fn a_key_without_a_device_fails() {
        let account = with_report([key_row("robot", 10, Some(1))]);
        assert_fails(&CHECK, &account, "mfa_active", "false");
        let device = CredentialRow { mfa_active: true, ..key_row("ada", 10, Some(1)) };
        assert_eq!(only(&CHECK, &with_report([device])), Ok(Outcome::Pass));
    }

    #[test]
    fn one_missing_device_is_one_finding() {
        let console = CredentialRow { mfa_active: false, ..console_row("ada") };
        let account = with_report([console]);
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(
            only(&super::super::user_console_mfa::CHECK, &account),
            Ok(Outcome::Fail(_))
        ));
    }

    #[test]
    fn an_inactive_key_is_no_credential() {
        let mut inactive = key_row("robot", 10, None);
        inactive.access_keys[0].active = false;
        let account = with_report([inactive, row("empty")]);
        let verdicts = crate::testing::run(&CHECK, &account);
        assert!(verdicts.iter().all(|j| matches!(j.assessed, Ok(Outcome::NotApplicable(_)))));
    }

    #[test]
    fn a_denied_report_is_not_an_account_without_users() {
        let call = &calls::iam::GET_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
