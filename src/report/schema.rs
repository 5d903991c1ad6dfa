//! The JSON schema of the report.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::{Report, SCHEMA_VERSION};

/// Generated from the types, so that it cannot lag behind them.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), format!("demarc report {SCHEMA_VERSION}").into());
    schema.to_value()
}
