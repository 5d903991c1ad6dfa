use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
};

use super::credentials::no_root;

declare_check! {
    /// The root user has no X.509 signing certificate. The China regions have no root user.
    ///
    /// ## Why it matters
    /// Such a certificate signs requests to the old SOAP interfaces and the EC2 AMI tools in
    /// root's name. Hardly anything needs one today, and nobody rotates or watches it.
    ///
    /// ## Remediation
    /// Signed in as root, delete it on the console's Security credentials page, or with root's
    /// temporary session from the management account:
    /// ```sh
    /// aws iam list-signing-certificates
    /// aws iam delete-signing-certificate --certificate-id CERTIFICATE_ID
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>
    pub(super) static CHECK = {
        id: "iam.root-no-signing-certificates",
        title: "the root user has no signing certificates",
        service: Service::Iam,
        severity: Severity::High,
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
    Ok(Outcome::require(!summary.account_signing_certificates_present, || {
        let field = "AccountSigningCertificatesPresent";
        Evidence::new(&calls::iam::GET_ACCOUNT_SUMMARY, field, "1", "0")
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
    fn access_keys_are_another_checks_business() {
        let keys = AccountSummary { account_access_keys_present: true, ..Default::default() };
        assert_eq!(only(&CHECK, &with_summary(keys)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_certificate_fails() {
        let certificate =
            AccountSummary { account_signing_certificates_present: true, ..Default::default() };
        let field = "AccountSigningCertificatesPresent";
        assert_fails(&CHECK, &with_summary(certificate), field, "1");
    }

    #[test]
    fn a_denied_summary_proves_nothing() {
        let call = &calls::iam::GET_ACCOUNT_SUMMARY;
        let mut account = inventory();
        account.iam.summary = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
