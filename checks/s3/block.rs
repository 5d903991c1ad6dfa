//! Block Public Access as it is in force: of the bucket and of the account, flag by flag.

use demarc_model::{
    Inventory, Unread,
    inventory::s3::{Bucket, PublicAccessBlock},
};

/// Whether a flag is on in either scope. One scope that sets it settles it; that it is off takes
/// both (S3 User Guide, "Blocking public access to your Amazon S3 storage").
pub(super) fn is_on(
    flag: impl Fn(PublicAccessBlock) -> bool,
    bucket: &Bucket,
    inventory: &Inventory,
) -> Result<bool, Unread> {
    let on = |block: &Option<PublicAccessBlock>| block.is_some_and(&flag);
    let scopes = [&bucket.public_access_block, &inventory.s3.account_public_access_block];
    if scopes.iter().any(|scope| scope.is_known_and(on)) {
        return Ok(true);
    }
    for scope in scopes {
        scope.get()?;
    }
    Ok(false)
}
