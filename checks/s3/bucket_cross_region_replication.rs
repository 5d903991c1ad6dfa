use std::sync::Arc;

use demarc_model::{
    Assessed, Cause, ControlType, Inventory, Layer, NotAssessed, Outcome, Service, Severity,
    Unread, calls, declare_check, inventory::s3::Bucket,
};

use super::targets::Targets;

declare_check! {
    /// An enabled replication rule whose destination lies in another region. A destination in the
    /// same region does not count. Where the destination belongs to another account, its region is
    /// not shown and the verdict stays open. A bucket that holds a replica of another one, in
    /// another region of the same account, need not be replicated again.
    ///
    /// ## Why it matters
    /// An outage of a region, or of an account's access to it, takes the only copy away.
    ///
    /// ## Remediation
    /// Both buckets need versioning:
    /// ```sh
    /// aws s3api put-bucket-replication --bucket NAME --replication-configuration file://replication.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html>
    pub(super) static CHECK = {
        id: "s3.bucket-cross-region-replication",
        title: "bucket has a replica in another region",
        service: Service::S3,
        severity: Severity::Low,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[&calls::s3::LIST_BUCKETS, &calls::s3::GET_BUCKET_REPLICATION],
        evaluate: |inventory, findings| {
            let replicas = Targets::of(inventory, |bucket| replicas_of(bucket, inventory));
            findings.each(&inventory.account, &inventory.s3.buckets, |bucket| {
                evaluate(bucket, inventory, &replicas)
            });
        },
    }
}

fn evaluate(bucket: &Bucket, inventory: &Inventory, replicas: &Targets) -> Assessed {
    let rules = bucket.replication.get()?;
    let mut same_region = false;
    let mut unread = None;
    for rule in rules.iter().filter(|rule| rule.enabled) {
        match is_elsewhere(bucket, &rule.destination, inventory) {
            Ok(true) => return Ok(Outcome::Pass),
            Ok(false) => same_region = true,
            Err(why) => unread = unread.or(Some(why)),
        }
    }
    if replicas.contain(bucket)? {
        return Ok(Outcome::NotApplicable("it holds the replica of a bucket in another region"));
    }
    if let Some(why) = unread {
        return Err(why);
    }
    let observed = match rules.as_slice() {
        [] => "no rules",
        _ if same_region => "destinations in the same region alone",
        _ => "all rules disabled",
    };
    let call = &calls::s3::GET_BUCKET_REPLICATION;
    Ok(Outcome::fail(call, "ReplicationConfiguration", observed, "a destination in another region"))
}

/// Whether a destination of the bucket lies in another region.
fn is_elsewhere(bucket: &Bucket, arn: &str, inventory: &Inventory) -> Result<bool, Unread> {
    match inventory.s3.buckets.find(|other| *other.subject.arn == *arn)? {
        Some(other) => Ok(other.subject.region != bucket.subject.region),
        None => Err(Arc::new(NotAssessed {
            call: &calls::s3::GET_BUCKET_REPLICATION,
            cause: Cause::NotShown { what: format!("the region of {arn}") },
        })),
    }
}

/// Names of the account's buckets in other regions to which this one replicates.
fn replicas_of(bucket: &Bucket, inventory: &Inventory) -> Result<Vec<String>, Unread> {
    let rules = bucket.replication.get()?;
    let named = |arn: &str| inventory.s3.buckets.seen().iter().find(|b| *b.subject.arn == *arn);
    Ok(rules
        .iter()
        .filter(|rule| rule.enabled)
        .filter_map(|rule| named(&rule.destination))
        .filter(|other| other.subject.region != bucket.subject.region)
        .map(|other| other.subject.name.to_string())
        .collect())
}

#[cfg(test)]
mod tests {
    use demarc_model::Read;

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, with_buckets},
        testing::{REGION, assert_not_assessed, failures, run},
    };

    fn unreplicated(name: &str, region: &str) -> Bucket {
        let subject = Bucket::named("aws", name, &Arc::from(region)).subject;
        Bucket { subject, replication: Read::Known(Vec::new()), ..bucket(name) }
    }

    fn verdict_of(name: &str, account: &Inventory) -> Assessed {
        let found = run(&CHECK, account).into_iter().find(|each| &*each.subject.name == name);
        found.expect("the bucket was judged").assessed
    }

    #[test]
    fn a_replica_in_another_region_passes_and_is_left_alone_itself() {
        let account = with_buckets(vec![bucket("logs"), unreplicated("vault", "eu-west-1")]);
        assert_eq!(verdict_of("logs", &account), Ok(Outcome::Pass));
        let vault = verdict_of("vault", &account);
        assert!(matches!(vault, Ok(Outcome::NotApplicable(_))), "{vault:?}");
    }

    #[test]
    fn a_copy_in_the_same_region_is_not_enough() {
        let account = with_buckets(vec![bucket("logs"), unreplicated("vault", REGION)]);
        let observed = failures(&CHECK, &account);
        let field = "ReplicationConfiguration";
        let expected = [
            format!("logs: {field} is destinations in the same region alone"),
            format!("vault: {field} is no rules"),
        ];
        assert_eq!(observed, expected);
    }

    #[test]
    fn a_destination_of_another_account_keeps_its_region_to_itself() {
        let why = verdict_of("logs", &with_buckets(vec![bucket("logs")])).expect_err("open");
        let what = "the region of arn:aws:s3:::vault".to_owned();
        assert_eq!(why.cause, Cause::NotShown { what });
    }

    #[test]
    fn a_disabled_rule_copies_nothing() {
        let mut idle = bucket("logs");
        if let Read::Known(rules) = &mut idle.replication {
            rules[0].enabled = false;
        }
        let account = with_buckets(vec![idle]);
        let found = failures(&CHECK, &account);
        assert_eq!(found, ["logs: ReplicationConfiguration is all rules disabled"]);
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let call = &calls::s3::GET_BUCKET_REPLICATION;
        let unread = Bucket { replication: denied(call), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_buckets(vec![unread]), call);
    }
}
