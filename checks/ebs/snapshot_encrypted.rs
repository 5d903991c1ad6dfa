use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Snapshot,
};

declare_check! {
    /// A snapshot that the account owns is encrypted. One that failed (`error`) holds nothing
    /// and is not judged.
    ///
    /// ## Why it matters
    /// An unencrypted snapshot can be shared, made public and turned into a volume without any
    /// key's consent.
    ///
    /// ## Remediation
    /// Copy it with encryption, move to the copy and delete the old one:
    /// ```sh
    /// aws ec2 copy-snapshot --source-snapshot-id SNAPSHOT --source-region REGION --encrypted --kms-key-id KEY
    /// aws ec2 delete-snapshot --snapshot-id SNAPSHOT
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html>
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html>
    pub(super) static CHECK = {
        id: "ebs.snapshot-encrypted",
        title: "EBS snapshot is encrypted",
        service: Service::Ebs,
        severity: Severity::High,
        layer: Layer::ServerSideEncryption,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::Snapshot",
        needs: &[&calls::ec2::DESCRIBE_SNAPSHOTS],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ebs.snapshots, |_, resource| Ok(evaluate(resource)));
        },
    }
}

fn evaluate(snapshot: &Snapshot) -> Outcome {
    if snapshot.state == "error" {
        return Outcome::NotApplicable("the snapshot failed");
    }
    Outcome::require(snapshot.encrypted, || {
        Evidence::new(&calls::ec2::DESCRIBE_SNAPSHOTS, "Encrypted", "false", "true")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::snapshot,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(snapshot: Snapshot) -> Inventory {
        with_region(|region| region.ebs.snapshots = Listing::complete(vec![snapshot]))
    }

    #[test]
    fn an_encrypted_snapshot_passes_and_a_plain_one_fails() {
        let encrypted = Snapshot { encrypted: true, ..snapshot() };
        assert_eq!(only(&CHECK, &account(encrypted)), Ok(Outcome::Pass));
        assert_fails(&CHECK, &account(snapshot()), "Encrypted", "false");
    }

    #[test]
    fn one_in_the_making_is_judged_and_one_that_failed_is_not() {
        let state = |state: &str| Snapshot { state: state.to_owned(), ..snapshot() };
        assert_fails(&CHECK, &account(state("pending")), "Encrypted", "false");
        let verdict = only(&CHECK, &account(state("error")));
        assert_eq!(verdict, Ok(Outcome::NotApplicable("the snapshot failed")));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_SNAPSHOTS;
        let account = with_region(|region| {
            region.ebs.snapshots = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
