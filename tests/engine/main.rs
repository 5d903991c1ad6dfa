//! The engine against a simulated AWS: many accounts, kill -9, faults, rate limits, deadlines.

mod accounts;
mod checkpoint;
mod faults;
mod memory;
mod pace;
mod roles;
mod stopping;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use demarc_report::{Finding, Report};
use demarc_sim::{Builder, Recorded, Running, Sim};
use tempfile::TempDir;

/// Longer than any scan here takes, however busy the machine is.
const HANGS: Duration = Duration::from_secs(100);

/// A simulated AWS that serves the demo account in two regions.
fn sim(change: impl FnOnce(Builder) -> Builder) -> Running {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/account.demarc");
    let recorded = Recorded::open(&recording).expect("the demo account is recorded");
    let builder = Sim::builder(recorded).regions(["eu-west-1", "us-east-1"]);
    change(builder).start_on_thread().expect("loopback has a free port")
}

/// A scan by the real binary, with nothing of this environment but what is named here.
struct Scan {
    command: Command,
    directory: TempDir,
}

impl Scan {
    fn of(sim: &Running, arguments: &[&str]) -> Self {
        Self::to(&["--output", "report.json"], sim, arguments)
    }

    /// [`Scan::of`], with its report elsewhere.
    fn to(output: &[&str], sim: &Running, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_demarc"));
        command
            .env_clear()
            .env("HOME", directory.path())
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(directory.path())
            .arg("scan")
            .args(["--endpoint-url", &sim.url()])
            .args(output)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // A file: nobody has to read while the scan runs.
            .stderr(fs::File::create(directory.path().join("stderr")).expect("it is ours"));
        Self { command, directory }
    }

    fn start(mut self) -> Started {
        let child = self.command.spawn().expect("the binary is built");
        Started { child, directory: self.directory, at: Instant::now() }
    }

    /// Runs to the end.
    fn run(self) -> Ended {
        self.start().end()
    }
}

/// A scan that runs; ended when dropped.
struct Started {
    child: Child,
    directory: TempDir,
    at: Instant,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Started {
    /// Calls `look` until the scan ends.
    fn watch(mut self, mut look: impl FnMut(u32)) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            look(self.child.id());
            let read = fs::read_to_string(self.directory.path().join("stderr"));
            assert!(self.at.elapsed() < HANGS, "the scan hangs: {}", read.unwrap_or_default());
            thread::sleep(Duration::from_millis(10));
        };
        let read = |name: &str| fs::read_to_string(self.directory.path().join(name));
        let stderr = read("stderr").expect("it was created first");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let report = read("report.json").ok().map(|text| {
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
        });
        Ended { status, report, stderr, took: self.at.elapsed() }
    }

    fn end(self) -> Ended {
        self.watch(|_| {})
    }

    /// kill -9.
    fn kill(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill exists");
        assert!(sent.success());
    }
}

/// A scan that has ended.
struct Ended {
    status: ExitStatus,
    report: Option<Report>,
    stderr: String,
    took: Duration,
}

impl Ended {
    fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{}: {}", self.status, self.stderr))
    }

    /// The report, if the scan wrote one.
    #[track_caller]
    fn report(self) -> Report {
        let code = self.code();
        self.report.unwrap_or_else(|| panic!("no report, exit code {code}: {}", self.stderr))
    }
}

/// Two reports say the same of the accounts; when they were read may differ.
#[track_caller]
fn assert_same(found: &Report, expected: &Report) {
    let by_id = |report: &Report| -> BTreeMap<_, _> {
        report.findings.iter().map(|f| (f.fingerprint.0.clone(), f.clone())).collect()
    };
    let (left, right) = (by_id(found), by_id(expected));
    let differ: Vec<_> = right
        .iter()
        .filter(|(id, finding)| left.get(*id) != Some(*finding))
        .map(|(id, finding)| (left.get(id).map(shown), shown(finding)))
        .collect();
    assert!(differ.is_empty(), "{} differ: {:#?}", differ.len(), &differ[..differ.len().min(5)]);
    let ids = |report: &Report| -> Vec<_> {
        report.findings.iter().map(|finding| finding.fingerprint.0.clone()).collect()
    };
    assert_eq!(ids(found), ids(expected), "the order differs");
    assert_eq!(found.head.summary, expected.head.summary);
    assert_eq!(found.head.coverage.looks, expected.head.coverage.looks);
    assert_eq!(found.head.coverage.gaps, expected.head.coverage.gaps);
    assert_eq!(found.head.accounts, expected.head.accounts);
    assert_eq!(found.head.matrix, expected.head.matrix);
}

fn shown(finding: &Finding) -> String {
    let why = finding.not_assessed.as_ref().map(|why| format!(": {} {}", why.call, why.reason));
    let Finding { check, verdict, account, region, .. } = finding;
    format!("{check} {verdict:?} {account} {region}{}", why.unwrap_or_default())
}

/// A file with `text` in it.
fn write(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, text).expect("it is ours");
    path
}
