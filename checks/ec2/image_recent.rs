use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Image, time::Timestamp,
};

use super::exposure::not_shown;

const MAXIMUM_DAYS: i64 = 180;

declare_check! {
    /// An image of the account was made at most 180 days ago. One whose deprecation date has
    /// passed is retired already and not judged; instances that still run from it show under
    /// `ec2.instance-not-too-old`.
    ///
    /// ## Why it matters
    /// Every launch from an old image starts with the holes of its day, before the first patch
    /// run gets to it.
    ///
    /// ## Remediation
    /// Build images on a schedule, for example with EC2 Image Builder, and retire the old ones:
    /// ```sh
    /// aws ec2 enable-image-deprecation --image-id IMAGE --deprecate-at 2030-01-31T00:00:00Z
    /// aws ec2 deregister-image --image-id IMAGE
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html>
    /// - <https://docs.aws.amazon.com/imagebuilder/latest/userguide/what-is-image-builder.html>
    pub(super) static CHECK = {
        id: "ec2.image-recent",
        title: "image was made in the last 180 days",
        service: Service::Ec2,
        severity: Severity::Low,
        layer: Layer::OperatingSystem,
        control_type: ControlType::SharedPatchManagement,
        resource: "AWS::EC2::Image",
        needs: &[&calls::ec2::DESCRIBE_IMAGES],
        evaluate: |inventory, findings| {
            let now = inventory.taken_at;
            findings.each_region(inventory, |region| &region.ec2.images, |_, image| evaluate(image, now));
        },
    }
}

fn evaluate(image: &Image, now: Timestamp) -> Assessed {
    if image.deprecation_time.is_some_and(|deprecated| deprecated <= now) {
        return Ok(Outcome::NotApplicable("the image is deprecated"));
    }
    let Some(made) = image.creation_date else {
        return Err(not_shown(&calls::ec2::DESCRIBE_IMAGES, "CreationDate"));
    };
    Ok(Outcome::require(made.days_before(now) <= MAXIMUM_DAYS, || {
        Evidence::new(
            &calls::ec2::DESCRIBE_IMAGES,
            "CreationDate",
            made.date(),
            format!("at most {MAXIMUM_DAYS} days before the scan"),
        )
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::image,
        testing::{assert_fails, assert_not_assessed, now, only, with_region},
    };

    fn account(days_ago: i64, deprecated_in: Option<i64>) -> Inventory {
        let image = Image {
            creation_date: Some(now().plus_days(-days_ago)),
            deprecation_time: deprecated_in.map(|days| now().plus_days(days)),
            ..image()
        };
        with_region(|region| region.ec2.images = Listing::complete(vec![image]))
    }

    #[test]
    fn the_hundred_and_eightieth_day_passes_and_the_next_fails() {
        assert_eq!(only(&CHECK, &account(180, None)), Ok(Outcome::Pass));
        let observed = "2026-05-25";
        assert_fails(&CHECK, &account(181, Some(30)), "CreationDate", observed);
    }

    #[test]
    fn a_retired_image_is_not_judged() {
        let verdict = only(&CHECK, &account(500, Some(-1)));
        assert_eq!(verdict, Ok(Outcome::NotApplicable("the image is deprecated")));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_IMAGES;
        let account =
            with_region(|region| region.ec2.images = Listing::denied(call, "AccessDenied"));
        assert_not_assessed(&CHECK, &account, call);
    }
}
