use demarc_model::{
    Assessed, ControlType, Evidence, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::s3::Bucket,
};

declare_check! {
    /// Where versioning is on, or was and is suspended, an enabled lifecycle rule must expire or
    /// move noncurrent versions. Rules for current objects alone leave a version behind for each
    /// one that they expire.
    ///
    /// ## Why it matters
    /// Deleting an object under versioning only hides it. Without such a rule every version stays,
    /// with what was meant to be deleted in it, and adds to the bill.
    ///
    /// ## Remediation
    /// ```sh
    /// aws s3api put-bucket-lifecycle-configuration --bucket NAME --lifecycle-configuration \
    ///   '{"Rules":[{"ID":"old-versions","Status":"Enabled","Filter":{},"NoncurrentVersionExpiration":{"NoncurrentDays":90}}]}'
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>
    pub(super) static CHECK = {
        id: "s3.versioned-bucket-lifecycle",
        title: "bucket with versions ends the old ones",
        service: Service::S3,
        severity: Severity::Medium,
        layer: Layer::CustomerData,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::S3::Bucket",
        needs: &[
            &calls::s3::LIST_BUCKETS,
            &calls::s3::GET_BUCKET_VERSIONING,
            &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION,
        ],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, evaluate);
        },
    }
}

fn evaluate(bucket: &Bucket) -> Assessed {
    let versioning = bucket.versioning.get()?;
    if !versioning.enabled && !versioning.suspended {
        return Ok(Outcome::NotApplicable("it has no versions"));
    }
    let rules = bucket.lifecycle_rules.get()?;
    let covered = rules.iter().any(|rule| rule.enabled && rule.noncurrent);
    Ok(Outcome::require(covered, || {
        let call = &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION;
        Evidence::new(call, "Rules", "none for noncurrent versions", "one for noncurrent versions")
    }))
}

#[cfg(test)]
mod tests {
    use demarc_model::{
        Read,
        inventory::s3::{LifecycleRule, Versioning},
    };

    use super::*;
    use crate::{
        s3::testing::{bucket, denied, with_bucket},
        testing::{assert_fails, assert_not_assessed, only},
    };

    const CURRENT_ONLY: LifecycleRule =
        LifecycleRule { id: None, enabled: true, noncurrent: false };

    #[test]
    fn a_sound_bucket_passes() {
        assert_eq!(only(&CHECK, &with_bucket(bucket("logs"))), Ok(Outcome::Pass));
    }

    #[test]
    fn a_rule_for_current_objects_is_not_enough() {
        let rules = Read::Known(vec![CURRENT_ONLY]);
        let piling_up = Bucket { lifecycle_rules: rules, ..bucket("logs") };
        assert_fails(&CHECK, &with_bucket(piling_up), "Rules", "none for noncurrent versions");
    }

    #[test]
    fn a_bucket_without_versions_is_left_alone() {
        let versioning = Read::Known(Versioning::default());
        let plain =
            Bucket { versioning, lifecycle_rules: Read::Known(Vec::new()), ..bucket("logs") };
        let verdict = only(&CHECK, &with_bucket(plain));
        assert!(matches!(verdict, Ok(Outcome::NotApplicable(_))), "{verdict:?}");
    }

    #[test]
    fn suspended_versioning_has_versions_to_end() {
        let versioning = Versioning { suspended: true, ..Versioning::default() };
        let paused = Bucket {
            versioning: Read::Known(versioning),
            lifecycle_rules: Read::Known(Vec::new()),
            ..bucket("logs")
        };
        assert_fails(&CHECK, &with_bucket(paused), "Rules", "none for noncurrent versions");
    }

    #[test]
    fn a_denial_is_not_an_answer() {
        let unread =
            Bucket { versioning: denied(&calls::s3::GET_BUCKET_VERSIONING), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), &calls::s3::GET_BUCKET_VERSIONING);
    }
}
