//! The values that `ignoreChanges` leaves to others, on their way from a replaced object to its successor: where AWS takes
//! them by a later call, the successor bears them in its tag until they are set. The run that made it may end before, and
//! the old object may be gone by then.

use super::{Path, Properties, Value};

/// The longest text; more would not fit into `fde:applied`.
const LONGEST: usize = 180;

/// Writes `desiredCount=3 note=:text`: the values that are short and scalar. The rest is taken from the old object, if it is
/// there.
pub(super) fn to_text<'a>(paths: impl Iterator<Item = &'a Path>, inputs: &Properties) -> String {
    let mut text = String::new();
    for path in paths {
        let value = match path.find(inputs) {
            Some(Value::String(value)) => format!(":{}", escaped(value)),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => {
                serde_json::Value::from(value).to_string()
            }
            _ => continue,
        };
        let entry = format!(" {path}={value}");
        let is_plain = entry
            .trim_start()
            .chars()
            .all(|c| is_allowed(c) || c == '=');
        if is_plain && text.len() + entry.len() <= LONGEST {
            text.push_str(&entry);
        }
    }
    text
}

/// Returns whether AWS takes a character in a tag's value; the separators are excluded.
fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._:/@+-".contains(character)
}

/// Other characters by `@` and their bytes in hexadecimal.
fn escaped(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match char::from(byte) {
        character if is_allowed(character) && character != '@' => character.to_string(),
        _ => format!("@{byte:02x}"),
    });
    bytes.collect()
}

fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('@');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (byte, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(byte, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The values of such a text, by path.
pub(super) fn from_text(text: &str) -> Vec<(Path, Value)> {
    let entries = text.split_whitespace().filter_map(|entry| {
        let (path, value) = entry.split_once('=')?;
        let value = match value.strip_prefix(':') {
            Some(value) => unescaped(value)?.into(),
            None => Value::from(serde_json::from_str::<serde_json::Value>(value).ok()?),
        };
        Some((Path::parse(path).ok()?, value))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn what_is_short_and_plain_comes_back() {
        let speed = Value::object([("speed", 3.into())]);
        let inputs = properties([
            ("count", 7.into()),
            ("on", true.into()),
            ("note", "a:b".into()),
            ("settings", speed),
            ("words", "two @words, zwölf".into()),
            ("long", "a".repeat(200).into()),
            ("list", Value::list([1.into()])),
        ]);
        let paths = [
            "count",
            "on",
            "note",
            "settings.speed",
            "words",
            "long",
            "list",
            "none",
        ];
        let paths = paths.map(|path| Path::parse(path).expect("a path"));
        let text = to_text(paths.iter(), &inputs);
        assert_eq!(
            text,
            " count=7 on=true note=:a:b settings.speed=3 words=:two@20@40words@2c@20zw@c3@b6lf"
        );
        let back = from_text(&text);
        assert_eq!(back.len(), 5);
        for (path, value) in back {
            assert_eq!(path.find(&inputs), Some(&value), "{path}");
        }
        assert_eq!(from_text("x count=").len(), 0);
    }
}
