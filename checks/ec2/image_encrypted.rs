use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check, inventory::ec2::Image,
};

declare_check! {
    /// Every EBS volume that an image maps is encrypted. A mapping without a snapshot and
    /// without the flag makes an empty volume, which the region's default then encrypts or not.
    /// An image without EBS volumes lives on instance stores and is not judged.
    ///
    /// ## Why it matters
    /// An unencrypted image is copied, shared and launched without any key's consent, and every
    /// volume made of it starts out unencrypted.
    ///
    /// ## Remediation
    /// Copy the image with encryption, move to the copy, and deregister the old one:
    /// ```sh
    /// aws ec2 copy-image --source-image-id IMAGE --source-region REGION --name NAME-encrypted --encrypted --kms-key-id KEY
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIEncryption.html>
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html>
    pub(super) static CHECK = {
        id: "ec2.image-encrypted",
        title: "image has encrypted volumes",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::Image",
        needs: &[&calls::ec2::DESCRIBE_IMAGES, &calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ec2.images, evaluate);
        },
    }
}

fn evaluate(region: &Region, image: &Image) -> Assessed {
    if image.ebs.is_empty() {
        return Ok(Outcome::NotApplicable("the image maps no EBS volume"));
    }
    let devices = |encrypted| -> Vec<&str> {
        let devices = image.ebs.iter().filter(|device| device.encrypted == encrypted);
        devices.map(|device| device.device_name.as_str()).collect()
    };
    let mut plain = devices(Some(false));
    let undecided = devices(None);
    // The region's default matters only where nothing else decides.
    if plain.is_empty() && !undecided.is_empty() && !*region.ebs.encryption_by_default.get()? {
        plain = undecided;
    }
    Ok(Outcome::require(plain.is_empty(), || {
        Evidence::new(
            &calls::ec2::DESCRIBE_IMAGES,
            "BlockDeviceMappings.Ebs.Encrypted",
            format!("not encrypted: {}", plain.join(", ")),
            "every volume encrypted",
        )
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Read};

    use super::*;
    use crate::{
        ec2::testing::{device, image},
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    const FIELD: &str = "BlockDeviceMappings.Ebs.Encrypted";

    fn account(encrypted: &[Option<bool>], default: Read<bool>) -> Inventory {
        let ebs = encrypted.iter().map(|encrypted| device("/dev/sda1", *encrypted)).collect();
        with_region(|region| {
            region.ec2.images = Listing::complete(vec![Image { ebs, ..image() }]);
            region.ebs.encryption_by_default = default;
        })
    }

    fn unknown() -> Read<bool> {
        Read::denied(&calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT, "AccessDenied")
    }

    #[test]
    fn encrypted_volumes_pass_and_one_that_is_not_fails() {
        assert_eq!(only(&CHECK, &account(&[Some(true)], unknown())), Ok(Outcome::Pass));
        let mixed = account(&[Some(true), Some(false)], unknown());
        assert_fails(&CHECK, &mixed, FIELD, "not encrypted: /dev/sda1");
    }

    #[test]
    fn an_empty_volume_follows_the_regions_default() {
        assert_eq!(only(&CHECK, &account(&[None], Read::Known(true))), Ok(Outcome::Pass));
        let off = account(&[None], Read::Known(false));
        assert_fails(&CHECK, &off, FIELD, "not encrypted: /dev/sda1");
        let call = &calls::ec2::GET_EBS_ENCRYPTION_BY_DEFAULT;
        assert_not_assessed(&CHECK, &account(&[None, Some(true)], unknown()), call);
    }

    #[test]
    fn an_image_on_instance_stores_is_not_judged() {
        let verdict = only(&CHECK, &account(&[], unknown()));
        assert_eq!(verdict, Ok(Outcome::NotApplicable("the image maps no EBS volume")));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_IMAGES;
        let account =
            with_region(|region| region.ec2.images = Listing::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
