//! What was recorded answers as the account did, without what is secret.

use std::path::Path;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use demarc_model::calls::{ec2 as calls, s3};

use super::*;
use crate::recording::{Header, Recorder, Recording, VERSION, text};

static WANTED: &[&Call] = &[
    &calls::DESCRIBE_VPCS,
    &calls::DESCRIBE_LAUNCH_TEMPLATES,
    &calls::DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
    &s3::LIST_BUCKETS,
    &s3::GET_BUCKET_POLICY,
];

fn account() -> Canned {
    let slow = ec2_error("RequestLimitExceeded", "Request limit exceeded.");
    let bucket = "<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name>\
        <BucketRegion>us-west-2</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>";
    Canned::default()
        .once("us-west-2 EC2 DescribeVpcs", 503, &slow)
        .lost("us-west-2 EC2 DescribeVpcs", "connection reset by peer")
        .on(
            "us-west-2 EC2 DescribeVpcs",
            200,
            &ec2("DescribeVpcs", "<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>"),
        )
        .on("DescribeVpcs", 403, &ec2_error("UnauthorizedOperation", "no"))
        .on(
            "DescribeLaunchTemplateVersions",
            200,
            &ec2(
                "DescribeLaunchTemplateVersions",
                "<launchTemplateVersionSet><item><versionNumber>1</versionNumber>\
                 <launchTemplateData><userData>cGFzc3dvcmQ9aHVudGVyMg==</userData>\
                 <metadataOptions><httpTokens>required</httpTokens></metadataOptions>\
                 </launchTemplateData></item></launchTemplateVersionSet>",
            ),
        )
        .on(
            "DescribeLaunchTemplates",
            200,
            &ec2(
                "DescribeLaunchTemplates",
                "<launchTemplates><item><launchTemplateId>lt-1</launchTemplateId></item>\
                 </launchTemplates>",
            ),
        )
        .on("ListBuckets", 200, bucket)
        .on("GetBucketPolicy", 404, &s3_error("NoSuchBucketPolicy", "none"))
}

async fn scan(transport: Transport) -> String {
    let gateway = gateway(transport, WANTED.iter().copied());
    let names = vec![HOME.to_owned(), "us-west-2".to_owned()];
    let regions = Regions { names, chosen: false };
    let inventory = read_account(&gateway, regions.clone()).await;
    format!("{inventory:#?}\n{:#?}", gateway.ledger.entries())
}

fn header() -> Header {
    Header {
        demarc_recording: VERSION,
        tool: "0.0.0".to_owned(),
        taken_at: Timestamp(0),
        targets: Vec::new(),
    }
}

async fn recorded(path: &Path) -> String {
    let recorder = Arc::new(Recorder::create(path).unwrap());
    let network = SharedHttpClient::new(Transport::Canned(account()));
    let seen = scan(Transport::Record(network, Arc::clone(&recorder))).await;
    Arc::into_inner(recorder).unwrap().finish(&header()).unwrap();
    seen
}

#[tokio::test]
async fn a_replay_reads_what_the_scan_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("account.demarc");
    let live = recorded(&path).await;
    assert!(live.contains("vpc-1") && live.contains("UnauthorizedOperation"), "{live}");
    for _ in 0..2 {
        let recording = Arc::new(Recording::open(&path).unwrap());
        assert_eq!(scan(Transport::Replay(recording)).await, live);
    }
}

#[tokio::test]
async fn no_secret_is_in_a_recording() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("account.demarc");
    recorded(&path).await;
    let text = text(&std::fs::read(&path).unwrap()).unwrap();
    assert!(text.contains("<userData></userData>"), "{text}");
    for secret in ["cGFzc3dvcmQ9aHVudGVyMg==", "AKIDEXAMPLE", "Signature", "X-Amz-Date"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn a_question_that_was_not_recorded_is_a_cause_of_its_own_and_asked_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("account.demarc");
    recorded(&path).await;
    let recording = Arc::new(Recording::open(&path).unwrap());
    let gateway = gateway(Transport::Replay(recording), [&calls::DESCRIBE_SUBNETS]);
    let regions = Regions { names: vec![HOME.to_owned()], chosen: true };
    let inventory = read_account(&gateway, regions.clone()).await;
    let why = inventory.regions[0].vpc.subnets.all().unwrap_err();
    assert_eq!(why.cause, Cause::NotRecorded);
    let requests = &gateway.shared.progress.requests;
    assert_eq!(requests.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[cfg(unix)]
#[test]
fn what_an_interrupted_scan_left_open_to_others_is_not_written_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("account.demarc");
    let elsewhere = directory.path().join("elsewhere");
    std::fs::write(&elsewhere, "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, directory.path().join("account.demarc.partial"))
        .unwrap();
    Recorder::create(&path).unwrap().finish(&header()).unwrap();
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "mine");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
