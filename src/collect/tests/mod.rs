//! Collectors against canned wire bytes, through the real SDK.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::{collections::BTreeSet, sync::Arc};

use demarc_model::{Call, Cause, Inventory, Read, time::Timestamp};
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::{
    Asked, Context, Gateway, InFlight, Reading, Regions, Shared, Transport, canned::Canned,
    ledger::Progress, limits::Buckets, target,
};

mod account;
mod ec2;
mod gateway;
mod iam;
mod rds;
mod recording;
mod s3;

const ACCOUNT: &str = "123456789012";
/// The region through which the tests ask.
const HOME: &str = "eu-central-1";

fn shared() -> Shared {
    Shared {
        buckets: Arc::new(Buckets::unlimited()),
        in_flight: Arc::new(InFlight::new(64)),
        stop: CancellationToken::new(),
        progress: Arc::new(Progress::default()),
        pauses: false,
    }
}

/// The way to an account of which the `wanted` calls are needed.
fn gateway(transport: Transport, wanted: impl IntoIterator<Item = &'static Call>) -> Gateway {
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    let config = target::with_transport(&target::offline_config(HOME), transport);
    Gateway::new(shared(), config, ACCOUNT, "aws", Arc::new(wanted))
}

/// The way of a collector that declares `calls`, all of them wanted.
fn context(canned: &Canned, calls: &'static [&'static Call]) -> Context {
    gateway(Transport::Canned(canned.clone()), calls.iter().copied()).context(calls, HOME)
}

/// What a scan for `wanted` reads of an account that answers as `canned` does.
async fn read(canned: &Canned, wanted: &[&'static Call]) -> Inventory {
    read_regions(canned, wanted, &[HOME], false).await
}

async fn read_regions(
    canned: &Canned,
    wanted: &[&'static Call],
    regions: &[&str],
    chosen: bool,
) -> Inventory {
    let gateway = gateway(Transport::Canned(canned.clone()), wanted.iter().copied());
    let names = regions.iter().map(|name| (*name).to_owned()).collect();
    read_account(&gateway, Regions { names, chosen }).await
}

async fn read_account(gateway: &Gateway, regions: Regions) -> Inventory {
    let chosen = regions.chosen;
    let regions = async move { Arc::new(regions) }.boxed().shared();
    let mut reading = Reading::begin(gateway, HOME, Asked { chosen, regions }, Timestamp(0));
    while reading.next().await {}
    reading.inventory
}

fn cause<T: std::fmt::Debug>(read: &Read<T>) -> Cause {
    read.get().unwrap_err().cause.clone()
}

/// An error as IAM, RDS and STS answer it.
fn query_error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>7a62c49f</RequestId></ErrorResponse>"
    )
}

/// An error as EC2 answers it.
fn ec2_error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>\
         <Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>ea966190</RequestID></Response>"
    )
}

/// An error as S3 answers it.
fn s3_error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId>\
         <HostId>x</HostId></Error>"
    )
}

/// An answer of EC2's `operation` with `inner` in it.
fn ec2(operation: &str, inner: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>r</requestId>{inner}</{operation}Response>"
    )
}

/// An answer of IAM's or RDS's `operation` with `inner` in it.
fn query(operation: &str, inner: &str) -> String {
    format!(
        "<{operation}Response><{operation}Result>{inner}</{operation}Result>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"
    )
}
