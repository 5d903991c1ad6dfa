//! Which checks: filters that `scan`, `checks` and `permissions` share.

use demarc_model::{Check, Layer, Service, Severity};

use crate::exit::Usage;

#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Select {
    /// Checks of this service (repeatable)
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Vec<String>,
    /// Leave out checks of this service (repeatable)
    #[arg(long, value_name = "SERVICE")]
    pub(crate) exclude_service: Vec<String>,
    /// This check (repeatable)
    #[arg(long, value_name = "ID")]
    pub(crate) check: Vec<String>,
    /// Leave out this check (repeatable)
    #[arg(long, value_name = "ID")]
    pub(crate) exclude_check: Vec<String>,
    /// Checks of this severity (repeatable)
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) severity: Vec<String>,
    /// Leave out checks of this severity (repeatable)
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) exclude_severity: Vec<String>,
    /// Checks of this layer of the shared responsibility model (repeatable)
    #[arg(long, value_name = "LAYER")]
    pub(crate) layer: Vec<String>,
    /// Leave out checks of this layer (repeatable)
    #[arg(long, value_name = "LAYER")]
    pub(crate) exclude_layer: Vec<String>,
}

impl Select {
    /// The checks selected, ordered by id. Different filters narrow each other, values of one
    /// filter add up.
    pub(crate) fn checks(&self) -> Result<Vec<&'static Check>, Usage> {
        let services = Service::ALL.map(Service::id);
        known("service", &services, &[&self.service, &self.exclude_service])?;
        let severities = Severity::ALL.map(Severity::id);
        known("severity", &severities, &[&self.severity, &self.exclude_severity])?;
        let layers = Layer::ALL.map(Layer::id);
        known("layer", &layers, &[&self.layer, &self.exclude_layer])?;
        let ids: Vec<_> = demarc_checks::all().map(|check| check.id).collect();
        known("check", &ids, &[&self.check, &self.exclude_check])?;

        let picks = |wanted: &[String], unwanted: &[String], name: &str| {
            (wanted.is_empty() || wanted.iter().any(|value| value == name))
                && !unwanted.iter().any(|value| value == name)
        };
        let selected: Vec<_> = demarc_checks::all()
            .filter(|check| picks(&self.service, &self.exclude_service, check.service.id()))
            .filter(|check| picks(&self.check, &self.exclude_check, check.id))
            .filter(|check| picks(&self.severity, &self.exclude_severity, check.severity.id()))
            .filter(|check| picks(&self.layer, &self.exclude_layer, check.layer.id()))
            .collect();
        if selected.is_empty() {
            return Err(Usage("the filters leave no check to run".to_owned()));
        }
        Ok(selected)
    }
}

/// Fails on the first name that is not known, with the nearest one that is.
fn known(what: &str, known: &[&str], asked: &[&Vec<String>]) -> Result<(), Usage> {
    for name in asked.iter().copied().flatten() {
        if !known.contains(&name.as_str()) {
            return Err(Usage(unknown(what, name, known)));
        }
    }
    Ok(())
}

/// `unknown check "x": did you mean "y"?`
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, candidate)) if likeness > 0.7 => {
            format!("unknown {what} \"{name}\": did you mean \"{candidate}\"?")
        }
        _ if known.len() <= 12 => {
            format!("unknown {what} \"{name}\": known are {}", known.join(", "))
        }
        _ => format!("unknown {what} \"{name}\": `demarc checks` lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(check: &str) -> Select {
        Select { check: vec![check.to_owned()], ..Select::default() }
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest() {
        let error = select("s3.bucket-public-acces-block").checks().expect_err("a typo");
        let text = "unknown check \"s3.bucket-public-acces-block\": did you mean \"s3.bucket-public-access-block\"?";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn filters_narrow_each_other() {
        let both =
            Select { service: vec!["s3".to_owned()], ..select("s3.bucket-public-access-block") };
        let ids: Vec<_> = both.checks().expect("known").iter().map(|check| check.id).collect();
        assert_eq!(ids, ["s3.bucket-public-access-block"]);
        let neither =
            Select { service: vec!["iam".to_owned()], ..select("s3.bucket-public-access-block") };
        assert_eq!(
            neither.checks().expect_err("none").to_string(),
            "the filters leave no check to run"
        );
    }
}
