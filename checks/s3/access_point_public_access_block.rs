use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::{AccessPoint, PublicAccessBlock},
};

declare_check! {
    /// A request through an access point is subject to three settings at once: the access point's
    /// own, the bucket's and the account's, and each flag counts when any of them sets it. The
    /// bucket's settings are known where it belongs to this account. An access point that only its
    /// VPC can reach is not for the public whatever the flags say. The own flags cannot be changed
    /// once the access point exists.
    ///
    /// ## Why it matters
    /// An access point has a policy of its own. One with the flags off is a second door to a
    /// bucket whose first door was closed with care.
    ///
    /// ## Remediation
    /// Turn the flags on for the account, or make the access point anew:
    /// ```sh
    /// aws s3control create-access-point --account-id ACCOUNT --name NAME --bucket BUCKET \
    ///   --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
    pub(super) static CHECK = {
        id: "s3.access-point-public-access-block",
        title: "access point blocks all public access",
        service: Service::S3,
        severity: Severity::Critical,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::AccessPoint",
        needs: &[
            &calls::s3control::LIST_ACCESS_POINTS,
            &calls::s3control::GET_ACCESS_POINT,
            &calls::s3control::GET_PUBLIC_ACCESS_BLOCK,
            &calls::s3::LIST_BUCKETS,
            &calls::s3::GET_PUBLIC_ACCESS_BLOCK,
        ],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.access_points, |point| {
                evaluate(point, inventory)
            });
        },
    }
}

fn evaluate(point: &AccessPoint, inventory: &Inventory) -> Assessed {
    if point.network_origin == "VPC" {
        return Ok(Outcome::NotApplicable("only its VPC can reach it"));
    }
    let s3 = &inventory.s3;
    let bucket = s3.buckets.find(|bucket| *bucket.subject.name == *point.bucket);
    let mut scopes = vec![&point.public_access_block, &s3.account_public_access_block];
    if let Ok(Some(bucket)) = bucket {
        scopes.push(&bucket.public_access_block);
    }

    // One closed scope settles it, even when another could not be read.
    let closed = |block: &Option<_>| *block == Some(PublicAccessBlock::ALL);
    if scopes.iter().any(|scope| scope.is_known_and(closed)) {
        return Ok(Outcome::Pass);
    }

    let mut all = PublicAccessBlock::default();
    for scope in scopes {
        all = all.or(scope.get()?.unwrap_or_default());
    }
    let off: Vec<_> = all.off().collect();
    if off.is_empty() {
        return Ok(Outcome::Pass);
    }
    bucket?;
    let observed = format!("{} off in every scope", off.join(", "));
    let call = &calls::s3control::GET_ACCESS_POINT;
    let expected = "all four flags on in the access point, the bucket or the account";
    Ok(Outcome::fail(call, "PublicAccessBlockConfiguration", observed, expected))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, Read};

    use super::*;
    use crate::{
        s3::testing::{access_point, bucket, denied, open_bucket, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    const ACLS_ONLY: PublicAccessBlock = PublicAccessBlock {
        block_public_policy: false,
        restrict_public_buckets: false,
        ..PublicAccessBlock::ALL
    };

    /// The access point `readers` of the bucket `logs`, which nothing shields.
    fn account(point: AccessPoint) -> Inventory {
        let mut inventory = with_bucket(open_bucket());
        inventory.s3.access_points = Listing::complete(vec![point]);
        inventory
    }

    #[test]
    fn four_flags_of_its_own_pass() {
        let point = access_point("Internet", Some(PublicAccessBlock::ALL));
        assert_eq!(only(&CHECK, &account(point)), Ok(Outcome::Pass));
    }

    #[test]
    fn flags_off_everywhere_are_named() {
        let account = account(access_point("Internet", Some(ACLS_ONLY)));
        let observed = "BlockPublicPolicy, RestrictPublicBuckets off in every scope";
        assert_fails(&CHECK, &account, "PublicAccessBlockConfiguration", observed);
    }

    #[test]
    fn the_bucket_or_the_account_closes_it_too() {
        let mut account = account(access_point("Internet", None));
        account.s3.buckets = Listing::complete(vec![bucket("logs")]);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        account.s3.buckets = Listing::complete(Vec::new());
        account.s3.account_public_access_block = Read::Known(Some(PublicAccessBlock::ALL));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn an_access_point_of_a_vpc_is_not_for_the_public() {
        let verdict = only(&CHECK, &account(access_point("VPC", None)));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn unread_flags_leave_it_open() {
        let call = &calls::s3control::GET_ACCESS_POINT;
        let mut point = access_point("Internet", None);
        point.public_access_block = denied(call);
        assert_not_assessed(&CHECK, &account(point), call);
    }

    #[test]
    fn an_unlisted_bucket_may_be_the_one_that_closes_it() {
        let call = &calls::s3::LIST_BUCKETS;
        let mut account = account(access_point("Internet", None));
        account.s3.buckets = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &account, call);
    }
}
