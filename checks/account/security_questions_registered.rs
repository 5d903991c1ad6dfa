use demarc_model::{ControlType, Layer, Outcome, Service, Severity, declare_check};

declare_check! {
    /// Security challenge questions let AWS Support recognize the account's owner. No API tells
    /// whether they are set. AWS has retired them: accounts that never had them cannot add them,
    /// so there the answer is the account's other recovery paths.
    ///
    /// ## Why it matters
    /// Whoever loses the root user's password and MFA device must prove to AWS that the account
    /// is theirs. With nothing agreed beforehand, that can take longer than an incident allows.
    ///
    /// ## Remediation
    /// Where the console's Account page still offers the questions, see that they are answered and
    /// that the answers lie in a vault. Elsewhere see that the recovery paths work: the root
    /// user's mailbox, the primary contact's telephone number and a second MFA device. Review
    /// them beside
    /// ```sh
    /// aws account get-contact-information
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-primary.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html>
    pub(super) static CHECK = {
        id: "account.security-questions-registered",
        title: "the account's owner can be recognized when root access is lost",
        service: Service::Account,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::SharedAwarenessTraining,
        resource: "AWS::::Account",
        needs: &[],
        evaluate: |inventory, findings| {
            findings.one(&inventory.account, Ok(Outcome::Manual(
                "see on the console's Account page whether security questions are offered and \
                 answered; if not offered, test the root user's other recovery paths",
            )));
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{inventory, only};

    #[test]
    fn a_person_is_asked_and_accounts_without_the_feature_have_an_answer_too() {
        let Ok(Outcome::Manual(what)) = only(&CHECK, &inventory()) else { panic!("manual") };
        assert!(what.contains("if not offered"), "{what}");
    }
}
