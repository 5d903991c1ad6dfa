use demarc_model::{
    ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    policy::{Condition, Decision, Pattern, Policy, Scope, SetOperator, Statement, Test},
};

use super::documents::{each_lesser_document, grants};

declare_check! {
    /// No policy of the customer's allows decrypting with every KMS key (`kms:Decrypt`,
    /// `kms:ReEncryptFrom`), be it `*` or `key/*` of an account or region. A condition excuses it
    /// only if it picks keys or their use: `kms:ViaService`, `kms:ResourceAliases`, an encryption
    /// context or the key's tags; MFA or an address does not. Judged are customer managed policies
    /// and inline policies; those that grant everything are left to `iam.managed-policy-no-admin`
    /// and `iam.inline-policy-no-admin`.
    ///
    /// ## Why it matters
    /// A key's own policy usually leaves access to IAM policies, so that this one opens every
    /// secret, disk, database and backup whose ciphertext can be reached, those of other teams
    /// included.
    ///
    /// ## Remediation
    /// Name the keys, or demand the service through which they are used:
    /// ```sh
    /// aws iam create-policy-version --policy-arn ARN --policy-document file://policy.json \
    ///   --set-as-default
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/kms/latest/developerguide/iam-policies-best-practices.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html>
    pub(super) static CHECK = {
        id: "iam.policy-no-kms-decrypt-all",
        title: "policies do not allow decrypting with every key",
        service: Service::Iam,
        severity: Severity::Medium,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::ManagedPolicy",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_lesser_document(inventory, findings, |policy| evaluate(policy, inventory));
        },
    }
}

fn evaluate(policy: &Policy, inventory: &Inventory) -> Outcome {
    let keys = format!("arn:{}:kms:*:{}:key/*", inventory.partition, inventory.account_id);
    let every_key = Pattern::exact_case(&keys);
    let decrypts = |action: &&str| {
        policy.allows(action, &keys) != Decision::Denied
            && policy.statements.iter().any(|statement| {
                statement.is_allow()
                    && statement.matches_action(action)
                    && is_every_key(statement, &every_key)
                    && !statement.conditions.iter().any(picks_keys)
            })
    };
    let actions: Vec<_> =
        ["kms:Decrypt", "kms:ReEncryptFrom"].into_iter().filter(decrypts).collect();
    Outcome::require(actions.is_empty(), || {
        let observed = format!("{} with every key", actions.join(", "));
        grants(observed, "named keys, or a condition that picks them")
    })
}

fn is_every_key(statement: &Statement, every_key: &Pattern) -> bool {
    let Some(scope) = &statement.resources else { return true };
    // `arn:aws:kms:eu-central-1:123456789012:key/*` has every key of a region.
    let of_a_region = |pattern: &Pattern| {
        let parts: Vec<_> = pattern.as_str().splitn(6, ':').collect();
        matches!(parts.as_slice(), [_, _, "kms", _, _, "key/*" | "*"])
    };
    scope.covers(every_key)
        || matches!(scope, Scope::Only(patterns) if patterns.iter().any(of_a_region))
}

/// A positive comparison, which a request without the key fails, of what tells keys or their use
/// apart.
fn picks_keys(condition: &Condition) -> bool {
    let key = condition.key.to_ascii_lowercase();
    let tells = ["kms:viaservice", "kms:resourcealiases", "kms:requestalias"].contains(&&*key)
        || key.starts_with("kms:encryptioncontext")
        || key.starts_with("aws:resourcetag/");
    tells
        && !condition.operator.if_exists
        && condition.operator.set != Some(SetOperator::ForAllValues)
        && matches!(
            condition.operator.test,
            Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike
        )
        && !condition.values.iter().any(|value| &**value == "*")
}

#[cfg(test)]
mod tests {
    use demarc_model::inventory::iam::ManagedPolicy;

    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{allow, allow_if, document, managed, with_details, without_details},
        },
        testing::{assert_fails, assert_not_assessed, only},
    };

    const FIELD: &str = "PolicyDocument.Statement";

    fn account_with(policy: ManagedPolicy) -> Inventory {
        with_details(|details| details.policies.push(policy))
    }

    #[test]
    fn every_key_fails_by_star_by_account_and_by_region() {
        let keys = [
            "*",
            "arn:aws:kms:*:123456789012:key/*",
            "arn:aws:kms:eu-central-1:123456789012:key/*",
        ];
        for keys in keys {
            let account = account_with(managed("read", allow(r#""kms:Decrypt""#, keys)));
            assert_fails(&CHECK, &account, FIELD, "kms:Decrypt with every key");
        }
    }

    #[test]
    fn a_named_key_passes_and_so_does_encrypting() {
        let key = "arn:aws:kms:eu-central-1:123456789012:key/1234";
        let account = account_with(managed("one", allow(r#""kms:*""#, key)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        let account = account_with(managed("put", allow(r#""kms:GenerateDataKey*""#, "*")));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn a_condition_excuses_only_if_it_picks_keys() {
        let via = r#"{"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}"#;
        let account = account_with(managed("s3", allow_if(r#""kms:Decrypt""#, "*", via)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
        for vain in [
            r#"{"Bool": {"aws:SecureTransport": "true"}}"#,
            r#"{"StringEqualsIfExists": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}"#,
        ] {
            let account = account_with(managed("any", allow_if(r#""kms:Decrypt""#, "*", vain)));
            assert_fails(&CHECK, &account, FIELD, "kms:Decrypt with every key");
        }
    }

    #[test]
    fn a_deny_takes_it_back() {
        let json = r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Action": ["kms:Decrypt", "kms:ReEncrypt*"], "Resource": "*"}]}"#;
        let account = account_with(managed("closed", document(json)));
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
