use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Image,
};

declare_check! {
    /// An image of the account cannot be launched by everyone. Sharing with named accounts,
    /// organizations or units is no finding. The region's block on public sharing stops new
    /// shares alone: an image that was public before stays public, so the setting does not
    /// excuse it. Deprecated images can still be launched and are judged; disabling an image
    /// ends all its shares.
    ///
    /// ## Why it matters
    /// Anybody can start a public image and read its whole disk: code, keys left behind, other
    /// people's data.
    ///
    /// ## Remediation
    /// Take the permission away, and replace whatever secrets the disk held:
    /// ```sh
    /// aws ec2 modify-image-attribute --image-id IMAGE --launch-permission "Remove=[{Group=all}]"
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html>
    pub(super) static CHECK = {
        id: "ec2.image-not-public",
        title: "image is not public",
        service: Service::Ec2,
        severity: Severity::Critical,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Image",
        needs: &[&calls::ec2::DESCRIBE_IMAGES],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ec2.images, |_, resource| Ok(evaluate(resource)));
        },
    }
}

fn evaluate(image: &Image) -> Outcome {
    Outcome::require(!image.public, || {
        Evidence::new(&calls::ec2::DESCRIBE_IMAGES, "Public", "true", "false")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing, Read};

    use super::*;
    use crate::{
        ec2::testing::image,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(image: Image) -> Inventory {
        with_region(|region| region.ec2.images = Listing::complete(vec![image]))
    }

    #[test]
    fn a_private_image_passes_and_a_public_one_fails() {
        assert_eq!(only(&CHECK, &account(image())), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(Image { public: true, ..image() }), "Public", "true");
    }

    #[test]
    fn the_regions_block_does_not_make_an_old_share_private() {
        let mut account = account(Image { public: true, ..image() });
        let blocked = Read::Known("block-new-sharing".to_owned());
        account.regions[0].ec2.image_block_public_access = blocked;
        assert_fails(&CHECK, &account, "Public", "true");
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_IMAGES;
        let account =
            with_region(|region| region.ec2.images = Listing::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
