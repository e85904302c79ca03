//! `customTimeouts:` of a resource's options: how long an operation on it may take, waiting included.
//!
//! ```yaml
//! options:
//!   database: { customTimeouts: { create: 90m, delete: 1h30m } }
//! ```

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::component::context::Context;
use crate::graph::Timeouts;
use crate::stack::{Fault, Node, StackError};

pub const KEY: &str = "customTimeouts";

/// Limits for the operations on a resource, as Pulumi writes them: `90s`, `30m`, `1h30m`, `1d`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CustomTimeouts")]
#[expect(dead_code, reason = "read from the document, with its places")]
pub struct TimeoutsSpec {
    /// Until it is made and ready. Default: as long as AWS may take.
    #[schemars(example = &"90m")]
    create: Option<String>,
    /// Until a change is made and it is ready again. Default: as long as AWS may take.
    update: Option<String>,
    /// Until it is gone, while it is still in the file. Default: as long as AWS may take.
    delete: Option<String>,
}

/// The longest time that makes sense: credentials of a pipeline do not last as long.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads the limits of an `options:`; values that are not limits are recorded as faults.
pub fn read(context: &mut Context<'_>, node: Option<&Node>) -> Timeouts {
    let mut limit = |key: &str| {
        let value = node?.get(KEY)?.get(key)?;
        match parse(value.as_text()?) {
            Ok(limit) => Some(limit),
            Err(reason) => {
                let help = "write a number with its unit, as in `90s`, `30m` or `1h30m`";
                let error = StackError::new(Fault::Value, value.span, reason).help(help);
                context.errors.push(error);
                None
            }
        }
    };
    Timeouts {
        create: limit("create"),
        update: limit("update"),
        delete: limit("delete"),
    }
}

/// Reads a duration as Go writes it, which Pulumi takes, and days as well.
fn parse(text: &str) -> Result<Duration, String> {
    let unreadable = || format!("`{text}` is no length of time");
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(unreadable)?;
        let (number, after) = rest.split_at(end);
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return Err(unreadable()),
        };
        seconds += number.parse::<f64>().map_err(|_| unreadable())? * unit;
        rest = after;
    }
    let limit = Duration::try_from_secs_f64(seconds).map_err(|_| unreadable())?;
    if limit < Duration::from_secs(1) || limit > LONGEST {
        return Err(format!("`{text}` is not between 1s and 24h"));
    }
    Ok(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::testing::{expand_text, faults_of};

    #[test]
    fn lengths_of_time_are_those_of_pulumi() {
        for (text, seconds) in [
            ("40s", 40),
            ("5m", 300),
            ("1h30m", 5_400),
            ("1.5h", 5_400),
            ("1d", 86_400),
            ("2000ms", 2),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "5 m", "-5m", "5x", "1.2.3s", "5m3"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["0s", "10ms", "25h", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_longer_name_has_the_last_word_and_a_section_stands_for_its_parts() {
        let text = "network: {}\ndatabase: {}\noptions:\n  database: { customTimeouts: { create: 90m, delete: 1h } }\n  \
                    database/instance: { customTimeouts: { create: 2h } }\n";
        let expansion = expand_text(text).expect("it is sound");
        let limits = |name: &str| {
            let mut resources = expansion.resources.iter();
            let found = resources.find(|resource| resource.urn.name() == name);
            found.expect("it is made").options.timeouts
        };
        let hours = |hours| Some(Duration::from_hours(hours));
        let instance = limits("database/instance");
        assert_eq!((instance.create, instance.delete), (hours(2), hours(1)));
        let minutes = Some(Duration::from_mins(90));
        assert_eq!(limits("database/subnetGroup").create, minutes);
        assert_eq!(limits("network/vpc"), Timeouts::default());
    }

    #[test]
    fn what_is_no_length_of_time_is_found_with_its_place() {
        let text = "network: {}\noptions: { network: { customTimeouts: { create: soon } } }\n";
        let found = faults_of(text);
        assert!(found.contains("`soon` is no length of time"), "{found}");
        let text = "network: {}\noptions: { network: { customTimeouts: { remove: 5m } } }\n";
        let found = faults_of(text);
        assert!(found.contains("unknown_key `remove`"), "{found}");
    }
}
