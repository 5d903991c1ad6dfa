use demarc_model::Outcome;
use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Service, Severity, calls, declare_check,
};

use super::credentials::no_root;

declare_check! {
    /// The root user has no access keys. AWS answers yes or no, not how many; a deactivated key
    /// counts, since it takes one call to activate it. GovCloud, where root has no console
    /// sign-in but may have keys, is judged; the China regions have no root user.
    ///
    /// ## Why it matters
    /// A root key can do everything in the account, no IAM policy limits it and none can demand
    /// MFA of it. One copy in a script, an image or a repository is the whole account.
    ///
    /// ## Remediation
    /// Find what uses the key (`access_key_1_last_used_service` in the credential report), move it
    /// to a role, then delete the key as root, or from the management account in a root session:
    /// ```sh
    /// aws sts assume-root --target-principal ACCOUNT \
    ///   --task-policy-arn arn=arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials
    /// aws iam delete-access-key --access-key-id KEY_ID
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>
    /// - <https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-account-root-user.html>
    pub(super) static CHECK = {
        id: "iam.root-no-access-keys",
        title: "the root user has no access keys",
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
    if let Some(outcome) = no_root(inventory) {
        return Ok(outcome);
    }
    let summary = inventory.iam.summary.get()?;
    Ok(Outcome::require(!summary.account_access_keys_present, || {
        Evidence::new(&calls::iam::GET_ACCOUNT_SUMMARY, "AccountAccessKeysPresent", "1", "0")
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

    const KEYS: AccountSummary = AccountSummary {
        account_mfa_enabled: true,
        account_access_keys_present: true,
        account_signing_certificates_present: false,
        account_password_present: None,
    };

    #[test]
    fn no_keys_pass() {
        let account = with_summary(AccountSummary::default());
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn mfa_and_a_missing_password_excuse_no_key() {
        assert_fails(&CHECK, &with_summary(KEYS), "AccountAccessKeysPresent", "1");
        let bare = AccountSummary { account_password_present: Some(false), ..KEYS };
        assert_fails(&CHECK, &with_summary(bare), "AccountAccessKeysPresent", "1");
    }

    #[test]
    fn govcloud_roots_may_have_keys_and_chinese_accounts_have_no_root() {
        let mut account = with_summary(KEYS);
        account.partition = "aws-us-gov".to_owned();
        assert_fails(&CHECK, &account, "AccountAccessKeysPresent", "1");
        account.partition = "aws-cn".to_owned();
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
