//! Rules every built-in check obeys, and the pages generated from them.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use demarc_model::Check;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("checks/ has a parent").to_owned()
}

/// `s3.bucket-public-access-block` lives in `checks/s3/bucket_public_access_block.rs`.
fn file_of(check: &Check) -> String {
    let (service, name) = check.id.split_once('.').expect("ids are service.name");
    format!("checks/{service}/{}.rs", name.replace('-', "_"))
}

/// Compares a generated file with what is committed; `cargo bless` rewrites it instead.
fn verify_or_bless(path: &Path, expected: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, expected).unwrap();
    } else {
        let current = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(current, expected, "{} is stale: run `cargo bless`", path.display());
    }
}

#[test]
fn every_file_is_registered_under_its_own_name() {
    let registered: BTreeSet<_> = demarc_checks::all().map(file_of).collect();
    let mut present = BTreeSet::new();
    for service in fs::read_dir(root().join("checks")).unwrap().map(|entry| entry.unwrap().path()) {
        if !service.is_dir() {
            continue;
        }
        for file in fs::read_dir(&service).unwrap().map(|entry| entry.unwrap().path()) {
            let is_check = file.extension().is_some_and(|extension| extension == "rs")
                && fs::read_to_string(&file).unwrap().contains("declare_check!");
            if is_check {
                present.insert(file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(present, registered);
    for check in demarc_checks::all() {
        assert!(check.file.ends_with(&file_of(check)), "{} declared in {}", check.id, check.file);
    }
}

#[test]
fn ids_are_unique_ordered_and_well_formed() {
    let ids: Vec<_> = demarc_checks::all().map(|check| check.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted, "checks/*/mod.rs lists its checks by id, each once");
    for check in demarc_checks::all() {
        let (service, name) = check.id.split_once('.').unwrap();
        assert_eq!(service, check.service.id(), "{}", check.id);
        let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(name.chars().all(is_kebab), "{}", check.id);
        assert!(!check.title.ends_with('.') && check.title.len() <= 80, "{}", check.id);
        assert!(check.resource.starts_with("AWS::"), "{}", check.id);
    }
}

/// An id that vanishes or changes here breaks somebody's tickets: rename through an alias.
#[test]
fn published_ids_stay() {
    let ids: Vec<_> = demarc_checks::all().map(|check| check.id).collect();
    verify_or_bless(&root().join("tests/check_ids.txt"), &(ids.join("\n") + "\n"));
}

#[test]
fn every_check_says_why_and_how() {
    for check in demarc_checks::all() {
        assert!(!check.section("").is_empty(), "{}: no description", check.id);
        for heading in ["Why it matters", "Remediation", "References"] {
            assert!(!check.section(heading).is_empty(), "{}: no `## {heading}`", check.id);
        }
        let references = check.section("References");
        assert!(references.contains("https://docs.aws.amazon.com/"), "{}: no AWS page", check.id);
        let unique: BTreeSet<_> = check.needs.iter().collect();
        assert_eq!(unique.len(), check.needs.len(), "{}: a call twice", check.id);
    }
}

#[test]
fn pages_are_current() {
    let directory = root().join("docs/checks");
    let mut expected = BTreeSet::new();
    for check in demarc_checks::all() {
        let path = directory.join(format!("{}.md", check.id));
        verify_or_bless(&path, &demarc_checks::page::markdown(check));
        expected.insert(path);
    }
    for path in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
        assert!(expected.contains(&path), "{} belongs to no check", path.display());
    }
}
