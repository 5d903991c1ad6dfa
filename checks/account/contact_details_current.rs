use demarc_model::{ControlType, Layer, Outcome, Service, Severity, declare_check};

declare_check! {
    /// AWS knows the primary contact's name, address and telephone number, but not whether they
    /// still reach anybody, nor does any API return the root user's e-mail address. A person has
    /// to compare them with who is responsible today.
    ///
    /// ## Why it matters
    /// AWS writes to these contacts about abuse, suspected compromise and overdue payment, and
    /// may suspend an account whose owner does not answer. They are also the last way to recover
    /// the root user.
    ///
    /// ## Remediation
    /// Read the details, correct what is out of date, and prefer a shared mailbox and a company
    /// telephone number to one person's:
    /// ```sh
    /// aws account get-contact-information
    /// aws account put-contact-information --contact-information file://contact.json
    /// ```
    /// The root user's e-mail address is shown on the console's Account page.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-primary.html>
    pub(super) static CHECK = {
        id: "account.contact-details-current",
        title: "the account's contact details are current",
        service: Service::Account,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::SharedAwarenessTraining,
        resource: "AWS::::Account",
        needs: &[],
        evaluate: |inventory, findings| {
            findings.one(&inventory.account, Ok(Outcome::Manual(
                "compare the primary contact and the root user's e-mail address on the console's \
                 Account page with who is responsible today",
            )));
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{inventory, only};

    #[test]
    fn a_person_is_asked_and_told_where_to_look() {
        let Ok(Outcome::Manual(what)) = only(&CHECK, &inventory()) else { panic!("manual") };
        assert!(what.contains("Account page"), "{what}");
    }
}
