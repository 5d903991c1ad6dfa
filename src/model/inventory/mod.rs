//! What was read from one account, held compactly: no raw answers, shared names.

use std::sync::Arc;

use crate::{Cause, Listing, Read, Tags, calls, time::Timestamp};

pub mod account;
pub mod ec2;
pub mod iam;
pub mod rds;
pub mod s3;

pub use account::AccountSettings;
pub use ec2::{Ebs, Ec2, Vpcs};
pub use iam::Iam;
pub use rds::Rds;
pub use s3::S3;

/// The region under which an account's global resources are reported.
pub const GLOBAL: &str = "global";

/// Everything that was read from one account.
#[derive(Debug)]
pub struct Inventory {
    /// The account itself, in region [`GLOBAL`]: findings about no narrower resource go here.
    pub account: Arc<Subject>,
    /// Twelve digits.
    pub account_id: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// When the account was read; checks know no other clock.
    pub taken_at: Timestamp,
    pub settings: AccountSettings,
    pub iam: Iam,
    pub s3: S3,
    /// In order of their names.
    pub regions: Vec<Region>,
}

/// What was read from one region of the account.
#[derive(Debug)]
pub struct Region {
    pub name: Arc<str>,
    /// The account in this region: findings about the region's own settings go here.
    pub subject: Arc<Subject>,
    pub ec2: Ec2,
    pub ebs: Ebs,
    pub vpc: Vpcs,
    pub rds: Rds,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub arn: Arc<str>,
    /// CloudFormation type, e.g. `AWS::S3::Bucket`.
    pub kind: &'static str,
    pub name: Arc<str>,
    /// [`GLOBAL`] for resources that belong to no region.
    pub region: Arc<str>,
    /// Unknown where reading them is a call of its own that was not answered.
    pub tags: Read<Tags>,
    /// Facts that move the responsibility boundary of this resource, e.g. `("engine",
    /// "custom-oracle-ee")`; matched against the variants of `boundary.toml`.
    pub facts: Vec<(&'static str, String)>,
}

impl Subject {
    pub fn new(
        kind: &'static str,
        arn: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        region: &Arc<str>,
    ) -> Self {
        Self {
            arn: arn.into(),
            kind,
            name: name.into(),
            region: Arc::clone(region),
            tags: Read::Known(Tags::default()),
            facts: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = (String, String)>) -> Self {
        self.tags = Read::Known(tags.into_iter().collect());
        self
    }

    #[must_use]
    pub fn with_fact(mut self, fact: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((fact, value.into()));
        self
    }

    /// An account, as the subject of findings about its settings in `region`.
    pub fn account(partition: &str, account: &str, region: &Arc<str>) -> Self {
        Self::new("AWS::::Account", format!("arn:{partition}:iam::{account}:root"), account, region)
    }
}

/// Something that a finding can be about.
pub trait Resource {
    fn subject(&self) -> &Arc<Subject>;
}

macro_rules! resources {
    ($($name:ty),+ $(,)?) => {
        $(impl $crate::Resource for $name {
            fn subject(&self) -> &std::sync::Arc<$crate::Subject> {
                &self.subject
            }
        })+
    };
}
pub(crate) use resources;

impl Inventory {
    /// An account about which nothing has been read yet.
    pub fn empty(partition: &str, account: &str, taken_at: Timestamp) -> Self {
        let global: Arc<str> = Arc::from(GLOBAL);
        Self {
            account: Arc::new(Subject::account(partition, account, &global)),
            account_id: account.to_owned(),
            partition: partition.to_owned(),
            taken_at,
            settings: AccountSettings::default(),
            iam: Iam::default(),
            s3: S3::default(),
            regions: Vec::new(),
        }
    }

    /// The region of that name, added in its place when it is not there yet.
    pub fn region_mut(&mut self, name: &str) -> &mut Region {
        let at = match self.regions.binary_search_by(|region| (*region.name).cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                let region = Region::empty(&self.partition, &self.account_id, name);
                self.regions.insert(at, region);
                at
            }
        };
        &mut self.regions[at]
    }

    pub fn region(&self, name: &str) -> Option<&Region> {
        self.regions.iter().find(|region| &*region.name == name)
    }
}

impl Region {
    /// A region about which nothing has been read yet.
    pub fn empty(partition: &str, account: &str, name: &str) -> Self {
        let name: Arc<str> = Arc::from(name);
        Self {
            subject: Arc::new(Subject::account(partition, account, &name)),
            name,
            ec2: Ec2::default(),
            ebs: Ebs::default(),
            vpc: Vpcs::default(),
            rds: Rds::default(),
        }
    }
}

/// Shorthand for the many fields that start out unread.
fn unread<T>(cause: &Cause, call: &'static calls::Call) -> Read<T> {
    Read::unknown(call, cause.clone())
}

fn unlisted<T>(cause: &Cause, call: &'static calls::Call) -> Listing<T> {
    Listing::unknown(call, cause.clone())
}
