//! Rules every catalogue and crosswalk obeys, and the page generated from them.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::{collections::BTreeSet, fs, path::Path};

use demarc_checks::frameworks::{self, Coverage, Kind};

/// Checks that no catalogue here asks for.
#[rustfmt::skip] // One entry a line, so that parallel branches merge.
const OURS_ALONE: &[&str] = &[
    "ebs.volume-attached",
    "ec2.image-encrypted",
    "ec2.image-recent",
    "ec2.instance-no-key-pair",
    "ec2.network-interface-attached",
    "ec2.security-group-no-all-ports-private",
    "ec2.security-group-no-open-icmp",
    "ec2.serial-console-disabled",
    "iam.group-has-members",
    "iam.no-inline-policies",
    "iam.policy-attached",
    "iam.policy-no-not-action",
    "iam.role-trust-cross-account-guarded",
    "iam.role-trust-oidc-subject-restricted",
    "iam.role-used-recently",
    "iam.root-no-signing-certificates",
    "iam.user-in-group",
    "iam.user-password-or-key-not-both",
    "s3.bucket-no-website",
    "vpc.in-use",
    "vpc.peering-same-account",
];

#[test]
fn every_check_that_a_catalogue_names_exists() {
    for framework in frameworks::all() {
        for control in &framework.controls {
            for answer in &control.checks {
                let place = format!("{} {}: {}", framework.id, control.id, answer.check);
                assert!(demarc_checks::find(&answer.check).is_some(), "{place}");
                assert!(answer.resources.iter().all(|kind| kind.starts_with("AWS::")), "{place}");
                for port in &answer.ports {
                    let number = port.trim_end_matches("/tcp").trim_end_matches("/udp");
                    assert!(number.parse::<u16>().is_ok(), "{place}: {port}");
                }
            }
        }
    }
}

#[test]
fn every_control_is_answered_or_says_why_not() {
    for framework in frameworks::all() {
        for control in &framework.controls {
            let place = format!("{} {}", framework.id, control.id);
            assert!(!control.title.is_empty() && !control.title.ends_with('.'), "{place}");
            match &control.uncovered {
                Some(why) => assert!(!why.is_empty() && !why.ends_with('.'), "{place}"),
                None => assert_ne!(control.coverage(), Coverage::None, "{place}"),
            }
            let named: BTreeSet<_> = control.checks.iter().map(|answer| &answer.check).collect();
            assert_eq!(named.len(), control.checks.len(), "{place}: a check twice");
        }
    }
}

#[test]
fn control_ids_are_unique_within_a_catalogue() {
    let ids: Vec<_> = frameworks::all().iter().map(|framework| &framework.id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "catalogues are ordered by id: {ids:?}");
    for framework in frameworks::all() {
        let mut seen = BTreeSet::new();
        for control in &framework.controls {
            assert!(seen.insert(&control.id), "{} {} twice", framework.id, control.id);
        }
    }
}

/// The versions' own sizes: a control that is lost here would be hidden from every report.
#[test]
fn no_control_is_missing() {
    let sizes = [
        ("aws-fsbp", 454),
        ("cis-aws-3.0.0", 62),
        ("cis-aws-4.0.1", 64),
        ("cis-aws-5.0.0", 63),
        ("cis-aws-6.0.0", 63),
        ("cis-aws-7.0.0", 70),
        ("prowler", 645),
    ];
    assert_eq!(frameworks::all().len(), sizes.len());
    for (id, size) in sizes {
        assert_eq!(frameworks::find(id).unwrap().controls.len(), size, "{id}");
    }
}

#[test]
fn benchmarks_say_how_much_each_control_matters() {
    for framework in frameworks::all() {
        for control in &framework.controls {
            let cis = control.level.is_some() && control.assessment.is_some();
            let given = (cis, control.severity.is_some());
            let expected = match framework.kind {
                Kind::Benchmark => [(true, false), (false, true)].contains(&given),
                Kind::Crosswalk => given == (false, false),
            };
            assert!(expected, "{} {}", framework.id, control.id);
        }
    }
}

#[test]
fn every_check_is_named_by_a_catalogue_or_listed_as_ours_alone() {
    for check in demarc_checks::all() {
        let named = !frameworks::controls_of(check.id).is_empty();
        let ours = OURS_ALONE.contains(&check.id);
        assert!(named || ours, "{} is named by no catalogue: add it to one", check.id);
        assert!(!(named && ours), "{} is not ours alone", check.id);
    }
    for id in OURS_ALONE {
        assert!(demarc_checks::find(id).is_some(), "{id} is no check");
    }
}

fn cited(check: &str, resource: &str, part: &str) -> Vec<String> {
    let cited = frameworks::cited_by(check, resource, part);
    cited.iter().map(|(framework, control)| format!("{} {}", framework.id, control.id)).collect()
}

#[test]
fn a_finding_cites_benchmarks_and_no_crosswalk() {
    assert_eq!(
        cited("s3.bucket-public-access-block", "AWS::S3::Bucket", ""),
        [
            "aws-fsbp S3.8",
            "cis-aws-3.0.0 2.1.4",
            "cis-aws-4.0.1 2.1.4",
            "cis-aws-5.0.0 2.1.4",
            "cis-aws-6.0.0 3.1.4",
            "cis-aws-7.0.0 3.1.4",
        ]
    );
}

#[test]
fn a_part_cites_the_controls_that_are_about_it() {
    let opening = ["ec2.security-group-no-open-private-port", "AWS::EC2::SecurityGroup"];
    assert_eq!(
        cited(opening[0], opening[1], "1024-65535/tcp from ::/0"),
        [
            "aws-fsbp EC2.19",
            "cis-aws-3.0.0 5.3",
            "cis-aws-4.0.1 5.4",
            "cis-aws-5.0.0 5.4",
            "cis-aws-6.0.0 6.4",
            "cis-aws-7.0.0 6.4",
        ]
    );
    assert!(cited(opening[0], opening[1], "6379/tcp Redis from ::/0").is_empty());

    let decrypt = "iam.policy-no-kms-decrypt-all";
    assert_eq!(cited(decrypt, "AWS::IAM::ManagedPolicy", ""), ["aws-fsbp KMS.1"]);
    assert_eq!(cited(decrypt, "AWS::IAM::Role", "inline:deploy"), ["aws-fsbp KMS.2"]);
}

#[test]
fn a_control_outside_the_standard_is_not_cited() {
    let classes = "iam.password-policy-character-classes";
    assert_eq!(cited(classes, "AWS::::Account", "uppercase"), ["aws-fsbp IAM.7"]);
    let all = frameworks::controls_of(classes);
    assert!(all.iter().any(|(framework, control)| {
        framework.id == "aws-fsbp" && control.id == "IAM.11" && !control.in_standard
    }));
}

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/frameworks.md");
    let expected = demarc_checks::page::frameworks();
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, expected).unwrap();
    } else {
        let current = fs::read_to_string(&path).unwrap_or_default();
        assert!(current == expected, "docs/frameworks.md is stale: run `cargo bless`");
    }
}
