//! `demarc checks` and `demarc explain`.

use demarc_model::Check;
use serde_json::json;

use super::{
    print,
    select::{Select, unknown},
};
use crate::exit::{Outcome, Usage};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    select: Select,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl List {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let checks = self.select.checks()?;
        let text = match self.format {
            Format::Text => table(&checks),
            Format::Json => {
                let list: Vec<_> = checks.iter().map(|check| entry(check)).collect();
                format!("{:#}\n", json!(list))
            }
        };
        print(text.as_bytes())
    }
}

fn table(checks: &[&'static Check]) -> String {
    let width = checks.iter().map(|check| check.id.len()).max().unwrap_or_default();
    let lines = checks.iter().map(|check| {
        format!(
            "{:width$}  {:8}  {:29}  {}\n",
            check.id,
            check.severity.id(),
            check.layer.id(),
            check.title
        )
    });
    lines.collect()
}

fn entry(check: &Check) -> serde_json::Value {
    let controls: Vec<_> = demarc_checks::frameworks::controls_of(check.id)
        .into_iter()
        .map(|(framework, control)| json!({ "framework": framework.id, "id": control.id }))
        .collect();
    let calls: Vec<_> = check.needs.iter().map(|call| call.name()).collect();
    json!({
        "id": check.id,
        "title": check.title,
        "service": check.service,
        "severity": check.severity,
        "layer": check.layer,
        "control_type": check.control_type,
        "resource": check.resource,
        "calls": calls,
        "actions": crate::permissions::actions(check.needs),
        "controls": controls,
    })
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// Id of the check, e.g. s3.bucket-public-access-block
    id: String,
}

impl Explain {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let Some(check) = demarc_checks::find(&self.id) else {
            let ids: Vec<_> = demarc_checks::all().map(|check| check.id).collect();
            return Err(Usage(unknown("check", &self.id, &ids)).into());
        };
        print(demarc_checks::page::markdown(check).as_bytes())
    }
}
