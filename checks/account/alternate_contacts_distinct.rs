use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Read, Service, Severity, calls, declare_check,
    inventory::account::{AccountSettings, AlternateContact},
};

declare_check! {
    /// Security, billing and operations each have an alternate contact, with a mailbox of its own
    /// and a name other than the primary contact's. Telephone numbers may be shared: a company's
    /// switchboard serves all. A pair that shares a mailbox is reported once, at the later of the
    /// two. The values themselves are compared, never reported.
    ///
    /// ## Why it matters
    /// One mailbox for everything is one absence, or one taken-over mailbox, away from nobody
    /// reading what AWS has to say, be it an abuse report, an unpaid bill or a retirement notice.
    ///
    /// ## Remediation
    /// Give each type a shared mailbox of the team in charge:
    /// ```sh
    /// aws account put-alternate-contact --alternate-contact-type OPERATIONS --name "Operations" \
    ///   --title "On call" --email-address operations@example.com --phone-number "+1-555-0100"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html>
    /// - <https://docs.aws.amazon.com/accounts/latest/APIReference/API_GetAlternateContact.html>
    pub(super) static CHECK = {
        id: "account.alternate-contacts-distinct",
        title: "security, billing and operations have contacts of their own",
        service: Service::Account,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::SharedAwarenessTraining,
        resource: "AWS::::Account",
        needs: &[
            &calls::account::GET_ALTERNATE_CONTACT,
            &calls::account::GET_CONTACT_INFORMATION,
        ],
        evaluate: |inventory, findings| {
            findings.one(&inventory.account, Ok(evaluate(&inventory.settings)));
        },
    }
}

type Contact<'a> = (&'static str, &'a Read<Option<AlternateContact>>);

fn evaluate(settings: &AccountSettings) -> Outcome {
    let contacts: [Contact; 3] = [
        ("SECURITY", &settings.security_contact),
        ("BILLING", &settings.billing_contact),
        ("OPERATIONS", &settings.operations_contact),
    ];
    let judged = contacts.iter().enumerate().map(|(at, (kind, contact))| {
        ((*kind).to_owned(), judge(kind, contact, &contacts[..at], settings))
    });
    Outcome::Parts(judged.collect())
}

fn judge(
    kind: &str,
    contact: &Read<Option<AlternateContact>>,
    earlier: &[Contact],
    settings: &AccountSettings,
) -> Assessed {
    let call = &calls::account::GET_ALTERNATE_CONTACT;
    let field = |name: &str| format!("AlternateContact ({kind}){name}");
    let Some(contact) = contact.get()? else {
        return Ok(Outcome::fail(call, field(""), "not set", "set"));
    };

    let shares = |other: &Option<AlternateContact>| {
        other.as_ref().is_some_and(|other| same(&other.email_address, &contact.email_address))
    };
    if let Some((other, _)) = earlier.iter().find(|(_, other)| other.is_known_and(shares)) {
        let observed = format!("the same as for {other}");
        return Ok(Outcome::fail(call, field(".EmailAddress"), observed, "a mailbox of its own"));
    }
    for (_, other) in earlier {
        other.get()?;
    }

    let primary = settings.contact.get()?;
    Ok(Outcome::require(!same(&primary.full_name, &contact.name), || {
        let expected = "somebody else than the primary contact";
        Evidence::new(call, field(".Name"), "the same as the primary contact's", expected)
    }))
}

fn same(left: &str, right: &str) -> bool {
    !left.trim().is_empty() && left.trim().to_lowercase() == right.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, inventory::account::ContactInformation};

    use super::*;
    use crate::testing::{denial, failures, inventory, run};

    fn contact(name: &str, email: &str) -> Read<Option<AlternateContact>> {
        Read::Known(Some(AlternateContact {
            name: name.to_owned(),
            email_address: email.to_owned(),
            phone_number: "+1-555-0100".to_owned(),
        }))
    }

    fn account() -> Inventory {
        let mut inventory = inventory();
        inventory.settings = AccountSettings {
            security_contact: contact("Security", "security@example.com"),
            billing_contact: contact("Billing", "billing@example.com"),
            operations_contact: contact("Operations", "operations@example.com"),
            contact: Read::Known(ContactInformation {
                full_name: "Ada Owner".to_owned(),
                phone_number: "+1-555-0100".to_owned(),
            }),
        };
        inventory
    }

    #[test]
    fn three_mailboxes_behind_one_switchboard_pass() {
        let verdicts = run(&CHECK, &account());
        assert_eq!(verdicts.len(), 3);
        assert!(
            verdicts.iter().all(|judged| judged.assessed == Ok(Outcome::Pass)),
            "{verdicts:#?}"
        );
    }

    #[test]
    fn a_shared_mailbox_is_reported_once_and_without_its_address() {
        let mut account = account();
        account.settings.operations_contact = contact("Operations", " Billing@Example.com");
        let expected =
            "OPERATIONS: AlternateContact (OPERATIONS).EmailAddress is the same as for BILLING";
        assert_eq!(failures(&CHECK, &account), [expected]);
        assert!(!format!("{:?}", run(&CHECK, &account)).to_lowercase().contains("example.com"));
    }

    #[test]
    fn the_primary_contact_under_another_title_is_nobody_else() {
        let mut account = account();
        account.settings.security_contact = contact("ada owner", "security@example.com");
        let expected =
            "SECURITY: AlternateContact (SECURITY).Name is the same as the primary contact's";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn a_missing_contact_is_named() {
        let mut account = account();
        account.settings.billing_contact = Read::Known(None);
        let expected = "BILLING: AlternateContact (BILLING) is not set";
        assert_eq!(failures(&CHECK, &account), [expected]);
    }

    #[test]
    fn without_the_primary_contact_a_mailbox_can_fail_but_nothing_can_pass() {
        let call = &calls::account::GET_CONTACT_INFORMATION;
        let mut account = account();
        account.settings.contact = Read::denied(call, "AccessDenied");
        account.settings.billing_contact = contact("Billing", "security@example.com");
        let verdicts: Vec<_> = run(&CHECK, &account).into_iter().map(|j| j.assessed).collect();
        assert_eq!(verdicts[0], Err(denial(call)));
        assert!(matches!(verdicts[1], Ok(Outcome::Fail(_))));
        assert_eq!(verdicts[2], Err(denial(call)));
    }
}
