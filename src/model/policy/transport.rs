//! Proofs that a resource policy refuses plain HTTP and old TLS.

use super::{Pattern, Policy, Statement, Test};

impl Policy {
    /// Whether every action of `service` (`s3`) is denied to everybody who comes without TLS, on
    /// each of `resources`. For a bucket these are its ARN and its ARN with `/*`; the two may be
    /// denied in different statements.
    ///
    /// Rests on S3's page "Security best practices for Amazon S3" (HTTPS only): a Deny with
    /// `Bool aws:SecureTransport false`. The key is present in every request, so `BoolIfExists`
    /// and the set operators come to the same. Any further condition lets some plain requests
    /// through, and an Allow that demands TLS does not stop what an identity policy allows:
    /// neither is enough.
    pub fn denies_insecure_transport(&self, service: &str, resources: &[&str]) -> bool {
        self.denies_everybody(service, resources, &|statement| {
            let [condition] = &statement.conditions[..] else { return false };
            let refused = match condition.operator.test {
                Test::Bool
                | Test::StringEquals
                | Test::StringEqualsIgnoreCase
                | Test::StringLike => condition.only_value("false"),
                Test::StringNotEquals | Test::StringNotEqualsIgnoreCase | Test::StringNotLike => {
                    condition.only_value("true")
                }
                _ => false,
            };
            condition.is_key("aws:SecureTransport") && refused
        })
    }

    /// The same for a bucket and its objects.
    pub fn denies_insecure_s3(&self, partition: &str, bucket: &str) -> bool {
        let bucket = format!("arn:{partition}:s3:::{bucket}");
        self.denies_insecure_transport("s3", &[&bucket, &format!("{bucket}/*")])
    }

    /// Whether everybody who comes with a TLS version below `minimum` (`"1.2"`) is denied every
    /// action of the service, by `NumericLessThan` on its own key (`s3:TlsVersion`).
    ///
    /// A request without TLS lacks the key: it is refused only by `NumericLessThanIfExists`, or
    /// by [`Policy::denies_insecure_transport`].
    pub fn denies_old_tls(&self, service: &str, resources: &[&str], minimum: &str) -> bool {
        let Ok(minimum) = minimum.parse::<f64>() else { return false };
        self.denies_everybody(service, resources, &|statement| {
            let [condition] = &statement.conditions[..] else { return false };
            // Values are joined by OR: the highest counts.
            condition.is_key(&format!("{service}:TlsVersion"))
                && condition.operator.test == Test::NumericLessThan
                && condition
                    .values
                    .iter()
                    .filter_map(|value| value.parse::<f64>().ok())
                    .any(|version| version >= minimum)
        })
    }

    fn denies_everybody(
        &self,
        service: &str,
        resources: &[&str],
        when: &dyn Fn(&Statement) -> bool,
    ) -> bool {
        let actions = Pattern::action(&format!("{service}:*"));
        !resources.is_empty()
            && resources.iter().all(|resource| {
                let resource = Pattern::exact_case(resource);
                self.denies().any(|statement| {
                    statement.principal.as_ref().is_some_and(super::Principals::is_everyone)
                        && statement.actions.covers(&actions)
                        && statement.resources.as_ref().is_some_and(|scope| scope.covers(&resource))
                        && when(statement)
                })
            })
    }
}
