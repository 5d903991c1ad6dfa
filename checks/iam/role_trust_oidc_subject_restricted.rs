use std::collections::BTreeMap;

use demarc_model::{
    Assessed, ControlType, Inventory, Layer, Outcome, Service, Severity, calls, declare_check,
    inventory::iam::Role,
    policy::{Audience, Bound, Trust},
};

use super::{
    principals::each_role,
    trusts::{admits, providers, trusts},
};

declare_check! {
    /// A role that trusts an OpenID Connect provider says whose tokens it accepts; one verdict for
    /// each provider. The audience (`aud`) alone is not enough: all tokens of GitHub Actions, or
    /// all service accounts of a Kubernetes cluster, share it. A wildcard in the subject (`sub`)
    /// is fine once the owner is named, as in `repo:example/*`. For providers that AWS knows by
    /// name, such as Amazon Cognito, the audience is the customer's own pool and suffices.
    ///
    /// ## Why it matters
    /// Anybody can have a repository at GitHub, and so a token that says GitHub vouches for it.
    /// Without a condition on the subject, any workflow in the world can take the role.
    ///
    /// ## Remediation
    /// ```json
    /// "Condition": {"StringEquals": {
    ///   "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
    ///   "token.actions.githubusercontent.com:sub": "repo:example/app:ref:refs/heads/main"}}
    /// ```
    /// ```sh
    /// aws iam update-assume-role-policy --role-name NAME --policy-document file://trust.json
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html>
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html>
    /// - <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>
    pub(super) static CHECK = {
        id: "iam.role-trust-oidc-subject-restricted",
        title: "roles for OpenID Connect name whose tokens they accept",
        service: Service::Iam,
        severity: Severity::High,
        layer: Layer::IdentityAccessManagement,
        control_type: ControlType::CustomerSpecific,
        resource: "AWS::IAM::Role",
        needs: &[&calls::iam::GET_ACCOUNT_AUTHORIZATION_DETAILS],
        evaluate: |inventory, findings| {
            each_role(inventory, findings, |role| evaluate(role, inventory));
        },
    }
}

fn evaluate(role: &Role, inventory: &Inventory) -> Assessed {
    let mut judged: BTreeMap<String, bool> = BTreeMap::new();
    for (trust, statement) in trusts(role, inventory)? {
        let of_trust: Vec<&str> = match &trust.audience {
            Audience::Federated(provider) => vec![provider],
            // A provider that serves everybody, with no condition that bounds it.
            Audience::Public => providers(statement).collect(),
            _ => Vec::new(),
        };
        for provider in
            of_trust.into_iter().filter(|provider| !provider.contains(":saml-provider/"))
        {
            let restricted = !trust.is_public() && names_subject(&trust, provider);
            *judged.entry(provider.to_owned()).or_insert(true) &= restricted;
        }
    }
    if judged.is_empty() {
        return Ok(Outcome::NotApplicable("the role trusts no OpenID Connect provider"));
    }
    let parts = judged.into_iter().map(|(provider, restricted)| {
        let outcome = Outcome::require(restricted, || {
            admits(format!("any token of {provider}"), "a condition on the subject (sub)")
        });
        (provider, Ok(outcome))
    });
    Ok(Outcome::Parts(parts.collect()))
}

fn names_subject(trust: &Trust, provider: &str) -> bool {
    let by_audience_alone = || {
        let mut bounds = trust.narrowed_by.iter().filter(|by| by.bound == Bound::Federation);
        bounds.all(|by| by.key.ends_with(":aud"))
    };
    trust.guards.subject && !(provider.contains(":oidc-provider/") && by_audience_alone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iam::{
            principals::DETAILS,
            testing::{role, trust, with_details, without_details},
        },
        testing::{assert_not_assessed, failures, only},
    };

    const GITHUB: &str =
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    const CLUSTER: &str =
        "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC";

    fn account_with(provider: &str, condition: &str) -> Inventory {
        let principal = format!(r#"{{"Federated": "{provider}"}}"#);
        let role = Role { trust: trust(&principal, condition), ..role("deploy") };
        with_details(|details| details.roles.push(role))
    }

    fn any_token_of(provider: &str) -> String {
        format!("{provider}: AssumeRolePolicyDocument.Statement is any token of {provider}")
    }

    #[test]
    fn a_repository_passes_and_so_does_an_owner() {
        for subject in ["repo:example/app:ref:refs/heads/main", "repo:example/*"] {
            let condition = format!(
                r#"{{"StringLike": {{"token.actions.githubusercontent.com:sub": "{subject}"}}}}"#
            );
            assert_eq!(only(&CHECK, &account_with(GITHUB, &condition)), Ok(Outcome::Pass));
        }
    }

    #[test]
    fn the_audience_alone_and_any_repository_are_everybody() {
        for vain in [
            "{}",
            r#"{"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}"#,
            r#"{"StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}}"#,
        ] {
            assert_eq!(failures(&CHECK, &account_with(GITHUB, vain)), [any_token_of(GITHUB)]);
        }
    }

    #[test]
    fn all_pods_of_a_cluster_share_its_audience() {
        let key = "oidc.eks.eu-central-1.amazonaws.com/id/ABC";
        let audience = format!(r#"{{"StringEquals": {{"{key}:aud": "sts.amazonaws.com"}}}}"#);
        assert_eq!(failures(&CHECK, &account_with(CLUSTER, &audience)), [any_token_of(CLUSTER)]);
        let pod =
            format!(r#"{{"StringEquals": {{"{key}:sub": "system:serviceaccount:web:app"}}}}"#);
        assert_eq!(only(&CHECK, &account_with(CLUSTER, &pod)), Ok(Outcome::Pass));
    }

    #[test]
    fn a_cognito_pool_is_ones_own() {
        let pool =
            r#"{"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-central-1:1-2-3"}}"#;
        let account = account_with("cognito-identity.amazonaws.com", pool);
        assert_eq!(only(&CHECK, &account), Ok(Outcome::Pass));
    }

    #[test]
    fn saml_is_not_openid_connect() {
        let account = account_with("arn:aws:iam::123456789012:saml-provider/corp", "{}");
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn denied_details_prove_nothing() {
        assert_not_assessed(&CHECK, &without_details(), DETAILS);
    }
}
