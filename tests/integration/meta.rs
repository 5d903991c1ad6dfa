//! What a denial does to verdicts, over the demo account's recording and all checks: nothing
//! passes for want of an answer, and a check rests on the calls that it declares, on no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _},
    sync::OnceLock,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};

use crate::{
    harness::{Report, Verdicts, demarc, root, run, text},
    moto::calls_of,
};

/// The lines of the recording that `demarc demo` replays.
fn lines() -> &'static [Value] {
    static LINES: OnceLock<Vec<Value>> = OnceLock::new();
    LINES.get_or_init(|| {
        let file = std::fs::File::open(root().join("examples/demo/account.demarc")).unwrap();
        let lines = BufReader::new(GzDecoder::new(file)).lines();
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
    })
}

/// `S3 GetBucketAcl`, of a line that is an exchange.
fn call_of(line: &Value) -> Option<String> {
    Some(format!("{} {}", line["service"].as_str()?, line["operation"].as_str()?))
}

fn all_calls() -> BTreeSet<String> {
    lines().iter().filter_map(call_of).collect()
}

/// The report of a scan whose caller is denied some calls.
fn scan_without(denied: impl Fn(&str) -> bool) -> Report {
    let recording = tempfile::NamedTempFile::new().unwrap();
    let mut out = GzEncoder::new(recording.as_file(), Compression::fast());
    for line in lines() {
        let mut line = line.clone();
        if call_of(&line).is_some_and(|call| denied(&call)) {
            line["answer"] = denial(&line);
        }
        writeln!(out, "{line}").unwrap();
    }
    out.finish().unwrap();
    let replay = ["scan", "--format", "json", "--replay", recording.path().to_str().unwrap()];
    let ran = run(&mut demarc(replay));
    assert!([3, 4, 5].contains(&ran.code) && ran.stderr.is_empty(), "{} {}", ran.code, ran.stderr);
    Report(serde_json::from_str(&ran.stdout).unwrap())
}

/// How the service's protocol says "access denied".
fn denial(exchange: &Value) -> Value {
    let [service, operation] = ["service", "operation"].map(|member| text(&exchange[member]));
    let message = format!(
        "User: arn:aws:iam::123456789012:user/audit is not authorized to perform: {operation} \
         because no identity-based policy allows the action"
    );
    let error = |code| format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let id = "7c1d0a52-5a3e-4f5b-9d0e-3b6f2c8a1e47";
    let body = match service {
        "EC2" => format!(
            "<Response><Errors>{}</Errors><RequestID>{id}</RequestID></Response>",
            error("UnauthorizedOperation")
        ),
        "IAM" | "RDS" => format!(
            "<ErrorResponse>{}<RequestId>{id}</RequestId></ErrorResponse>",
            error("AccessDenied").replace("<Error>", "<Error><Type>Sender</Type>")
        ),
        "S3" => error("AccessDenied")
            .replace("</Error>", &format!("<RequestId>{id}</RequestId></Error>")),
        "S3 Control" => format!("<ErrorResponse>{}</ErrorResponse>", error("AccessDenied")),
        "Account" => {
            return json!({"http": {
                "status": 403,
                "headers": {"content-type": "application/json", "x-amzn-errortype": "AccessDeniedException"},
                "body": json!({"message": message}).to_string(),
            }});
        }
        other => panic!("no shape of {other}'s denials is known"),
    };
    json!({"http": {"status": 403, "headers": {"content-type": "text/xml"}, "body": body}})
}

fn of_check<'a>(verdicts: &'a Verdicts, check: &str) -> BTreeMap<&'a str, &'a str> {
    let own = verdicts.iter().filter(|((of, _), _)| of == check);
    own.map(|((_, fingerprint), verdict)| (&**fingerprint, &**verdict)).collect()
}

/// Checks that judge everything in the demo account without one of the calls that they declare,
/// and why.
const DECIDED_ALL_THE_SAME: &[(&str, &str, &str)] = &[
    (
        "ec2.launch-template-ebs-encrypted",
        "EC2 DescribeSnapshots",
        "no template restores a volume from a snapshot",
    ),
    (
        "iam.federation-provider-exists",
        "IAM GenerateCredentialReport",
        "there is a provider: whether anybody has a password is not asked",
    ),
    (
        "iam.federation-provider-exists",
        "IAM GetCredentialReport",
        "there is a provider: whether anybody has a password is not asked",
    ),
    (
        "iam.root-hardware-mfa",
        "IAM ListVirtualMFADevices",
        "root has no device at all, so it has no hardware one",
    ),
    (
        "rds.instance-transport-encrypted",
        "RDS DescribeOptionGroups",
        "no instance is of an engine whose options decide",
    ),
    (
        "s3.bucket-policy-no-cross-account",
        "S3 GetBucketAcl",
        "no policy names a canonical user, who might be the owner",
    ),
];

#[test]
fn denying_a_call_leaves_the_checks_that_need_it_not_assessed_and_passes_nothing() {
    let whole = scan_without(|_| false).verdicts();
    let needs = calls_of(&[]);
    let mut wrong = Vec::new();
    let mut excused = BTreeSet::new();
    for denied in all_calls() {
        let found = scan_without(|call| call == denied).verdicts();
        for (check, calls) in &needs {
            let (before, after) = (of_check(&whole, check), of_check(&found, check));
            if !calls.contains(&denied) {
                if before != after {
                    wrong
                        .push(format!("{check} does not declare {denied}, and changes without it"));
                }
                continue;
            }
            let lost = |(finding, verdict): (&&str, &&str)| {
                *verdict == "not-assessed" && before.get(finding) != Some(&"not-assessed")
            };
            let excuse = |(of, without, _): &&(&str, &str, &str)| of == check && *without == denied;
            let excuse = DECIDED_ALL_THE_SAME.iter().find(excuse);
            match (after.iter().any(lost), excuse) {
                (false, None) => wrong.push(format!("{check} knows it all without {denied}")),
                (true, Some(_)) => wrong.push(format!("{check} needs {denied}: no exception")),
                (false, Some(excuse)) => _ = excused.insert(excuse),
                (true, None) => {}
            }
            for (finding, verdict) in &after {
                let is_sound = match before.get(finding) {
                    Some(before) => before == verdict || *verdict == "not-assessed",
                    None => *verdict == "not-assessed",
                };
                if !is_sound {
                    let before = before.get(finding);
                    wrong.push(format!("{check} without {denied}: {before:?} became {verdict}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(excused.len(), DECIDED_ALL_THE_SAME.len(), "each exception is one");
}

#[test]
fn the_demo_account_asks_for_every_call_that_a_check_declares() {
    let declared: BTreeSet<_> = calls_of(&[]).into_values().flatten().collect();
    let recorded = all_calls();
    let missing: Vec<_> = declared.difference(&recorded).collect();
    assert!(missing.is_empty(), "nothing is known of a denial of {missing:?}");
}

#[test]
fn a_check_needs_no_call_that_it_does_not_declare() {
    let whole = scan_without(|_| false).verdicts();
    let mut by_calls: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (check, calls) in calls_of(&[]) {
        by_calls.entry(calls).or_default().push(check);
    }
    let mut wrong = Vec::new();
    for (calls, checks) in by_calls {
        let found = scan_without(|call| !calls.contains(call)).verdicts();
        for check in checks {
            if of_check(&whole, &check) != of_check(&found, &check) {
                wrong.push(check);
            }
        }
    }
    assert!(wrong.is_empty(), "these rest on more than they declare: {wrong:#?}");
}
