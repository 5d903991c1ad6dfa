use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::ec2::Volume,
};

declare_check! {
    /// A volume is attached to an instance. Volumes being created or deleted are not judged.
    ///
    /// ## Why it matters
    /// A detached volume holds the data of a machine that is gone, and nobody looks after it.
    /// Who may attach volumes can read it.
    ///
    /// ## Remediation
    /// Keep a snapshot if the data is needed, then delete the volume:
    /// ```sh
    /// aws ec2 create-snapshot --volume-id VOLUME
    /// aws ec2 delete-volume --volume-id VOLUME
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volumes.html>
    /// - <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-deleting-volume.html>
    pub(super) static CHECK = {
        id: "ebs.volume-attached",
        title: "EBS volume is attached",
        service: Service::Ebs,
        severity: Severity::Low,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::EC2::Volume",
        needs: &[&calls::ec2::DESCRIBE_VOLUMES],
        evaluate: |inventory, findings| {
            findings.each_region(inventory, |region| &region.ebs.volumes, |_, resource| Ok(evaluate(resource)));
        },
    }
}

fn evaluate(volume: &Volume) -> Outcome {
    if volume.is_going() || volume.state == "creating" {
        return Outcome::NotApplicable("the volume is being created or deleted");
    }
    Outcome::require(!volume.instance_ids.is_empty(), || {
        let call = &calls::ec2::DESCRIBE_VOLUMES;
        Evidence::new(call, "Attachments", "none", "an instance, or no volume")
    })
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::volume,
        testing::{assert_fails, assert_not_assessed, only, with_region},
    };

    fn account(volume: Volume) -> Inventory {
        with_region(|region| region.ebs.volumes = Listing::complete(vec![volume]))
    }

    #[test]
    fn an_attached_volume_passes_and_a_detached_one_fails() {
        assert_eq!(only(&CHECK, &account(volume())), Ok(Outcome::Pass));
        let detached = Volume { state: "available".to_owned(), instance_ids: vec![], ..volume() };
        assert_fails(&CHECK, &account(detached), "Attachments", "none");
    }

    #[test]
    fn a_volume_in_the_making_is_not_judged() {
        let making = Volume { state: "creating".to_owned(), instance_ids: vec![], ..volume() };
        assert!(matches!(only(&CHECK, &account(making)), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VOLUMES;
        let account = with_region(|region| {
            region.ebs.volumes = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
