//! S3: buckets through their own regions, and each way to say that something is not set.

use demarc_model::{
    Resource as _, Tags,
    calls::{s3 as calls, s3control},
    inventory::s3::{Bucket, Grantee, PublicAccessBlock},
};

use super::*;

fn list(buckets: &[(&str, &str)], token: &str) -> String {
    let bucket = |(name, region): &(&str, &str)| {
        format!(
            "<Bucket><Name>{name}</Name><CreationDate>2024-01-02T03:04:05.000Z</CreationDate>\
             <BucketRegion>{region}</BucketRegion></Bucket>"
        )
    };
    let buckets: String = buckets.iter().map(bucket).collect();
    let token = if token.is_empty() {
        String::new()
    } else {
        format!("<ContinuationToken>{token}</ContinuationToken>")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Buckets>{buckets}</Buckets><Owner><ID>75aa57f09aa0</ID></Owner>{token}\
         </ListAllMyBucketsResult>"
    )
}

fn names(inventory: &Inventory) -> Vec<(&str, &str)> {
    let buckets = inventory.s3.buckets.seen().iter();
    buckets.map(|b| (&*b.subject().name, &*b.subject().region)).collect()
}

#[tokio::test]
async fn every_page_of_buckets_is_read_each_through_its_own_region() {
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let canned = Canned::default()
        .on("continuation-token=two", 200, &list(&[("alpha", "us-west-2")], ""))
        .on("ListBuckets", 200, &list(&[("omega", "eu-central-1"), ("beta", "us-west-2")], "two"))
        .on("GetBucketVersioning", 200, versioning);
    let wanted: &[&Call] = &[&calls::LIST_BUCKETS, &calls::GET_BUCKET_VERSIONING];
    let inventory = read(&canned, wanted).await;
    assert!(inventory.s3.buckets.all().is_ok());
    assert_eq!(
        names(&inventory),
        [("alpha", "us-west-2"), ("beta", "us-west-2"), ("omega", "eu-central-1")]
    );
    let sent = canned.sent();
    for line in [
        "us-west-2 S3 GetBucketVersioning GET /alpha?versioning ",
        "us-west-2 S3 GetBucketVersioning GET /beta?versioning ",
        "eu-central-1 S3 GetBucketVersioning GET /omega?versioning ",
    ] {
        assert!(sent.iter().any(|sent| sent == line), "{line} not in {sent:?}");
    }
    assert!(sent[0].contains("max-buckets=1000"), "S3 then tells the regions: {}", sent[0]);
    // Not even for tags, which no verdict rests on and `wanted` leaves out here.
    assert_eq!(sent.len(), 5);
}

#[tokio::test]
async fn chosen_regions_leave_out_buckets_that_lie_elsewhere() {
    let canned = Canned::default().on(
        "ListBuckets",
        200,
        &list(&[("here", "eu-central-1"), ("there", "us-west-2")], ""),
    );
    let wanted: &[&Call] = &[&calls::LIST_BUCKETS];
    let chosen = read_regions(&canned, wanted, &[HOME], true).await;
    assert_eq!(names(&chosen), [("here", "eu-central-1")]);
    let all = read_regions(&canned, wanted, &[HOME], false).await;
    assert_eq!(names(&all).len(), 2, "a bucket in a region that is not scanned is still read");
}

#[tokio::test]
async fn a_bucket_without_a_region_is_asked_where_the_list_was() {
    let body = list(&[("b", "X")], "").replace("<BucketRegion>X</BucketRegion>", "");
    let canned = Canned::default().on("ListBuckets", 200, &body);
    let chosen = read_regions(&canned, &[&calls::LIST_BUCKETS], &["us-west-2"], true).await;
    assert_eq!(names(&chosen), [("b", HOME)]);
}

async fn one(canned: Canned, wanted: &[&'static Call]) -> Bucket {
    let canned = canned.on("ListBuckets", 200, &list(&[("b", HOME)], ""));
    let wanted: Vec<_> = wanted.iter().copied().chain([&calls::LIST_BUCKETS]).collect();
    let buckets = read(&canned, &wanted).await.s3.buckets;
    buckets.into_seen().pop().unwrap()
}

#[tokio::test]
async fn each_code_for_none_is_set_is_an_answer() {
    let codes = [
        ("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
        ("GetBucketOwnershipControls", "OwnershipControlsNotFoundError"),
        ("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
        ("GetBucketPolicy", "NoSuchBucketPolicy"),
        ("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("GetBucketReplication", "ReplicationConfigurationNotFoundError"),
        ("GetBucketTagging", "NoSuchTagSet"),
        ("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
    ];
    let mut canned = Canned::default();
    for (operation, code) in codes {
        canned = canned.on(&format!("S3 {operation} "), 404, &s3_error(code, "none"));
    }
    let xml = |root: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"
        )
    };
    let canned = canned
        .on("GetBucketLogging", 200, &xml("BucketLoggingStatus"))
        .on("GetBucketNotificationConfiguration", 200, &xml("NotificationConfiguration"))
        .on("GetBucketVersioning", 200, &xml("VersioningConfiguration"))
        .on(
            "GetBucketAcl",
            200,
            "<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList/></AccessControlPolicy>",
        );
    let bucket = one(canned, calls::ALL).await;
    assert_eq!(bucket.encryption.get().unwrap(), &None);
    assert_eq!(bucket.lifecycle_rules.get().unwrap(), &[]);
    assert_eq!(bucket.object_ownership.get().unwrap(), &None);
    assert_eq!(bucket.object_lock.get().unwrap(), &None);
    assert_eq!(bucket.policy.get().unwrap(), &None);
    assert_eq!(bucket.public_access_block.get().unwrap(), &None);
    assert_eq!(bucket.replication.get().unwrap(), &[]);
    assert_eq!(*bucket.subject.tags.get().unwrap(), Tags::default());
    assert!(!bucket.website.get().unwrap());
    assert_eq!(bucket.logging.get().unwrap(), &None);
    assert!(!bucket.notifies.get().unwrap());
    assert!(!bucket.versioning.get().unwrap().enabled);
    assert_eq!(bucket.acl.get().unwrap().owner.as_deref(), Some("o"));
}

#[tokio::test]
async fn a_denial_of_each_call_is_never_taken_for_none() {
    let canned = Canned::default().on("S3 ListBuckets", 200, &list(&[("b", HOME)], "")).on(
        "S3 ",
        403,
        &s3_error("AccessDenied", "Access Denied"),
    );
    let bucket = one(canned, calls::ALL).await;
    let denied = Cause::Denied { code: "AccessDenied".to_owned() };
    let causes = [
        cause(&bucket.acl),
        cause(&bucket.encryption),
        cause(&bucket.lifecycle_rules),
        cause(&bucket.logging),
        cause(&bucket.notifies),
        cause(&bucket.object_ownership),
        cause(&bucket.object_lock),
        cause(&bucket.policy),
        cause(&bucket.public_access_block),
        cause(&bucket.replication),
        cause(&bucket.versioning),
        cause(&bucket.website),
        cause(&bucket.subject.tags),
    ];
    assert!(causes.iter().all(|cause| *cause == denied), "{causes:?}");
}

#[tokio::test]
async fn a_bucket_deleted_since_it_was_listed_is_left_out() {
    let canned = Canned::default()
        .on("ListBuckets", 200, &list(&[("gone", HOME), ("here", HOME)], ""))
        .on("/gone?", 404, &s3_error("NoSuchBucket", "The specified bucket does not exist"))
        .on("/here?website", 404, &s3_error("NoSuchWebsiteConfiguration", "none"));
    let wanted: &[&Call] = &[&calls::LIST_BUCKETS, &calls::GET_BUCKET_WEBSITE];
    let inventory = read(&canned, wanted).await;
    assert!(inventory.s3.buckets.all().is_ok());
    assert_eq!(names(&inventory), [("here", HOME)]);
}

/// A bucket with everything set.
#[expect(clippy::too_many_lines, reason = "one answer a setting")]
fn configured() -> Canned {
    let ns = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
    Canned::default()
        .on(
            "GetBucketAcl",
            200,
            "<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList>\
             <Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">\
             <URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>\
             <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
        )
        .on(
            "GetBucketEncryption",
            200,
            &format!(
                "<ServerSideEncryptionConfiguration {ns}><Rule><ApplyServerSideEncryptionByDefault>\
                 <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>\
                 </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>\
                 </ServerSideEncryptionConfiguration>"
            ),
        )
        .on(
            "GetPublicAccessBlock",
            200,
            &format!(
                "<PublicAccessBlockConfiguration {ns}><BlockPublicAcls>true</BlockPublicAcls>\
                 <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>false</BlockPublicPolicy>\
                 </PublicAccessBlockConfiguration>"
            ),
        )
        .on("GetBucketPolicy", 200, "{\"Version\":\"2012-10-17\",\"Statement\":[]}")
        .on(
            "GetBucketVersioning",
            200,
            &format!(
                "<VersioningConfiguration {ns}><Status>Suspended</Status>\
                 <MfaDelete>Disabled</MfaDelete></VersioningConfiguration>"
            ),
        )
        .on(
            "GetBucketNotificationConfiguration",
            200,
            &format!("<NotificationConfiguration {ns}><EventBridgeConfiguration/></NotificationConfiguration>"),
        )
        .on(
            "GetBucketLogging",
            200,
            &format!(
                "<BucketLoggingStatus {ns}><LoggingEnabled><TargetBucket>logs</TargetBucket>\
                 <TargetPrefix/></LoggingEnabled></BucketLoggingStatus>"
            ),
        )
        .on(
            "GetBucketLifecycleConfiguration",
            200,
            &format!(
                "<LifecycleConfiguration {ns}><Rule><ID>old</ID><Filter><Prefix/></Filter>\
                 <Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>30\
                 </NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>"
            ),
        )
        .on(
            "GetObjectLockConfiguration",
            200,
            &format!(
                "<ObjectLockConfiguration {ns}><ObjectLockEnabled>Enabled</ObjectLockEnabled>\
                 <Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention>\
                 </Rule></ObjectLockConfiguration>"
            ),
        )
        .on(
            "GetBucketOwnershipControls",
            200,
            &format!(
                "<OwnershipControls {ns}><Rule><ObjectOwnership>BucketOwnerEnforced\
                 </ObjectOwnership></Rule></OwnershipControls>"
            ),
        )
        .on(
            "GetBucketReplication",
            200,
            &format!(
                "<ReplicationConfiguration {ns}><Role>r</Role><Rule><ID>x</ID><Status>Enabled</Status>\
                 <Priority>1</Priority><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination>\
                 </Rule></ReplicationConfiguration>"
            ),
        )
        .on(
            "GetBucketTagging",
            200,
            &format!(
                "<Tagging {ns}><TagSet><Tag><Key>b</Key><Value>2</Value></Tag>\
                 <Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
            ),
        )
        .on(
            "GetBucketWebsite",
            200,
            &format!(
                "<WebsiteConfiguration {ns}><IndexDocument><Suffix>i</Suffix></IndexDocument>\
                 </WebsiteConfiguration>"
            ),
        )
}

#[tokio::test]
async fn what_is_set_is_read() {
    let bucket = one(configured(), calls::ALL).await;
    let all_users = Grantee::Group("http://acs.amazonaws.com/groups/global/AllUsers".to_owned());
    assert_eq!(bucket.acl.get().unwrap().grants[0].grantee, all_users);
    let encryption = bucket.encryption.get().unwrap().as_ref().unwrap();
    assert_eq!(encryption.sse_algorithm, "aws:kms");
    assert!(encryption.bucket_key_enabled);
    let block = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: false,
        restrict_public_buckets: false,
    };
    assert_eq!(bucket.public_access_block.get().unwrap(), &Some(block));
    assert!(bucket.policy.get().unwrap().is_some());
    let versioning = bucket.versioning.get().unwrap();
    assert!(!versioning.enabled && versioning.suspended && !versioning.mfa_delete);
    assert!(bucket.notifies.get().unwrap());
    assert_eq!(bucket.logging.get().unwrap().as_ref().unwrap().target_bucket, "logs");
    let rules = bucket.lifecycle_rules.get().unwrap();
    assert!(rules[0].enabled && rules[0].noncurrent);
    let lock = bucket.object_lock.get().unwrap().as_ref().unwrap();
    assert_eq!((lock.enabled, lock.default_mode.as_deref()), (true, Some("COMPLIANCE")));
    assert_eq!(bucket.object_ownership.get().unwrap().as_deref(), Some("BucketOwnerEnforced"));
    let replication = &bucket.replication.get().unwrap()[0];
    assert!(replication.enabled);
    assert_eq!(replication.destination, "arn:aws:s3:::copy");
    assert_eq!(bucket.subject.tags.get().unwrap().iter().next().unwrap().0, "a");
    assert!(bucket.website.get().unwrap());
}

#[tokio::test]
async fn what_cannot_be_understood_names_its_bucket() {
    let canned = Canned::default().on("GetBucketPolicy", 200, "{\"Version\":}").on(
        "GetBucketAcl",
        200,
        "<AccessControlPolicy><AccessControlList><Grant><Permission>READ</Permission></Grant>\
             </AccessControlList></AccessControlPolicy>",
    );
    let bucket = one(canned, &[&calls::GET_BUCKET_POLICY, &calls::GET_BUCKET_ACL]).await;
    for cause in [cause(&bucket.policy), cause(&bucket.acl)] {
        match cause {
            Cause::Malformed { what } => assert!(what.contains("bucket b"), "{what}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_bucket_named_like_a_directory_bucket_opens_no_session() {
    let canned = Canned::default()
        .on("ListBuckets", 200, &list(&[("logs--use1-az4--x-s3", "us-east-1")], ""))
        .on("GetBucketPolicy", 404, &s3_error("NoSuchBucketPolicy", "none"));
    let wanted: &[&Call] = &[&calls::LIST_BUCKETS, &calls::GET_BUCKET_POLICY];
    let buckets = read(&canned, wanted).await.s3.buckets;
    assert_eq!(buckets.seen()[0].policy.get().unwrap(), &None);
    assert!(canned.sent().iter().all(|sent| !sent.contains("session")), "{:?}", canned.sent());
}

fn control_error(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse><Error><Code>{code}</Code>\
         <Message>m</Message><AccountId>{ACCOUNT}</AccountId></Error><RequestId>r</RequestId>\
         <HostId>h</HostId></ErrorResponse>"
    )
}

#[tokio::test]
async fn the_accounts_own_block_is_none_when_s3_says_so() {
    let wanted: &[&Call] = &[&s3control::GET_PUBLIC_ACCESS_BLOCK];
    let none = control_error("NoSuchPublicAccessBlockConfiguration");
    let canned = Canned::default().on("S3 Control", 404, &none);
    let inventory = read(&canned, wanted).await;
    assert_eq!(inventory.s3.account_public_access_block.get().unwrap(), &None);
    let canned = Canned::default().on("S3 Control", 403, &control_error("AccessDenied"));
    let block = read(&canned, wanted).await.s3.account_public_access_block;
    assert_eq!(cause(&block), Cause::Denied { code: "AccessDenied".to_owned() });
}

#[tokio::test]
async fn access_points_of_every_region_are_read_and_one_regions_gap_shows() {
    let list = |name: &str, token: &str| {
        format!(
            "<ListAccessPointsResult xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">\
             <AccessPointList><AccessPoint><Name>{name}</Name>\
             <NetworkOrigin>Internet</NetworkOrigin><Bucket>b</Bucket></AccessPoint>\
             </AccessPointList>{token}</ListAccessPointsResult>"
        )
    };
    let point = "<GetAccessPointResult><Name>p</Name><Bucket>b</Bucket>\
        <PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
        </PublicAccessBlockConfiguration></GetAccessPointResult>";
    let canned = Canned::default()
        .on("nextToken=two", 200, &list("q", ""))
        .on(
            "eu-central-1 S3 Control ListAccessPoints",
            200,
            &list("p", "<NextToken>two</NextToken>"),
        )
        .on("us-west-2 S3 Control ListAccessPoints", 403, &control_error("AccessDenied"))
        .on("GetAccessPoint", 200, point);
    let wanted: &[&Call] = &[&s3control::LIST_ACCESS_POINTS, &s3control::GET_ACCESS_POINT];
    let points = read_regions(&canned, wanted, &[HOME, "us-west-2"], false).await.s3.access_points;
    let arns: Vec<_> = points.seen().iter().map(|p| &*p.subject().arn).collect();
    assert_eq!(
        arns,
        [
            "arn:aws:s3:eu-central-1:123456789012:accesspoint/p",
            "arn:aws:s3:eu-central-1:123456789012:accesspoint/q"
        ]
    );
    assert!(points.seen()[0].public_access_block.get().unwrap().unwrap().block_public_acls);
    let denied = Cause::Denied { code: "AccessDenied".to_owned() };
    assert_eq!(points.all().unwrap_err().cause, denied);
}

#[tokio::test]
async fn multi_region_access_points_are_asked_of_the_one_region_that_knows() {
    let body = "<ListMultiRegionAccessPointsResult><AccessPoints><AccessPoint><Name>m</Name>\
        <Alias>abc.mrap</Alias><Regions><Region><Bucket>b1</Bucket></Region>\
        <Region><Bucket>b2</Bucket></Region></Regions></AccessPoint></AccessPoints>\
        </ListMultiRegionAccessPointsResult>";
    let canned = Canned::default().on("ListMultiRegionAccessPoints", 200, body);
    let wanted: &[&Call] = &[&s3control::LIST_MULTI_REGION_ACCESS_POINTS];
    let points = read(&canned, wanted).await.s3.multi_region_access_points;
    let [point] = points.all().unwrap() else { panic!("{points:?}") };
    assert_eq!(&*point.subject().arn, "arn:aws:s3::123456789012:accesspoint/abc.mrap");
    assert_eq!(point.bucket, "b1, b2");
    assert!(canned.sent()[0].starts_with("us-west-2 "), "{:?}", canned.sent());
}
