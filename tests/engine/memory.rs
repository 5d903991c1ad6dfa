//! Memory is bounded by the accounts in flight, not by how many there are.

use std::fs;

use crate::{Scan, sim};

/// Most memory that a process held so far, kB.
fn most(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn peak(accounts: usize) -> u64 {
    let sim = sim(|sim| sim.accounts(accounts));
    let arguments = ["--organization", "--assume-role", "audit", "--accounts-at-once", "8"];
    // Many findings for few calls.
    let started = Scan::of(&sim, &[&arguments[..], &["--service", "iam"]].concat()).start();
    let mut peak = 0;
    let ended = started.watch(|process| peak = most(process).unwrap_or_default().max(peak));
    let report = ended.report();
    assert_eq!(report.head.accounts.len(), accounts);
    assert!(report.findings.len() > accounts * 100);
    peak
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "peak memory is read from /proc")]
#[expect(clippy::cast_precision_loss, reason = "kB of one process are far below 2^52")]
fn three_times_the_accounts_take_the_same_memory() {
    let (few, many) = (peak(20), peak(60));
    assert!(many as f64 <= few as f64 * 1.3, "{few} kB for 20 accounts, {many} kB for 60");
}
