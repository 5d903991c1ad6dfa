use std::collections::BTreeSet;

use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
    inventory::s3::{Acl, Bucket, Grant, Grantee},
};

use super::block;

declare_check! {
    /// A finding for each grant of the bucket's ACL to `AllUsers`, or to `AuthenticatedUsers`,
    /// which is everybody with an AWS account of any kind. `READ` lists the objects, `WRITE` adds
    /// and overwrites them, `READ_ACP` and `WRITE_ACP` read and change the ACL itself. The log
    /// delivery group is AWS's own and no finding. Such grants do nothing where ownership is
    /// `BucketOwnerEnforced`, or where the bucket or the account sets `IgnorePublicAcls`; either
    /// settles it. ACLs of single objects are not read.
    ///
    /// ## Why it matters
    /// Public listing is how leaked buckets are found and emptied; public writing plants malware
    /// and fakes records; `WRITE_ACP` hands out all the rest.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-acl --bucket NAME --acl private
    /// ```
    /// Then switch ACLs off, with ownership `BucketOwnerEnforced`.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
    pub(super) static CHECK = {
        id: "s3.bucket-acl-not-public",
        title: "bucket grants nothing to everyone by ACL",
        service: Service::S3,
        severity: Severity::Critical,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::S3::Bucket",
        needs: &[
            &calls::s3::LIST_BUCKETS,
            &calls::s3::GET_BUCKET_ACL,
            &calls::s3::GET_BUCKET_OWNERSHIP_CONTROLS,
            &calls::s3::GET_PUBLIC_ACCESS_BLOCK,
            &calls::s3control::GET_PUBLIC_ACCESS_BLOCK,
        ],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, |bucket| {
                evaluate(bucket, inventory)
            });
        },
    }
}

fn evaluate(bucket: &Bucket, inventory: &Inventory) -> Assessed {
    let acl = bucket.acl.get();
    if let Ok(acl) = &acl
        && public_grants(acl).is_empty()
    {
        return Ok(Outcome::Pass);
    }
    let is_off = |ownership: &Option<String>| ownership.as_deref() == Some("BucketOwnerEnforced");
    let ignored = block::is_on(|block| block.ignore_public_acls, bucket, inventory);
    if bucket.object_ownership.is_known_and(is_off) || matches!(ignored, Ok(true)) {
        return Ok(Outcome::Pass);
    }
    let grants = public_grants(acl?);
    bucket.object_ownership.get()?;
    ignored?;

    Ok(Outcome::failing_parts(grants.into_iter().map(|(group, permission)| {
        let observed = format!("{group} has {permission}");
        let evidence =
            Evidence::new(&calls::s3::GET_BUCKET_ACL, "Grants", observed, "no such grant");
        (format!("{group} {permission}"), evidence)
    })))
}

/// Group and permission of each grant to everyone.
fn public_grants(acl: &Acl) -> BTreeSet<(&str, &str)> {
    let named = |grant| Some((everyone(grant)?, &*grant.permission));
    acl.grants.iter().filter_map(named).collect()
}

fn everyone(grant: &Grant) -> Option<&'static str> {
    let Grantee::Group(uri) = &grant.grantee else { return None };
    let mut groups = ["AllUsers", "AuthenticatedUsers"].into_iter();
    groups.find(|name| uri.ends_with(&format!("/global/{name}")))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Read, inventory::s3::PublicAccessBlock};

    use super::*;
    use crate::{
        s3::testing::{denied, open_bucket, with_bucket},
        testing::{assert_not_assessed, failures, only},
    };

    fn granting(group: &str, permission: &str) -> Bucket {
        let grantee = Grantee::Group(format!("http://acs.amazonaws.com/groups/{group}"));
        let grants = vec![Grant { grantee, permission: permission.to_owned() }];
        Bucket { acl: Read::Known(Acl { owner: None, grants }), ..open_bucket() }
    }

    #[test]
    fn an_acl_for_the_owner_alone_passes() {
        assert_eq!(only(&CHECK, &with_bucket(open_bucket())), Ok(Outcome::Pass));
    }

    #[test]
    fn each_public_grant_is_a_finding() {
        let mut bucket = granting("global/AllUsers", "READ");
        let more = granting("global/AuthenticatedUsers", "WRITE");
        if let (Read::Known(acl), Read::Known(more)) = (&mut bucket.acl, more.acl) {
            acl.grants.extend(more.grants);
        }
        let found = failures(&CHECK, &with_bucket(bucket));
        let expected = [
            "AllUsers READ: Grants is AllUsers has READ",
            "AuthenticatedUsers WRITE: Grants is AuthenticatedUsers has WRITE",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn log_delivery_is_not_the_public() {
        let account = with_bucket(granting("s3/LogDelivery", "WRITE"));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn ignored_and_disabled_acls_grant_nothing() {
        let public = || granting("global/AllUsers", "FULL_CONTROL");
        let enforced = Read::Known(Some("BucketOwnerEnforced".to_owned()));
        let disabled = Bucket { object_ownership: enforced, ..public() };
        assert_eq!(only(&CHECK, &with_bucket(disabled)), Ok(Outcome::Pass));
        let mut account = with_bucket(public());
        let ignoring = PublicAccessBlock { ignore_public_acls: true, ..Default::default() };
        account.s3.account_public_access_block = Read::Known(Some(ignoring));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn blocking_new_acls_leaves_old_ones_in_force() {
        let blocking = PublicAccessBlock { block_public_acls: true, ..Default::default() };
        let public_access_block = Read::Known(Some(blocking));
        let public = Bucket { public_access_block, ..granting("global/AllUsers", "READ") };
        assert_eq!(failures(&CHECK, &with_bucket(public)).len(), 1);
    }

    #[test]
    fn a_public_grant_is_open_while_its_shield_is_unread() {
        let call = &calls::s3::GET_PUBLIC_ACCESS_BLOCK;
        let public_access_block = denied(call);
        let unread = Bucket { public_access_block, ..granting("global/AllUsers", "READ") };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }

    #[test]
    fn an_unread_acl_is_not_assessed() {
        let call = &calls::s3::GET_BUCKET_ACL;
        let unread = Bucket { acl: denied(call), ..open_bucket() };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }
}
