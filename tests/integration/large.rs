//! A large account: right, and in little memory.

use std::{fs, process::Stdio, time::Duration};

use crate::harness::{Moto, Report, run};

const SIZE: usize = 1_000;
/// Bytes; what an account with 1,000 security groups, 500 buckets and 500 users may take.
const MOST: u64 = 200 << 20;

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
#[ignore = "seeding 2,000 resources takes minutes; run it with `cargo test -- --ignored`"]
fn a_large_account_is_judged_right_in_little_memory() {
    let moto = Moto::start();
    moto.seed(&["--size", &SIZE.to_string()]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.json");
    let recording = directory.path().join("account.demarc");
    let [report, recording] = [&path, &recording].map(|path| path.to_str().unwrap());

    let start = std::time::Instant::now();
    let mut scan = moto.scan(["--quiet", "--output", report, "--record", recording]);
    let mut child = scan.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        peak = fs::read_to_string(&status).ok().and_then(|text| high_water(&text)).unwrap_or(peak);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let took = start.elapsed();
    assert_eq!(ended.code(), Some(3));
    let report = Report::read(&path);
    println!("{} findings in {took:?}, {} MB at most", report.findings().len(), peak >> 20);

    let checks = report.by_name();
    let count = |check: &str, prefix: &str, verdict: &str| {
        let of_check = checks[check].iter();
        of_check.filter(|(name, found)| name.starts_with(prefix) && *found == verdict).count()
    };
    // `seed.py`: every tenth group is open to SSH, every tenth bucket lacks its block.
    let ssh = "ec2.security-group-no-open-private-port";
    assert_eq!(count(ssh, "scale-", "fail"), SIZE / 10);
    assert_eq!(count(ssh, "scale-", "pass"), SIZE - SIZE / 10);
    let block = "s3.bucket-public-access-block";
    assert_eq!(count(block, "nordwind-scale-", "fail"), SIZE / 20);
    assert_eq!(count(block, "nordwind-scale-", "pass"), SIZE / 2 - SIZE / 20);
    assert_eq!(count("iam.user-in-group", "scale-", "not-applicable"), 0);
    let users: usize =
        ["fail", "pass"].map(|verdict| count("iam.user-in-group", "scale-", verdict)).iter().sum();
    assert_eq!(users, SIZE / 2);
    assert_eq!(report.0["summary"]["verdicts"]["not-assessed"], 0);
    assert!(peak > 0 && peak < MOST, "{} MB", peak >> 20);

    let again = directory.path().join("again.json");
    run(crate::harness::demarc(["scan", "--quiet", "--replay", recording, "--output"]).arg(&again))
        .exits(3);
    assert!(fs::read(again).unwrap() == fs::read(path).unwrap(), "a replay finds the same");
}

/// The largest resident size so far, in bytes.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
