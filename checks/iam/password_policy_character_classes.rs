use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Read, Service, Severity, calls, declare_check,
    inventory::iam::PasswordPolicy,
};

use super::password_policy::{DEFAULT, observed};

declare_check! {
    /// IAM users' passwords need an uppercase letter, a lowercase letter, a number and a symbol;
    /// one finding for each class that is not required. AWS's default, for accounts without a
    /// password policy, asks for three of the four, so that none of them is required.
    ///
    /// ## Why it matters
    /// Standards that name the four classes want none of them left out. For the strength of a
    /// password, its length matters more.
    ///
    /// ## Remediation
    /// The call replaces the whole policy, so repeat the other rules beside these:
    /// ```sh
    /// aws iam update-account-password-policy --require-uppercase-characters \
    ///   --require-lowercase-characters --require-numbers --require-symbols …
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>
    pub(super) static CHECK = {
        id: "iam.password-policy-character-classes",
        title: "passwords need all four character classes",
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
    let rules = policy.unwrap_or(DEFAULT);
    let classes = [
        ("uppercase", "RequireUppercaseCharacters", rules.require_uppercase_characters),
        ("lowercase", "RequireLowercaseCharacters", rules.require_lowercase_characters),
        ("number", "RequireNumbers", rules.require_numbers),
        ("symbol", "RequireSymbols", rules.require_symbols),
    ];
    let missing = classes.into_iter().filter(|(_, _, required)| !required);
    Ok(Outcome::failing_parts(
        missing
            .map(|(class, field, _)| (class.to_owned(), observed(policy, field, "false", "true"))),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::testing::{STRONG, with_password_policy},
        testing::{assert_not_assessed, failures, inventory, only},
    };

    #[test]
    fn all_four_classes_pass() {
        assert_eq!(only(&CHECK, &with_password_policy(Some(STRONG))), Ok(Outcome::Pass));
    }

    #[test]
    fn each_missing_class_is_a_finding_of_its_own() {
        let weak = PasswordPolicy { require_symbols: false, require_numbers: false, ..STRONG };
        let expected = ["number: RequireNumbers is false", "symbol: RequireSymbols is false"];
        assert_eq!(failures(&CHECK, &with_password_policy(Some(weak))), expected);
    }

    #[test]
    fn three_of_four_requires_none() {
        let lines = failures(&CHECK, &with_password_policy(None));
        assert_eq!(lines.len(), 4);
        let default = "false (AWS's default: the account has no password policy)";
        assert_eq!(lines[0], format!("uppercase: RequireUppercaseCharacters is {default}"));
    }

    #[test]
    fn a_denial_is_not_the_default_policy() {
        let call = &calls::iam::GET_ACCOUNT_PASSWORD_POLICY;
        let mut account = inventory();
        account.iam.password_policy = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
