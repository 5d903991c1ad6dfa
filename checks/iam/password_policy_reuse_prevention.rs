use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Read, Service, Severity, calls, declare_check,
    inventory::iam::PasswordPolicy,
};

use super::password_policy::{DEFAULT, observed};

/// The most that AWS accepts.
const REMEMBERED: i32 = 24;

declare_check! {
    /// IAM users cannot reuse their last 24 passwords, the most that AWS can remember. Unset, and
    /// in an account without a password policy, any password may be used again.
    ///
    /// ## Why it matters
    /// A password that had to be changed because it leaked is worth nothing to the thief only as
    /// long as it does not come back.
    ///
    /// ## Remediation
    /// The call replaces the whole policy, so repeat the other rules beside this one:
    /// ```sh
    /// aws iam get-account-password-policy
    /// aws iam update-account-password-policy --password-reuse-prevention 24 …
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>
    pub(super) static CHECK = {
        id: "iam.password-policy-reuse-prevention",
        title: "the last 24 passwords cannot be reused",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::::Account",
        needs: &[&calls::iam::GET_ACCOUNT_PASSWORD_POLICY],
        evaluate: |inventory, findings| {
            findings.one(&inventory.account, evaluate(&inventory.iam.password_policy));
        },
    }
}

fn evaluate(policy: &Read<Option<PasswordPolicy>>) -> Assessed {
    let policy = *policy.get()?;
    let remembered = policy.unwrap_or(DEFAULT).password_reuse_prevention;
    Ok(Outcome::require(remembered >= Some(REMEMBERED), || {
        let value = remembered.map_or_else(|| "not set".to_owned(), |count| count.to_string());
        observed(policy, "PasswordReusePrevention", value, "24")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::testing::{STRONG, with_password_policy},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    const FIELD: &str = "PasswordReusePrevention";

    #[test]
    fn twenty_four_pass_and_five_fail() {
        assert_eq!(only(&CHECK, &with_password_policy(Some(STRONG))), Ok(Outcome::Pass));
        let five = PasswordPolicy { password_reuse_prevention: Some(5), ..STRONG };
        assert_fails(&CHECK, &with_password_policy(Some(five)), FIELD, "5");
    }

    #[test]
    fn an_unset_rule_and_a_missing_policy_remember_nothing() {
        let unset = PasswordPolicy { password_reuse_prevention: None, ..STRONG };
        assert_fails(&CHECK, &with_password_policy(Some(unset)), FIELD, "not set");
        let default = "not set (AWS's default: the account has no password policy)";
        assert_fails(&CHECK, &with_password_policy(None), FIELD, default);
    }

    #[test]
    fn a_denial_is_not_the_default_policy() {
        let call = &calls::iam::GET_ACCOUNT_PASSWORD_POLICY;
        let mut account = inventory();
        account.iam.password_policy = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
