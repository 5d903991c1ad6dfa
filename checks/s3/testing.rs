//! Sound buckets, for tests to spoil.

use std::sync::Arc;

use demarc_model::{
    Inventory, Listing, Read,
    calls::{self, Call},
    inventory::s3::{
        AccessPoint, Acl, Bucket, Encryption, LifecycleRule, Logging, ObjectLock,
        PublicAccessBlock, ReplicationRule, Versioning,
    },
    policy::Policy,
};

use crate::testing::{REGION, inventory, subject};

/// A bucket of that name with nothing wanting; its logs go to `audit`, its replica to `vault`.
pub(super) fn bucket(name: &str) -> Bucket {
    let acl = Acl { owner: Some("0wner".to_owned()), grants: Vec::new() };
    let encryption = Encryption {
        sse_algorithm: "aws:kms".to_owned(),
        kms_master_key_id: None,
        bucket_key_enabled: true,
    };
    let lifecycle = LifecycleRule { id: None, enabled: true, noncurrent: true };
    let replication =
        ReplicationRule { id: None, enabled: true, destination: "arn:aws:s3:::vault".to_owned() };
    Bucket {
        acl: Read::Known(acl),
        encryption: Read::Known(Some(encryption)),
        lifecycle_rules: Read::Known(vec![lifecycle]),
        logging: Read::Known(Some(Logging { target_bucket: "audit".to_owned() })),
        notifies: Read::Known(true),
        object_ownership: Read::Known(Some("BucketOwnerEnforced".to_owned())),
        object_lock: Read::Known(Some(ObjectLock { enabled: true, default_mode: None })),
        policy: Read::Known(None),
        public_access_block: Read::Known(Some(PublicAccessBlock::ALL)),
        replication: Read::Known(vec![replication]),
        versioning: Read::Known(Versioning { enabled: true, suspended: false, mfa_delete: true }),
        website: Read::Known(false),
        ..Bucket::named("aws", name, &Arc::from(REGION))
    }
}

/// A bucket that nothing shields: no Block Public Access, ACLs in force.
pub(super) fn open_bucket() -> Bucket {
    Bucket {
        public_access_block: Read::Known(None),
        object_ownership: Read::Known(Some("ObjectWriter".to_owned())),
        ..bucket("logs")
    }
}

/// An account with these buckets and no Block Public Access of its own.
pub(super) fn with_buckets(buckets: Vec<Bucket>) -> Inventory {
    let mut inventory = inventory();
    inventory.s3.buckets = Listing::complete(buckets);
    inventory.s3.account_public_access_block = Read::Known(None);
    inventory
}

pub(super) fn with_bucket(bucket: Bucket) -> Inventory {
    with_buckets(vec![bucket])
}

pub(super) fn denied<T>(call: &'static Call) -> Read<T> {
    Read::denied(call, "AccessDenied")
}

pub(super) fn denied_buckets() -> Inventory {
    let mut inventory = inventory();
    inventory.s3.buckets = Listing::denied(&calls::s3::LIST_BUCKETS, "AccessDenied");
    inventory
}

/// A policy of one statement on the bucket `logs`.
pub(super) fn policy(statement: &str) -> Read<Option<Policy>> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
    Read::Known(Some(Policy::parse(&text).expect("a policy")))
}

pub(super) fn access_point(origin: &str, own: Option<PublicAccessBlock>) -> AccessPoint {
    AccessPoint {
        subject: subject("AWS::S3::AccessPoint", "readers"),
        bucket: "logs".to_owned(),
        network_origin: origin.to_owned(),
        public_access_block: Read::Known(own),
    }
}
