use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
};

declare_check! {
    /// The region's access to the serial console of instances is off, as it is by default.
    ///
    /// ## Why it matters
    /// The serial console is a keyboard on the machine: it needs no network path, so neither
    /// security groups nor private subnets stand in its way, and the guest's logs do not name
    /// the person.
    ///
    /// ## Remediation
    /// Switch it on for the hour of an emergency, and off again:
    /// ```sh
    /// aws ec2 disable-serial-console-access --region REGION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-access-to-serial-console.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSerialConsoleAccessStatus.html>
    pub(super) static CHECK = {
        id: "ec2.serial-console-disabled",
        title: "region has serial console access off",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::OperatingSystem,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::ec2::GET_SERIAL_CONSOLE_ACCESS_STATUS],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

fn evaluate(region: &Region) -> Assessed {
    let enabled = *region.ec2.serial_console_access_enabled.get()?;
    Ok(Outcome::require(!enabled, || {
        let call = &calls::ec2::GET_SERIAL_CONSOLE_ACCESS_STATUS;
        Evidence::new(call, "SerialConsoleAccessEnabled", "true", "false")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, only, run, with_region};

    fn account(enabled: bool) -> Inventory {
        with_region(|region| region.ec2.serial_console_access_enabled = Read::Known(enabled))
    }

    #[test]
    fn off_passes_and_on_fails() {
        assert_eq!(only(&CHECK, &account(false)), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(true), "SerialConsoleAccessEnabled", "true");
    }

    #[test]
    fn every_region_is_judged() {
        let mut account = account(false);
        account.region_mut("us-east-1").ec2.serial_console_access_enabled = Read::Known(true);
        let verdicts: Vec<_> = run(&CHECK, &account).into_iter().map(|one| one.assessed).collect();
        assert_eq!(verdicts[0], Ok(Outcome::Pass));
        assert!(matches!(verdicts[1], Ok(Outcome::Fail(_))));
    }

    #[test]
    fn a_denied_read_is_not_assessed() {
        let call = &calls::ec2::GET_SERIAL_CONSOLE_ACCESS_STATUS;
        let account = with_region(|region| {
            region.ec2.serial_console_access_enabled = Read::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
