//! Rules every boundary file obeys, and the page generated from them.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use demarc_checks::boundary;
use demarc_model::{
    ControlType, Layer,
    boundary::{Boundary, Cell, Owner},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("checks/ has a parent").to_owned()
}

/// Every cell of a service and of its variants, with a name for messages.
fn cells(boundary: &Boundary) -> impl Iterator<Item = (String, &Cell)> {
    let own = boundary
        .layers
        .iter()
        .map(|(layer, cell)| (format!("{}: {}", boundary.service, layer.id()), cell));
    let varied = boundary.variants.iter().flat_map(|variant| {
        variant.layers.iter().map(|(layer, cell)| (format!("{}: {}", variant.id, layer.id()), cell))
    });
    own.chain(varied)
}

fn assert_sentence(place: &str, text: &str) {
    assert!(text.len() > 10 && text.ends_with('.'), "{place}: not a sentence: {text:?}");
    assert_eq!(text, text.trim(), "{place}");
    assert!(!text.contains(['|', '\n']), "{place}: would break the table: {text:?}");
}

fn assert_aws_page(place: &str, page: &str) {
    let of_aws = ["https://docs.aws.amazon.com/", "https://aws.amazon.com/"];
    assert!(of_aws.iter().any(|host| page.starts_with(host)), "{place}: {page}");
}

#[test]
fn every_boundary_file_is_registered_under_its_own_name() {
    let present: BTreeSet<_> = fs::read_dir(root().join("checks"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("boundary.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let registered: Vec<_> = boundary::all().iter().map(|b| b.service.clone()).collect();
    assert!(registered.is_sorted(), "one entry a line, in alphabetical order: {registered:?}");
    assert_eq!(present.into_iter().collect::<Vec<_>>(), registered);
}

#[test]
fn every_service_with_a_check_has_a_boundary() {
    for check in demarc_checks::all() {
        assert!(boundary::of(check.service.id()).is_some(), "{}", check.id);
    }
}

/// Nor in one that does not exist: nobody could act on the finding.
#[test]
fn no_check_sits_in_a_cell_that_aws_owns() {
    for check in demarc_checks::all() {
        let boundary = boundary::of(check.service.id()).unwrap();
        let owners = boundary
            .variants
            .iter()
            .filter_map(|variant| variant.layers.get(&check.layer))
            .chain([&boundary.layers[check.layer]])
            .map(|cell| cell.owner)
            .collect::<Vec<_>>();
        assert!(
            owners.into_iter().any(Owner::includes_customer),
            "{}: {:?}",
            check.id,
            check.layer
        );
    }
}

#[test]
fn every_cell_is_two_sentences_and_an_aws_page() {
    for boundary in boundary::all() {
        assert!(!boundary.pages.is_empty(), "{}", boundary.service);
        for page in &boundary.pages {
            assert_aws_page(&boundary.service, page);
        }
        for (place, cell) in cells(boundary) {
            assert_sentence(&place, &cell.aws);
            assert_sentence(&place, &cell.customer);
            assert_aws_page(&place, &cell.page);
        }
    }
}

#[test]
fn the_customer_is_addressed_and_aws_is_named() {
    for boundary in boundary::all() {
        for (place, cell) in cells(boundary) {
            if cell.owner.includes_customer() {
                assert!(cell.customer.starts_with("You"), "{place}: {}", cell.customer);
            }
            if matches!(cell.owner, Owner::Aws | Owner::Both) {
                let actors = ["AWS ", "The operating service "];
                assert!(actors.iter().any(|a| cell.aws.starts_with(a)), "{place}: {}", cell.aws);
            }
        }
    }
}

#[test]
fn what_no_api_shows_names_an_alternative() {
    for boundary in boundary::all() {
        for (place, cell) in cells(boundary) {
            if let Some(instead) = &cell.instead {
                assert!(cell.owner.includes_customer(), "{place}: AWS's own is not to be watched");
                assert_sentence(&place, instead);
            }
            assert!(cell.visible || cell.instead.is_some(), "{place}: invisible, and then what?");
        }
    }
}

/// A boilerplate sentence would say nothing of the service it stands for.
#[test]
fn a_sentence_of_the_customers_is_not_repeated_within_a_service() {
    for boundary in boundary::all() {
        let mut seen = BTreeSet::new();
        for (layer, cell) in boundary.layers.iter() {
            if cell.owner.includes_customer() {
                assert!(seen.insert(&cell.customer), "{}: {}", boundary.service, layer.id());
            }
        }
    }
}

#[test]
fn variants_have_ids_of_their_own_and_move_the_line() {
    let mut ids = BTreeSet::new();
    for boundary in boundary::all() {
        for variant in &boundary.variants {
            assert!(ids.insert(&variant.id), "{} twice", variant.id);
            assert!(variant.resource.starts_with("AWS::"), "{}", variant.id);
            assert!(!variant.matches.is_empty() && !variant.fact.is_empty(), "{}", variant.id);
            assert!(!variant.when.is_empty() && !variant.when.ends_with('.'), "{}", variant.id);
            assert!(!variant.layers.is_empty(), "{} changes nothing", variant.id);
            for (layer, cell) in &variant.layers {
                assert_ne!(cell, &boundary.layers[*layer], "{}: {}", variant.id, layer.id());
            }
        }
    }
}

/// Each line here is a sentence of AWS's own documentation that others get wrong.
#[test]
fn the_operating_system_belongs_to_whom_aws_says() {
    let owner = |service, resource, fact, value| {
        let boundary = boundary::of(service).unwrap();
        boundary.cell(Layer::OperatingSystem, resource, &[(fact, value)]).owner
    };
    let instance = "AWS::RDS::DBInstance";
    assert_eq!(owner("rds", instance, "Engine", "postgres"), Owner::Aws);
    assert_eq!(owner("rds", instance, "Engine", "custom-oracle-ee"), Owner::Customer);
    assert_eq!(owner("rds", instance, "Engine", "custom-sqlserver-se"), Owner::Both);
    let service = "AWS::ECS::Service";
    assert_eq!(owner("ecs", service, "LaunchType", "EC2"), Owner::Customer);
    assert_eq!(owner("ecs", service, "LaunchType", "FARGATE"), Owner::Aws);
    assert_eq!(owner("ecs", service, "LaunchType", "MANAGED_INSTANCES"), Owner::Aws);
    let node_group = "AWS::EKS::Nodegroup";
    assert_eq!(owner("eks", node_group, "AmiType", "AL2023_x86_64_STANDARD"), Owner::Both);
    assert_eq!(owner("eks", node_group, "AmiType", "CUSTOM"), Owner::Customer);
    let function = "AWS::Lambda::Function";
    assert_eq!(owner("lambda", function, "PackageType", "Zip"), Owner::Aws);
    assert_eq!(owner("lambda", function, "PackageType", "Image"), Owner::Customer);
    let environment = "AWS::ElasticBeanstalk::Environment";
    assert_eq!(
        owner("elasticbeanstalk", environment, "ManagedActionsEnabled", "false"),
        Owner::Customer
    );
    assert_eq!(
        owner("elasticbeanstalk", environment, "ManagedActionsEnabled", "true"),
        Owner::Both
    );
    assert_eq!(owner("ec2", "AWS::EC2::Instance", "Operator.Managed", "true"), Owner::Aws);
}

#[test]
fn every_control_type_has_a_meaning_and_both_halves() {
    let types = boundary::control_types();
    assert_eq!(types.types.iter().map(|kind| kind.id).collect::<Vec<_>>(), ControlType::ALL);
    for kind in &types.types {
        for text in [&kind.meaning, &kind.aws, &kind.customer] {
            assert_sentence(kind.id.id(), text);
        }
        assert_aws_page(kind.id.id(), &kind.page);
    }
}

#[test]
fn every_inherited_control_says_where_its_evidence_is() {
    let types = boundary::control_types();
    let ids: BTreeSet<_> = types.inherited.iter().map(|control| &control.id).collect();
    assert_eq!(ids.len(), types.inherited.len(), "an id twice");
    for control in &types.inherited {
        assert_sentence(&control.id, &control.aws);
        assert_aws_page(&control.id, &control.page);
        assert!(!control.evidence.is_empty(), "{}: no report", control.id);
    }
    for page in &types.pages {
        assert_aws_page("control_types.toml", page);
    }
}

#[test]
fn the_page_is_current() {
    let path = root().join("docs/boundary.md");
    let expected = boundary::page();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, expected).unwrap();
    } else {
        let current = fs::read_to_string(&path).unwrap_or_default();
        assert!(current == expected, "{} is stale: run `cargo bless`", path.display());
    }
}
