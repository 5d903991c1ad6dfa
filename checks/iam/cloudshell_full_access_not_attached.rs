use demarc_model::{
    ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
};

use super::principals::{DETAILS, Principal, carries, each_principal};

declare_check! {
    /// No user, group or role carries AWS's own policy `AWSCloudShellFullAccess`. Roles of IAM
    /// Identity Center are left out, as only their permission set can be changed.
    ///
    /// ## Why it matters
    /// CloudShell is a machine with root rights, the Internet and file transfer in the browser:
    /// data leaves the account past every control on the company's own devices.
    ///
    /// ## Remediation
    /// Detach it. Who needs CloudShell gets a policy without `cloudshell:GetFileDownloadUrls` and
    /// `cloudshell:GetFileUploadUrls`:
    /// ```sh
    /// aws iam detach-role-policy --role-name NAME \
    ///   --policy-arn arn:aws:iam::aws:policy/AWSCloudShellFullAccess
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/cloudshell/latest/userguide/sec-auth-with-identities.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html>
    pub(super) static CHECK = {
        id: "iam.cloudshell-full-access-not-attached",
        title: "users, groups and roles do not carry AWSCloudShellFullAccess",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::*",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_principal(inventory, findings, |principal| Ok(evaluate(principal, inventory)));
        },
    }
}

fn evaluate(principal: &Principal, inventory: &Inventory) -> Outcome {
    Outcome::require(!carries(principal.attached, "AWSCloudShellFullAccess"), || {
        let arn = format!("arn:{}:iam::aws:policy/AWSCloudShellFullAccess", inventory.partition);
        Evidence::new(DETAILS, "AttachedManagedPolicies", arn, "not attached")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::iam::{Role, User};

    use super::*;
    use crate::{
        iam::testing::{attached, identity_center_role, user, with_details, without_details},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn another_policy_passes_and_this_one_fails() {
        let reader = User { attached_policies: vec![attached("ReadOnlyAccess")], ..user("ada") };
        let account = with_details(|details| details.users.push(reader));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        let shell =
            User { attached_policies: vec![attached("AWSCloudShellFullAccess")], ..user("ada") };
        let account = with_details(|details| details.users.push(shell));
        let arn = "arn:aws:iam::aws:policy/AWSCloudShellFullAccess";
        assert_fails(&CHECK, &account, "AttachedManagedPolicies", arn);
    }

    #[test]
    fn a_permission_set_is_changed_elsewhere() {
        let policies = vec![attached("AWSCloudShellFullAccess")];
        let role = Role { attached_policies: policies, ..identity_center_role() };
        let account = with_details(|details| details.roles.push(role));
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
