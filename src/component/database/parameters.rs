//! Parameters of PostgreSQL on RDS.

use std::collections::BTreeMap;

use crate::resource::Path;
use crate::stack::Fault;

use crate::component::context::Context;

/// The range that RDS allows.
const CONNECTIONS: std::ops::RangeInclusive<u32> = 6..=262_143;

/// The parameter that decides whether PostgreSQL takes connections without TLS. In a custom group it needs no reboot where
/// `ssl` is on, as it is by default; in some families it was static. What AWS says about it decides
/// (`aws:rds:ParameterGroup`). <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html>
pub const FORCE_SSL: &str = "rds.force_ssl";

/// A value as RDS takes it; its booleans are `1` and `0`.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html>
pub fn text(value: &str) -> String {
    match value {
        _ if value.eq_ignore_ascii_case("true") => "1".to_owned(),
        _ if value.eq_ignore_ascii_case("false") => "0".to_owned(),
        _ => value.to_owned(),
    }
}

/// Checks the names, and returns `max_connections`, which the alarm on connections is based on.
pub fn check(context: &mut Context<'_>, parameters: &BTreeMap<String, String>) -> u32 {
    for name in parameters.keys() {
        let alphabet = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
        let path = Path::from("database.parameters").key(name);
        if name.is_empty() || !name.chars().all(alphabet) {
            let label = "a parameter takes lower-case letters, digits, `.` and `_`";
            context.refuse_key(Fault::Name, &path, label);
        }
    }
    let connections = parameters.get("max_connections");
    match connections.and_then(|value| value.parse().ok()) {
        Some(count) if CONNECTIONS.contains(&count) => count,
        _ => {
            let path = "database.parameters.max_connections";
            let label =
                "takes a whole number from 6 to 262143, which the alarm on connections goes by";
            context.refuse(Fault::OutOfRange, path, label);
            0
        }
    }
}
