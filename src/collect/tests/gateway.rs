//! The gateway: what an answer, an error or silence becomes.

use std::sync::atomic::Ordering;

use demarc_model::{
    Listing,
    calls::{self, ec2 as calls_ec2},
};

use super::*;

static VPCS: &[&Call] = &[&calls_ec2::DESCRIBE_VPCS];

async fn vpcs(context: &Context) -> Listing<String> {
    let client = context.ec2_client();
    context
        .pages(
            &calls_ec2::DESCRIBE_VPCS,
            |token| client.describe_vpcs().set_next_token(token).send(),
            |page| {
                let vpcs = page.vpcs.unwrap_or_default();
                (vpcs.into_iter().filter_map(|vpc| vpc.vpc_id).collect(), page.next_token)
            },
        )
        .await
}

fn page(vpc: &str, token: &str) -> String {
    ec2(
        "DescribeVpcs",
        &format!(
            "<vpcSet><item><vpcId>{vpc}</vpcId></item></vpcSet><nextToken>{token}</nextToken>"
        ),
    )
}

type Entry = (String, u64, Vec<(&'static str, u64)>);

fn tallies(context: &Context) -> Vec<Entry> {
    let entry = |((call, region), tally): ((&'static Call, Arc<str>), crate::ledger::Tally)| {
        (
            format!("{region} {}", call.name()),
            tally.answered,
            tally.unanswered.into_iter().collect(),
        )
    };
    context.gateway.ledger.entries().into_iter().map(entry).collect()
}

#[tokio::test]
async fn every_page_of_a_listing_is_read() {
    let canned = Canned::default()
        .on("NextToken=two", 200, &page("vpc-3", ""))
        .on("NextToken=one", 200, &page("vpc-2", "two"))
        .on("DescribeVpcs", 200, &page("vpc-1", "one"));
    let context = context(&canned, VPCS);
    assert_eq!(vpcs(&context).await.all().unwrap(), ["vpc-1", "vpc-2", "vpc-3"]);
    assert_eq!(tallies(&context), [("eu-central-1 EC2 DescribeVpcs".to_owned(), 3, vec![])]);
}

#[tokio::test]
async fn a_listing_that_breaks_on_its_second_page_keeps_the_first() {
    let canned = Canned::default()
        .on("NextToken=one", 403, &ec2_error("UnauthorizedOperation", "You are not authorized"))
        .on("DescribeVpcs", 200, &page("vpc-1", "one"));
    let context = context(&canned, VPCS);
    let listing = vpcs(&context).await;
    assert_eq!(listing.seen(), ["vpc-1"]);
    let why = listing.all().unwrap_err();
    assert_eq!(why.call, &calls_ec2::DESCRIBE_VPCS);
    assert_eq!(why.cause, Cause::Denied { code: "UnauthorizedOperation".to_owned() });
    let denied = vec![("denied", 1)];
    assert_eq!(tallies(&context), [("eu-central-1 EC2 DescribeVpcs".to_owned(), 1, denied)]);
}

#[tokio::test]
async fn a_token_that_repeats_ends_the_listing_and_shows_in_the_ledger() {
    let canned = Canned::default().on("DescribeVpcs", 200, &page("vpc-1", "again"));
    let context = context(&canned, VPCS);
    let listing = vpcs(&context).await;
    assert!(matches!(listing.all().unwrap_err().cause, Cause::Malformed { .. }));
    assert_eq!(canned.sent().len(), 2);
    let malformed = vec![("malformed", 1)];
    assert_eq!(tallies(&context), [("eu-central-1 EC2 DescribeVpcs".to_owned(), 2, malformed)]);
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let slow = ec2_error("RequestLimitExceeded", "Request limit exceeded.");
    let mut canned = Canned::default();
    for _ in 0..5 {
        canned = canned.once("DescribeVpcs", 503, &slow);
    }
    let canned = canned.on("DescribeVpcs", 200, &page("vpc-1", ""));
    let context = context(&canned, VPCS);
    assert_eq!(vpcs(&context).await.all().unwrap(), ["vpc-1"]);
    assert_eq!(tallies(&context)[0].1, 1, "five attempts and an answer are one question");
    assert_eq!(context.gateway.shared.progress.throttled.load(Ordering::Relaxed), 5);
    assert_eq!(context.gateway.shared.progress.requests.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn throttling_to_the_end_is_a_cause_of_its_own() {
    let slow = ec2_error("RequestLimitExceeded", "Request limit exceeded.");
    let canned = Canned::default().on("DescribeVpcs", 503, &slow);
    let context = context(&canned, VPCS);
    let why = vpcs(&context).await.all().unwrap_err();
    assert_eq!(why.cause, Cause::Throttled { code: "RequestLimitExceeded".to_owned() });
    assert!(canned.sent().len() >= 10, "{} attempts", canned.sent().len());
    assert_eq!(tallies(&context)[0].2, [("throttled", 1)]);
}

#[tokio::test]
async fn a_fault_at_aws_and_a_lost_connection_pass() {
    let canned = Canned::default()
        .once("DescribeVpcs", 500, &ec2_error("InternalError", "An internal error has occurred"))
        .once("DescribeVpcs", 502, "<html>Bad Gateway</html>")
        .lost("DescribeVpcs", "connection reset by peer")
        .on("DescribeVpcs", 200, &page("vpc-1", ""));
    let context = context(&canned, VPCS);
    assert_eq!(vpcs(&context).await.all().unwrap(), ["vpc-1"]);
    assert_eq!(context.gateway.shared.progress.retried.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_fault_that_stays_is_aws_and_a_lost_connection_that_stays_is_the_network() {
    let fault = ec2_error("InternalError", "An internal error has occurred");
    let canned = Canned::default().on("DescribeVpcs", 500, &fault);
    let why = vpcs(&context(&canned, VPCS)).await.all().unwrap_err();
    assert_eq!(why.cause, Cause::ServiceFault { code: "InternalError".to_owned() });
    assert_eq!(canned.sent().len(), 5);

    let mut canned = Canned::default();
    for _ in 0..5 {
        canned = canned.lost("DescribeVpcs", "connection reset by peer");
    }
    let why = vpcs(&context(&canned, VPCS)).await.all().unwrap_err();
    assert_eq!(why.cause, Cause::Network { what: "connection reset by peer".to_owned() });
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_malformed_and_never_an_empty_list() {
    let whole = page("vpc-1", "");
    let half = &whole[..whole.len() / 2];
    for body in [half, "<DescribeVpcsResponse><vpcSet/>", "", "not XML", "<Error/>"] {
        let canned = Canned::default().on("DescribeVpcs", 200, body);
        let listing = vpcs(&context(&canned, VPCS)).await;
        let why = listing.all().unwrap_err();
        assert!(matches!(why.cause, Cause::Malformed { .. }), "{body:?}: {:?}", why.cause);
    }
}

async fn refused(status: u16, code: &str, message: &str) -> Cause {
    let canned = Canned::default().on("DescribeVpcs", status, &ec2_error(code, message));
    vpcs(&context(&canned, VPCS)).await.all().unwrap_err().cause.clone()
}

#[tokio::test]
async fn credentials_that_are_not_renewed_are_tried_in_vain_once_an_account() {
    let answer = ec2_error("RequestExpired", "Request has expired.");
    let canned = Canned::default().on("DescribeVpcs", 400, &answer);
    let context = context(&canned, VPCS);
    for sent in [3, 4, 5] {
        let cause = vpcs(&context).await.all().unwrap_err().cause.clone();
        assert_eq!((cause, canned.sent().len()), (Cause::CredentialsExpired, sent));
    }
}

#[tokio::test]
async fn what_refused_the_call_is_told_apart() {
    let code = |code: &str| code.to_owned();
    assert_eq!(
        refused(401, "AuthFailure", "AWS was not able to validate the access credentials").await,
        Cause::RegionDisabled
    );
    assert_eq!(
        refused(403, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/audit/s is not authorized to perform: ec2:DescribeVpcs with an explicit deny in a service control policy").await,
        Cause::DeniedByScp { code: code("UnauthorizedOperation") }
    );
    assert_eq!(
        refused(400, "RequestExpired", "Request has expired.").await,
        Cause::CredentialsExpired
    );
    assert_eq!(
        refused(400, "OptInRequired", "You are not subscribed to this service").await,
        Cause::NotSubscribed { code: code("OptInRequired") }
    );
    assert_eq!(
        refused(400, "InvalidAction", "The action is not valid for this web service").await,
        Cause::NotInRegion
    );
    assert_eq!(
        refused(400, "InvalidParameterValue", "Value (9) for parameter maxResults").await,
        Cause::Refused { code: code("InvalidParameterValue") }
    );
}

#[tokio::test]
async fn the_four_shapes_of_an_error_are_all_read() {
    static CALLS: &[&Call] = &[
        &calls::iam::GET_ACCOUNT_SUMMARY,
        &calls_ec2::DESCRIBE_VPCS,
        &calls::s3::GET_BUCKET_ACL,
        &calls::account::GET_CONTACT_INFORMATION,
        &calls::organizations::LIST_ACCOUNTS,
    ];
    for (code, status) in [("AccessDenied", 403), ("Throttling", 400)] {
        let json = |code: &str| format!("{{\"__type\":\"{code}Exception\",\"Message\":\"no\"}}");
        let typed = format!("{code}Exception:http://internal.amazon.com/coral/");
        let canned = Canned::default()
            .on("IAM ", status, &query_error(code, "no"))
            .on("EC2 ", status, &ec2_error(code, "no"))
            .on("S3 ", status, &s3_error(code, "no"))
            .with_headers(
                "Account ",
                status,
                &[("x-amzn-errortype", &typed)],
                "{\"message\":\"no\"}",
            )
            .on("Organizations ", status, &json(code));
        let context = context(&canned, CALLS);
        let iam = context.iam_client();
        let iam = context.ask(CALLS[0], || iam.get_account_summary().send()).await;
        let s3 = context.s3_client();
        let s3 = context.ask(CALLS[2], || s3.get_bucket_acl().bucket("b").send()).await;
        let account = context.account_client();
        let account = context.ask(CALLS[3], || account.get_contact_information().send()).await;
        let organizations = context.organizations_client();
        let organizations = context.ask(CALLS[4], || organizations.list_accounts().send()).await;
        let causes = [
            cause(&iam),
            vpcs(&context).await.all().unwrap_err().cause.clone(),
            cause(&s3),
            cause(&account),
            cause(&organizations),
        ];
        for (at, cause) in causes.into_iter().enumerate() {
            let is_right = match &cause {
                Cause::Denied { code: read } => code == "AccessDenied" && read.starts_with(code),
                Cause::Throttled { code: read } => code == "Throttling" && read.starts_with(code),
                _ => false,
            };
            assert!(is_right, "{}: {cause:?}", CALLS[at].name());
        }
    }
}

#[tokio::test]
async fn a_code_that_says_none_is_set_is_an_answer_only_where_it_is_declared() {
    static CALLS: &[&Call] = &[&calls::iam::GET_ACCOUNT_PASSWORD_POLICY];
    let none = query_error("NoSuchEntity", "The Password Policy cannot be found.");
    let canned = Canned::default().on("GetAccountPasswordPolicy", 404, &none);
    let context = context(&canned, CALLS);
    let client = context.iam_client();
    let ask = || client.get_account_password_policy().send();
    let read = context.ask_optional(CALLS[0], &["NoSuchEntity"], ask).await;
    assert!(read.get().unwrap().is_none());
    let read = context.ask(CALLS[0], ask).await;
    assert_eq!(cause(&read), Cause::Refused { code: "NoSuchEntity".to_owned() });
    let refused = vec![("refused", 1)];
    assert_eq!(
        tallies(&context),
        [("eu-central-1 IAM GetAccountPasswordPolicy".to_owned(), 1, refused)]
    );
}

#[tokio::test]
async fn an_undeclared_call_never_leaves_the_machine() {
    static SUBNETS: &[&Call] = &[&calls_ec2::DESCRIBE_SUBNETS];
    let canned = Canned::default().on("", 200, &page("vpc-1", ""));
    let wanted = gateway(Transport::Canned(canned.clone()), calls::all());
    let context = wanted.context(SUBNETS, HOME);
    let why = vpcs(&context).await.all().unwrap_err();
    assert_eq!(why.cause, Cause::Bug { what: "undeclared call EC2 DescribeVpcs".to_owned() });
    // Nor one that no list could hold, because it writes.
    let client = context.ec2_client();
    let refused = client.delete_vpc().vpc_id("vpc-1").send().await;
    assert!(refused.is_err());
    assert_eq!(canned.sent(), [""; 0]);
}

#[tokio::test]
async fn a_call_that_nothing_needs_is_not_sent() {
    let canned = Canned::default();
    let gateway = gateway(Transport::Canned(canned.clone()), [&calls_ec2::DESCRIBE_SUBNETS]);
    let context = gateway.context(VPCS, HOME);
    let why = vpcs(&context).await.all().unwrap_err();
    assert_eq!((why.call, &why.cause), (VPCS[0], &Cause::NotCollected));
    assert_eq!(canned.sent(), [""; 0]);
    assert_eq!(tallies(&context), []);
}

#[tokio::test]
async fn a_stopped_scan_asks_nothing_more() {
    let canned = Canned::default().on("DescribeVpcs", 200, &page("vpc-1", ""));
    let context = context(&canned, VPCS);
    context.gateway.shared.stop.cancel();
    assert_eq!(vpcs(&context).await.all().unwrap_err().cause, Cause::Stopped);
    assert_eq!(canned.sent(), [""; 0]);
    assert_eq!(tallies(&context)[0].2, [("stopped", 1)]);
}

#[tokio::test]
async fn a_request_that_waits_its_turn_can_still_be_stopped() {
    let canned = Canned::default().on("DescribeVpcs", 200, &page("vpc-1", ""));
    let mut gateway = gateway(Transport::Canned(canned.clone()), VPCS.iter().copied());
    gateway.shared.in_flight = Arc::new(InFlight::new(0));
    let context = gateway.context(VPCS, HOME);
    let (listing, ()) = tokio::join!(vpcs(&context), async {
        tokio::task::yield_now().await;
        gateway.shared.stop.cancel();
    });
    assert_eq!(listing.all().unwrap_err().cause, Cause::Stopped);
    assert_eq!(canned.sent(), [""; 0]);
}

#[tokio::test]
async fn a_request_that_waits_for_a_token_can_still_be_stopped() {
    let canned = Canned::default().on("DescribeVpcs", 200, &page("vpc-1", "one"));
    let mut gateway = gateway(Transport::Canned(canned.clone()), VPCS.iter().copied());
    // One token, and days until the next.
    gateway.shared.buckets = Arc::new(Buckets::new(1e-6));
    let stop = gateway.shared.stop.clone();
    let context = gateway.context(VPCS, HOME);
    let (listing, ()) = tokio::join!(vpcs(&context), async {
        while gateway.ledger.entries().is_empty() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    });
    assert_eq!(listing.seen(), ["vpc-1"]);
    assert_eq!(listing.all().unwrap_err().cause, Cause::Stopped);
    assert_eq!(canned.sent().len(), 1);
}

#[tokio::test]
async fn credentials_that_cannot_be_had_are_no_network_fault() {
    use aws_credential_types::provider::{
        ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future,
    };

    #[derive(Debug)]
    struct Ended;
    impl ProvideCredentials for Ended {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(CredentialsError::provider_error(
                "the SSO session has expired",
            )))
        }
    }

    let canned = Canned::default();
    let mut gateway = gateway(Transport::Canned(canned.clone()), VPCS.iter().copied());
    gateway.config = gateway
        .config
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(Ended))
        .build();
    let why = vpcs(&gateway.context(VPCS, HOME)).await.all().unwrap_err();
    assert_eq!(why.cause, Cause::CredentialsExpired);
    assert_eq!(canned.sent(), [""; 0]);
}
