//! The command line: exit codes, errors in one line, files, secrets, and what else needs no
//! account, or the demo's.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::{KEY, Ran, Report, SECRET, account, account_alone, demarc, root, run, text};

fn ran<const N: usize>(arguments: [&str; N]) -> Ran {
    run(&mut demarc(arguments))
}

// ------------------------------------------------------------------------------------ exit codes

#[test]
fn each_outcome_has_its_exit_code() {
    // The demo account has critical findings, and reads that were denied.
    let complete_enough = ["--min-coverage", "0"];
    let nothing_counts = ["--fail-on", "none"];
    let demo = |arguments: &[&str]| run(demarc(["demo", "--quiet"]).args(arguments)).code;
    assert_eq!(demo(&[&complete_enough[..], &nothing_counts[..]].concat()), 0);
    assert_eq!(ran(["scan"]).code, 1);
    assert_eq!(ran(["scan", "--no-such-flag"]).code, 2);
    assert_eq!(demo(&complete_enough), 3);
    assert_eq!(demo(&nothing_counts), 4);
    assert_eq!(demo(&[]), 5);
}

#[test]
fn fail_on_counts_from_its_severity_upwards() {
    let code = |check: &str, fail_on: &str| {
        ran(["demo", "--quiet", "--check", check, "--fail-on", fail_on]).code
    };
    // A medium check that fails in the demo account.
    assert_eq!(code("s3.bucket-kms-encryption", "low"), 3);
    assert_eq!(code("s3.bucket-kms-encryption", "medium"), 3);
    assert_eq!(code("s3.bucket-kms-encryption", "high"), 0);
}

#[test]
fn a_scan_that_cannot_run_says_why_in_one_line() {
    let no_credentials = ran(["scan"]).exits(1);
    assert!(no_credentials.error().contains("no AWS credentials found"), "{no_credentials:?}");
    let no_profile = ran(["scan", "--profile", "audit"]).exits(1);
    assert!(no_profile.error().contains("cannot use profile \"audit\""), "{no_profile:?}");
}

#[test]
fn an_endpoint_that_is_no_aws_is_told_within_seconds() {
    let nobody = "http://127.0.0.1:9".to_owned();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let other_url = format!("http://{}", other.local_addr().unwrap());
    let other = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
        let page = "<html>proxy</html>";
        let length = page.len();
        write!(stream, "HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n{page}").unwrap();
    });
    for (url, why) in [
        (nobody, "Connection refused"),
        ("http://aws.invalid".to_owned(), "lookup"),
        (silent_url, "timed out"),
        (other_url, "(HTTP 403) is not AWS"),
    ] {
        let start = Instant::now();
        let ran = run(demarc(["scan", "--endpoint-url", &url])
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET))
        .exits(1);
        let line = ran.error();
        assert!(line.contains(&url) && line.contains(why), "{why}: {line}");
        assert!(start.elapsed() < Duration::from_secs(12), "{url} took {:?}", start.elapsed());
    }
    other.join().unwrap();
}

#[test]
fn expired_credentials_are_told_as_such_at_the_start_and_on_the_way() {
    let moto = account_alone();
    moto.faults(&json!([{"respond": "expired"}]));
    let at_once = run(&mut moto.scan([])).exits(1);
    assert!(at_once.error().contains("expired"), "{at_once:?}");

    moto.faults(&json!([{"service": "ec2", "respond": "expired"}]));
    let checks = ["--check", "ec2.serial-console-disabled", "--check", "iam.root-mfa"];
    let on_the_way = run(moto.scan(checks).args(["--format", "json"])).exits(5);
    let report = Report(serde_json::from_str(&on_the_way.stdout).unwrap());
    let causes = report.findings().iter().filter_map(|f| f["not_assessed"]["cause"].as_str());
    assert_eq!(causes.collect::<BTreeSet<_>>(), ["credentials-expired"].into());
}

#[test]
fn an_unknown_name_is_a_usage_error_that_suggests_the_nearest() {
    for (arguments, message) in [
        (
            ["scan", "--check", "s3.bucket-versionin"],
            "unknown check \"s3.bucket-versionin\": did you mean \"s3.bucket-versioning\"?",
        ),
        (
            ["scan", "--exclude-check", "iam.root-mf"],
            "unknown check \"iam.root-mf\": did you mean \"iam.root-mfa\"?",
        ),
        (["scan", "--service", "acount"], "unknown service \"acount\": did you mean \"account\"?"),
        (["scan", "--severity", "hihg"], "unknown severity \"hihg\": did you mean \"high\"?"),
        (
            ["scan", "--layer", "operating-systm"],
            "unknown layer \"operating-systm\": did you mean \"operating-system\"?",
        ),
        (
            ["scan", "--region", "eu-central1"],
            "unknown region \"eu-central1\": did you mean \"eu-central-1\"?",
        ),
        (
            ["scan", "--region", "eu-centrl-1"],
            "unknown region \"eu-centrl-1\": did you mean \"eu-central-1\"?",
        ),
        (["scan", "--fail-on", "hgih"], "unknown severity \"hgih\": did you mean \"high\"?"),
    ] {
        let ran = ran(arguments).exits(2);
        assert_eq!(ran.error(), format!("demarc: {message}"));
    }
    let ran = ran(["explain", "iam.root-mf"]).exits(2);
    assert!(ran.error().ends_with("did you mean \"iam.root-mfa\"?"));
}

#[test]
fn a_region_younger_than_demarc_is_asked_for() {
    let ran = ran(["scan", "--region", "ap-southeast-8"]).exits(1);
    assert!(ran.error().contains("no AWS credentials found"), "{ran:?}");
}

#[test]
fn an_external_id_that_no_role_is_asked_with_is_a_usage_error() {
    let ran_alone = ran(["scan", "--external-id", "shop"]).exits(2);
    assert_eq!(
        ran_alone.error(),
        "demarc: --external-id is sent when a role is assumed: add --role-arn or --assume-role, \
         or leave it out"
    );
    let role = "arn:aws:iam::123456789012:role/audit";
    for with_role in [
        &["--role-arn", role][..],
        &["--organization", "--assume-role", "audit"],
        &["--replay", "examples/demo/account.demarc", "--fail-on", "none", "--quiet"],
    ] {
        let ran = run(demarc(["scan", "--external-id", "shop"]).args(with_role));
        assert_ne!(ran.code, 2, "{with_role:?}: {ran:?}");
    }
}

#[test]
fn an_endpoint_that_is_no_url_is_a_usage_error() {
    for url in ["not a url", "ftp://x", "localhost:4566", "http://", "http:///path", "https://:443"]
    {
        let ran = ran(["scan", "--endpoint-url", url]).exits(2);
        assert_eq!(
            ran.error(),
            format!(
                "demarc: --endpoint-url \"{url}\" is not an http or https URL, such as \
                 http://localhost:4566"
            )
        );
    }
}

// ----------------------------------------------------------------------------------------- files

#[test]
fn a_recording_that_is_none_is_told_from_a_truncated_one() {
    let directory = tempfile::tempdir().unwrap();
    let recording = fs::read(root().join("examples/demo/account.demarc")).unwrap();
    let replayed = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        let ran = run(demarc(["scan", "--replay"]).arg(&path)).exits(1);
        ran.error().replace(directory.path().to_str().unwrap(), "")
    };
    assert_eq!(
        replayed("half", &recording[..recording.len() / 2]),
        "demarc: recording \"/half\" is truncated: the compressed data ends too early; record the \
         account again"
    );
    assert_eq!(
        replayed("zip", b"PK\x03\x04"),
        "demarc: \"/zip\" is not a recording made by demarc: it is not gzip data"
    );
    let missing = ran(["scan", "--replay", "/nowhere/account.demarc"]).exits(1);
    assert!(missing.error().starts_with("demarc: cannot open recording \"/nowhere"));
}

#[test]
fn places_that_cannot_be_written_are_told_before_anything_is_asked() {
    // Without credentials: what is said is not about them.
    let report = ran(["scan", "--output", "/nowhere/report.json"]).exits(2);
    assert_eq!(
        report.error(),
        "demarc: cannot write \"/nowhere/report.json\": there is no directory \"/nowhere\""
    );
    let format = ran(["scan", "--output", "report.pdf"]).exits(2);
    assert!(format.error().contains("cannot tell the format of \"report.pdf\""));
    let recording = ran(["scan", "--record", "/nowhere/account.demarc"]).exits(1);
    assert!(recording.error().contains("cannot write recording"), "{recording:?}");
}

#[test]
fn a_report_replaces_the_old_one_when_it_is_whole_and_is_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report.json");
    let recording = directory.path().join("account.demarc");
    for file in [&report, &recording] {
        fs::write(file, "the old one").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let files = || -> BTreeSet<_> {
        let entries = fs::read_dir(directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let both = |command: &mut std::process::Command| {
        run(command.arg("--output").arg(&report).arg("--record").arg(&recording))
    };

    both(&mut demarc(["scan"])).exits(1);
    for file in [&report, &recording] {
        assert_eq!(fs::read_to_string(file).unwrap(), "the old one");
    }
    assert_eq!(files(), ["account.demarc", "report.json"].map(str::to_owned).into());

    both(&mut account().scan(["--check", "iam.root-mfa"])).exits(3);
    Report::read(&report);
    run(demarc(["scan", "--quiet", "--check", "iam.root-mfa", "--replay"]).arg(&recording))
        .exits(3);
    for file in [&report, &recording] {
        let mode = fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(files(), ["account.demarc", "report.json"].map(str::to_owned).into());
}

#[test]
fn convert_writes_what_the_scan_itself_would_have_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let endings = ["json", "ndjson", "csv", "md", "xml", "sarif", "ocsf.json", "asff.json", "html"];
    let written = |prefix: &str| endings.map(|ending| path(&format!("{prefix}.{ending}")));
    let options = |files: &[String]| -> Vec<String> {
        files.iter().flat_map(|file| ["--output".to_owned(), file.clone()]).collect()
    };
    let direct = written("direct");
    run(demarc(["demo", "--quiet"]).args(options(&direct))).exits(5);
    let converted = written("converted");
    run(demarc(["convert", &direct[0]]).args(options(&converted))).exits(0);
    for (direct, converted) in direct.iter().zip(&converted) {
        let [direct_text, text] = [direct, converted].map(|file| fs::read(file).unwrap());
        assert!(direct_text == text, "{converted} is not what {direct} is");
    }
    let ran = run(&mut demarc(["convert", &direct[0], "--format", "csv"])).exits(0);
    assert!(ran.stdout == fs::read_to_string(&direct[2]).unwrap(), "on stdout too");
}

#[test]
fn convert_takes_nothing_but_a_report() {
    let recording = root().join("examples/demo/account.demarc");
    let ran = run(demarc(["convert", "--format", "csv"]).arg(recording)).exits(1);
    assert!(ran.error().contains("cannot read report"), "{ran:?}");
}

#[test]
fn the_example_configuration_does_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let (config, recording) =
        (root().join("examples/demarc.toml"), root().join("examples/demo/account.demarc"));
    let checked = run(demarc(["config", "check"]).arg(&config)).exits(0);
    assert_eq!(checked.stdout, format!("{} is sound\n", config.display()));

    let scan = || {
        let mut command = demarc(["scan", "--quiet", "--config"]);
        command.arg(&config).arg("--replay").arg(&recording).current_dir(directory.path());
        run(&mut command).exits(3)
    };
    assert_eq!(scan().stderr, "");
    for file in ["report.json", "report.html", "events.ndjson", "demarc.prom", "demarc.lock"] {
        assert!(directory.path().join(file).is_file(), "{file}");
    }
    assert_eq!(fs::read_dir(directory.path().join("history")).unwrap().count(), 1);
    let report = Report::read(&directory.path().join("report.json"));
    assert!(report.findings().iter().all(|finding| finding["change"] != "unchanged"));
    scan();
    let report = Report::read(&directory.path().join("report.json"));
    assert!(report.findings().iter().any(|finding| finding["change"] == "unchanged"));
}

// ---------------------------------------------------------------------------------------- output

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    for arguments in [&["checks"][..], &["demo", "--format", "json", "--fail-on", "none"], &["man"]]
    {
        let mut child =
            demarc(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert!(output.status.code().is_some_and(|code| [0, 4].contains(&code)), "{arguments:?}");
    }
}

#[test]
fn colour_comes_only_where_it_is_wanted() {
    let is_coloured = |arguments: &[&str], no_color: bool| {
        let mut command = demarc(["demo", "--check", "iam.root-mfa"]);
        command.args(arguments);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        run(&mut command).exits(3).stdout.contains('\u{1b}')
    };
    assert!(!is_coloured(&[], false), "a pipe is no terminal");
    assert!(!is_coloured(&["--color", "never"], false));
    assert!(is_coloured(&["--color", "always"], false));
    assert!(is_coloured(&["--color", "always"], true), "the flag is nearer than the environment");
    assert!(!is_coloured(&[], true));
}

#[test]
fn quiet_says_nothing_and_results_alone_go_to_stdout() {
    let quiet = ran(["demo", "--quiet"]).exits(5);
    assert_eq!((&*quiet.stdout, &*quiet.stderr), ("", ""));
    let loud = ran(["demo", "-vv", "--format", "json"]).exits(5);
    serde_json::from_str::<Value>(&loud.stdout).unwrap();
    assert!(loud.stderr.contains("GetSerialConsoleAccessStatus"), "{}", loud.stderr);
}

#[test]
fn verbose_tells_who_asks_and_what_is_read_and_left_out() {
    let scan = ["scan", "-v", "--service", "s3", "--fail-on", "none", "--format", "csv"];
    let ran = run(account().demarc(scan).args(["--region", "us-east-1"])).exits(0);
    let line = |what: &str| {
        let found = ran.stderr.lines().find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("{what} is not in\n{}", ran.stderr))
    };
    let caller = line("AWS accepts the credentials");
    for expected in ["account=123456789012", "caller=arn:aws:", "region=us-east-1"] {
        assert!(caller.contains(expected), "{caller}");
    }
    let buckets = line("reading buckets");
    assert!(buckets.contains("listed=") && !buckets.contains("elsewhere=0"), "{buckets}");
    let everywhere = run(&mut account().demarc(scan)).exits(0).stderr;
    assert!(everywhere.contains("eu-central-1 ") && everywhere.contains("elsewhere=0"));
}

#[test]
fn the_summary_shows_what_was_not_assessed_and_what_to_grant() {
    let summary = ran(["demo"]).exits(5).stdout;
    for expected in
        ["FAIL", "NOT ASSESSED", "By layer", "To see the rest, grant", "s3:GetBucketPolicy"]
    {
        assert!(summary.contains(expected), "{expected} is not in\n{summary}");
    }
}

#[test]
fn logs_are_json_where_asked_for() {
    let ran = ran(["demo", "-vv", "--log-format", "json", "--format", "csv"]).exits(5);
    assert!(ran.stderr.lines().count() >= 3);
    for line in ran.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["fields"]["message"].is_string(), "{line}");
    }
}

#[test]
fn secrets_of_the_environment_are_written_nowhere() {
    let token = "IQoJb3JpZ2luX2VjEXAMPLETOKENthatNobodyMayRead0123456789";
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (report, recording) = (path("report.json"), path("account.demarc"));
    for level in [None, Some("trace")] {
        let moto = account();
        let mut scan = moto.scan(["-vvv", "--output", &report, "--record", &recording]);
        scan.env("AWS_SESSION_TOKEN", token);
        if let Some(level) = level {
            scan.env("DEMARC_LOG", level);
        }
        let ran = run(&mut scan).exits(3);
        assert!(ran.stderr.len() > 10_000, "it logs a lot");
        let mut recorded = String::new();
        let file = fs::File::open(&recording).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut recorded).unwrap();
        let report = fs::read_to_string(&report).unwrap();
        for (place, written) in [
            ("stdout", &ran.stdout),
            ("stderr", &ran.stderr),
            ("the recording", &recorded),
            ("the report", &report),
        ] {
            for (what, secret) in [("secret key", SECRET), ("session token", token)] {
                assert!(!written.contains(secret), "the {what} is in {place}, at {level:?}");
            }
        }
    }
}

// -------------------------------------------------------------------------------- other commands

#[test]
fn the_help_of_scan() {
    insta::assert_snapshot!(ran(["scan", "--help"]).exits(0).stdout);
}

#[test]
fn completions_and_the_man_page_come_from_the_same_definition() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = ran(["completions", shell]).exits(0).stdout;
        assert!(script.contains("exclude-severity"), "{shell}");
    }
    let page = ran(["man"]).exits(0).stdout;
    assert!(page.contains(".TH demarc 1") && page.contains("Exit codes"), "{page}");
}

#[test]
fn the_version_is_told() {
    let version = ran(["--version"]).exits(0).stdout;
    assert_eq!(version, concat!("demarc ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn checks_are_listed_with_the_filters_of_a_scan() {
    let list = ran(["checks", "--service", "s3", "--severity", "critical"]).exits(0).stdout;
    assert!(list.lines().count() > 2);
    for line in list.lines() {
        assert!(line.starts_with("s3.") && line.contains("critical"), "{line}");
    }
    let none = ran(["checks", "--service", "s3", "--check", "iam.root-mfa"]).exits(2);
    assert_eq!(none.error(), "demarc: the filters leave no check to run");
}

#[test]
fn explain_prints_the_page_that_the_documentation_shows() {
    let page = ran(["explain", "iam.root-mfa"]).exits(0).stdout;
    assert_eq!(page, fs::read_to_string(root().join("docs/checks/iam.root-mfa.md")).unwrap());
}

#[test]
fn boundary_prints_the_line_of_the_services_asked_for() {
    let line = ran(["boundary", "s3", "rds"]).exits(0).stdout;
    assert!(line.contains("Amazon S3") && line.contains("Server-side encryption"), "{line}");
    assert!(!line.contains("Amazon EC2\n"), "{line}");
    assert!(ran(["boundary", "s33"]).exits(2).error().contains("unknown service \"s33\""));
}

#[test]
fn permissions_are_the_same_in_each_syntax() {
    let permissions = |syntax: &str| {
        let arguments = ["permissions", "--check", "s3.bucket-versioning", "--format", syntax];
        ran(arguments).exits(0).stdout
    };
    let policy: Value = serde_json::from_str(&permissions("json")).unwrap();
    let actions = &policy["Statement"][0]["Action"];
    assert_eq!(
        *actions,
        json!([
            "ec2:DescribeRegions",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:ListAllMyBuckets"
        ])
    );
    let template: Value = serde_json::from_str(&permissions("cloudformation")).unwrap();
    assert_eq!(template["Resources"]["DemarcPolicy"]["Properties"]["PolicyDocument"], policy);
    let module = permissions("terraform");
    let document = module.split("POLICY\n").nth(1).unwrap();
    let document = &document[..=document.rfind('}').unwrap()];
    assert_eq!(serde_json::from_str::<Value>(document).unwrap(), policy);
}

#[test]
fn permissions_fit_managed_policies() {
    let policy: Value = serde_json::from_str(&ran(["permissions"]).exits(0).stdout).unwrap();
    let documents = policy.as_array().cloned().unwrap_or_else(|| vec![policy]);
    for document in documents {
        assert!(document.to_string().len() <= 6_144);
        for action in document["Statement"][0]["Action"].as_array().unwrap() {
            let (_, name) = text(action).split_once(':').unwrap();
            let reads = ["Describe", "Generate", "Get", "List"];
            assert!(reads.iter().any(|verb| name.starts_with(verb)), "{action} is no read");
        }
    }
}

#[test]
fn nothing_is_left_in_the_temporary_directory() {
    let directory = tempfile::tempdir().unwrap();
    run(demarc(["demo", "--quiet"]).env("TMPDIR", directory.path())).exits(5);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
