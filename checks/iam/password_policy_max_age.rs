use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Read, Service, Severity, calls, declare_check,
    inventory::iam::PasswordPolicy,
};

use super::password_policy::{DEFAULT, observed};

/// Days.
const AGE: i32 = 90;

declare_check! {
    /// IAM users' passwords expire after at most 90 days. Unset, and in an account without a
    /// password policy, they never do. Some older standards ask for it; NIST SP 800-63B advises
    /// against expiry without cause, so suppress this check where that is the rule.
    ///
    /// ## Why it matters
    /// A password that leaked unnoticed stops working by itself. Where every console user has MFA
    /// and breaches lead to a forced change, expiry adds little.
    ///
    /// ## Remediation
    /// Expiry takes effect at once: users whose password is older must change it at their next
    /// sign-in. The call replaces the whole policy, so repeat the other rules beside this one:
    /// ```sh
    /// aws iam update-account-password-policy --max-password-age 90 \
    ///   --allow-users-to-change-password …
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html>
    pub(super) static CHECK = {
        id: "iam.password-policy-max-age",
        title: "passwords expire within 90 days",
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
    // 0 is how AWS is told that passwords do not expire.
    let age = policy.unwrap_or(DEFAULT).max_password_age.filter(|days| *days > 0);
    Ok(Outcome::require(age.is_some_and(|days| days <= AGE), || {
        let value = age.map_or_else(|| "passwords never expire".to_owned(), |d| d.to_string());
        observed(policy, "MaxPasswordAge", value, "1 to 90 days")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::testing::{STRONG, with_password_policy},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    fn account(age: Option<i32>) -> demarc_model::Inventory {
        with_password_policy(Some(PasswordPolicy { max_password_age: age, ..STRONG }))
    }

    #[test]
    fn ninety_days_pass_and_ninety_one_fail() {
        assert_eq!(only(&CHECK, &account(Some(90))), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(Some(91)), "MaxPasswordAge", "91");
    }

    #[test]
    fn zero_and_unset_are_no_short_ages() {
        assert_fails(&CHECK, &account(Some(0)), "MaxPasswordAge", "passwords never expire");
        assert_fails(&CHECK, &account(None), "MaxPasswordAge", "passwords never expire");
    }

    #[test]
    fn a_denial_is_not_the_default_policy() {
        let call = &calls::iam::GET_ACCOUNT_PASSWORD_POLICY;
        let mut account = inventory();
        account.iam.password_policy = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
