//! What a scan will send, from the declarations and two cheap questions.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use demarc_model::{
    Call, Cause, Read,
    calls::{ec2, iam, rds, s3, s3control},
};

use crate::{ALL, Gateway, Regions, Scope, limits::limit_of};

/// How many requests one call will cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// So many, more where the listing has several pages.
    Known(u64),
    /// One for each resource of a kind that only the scan itself can count.
    ForEach(&'static str),
}

/// The requests of one call in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub call: &'static Call,
    /// `None` for calls that are put once to the account.
    pub region: Option<String>,
    pub times: Times,
}

/// What a scan of one account will send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Ordered by service, operation and region.
    pub rows: Vec<Row>,
    pub buckets: Option<u64>,
    pub users: Option<u64>,
}

/// What is asked once for each of something.
fn each(call: &Call) -> Option<&'static str> {
    let of = |calls: &[&Call]| calls.contains(&call);
    if call.service == "S3" && call != &s3::LIST_BUCKETS {
        Some("bucket")
    } else if of(&[&iam::LIST_MFA_DEVICES]) {
        Some("user")
    } else if of(&[&s3control::GET_ACCESS_POINT]) {
        Some("access point")
    } else if of(&[&ec2::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS]) {
        Some("launch template")
    } else if of(&[&ec2::DESCRIBE_SNAPSHOT_ATTRIBUTE]) {
        Some("public snapshot")
    } else if of(&[
        &rds::DESCRIBE_DB_SNAPSHOT_ATTRIBUTES,
        &rds::DESCRIBE_DB_CLUSTER_SNAPSHOT_ATTRIBUTES,
    ]) {
        Some("manual snapshot")
    } else if of(&[&rds::DESCRIBE_DB_PARAMETERS, &rds::DESCRIBE_DB_CLUSTER_PARAMETERS]) {
        Some("parameter group in use")
    } else {
        None
    }
}

/// Plans a scan of one account: asks how many buckets and users there are, nothing else.
pub async fn plan(gateway: &Gateway, home: &str, regions: &Regions) -> Plan {
    let buckets = count_buckets(gateway, home, regions).await;
    let users = count_users(gateway, home).await;
    let mut rows = Vec::new();
    for collector in ALL {
        for call in collector.calls.iter().filter(|call| gateway.wanted.contains(*call)) {
            let times = match each(call) {
                None if *call == &demarc_model::calls::account::GET_ALTERNATE_CONTACT => {
                    Times::Known(3)
                }
                None => Times::Known(1),
                Some("bucket") => buckets.map_or(Times::ForEach("bucket"), Times::Known),
                Some("user") => users.map_or(Times::ForEach("user"), Times::Known),
                Some(kind) => Times::ForEach(kind),
            };
            let is_regional = matches!(collector.scope, Scope::Regional { .. })
                || [&s3control::LIST_ACCESS_POINTS, &s3control::GET_ACCESS_POINT].contains(call);
            if is_regional {
                rows.extend(regions.names.iter().map(|region| Row {
                    call,
                    region: Some(region.clone()),
                    times,
                }));
            } else {
                rows.push(Row { call, region: None, times });
            }
        }
    }
    rows.sort_by(|a, b| (a.call, &a.region).cmp(&(b.call, &b.region)));
    Plan { rows, buckets, users }
}

async fn count_buckets(gateway: &Gateway, home: &str, regions: &Regions) -> Option<u64> {
    static CALLS: &[&Call] = &[&s3::LIST_BUCKETS];
    let context = gateway.context(CALLS, home);
    let client = context.s3_client();
    let listing = context
        .pages(
            &s3::LIST_BUCKETS,
            |token| client.list_buckets().max_buckets(1_000).set_continuation_token(token).send(),
            |page| (page.buckets.unwrap_or_default(), page.continuation_token),
        )
        .await
        .filter(|bucket| {
            let region = bucket.bucket_region().unwrap_or("us-east-1");
            !regions.chosen || regions.names.iter().any(|name| name == region)
        });
    listing.all().ok().map(|buckets| buckets.len() as u64)
}

async fn count_users(gateway: &Gateway, home: &str) -> Option<u64> {
    static CALLS: &[&Call] = &[&iam::GET_ACCOUNT_SUMMARY];
    let context = gateway.context(CALLS, home);
    let client = context.iam_client();
    let call = &iam::GET_ACCOUNT_SUMMARY;
    let answer = context.ask(call, || client.get_account_summary().send()).await;
    let counted = answer.and_then(|answer| {
        let users = aws_sdk_iam::types::SummaryKeyType::Users;
        match answer.summary_map.and_then(|figures| figures.get(&users).copied()) {
            Some(number) => Read::Known(u64::try_from(number).unwrap_or_default()),
            None => Read::unknown(call, Cause::Malformed { what: "account summary".to_owned() }),
        }
    });
    counted.get().ok().copied()
}

impl Plan {
    /// Requests that are known beforehand.
    pub fn requests(&self) -> u64 {
        let known = |row: &Row| match row.times {
            Times::Known(times) => times,
            Times::ForEach(_) => 0,
        };
        self.rows.iter().map(known).sum()
    }

    /// How long the fullest token bucket takes at a share of AWS's rates (0 to 1), and which it
    /// is: the scan can be no faster.
    #[expect(clippy::cast_precision_loss, reason = "numbers of requests, far below 2^52")]
    pub fn fullest_bucket(&self, share: f64) -> (Duration, String) {
        let mut requests: BTreeMap<(String, Arc<str>), (u64, f64, f64)> = BTreeMap::new();
        for row in &self.rows {
            let Times::Known(times) = row.times else { continue };
            let (limit, name) = limit_of(row.call);
            let region = Arc::from(row.region.as_deref().unwrap_or("the account"));
            let entry = requests.entry((name, region)).or_insert((0, limit.burst, limit.rate));
            entry.0 += times;
        }
        requests
            .into_iter()
            .map(|((name, region), (times, burst, rate))| {
                let seconds = (times as f64 - (burst * share).max(1.0)).max(0.0) / (rate * share);
                (Duration::from_secs_f64(seconds), format!("{name} in {region}"))
            })
            .max()
            .unwrap_or_default()
    }
}
