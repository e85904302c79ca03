//! The kinds of parameter values, and the spellings of one value.
//!
//! RDS accepts several words for a truth value and returns `1` or `0`; `MySQL`'s `ON` is one of them. Some parameters accept
//! words from a list, in any case, and some a formula over the size of the instance.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html>,
//! <https://github.com/hashicorp/terraform-provider-aws/issues/45394>

use aws_sdk_rds::types::Parameter;

/// RDS's description of a parameter. Its allowed words are given besides its type, and are more exact: a `string` that
/// allows `ON,OFF` is a truth value, too.
pub(super) struct Kind<'a> {
    data_type: &'a str,
    /// The allowed values: `0,1`, `ON,OFF,DEMAND`, `6-262143`, or nothing.
    allowed: &'a str,
}

impl<'a> Kind<'a> {
    pub(super) fn of(parameter: &'a Parameter) -> Self {
        Self {
            data_type: parameter.data_type().unwrap_or_default(),
            allowed: parameter.allowed_values().unwrap_or_default(),
        }
    }

    /// Returns whether two texts are one value.
    pub(super) fn is_same(&self, left: &str, right: &str) -> bool {
        let (left, right) = (left.trim(), right.trim());
        if left == right {
            return true;
        }
        if is_formula(left) || is_formula(right) {
            return formula(left) == formula(right);
        }
        if self.is_truth() && same(truth(left), truth(right)) {
            return true;
        }
        match self.data_type {
            "integer" | "float" | "double" | "long" => same(number(left), number(right)),
            "list" => items(left) == items(right),
            _ => self.is_word(left) && left.eq_ignore_ascii_case(right),
        }
    }

    /// Returns whether all allowed words mean true or false.
    fn is_truth(&self) -> bool {
        self.data_type == "boolean"
            || self.words().next().is_some() && self.words().all(|word| truth(word).is_some())
    }

    /// Returns whether the list of allowed words has this word.
    fn is_word(&self, text: &str) -> bool {
        self.words().any(|word| word.eq_ignore_ascii_case(text))
    }

    /// Returns the allowed words. A range such as `6-262143` is no word.
    fn words(&self) -> impl Iterator<Item = &'a str> {
        let words = self.allowed.split(',').map(str::trim);
        words.filter(|word| !word.is_empty())
    }
}

fn same<T: PartialEq>(left: Option<T>, right: Option<T>) -> bool {
    left.is_some() && left == right
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" => Some(true),
        "0" | "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn items(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

/// Returns whether a text is a formula: `{DBInstanceClassMemory/9531392}`, also within `LEAST(…)`, `GREATEST(…)` and
/// `SUM(…)`.
fn is_formula(text: &str) -> bool {
    text.contains('{') && text.contains('}')
}

/// Returns a formula without its spaces; RDS accepts its names in any case.
fn formula(text: &str) -> String {
    let text = text.chars().filter(|c| !c.is_whitespace());
    text.collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_the_kind_of_their_parameter() {
        for (data_type, allowed, left, right) in [
            ("boolean", "0,1", "off", "0"),
            ("boolean", "0,1", "ON", "1"),
            ("boolean", "0,1", "OFF", "0"),
            ("boolean", "0,1", "TRUE", "1"),
            ("boolean", "", "true", "yes"),
            // These are MySQL's words, whatever the type is called.
            ("string", "0,1,ON,OFF", "ON", "1"),
            ("string", "ON,OFF", "false", "OFF"),
            ("integer", "0,1", "ON", "1"),
            ("string", "ON,OFF,DISABLED", "on", "ON"),
            ("string", "none,ddl,mod,all", "DDL", "ddl"),
            ("integer", "0-4294967295", "1e3", "1000"),
            ("float", "0-1", "0.10", "0.1"),
            (
                "list",
                "auto_explain,pgaudit",
                "auto_explain, pgaudit",
                "auto_explain,pgaudit",
            ),
            ("string", "", "off", "off"),
            (
                "integer",
                "",
                "{DBInstanceClassMemory*3/4}",
                "{DBInstanceClassMemory*3/4}",
            ),
            (
                "integer",
                "6-262143",
                "LEAST({DBInstanceClassMemory/9531392}, 5000)",
                "LEAST({DBInstanceClassMemory/9531392},5000)",
            ),
            (
                "string",
                "",
                "{dbinstanceclassmemory / 2}",
                "{DBInstanceClassMemory/2}",
            ),
        ] {
            let kind = Kind { data_type, allowed };
            assert!(kind.is_same(left, right), "{data_type} {left} {right}");
            assert!(kind.is_same(right, left), "{data_type} {right} {left}");
        }
        for (data_type, allowed, left, right) in [
            ("boolean", "0,1", "off", "1"),
            ("boolean", "0,1", "ON", "0"),
            ("boolean", "", "2", "two"),
            // `DISABLED` is neither, so the words are not the two sides of one switch.
            ("string", "ON,OFF,DISABLED", "1", "ON"),
            ("string", "", "off", "0"),
            ("string", "", "Shop", "shop"),
            ("string", "1-65535", "1", "1.0"),
            ("integer", "", "1", "2"),
            ("list", "", "a,b", "b,a"),
            (
                "integer",
                "",
                "{DBInstanceClassMemory/2}",
                "{DBInstanceClassMemory/4}",
            ),
            ("integer", "", "{DBInstanceClassMemory/2}", "100"),
        ] {
            let kind = Kind { data_type, allowed };
            assert!(!kind.is_same(left, right), "{data_type} {left} {right}");
        }
    }
}
