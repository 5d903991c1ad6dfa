use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
};

use super::credentials::no_root_sign_in;

declare_check! {
    /// Every MFA device of the root user is hardware: there is a device, and none of them is
    /// virtual. A virtual device beside a hardware one fails, as in AWS Config's rule, because
    /// either alone lets root sign in. A leftover virtual device that is assigned to nobody does
    /// not count, whatever its name. AWS lists no passkeys of root, so one that a password manager
    /// synchronizes cannot be told from a security key.
    ///
    /// Not applicable where `iam.root-mfa` is not.
    ///
    /// ## Why it matters
    /// A virtual device's seed can be copied: from the screen, the telephone or its backup. A
    /// hardware device leaves its place only together with its owner.
    ///
    /// ## Remediation
    /// Sign in as root, assign a FIDO2 security key (and a second one as a reserve), then remove
    /// the virtual device. What is assigned is shown by
    /// ```sh
    /// aws iam list-virtual-mfa-devices --assignment-status Assigned
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/enable-mfa-for-root.html>
    /// - <https://docs.aws.amazon.com/config/latest/developerguide/root-account-hardware-mfa-enabled.html>
    pub(super) static CHECK = {
        id: "iam.root-hardware-mfa",
        title: "the root user's MFA devices are hardware",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::::Account",
        needs: &[&calls::iam::GET_ACCOUNT_SUMMARY, &calls::iam::LIST_VIRTUAL_MFA_DEVICES],
        evaluate: |inventory, findings| findings.one(&inventory.account, evaluate(inventory)),
    }
}

fn evaluate(inventory: &Inventory) -> Assessed {
    if let Some(outcome) = no_root_sign_in(inventory)? {
        return Ok(outcome);
    }
    if !inventory.iam.summary.get()?.account_mfa_enabled {
        let call = &calls::iam::GET_ACCOUNT_SUMMARY;
        return Ok(Outcome::fail(call, "AccountMFAEnabled", "0", "1, by a hardware device"));
    }
    let root = format!("arn:{}:iam::{}:root", inventory.partition, inventory.account_id);
    let devices = &inventory.iam.virtual_mfa_devices;
    let virtual_device = devices.find(|device| device.user_arn.as_ref() == Some(&root))?;
    Ok(Outcome::require(virtual_device.is_none(), || {
        Evidence::new(
            &calls::iam::LIST_VIRTUAL_MFA_DEVICES,
            "VirtualMFADevices.User.Arn",
            root,
            "no virtual device of root",
        )
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Listing,
        inventory::iam::{AccountSummary, VirtualMfaDevice},
    };

    use super::*;
    use crate::{
        iam::testing::with_summary,
        testing::{assert_fails, assert_not_assessed, only},
    };

    const ROOT: &str = "arn:aws:iam::123456789012:root";
    const USER: &str = "arn:aws:iam::123456789012:user/ada";
    const DEVICE: AccountSummary = AccountSummary {
        account_mfa_enabled: true,
        account_access_keys_present: false,
        account_signing_certificates_present: false,
        account_password_present: Some(true),
    };

    fn account_with(owners: &[Option<&str>]) -> Inventory {
        let mut account = with_summary(DEVICE);
        let devices = owners.iter().map(|owner| VirtualMfaDevice {
            serial_number: "arn:aws:iam::123456789012:mfa/root-account-mfa-device".to_owned(),
            user_arn: owner.map(str::to_owned),
        });
        account.iam.virtual_mfa_devices = Listing::complete(devices.collect());
        account
    }

    #[test]
    fn other_peoples_virtual_devices_and_leftovers_do_not_count() {
        assert_eq!(only(&CHECK, &account_with(&[Some(USER), None])), Ok(Outcome::Pass));
    }

    #[test]
    fn a_virtual_device_fails_even_if_it_is_one_of_several() {
        let account = account_with(&[Some(USER), Some(ROOT)]);
        assert_fails(&CHECK, &account, "VirtualMFADevices.User.Arn", ROOT);
    }

    #[test]
    fn no_device_at_all_is_no_hardware_device() {
        let mut account = account_with(&[]);
        account.iam.summary =
            demarc_model::Read::Known(AccountSummary { account_mfa_enabled: false, ..DEVICE });
        assert_fails(&CHECK, &account, "AccountMFAEnabled", "0");
    }

    #[test]
    fn unlisted_devices_might_be_virtual() {
        let call = &calls::iam::LIST_VIRTUAL_MFA_DEVICES;
        let mut account = account_with(&[]);
        account.iam.virtual_mfa_devices = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
