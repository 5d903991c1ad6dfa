use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
    inventory::s3::{AccessPoint, PublicAccessBlock},
};

declare_check! {
    /// The access point's own flags and the account's combine: each flag counts when either sets
    /// it. Settings of the single buckets behind it are left out, for they differ from region to
    /// region and a bucket can be added. The own flags cannot be changed once the access point
    /// exists.
    ///
    /// ## Why it matters
    /// One name reaches copies of the data in several regions. With the flags off, one wrong
    /// policy statement publishes them all.
    ///
    /// ## Remediation
    /// Turn the flags on for the account, or make the access point anew:
    /// ```sh
    /// aws s3control create-multi-region-access-point --account-id ACCOUNT --region us-west-2 --details \
    ///   '{"Name":"NAME","PublicAccessBlock":{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true},"Regions":[{"Bucket":"BUCKET"}]}'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/multi-region-access-point-block-public-access.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
    pub(super) static CHECK = {
        id: "s3.multi-region-access-point-public-access-block",
        title: "multi-region access point blocks all public access",
        service: Service::S3,
        severity: Severity::High,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::MultiRegionAccessPoint",
        needs: &[
            &calls::s3control::LIST_MULTI_REGION_ACCESS_POINTS,
            &calls::s3control::GET_PUBLIC_ACCESS_BLOCK,
        ],
        evaluate: |inventory, findings| {
            let points = &inventory.s3.multi_region_access_points;
            findings.each(&inventory.account, points, |point| evaluate(point, inventory));
        },
    }
}

fn evaluate(point: &AccessPoint, inventory: &Inventory) -> Assessed {
    let scopes = [&point.public_access_block, &inventory.s3.account_public_access_block];
    let closed = |block: &Option<_>| *block == Some(PublicAccessBlock::ALL);
    if scopes.iter().any(|scope| scope.is_known_and(closed)) {
        return Ok(Outcome::Pass);
    }
    let [own, account] = scopes;
    let both = own.get()?.unwrap_or_default().or(account.get()?.unwrap_or_default());
    let off: Vec<_> = both.off().collect();
    Ok(Outcome::require(off.is_empty(), || {
        let observed = format!("{} off in both scopes", off.join(", "));
        let expected = "all four flags on in the access point or the account";
        let call = &calls::s3control::LIST_MULTI_REGION_ACCESS_POINTS;
        Evidence::new(call, "PublicAccessBlock", observed, expected)
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Listing, Read};

    use super::*;
    use crate::{
        s3::testing::{access_point, denied},
        testing::{assert_fails, assert_not_assessed, inventory, only},
    };

    const ACLS_ONLY: PublicAccessBlock = PublicAccessBlock {
        block_public_policy: false,
        restrict_public_buckets: false,
        ..PublicAccessBlock::ALL
    };

    fn account(own: Option<PublicAccessBlock>, account: Option<PublicAccessBlock>) -> Inventory {
        let mut inventory = inventory();
        let points = vec![access_point("Internet", own)];
        inventory.s3.multi_region_access_points = Listing::complete(points);
        inventory.s3.account_public_access_block = Read::Known(account);
        inventory
    }

    #[test]
    fn either_scope_is_enough() {
        let all = Some(PublicAccessBlock::ALL);
        assert_eq!(only(&CHECK, &account(all, None)), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &account(None, all)), Ok(Outcome::Pass));
    }

    #[test]
    fn flags_off_in_both_are_named() {
        let observed = "BlockPublicPolicy, RestrictPublicBuckets off in both scopes";
        assert_fails(&CHECK, &account(None, Some(ACLS_ONLY)), "PublicAccessBlock", observed);
    }

    #[test]
    fn an_unread_account_leaves_it_open() {
        let call = &calls::s3control::GET_PUBLIC_ACCESS_BLOCK;
        let mut unread = account(Some(ACLS_ONLY), None);
        unread.s3.account_public_access_block = denied(call);
        assert_not_assessed(&CHECK, &unread, call);
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_one() {
        let call = &calls::s3control::LIST_MULTI_REGION_ACCESS_POINTS;
        let mut unread = account(None, None);
        unread.s3.multi_region_access_points = Listing::denied(call, "AccessDenied");
        assert_not_assessed(&CHECK, &unread, call);
    }
}
