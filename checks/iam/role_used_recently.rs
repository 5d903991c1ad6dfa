use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::Role, time::Timestamp,
};

use super::{
    credentials::missing,
    principals::{DETAILS, each_role},
};

/// Days without use.
const IDLE: i64 = 90;

declare_check! {
    /// Every role was used in the 90 days before the scan, or was made in them. AWS tracks use for
    /// 400 days; no date means that it saw none in that time. Service-linked roles and those of
    /// IAM Identity Center are left out.
    ///
    /// ## Why it matters
    /// A role that nobody uses still trusts whom it trusted when it was made, and its use would
    /// surprise nobody, as nobody looks.
    ///
    /// ## Remediation
    /// See what it was for; roles for emergencies stay (suppress the finding), others go, once
    /// their policies are detached:
    /// ```sh
    /// aws iam get-role --role-name NAME --query Role.RoleLastUsed
    /// aws iam delete-role --role-name NAME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage_delete.html>
    pub(super) static CHECK = {
        id: "iam.role-used-recently",
        title: "roles were used in the last 90 days",
        service: Service::Iam,
        severity: Severity::Low,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::Role",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_role(inventory, findings, |role| evaluate(role, inventory.taken_at));
        },
    }
}

fn evaluate(role: &Role, now: Timestamp) -> Assessed {
    let since = role.last_used.or(role.create_date);
    let since = since.ok_or_else(|| missing(DETAILS, "CreateDate"))?;
    Ok(Outcome::require(since.days_before(now) < IDLE, || {
        let observed = match role.last_used {
            Some(used) => used.date(),
            None => format!("none, made {}", since.date()),
        };
        let expected = "within the 90 days before the scan";
        Evidence::new(DETAILS, "RoleLastUsed.LastUsedDate", observed, expected)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::testing::{days_ago, role, service_linked_role, with_details, without_details},
        testing::{assert_fails, assert_not_assessed, only},
    };

    const FIELD: &str = "RoleLastUsed.LastUsedDate";

    fn used(used: Option<i64>, made: i64) -> demarc_model::Inventory {
        let create_date = Some(days_ago(made));
        let role = Role { last_used: used.map(days_ago), create_date, ..role("app") };
        with_details(|details| details.roles.push(role))
    }

    #[test]
    fn a_used_role_passes_and_an_idle_one_fails() {
        assert_eq!(only(&CHECK, &used(Some(89), 400)), Ok(Outcome::Pass));
        assert_fails(&CHECK, &used(Some(90), 400), FIELD, "2026-08-24");
    }

    #[test]
    fn a_new_role_has_time_to_be_used_and_an_old_unused_one_had_it() {
        assert_eq!(only(&CHECK, &used(None, 3)), Ok(Outcome::Pass));
        assert_fails(&CHECK, &used(None, 400), FIELD, "none, made 2025-10-18");
    }

    #[test]
    fn service_linked_roles_are_left_out() {
        let role = Role { last_used: None, ..service_linked_role() };
        let account = with_details(|details| details.roles.push(role));
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
