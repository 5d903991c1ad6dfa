//! Which parameter makes an engine refuse plain connections, and whether it does.

use demarc_model::{Evidence, Outcome, calls::Call};

use super::engine::{Engine, is_aurora, version};

/// The switch of an engine, or `None` where no parameter decides.
pub(super) fn parameter(engine: &str) -> Option<&'static str> {
    match Engine::of(engine) {
        Engine::MariaDb | Engine::MySql => Some("require_secure_transport"),
        Engine::Postgres | Engine::SqlServer => Some("rds.force_ssl"),
        Engine::Db2 | Engine::Oracle | Engine::Other => None,
    }
}

/// Whether plain connections are refused where the parameter group lists no value. (The calls list
/// set parameters and defaults alike; without a value are those that are left to the engine.) The
/// RDS and Aurora User Guides say, by page:
///
/// - RDS for PostgreSQL since 15 ("Using SSL with a PostgreSQL DB instance"),
/// - Aurora PostgreSQL since 17 ("Security with Amazon Aurora PostgreSQL"),
/// - RDS for MariaDB since 11.8 ("Requiring SSL/TLS for all connections to a MariaDB DB instance
///   on Amazon RDS"),
/// - Aurora MySQL since 8.4 ("Comparing Aurora MySQL version 3 and Aurora MySQL version 8.4"),
/// - never RDS for MySQL ("Requiring SSL/TLS for all connections to a MySQL DB instance on Amazon
///   RDS") and SQL Server ("Using SSL with a Microsoft SQL Server DB instance").
fn is_default(engine: &str, engine_version: &str) -> bool {
    let since = match Engine::of(engine) {
        Engine::Postgres if is_aurora(engine) => (17, 0),
        Engine::Postgres => (15, 0),
        Engine::MariaDb => (11, 8),
        Engine::MySql if is_aurora(engine) => (8, 4),
        _ => return false,
    };
    version(engine_version) >= since
}

/// Judges the parameter's value. `pending` says that the group awaits a reboot, so that its
/// values may not be in force.
pub(super) fn judge(
    call: &'static Call,
    parameter: &'static str,
    value: Option<&str>,
    (engine, engine_version): (&str, &str),
    pending: bool,
) -> Outcome {
    let required = match value {
        Some(value) => matches!(value.to_ascii_lowercase().as_str(), "1" | "on" | "true"),
        None => is_default(engine, engine_version),
    };
    if required && pending {
        return Outcome::Manual(
            "the parameter group requires TLS, but has changes that wait for a reboot: see \
             whether the engine refuses a plain connection",
        );
    }
    Outcome::require(required, || {
        let observed = value.map_or_else(
            || format!("not set, which is off for {engine} {engine_version}"),
            str::to_owned,
        );
        let expected = if parameter == "rds.force_ssl" { "1" } else { "ON" };
        Evidence::new(call, parameter, observed, expected)
    })
}
