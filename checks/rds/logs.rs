//! Which logs a database hands to CloudWatch Logs.

use demarc_model::{Evidence, Outcome, calls::Call};

/// Asks for every log of `wanted`.
pub(super) fn missing(call: &'static Call, exported: &[String], wanted: &[&str]) -> Outcome {
    let missing: Vec<&str> =
        wanted.iter().copied().filter(|log| !exported.iter().any(|name| name == log)).collect();
    Outcome::require(missing.is_empty(), || {
        let observed = format!("{} missing", missing.join(", "));
        Evidence::new(call, "EnabledCloudwatchLogsExports", observed, wanted.join(", "))
    })
}
