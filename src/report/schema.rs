//! The JSON schema of the report.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::{Report, SCHEMA_VERSION};

/// Generated from the types, so that it cannot lag behind them.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), format!("demarc report {SCHEMA_VERSION}").into());
    let mut schema = schema.to_value();
    unlink(&mut schema);
    schema
}

/// Links to other types mean something in Rust's documentation alone: what they name stays.
pub(crate) fn unlink(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "description" => {
                        *text = text.replace("[`", "`").replace("`]", "`");
                    }
                    value => unlink(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unlink),
        _ => {}
    }
}
