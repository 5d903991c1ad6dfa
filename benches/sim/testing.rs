//! A small recording, made by hand.

use demarc_collect::recording::{Answer, Exchange, Header, Target, VERSION};
use demarc_model::time::Timestamp;

use crate::Recorded;

pub(crate) const ACCOUNT: &str = "123456789012";

pub(crate) fn exchange(
    (region, service, operation): (&str, &str, &str),
    request: &str,
    body: &str,
    answer: &str,
) -> Exchange {
    let text = str::to_owned;
    let answer = Answer::Http {
        status: 200,
        headers: [("content-type".to_owned(), text("text/xml"))].into(),
        body: text(answer),
    };
    Exchange {
        account: text(ACCOUNT),
        region: text(region),
        service: text(service),
        operation: text(operation),
        request: text(request),
        body: text(body),
        answer,
    }
}

pub(crate) fn refused(exchange: Exchange, status: u16, body: &str) -> Exchange {
    let answer = Answer::Http { status, headers: [].into(), body: body.to_owned() };
    Exchange { answer, ..exchange }
}

/// One VPC in each of two regions, a bucket, a user.
pub(crate) fn recorded() -> Recorded {
    let mut exchanges = Vec::new();
    for (region, vpc) in [("eu-west-1", "vpc-1"), ("us-east-1", "vpc-2")] {
        exchanges.push(exchange(
            (region, "EC2", "DescribeVpcs"),
            "POST /",
            "Action=DescribeVpcs&Version=2016-11-15&MaxResults=1000",
            &format!("<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><vpcSet><item><vpcId>{vpc}</vpcId><ownerId>{ACCOUNT}</ownerId><tagSet><item><key>region</key><value>{region}</value></item></tagSet></item></vpcSet></DescribeVpcsResponse>"),
        ));
    }
    exchanges.push(exchange(
        ("us-east-1", "S3", "ListBuckets"),
        "GET /?max-buckets=1000&x-id=ListBuckets",
        "",
        "<ListAllMyBucketsResult><Owner><ID>o</ID></Owner><Buckets><Bucket><Name>logs</Name><BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>",
    ));
    exchanges.push(exchange(
        ("eu-west-1", "S3", "GetBucketVersioning"),
        "GET /logs?versioning",
        "",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    ));
    exchanges.push(refused(
        exchange(("eu-west-1", "S3", "GetBucketPolicy"), "GET /logs?policy", "", ""),
        404,
        "<Error><Code>NoSuchBucketPolicy</Code><Message>none</Message></Error>",
    ));
    let report = |state: &str| {
        exchange(
            ("us-east-1", "IAM", "GenerateCredentialReport"),
            "POST /",
            "Action=GenerateCredentialReport&Version=2010-05-08",
            &format!(
                "<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>{state}</State></GenerateCredentialReportResult></GenerateCredentialReportResponse>"
            ),
        )
    };
    exchanges.extend([report("STARTED"), report("COMPLETE")]);
    exchanges.push(exchange(
        ("us-east-1", "Account", "GetContactInformation"),
        "POST /getContactInformation",
        "{}",
        r#"{"ContactInformation":{"FullName":"Ann"}}"#,
    ));
    let target = Target {
        account: ACCOUNT.to_owned(),
        partition: "aws".to_owned(),
        caller: format!("arn:aws:iam::{ACCOUNT}:user/audit"),
        regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
        chosen: false,
        home_region: "us-east-1".to_owned(),
    };
    let header = Header {
        demarc_recording: VERSION,
        tool: "0.0.0".to_owned(),
        taken_at: Timestamp(1_795_305_600),
        targets: vec![target],
    };
    Recorded { header, exchanges }
}
