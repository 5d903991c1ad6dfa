use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
};

use super::credentials::has_password;

declare_check! {
    /// People sign in through a SAML identity provider. IAM Identity Center makes one in every
    /// account it serves, so that using it passes. An account in which no IAM user has a console
    /// password needs none: whoever works there comes from another account. OpenID Connect
    /// providers serve programs (build systems, Kubernetes) and do not count.
    ///
    /// ## Why it matters
    /// IAM users outlive their owners' jobs, have passwords of their own and long-term keys. With
    /// federation, leaving the company ends the access, and MFA is decided in one place.
    ///
    /// ## Remediation
    /// Turn on IAM Identity Center in the organization's management account and assign permission
    /// sets; then delete the passwords of the IAM users:
    /// ```sh
    /// aws sso-admin list-instances
    /// aws iam delete-login-profile --user-name NAME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers.html>
    /// - <https://docs.aws.amazon.com/singlesignon/latest/userguide/what-is.html>
    pub(super) static CHECK = {
        id: "iam.federation-provider-exists",
        title: "people sign in through an identity provider",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::::Account",
        needs: &[
            &calls::iam::LIST_SAML_PROVIDERS,
            &calls::iam::GENERATE_CREDENTIAL_REPORT,
            &calls::iam::GET_CREDENTIAL_REPORT,
        ],
        evaluate: |inventory, findings| findings.one(&inventory.account, evaluate(inventory)),
    }
}

fn evaluate(inventory: &Inventory) -> Assessed {
    let iam = &inventory.iam;
    if !iam.saml_providers.seen().is_empty() {
        return Ok(Outcome::Pass);
    }
    let mut console_users = 0;
    for row in iam.credential_report.get()?.iter().filter(|row| !row.is_root()) {
        console_users += usize::from(has_password(row)?);
    }
    if console_users == 0 {
        return Ok(Outcome::NotApplicable("no IAM user has a console password"));
    }
    iam.saml_providers.all()?;
    let call = &calls::iam::LIST_SAML_PROVIDERS;
    let observed = "empty, while IAM users have console passwords";
    let evidence = Evidence::new(call, "SAMLProviderList", observed, "a provider");
    Ok(Outcome::Fail(vec![evidence]))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, Read, inventory::iam::Provider};

    use super::*;
    use crate::{
        iam::testing::{console_row, key_row, root_row, with_report},
        testing::{assert_fails, assert_not_assessed, only, subject},
    };

    fn provider() -> Provider {
        Provider {
            subject: subject("AWS::IAM::SAMLProvider", "AWSSSO_DO_NOT_DELETE"),
            valid_until: None,
        }
    }

    #[test]
    fn a_provider_passes_whatever_the_report_says() {
        let mut account = crate::testing::inventory();
        account.iam.saml_providers = Listing::complete(vec![provider()]);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn console_users_without_a_provider_fail() {
        let mut account = with_report([root_row(), console_row("ada")]);
        account.iam.saml_providers = Listing::complete(Vec::new());
        account.iam.oidc_providers = Listing::complete(vec![provider()]);
        let observed = "empty, while IAM users have console passwords";
        assert_fails(&CHECK, &account, "SAMLProviderList", observed);
    }

    #[test]
    fn an_account_that_people_enter_from_another_one_needs_no_provider() {
        let mut account = with_report([root_row(), key_row("robot", 1, None)]);
        let call = &calls::iam::LIST_SAML_PROVIDERS;
        account.iam.saml_providers = Listing::denied(call, "AccessDenied");
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn denied_answers_prove_nothing() {
        let call = &calls::iam::LIST_SAML_PROVIDERS;
        let mut account = with_report([console_row("ada")]);
        account.iam.saml_providers = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
        let call = &calls::iam::GET_CREDENTIAL_REPORT;
        account.iam.credential_report = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
