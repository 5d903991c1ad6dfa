use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Volume,
};

declare_check! {
    /// A volume is encrypted, attached or not. Volumes being deleted are not judged.
    ///
    /// ## Why it matters
    /// Encryption ties every copy of the data, each snapshot and each volume made of it, to a
    /// key whose use is granted and logged.
    ///
    /// ## Remediation
    /// A volume cannot be encrypted in place. Copy it through a snapshot, then swap the
    /// volumes:
    /// ```sh
    /// aws ec2 create-snapshot --volume-id VOLUME
    /// aws ec2 create-volume --snapshot-id SNAPSHOT --availability-zone ZONE --encrypted --kms-key-id KEY
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-3>
    pub(super) static CHECK = {
        id: "ebs.volume-encrypted",
        title: "EBS volume is encrypted",
        service: Service::Ebs,
        severity: Severity::High,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::Volume",
        needs: &[&calls::ec2::DESCRIBE_VOLUMES],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ebs.volumes, |_, resource| Ok(evaluate(resource)));
        },
    }
}

fn evaluate(volume: &Volume) -> Outcome {
    if volume.is_going() {
        return Outcome::NotApplicable("the volume is being deleted");
    }
    Outcome::require(volume.encrypted, || {
        Evidence::new(&calls::ec2::DESCRIBE_VOLUMES, "Encrypted", "false", "true")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::volume,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(volume: Volume) -> Inventory {
        with_region(|region| region.ebs.volumes = Listing::complete(vec![volume]))
    }

    #[test]
    fn an_encrypted_volume_passes_and_a_plain_one_fails() {
        assert_eq!(
            only(&CHECK, &account(Volume { encrypted: true, ..volume() })),
            Ok(Outcome::Pass)
        );
        assert_fails(&CHECK, &account(volume()), "Encrypted", "false");
    }

    #[test]
    fn a_detached_volume_is_judged_and_one_being_deleted_is_not() {
        let state =
            |state: &str| Volume { state: state.to_owned(), instance_ids: vec![], ..volume() };
        assert_fails(&CHECK, &account(state("available")), "Encrypted", "false");
        let verdict = only(&CHECK, &account(state("deleting")));
        assert_eq!(verdict, Ok(Outcome::NotApplicable("the volume is being deleted")));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VOLUMES;
        let account = with_region(|region| {
            region.ebs.volumes = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
