//! The simulated organization: its accounts and regions, and what STS, Organizations and
//! DescribeRegions say of them.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use demarc_model::time::Timestamp;
use serde_json::{Value, json};

use crate::{
    Recorded,
    errors::{Says, escaped},
    request::{Asked, field},
};

/// Accounts by number: the recorded ones, then made-up ones that copy them in turn.
#[derive(Debug)]
pub(crate) struct Organization {
    ids: Vec<String>,
    numbers: HashMap<String, u32>,
    recorded: usize,
    partition: String,
    /// ARN of whoever recorded the first account.
    caller: String,
    /// The last so many are suspended.
    suspended: usize,
    /// Simulated regions, each with the recorded one that it copies.
    regions: Vec<(String, String)>,
    session: Duration,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: u32,
    pub(crate) arn: String,
    pub(crate) expired: bool,
}

/// AWS answers twenty accounts a page.
const PAGE: usize = 20;
/// Access key ids are 20 characters; twelve of them hold the account.
const KEY_TAIL: &str = "SIMU";
const TOKEN_HEAD: &str = "demarc-sim";

const ORGANIZATION: &str = "o-simulated0";
const ROOT: &str = "r-simu";
/// Organizational units by parent. Accounts other than the first lie in the leaves, in turn.
const UNITS: &[(&str, &str, &str)] = &[
    ("ou-simu-workload", "Workloads", ROOT),
    ("ou-simu-sandbox0", "Sandbox", ROOT),
    ("ou-simu-products", "Production", "ou-simu-workload"),
    ("ou-simu-staging0", "Staging", "ou-simu-workload"),
];
const LEAVES: &[&str] = &["ou-simu-products", "ou-simu-staging0", "ou-simu-sandbox0"];

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

impl Organization {
    /// `accounts` in all, but not fewer than were recorded; `regions` empty: the recorded ones.
    pub(crate) fn new(
        recorded: &Recorded,
        accounts: usize,
        suspended: usize,
        regions: &[String],
        session: Duration,
    ) -> Self {
        let targets = &recorded.header.targets;
        let mut ids: Vec<String> = targets.iter().map(|target| target.account.clone()).collect();
        let made_up = (300_000_000_000_u64..).map(|id| id.to_string());
        let made_up: Vec<_> = made_up
            .filter(|id| !ids.contains(id))
            .take(accounts.saturating_sub(ids.len()))
            .collect();
        ids.extend(made_up);
        let numbers = (0..).zip(&ids).map(|(at, id)| (id.clone(), at)).collect();
        let sources = recorded.regions();
        let names = if regions.is_empty() { &sources } else { regions };
        let copies = names.iter().filter(|name| !sources.contains(*name)).cloned();
        let copies: HashMap<_, _> = copies.zip(sources.iter().cycle()).collect();
        let regions = names
            .iter()
            .map(|name| (name.clone(), copies.get(name).copied().unwrap_or(name).clone()))
            .collect();
        let first = targets.first();
        Self {
            ids,
            numbers,
            recorded: targets.len(),
            partition: first.map_or_else(|| "aws".to_owned(), |target| target.partition.clone()),
            caller: first.map(|target| target.caller.clone()).unwrap_or_default(),
            suspended,
            regions,
            session,
        }
    }

    pub(crate) fn id(&self, account: u32) -> &str {
        self.ids.get(account as usize).map_or("000000000000", String::as_str)
    }

    /// Number in the recording of the account that this one copies.
    pub(crate) fn target(&self, account: u32) -> usize {
        account as usize % self.recorded
    }

    /// The recorded region that an asked one copies.
    pub(crate) fn source<'a>(&'a self, region: &'a str) -> &'a str {
        self.regions.iter().find(|(name, _)| name == region).map_or(region, |(_, source)| source)
    }

    fn is_suspended(&self, account: u32) -> bool {
        account as usize >= self.ids.len().saturating_sub(self.suspended).max(1)
    }

    /// Keys that hold no account are the first account's own.
    pub(crate) fn caller(&self, asked: &Asked) -> Result<Caller, Says> {
        let key = &asked.access_key;
        let id = key.get(4..16).filter(|id| id.bytes().all(|b| b.is_ascii_digit()));
        let account = match id {
            None => 0,
            Some(id) => *self.numbers.get(id).ok_or(Says::UnknownAccount)?,
        };
        let token: Vec<_> = asked.token.as_deref().unwrap_or_default().split('/').collect();
        let [TOKEN_HEAD, until, role, session] = token[..] else {
            let arn = if self.caller.contains(self.id(account)) {
                self.caller.clone()
            } else {
                format!("arn:{}:iam::{}:user/demarc", self.partition, self.id(account))
            };
            return Ok(Caller { account, arn, expired: false });
        };
        let arn = format!(
            "arn:{}:sts::{}:assumed-role/{role}/{session}",
            self.partition,
            self.id(account)
        );
        let expired = until.parse().is_ok_and(|at: u64| now().as_secs() >= at);
        Ok(Caller { account, arn, expired })
    }

    /// The account that a rule on faults means: of the role, where one is assumed.
    pub(crate) fn meant<'a>(&'a self, asked: &Asked, caller: &Caller) -> &'a str {
        if asked.operation == "AssumeRole"
            && let Some(account) = self.account_of_role(asked)
        {
            return self.id(account);
        }
        self.id(caller.account)
    }

    fn account_of_role(&self, asked: &Asked) -> Option<u32> {
        let arn = field(&asked.body, "RoleArn")?;
        self.numbers.get(arn.split(':').nth(4)?).copied()
    }

    /// The answer, where the simulation gives it and not the recording.
    pub(crate) fn answer(&self, asked: &Asked, caller: &Caller) -> Option<Result<Made, Says>> {
        let made = match (asked.service.as_str(), asked.operation.as_str()) {
            ("STS", "GetCallerIdentity") => Ok(self.caller_identity(caller)),
            ("STS", "AssumeRole") => self.assume_role(asked),
            ("EC2", "DescribeRegions") => Ok(self.describe_regions(asked)),
            ("Organizations", operation) => {
                let body = serde_json::from_str(&asked.body).unwrap_or_default();
                let answer = self.organizations(operation, &body)?;
                // Only the management account is answered.
                if caller.account == 0 { Ok(Made::json(&answer)) } else { Err(Says::Denied) }
            }
            _ => return None,
        };
        Some(made)
    }

    fn caller_identity(&self, caller: &Caller) -> Made {
        let (arn, account) = (escaped(&caller.arn), self.id(caller.account));
        Made::xml(format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDASIMULATED0000000</UserId><Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        ))
    }

    fn assume_role(&self, asked: &Asked) -> Result<Made, Says> {
        let arn = field(&asked.body, "RoleArn").unwrap_or_default();
        let account = self.account_of_role(asked).ok_or(Says::Denied)?;
        if self.is_suspended(account) {
            return Err(Says::Denied);
        }
        let role = arn.rsplit('/').next().unwrap_or_default();
        let session = field(&asked.body, "RoleSessionName").unwrap_or_default();
        let asked_for = field(&asked.body, "DurationSeconds").and_then(|text| text.parse().ok());
        let lasts = asked_for.map_or(self.session, Duration::from_secs).min(self.session);
        let expires = (now() + lasts).as_secs();
        let expiration = Timestamp(i64::try_from(expires).unwrap_or(i64::MAX)).rfc3339();
        let id = self.id(account);
        let partition = &self.partition;
        let (role, session) = (escaped(role), escaped(&session));
        Ok(Made::xml(format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROASIMULATED0000000:{session}</AssumedRoleId><Arn>arn:{partition}:sts::{id}:assumed-role/{role}/{session}</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIA{id}{KEY_TAIL}</AccessKeyId><SecretAccessKey>simulated</SecretAccessKey><SessionToken>{TOKEN_HEAD}/{expires}/{role}/{session}</SessionToken><Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></AssumeRoleResponse>"
        )))
    }

    fn describe_regions(&self, asked: &Asked) -> Made {
        let pairs = asked.body.split('&').filter_map(|pair| pair.split_once('='));
        let named = pairs.filter(|(key, _)| key.starts_with("RegionName."));
        let wanted: Vec<&str> = named.map(|(_, region)| region).collect();
        let mut items = String::new();
        for (name, _) in &self.regions {
            if wanted.is_empty() || wanted.contains(&name.as_str()) {
                items.push_str("<item><regionName>");
                items.push_str(name);
                items.push_str("</regionName><regionEndpoint>ec2.");
                items.push_str(name);
                items.push_str(".amazonaws.com</regionEndpoint><optInStatus>opt-in-not-required</optInStatus></item>");
            }
        }
        Made::xml(format!(
            "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>0</requestId><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
        ))
    }

    fn organizations(&self, operation: &str, body: &Value) -> Option<Value> {
        let parent = body["ParentId"].as_str().unwrap_or_default();
        let management = self.id(0);
        let arn = |what: &str| format!("arn:{}:organizations::{management}:{what}", self.partition);
        let all = 0..u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        Some(match operation {
            "DescribeOrganization" => json!({ "Organization": {
                "Id": ORGANIZATION,
                "Arn": arn(&format!("organization/{ORGANIZATION}")),
                "FeatureSet": "ALL",
                "MasterAccountId": management,
                "MasterAccountArn": arn(&format!("account/{ORGANIZATION}/{management}")),
                "MasterAccountEmail": format!("{management}@example.com"),
            }}),
            "ListRoots" => json!({ "Roots": [{
                "Id": ROOT,
                "Arn": arn(&format!("root/{ORGANIZATION}/{ROOT}")),
                "Name": "Root",
                "PolicyTypes": [],
            }]}),
            "ListAccounts" => page("Accounts", body, all, |at| self.account(*at)),
            "ListAccountsForParent" => {
                let inside: Vec<_> = all.filter(|at| parent_of(*at) == parent).collect();
                page("Accounts", body, inside, |at| self.account(*at))
            }
            "ListOrganizationalUnitsForParent" => {
                let inside: Vec<_> = UNITS.iter().filter(|(.., above)| *above == parent).collect();
                page("OrganizationalUnits", body, inside, |(id, name, _)| {
                    let arn = arn(&format!("ou/{ORGANIZATION}/{id}"));
                    json!({ "Id": id, "Arn": arn, "Name": name })
                })
            }
            _ => return None,
        })
    }

    fn account(&self, account: u32) -> Value {
        let id = self.id(account);
        let status = if self.is_suspended(account) { "SUSPENDED" } else { "ACTIVE" };
        json!({
            "Id": id,
            "Arn": format!("arn:{}:organizations::{}:account/{ORGANIZATION}/{id}", self.partition, self.id(0)),
            "Email": format!("{id}@example.com"),
            "Name": format!("account-{account}"),
            "Status": status,
            "State": status,
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": 1_735_689_600,
        })
    }
}

fn page<T>(
    name: &str,
    body: &Value,
    items: impl IntoIterator<Item = T>,
    item: impl Fn(&T) -> Value,
) -> Value {
    let items: Vec<T> = items.into_iter().collect();
    let start = body["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
    let most = body["MaxResults"].as_u64().and_then(|n| usize::try_from(n).ok());
    let size = most.unwrap_or(PAGE).clamp(1, PAGE);
    let page: Vec<_> = items.iter().skip(start).take(size).map(item).collect();
    let mut answer = json!({ name: page });
    if start + size < items.len() {
        answer["NextToken"] = json!((start + size).to_string());
    }
    answer
}

fn parent_of(account: u32) -> &'static str {
    match account.checked_sub(1) {
        None => ROOT,
        Some(at) => LEAVES[at as usize % LEAVES.len()],
    }
}

/// An answer that no recording holds.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) mime: &'static str,
    pub(crate) body: String,
}

impl Made {
    fn xml(body: String) -> Self {
        Self { mime: "text/xml", body }
    }

    fn json(body: &Value) -> Self {
        Self { mime: "application/x-amz-json-1.1", body: body.to_string() }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::*;
    use crate::{request::Protocol, testing};

    fn organization(accounts: usize, suspended: usize, regions: &[&str]) -> Organization {
        let regions: Vec<_> = regions.iter().map(|&region| region.to_owned()).collect();
        let hour = Duration::from_hours(1);
        Organization::new(&testing::recorded(), accounts, suspended, &regions, hour)
    }

    fn asked(service: &str, operation: &str, body: &str, key: &str, token: Option<&str>) -> Asked {
        Asked {
            access_key: key.to_owned(),
            token: token.map(str::to_owned),
            region: "eu-west-1".to_owned(),
            protocol: Protocol::Json,
            service: service.to_owned(),
            operation: operation.to_owned(),
            request: "POST /".to_owned(),
            body: body.to_owned(),
        }
    }

    fn json(organization: &Organization, operation: &str, body: &Value) -> Value {
        let asked = asked("Organizations", operation, &body.to_string(), "AKIAX", None);
        let caller = organization.caller(&asked).unwrap();
        serde_json::from_str(&organization.answer(&asked, &caller).unwrap().unwrap().body).unwrap()
    }

    #[test]
    fn accounts_are_listed_twenty_a_page_and_each_lies_in_one_unit() {
        let organization = organization(50, 3, &[]);
        let mut ids = Vec::new();
        let mut token = Value::Null;
        let mut pages = 0;
        loop {
            let page = json(&organization, "ListAccounts", &json!({ "NextToken": token }));
            ids.extend(page["Accounts"].as_array().unwrap().clone());
            pages += 1;
            token = page["NextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!((ids.len(), pages), (50, 3));
        assert_eq!(ids[0]["Id"], testing::ACCOUNT);
        let suspended = ids.iter().filter(|account| account["Status"] == "SUSPENDED");
        assert_eq!(suspended.count(), 3);
        let inside = |parent: &str| {
            let body = json!({ "ParentId": parent, "MaxResults": 20 });
            json(&organization, "ListAccountsForParent", &body)["Accounts"]
                .as_array()
                .unwrap()
                .len()
        };
        let units =
            json(&organization, "ListOrganizationalUnitsForParent", &json!({ "ParentId": ROOT }));
        assert_eq!(units["OrganizationalUnits"].as_array().unwrap().len(), 2);
        let total: usize = LEAVES.iter().map(|leaf| inside(leaf)).sum();
        assert_eq!(total + inside(ROOT), 50);
    }

    #[test]
    fn a_role_makes_keys_of_its_account_which_expire() {
        let organization = organization(3, 1, &[]);
        let assume = |account: &str| {
            let body = format!(
                "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A{account}%3Arole%2Fx%2Faudit&RoleSessionName=demarc"
            );
            let asked = asked("STS", "AssumeRole", &body, "AKIAX", None);
            let caller = organization.caller(&asked).unwrap();
            organization.answer(&asked, &caller).unwrap().map(|made| made.body)
        };
        let answer = assume("300000000000").unwrap();
        assert!(answer.contains("<AccessKeyId>ASIA300000000000SIMU</AccessKeyId>"), "{answer}");
        assert_eq!(assume("300000000001").unwrap_err(), Says::Denied, "it is suspended");
        assert_eq!(assume("999999999999").unwrap_err(), Says::Denied, "there is none");
        let caller = |token: &str| {
            organization.caller(&asked("EC2", "", "", "ASIA300000000000SIMU", Some(token))).unwrap()
        };
        let fresh = caller("demarc-sim/99999999999/audit/demarc");
        assert_eq!(fresh.arn, "arn:aws:sts::300000000000:assumed-role/audit/demarc");
        assert_eq!((fresh.account, fresh.expired), (1, false));
        assert!(caller("demarc-sim/1/audit/demarc").expired);
        let stranger = asked("EC2", "", "", "ASIA999999999999SIMU", None);
        assert_eq!(organization.caller(&stranger), Err(Says::UnknownAccount));
    }

    #[test]
    fn regions_that_were_not_recorded_copy_recorded_ones_in_turn() {
        let organization =
            organization(1, 0, &["ap-south-1", "eu-west-1", "us-west-2", "us-east-1"]);
        let source = |region| organization.source(region).to_owned();
        assert_eq!(source("eu-west-1"), "eu-west-1");
        assert_eq!(source("us-east-1"), "us-east-1");
        assert_ne!(source("ap-south-1"), source("us-west-2"));
        let asked = asked("EC2", "DescribeRegions", "", "AKIAX", None);
        let caller = organization.caller(&asked).unwrap();
        let body = organization.answer(&asked, &caller).unwrap().unwrap().body;
        assert_eq!(body.matches("<item>").count(), 4);
    }
}
