use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
};

use super::principals::DETAILS;

declare_check! {
    /// Every IAM user belongs to a group.
    ///
    /// ## Why it matters
    /// A user in no group either can do nothing, and is a leftover, or has permissions of its own,
    /// and is an exception that nobody reviews with the rest.
    ///
    /// ## Remediation
    /// ```sh
    /// aws iam add-user-to-group --user-name NAME --group-name GROUP
    /// ```
    /// or, if nobody needs the user, delete it.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html>
    pub(super) static CHECK = {
        id: "iam.user-in-group",
        title: "users belong to a group",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.iam.users, |user| {
                Ok(Outcome::require(!user.groups.is_empty(), || {
                    Evidence::new(DETAILS, "GroupList", "empty", "at least one group")
                }))
            });
        },
    }
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::iam::User};

    use super::*;
    use crate::{
        iam::testing::{user, with_details, without_details},
        testing::{assert_fails, assert_not_assessed, denial, only, run},
    };

    #[test]
    fn a_member_passes_and_a_loner_fails() {
        let member = User { groups: vec!["staff".to_owned()], ..user("ada") };
        let account = with_details(|details| details.users.push(member));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        let account = with_details(|details| details.users.push(user("bob")));
        assert_fails(&CHECK, &account, "GroupList", "empty");
    }

    #[test]
    fn a_listing_that_broke_off_is_judged_as_far_as_it_goes() {
        let mut account = with_details(|_| ());
        account.iam.users = Listing::broken(vec![user("bob")], denial(DETAILS));
        let verdicts = run(&CHECK, &account);
        assert!(matches!(verdicts[0].assessed, Ok(Outcome::Fail(_))));
        assert_eq!(verdicts[1].assessed, Err(denial(DETAILS)));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
