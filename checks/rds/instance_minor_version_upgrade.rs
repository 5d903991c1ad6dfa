use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::{
    engine::{is_aurora, is_custom},
    scope,
};

declare_check! {
    /// With automatic minor version upgrades RDS applies the versions it prefers, in the
    /// maintenance window. Aurora holds the setting for each instance, and upgrades a cluster only
    /// when all its members have it; members of a Multi-AZ DB cluster take it from the cluster.
    /// RDS Custom must have it off: there patching the engine is the customer's.
    ///
    /// ## Why it matters
    /// Minor versions are where engines fix their security flaws. Left to hand, they wait.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --auto-minor-version-upgrade --apply-immediately
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.VersionPolicy.html>
    pub(super) static CHECK = {
        id: "rds.instance-minor-version-upgrade",
        title: "database instance takes minor versions by itself",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::Platform,
        control_type: ControlType::SharedPatchManagement,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    if is_custom(&instance.engine) {
        return Outcome::NotApplicable("RDS Custom leaves the engine's patches to the customer");
    }
    if instance.is_cluster_member() && !is_aurora(&instance.engine) {
        return Outcome::NotApplicable("the Multi-AZ DB cluster that it belongs to decides this");
    }
    Outcome::require(instance.auto_minor_version_upgrade, || {
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, "AutoMinorVersionUpgrade", "false", "true")
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
    fn automatic_upgrades_pass() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn upgrades_by_hand_fail() {
        let manual =
            DbInstance { auto_minor_version_upgrade: false, ..instance("mysql", "8.0.36") };
        assert_fails(&CHECK, &with_instance(manual), "AutoMinorVersionUpgrade", "false");
    }

    #[test]
    fn an_aurora_member_holds_the_setting_itself() {
        let manual =
            DbInstance { auto_minor_version_upgrade: false, ..member("aurora-mysql", "8.0") };
        assert_fails(&CHECK, &with_instance(manual), "AutoMinorVersionUpgrade", "false");
    }

    #[test]
    fn a_member_of_a_multi_az_db_cluster_follows_it() {
        let manual = DbInstance { auto_minor_version_upgrade: false, ..member("mysql", "8.0.36") };
        let verdict = only(&CHECK, &with_instance(manual));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn rds_custom_forbids_automatic_upgrades() {
        let custom = DbInstance {
            auto_minor_version_upgrade: false,
            ..instance("custom-oracle-ee", "19.1")
        };
        let verdict = only(&CHECK, &with_instance(custom));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
