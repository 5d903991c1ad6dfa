use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
};

declare_check! {
    /// The account has an alternate contact of the type `SECURITY`. Whether its values reach
    /// somebody is not judged, and they are never reported.
    ///
    /// ## Why it matters
    /// AWS sends its security notices (abuse reports, leaked keys, vulnerable software) to this
    /// contact. Without one they go to the root user's mailbox alone, which few teams watch.
    ///
    /// ## Remediation
    /// Name the team that answers around the clock; from the organization's management account,
    /// add `--account-id` for a member:
    /// ```sh
    /// aws account put-alternate-contact --alternate-contact-type SECURITY --name "Security team" \
    ///   --title "On call" --email-address security@example.com --phone-number "+1-555-0100"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/account-controls.html>
    pub(super) static CHECK = {
        id: "account.security-contact-registered",
        title: "a security contact is registered",
        service: Service::Account,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::SharedAwarenessTraining,
        resource: "AWS::::Account",
        needs: &[&calls::account::GET_ALTERNATE_CONTACT],
        evaluate: |inventory, findings| {
            let assessed = inventory.settings.security_contact.get().map(|contact| {
                Outcome::require(contact.is_some(), || {
                    Evidence::new(
                        &calls::account::GET_ALTERNATE_CONTACT,
                        "AlternateContact (SECURITY)",
                        "not set",
                        "set",
                    )
                })
            });
            findings.one(&inventory.account, assessed);
        },
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read, inventory::account::AlternateContact};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, inventory, only};

    fn account_with(contact: Read<Option<AlternateContact>>) -> Inventory {
        let mut inventory = inventory();
        inventory.settings.security_contact = contact;
        inventory
    }

    #[test]
    fn any_security_contact_passes() {
        let account = account_with(Read::Known(Some(AlternateContact::default())));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_billing_contact_does_not_stand_in_for_the_security_contact() {
        let mut account = account_with(Read::Known(None));
        account.settings.billing_contact = Read::Known(Some(AlternateContact::default()));
        assert_fails(&CHECK, &account, "AlternateContact (SECURITY)", "not set");
    }

    #[test]
    fn a_denial_is_not_an_unset_contact() {
        let call = &calls::account::GET_ALTERNATE_CONTACT;
        let account = account_with(Read::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
