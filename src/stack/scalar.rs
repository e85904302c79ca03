//! The meaning of a scalar.
//!
//! YAML reads a plain scalar as null, a boolean, a number or a text, before it is known what is wanted: `6063e25` is a
//! number to it. Where the schema wants a text, the value is what the author wrote: [`resolve_scalars`] walks a tree and sees to
//! that.

use serde_json::Value as Json;

use super::error::{Source, Span};
use super::keywords::{alternatives, has_type, words};
use super::node::{Content, Node};

/// Reads a plain scalar by the core schema of YAML 1.2. What old YAML took for a boolean or a number (`on`, `0777`, `1_000`)
/// is text.
pub fn read(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Content::Text(text.to_owned()), Content::Number)
}

fn number(text: &str) -> Option<f64> {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            // Whole numbers beyond 2^53 are refused where one is wanted.
            return u64::from_str_radix(digits, radix).ok().map(|n| n as f64);
        }
    }
    let digits = text.trim_start_matches(['+', '-']);
    match digits {
        ".nan" | ".NaN" | ".NAN" if digits == text => return Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" => return Some(f64::INFINITY),
        _ => {}
    }
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let is_number = starts(digits) || digits.strip_prefix('.').is_some_and(starts);
    let leads_with_zero = digits.strip_prefix('0').is_some_and(starts);
    (is_number && !leads_with_zero).then(|| text.parse().ok())?
}

/// Turns values into texts where the schema wants text. `root` is the schema that `$ref` points into.
pub fn resolve_scalars(node: &mut Node, schema: &Json, root: &Json, sources: &[Source]) {
    let options = alternatives(root, schema);
    let source = match node.content {
        Content::Bool(_) | Content::Number(_) => sources
            .get(node.span.source as usize)
            .and_then(|source| source.text.get(node.span.range())),
        _ => None,
    };
    // A flag has no syntax of its own: whatever follows its `=` is the text. Where only words are taken, `null` is none of them, and
    // leaves the key out as in a file.
    let is_left_out = node.is_null() && words(&options).is_some();
    if let Some(text) = flag_value(sources, node.span).or(source)
        && !is_left_out
        && options.iter().any(|option| names(option, "string"))
        && !options.iter().any(|option| takes(option, &node.content))
    {
        node.content = Content::Text(text.to_owned());
        return;
    }
    match &mut node.content {
        Content::List(items) => {
            if let Some(schema) = options.iter().find_map(|option| option.get("items")) {
                for item in items {
                    resolve_scalars(item, schema, root, sources);
                }
            }
        }
        Content::Map(entries) => {
            for entry in entries {
                if let Some(schema) = at_key(&options, &entry.key) {
                    resolve_scalars(&mut entry.value, schema, root, sources);
                }
            }
        }
        _ => {}
    }
}

/// The schema of the value under a key.
fn at_key<'a>(options: &[&'a Json], key: &str) -> Option<&'a Json> {
    options.iter().find_map(|option| {
        let known = option["properties"].get(key);
        known.or_else(|| option.get("additionalProperties"))
    })
}

/// True if the schema says that it takes a type, or values of that type.
fn names(schema: &Json, kind: &str) -> bool {
    let is_said = |value: &Json| value.is_string() && kind == "string";
    schema.get("type").is_some() && has_type(schema, kind)
        || schema.get("const").is_some_and(is_said)
        || schema["enum"]
            .as_array()
            .is_some_and(|all| all.iter().any(is_said))
}

/// True if a schema takes a value as it is, rather than as its text.
fn takes(schema: &Json, content: &Content) -> bool {
    let kind = match content {
        // With these a schema takes everything.
        _ if schema["x-scalar"] == true => return false,
        Content::Null | Content::Text(_) => return false,
        Content::Bool(_) => "boolean",
        Content::Number(number) if number.fract() == 0.0 && names(schema, "integer") => "integer",
        Content::Number(_) => "number",
        Content::List(_) => "array",
        Content::Map(_) => "object",
    };
    has_type(schema, kind) && schema.get("enum").is_none() && schema.get("const").is_none()
}

/// The text that follows the `=` of a flag, if the span is that of a flag's value.
fn flag_value(sources: &[Source], span: Span) -> Option<&str> {
    let source = sources.get(span.source as usize)?;
    let (before, value) = source.text.split_at_checked(span.offset as usize)?;
    let is_whole = source.is_flag() && before.ends_with('=') && span.length as usize == value.len();
    is_whole.then_some(value)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn plain_scalars() {
        let shown: Vec<String> = [
            "",
            "~",
            "null",
            "nulls",
            "true",
            "True",
            "tRue",
            "on",
            "1",
            "-1",
            "+1",
            "0",
            "-0",
            "007",
            "0.5",
            ".5",
            "5.",
            "1e3",
            "6063e25",
            "1e999",
            "0x1F",
            "0o17",
            "0b11",
            "0xg",
            ".inf",
            "-.inf",
            ".nan",
            "inf",
            "nan",
            "infinity",
            "1_000",
            "2024-06-01",
            "1.2.3",
            "--1",
            "+-1",
            "e5",
            ".",
            "-",
            "1e",
            "0777.5",
        ]
        .iter()
        .map(|text| format!("{text} {:?}", read(text)))
        .collect();
        expect![[r#"
             Null
            ~ Null
            null Null
            nulls Text("nulls")
            true Bool(true)
            True Bool(true)
            tRue Text("tRue")
            on Text("on")
            1 Number(1.0)
            -1 Number(-1.0)
            +1 Number(1.0)
            0 Number(0.0)
            -0 Number(-0.0)
            007 Text("007")
            0.5 Number(0.5)
            .5 Number(0.5)
            5. Number(5.0)
            1e3 Number(1000.0)
            6063e25 Number(6.063e28)
            1e999 Number(inf)
            0x1F Number(31.0)
            0o17 Number(15.0)
            0b11 Number(3.0)
            0xg Text("0xg")
            .inf Number(inf)
            -.inf Number(inf)
            .nan Number(NaN)
            inf Text("inf")
            nan Text("nan")
            infinity Text("infinity")
            1_000 Text("1_000")
            2024-06-01 Text("2024-06-01")
            1.2.3 Text("1.2.3")
            --1 Text("--1")
            +-1 Text("+-1")
            e5 Text("e5")
            . Text(".")
            - Text("-")
            1e Text("1e")
            0777.5 Text("0777.5")"#]]
        .assert_eq(&shown.join("\n"));
    }
}
