//! Rules every catalogue and crosswalk obeys, and the page generated from them.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::{collections::BTreeSet, fs, path::Path};

use demarc_checks::frameworks::{self, Coverage, Kind};

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
fn a_finding_cites_benchmarks_and_no_crosswalk() {
    let cited = |check: &str, resource: &str, part: &str| -> Vec<_> {
        let cited = frameworks::cited_by(check, resource, part);
        cited
            .iter()
            .map(|(framework, control)| format!("{} {}", framework.id, control.id))
            .collect()
    };
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
