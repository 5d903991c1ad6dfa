use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::ServerCertificate, time::Timestamp,
};

use super::credentials::missing;

const CALL: &demarc_model::Call = &calls::iam::LIST_SERVER_CERTIFICATES;

declare_check! {
    /// No TLS certificate that is stored in IAM has expired. Whether a load balancer or
    /// distribution uses it cannot be seen here; certificates in ACM are not stored in IAM.
    ///
    /// ## Why it matters
    /// An expired certificate takes the site down for careful clients and teaches the others to
    /// click warnings away. One that nobody uses can be deployed by mistake.
    ///
    /// ## Remediation
    /// Get the new certificate from ACM, which renews it by itself, point the listeners to it,
    /// then:
    /// ```sh
    /// aws iam delete-server-certificate --server-certificate-name NAME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs.html>
    pub(super) static CHECK = {
        id: "iam.server-certificate-not-expired",
        title: "server certificates in IAM have not expired",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::NetworkingTrafficProtection,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ServerCertificate",
        needs: &[&calls::iam::LIST_SERVER_CERTIFICATES],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.iam.server_certificates, |certificate| {
                evaluate(certificate, inventory.taken_at)
            });
        },
    }
}

fn evaluate(certificate: &ServerCertificate, now: Timestamp) -> Assessed {
    let expiration = certificate.expiration.ok_or_else(|| missing(CALL, "Expiration"))?;
    Ok(Outcome::require(expiration > now, || {
        let field = "ServerCertificateMetadataList.Expiration";
        Evidence::new(CALL, field, expiration.rfc3339(), "after the scan")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Cause, Inventory, Listing};

    use super::*;
    use crate::{
        iam::testing::days_ago,
        testing::{assert_fails, assert_not_assessed, inventory, only, subject},
    };

    fn account_with(expiration: Option<Timestamp>) -> Inventory {
        let mut inventory = inventory();
        let subject = subject("AWS::IAM::ServerCertificate", "www");
        let certificate = ServerCertificate { subject, expiration };
        inventory.iam.server_certificates = Listing::complete(vec![certificate]);
        inventory
    }

    #[test]
    fn tomorrow_passes_and_this_moment_fails() {
        assert_eq!(only(&CHECK, &account_with(Some(days_ago(-1)))), Ok(Outcome::Pass));
        let field = "ServerCertificateMetadataList.Expiration";
        assert_fails(&CHECK, &account_with(Some(days_ago(0))), field, "2026-11-22T00:00:00Z");
    }

    #[test]
    fn a_certificate_without_a_date_is_not_valid_for_ever() {
        let Err(why) = only(&CHECK, &account_with(None)) else { panic!("not assessed") };
        assert!(matches!(why.cause, Cause::Malformed { .. }));
    }

    #[test]
    fn a_denied_listing_is_not_an_account_without_certificates() {
        let mut account = inventory();
        account.iam.server_certificates = Listing::denied(CALL, "AccessDenied");
        assert_not_assessed(&CHECK, &account, CALL);
    }
}
