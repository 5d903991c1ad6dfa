use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Region, Service, Severity, calls,
    declare_check,
};

declare_check! {
    /// The region's block on public access for images is on (`block-new-sharing`), so that no
    /// image of the account can be made public. Images shared before stay public: `ec2.image-
    /// not-public` finds them.
    ///
    /// ## Why it matters
    /// One wrong flag in a build script publishes an image to the world; the block makes the
    /// attempt fail.
    ///
    /// ## Remediation
    /// Set it in every region; it can take some minutes to apply:
    /// ```sh
    /// aws ec2 enable-image-block-public-access --image-block-public-access-state block-new-sharing --region REGION
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageBlockPublicAccessState.html>
    pub(super) static CHECK = {
        id: "ec2.image-public-sharing-blocked",
        title: "region blocks public sharing of images",
        service: Service::Ec2,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::ec2::GET_IMAGE_BLOCK_PUBLIC_ACCESS_STATE],
        evaluate: |inventory, findings| findings.regions(inventory, evaluate),
    }
}

fn evaluate(region: &Region) -> Assessed {
    let state = region.ec2.image_block_public_access.get()?;
    Ok(Outcome::require(state == "block-new-sharing", || {
        Evidence::new(
            &calls::ec2::GET_IMAGE_BLOCK_PUBLIC_ACCESS_STATE,
            "ImageBlockPublicAccessState",
            state.clone(),
            "block-new-sharing",
        )
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Read};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, only, with_region};

    fn account(state: &str) -> Inventory {
        with_region(|region| {
            region.ec2.image_block_public_access = Read::Known(state.to_owned());
        })
    }

    #[test]
    fn the_block_passes_and_its_absence_fails() {
        assert_eq!(only(&CHECK, &account("block-new-sharing")), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account("unblocked"), "ImageBlockPublicAccessState", "unblocked");
    }

    #[test]
    fn a_state_that_is_not_known_to_block_is_no_pass() {
        assert!(!matches!(only(&CHECK, &account("")), Ok(Outcome::Pass)));
    }

    #[test]
    fn a_denied_read_is_not_assessed() {
        let call = &calls::ec2::GET_IMAGE_BLOCK_PUBLIC_ACCESS_STATE;
        let account = with_region(|region| {
            region.ec2.image_block_public_access = Read::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
