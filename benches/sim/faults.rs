//! Faults on demand.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::Mutex,
};

use anyhow::Context as _;
use serde::Deserialize;

use crate::request::Asked;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// HTTP 500.
    InternalError,
    /// HTTP 503.
    Unavailable,
    /// "Slow down", though the bucket is not empty.
    Throttled,
    /// The connection is reset before anything is answered.
    Reset,
    /// The connection ends in the middle of the answer.
    Truncated,
    /// Nothing is answered; the connection stays.
    Stall,
    /// The answer stops in its middle; the connection stays.
    StallMidway,
    /// The answer is complete, and neither XML nor JSON.
    Malformed,
    ExpiredToken,
    Denied,
    DeniedByScp,
    RegionDisabled,
    NotSubscribed,
}

/// Which requests a fault befalls; what is not named fits all.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    pub fault: Fault,
    /// As the SDK names it, `S3 Control`.
    #[serde(default)]
    pub service: Option<String>,
    /// May end in `*`.
    #[serde(default)]
    pub operation: Option<String>,
    /// IAM action, `s3:GetEncryptionConfiguration`; may end in `*`.
    #[serde(default)]
    pub action: Option<String>,
    /// For AssumeRole the account of the role.
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub region: Option<String>,
    /// Of each attempt; 1 is a fault that lasts.
    #[serde(default = "always")]
    pub probability: f64,
    /// Only the first so many attempts at each request.
    #[serde(default)]
    pub attempts: Option<u32>,
}

fn always() -> f64 {
    1.0
}

impl Rule {
    /// A fault that befalls every request, until it is narrowed.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            service: None,
            operation: None,
            action: None,
            account: None,
            region: None,
            probability: 1.0,
            attempts: None,
        }
    }

    #[must_use]
    pub fn service(self, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..self }
    }

    #[must_use]
    pub fn operation(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    #[must_use]
    pub fn action(self, action: &str) -> Self {
        Self { action: Some(action.to_owned()), ..self }
    }

    #[must_use]
    pub fn account(self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self }
    }

    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self { probability, ..self }
    }

    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts: Some(attempts), ..self }
    }

    fn fits(&self, asked: &Asked, account: &str, action: &str) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| match wanted.strip_suffix('*') {
                Some(start) => found.starts_with(start),
                None => wanted == found,
            })
        };
        is(&self.service, &asked.service)
            && is(&self.operation, &asked.operation)
            && is(&self.action, action)
            && is(&self.account, account)
            && is(&self.region, &asked.region)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    fault: Vec<Rule>,
}

/// Reads rules from a file: TOML (`[[fault]]` tables) or JSON (`{"fault": […]}`).
pub fn rules(path: &Path) -> anyhow::Result<Vec<Rule>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read fault rules \"{}\"", path.display()))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let file: RuleFile = if is_json {
        serde_json::from_str(&text).map_err(anyhow::Error::from)
    } else {
        toml::from_str(&text).map_err(anyhow::Error::from)
    }
    .with_context(|| format!("fault rules \"{}\"", path.display()))?;
    for rule in &file.fault {
        let is_share = (0.0..=1.0).contains(&rule.probability);
        anyhow::ensure!(is_share, "probability {} is not within 0 and 1", rule.probability);
    }
    Ok(file.fault)
}

/// The rules of a run. Which request is hit depends on the seed, the request and the attempt,
/// not on the order in which requests arrive.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    seed: u64,
    /// Attempts so far, by request; only of requests that a rule fits.
    attempts: Mutex<HashMap<u64, u32>>,
}

impl Faults {
    pub(crate) fn new(rules: Vec<Rule>, seed: u64) -> Self {
        Self { rules, seed, attempts: Mutex::default() }
    }

    /// The fault that befalls a request, if any; `account` and `action` are what rules name.
    pub(crate) fn befalls(&self, asked: &Asked, account: &str, action: &str) -> Option<Fault> {
        if !self.rules.iter().any(|rule| rule.fits(asked, account, action)) {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (self.seed, account, &asked.region, &asked.service, &asked.operation).hash(&mut hasher);
        (&asked.request, &asked.body).hash(&mut hasher);
        let request = hasher.finish();
        let attempt = {
            let mut attempts = self.attempts.lock().expect("no holder of the attempts panics");
            let attempt = attempts.entry(request).or_default();
            *attempt += 1;
            *attempt
        };
        let hit = |(at, rule): &(usize, &Rule)| {
            if !rule.fits(asked, account, action) || rule.attempts.is_some_and(|n| attempt > n) {
                return false;
            }
            let mut hasher = DefaultHasher::new();
            (request, at, attempt).hash(&mut hasher);
            #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
            let drawn = (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64;
            drawn < rule.probability
        };
        self.rules.iter().enumerate().find(hit).map(|(_, rule)| rule.fault)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::*;
    use crate::request::Protocol;

    fn asked(operation: &str, body: usize) -> Asked {
        Asked {
            access_key: String::new(),
            token: None,
            region: "eu-west-1".to_owned(),
            protocol: Protocol::Ec2,
            service: "EC2".to_owned(),
            operation: operation.to_owned(),
            request: "POST /".to_owned(),
            body: body.to_string(),
        }
    }

    #[test]
    fn one_in_twenty_is_hit_and_the_same_ones_every_time() {
        let rules = vec![Rule::new(Fault::Reset).service("EC2").probability(0.05)];
        let run = |seed| {
            let faults = Faults::new(rules.clone(), seed);
            let hit = |n: &usize| faults.befalls(&asked("DescribeVpcs", *n), "1", "").is_some();
            (0..4_000).filter(hit).collect::<Vec<_>>()
        };
        let first = run(1);
        assert!((150..250).contains(&first.len()), "{}", first.len());
        assert_eq!(first, run(1));
        assert_ne!(first, run(2));
    }

    #[test]
    fn a_rule_holds_for_what_it_names_and_for_its_attempts() {
        let rule = Rule::new(Fault::Denied).action("ec2:Describe*").account("1").attempts(2);
        let faults = Faults::new(vec![rule], 0);
        let befalls = |operation: &str, account: &str| {
            faults.befalls(&asked(operation, 0), account, &format!("ec2:{operation}"))
        };
        assert_eq!(befalls("DescribeVpcs", "2"), None);
        assert_eq!(befalls("GetEbsEncryptionByDefault", "1"), None);
        assert_eq!(befalls("DescribeVpcs", "1"), Some(Fault::Denied));
        assert_eq!(befalls("DescribeVpcs", "1"), Some(Fault::Denied));
        assert_eq!(befalls("DescribeVpcs", "1"), None);
    }

    #[test]
    fn rules_are_read_from_toml_and_json_and_unknown_keys_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            rules(&path)
        };
        let toml = "[[fault]]\nfault = \"denied-by-scp\"\nregion = \"eu-west-1\"\n";
        let json = r#"{"fault": [{"fault": "denied-by-scp", "region": "eu-west-1"}]}"#;
        let expected = vec![Rule::new(Fault::DeniedByScp).region("eu-west-1")];
        assert_eq!(write("a.toml", toml).unwrap(), expected);
        assert_eq!(write("a.json", json).unwrap(), expected);
        assert!(write("b.toml", "[[fault]]\nfault = \"reset\"\nregoin = \"x\"\n").is_err());
        assert!(write("c.toml", "[[fault]]\nfault = \"reset\"\nprobability = 5\n").is_err());
    }
}
