//! The way into an account: what AWS is told when a role is assumed.

use std::{collections::BTreeMap, process::Command};

use demarc_sim::Running;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{Scan, sim, write};

const ROLE: &str = "arn:aws:iam::300000000000:role/ops/audit";
const DEVICE: &str = "arn:aws:iam::123456789012:mfa/alice";
/// Few calls: a session policy holds them by their exact names.
const SMALL: &[&str] = &["--service", "rds", "--service", "account"];

/// Who asked for each role, and with which parameters.
fn assumed(sim: &Running) -> Vec<(String, BTreeMap<String, String>)> {
    let log = sim.log().into_iter().filter(|asked| asked.operation == "AssumeRole");
    log.map(|asked| {
        let pairs = asked.body.split('&').filter_map(|pair| pair.split_once('='));
        let decoded = |text| percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
        (asked.account, pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    })
    .collect()
}

/// Actions of the policy that `demarc permissions` prints.
fn printed() -> Value {
    let printed = Command::new(env!("CARGO_BIN_EXE_demarc"))
        .env_clear()
        .arg("permissions")
        .args(SMALL)
        .output()
        .expect("the binary is built");
    let policy: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    policy["Statement"][0]["Action"].clone()
}

#[test]
fn a_role_is_assumed_with_its_external_id_and_narrowed_to_the_declared_actions() {
    let sim = sim(|sim| sim.accounts(2).log());
    let way = ["--role-arn", ROLE, "--external-id", "shop/7", "--session-name", "nightly"];
    let report = Scan::of(&sim, &[&way[..], SMALL].concat()).run().report();
    let [row] = &report.head.accounts[..] else { panic!("{:?}", report.head.accounts) };
    assert_eq!(row.id, "300000000000");
    let caller = row.caller.as_deref();
    assert_eq!(caller, Some("arn:aws:sts::300000000000:assumed-role/audit/nightly"));

    let assumed = assumed(&sim);
    let [(by, asked)] = &assumed[..] else { panic!("it was assumed again: {assumed:?}") };
    assert_eq!(by, sim.account(0));
    assert_eq!(asked["RoleArn"], ROLE);
    assert_eq!(asked["ExternalId"], "shop/7");
    assert_eq!(asked["RoleSessionName"], "nightly");
    assert!(!asked.contains_key("SerialNumber") && !asked.contains_key("TokenCode"), "{asked:?}");
    let policy: Value = serde_json::from_str(&asked["Policy"]).expect("JSON");
    assert_eq!(policy["Statement"][0]["Action"], printed());
    let read_as: Vec<_> = sim.log().into_iter().map(|asked| asked.account).skip(1).collect();
    assert!(read_as.len() > 10 && read_as.iter().all(|id| id == "300000000000"), "{read_as:?}");
}

#[test]
fn the_mfa_device_and_its_code_reach_aws_once() {
    let sim = sim(|sim| sim.accounts(2).log());
    let way = ["--role-arn", ROLE, "--mfa-serial", DEVICE, "--mfa-code", "123456"];
    let report = Scan::of(&sim, &[&way[..], SMALL].concat()).run().report();
    assert_eq!(report.head.accounts[0].id, "300000000000");
    let assumed = assumed(&sim);
    // AWS takes a code once.
    let [(_, asked)] = &assumed[..] else { panic!("it was assumed again: {assumed:?}") };
    assert_eq!((&*asked["SerialNumber"], &*asked["TokenCode"]), (DEVICE, "123456"));
    let policy: Value = serde_json::from_str(&asked["Policy"]).expect("JSON");
    assert_eq!(policy["Statement"][0]["Action"], printed());
}

#[test]
fn an_mfa_code_that_nobody_can_be_asked_for_is_a_usage_error() {
    let sim = sim(|sim| sim);
    let ended = Scan::of(&sim, &["--role-arn", ROLE, "--mfa-serial", DEVICE]).run();
    assert_eq!(ended.code(), 2, "{}", ended.stderr);
    assert_eq!(
        ended.stderr,
        format!(
            "demarc: the MFA code of {DEVICE} is needed: pass --mfa-code, or run on a terminal\n"
        )
    );
    assert_eq!(sim.stats().requests, 0);
}

#[test]
fn a_role_that_only_opens_the_way_to_others_is_not_narrowed_but_they_are() {
    let sim = sim(|sim| sim.accounts(4).log());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = write(&directory, "accounts.txt", "300000000001\n300000000002\n");
    let file = file.to_str().expect("a plain path");
    let way = ["--role-arn", ROLE, "--accounts", file, "--assume-role", "audit"];
    let report = Scan::of(&sim, &[&way[..], SMALL].concat()).run().report();
    assert!(report.head.accounts.iter().all(|row| row.error.is_none()));
    let mut assumed = assumed(&sim);
    assumed.sort_by(|a, b| a.1["RoleArn"].cmp(&b.1["RoleArn"]));
    let steps: Vec<_> = assumed
        .iter()
        .map(|(by, asked)| (by.as_str(), asked["RoleArn"].as_str(), asked.contains_key("Policy")))
        .collect();
    assert_eq!(
        steps,
        [
            (sim.account(0), ROLE, false),
            ("300000000000", "arn:aws:iam::300000000001:role/audit", true),
            ("300000000000", "arn:aws:iam::300000000002:role/audit", true),
        ]
    );
}
