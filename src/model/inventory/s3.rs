//! Amazon S3: buckets, access points and the account-wide settings.

use std::sync::Arc;

use super::{Subject, resources, unlisted, unread};
use crate::{Cause, Listing, Read, calls, policy::Policy};

#[derive(Debug)]
pub struct S3 {
    pub buckets: Listing<Bucket>,
    /// `None` when the account carries no configuration: nothing is blocked account-wide.
    pub account_public_access_block: Read<Option<PublicAccessBlock>>,
    /// Of every region that was scanned.
    pub access_points: Listing<AccessPoint>,
    pub multi_region_access_points: Listing<AccessPoint>,
}

#[derive(Debug)]
pub struct Bucket {
    pub subject: Arc<Subject>,
    pub acl: Read<Acl>,
    /// `None` when S3 says that none is set; since January 2023 AWS then encrypts with SSE-S3.
    pub encryption: Read<Option<Encryption>>,
    pub lifecycle_rules: Read<Vec<LifecycleRule>>,
    pub logging: Read<Option<Logging>>,
    /// Whether any destination (SNS, SQS, Lambda, EventBridge) is set.
    pub notifies: Read<bool>,
    /// `None` for buckets older than the setting (April 2023): ACLs are then in force.
    pub object_ownership: Read<Option<String>>,
    pub object_lock: Read<Option<ObjectLock>>,
    pub policy: Read<Option<Policy>>,
    /// `None` when the bucket carries no configuration of its own.
    pub public_access_block: Read<Option<PublicAccessBlock>>,
    pub replication: Read<Vec<ReplicationRule>>,
    pub versioning: Read<Versioning>,
    /// Whether static website hosting is configured.
    pub website: Read<bool>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the four flags of AWS's configuration")]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    /// The settings in force when both scopes apply: either one suffices, flag by flag.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            block_public_acls: self.block_public_acls || other.block_public_acls,
            ignore_public_acls: self.ignore_public_acls || other.ignore_public_acls,
            block_public_policy: self.block_public_policy || other.block_public_policy,
            restrict_public_buckets: self.restrict_public_buckets || other.restrict_public_buckets,
        }
    }

    /// Names of the flags that are off, spelled as in the S3 API.
    pub fn off(self) -> impl Iterator<Item = &'static str> {
        [
            ("BlockPublicAcls", self.block_public_acls),
            ("IgnorePublicAcls", self.ignore_public_acls),
            ("BlockPublicPolicy", self.block_public_policy),
            ("RestrictPublicBuckets", self.restrict_public_buckets),
        ]
        .into_iter()
        .filter_map(|(name, on)| (!on).then_some(name))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acl {
    /// Canonical user id.
    pub owner: Option<String>,
    pub grants: Vec<Grant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub grantee: Grantee,
    /// `FULL_CONTROL`, `READ`, `READ_ACP`, `WRITE` or `WRITE_ACP`.
    pub permission: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    CanonicalUser(String),
    /// A predefined group's URI; `…/global/AllUsers` is everyone.
    Group(String),
    Email(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse_algorithm: String,
    /// Absent with `aws:kms` when the AWS managed key `aws/s3` is used.
    pub kms_master_key_id: Option<String>,
    pub bucket_key_enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleRule {
    pub id: Option<String>,
    pub enabled: bool,
    /// Whether it expires or moves noncurrent versions.
    pub noncurrent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    pub target_bucket: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectLock {
    pub enabled: bool,
    /// `GOVERNANCE` or `COMPLIANCE`, when a default retention is set.
    pub default_mode: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationRule {
    pub id: Option<String>,
    pub enabled: bool,
    /// Bucket ARN.
    pub destination: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versioning {
    /// `Status` is `Enabled`; absent and `Suspended` are not.
    pub enabled: bool,
    /// Whether it was ever switched on: `Status` is `Suspended`.
    pub suspended: bool,
    pub mfa_delete: bool,
}

#[derive(Debug)]
pub struct AccessPoint {
    pub subject: Arc<Subject>,
    pub bucket: String,
    /// `Internet` or `VPC`.
    pub network_origin: String,
    pub public_access_block: Read<Option<PublicAccessBlock>>,
}

resources!(Bucket, AccessPoint);

impl Bucket {
    /// A bucket about which nothing but its name has been read yet.
    pub fn named(partition: &str, name: &str, region: &Arc<str>) -> Self {
        let arn = format!("arn:{partition}:s3:::{name}");
        let mut subject = Subject::new("AWS::S3::Bucket", arn, name, region);
        subject.tags = unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_TAGGING);
        Self {
            subject: Arc::new(subject),
            acl: unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_ACL),
            encryption: unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_ENCRYPTION),
            lifecycle_rules: unread(
                &Cause::NotCollected,
                &calls::s3::GET_BUCKET_LIFECYCLE_CONFIGURATION,
            ),
            logging: unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_LOGGING),
            notifies: unread(
                &Cause::NotCollected,
                &calls::s3::GET_BUCKET_NOTIFICATION_CONFIGURATION,
            ),
            object_ownership: unread(
                &Cause::NotCollected,
                &calls::s3::GET_BUCKET_OWNERSHIP_CONTROLS,
            ),
            object_lock: unread(&Cause::NotCollected, &calls::s3::GET_OBJECT_LOCK_CONFIGURATION),
            policy: unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_POLICY),
            public_access_block: unread(&Cause::NotCollected, &calls::s3::GET_PUBLIC_ACCESS_BLOCK),
            replication: unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_REPLICATION),
            versioning: unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_VERSIONING),
            website: unread(&Cause::NotCollected, &calls::s3::GET_BUCKET_WEBSITE),
        }
    }
}

impl S3 {
    /// The section with everything unread for one reason.
    pub fn unread(cause: &Cause) -> Self {
        Self {
            buckets: unlisted(cause, &calls::s3::LIST_BUCKETS),
            account_public_access_block: unread(cause, &calls::s3control::GET_PUBLIC_ACCESS_BLOCK),
            access_points: unlisted(cause, &calls::s3control::LIST_ACCESS_POINTS),
            multi_region_access_points: unlisted(
                cause,
                &calls::s3control::LIST_MULTI_REGION_ACCESS_POINTS,
            ),
        }
    }
}

impl Default for S3 {
    fn default() -> Self {
        Self::unread(&Cause::NotCollected)
    }
}
