use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
};

declare_check! {
    /// The region encrypts every new EBS volume and snapshot copy, whatever the request says.
    /// What exists already stays as it is, and a volume made of an unencrypted snapshot is
    /// encrypted on the way.
    ///
    /// ## Why it matters
    /// One setting replaces the care of everybody who makes a volume, in the console, in
    /// templates and in services that make volumes on their own.
    ///
    /// ## Remediation
    /// Switch it on in every region; choose a key of your own if other accounts must use the
    /// snapshots:
    /// ```sh
    /// aws ec2 enable-ebs-encryption-by-default --region REGION
    /// aws ec2 modify-ebs-default-kms-key-id --kms-key-id KEY --region REGION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-7>
    pub(super) static CHECK = {
        id: "ebs.default-encryption",
        title: "region encrypts new EBS volumes by default",
        service: Service::Ebs,
        severity: Severity::High,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

fn evaluate(region: &Region) -> Assessed {
    let encrypts = *region.ebs.encryption_by_default.get()?;
    Ok(Outcome::require(encrypts, || {
        let call = &calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT;
        Evidence::new(call, "EbsEncryptionByDefault", "false", "true")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, only, run, with_region};

    fn account(encrypts: bool) -> Inventory {
        with_region(|region| region.ebs.encryption_by_default = Read::Known(encrypts))
    }

    #[test]
    fn on_passes_and_off_fails() {
        assert_eq!(only(&CHECK, &account(true)), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(false), "EbsEncryptionByDefault", "false");
    }

    #[test]
    fn a_region_without_volumes_is_judged_too() {
        let mut account = account(true);
        account.region_mut("us-east-1").ebs.encryption_by_default = Read::Known(false);
        assert!(matches!(run(&CHECK, &account)[1].assessed, Ok(Outcome::Fail(_))));
    }

    #[test]
    fn a_denied_read_is_not_assessed() {
        let call = &calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT;
        let account = with_region(|region| {
            region.ebs.encryption_by_default = Read::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
