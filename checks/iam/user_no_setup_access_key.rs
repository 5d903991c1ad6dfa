use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow,
};

use super::credentials::{active_keys, column, date, each_user, has_password};

declare_check! {
    /// No IAM user with a console password has an active access key that was never used: the mark
    /// of a key made along with the user, just in case. As in the CIS audit, the key's age does
    /// not matter. `iam.user-access-key-used` waits 45 days, but looks at all users.
    ///
    /// ## Why it matters
    /// A key that nobody asked for is not expected anywhere, and was often handed over together
    /// with the password, by mail or in a ticket.
    ///
    /// ## Remediation
    /// Delete the key; whoever turns out to need one makes it then:
    /// ```sh
    /// aws iam delete-access-key --user-name NAME --access-key-id KEY_ID
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>
    pub(super) static CHECK = {
        id: "iam.user-no-setup-access-key",
        title: "console users have no unused access key from their set-up",
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
    if !has_password(row)? {
        return Ok(Outcome::NotApplicable("the user has no console password"));
    }
    let unused = active_keys(row).filter(|(_, key)| key.last_used.is_none());
    Ok(Outcome::failing_parts(unused.map(|(slot, key)| {
        let observed = format!("never, made {}", date(key.last_rotated));
        let evidence = column(format!("{slot}_last_used_date"), observed, "used, or no active key");
        (slot.to_owned(), evidence)
    })))
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        iam::testing::{console_row, key, key_row, with_report},
        testing::{assert_not_assessed, failures, inventory, only},
    };

    #[test]
    fn a_used_key_passes_and_a_never_used_one_fails() {
        let keys = [key(400, Some(300)), key(400, None)];
        let used = CredentialRow { access_keys: [keys[0], keys[0]], ..console_row("ada") };
        assert_eq!(only(&CHECK, &with_report([used])), Ok(Outcome::Pass));
        let unused = CredentialRow { access_keys: keys, ..console_row("ada") };
        let expected = "access_key_2: access_key_2_last_used_date is never, made 2025-10-18";
        assert_eq!(failures(&CHECK, &with_report([unused])), [expected]);
    }

    #[test]
    fn programs_wait_for_their_first_use_elsewhere() {
        let account = with_report([key_row("robot", 1, None)]);
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
