//! The line between AWS and the customer, service by service.
//!
//! Published summaries of the shared responsibility model contradict one another: each file's comment
//! says where, and which page of AWS's own documentation settles it.

use std::sync::LazyLock;

use demarc_model::{
    Layer,
    boundary::{Boundary, Cell, ControlTypes, Variant},
};

/// One entry a line, in alphabetical order; a test catches an omission.
#[rustfmt::skip]
const FILES: &[(&str, &str)] = &[
    ("account", include_str!("account/boundary.toml")),
    ("cloudfront", include_str!("cloudfront/boundary.toml")),
    ("dynamodb", include_str!("dynamodb/boundary.toml")),
    ("ebs", include_str!("ebs/boundary.toml")),
    ("ec2", include_str!("ec2/boundary.toml")),
    ("ecs", include_str!("ecs/boundary.toml")),
    ("efs", include_str!("efs/boundary.toml")),
    ("eks", include_str!("eks/boundary.toml")),
    ("elasticbeanstalk", include_str!("elasticbeanstalk/boundary.toml")),
    ("fargate", include_str!("fargate/boundary.toml")),
    ("glacier", include_str!("glacier/boundary.toml")),
    ("iam", include_str!("iam/boundary.toml")),
    ("lambda", include_str!("lambda/boundary.toml")),
    ("rds", include_str!("rds/boundary.toml")),
    ("s3", include_str!("s3/boundary.toml")),
    ("ses", include_str!("ses/boundary.toml")),
    ("sqs", include_str!("sqs/boundary.toml")),
    ("vpc", include_str!("vpc/boundary.toml")),
];

static ALL: LazyLock<Vec<Boundary>> =
    LazyLock::new(|| FILES.iter().map(|(service, text)| parse(service, text)).collect());

static CONTROL_TYPES: LazyLock<ControlTypes> = LazyLock::new(|| {
    toml::from_str(include_str!("control_types.toml"))
        .unwrap_or_else(|e| panic!("checks/control_types.toml: {e}"))
});

// The files are part of the program: one that does not parse never leaves the tests.
fn parse(service: &str, text: &str) -> Boundary {
    toml::from_str(text).unwrap_or_else(|e| panic!("checks/{service}/boundary.toml: {e}"))
}

/// All services, in alphabetical order of their ids.
pub fn all() -> &'static [Boundary] {
    &ALL
}

/// By the service's id, as in check ids.
pub fn of(service: &str) -> Option<&'static Boundary> {
    ALL.iter().find(|boundary| boundary.service == service)
}

pub fn control_types() -> &'static ControlTypes {
    &CONTROL_TYPES
}

/// All services as one page of Markdown, the content of docs/boundary.md.
pub fn page() -> String {
    let mut page = String::from(
        "# Who owns which layer\n\n\
         AWS secures the cloud, you secure what you put in it: where the line runs depends on the \
         service, and within a service on the resource. This page is made from \
         `checks/*/boundary.toml` and `checks/control_types.toml` by `cargo bless`; `demarc \
         boundary` prints the same.\n",
    );
    for boundary in all() {
        page.push('\n');
        page.push_str(&section(boundary));
    }
    page.push('\n');
    page.push_str(&control_types_section());
    page
}

/// One service as a section of Markdown.
pub fn section(boundary: &Boundary) -> String {
    let mut section = format!(
        "## {}\n\nService model: {}. Rests on: {}.\n\n{HEAD}",
        boundary.name,
        boundary.service_model.id(),
        boundary.pages.iter().map(|page| format!("<{page}>")).collect::<Vec<_>>().join(", "),
    );
    for (layer, cell) in boundary.layers.iter() {
        section.push_str(&row(layer, cell));
    }
    for variant in &boundary.variants {
        section.push_str(&heading(variant));
        for (layer, cell) in &variant.layers {
            section.push_str(&row(*layer, cell));
        }
    }
    section
}

fn heading(variant: &Variant) -> String {
    let condition = if variant.matches == ["*"] {
        format!("Every `{}`.", variant.resource)
    } else {
        let patterns: Vec<_> = variant.matches.iter().map(|p| format!("`{p}`")).collect();
        format!("`{}` of `{}` is {}.", variant.fact, variant.resource, patterns.join(" or "))
    };
    let model = variant
        .service_model
        .map_or(String::new(), |model| format!(" Service model: {}.", model.id()));
    format!("\n### When {}\n\n{condition}{model}\n\n{HEAD}", variant.when)
}

const HEAD: &str = "| Layer | Owner | What AWS does | What you do |\n| --- | --- | --- | --- |\n";

fn row(layer: Layer, cell: &Cell) -> String {
    let instead = match &cell.instead {
        Some(instead) if cell.visible => format!("<br>Not visible to any API: {instead}"),
        Some(instead) => format!("<br>**Invisible to any API.** Use instead: {instead}"),
        None => String::new(),
    };
    format!(
        "| [{}]({}) | {} | {} | {}{instead} |\n",
        layer.title(),
        cell.page,
        cell.owner.title(),
        cell.aws,
        cell.customer,
    )
}

fn control_types_section() -> String {
    let types = control_types();
    let meanings = types.types.iter().map(|kind| {
        format!(
            "| [{}]({}) | {} | {} | {} |\n",
            kind.title, kind.page, kind.meaning, kind.aws, kind.customer
        )
    });
    let inherited = types.inherited.iter().map(|control| {
        format!(
            "| [{}]({}) | {} | {} |\n",
            control.title,
            control.page,
            control.aws,
            control.evidence.join("; ")
        )
    });
    format!(
        "## Control types\n\n| Type | Meaning | AWS's half | Your half |\n\
         | --- | --- | --- | --- |\n{}\n### Inherited controls\n\n\
         No check can see these. Your evidence is in AWS Artifact.\n\n\
         | Control | What AWS does | Evidence in AWS Artifact |\n| --- | --- | --- |\n{}",
        meanings.collect::<String>(),
        inherited.collect::<String>()
    )
}
