use demarc_model::{
    ControlType, Evidence, Layer, Outcome, Service, Severity, calls::rds as calls, declare_check,
    inventory::rds::DbInstance,
};

use super::scope;

declare_check! {
    /// The console proposes `admin`, or `postgres` for PostgreSQL. Case does not matter: Oracle
    /// folds names. A read replica has the users of its source, and a cluster holds the name for
    /// its members.
    ///
    /// ## Why it matters
    /// Half of a guessed login is right when the name is the default one, and lists of passwords
    /// are tried against exactly these names.
    ///
    /// ## Remediation
    /// The name cannot be changed: create an instance with another one and move the data over.
    /// ```sh
    /// aws rds create-db-instance --db-instance-identifier NEW --master-username NAME \
    ///   --manage-master-user-password --engine postgres --db-instance-class db.t4g.medium --allocated-storage 100
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>
    pub(super) static CHECK = {
        id: "rds.instance-custom-admin-name",
        title: "database instance has no default administrator name",
        service: Service::Rds,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::RDS::DBInstance",
        needs: &[&calls::DESCRIBE_DB_INSTANCES],
        evaluate: |inventory, findings| {
            scope::standalone_instances(inventory, findings, |_, instance| Ok(evaluate(instance)));
        },
    }
}

fn evaluate(instance: &DbInstance) -> Outcome {
    if instance.replica_source.is_some() {
        return Outcome::NotApplicable("a replica has the users of its source");
    }
    let name = instance.master_username.to_ascii_lowercase();
    Outcome::require(!matches!(name.as_str(), "admin" | "postgres"), || {
        Evidence::new(&calls::DESCRIBE_DB_INSTANCES, "MasterUsername", name, "a name of its own")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rds::testing::{denied_instances, instance, with_instance},
        testing::{assert_fails, assert_not_assessed, only},
    };

    #[test]
    fn a_name_of_its_own_passes() {
        assert_eq!(only(&CHECK, &with_instance(instance("postgres", "16.3"))), Ok(Outcome::Pass));
    }

    #[test]
    fn the_default_name_fails() {
        let guessable =
            DbInstance { master_username: "postgres".to_owned(), ..instance("postgres", "16.3") };
        assert_fails(&CHECK, &with_instance(guessable), "MasterUsername", "postgres");
    }

    #[test]
    fn case_does_not_hide_it() {
        let guessable =
            DbInstance { master_username: "ADMIN".to_owned(), ..instance("oracle-ee", "19.0") };
        assert_fails(&CHECK, &with_instance(guessable), "MasterUsername", "admin");
    }

    #[test]
    fn a_read_replica_has_the_users_of_its_source() {
        let replica = DbInstance {
            master_username: "admin".to_owned(),
            replica_source: Some("primary".to_owned()),
            ..instance("mysql", "8.0.36")
        };
        let verdict = only(&CHECK, &with_instance(replica));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn a_denied_listing_is_not_an_empty_region() {
        assert_not_assessed(&CHECK, &denied_instances(), &calls::DESCRIBE_DB_INSTANCES);
    }
}
