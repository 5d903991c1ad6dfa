use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity,
    calls::rds as calls, declare_check, inventory::rds::DbInstance, time::Timestamp,
};

use super::{engine::is_custom, scope};

/// Long enough for a maintenance window and a change of the clients.
const DAYS: i64 = 30;

declare_check! {
    /// Two dates count: when the instance's own certificate ends, and when the certificate
    /// authority that signed it does. Either must lie thirty days ahead. An authority that RDS no
    /// longer lists has ended. RDS renews an instance's certificate by itself while the authority
    /// lasts; moving to another authority is the customer's. RDS Custom keeps certificates on the
    /// host.
    ///
    /// ## Why it matters
    /// On the day a certificate ends, clients that verify it cannot connect, and the quick cure is
    /// to stop verifying, which opens the connection to whoever sits in between.
    ///
    /// ## Remediation
    /// Give the new authority's bundle to the clients, then rotate:
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --ca-certificate-identifier rds-ca-rsa2048-g1 \
    ///   --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL-certificate-rotation.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>
    pub(super) static CHECK = {
        id: "rds.instance-certificate-valid",
        title: "database instance has a certificate that stays valid",
        service: Service::Rds,
        severity: Severity::High,
        layer: Layer::NetworkingTrafficProtection,
        control_type: ControlType::SharedPatchManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES, &calls::DESCRIBE_CERTIFICATES],
        evaluate: |inventory, findings| {
            let now = inventory.taken_at;
            scope::instances(inventory, findings, |region, instance| {
                evaluate(region, instance, now)
            });
        },
    }
}

fn evaluate(region: &Region, instance: &DbInstance, now: Timestamp) -> Assessed {
    if is_custom(&instance.engine) {
        return Ok(Outcome::NotApplicable("RDS Custom keeps certificates on the host"));
    }
    let ends_soon = |till: Timestamp| now.days_before(till) < DAYS;
    let expected = "valid for 30 days or more";
    let mut own = instance.certificate_valid_till.filter(|till| ends_soon(*till)).map(|till| {
        let observed = format!("ends {}", till.date());
        let field = "CertificateDetails.ValidTill";
        vec![Evidence::new(&calls::DESCRIBE_DB_INSTANCES, field, observed, expected)]
    });
    // An instance's certificate that ends settles it; else its authority must be known.
    if let Some(own) = own.take() {
        return Ok(Outcome::Fail(own));
    }
    let Some(authority) = &instance.ca_certificate_identifier else {
        return Ok(Outcome::NotApplicable("it has no certificate yet"));
    };
    let found = region.rds.certificates.find(|ca| ca.identifier == *authority)?;
    let observed = match found.map(|ca| ca.valid_till) {
        Some(Some(till)) if !ends_soon(till) => return Ok(Outcome::Pass),
        Some(Some(till)) => format!("{authority} ends {}", till.date()),
        Some(None) => format!("{authority} without a date"),
        None => format!("{authority}, which RDS no longer lists"),
    };
    Ok(Outcome::fail(&calls::DESCRIBE_CERTIFICATES, "CACertificateIdentifier", observed, expected))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, inventory::rds::Certificate};

    use super::*;
    use crate::{
        rds::testing::{instance, member, with_instance},
        testing::{assert_fails, assert_not_assessed, now, only, subject},
    };

    fn account(instance: DbInstance, ca_days: i64) -> Inventory {
        let mut inventory = with_instance(instance);
        inventory.regions[0].rds.certificates = Listing::complete(vec![Certificate {
            subject: subject("AWS::RDS::Certificate", "rds-ca-rsa2048-g1"),
            identifier: "rds-ca-rsa2048-g1".to_owned(),
            valid_till: Some(now().plus_days(ca_days)),
        }]);
        inventory
    }

    #[test]
    fn far_dates_pass() {
        assert_eq!(only(&CHECK, &account(instance("postgres", "16.3"), 9000)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_certificate_that_ends_in_ten_days_fails() {
        let till = Some(now().plus_days(10));
        let ending = DbInstance { certificate_valid_till: till, ..member("aurora-mysql", "8.0") };
        let account = account(ending, 9000);
        assert_fails(&CHECK, &account, "CertificateDetails.ValidTill", "ends 2026-12-02");
    }

    #[test]
    fn an_authority_that_ends_fails_before_its_certificates_do() {
        let account = account(instance("postgres", "16.3"), 20);
        let observed = "rds-ca-rsa2048-g1 ends 2026-12-12";
        assert_fails(&CHECK, &account, "CACertificateIdentifier", observed);
    }

    #[test]
    fn an_authority_that_rds_dropped_has_ended() {
        let authority = Some("rds-ca-2019".to_owned());
        let old =
            DbInstance { ca_certificate_identifier: authority, ..instance("mysql", "5.7.44") };
        let observed = "rds-ca-2019, which RDS no longer lists";
        assert_fails(&CHECK, &account(old, 9000), "CACertificateIdentifier", observed);
    }

    #[test]
    fn an_unread_authority_is_not_a_valid_one() {
        let mut account = account(instance("postgres", "16.3"), 9000);
        let call = &calls::DESCRIBE_CERTIFICATES;
        account.regions[0].rds.certificates = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
