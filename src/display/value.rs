//! Values as text: JSON-like, secrets masked, values that are not known yet named by where they come from.

use super::line::Line;
use super::style::Style;
use crate::resource::Value;
pub use crate::resource::masking::SECRET;

/// A value in one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(_) => serde_json::Value::from(value).to_string(),
        Value::String(text) => quoted(text),
        Value::Secret(_) => SECRET.to_owned(),
        Value::List(values) if values.is_empty() => "[]".to_owned(),
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(inline).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(values) if values.is_empty() => "{}".to_owned(),
        Value::Object(values) => {
            let values: Vec<String> = values
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name), inline(value)))
                .collect();
            format!("{{ {} }}", values.join(", "))
        }
        Value::Output(_) | Value::Join(_) | Value::If(_) => unknown(value),
    }
}

/// A value that only the run will know, in words: `known after network/vpc exists`.
pub fn unknown(value: &Value) -> String {
    match value {
        Value::Output(reference) => format!("known after {} exists", reference.urn.name()),
        Value::Join(parts) => format!("\"{}\"", joined(parts)),
        Value::If(choice) => format!(
            "{} until {}, then {}",
            inline(&choice.otherwise),
            choice.says,
            inline(&choice.then)
        ),
        other => inline(other),
    }
}

/// Text around references, as the file has it: one text, however it was put together.
fn joined(parts: &[Value]) -> String {
    let texts = parts.iter().map(|part| match part {
        Value::String(text) => escaped(text),
        Value::Secret(_) => SECRET.to_owned(),
        Value::Output(reference) => format!("${{{reference}}}"),
        Value::Join(parts) => joined(parts),
        other => inline(other),
    });
    texts.collect()
}

/// A key as it is written: quoted only where it has to be.
pub fn key(name: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-./:".contains(character);
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// Text that holds a JSON object or list, as the value it holds, so that it can be shown structurally.
pub fn structured(value: &Value) -> Value {
    let parsed = match value {
        Value::String(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str::<serde_json::Value>(text).ok()
        }
        _ => None,
    };
    parsed.map_or_else(|| value.clone(), Value::from)
}

/// A property with its value: in one line where it fits, else over several, two more columns in at each level.
pub fn block(
    head: &Line,
    value: &Value,
    style: Style,
    indent: usize,
    width: Option<usize>,
    lines: &mut Vec<Line>,
) {
    let value = structured(value);
    let one = inline(&value);
    let fits = width.is_none_or(|width| head.width() + one.chars().count() <= width.max(40));
    let short = one.chars().count() <= 60;
    match &value {
        Value::List(values) if !values.is_empty() && (!fits || !short) => {
            lines.push(head.clone().with(style, "["));
            for value in values {
                let head = Line::plain(" ".repeat(indent + 2));
                block(&head, value, style, indent + 2, width, lines);
            }
            lines.push(Line::plain(" ".repeat(indent)).with(style, "]"));
        }
        Value::Object(values) if !values.is_empty() && (!fits || !short) => {
            lines.push(head.clone().with(style, "{"));
            let longest = values.keys().map(|name| key(name).len()).max().unwrap_or(0);
            for (name, value) in values {
                let head = Line::plain(" ".repeat(indent + 2))
                    .with(style, format!("{:<longest$}: ", key(name)));
                block(&head, value, style, indent + 2, width, lines);
            }
            lines.push(Line::plain(" ".repeat(indent)).with(style, "}"));
        }
        _ => lines.push(head.clone().with(style, one)),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::Conditional;
    use crate::resource::{StackId, Urn};
    use expect_test::{Expect, expect};

    fn check(value: &Value, expected: Expect) {
        expected.assert_eq(&inline(value));
    }

    #[test]
    fn values_in_one_line() {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let vpc = Urn::new(&stack, "aws:ec2:Vpc", "network/vpc");
        check(&1.into(), expect!["1"]);
        check(&"a \"b\"\n".into(), expect![[r#""a \"b\"\n""#]]);
        check(
            &Value::object([("a.b", true.into()), ("c d", vec!["x", "y"].into())]),
            expect![[r#"{ a.b: true, "c d": ["x", "y"] }"#]],
        );
        check(
            &Value::output(&vpc, "id"),
            expect!["known after network/vpc exists"],
        );
        let choice = Conditional {
            condition: Value::output(&vpc, "ready"),
            says: "the network is ready".into(),
            then: 1.into(),
            otherwise: 0.into(),
        };
        check(
            &Value::If(Box::new(choice)),
            expect!["0 until the network is ready, then 1"],
        );
        check(
            &Value::join(["http://".into(), Value::output(&vpc, "id"), "/".into()]),
            expect![[r#""http://${network/vpc.id}/""#]],
        );
        let base = Value::join(["http://".into(), Value::output(&vpc, "id")]);
        check(
            &Value::join([base, "/api".into()]),
            expect![[r#""http://${network/vpc.id}/api""#]],
        );
        check(
            &Value::list([Value::Secret(Box::new("hunter2".into()))]),
            expect!["[[secret]]"],
        );
    }
}
