use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check, inventory::iam::Group,
};

use super::principals::DETAILS;

declare_check! {
    /// Every IAM group has a member.
    ///
    /// ## Why it matters
    /// An empty group keeps its permissions. Whoever may add users to groups can enter it, and
    /// nobody expects anything from a group that nobody is in.
    ///
    /// ## Remediation
    /// Detach its policies and delete it:
    /// ```sh
    /// aws iam detach-group-policy --group-name NAME --policy-arn ARN
    /// aws iam delete-group --group-name NAME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups_manage_delete.html>
    pub(super) static CHECK = {
        id: "iam.group-has-members",
        title: "groups have members",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::Group",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.iam.groups, |group| {
                evaluate(group, inventory)
            });
        },
    }
}

fn evaluate(group: &Group, inventory: &Inventory) -> Assessed {
    let name = &*group.subject.name;
    let member = inventory.iam.users.find(|user| user.groups.iter().any(|group| group == name))?;
    Ok(Outcome::require(member.is_some(), || {
        Evidence::new(DETAILS, "GroupList", "no user is a member", "at least one member")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::iam::User};

    use super::*;
    use crate::{
        iam::testing::{group, user, with_details, without_details},
        testing::{assert_fails, assert_not_assessed, denial, only},
    };

    fn member() -> User {
        User { groups: vec!["staff".to_owned()], ..user("ada") }
    }

    #[test]
    fn one_member_is_enough() {
        let account = with_details(|details| {
            details.users.push(member());
            details.groups.push(group("staff"));
        });
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn an_empty_group_fails() {
        let account = with_details(|details| {
            details.users.push(member());
            details.groups.push(group("alumni"));
        });
        assert_fails(&CHECK, &account, "GroupList", "no user is a member");
    }

    #[test]
    fn the_member_may_be_on_the_page_that_was_not_read() {
        let mut account = with_details(|details| details.groups.push(group("alumni")));
        account.iam.users = Listing::broken(vec![member()], denial(DETAILS));
        assert_not_assessed(&CHECK, &account, DETAILS);
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
