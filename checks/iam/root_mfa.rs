use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
};

use super::credentials::no_root_sign_in;

declare_check! {
    /// The root user has an MFA device. Not applicable where there is nothing to protect: a root
    /// user without password, access keys and certificates, as central root access leaves it in
    /// member accounts; GovCloud, where root can neither sign in to the console nor be given a
    /// device; and the China regions, which have no root user.
    ///
    /// ## Why it matters
    /// Root's password alone, guessed, phished or reset through a taken-over mailbox, gives
    /// everything, including the power to lock everybody else out.
    ///
    /// ## Remediation
    /// Sign in as root and assign a device on the Security credentials page; assign two, so that a
    /// lost one locks nobody out. In an organization it is better to remove the members' root
    /// credentials altogether, from the management account:
    /// ```sh
    /// aws iam enable-organizations-root-credentials-management
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/enable-mfa-for-root.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html>
    /// - <https://docs.aws.amazon.com/config/latest/developerguide/root-account-mfa-enabled.html>
    /// - <https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-iam.html>
    pub(super) static CHECK = {
        id: "iam.root-mfa",
        title: "the root user has an MFA device",
        service: Service::Iam,
        severity: Severity::Critical,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::::Account",
        needs: &[&calls::iam::GET_ACCOUNT_SUMMARY],
        evaluate: |inventory, findings| findings.one(&inventory.account, evaluate(inventory)),
    }
}

fn evaluate(inventory: &Inventory) -> Assessed {
    if let Some(outcome) = no_root_sign_in(inventory)? {
        return Ok(outcome);
    }
    let summary = inventory.iam.summary.get()?;
    Ok(Outcome::require(summary.account_mfa_enabled, || {
        Evidence::new(&calls::iam::GET_ACCOUNT_SUMMARY, "AccountMFAEnabled", "0", "1")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Read, inventory::iam::AccountSummary};

    use super::*;
    use crate::{
        iam::testing::with_summary,
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    #[test]
    fn a_device_passes_and_none_fails() {
        let device = AccountSummary { account_mfa_enabled: true, ..Default::default() };
        assert_eq!(only(&CHECK, &with_summary(device)), Ok(Outcome::Pass));
        let none = with_summary(AccountSummary::default());
        assert_fails(&CHECK, &none, "AccountMFAEnabled", "0");
    }

    #[test]
    fn a_root_user_without_credentials_needs_no_device() {
        let bare = AccountSummary { account_password_present: Some(false), ..Default::default() };
        assert!(matches!(only(&CHECK, &with_summary(bare)), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_key_without_a_password_is_still_a_credential() {
        let key = AccountSummary {
            account_password_present: Some(false),
            account_access_keys_present: true,
            ..Default::default()
        };
        assert_fails(&CHECK, &with_summary(key), "AccountMFAEnabled", "0");
    }

    #[test]
    fn govcloud_roots_cannot_have_a_device() {
        let mut account = with_summary(AccountSummary::default());
        account.partition = "aws-us-gov".to_owned();
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_summary_proves_nothing() {
        let call = &calls::iam::GET_ACCOUNT_SUMMARY;
        let mut account = inventory();
        account.iam.summary = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
