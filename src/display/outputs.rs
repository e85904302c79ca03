//! The outputs that a stack prints at the end, and that `output` prints.

use super::line::Line;
use super::sanitize::sanitize;
use super::style::Style;
use super::value::{SECRET, block, inline};
use crate::resource::Value;

/// `Outputs:` and below.
pub fn section(outputs: &[(String, Value)], width: Option<usize>) -> Vec<Line> {
    if outputs.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::styled(Style::Heading, "Outputs:")];
    let longest = outputs
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, value) in outputs {
        let head = Line::plain(format!("    {name:<longest$}: "));
        block(&head, value, Style::Plain, 4, width, &mut lines);
    }
    lines
}

/// One output by itself, as a script wants it: text without quotes, anything else as JSON.
pub fn alone(value: &Value, show_secrets: bool) -> String {
    match value {
        Value::Secret(_) if !show_secrets => SECRET.to_owned(),
        value => match value.as_str() {
            Some(text) => text.to_owned(),
            None => json(value, show_secrets).to_string(),
        },
    }
}

/// All outputs as one JSON object, by name.
pub fn all_json(outputs: &[(String, Value)], show_secrets: bool) -> serde_json::Value {
    outputs
        .iter()
        .map(|(name, value)| (name.clone(), json(value, show_secrets)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Assignments for a POSIX shell: `vpcId='vpc-1'`. Characters that cannot be in the name of a variable become `_`.
pub fn shell(outputs: &[(String, Value)], show_secrets: bool) -> String {
    let mut text = String::new();
    for (name, value) in outputs {
        let name = variable(name);
        let value = alone(value, show_secrets).replace('\'', "'\\''");
        text.push_str(&format!("{name}='{value}'\n"));
    }
    text
}

/// The shell's variable for an output.
pub fn variable(name: &str) -> String {
    // None begins with a digit; a shell would take it for a command.
    let digit = name.starts_with(|first: char| first.is_ascii_digit());
    digit
        .then_some('_')
        .into_iter()
        .chain(name.chars())
        .map(|character| match character {
            character if character.is_ascii_alphanumeric() => character,
            _ => '_',
        })
        .collect()
}

/// JSON with secrets masked, and with unknown values named by where they come from.
pub fn json(value: &Value, show_secrets: bool) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Secret(inner) if show_secrets => json(inner, true),
        Value::Secret(_) => Json::from(SECRET),
        Value::List(values) => values
            .iter()
            .map(|value| json(value, show_secrets))
            .collect(),
        Value::Object(values) => values
            .iter()
            .map(|(name, value)| (name.clone(), json(value, show_secrets)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Output(_) | Value::Join(_) | Value::If(_) => Json::from(inline(value)),
        known => Json::from(known),
    }
}

/// A raw value for a screen rather than a pipe.
pub fn for_screen(text: &str) -> String {
    text.lines().map(sanitize).collect::<Vec<_>>().join("\n")
}
