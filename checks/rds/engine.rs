//! What sets the database engines apart.

/// A family of engines that share their parameters, logs and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Db2,
    MariaDb,
    MySql,
    Oracle,
    Postgres,
    SqlServer,
    Other,
}

impl Engine {
    /// Of AWS's name: `aurora-mysql`, `custom-oracle-ee`, `sqlserver-web`, …
    pub(super) fn of(name: &str) -> Self {
        match name.trim_start_matches("custom-").split('-').next().unwrap_or_default() {
            "aurora" if name == "aurora-postgresql" => Self::Postgres,
            "aurora" | "mysql" => Self::MySql,
            "db2" => Self::Db2,
            "mariadb" => Self::MariaDb,
            "oracle" => Self::Oracle,
            "postgres" => Self::Postgres,
            "sqlserver" => Self::SqlServer,
            _ => Self::Other,
        }
    }

    /// The port that RDS picks when none is named (API reference, `CreateDBInstance`).
    pub(super) fn default_port(self) -> Option<i32> {
        match self {
            Self::Db2 => Some(50_000),
            Self::MariaDb | Self::MySql => Some(3306),
            Self::Oracle => Some(1521),
            Self::Postgres => Some(5432),
            Self::SqlServer => Some(1433),
            Self::Other => None,
        }
    }
}

/// RDS Custom: the operating system and the engine's configuration are the customer's.
pub(super) fn is_custom(name: &str) -> bool {
    name.starts_with("custom-")
}

pub(super) fn is_aurora(name: &str) -> bool {
    name.starts_with("aurora")
}

/// Major and minor version of the engine: `8.0.mysql_aurora.3.04.0` is 8.0, `16.3` is 16.3.
pub(super) fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aurora_and_custom_engines_belong_to_their_families() {
        assert_eq!(Engine::of("aurora-postgresql"), Engine::Postgres);
        assert_eq!(Engine::of("aurora"), Engine::MySql);
        assert_eq!(Engine::of("aurora-mysql"), Engine::MySql);
        assert_eq!(Engine::of("custom-oracle-ee-cdb"), Engine::Oracle);
        assert_eq!(Engine::of("sqlserver-web"), Engine::SqlServer);
        assert_eq!(Engine::of("graph"), Engine::Other);
    }

    #[test]
    fn versions_are_numbers_not_text() {
        assert!(version("10.11.6") > version("10.6"));
        assert_eq!(version("8.0.mysql_aurora.3.04.0"), (8, 0));
        assert_eq!(version("preview"), (0, 0));
    }
}
