use demarc_model::{
    ControlType, Evidence, Layer, Region, Service, Severity, Unread, calls, declare_check,
    inventory::ec2::{EbsDevice, LaunchTemplateVersion},
};

use super::template::parts;

declare_check! {
    /// Every EBS volume that the template maps will be encrypted: it says so, or the region
    /// encrypts by default, or it is made of an encrypted snapshot of this account. A template
    /// that maps no volume leaves it to the image and is not at fault. The default and the
    /// latest version are judged, as `$Default` and `$Latest`.
    ///
    /// ## Why it matters
    /// Volumes of scaled instances come and go unwatched; what the template leaves unencrypted
    /// is so on every one of them, and in their snapshots.
    ///
    /// ## Remediation
    /// Switch on encryption by default, which covers every template, or make an encrypted
    /// version the default:
    /// ```sh
    /// aws ec2 enable-ebs-encryption-by-default --region REGION
    /// aws ec2 create-launch-template-version --launch-template-id TEMPLATE --source-version '$Latest' \
    ///   --launch-template-data '{"BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":{"Encrypted":true}}]}'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateEbsBlockDeviceRequest.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-181>
    pub(super) static CHECK = {
        id: "ec2.launch-template-ebs-encrypted",
        title: "launch template encrypts EBS volumes",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::LaunchTemplate",
        needs: &[&calls::ec2::DESCRIBE_LAUNCH_TEMPLATES, &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS, &calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT, &calls::ec2::DESCRIBE_SNAPSHOTS],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ec2.launch_templates, |region, template| {
                parts(template, |version| evaluate(region, version))
            });
        },
    }
}

fn evaluate(region: &Region, version: &LaunchTemplateVersion) -> Result<Vec<Evidence>, Unread> {
    let undecided: Vec<_> =
        version.ebs.iter().filter(|device| device.encrypted != Some(true)).collect();
    // Encryption by default encrypts even what says `false`.
    if undecided.is_empty() || *region.ebs.encryption_by_default.get()? {
        return Ok(Vec::new());
    }
    let mut evidence = Vec::new();
    for device in undecided {
        if !is_of_encrypted_snapshot(region, device)? {
            let observed = match device.encrypted {
                Some(_) => "false",
                None => "not set, and encryption by default is off",
            };
            evidence.push(Evidence::new(
                &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
                "LaunchTemplateData.BlockDeviceMappings.Ebs.Encrypted",
                format!("{observed} for {}", device.device_name),
                "true",
            ));
        }
    }
    Ok(evidence)
}

/// Volumes of an encrypted snapshot are encrypted, whatever the mapping says.
fn is_of_encrypted_snapshot(region: &Region, device: &EbsDevice) -> Result<bool, Unread> {
    let Some(id) = &device.snapshot_id else { return Ok(false) };
    let snapshot = region.ebs.snapshots.find(|snapshot| snapshot.snapshot_id == *id)?;
    Ok(snapshot.is_some_and(|snapshot| snapshot.encrypted))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Outcome, Read, inventory::ec2::Snapshot};

    use super::*;
    use crate::{
        ec2::testing::{device, snapshot, template, template_version},
        testing::{assert_not_assessed, failures, only, with_region},
    };

    const FIELD: &str = "$Default: LaunchTemplateData.BlockDeviceMappings.Ebs.Encrypted is";

    fn account(versions: Vec<LaunchTemplateVersion>) -> Inventory {
        with_region(|region| {
            region.ec2.launch_templates = Listing::complete(vec![template(versions)]);
            region.ebs.encryption_by_default = Read::Known(false);
            region.ebs.snapshots =
                Listing::complete(vec![Snapshot { encrypted: true, ..snapshot() }]);
        })
    }

    fn mapping(devices: Vec<EbsDevice>) -> Inventory {
        account(vec![LaunchTemplateVersion { ebs: devices, ..template_version() }])
    }

    #[test]
    fn encrypted_volumes_and_none_at_all_pass() {
        assert_eq!(
            only(&CHECK, &mapping(vec![device("/dev/xvda", Some(true))])),
            Ok(Outcome::Pass)
        );
        assert_eq!(only(&CHECK, &mapping(vec![])), Ok(Outcome::Pass));
    }

    #[test]
    fn what_is_off_or_left_open_fails_unless_the_region_encrypts() {
        let devices = || vec![device("/dev/xvda", Some(false)), device("/dev/xvdb", None)];
        let expected = [
            format!("{FIELD} false for /dev/xvda"),
            format!("{FIELD} not set, and encryption by default is off for /dev/xvdb"),
        ];
        assert_eq!(failures(&CHECK, &mapping(devices())), expected);
        let mut encrypting = mapping(devices());
        encrypting.regions[0].ebs.encryption_by_default = Read::Known(true);
        assert_eq!(only(&CHECK, &encrypting), Ok(Outcome::Pass));
    }

    #[test]
    fn a_volume_of_an_encrypted_snapshot_is_encrypted() {
        let of_snapshot =
            EbsDevice { snapshot_id: Some("snap-1".to_owned()), ..device("/dev/xvda", None) };
        assert_eq!(only(&CHECK, &mapping(vec![of_snapshot.clone()])), Ok(Outcome::Pass));
        let foreign = EbsDevice { snapshot_id: Some("snap-9".to_owned()), ..of_snapshot.clone() };
        assert_eq!(failures(&CHECK, &mapping(vec![foreign])).len(), 1);

        let call = &calls::ec2::DESCRIBE_SNAPSHOTS;
        let mut unread = mapping(vec![of_snapshot]);
        unread.regions[0].ebs.snapshots = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &unread, call);
    }

    #[test]
    fn an_unread_default_leaves_it_open() {
        let call = &calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT;
        let mut unread = mapping(vec![device("/dev/xvda", None)]);
        unread.regions[0].ebs.encryption_by_default = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &unread, call);
    }

    #[test]
    fn unread_versions_are_not_assessed() {
        let call = &calls::ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS;
        let mut account = account(vec![template_version()]);
        let template = &mut account.regions[0].ec2.launch_templates.seen_mut()[0];
        template.versions = Read::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
