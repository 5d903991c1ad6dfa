use std::collections::{BTreeMap, BTreeSet};

use demarc_model::{
    Assessed, ControlType, Evidence, Inventory, Layer, Outcome, Service, Severity, calls,
    declare_check,
    inventory::s3::Bucket,
    policy::{Audience, Owner},
};

declare_check! {
    /// A finding for each account, organization or canonical user that the bucket policy names
    /// besides the owner. The owner's own canonical user, which the ACL tells, is not another
    /// account. Neither are the accounts from which AWS delivers load balancers' logs, as long as
    /// they may only put objects. The public is `s3.bucket-policy-not-public`; services of AWS are
    /// not counted.
    ///
    /// ## Why it matters
    /// Whoever runs the other account decides who uses the grant, and whether their credentials
    /// leak. Grants outlive the projects they were made for.
    ///
    /// ## Remediation
    /// Take the principal out, or keep it and suppress the finding with the reason:
    /// ```sh
    /// aws s3api get-bucket-policy --bucket NAME --query Policy --output text > policy.json
    /// aws s3api put-bucket-policy --bucket NAME --policy file://policy.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html>
    /// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html>
    /// - <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html>
    pub(super) static CHECK = {
        id: "s3.bucket-policy-no-cross-account",
        title: "bucket policy lets no other account in",
        service: Service::S3,
        severity: Severity::High,
        layer: Layer::CustomerData,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::S3::Bucket",
        needs: &[
            &calls::s3::LIST_BUCKETS,
            &calls::s3::GET_BUCKET_POLICY,
            &calls::s3::GET_BUCKET_ACL,
        ],
        evaluate: |inventory, findings| {
            findings.each(&inventory.account, &inventory.s3.buckets, |bucket| {
                evaluate(bucket, inventory)
            });
        },
    }
}

/// Accounts of Elastic Load Balancing, by region (Elastic Load Balancing, "Enable access logs for
/// your Application Load Balancer").
const LOAD_BALANCERS: [&str; 26] = [
    "009996457667",
    "027434742980",
    "033677994240",
    "037604701340",
    "048591011584",
    "054676820928",
    "076674570225",
    "098369216593",
    "114774131450",
    "127311923021",
    "156460612806",
    "190560391635",
    "383597477331",
    "507241528517",
    "582318560864",
    "589379963580",
    "600734575887",
    "635631232127",
    "638102146993",
    "652711504416",
    "718504428378",
    "754344448648",
    "783225319266",
    "797873946194",
    "897822967062",
    "985666609251",
];

fn evaluate(bucket: &Bucket, inventory: &Inventory) -> Assessed {
    let owner = Owner { account: &inventory.account_id, partition: &inventory.partition };
    let Some(policy) = bucket.policy.get()? else { return Ok(Outcome::Pass) };
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for exposure in policy.cross_account(owner) {
        let actions = exposure.actions();
        let name = match &exposure.audience {
            Audience::Account(id) if is_log_delivery(id, &actions) => continue,
            Audience::Account(id) => format!("account {id}"),
            Audience::Organization(id) => format!("organization {id}"),
            Audience::CanonicalUser(id) if bucket.acl.get()?.owner.as_deref() == Some(id) => {
                continue;
            }
            Audience::CanonicalUser(id) => format!("canonical user {id}"),
            _ => continue,
        };
        found.entry(name).or_default().extend(actions);
    }
    Ok(Outcome::failing_parts(found.into_iter().map(|(name, actions)| {
        let actions: Vec<String> = actions.into_iter().collect();
        let observed = format!("{name} may {}", actions.join(", "));
        let call = &calls::s3::GET_BUCKET_POLICY;
        (name, Evidence::new(call, "Policy", observed, "no other account"))
    })))
}

fn is_log_delivery(account: &str, actions: &[String]) -> bool {
    LOAD_BALANCERS.contains(&account)
        && actions.iter().all(|action| action.eq_ignore_ascii_case("s3:PutObject"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        s3::testing::{bucket, denied, policy, with_bucket},
        testing::{assert_not_assessed, failures, only},
    };

    fn granting(principal: &str, action: &str) -> Bucket {
        let statement = format!(
            r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "{action}",
                "Resource": "arn:aws:s3:::logs/*"}}"#
        );
        Bucket { policy: policy(&statement), ..bucket("logs") }
    }

    #[test]
    fn the_own_account_is_not_another_one() {
        let own = granting(r#"{"AWS": "arn:aws:iam::123456789012:role/reader"}"#, "s3:GetObject");
        assert_eq!(only(&CHECK, &with_bucket(own)), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &with_bucket(bucket("logs"))), Ok(Outcome::Pass));
    }

    #[test]
    fn each_account_is_a_finding() {
        let two = r#"{"AWS": ["210987654321", "arn:aws:iam::111122223333:role/etl"]}"#;
        let found = failures(&CHECK, &with_bucket(granting(two, "s3:GetObject")));
        let expected = [
            "account 111122223333: Policy is account 111122223333 may s3:GetObject",
            "account 210987654321: Policy is account 210987654321 may s3:GetObject",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn delivering_the_load_balancers_logs_is_no_finding() {
        let principal = r#"{"AWS": "arn:aws:iam::054676820928:root"}"#;
        let delivering = granting(principal, "s3:PutObject");
        assert_eq!(only(&CHECK, &with_bucket(delivering)), Ok(Outcome::Pass));
        let reading = granting(principal, "s3:GetObject");
        assert_eq!(failures(&CHECK, &with_bucket(reading)).len(), 1);
    }

    #[test]
    fn the_owners_canonical_user_is_not_another_account() {
        let own = granting(r#"{"CanonicalUser": "0wner"}"#, "s3:GetObject");
        assert_eq!(only(&CHECK, &with_bucket(own)), Ok(Outcome::Pass));
        let call = &calls::s3::GET_BUCKET_ACL;
        let own = granting(r#"{"CanonicalUser": "0wner"}"#, "s3:GetObject");
        let unread = Bucket { acl: denied(call), ..own };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }

    #[test]
    fn an_unread_policy_is_not_an_absent_one() {
        let call = &calls::s3::GET_BUCKET_POLICY;
        let unread = Bucket { policy: denied(call), ..bucket("logs") };
        assert_not_assessed(&CHECK, &with_bucket(unread), call);
    }
}
