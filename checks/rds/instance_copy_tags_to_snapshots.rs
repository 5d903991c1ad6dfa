use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::scope;

declare_check! {
    /// With `CopyTagsToSnapshot`, snapshots carry the tags that the instance had. Members of a
    /// cluster have no such setting of their own: what they show has no effect.
    ///
    /// ## Why it matters
    /// Access rules, cost reports and clean-up jobs that go by tags miss snapshots without them:
    /// an unlabelled copy of production data is the one nobody guards.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --copy-tags-to-snapshot --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-copy-tags-to-snapshots",
        title: "database instance passes its tags on to snapshots",
        service: Service::Rds,
        severity: Severity::Low,
        layer: Layer::Platform,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    Outcome::require(instance.copy_tags_to_snapshot, || {
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, "CopyTagsToSnapshot", "false", "true")
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
    fn copied_tags_pass() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn tags_left_behind_fail() {
        let bare = DbInstance { copy_tags_to_snapshot: false, ..instance("mysql", "8.0.36") };
        assert_fails(&CHECK, &with_instance(bare), "CopyTagsToSnapshot", "false");
    }

    #[test]
    fn the_setting_of_a_member_has_no_effect() {
        let bare = DbInstance { copy_tags_to_snapshot: false, ..member("aurora-mysql", "8.0") };
        let verdict = only(&CHECK, &with_instance(bare));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
