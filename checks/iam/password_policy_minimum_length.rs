use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Read, Service, Severity, calls, declare_check,
    inventory::iam::PasswordPolicy,
};

use super::password_policy::{DEFAULT, observed};

/// Characters.
const LENGTH: i32 = 14;

declare_check! {
    /// IAM users' passwords have at least 14 characters. An account without a password policy has
    /// AWS's default of 8. The policy binds IAM users alone, not root and not federated people,
    /// and a password that is older than the policy stays valid until it is changed.
    ///
    /// ## Why it matters
    /// Length is what makes a stolen hash or an online guess expensive; the console asks for the
    /// password from any network.
    ///
    /// ## Remediation
    /// The call replaces the whole policy, so state every rule at once:
    /// ```sh
    /// aws iam update-account-password-policy --minimum-password-length 14 \
    ///   --require-symbols --require-numbers --require-uppercase-characters \
    ///   --require-lowercase-characters --password-reuse-prevention 24 \
    ///   --allow-users-to-change-password
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>
    pub(super) static CHECK = {
        id: "iam.password-policy-minimum-length",
        title: "passwords have at least 14 characters",
        service: Service::Iam,
        severity: Severity::Medium,
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
    let length = policy.unwrap_or(DEFAULT).minimum_password_length;
    Ok(Outcome::require(length >= LENGTH, || {
        observed(policy, "MinimumPasswordLength", length.to_string(), "14 or more")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::testing::{STRONG, with_password_policy},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    #[test]
    fn fourteen_characters_pass_and_thirteen_fail() {
        assert_eq!(only(&CHECK, &with_password_policy(Some(STRONG))), Ok(Outcome::Pass));
        let thirteen = PasswordPolicy { minimum_password_length: 13, ..STRONG };
        assert_fails(&CHECK, &with_password_policy(Some(thirteen)), "MinimumPasswordLength", "13");
    }

    #[test]
    fn no_policy_is_awss_default_of_eight() {
        let default = "8 (AWS's default: the account has no password policy)";
        assert_fails(&CHECK, &with_password_policy(None), "MinimumPasswordLength", default);
    }

    #[test]
    fn a_denial_is_not_the_default_policy() {
        let call = &calls::iam::GET_ACCOUNT_PASSWORD_POLICY;
        let mut account = inventory();
        account.iam.password_policy = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
