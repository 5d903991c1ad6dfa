use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::scope;

declare_check! {
    /// With deletion protection, deleting takes two calls: the first one takes the protection off.
    /// Members of a cluster can be deleted without harm to its data; their cluster has
    /// `rds.cluster-deletion-protection`.
    ///
    /// ## Why it matters
    /// A script with the wrong name, or a stolen credential, deletes the database and its
    /// automated backups with one call.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --deletion-protection --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-deletion-protection",
        title: "database instance cannot be deleted by one call",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    Outcome::require(instance.deletion_protection, || {
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, "DeletionProtection", "false", "true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{denied_instances, instance, member, with_instance},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn a_protected_instance_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn an_unprotected_one_fails() {
        let bare = DbInstance { deletion_protection: false, ..instance("mysql", "8.0.36") };
        assert_fails(&CHECK, &with_instance(bare), "DeletionProtection", "false");
    }

    #[test]
    fn members_hold_no_data_of_their_own() {
        let bare = DbInstance { deletion_protection: false, ..member("aurora-mysql", "8.0") };
        let verdict = only(&CHECK, &with_instance(bare));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
