//! The scripts of examples/tickets, each fed the events of real comparisons and tried against a
//! stand-in for GitHub, Jira and ServiceNow.
//!
//! Needs sh, curl, jq and Python 3; without them the tests fail, unless DEMARC_TICKETS=skip.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use demarc_report::{Baseline, Finding, Report};
use serde_json::Value;

use crate::runs::{self, Run, bytes, denied, fail, pass};

const ONE: &str = "arn:aws:s3:::one";
const TWO: &str = "arn:aws:s3:::two";
const OPEN: &str = "s3.bucket-policy-not-public";

/// The stand-in; it ends with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new("python3")
            .arg(root().join("tests/tickets/server.py"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts (or set DEMARC_TICKETS=skip)");
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, url: format!("http://127.0.0.1:{}", port.trim()) }
    }

    fn run(&self, script: &str, events: &str) -> Output {
        self.run_as(script, events, "let-me-in")
    }

    fn run_as(&self, script: &str, events: &str, token: &str) -> Output {
        let mut child = Command::new("sh")
            .arg(root().join("examples/tickets").join(script))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs([("GITHUB_API", &*self.url), ("JIRA_URL", &*self.url)])
            .envs([("SERVICENOW_URL", &*self.url), ("SERVICENOW_USER", "bot")])
            .envs([("GITHUB_TOKEN", token), ("JIRA_TOKEN", token), ("SERVICENOW_PASSWORD", token)])
            .envs([("GITHUB_REPOSITORY", "example/cloud"), ("JIRA_PROJECT", "SEC")])
            .env("JIRA_USER", "bot")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A script that stops at its settings reads nothing.
        let _ = child.stdin.take().unwrap().write_all(events.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn feed(&self, script: &str, events: &str) -> Vec<Value> {
        let output = self.run(script, events);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}");
        assert!(output.stdout.is_empty() && said.is_empty(), "{script}: {said}");
        self.tickets()
    }

    fn tickets(&self) -> Vec<Value> {
        let url = format!("{}/tickets", self.url);
        let output = Command::new("curl").args(["--silent", "--fail", &url]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("src/report has a root")
}

/// The last run's events, each run compared with those before it.
fn events(runs: &[&Report]) -> String {
    let (last, earlier) = runs.split_last().unwrap();
    let baseline = earlier
        .iter()
        .fold(Baseline::default(), |baseline, run| baseline.then(&*bytes(run)).unwrap());
    let comparison = baseline.compare(&last.head.tool, last.head.scan.taken_at);
    let marked = last.findings.clone().into_iter();
    let mut events: Vec<_> =
        marked.filter_map(|mut finding| comparison.mark(&mut finding)).collect();
    events.extend(comparison.rest(&last.head).events);
    let mut stream = Vec::new();
    for event in events {
        event.write(&mut stream).unwrap();
    }
    String::from_utf8(stream).unwrap()
}

fn states(tickets: &[Value]) -> Vec<&str> {
    tickets.iter().map(|ticket| ticket["state"].as_str().unwrap()).collect()
}

fn comments(tickets: &[Value]) -> usize {
    tickets.iter().map(|ticket| ticket["comments"].as_array().unwrap().len()).sum()
}

fn is_skipped() -> bool {
    std::env::var("DEMARC_TICKETS").is_ok_and(|value| value == "skip")
}

/// Chosen by whoever may name a resource: ends quotes and blocks, mentions, asks the shell.
const HOSTILE: &str = "$(touch pwned)`id`'\"\\n\r\n{noformat} @everyone [code]<b>";

fn hostile(mut finding: Finding) -> Finding {
    finding.resource.name = HOSTILE.into();
    finding.evidence[0].observed = HOSTILE.into();
    finding
}

fn follows_a_finding_to_its_end(script: &str) {
    if is_skipped() {
        return;
    }
    let server = Server::start();
    let first = Run::at(1).with(hostile(fail(OPEN, ONE))).with(fail(OPEN, TWO)).report();
    let opened = events(&[&first]);
    let tickets = server.feed(script, &opened);
    assert_eq!(states(&tickets), ["open", "open"]);
    let body = tickets[0]["body"].as_str().unwrap();
    assert!(body.contains("$(touch pwned)`id`'\"\\n"), "{body}");
    assert!(body.contains(ONE) && body.contains("Narrow the policy's principals."), "{body}");
    assert!(tickets[0]["title"].as_str().unwrap().starts_with("[high] bucket is not public: "));
    // Sent again, the same events make nothing twice.
    assert_eq!(server.feed(script, &opened), tickets);

    // The second scan is denied one bucket's policy and sees the other one fixed.
    let second = Run::at(2).with(denied(OPEN, ONE, "")).with(pass(OPEN, TWO)).report();
    let resolved = events(&[&first, &second]);
    assert!(resolved.contains("unknown-this-run"));
    let tickets = server.feed(script, &resolved);
    assert_eq!(states(&tickets), ["open", "closed"]);
    assert_eq!(comments(&tickets), 1, "an unknown finding is no news");
    assert_eq!(server.feed(script, &resolved), tickets);

    // Denied the whole listing: nothing closes.
    let third = Run::at(3).with(denied(OPEN, runs::ROOT, "listing:ListBuckets")).report();
    assert_eq!(server.feed(script, &events(&[&first, &second, &third])), tickets);

    // Both are back, one of them with other evidence.
    let mut fourth = Run::at(4).with(fail(OPEN, ONE)).with(fail(OPEN, TWO)).report();
    fourth.findings[0].evidence[0].observed = HOSTILE.repeat(300).into();
    let reopened = events(&[&first, &second, &third, &fourth]);
    let tickets = server.feed(script, &reopened);
    assert_eq!(states(&tickets), ["open", "open"]);
    assert_eq!(comments(&tickets), 3);
    assert_eq!(server.feed(script, &reopened), tickets);

    // Deleted, all of them.
    let fifth = Run::at(5).with(pass(OPEN, "arn:aws:s3:::three")).report();
    let deleted = events(&[&first, &second, &third, &fourth, &fifth]);
    let tickets = server.feed(script, &deleted);
    assert_eq!(states(&tickets), ["closed", "closed"]);
    assert_eq!(server.feed(script, &deleted), tickets);
    assert!(!root().join("pwned").exists() && !Path::new("pwned").exists());

    // Resolved what never had a ticket: none is made.
    assert_eq!(server.feed(script, &resolved).len(), 2);
    assert!(server.feed(script, "").len() == 2);
}

#[test]
fn github_issues_follow_their_findings() {
    follows_a_finding_to_its_end("github-issue.sh");
}

#[test]
fn jira_issues_follow_their_findings() {
    follows_a_finding_to_its_end("jira.sh");
}

#[test]
fn servicenow_incidents_follow_their_findings() {
    follows_a_finding_to_its_end("servicenow.sh");
}

#[test]
fn a_script_that_cannot_do_its_work_says_so_and_stops() {
    if is_skipped() {
        return;
    }
    let server = Server::start();
    let opened = events(&[&Run::at(1).with(fail(OPEN, ONE)).report()]);
    for script in ["github-issue.sh", "jira.sh", "servicenow.sh"] {
        let refused = server.run_as(script, &opened, "wrong");
        assert!(!refused.status.success(), "{script}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("401"), "{script}");
        let broken = server.run(script, &format!("{opened}{{\"event\":"));
        assert!(!broken.status.success(), "{script}");
        let unset = server.run_as(script, &opened, "");
        assert!(!unset.status.success(), "{script}");
        assert!(server.tickets().is_empty(), "{script}");
    }
}
