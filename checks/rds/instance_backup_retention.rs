use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::scope;

declare_check! {
    /// Automated backups with seven days or more to return to; a retention of 0 switches them off,
    /// and the API's default is a single day. A read replica is not asked for backups, and a
    /// cluster holds those of its members. Plans of AWS Backup are not counted here.
    ///
    /// ## Why it matters
    /// Damage is often noticed days later: a faulty release, a deletion by mistake, data that was
    /// encrypted for ransom. With shorter retention there is no sound state left to return to.
    ///
    /// ## Remediation
    /// ```sh
    /// aws rds modify-db-instance --db-instance-identifier NAME --backup-retention-period 7 --apply-immediately
    /// ```
    /// Going from 0 to another value restarts the instance.
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html>
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
    pub(super) static CHECK = {
        id: "rds.instance-backup-retention",
        title: "database instance keeps backups for a week",
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
    if instance.replica_source.is_some() {
        return Outcome::NotApplicable("a read replica; its source is what is backed up");
    }

    let days = instance.backup_retention_period;
    Outcome::require(days >= 7, || {
        let observed =
            if days == 0 { "0: no automated backups".to_owned() } else { days.to_string() };
        let expected = "7 days or more";
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, "BackupRetentionPeriod", observed, expected)
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
    fn a_week_is_enough() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn no_backups_fail() {
        let none = DbInstance { backup_retention_period: 0, ..instance("mysql", "8.0.36") };
        assert_fails(
            &CHECK,
            &with_instance(none),
            "BackupRetentionPeriod",
            "0: no automated backups",
        );
    }

    #[test]
    fn a_single_day_fails() {
        let short = DbInstance { backup_retention_period: 1, ..instance("mysql", "8.0.36") };
        assert_fails(&CHECK, &with_instance(short), "BackupRetentionPeriod", "1");
    }

    #[test]
    fn a_read_replica_is_backed_up_by_its_source() {
        let replica = DbInstance {
            backup_retention_period: 0,
            replica_source: Some("primary".to_owned()),
            ..instance("mysql", "8.0.36")
        };
        let verdict = only(&CHECK, &with_instance(replica));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_member_is_backed_up_by_its_cluster() {
        let short = DbInstance { backup_retention_period: 1, ..member("aurora-mysql", "8.0") };
        let verdict = only(&CHECK, &with_instance(short));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
