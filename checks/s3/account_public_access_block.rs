use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
};

declare_check! {
    /// The four flags for the whole account, which hold for every bucket and access point in every
    /// region, also those made later. An account without the configuration blocks nothing.
    ///
    /// ## Why it matters
    /// Settings of a bucket guard that bucket only. The account's stop the next one from being
    /// made public by mistake.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3control put-public-access-block --account-id ACCOUNT --public-access-block-configuration \
    ///   BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
    /// ```
    /// Check first that no website or cross-account reader depends on public access.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-account.html>
    pub(super) static CHECK = {
        id: "s3.account-public-access-block",
        title: "account blocks all public access to S3",
        service: Service::S3,
        severity: Severity::High,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::::Account",
        needs: &[&calls::s3control::GET_PUBLIC_ACCESS_BLOCK],
        evaluate: |inventory, findings| findings.one(&inventory.account, evaluate(inventory)),
    }
}

fn evaluate(inventory: &Inventory) -> Assessed {
    let block = inventory.s3.account_public_access_block.get()?;
    let off: Vec<_> = block.unwrap_or_default().off().collect();
    Ok(Outcome::require(off.is_empty(), || {
        let observed = if block.is_none() {
            "no configuration".to_owned()
        } else {
            format!("{} off", off.join(", "))
        };
        let field = "PublicAccessBlockConfiguration";
        let call = &calls::s3control::GET_PUBLIC_ACCESS_BLOCK;
        Evidence::new(call, field, observed, "all four flags on")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Read, inventory::s3::PublicAccessBlock};

    use super::*;
    use crate::testing::{assert_fails, assert_not_assessed, inventory, only};

    fn account(block: Read<Option<PublicAccessBlock>>) -> Inventory {
        let mut inventory = inventory();
        inventory.s3.account_public_access_block = block;
        inventory
    }

    #[test]
    fn four_flags_pass() {
        let all = Read::Known(Some(PublicAccessBlock::ALL));
        assert_eq!(only(&CHECK, &account(all)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_flag_that_is_off_is_named() {
        let three = PublicAccessBlock { block_public_policy: false, ..PublicAccessBlock::ALL };
        let field = "PublicAccessBlockConfiguration";
        assert_fails(&CHECK, &account(Read::Known(Some(three))), field, "BlockPublicPolicy off");
    }

    #[test]
    fn no_configuration_blocks_nothing() {
        let field = "PublicAccessBlockConfiguration";
        assert_fails(&CHECK, &account(Read::Known(None)), field, "no configuration");
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let call = &calls::s3control::GET_PUBLIC_ACCESS_BLOCK;
        assert_not_assessed(&CHECK, &account(Read::denied(call, "AccessDenied")), call);
    }
}
