use demarc_model::{
    ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow,
};

use super::credentials::{active_keys, column, each_user};

declare_check! {
    /// No IAM user has two active access keys. Two are needed while one replaces the other, so a
    /// failure can also be a rotation that was not finished.
    ///
    /// ## Why it matters
    /// Two keys are two secrets to lose, and the one that is not looked after is the older one.
    ///
    /// ## Remediation
    /// See which key is still used, deactivate the other, delete it when nothing broke:
    /// ```sh
    /// aws iam list-access-keys --user-name NAME
    /// aws iam get-access-key-last-used --access-key-id KEY_ID
    /// aws iam update-access-key --user-name NAME --access-key-id KEY_ID --status Inactive
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html>
    pub(super) static CHECK = {
        id: "iam.user-single-active-access-key",
        title: "users have at most one active access key",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[&calls::iam::GENERATE_CREDENTIAL_REPORT, &calls::iam::GET_CREDENTIAL_REPORT],
        evaluate: |inventory, findings| each_user(inventory, findings, |row| Ok(evaluate(row))),
    }
}

fn evaluate(row: &CredentialRow) -> Outcome {
    Outcome::require(active_keys(row).count() < 2, || {
        column("access_key_1_active, access_key_2_active", "true, true", "at most one true")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        iam::testing::{key, row, with_report},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    #[test]
    fn an_inactive_second_key_passes() {
        let mut user = CredentialRow { access_keys: [key(1, None), key(9, None)], ..row("robot") };
        user.access_keys[1].active = false;
        assert_eq!(only(&CHECK, &with_report([user])), Ok(Outcome::Pass));
    }

    #[test]
    fn two_active_keys_fail() {
        let user = CredentialRow { access_keys: [key(1, None), key(9, None)], ..row("robot") };
        let field = "access_key_1_active, access_key_2_active";
        assert_fails(&CHECK, &with_report([user]), field, "true, true");
    }

    #[test]
    fn a_denied_report_is_not_an_account_without_keys() {
        let call = &calls::iam::GET_CREDENTIAL_REPORT;
        let mut account = inventory();
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
