//! Scales a recording to a given size: resources are cloned inside the recorded answers, with
//! names and ids of their own, and paged as AWS pages them.
//!
//! The same recording and sizes give the same result. Copy 0 of a resource is the recorded one;
//! the copies of one number belong together: copy 7 of an instance has copy 7 of its volumes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::ensure;
use aws_smithy_types::base64;
use demarc_collect::recording::{Answer, Exchange};

use crate::{
    Recorded,
    request::field,
    xml::{self, content, without},
};

/// How many there shall be of each kind, over all recorded regions; what was recorded stays.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Sizes {
    /// EC2 instances, each with its network interfaces
    #[arg(long)]
    pub instances: Option<usize>,
    #[arg(long)]
    pub volumes: Option<usize>,
    #[arg(long)]
    pub snapshots: Option<usize>,
    #[arg(long)]
    pub security_groups: Option<usize>,
    #[arg(long)]
    pub db_instances: Option<usize>,
    #[arg(long)]
    pub buckets: Option<usize>,
    /// IAM users, with their rows in the credential report
    #[arg(long)]
    pub users: Option<usize>,
    #[arg(long)]
    pub roles: Option<usize>,
    /// Managed policies of the account's own
    #[arg(long)]
    pub policies: Option<usize>,
}

/// A listing of one kind of resource.
struct Kind {
    service: &'static str,
    operation: &'static str,
    /// Where the resources are listed, below the answer's root.
    list: &'static [&'static str],
    paging: &'static Paging,
    /// Element that holds a resource's name.
    name: &'static str,
    rename: fn(text: &str, name: &str, copy: usize) -> String,
    /// Whether a resource is a fit template.
    fits: fn(item: &str) -> bool,
}

/// How an operation pages.
struct Paging {
    size: &'static str,
    /// The parameter that asks for a further page.
    token: &'static str,
    /// The SDK writes the token before the size.
    before: bool,
    /// The element that names the next page.
    element: &'static str,
    /// The element that says whether there is one, where AWS says so.
    truncated: Option<&'static str>,
    /// Items a page, where a request names none.
    most: usize,
}

const EC2: Paging = Paging {
    size: "MaxResults",
    token: "NextToken",
    before: true,
    element: "nextToken",
    truncated: None,
    most: 1_000,
};
const EC2_TOKEN_LAST: Paging = Paging { before: false, ..EC2 };
const RDS: Paging = Paging {
    size: "MaxRecords",
    token: "Marker",
    before: false,
    element: "Marker",
    truncated: None,
    most: 100,
};
const IAM: Paging = Paging { size: "MaxItems", truncated: Some("IsTruncated"), most: 1_000, ..RDS };
const S3: Paging = Paging {
    size: "max-buckets",
    token: "continuation-token",
    before: false,
    element: "ContinuationToken",
    truncated: None,
    most: 1_000,
};

const INSTANCES: Kind = Kind {
    service: "EC2",
    operation: "DescribeInstances",
    list: &["reservationSet"],
    paging: &EC2,
    name: "instanceId",
    rename: |text, _, copy| fresh_ids(text, &["i", "vol", "eni", "eni-attach", "r"], copy),
    fits: |_| true,
};
const VOLUMES: Kind = Kind {
    operation: "DescribeVolumes",
    list: &["volumeSet"],
    name: "volumeId",
    rename: |text, _, copy| fresh_ids(text, &["i", "vol"], copy),
    ..INSTANCES
};
const NETWORK_INTERFACES: Kind = Kind {
    operation: "DescribeNetworkInterfaces",
    list: &["networkInterfaceSet"],
    name: "networkInterfaceId",
    rename: |text, _, copy| fresh_ids(text, &["i", "eni", "eni-attach"], copy),
    ..INSTANCES
};
const SNAPSHOTS: Kind = Kind {
    operation: "DescribeSnapshots",
    list: &["snapshotSet"],
    paging: &EC2_TOKEN_LAST,
    name: "snapshotId",
    rename: |text, _, copy| fresh_ids(text, &["snap"], copy),
    ..INSTANCES
};
const SECURITY_GROUPS: Kind = Kind {
    operation: "DescribeSecurityGroups",
    list: &["securityGroupInfo"],
    name: "groupId",
    rename: |text, id, copy| {
        let named = match content(text, "groupName") {
            Some(name) => suffixed(text, name, copy),
            None => text.to_owned(),
        };
        let named = fresh_ids(&named, &["sgr"], copy);
        named.replace(id, &fresh_ids(id, &["sg"], copy))
    },
    // A VPC has one group of that name.
    fits: |item| content(item, "groupName") != Some("default"),
    ..INSTANCES
};
const DB_INSTANCES: Kind = Kind {
    service: "RDS",
    operation: "DescribeDBInstances",
    list: &["DescribeDBInstancesResult", "DBInstances"],
    paging: &RDS,
    name: "DBInstanceIdentifier",
    rename: |text, name, copy| {
        let text = text.replace(&format!(":db:{name}<"), &format!(":db:{name}-{copy}<"));
        suffixed(&text, name, copy)
    },
    fits: |_| true,
};
const BUCKETS: Kind = Kind {
    service: "S3",
    operation: "ListBuckets",
    list: &["Buckets"],
    paging: &S3,
    name: "Name",
    rename: |text, name, copy| {
        // Bucket names end at 63 characters.
        let tail = format!("-{copy}");
        let head = &name[..name.len().min(63 - tail.len())];
        replace_word(text, name, &format!("{head}{tail}"))
    },
    fits: |_| true,
};

const DETAILS: &str = "GetAccountAuthorizationDetailsResult";
const USERS: Kind = Kind {
    service: "IAM",
    operation: "GetAccountAuthorizationDetails",
    list: &[DETAILS, "UserDetailList"],
    paging: &IAM,
    name: "UserName",
    rename: |text, name, copy| fresh_iam_ids(&suffixed(text, name, copy), "UserId", copy),
    fits: |_| true,
};
const GROUPS: Kind = Kind { list: &[DETAILS, "GroupDetailList"], name: "GroupName", ..USERS };
const ROLES: Kind = Kind {
    list: &[DETAILS, "RoleDetailList"],
    name: "RoleName",
    rename: |text, name, copy| fresh_iam_ids(&suffixed(text, name, copy), "RoleId", copy),
    // A service has one role of its own.
    fits: |item| content(item, "Path").is_none_or(|path| !path.starts_with("/aws-service-role/")),
    ..USERS
};
const POLICIES: Kind = Kind {
    list: &[DETAILS, "Policies"],
    name: "PolicyName",
    rename: |text, name, copy| fresh_iam_ids(&suffixed(text, name, copy), "PolicyId", copy),
    fits: |item| !content(item, "Arn").unwrap_or_default().contains(":iam::aws:"),
    ..USERS
};

/// `name` as the whole content of an element, or the end of an ARN there, becomes `name-copy`.
fn suffixed(text: &str, name: &str, copy: usize) -> String {
    let text = text.replace(&format!(">{name}<"), &format!(">{name}-{copy}<"));
    text.replace(&format!("/{name}<"), &format!("/{name}-{copy}<"))
}

/// Replaces `word` where it is not a part of a longer name.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut out = String::with_capacity(text.len() + by.len());
    let mut done = 0;
    for (at, _) in text.match_indices(word) {
        let end = at + word.len();
        let before = text[..at].chars().next_back().is_some_and(is_part);
        let after = text[end..].chars().next().is_some_and(is_part);
        if at >= done && !before && !after {
            out.push_str(&text[done..at]);
            out.push_str(by);
            done = end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// A number that depends on a text and a copy's number alone (FNV-1a).
fn hash(text: &str, copy: usize) -> u64 {
    let bytes = text.bytes().chain(copy.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Every id such as `vol-0123456789abcdef0` with one of the prefixes becomes another one.
fn fresh_ids(text: &str, prefixes: &[&str], copy: usize) -> String {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        // A word: letters, digits and dashes.
        let length = bytes[at..].iter().take_while(|byte| is_name(byte)).count();
        if length == 0 {
            let rest = bytes[at..].iter().take_while(|byte| !is_name(byte)).count();
            out.push_str(&text[at..at + rest]);
            at += rest;
            continue;
        }
        let word = &text[at..at + length];
        match word.rsplit_once('-') {
            Some((prefix, digits))
                if prefixes.contains(&prefix)
                    && matches!(digits.len(), 8 | 17)
                    && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                let fresh = format!("{:016x}{:x}", hash(word, copy), copy % 16);
                out.push_str(prefix);
                out.push('-');
                out.push_str(&fresh[..digits.len()]);
            }
            _ => out.push_str(word),
        }
        at += length;
    }
    out
}

/// The resource's unique id, such as `AIDA…`, becomes another one.
fn fresh_iam_ids(text: &str, element: &str, copy: usize) -> String {
    let Some(id) = content(text, element).filter(|id| id.len() >= 16) else {
        return text.to_owned();
    };
    let fresh = format!("{}{:016X}", &id[..4], hash(id, copy));
    text.replace(id, &fresh[..id.len().min(fresh.len())])
}

fn answered(exchange: &Exchange) -> Option<&str> {
    match &exchange.answer {
        Answer::Http { status: 200, body, .. } => Some(body),
        _ => None,
    }
}

fn with_answer(exchange: &Exchange, text: String) -> Exchange {
    let answer = match &exchange.answer {
        Answer::Http { status, headers, .. } => {
            Answer::Http { status: *status, headers: headers.clone(), body: text }
        }
        lost @ Answer::Lost(_) => lost.clone(),
    };
    Exchange { answer, ..exchange.clone() }
}

/// Form or query without one of its parameters.
fn without_parameter(text: &str, name: &str) -> String {
    let (head, query) = text.split_once('?').map_or(("", text), |(head, query)| (head, query));
    let kept: Vec<_> =
        query.split('&').filter(|pair| pair.split('=').next() != Some(name)).collect();
    if head.is_empty() { kept.join("&") } else { format!("{head}?{}", kept.join("&")) }
}

/// The request for a further page, as the SDK writes it.
fn with_token(text: &str, paging: &Paging, token: &str) -> String {
    let pair = format!("{}={token}", paging.token);
    let size = format!("{}=", paging.size);
    let Some(at) = text.find(&size) else { return format!("{text}&{pair}") };
    if paging.before {
        return format!("{}{pair}&{}", &text[..at], &text[at..]);
    }
    let end = text[at..].find('&').map_or(text.len(), |length| at + length);
    format!("{}&{pair}{}", &text[..end], &text[end..])
}

/// One listing of one region, all its pages taken together.
struct Listing {
    /// Positions of its exchanges in the recording.
    exchanges: Vec<usize>,
    /// Items of each of the kinds that are listed together.
    items: Vec<Vec<String>>,
}

/// Reservations of one instance each.
fn single_instances(reservation: String) -> Vec<String> {
    match xml::list(&reservation, &["instancesSet"]) {
        Some(list) if list.items.len() > 1 => {
            let one = |item: &std::ops::Range<usize>| {
                let (head, tail) =
                    (&reservation[..list.inner.start], &reservation[list.inner.end..]);
                format!("{head}{}{tail}", &reservation[item.clone()])
            };
            list.items.iter().map(one).collect()
        }
        _ => vec![reservation],
    }
}

/// How many copies each of the listed resources gets, by name, in turn, until there are `size`.
fn copies(
    kind: &Kind,
    size: usize,
    lists: &[&mut Vec<String>],
) -> anyhow::Result<HashMap<String, usize>> {
    let mut recorded = BTreeSet::new();
    let mut templates = Vec::new();
    for item in lists.iter().flat_map(|list| list.iter()) {
        if let Some(name) = content(item, kind.name)
            && recorded.insert(name)
            && (kind.fits)(item)
        {
            templates.push(name);
        }
    }
    let more = size.saturating_sub(recorded.len());
    ensure!(
        more == 0 || !templates.is_empty(),
        "the recording holds no {} to copy in {} {}",
        kind.name,
        kind.service,
        kind.operation
    );
    let each = |(at, name): (usize, &&str)| {
        let copies = (more + templates.len() - 1 - at) / templates.len();
        (copies > 0).then(|| ((*name).to_owned(), copies))
    };
    Ok(templates.iter().enumerate().filter_map(each).collect())
}

/// Adds copies of the items whose `owner` has some, those of one number together.
fn grow(
    list: &mut Vec<String>,
    copies: &HashMap<String, usize>,
    rename: fn(&str, &str, usize) -> String,
    owner: impl Fn(&str) -> Option<&str>,
) {
    let templates: Vec<(String, String, usize)> = list
        .iter()
        .filter_map(|item| {
            let name = owner(item)?;
            Some((item.clone(), name.to_owned(), *copies.get(name)?))
        })
        .collect();
    let most = templates.iter().map(|(.., copies)| *copies).max().unwrap_or_default();
    for copy in 1..=most {
        for (item, name, copies) in &templates {
            if copy <= *copies {
                list.push(rename(item, name, copy));
            }
        }
    }
}

struct Scaler {
    exchanges: Vec<Exchange>,
    /// What stands in an exchange's place.
    instead: BTreeMap<usize, Vec<Exchange>>,
    /// What follows an exchange.
    after: BTreeMap<usize, Vec<Exchange>>,
}

impl Scaler {
    /// The listings of `kinds`, which one operation answers together, region by region.
    fn listings(&self, kinds: &[&Kind]) -> Vec<Listing> {
        let first = kinds[0];
        let mut listings: Vec<(Exchange, Listing)> = Vec::new();
        for (at, exchange) in self.exchanges.iter().enumerate() {
            if exchange.service != first.service || exchange.operation != first.operation {
                continue;
            }
            let Some(text) = answered(exchange) else { continue };
            let of = |kind: &Kind| -> Vec<String> {
                let list = xml::list(text, kind.list);
                let items = list.iter().flat_map(|list| &list.items);
                let items = items.map(|item| text[item.clone()].to_owned());
                if kind.operation == INSTANCES.operation {
                    items.flat_map(single_instances).collect()
                } else {
                    items.collect()
                }
            };
            let key = Exchange {
                request: without_parameter(&exchange.request, first.paging.token),
                body: without_parameter(&exchange.body, first.paging.token),
                answer: Answer::Lost(String::new()),
                ..exchange.clone()
            };
            let place = listings.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                let items = vec![Vec::new(); kinds.len()];
                listings.push((key, Listing { exchanges: Vec::new(), items }));
                listings.len() - 1
            });
            let listing = &mut listings[place].1;
            listing.exchanges.push(at);
            for (all, kind) in listing.items.iter_mut().zip(kinds) {
                all.extend(of(kind));
            }
        }
        listings.into_iter().map(|(_, listing)| listing).collect()
    }

    /// Scales what one operation lists; answers, for each kind, how many copies each template
    /// got, by its name.
    fn scale(
        &mut self,
        kinds: &[&Kind],
        sizes: &[Option<usize>],
    ) -> anyhow::Result<Vec<HashMap<String, usize>>> {
        let mut listings = self.listings(kinds);
        let mut all_copies = Vec::new();
        for (at, (kind, size)) in kinds.iter().zip(sizes).enumerate() {
            let mut lists: Vec<_> =
                listings.iter_mut().map(|listing| &mut listing.items[at]).collect();
            let copies = copies(kind, size.unwrap_or_default(), &lists)?;
            for list in &mut lists {
                grow(list, &copies, kind.rename, |item| content(item, kind.name));
            }
            let mut named: Vec<_> = copies.iter().collect();
            named.sort();
            for (name, copies) in named {
                self.follow(kind, name, *copies);
            }
            all_copies.push(copies);
        }
        if all_copies.iter().any(|copies| !copies.is_empty()) {
            for listing in &listings {
                self.page(kinds, listing)?;
            }
        }
        Ok(all_copies)
    }

    /// Every copy of an instance has copies of its network interfaces.
    fn interfaces_of(&mut self, instances: &HashMap<String, usize>) -> anyhow::Result<()> {
        for mut listing in self.listings(&[&NETWORK_INTERFACES]) {
            let list = &mut listing.items[0];
            grow(list, instances, NETWORK_INTERFACES.rename, |item| content(item, "instanceId"));
            self.page(&[&NETWORK_INTERFACES], &listing)?;
        }
        Ok(())
    }

    /// Copies the exchanges that ask about one resource alone.
    fn follow(&mut self, kind: &Kind, name: &str, copies: usize) {
        let asks = |exchange: &Exchange| {
            if kind.service == "S3" {
                let path = exchange.request.split_once(" /").map_or("", |(_, path)| path);
                return path.split(['?', '/']).next() == Some(name);
            }
            // EC2's ids are unique; other names are only in the parameter that holds them.
            let holds = |key: &str| kind.service == "EC2" || key == kind.name;
            let mut pairs = exchange.body.split('&').filter_map(|pair| pair.split_once('='));
            pairs.any(|(key, value)| holds(key) && value == name)
        };
        for (at, exchange) in self.exchanges.iter().enumerate() {
            if exchange.service != kind.service || !asks(exchange) {
                continue;
            }
            let followers = self.after.entry(at).or_default();
            for copy in 1..=copies {
                let marked = (kind.rename)(&format!("<x>{name}</x>"), name, copy);
                let fresh = content(&marked, "x").unwrap_or(name);
                let mut follower = exchange.clone();
                if kind.service == "S3" {
                    follower.request = replace_word(&follower.request, name, fresh);
                } else {
                    let body = format!("&{}&", follower.body);
                    let body = body.replace(&format!("={name}&"), &format!("={fresh}&"));
                    body.trim_matches('&').clone_into(&mut follower.body);
                }
                if let Answer::Http { body, .. } = &mut follower.answer {
                    *body = (kind.rename)(body, name, copy);
                }
                followers.push(follower);
            }
        }
    }

    /// Puts a listing's items into pages, and those in place of the recorded ones.
    fn page(&mut self, kinds: &[&Kind], listing: &Listing) -> anyhow::Result<()> {
        let paging = kinds[0].paging;
        let first = self.exchanges[listing.exchanges[0]].clone();
        let asked = |text: &str| {
            let query = text.split_once('?').map_or(text, |(_, query)| query);
            field(query, paging.size).and_then(|size| size.parse().ok())
        };
        let size: usize =
            asked(&first.body).or_else(|| asked(&first.request)).unwrap_or(paging.most).max(1);
        let mut text = answered(&first).unwrap_or_default().to_owned();
        for kind in kinds {
            if let [.., name] = kind.list
                && xml::list(&text, kind.list).is_none()
            {
                text = text.replacen(&format!("<{name}/>"), &format!("<{name}></{name}>"), 1);
            }
        }
        let text = text.as_str();
        let mut places = Vec::new();
        for (at, kind) in kinds.iter().enumerate() {
            let list = xml::list(text, kind.list);
            let what = kind.list.join("/");
            ensure!(
                list.is_some() || listing.items[at].is_empty(),
                "{} {}: the first page has no {what}",
                kind.service,
                kind.operation
            );
            places.extend(list.map(|list| (at, list.inner)));
        }
        places.sort_by_key(|(_, inner)| inner.start);
        let items: Vec<(usize, &String)> = places
            .iter()
            .flat_map(|(at, _)| listing.items[*at].iter().map(move |item| (*at, item)))
            .collect();
        let pages: Vec<_> =
            if items.is_empty() { vec![&[][..]] } else { items.chunks(size).collect() };
        let mut made = Vec::with_capacity(pages.len());
        for (number, page) in pages.iter().enumerate() {
            let token = |page: usize| format!("page-{}", page + 1);
            let next = (number + 1 < pages.len()).then(|| token(number + 1));
            let list = kinds[0].list;
            let mut made_of = String::new();
            let mut done = 0;
            for (at, inner) in &places {
                made_of.push_str(&silent(&text[done..inner.start], paging));
                for (_, item) in page.iter().filter(|(list, _)| list == at) {
                    made_of.push_str(item);
                }
                done = inner.end;
            }
            let tail = silent(&text[done..], paging);
            made_of.push_str(&telling(tail, paging, list, next.as_deref()));
            let mut exchange = with_answer(&first, made_of);
            if number > 0 {
                let form =
                    if first.body.is_empty() { &mut exchange.request } else { &mut exchange.body };
                *form = with_token(form, paging, &token(number));
            }
            made.push(exchange);
        }
        for at in &listing.exchanges {
            self.instead.insert(*at, Vec::new());
        }
        self.instead.insert(listing.exchanges[0], made);
        Ok(())
    }

    /// The credential report's rows and the account summary's figures of what was copied.
    fn tell_of(
        &mut self,
        users: &HashMap<String, usize>,
        roles: &HashMap<String, usize>,
        policies: &HashMap<String, usize>,
    ) {
        let figures = [("Users", users), ("Roles", roles), ("Policies", policies)];
        for exchange in self.exchanges.iter_mut().filter(|exchange| exchange.service == "IAM") {
            let Some(text) = answered(exchange) else { continue };
            let told = match exchange.operation.as_str() {
                "GetCredentialReport" => with_rows(text, users),
                "GetAccountSummary" => {
                    Some(figures.iter().fold(text.to_owned(), |text, (key, copies)| {
                        with_more(&text, key, copies.values().sum())
                    }))
                }
                _ => None,
            };
            if let Some(told) = told {
                *exchange = with_answer(exchange, told);
            }
        }
    }

    fn finish(self) -> Vec<Exchange> {
        let Self { exchanges, mut instead, mut after } = self;
        let mut out = Vec::with_capacity(exchanges.len());
        for (at, exchange) in exchanges.into_iter().enumerate() {
            match instead.remove(&at) {
                Some(pages) => out.extend(pages),
                None => out.push(exchange),
            }
            out.extend(after.remove(&at).unwrap_or_default());
        }
        out
    }
}

/// A part of an answer without what it says of further pages.
fn silent(text: &str, paging: &Paging) -> String {
    let text = without(text, paging.element);
    paging.truncated.map_or(text.clone(), |truncated| without(&text, truncated))
}

/// The end of an answer with what it shall say of further pages.
fn telling(mut text: String, paging: &Paging, list: &[&str], next: Option<&str>) -> String {
    let mut says = String::new();
    if let Some(truncated) = paging.truncated {
        says = format!("<{truncated}>{}</{truncated}>", next.is_some());
    }
    if let Some(next) = next {
        says = format!("{says}<{0}>{next}</{0}>", paging.element);
    }
    // Beside the list: in the result, where there is one, or in the root.
    let end = match list {
        [result, _] => text.find(&format!("</{result}>")),
        _ => text.rfind("</"),
    };
    if let Some(end) = end {
        text.insert_str(end, &says);
    }
    text
}

fn with_rows(text: &str, copies: &HashMap<String, usize>) -> Option<String> {
    let encoded = content(text, "Content")?;
    let report = String::from_utf8(base64::decode(encoded.trim()).ok()?).ok()?;
    let mut rows = Vec::new();
    for row in report.lines() {
        rows.push(row.to_owned());
        let name = row.split(',').next().unwrap_or_default();
        for copy in 1..=copies.get(name).copied().unwrap_or_default() {
            let rest =
                row[name.len()..].replacen(&format!("/{name},"), &format!("/{name}-{copy},"), 1);
            rows.push(format!("{name}-{copy}{rest}"));
        }
    }
    // Recorded rows end as they did.
    let end = if report.ends_with('\n') { "\n" } else { "" };
    Some(text.replace(encoded, &base64::encode(rows.join("\n") + end)))
}

/// Adds to a figure of the account summary.
fn with_more(text: &str, key: &str, more: usize) -> String {
    let mark = format!("<key>{key}</key>");
    let Some(at) = text.find(&mark) else { return text.to_owned() };
    let Some(value) = content(&text[at..], "value") else { return text.to_owned() };
    let Ok(number) = value.trim().parse::<usize>() else { return text.to_owned() };
    let (head, tail) = text.split_at(at);
    let old = format!("<value>{value}</value>");
    let new = format!("<value>{}</value>", number + more);
    format!("{head}{}", tail.replacen(&old, &new, 1))
}

/// The recording with as many resources as `sizes` says.
pub fn scale(recorded: Recorded, sizes: &Sizes) -> anyhow::Result<Recorded> {
    let Recorded { header, exchanges } = recorded;
    let mut scaler = Scaler { exchanges, instead: BTreeMap::default(), after: BTreeMap::default() };
    let instances = scaler.scale(&[&INSTANCES], &[sizes.instances])?;
    for copies in instances.iter().filter(|copies| !copies.is_empty()) {
        scaler.interfaces_of(copies)?;
    }
    scaler.scale(&[&VOLUMES], &[sizes.volumes])?;
    scaler.scale(&[&SNAPSHOTS], &[sizes.snapshots])?;
    scaler.scale(&[&SECURITY_GROUPS], &[sizes.security_groups])?;
    scaler.scale(&[&DB_INSTANCES], &[sizes.db_instances])?;
    scaler.scale(&[&BUCKETS], &[sizes.buckets])?;
    let kinds = [&USERS, &GROUPS, &ROLES, &POLICIES];
    let copies = scaler.scale(&kinds, &[sizes.users, None, sizes.roles, sizes.policies])?;
    if let [users, _, roles, policies] = copies.as_slice() {
        scaler.tell_of(users, roles, policies);
    }
    Ok(Recorded { header, exchanges: scaler.finish() })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::testing::{self, exchange};

    fn demo() -> Recorded {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/demo/account.demarc");
        Recorded::open(&path).unwrap()
    }

    /// What one operation lists over all pages and regions, by name, and the items of each page.
    fn listed(recorded: &Recorded, kind: &Kind) -> (Vec<String>, Vec<usize>) {
        let (mut names, mut pages) = (Vec::new(), Vec::new());
        for exchange in &recorded.exchanges {
            if exchange.service != kind.service || exchange.operation != kind.operation {
                continue;
            }
            let Some(text) = answered(exchange) else { continue };
            let items = xml::list(text, kind.list).map(|list| list.items).unwrap_or_default();
            pages.push(items.len());
            let name = |item: &std::ops::Range<usize>| content(&text[item.clone()], kind.name);
            names.extend(items.iter().filter_map(name).map(str::to_owned));
        }
        (names, pages)
    }

    #[test]
    fn the_demo_account_scales_to_the_sizes_asked_for() {
        let sizes = Sizes {
            instances: Some(1_100),
            volumes: Some(600),
            snapshots: Some(50),
            security_groups: Some(398),
            db_instances: Some(150),
            buckets: Some(1_010),
            users: Some(300),
            roles: Some(723),
            policies: Some(20),
        };
        let scaled = scale(demo(), &sizes).unwrap();
        let unique = |kind: &Kind| {
            let names: BTreeSet<_> = listed(&scaled, kind).0.into_iter().collect();
            names.len()
        };
        for (kind, size) in [
            (&INSTANCES, sizes.instances),
            (&VOLUMES, sizes.volumes),
            (&SNAPSHOTS, sizes.snapshots),
            (&SECURITY_GROUPS, sizes.security_groups),
            (&DB_INSTANCES, sizes.db_instances),
            (&BUCKETS, sizes.buckets),
            (&USERS, sizes.users),
            (&ROLES, sizes.roles),
        ] {
            assert_eq!(Some(unique(kind)), size, "{}", kind.operation);
        }
        for kind in [&INSTANCES, &BUCKETS, &USERS] {
            let (_, pages) = listed(&scaled, kind);
            assert!(pages.len() > 1 && pages.iter().all(|items| *items <= 1_000), "{pages:?}");
        }
        // Every bucket has its own settings, every user a row and devices.
        let (buckets, _) = listed(&scaled, &BUCKETS);
        let lines: BTreeSet<_> =
            scaled.exchanges.iter().map(|exchange| exchange.request.as_str()).collect();
        assert!(buckets.iter().all(|bucket| lines.contains(format!("GET /{bucket}?acl").as_str())));
        let (users, _) = listed(&scaled, &USERS);
        let report = scaled.exchanges.iter().find(|e| e.operation == "GetCredentialReport");
        let encoded = content(answered(report.unwrap()).unwrap(), "Content").unwrap();
        let report = String::from_utf8(base64::decode(encoded).unwrap()).unwrap();
        let rows: BTreeSet<_> = report.lines().filter_map(|row| row.split(',').next()).collect();
        let devices: BTreeSet<_> = scaled
            .exchanges
            .iter()
            .filter(|exchange| exchange.operation == "ListMFADevices")
            .filter_map(|exchange| field(&exchange.body, "UserName"))
            .collect();
        let (rows_of, devices_of) = (
            users.iter().filter(|user| rows.contains(user.as_str())).count(),
            users.iter().filter(|user| devices.contains(*user)).count(),
        );
        assert_eq!((rows_of, devices_of), (users.len(), users.len()));
    }

    #[test]
    fn the_same_sizes_give_the_same_recording() {
        let sizes = Sizes { instances: Some(30), users: Some(40), ..Sizes::default() };
        let once = scale(demo(), &sizes).unwrap();
        assert!(once.exchanges == scale(demo(), &sizes).unwrap().exchanges);
        let unchanged = scale(demo(), &Sizes::default()).unwrap();
        assert!(unchanged.exchanges == demo().exchanges, "no size was asked for");
    }

    fn instances(reservations: &str, token: &str) -> String {
        format!(
            "<DescribeInstancesResponse><reservationSet>{reservations}</reservationSet>{token}</DescribeInstancesResponse>"
        )
    }

    #[test]
    fn recorded_pages_are_taken_together_and_made_anew() {
        let instance = |id: &str, volume: &str| {
            format!(
                "<item><instanceId>{id}</instanceId><volumeId>{volume}</volumeId><subnetId>subnet-00000001</subnetId></item>"
            )
        };
        let both = format!(
            "<item><reservationId>r-00000001</reservationId><instancesSet>{}{}</instancesSet></item>",
            instance("i-00000001", "vol-00000001"),
            instance("i-00000002", "vol-00000002")
        );
        let third = format!(
            "<item><reservationId>r-00000002</reservationId><instancesSet>{}</instancesSet></item>",
            instance("i-00000003", "vol-00000003")
        );
        let on = ("eu-west-1", "EC2", "DescribeInstances");
        let head = "Action=DescribeInstances&Version=2016-11-15";
        let mut recorded = testing::recorded();
        recorded.exchanges = vec![
            exchange(
                on,
                "POST /",
                &format!("{head}&MaxResults=4"),
                &instances(&both, "<nextToken>t</nextToken>"),
            ),
            exchange(
                on,
                "POST /",
                &format!("{head}&NextToken=t&MaxResults=4"),
                &instances(&third, "<nextToken/>"),
            ),
        ];
        let sizes = Sizes { instances: Some(9), ..Sizes::default() };
        let pages = scale(recorded, &sizes).unwrap().exchanges;
        let bodies: Vec<_> = pages.iter().map(|page| page.body.as_str()).collect();
        assert_eq!(
            bodies,
            [
                format!("{head}&MaxResults=4"),
                format!("{head}&NextToken=page-2&MaxResults=4"),
                format!("{head}&NextToken=page-3&MaxResults=4"),
            ]
        );
        let texts: Vec<_> = pages.iter().filter_map(answered).collect();
        assert!(texts[0].ends_with("<nextToken>page-2</nextToken></DescribeInstancesResponse>"));
        assert!(texts[2].ends_with("</reservationSet></DescribeInstancesResponse>"));
        let text = texts.concat();
        assert_eq!(text.matches("<instanceId>").count(), 9);
        assert_eq!(text.matches("<subnetId>subnet-00000001</subnetId>").count(), 9);
        let volumes: BTreeSet<_> =
            text.split("<volumeId>").skip(1).map(|rest| &rest[..12]).collect();
        assert_eq!(volumes.len(), 9);
    }

    #[test]
    fn names_change_only_where_they_are_names() {
        let member = "<member><UserName>user</UserName><Arn>arn:aws:iam::1:user/user</Arn><UserId>AIDAABCDEFGHIJKLMNOP</UserId></member>";
        let copy = (USERS.rename)(member, "user", 3);
        assert!(copy.contains("<UserName>user-3</UserName><Arn>arn:aws:iam::1:user/user-3</Arn>"));
        assert!(copy.contains("<UserId>AIDA") && !copy.contains("AIDAABCDEFGHIJKLMNOP"));
        let policy = "arn:aws:s3:::logs/* arn:aws:s3:::logs arn:aws:s3:::my-logs";
        assert_eq!(
            (BUCKETS.rename)(policy, "logs", 2),
            "arn:aws:s3:::logs-2/* arn:aws:s3:::logs-2 arn:aws:s3:::my-logs"
        );
        let long = "b".repeat(63);
        assert_eq!((BUCKETS.rename)(&long, &long, 12).len(), 63);
        let ids = "i-0123456789abcdef0 my-i-0123456789abcdef0 ami-0123456789abcdef0";
        let fresh = fresh_ids(ids, &["i"], 1);
        assert!(!fresh.starts_with("i-0123456789abcdef0"));
        assert!(fresh.ends_with(" my-i-0123456789abcdef0 ami-0123456789abcdef0"), "{fresh}");
    }

    #[test]
    fn what_was_not_recorded_cannot_be_scaled() {
        let sizes = Sizes { volumes: Some(5), ..Sizes::default() };
        let error = scale(testing::recorded(), &sizes).unwrap_err().to_string();
        assert!(error.contains("EC2 DescribeVolumes"), "{error}");
    }
}
