use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::CredentialRow,
};

use super::credentials::{column, each_user, has_password};

declare_check! {
    /// Every MFA device of users with a console password is hardware: there is one, and none is a
    /// virtual device or a telephone, either of which alone would let the user in. AWS lists
    /// passkeys like security keys, so one that a password manager synchronizes passes. The China
    /// regions know no hardware devices for IAM users, so there the check does not apply.
    ///
    /// ## Why it matters
    /// Codes from an app can be phished, and their seed copied; a security key answers only the
    /// real sign-in page.
    ///
    /// ## Remediation
    /// Let the user register a FIDO2 security key on the Security credentials page, then remove
    /// the virtual device:
    /// ```sh
    /// aws iam list-mfa-devices --user-name NAME
    /// aws iam deactivate-mfa-device --user-name NAME --serial-number ARN
    /// aws iam delete-virtual-mfa-device --serial-number ARN
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html>
    /// - <https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html>
    pub(super) static CHECK = {
        id: "iam.user-hardware-mfa",
        title: "console users' MFA devices are hardware",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::User",
        needs: &[
            &calls::iam::GENERATE_CREDENTIAL_REPORT,
            &calls::iam::GET_CREDENTIAL_REPORT,
            &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS,
            &calls::iam::LIST_MFA_DEVICES,
        ],
        evaluate: |inventory, findings| {
            each_user(inventory, findings, |row| evaluate(row, inventory));
        },
    }
}

fn evaluate(row: &CredentialRow, inventory: &Inventory) -> Assessed {
    if !has_password(row)? {
        return Ok(Outcome::NotApplicable("the user has no console password"));
    }
    if inventory.partition == "aws-cn" {
        return Ok(Outcome::NotApplicable("the China regions support no hardware MFA devices"));
    }
    if !row.mfa_active {
        return Ok(Outcome::Fail(vec![column(
            "mfa_active",
            "false",
            "true, by a hardware device",
        )]));
    }
    let Some(user) = inventory.iam.users.find(|user| *user.subject.arn == *row.arn)? else {
        return Ok(Outcome::NotApplicable("the user was deleted after AWS made the report"));
    };
    let soft = user.mfa_devices.find(|serial| is_software(serial))?;
    Ok(soft.map_or(Outcome::Pass, |serial| {
        let call = &calls::iam::LIST_MFA_DEVICES;
        Outcome::fail(call, "MFADevices.SerialNumber", serial.clone(), "hardware devices alone")
    }))
}

/// Virtual devices and telephones have ARNs that say so; security keys are `u2f/…`, and a hardware
/// token's serial number is no ARN at all.
fn is_software(serial: &str) -> bool {
    serial.contains(":mfa/") || serial.contains(":sms-mfa/")
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, inventory::iam::User};

    use super::*;
    use crate::{
        iam::testing::{console_row, row, user, with_report},
        testing::{assert_fails, assert_not_assessed, only},
    };

    const TOKEN: &str = "GAHT12345678";
    const KEY: &str = "arn:aws:iam::123456789012:u2f/user/ada/key-ABC";
    const APP: &str = "arn:aws:iam::123456789012:mfa/ada";

    fn account_with(devices: &[&str]) -> Inventory {
        let devices = Listing::complete(devices.iter().map(|&each| each.to_owned()).collect());
        let mut account = with_report([console_row("ada")]);
        account.iam.users = Listing::complete(vec![User { mfa_devices: devices, ..user("ada") }]);
        account
    }

    #[test]
    fn tokens_and_security_keys_are_hardware() {
        assert_eq!(only(&CHECK, &account_with(&[TOKEN, KEY])), Ok(Outcome::Pass));
    }

    #[test]
    fn an_app_beside_a_security_key_still_lets_the_user_in() {
        let account = account_with(&[KEY, APP]);
        assert_fails(&CHECK, &account, "MFADevices.SerialNumber", APP);
    }

    #[test]
    fn users_without_a_password_and_in_china_are_left_out() {
        let account = with_report([row("robot")]);
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
        let mut account = account_with(&[APP]);
        account.partition = "aws-cn".to_owned();
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn unlisted_devices_might_be_virtual() {
        let call = &calls::iam::LIST_MFA_DEVICES;
        let mut account = account_with(&[]);
        account.iam.users.seen_mut()[0].mfa_devices = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }

    #[test]
    fn an_unlisted_user_may_have_any_device() {
        let call = &calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS;
        let mut account = account_with(&[KEY]);
        account.iam.users = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
