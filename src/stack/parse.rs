//! YAML text into spanned values.
//!
//! `marks.rs` reads the events of the parser and refuses hostile files while it does; here its marks become a tree.

use std::collections::HashSet;

use super::error::StackError;
use super::limits;
use super::marks::{self, Mark, Marks, Shape};
use super::node::{Content, Entry, Node};

/// Reads one source: its values, and the faults that do not keep the rest from being read, such as duplicate keys.
///
/// # Errors
/// The faults that do.
pub fn parse(source: u32, text: &str) -> Result<(Node, Vec<StackError>), Vec<StackError>> {
    // Editors on Windows put a byte order mark in front; it is no part of the text.
    let (text, shift) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, '\u{feff}'.len_utf8()),
        None => (text, 0),
    };
    limits::check(source, text).map_err(|mut faults| {
        for label in faults.iter_mut().flat_map(|fault| &mut fault.labels) {
            label.span.offset += shift as u32;
        }
        faults
    })?;
    let (marks, errors) = marks::read(source, text, shift)?;
    Ok((node(&marks, marks.root), errors))
}

/// The value of a mark, and of all marks in it.
fn node(marks: &Marks, mark: usize) -> Node {
    let Mark { span, shape, .. } = &marks.all[mark];
    let content = match shape {
        Shape::Alias(target) => return node(marks, *target),
        Shape::Scalar(content) => content.clone(),
        Shape::List(items) => Content::List(items.iter().map(|item| node(marks, *item)).collect()),
        Shape::Map(entries) => {
            let mut seen = HashSet::with_capacity(entries.len());
            Content::Map(
                entries
                    .iter()
                    // A duplicate has been reported; the first one applies.
                    .filter(|(key, _)| seen.insert(key.text.as_str()))
                    .map(|(key, value)| Entry {
                        key: key.text.clone(),
                        key_span: key.span,
                        value: node(marks, *value),
                    })
                    .collect(),
            )
        }
    };
    Node::new(*span, content)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use expect_test::{Expect, expect};

    use super::*;
    use crate::component::testing::faults;
    use crate::stack::{Document, Source, StackErrors};
    use crate::testing::random::Random;

    fn document(text: &str) -> Result<Document, StackErrors> {
        let sources = vec![Source {
            name: "dev.yaml".to_owned(),
            text: text.to_owned(),
        }];
        match parse(0, text) {
            Ok((root, faults)) if faults.is_empty() => Ok(Document { sources, root }),
            Ok((_, faults)) | Err(faults) => Err(StackErrors::new(&sources, faults)),
        }
    }

    fn shown(text: &str) -> String {
        match document(text) {
            Ok(_) => "fine".to_owned(),
            Err(errors) => faults(&errors, 0),
        }
    }

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&shown(text));
    }

    #[test]
    fn places() {
        let text = "\u{feff}# ä\r\na: 'x'\r\nb:\r\n  - c: {d: \"e\\n\"}\r\n  - |\r\n    tëxt\r\n    more\r\ne: 12\r\n";
        let document = document(text).unwrap();
        let at = |path: &'static str| document.text(document.place(&path.into())).to_owned();
        assert_eq!(at("a"), "'x'");
        assert_eq!(at("b"), "b");
        assert_eq!(at("b[0].c.d"), "\"e\\n\"");
        assert_eq!(at("b[0].c.x"), "c");
        assert_eq!(at("e"), "12");
        assert_eq!(document.text(document.key_place(&"b".into())), "b");
    }

    #[test]
    fn words_of_old_yaml_stay_text() {
        let document = document("a: [on, yes, 0777, 1_000, 2024-06-01, ~, 1e3]").unwrap();
        let items = document.root.get("a").and_then(Node::as_list).unwrap();
        let shown: Vec<String> = items
            .iter()
            .map(|item| format!("{:?}", item.content))
            .collect();
        expect![[r#"Text("on") Text("yes") Text("0777") Text("1_000") Text("2024-06-01") Null Number(1000.0)"#]].assert_eq(&shown.join(" "));
    }

    #[test]
    fn refusals() {
        check(
            "a: b: c\n",
            &expect![[r#"
            1:5 syntax ``: mapping values are not allowed in this context
        "#]],
        );
        check(
            "a: [1, 2\nb: 3\n",
            &expect![[r#"
            2:2 syntax ``: illegal placement of ':' indicator
        "#]],
        );
        check(
            "a: 1\n---\nb: 2\n",
            &expect![[r#"
            2:1 several_documents `---`: a second document starts here
                help: a stack is one file with one document
        "#]],
        );
        check(
            "a: 1\nb: 2\na: 3\nc: { d: 1, d: 2 }\n",
            &expect![[r#"
            3:1 duplicate_key `a`: here again
            1:1   also `a`: given here first
            4:12 duplicate_key `d`: here again
            4:6   also `d`: given here first
        "#]],
        );
        check("5: a\ntrue: b\nnull: c\n", &expect!["fine"]);
        check(
            "? [a]\n: b\n",
            &expect![[r#"
            1:3 key_not_text `[`: a list or map cannot be a key
        "#]],
        );
        check(
            "a: !secret x\n",
            &expect![[r#"
            1:4 yaml_tag `!secret x`: carries a tag
                help: remove the `!…`; `${name.output}` refers to a resource, and quotes make a text of a value
        "#]],
        );
        check(
            "base: &b { x: 1 }\na: { <<: *b }\n",
            &expect![[r#"
            2:6 merge_key `<<`: merges another map
                help: write the keys out, or put what is shared into a file and `extends` it
        "#]],
        );
        check(
            "a: &a [*a]\n",
            &expect![[r#"
            1:8 alias `*a`: stands for something that contains it
        "#]],
        );
        check(
            "a: *nothing\n",
            &expect![[r#"
            1:4 syntax ``: while parsing node, found unknown anchor
        "#]],
        );
        check("a: .nan\nb: 99999999999999999999\n", &expect!["fine"]);
        check(
            "a: \u{0}\n",
            &expect![[r#"
            1:4 control_character `\u{0}`: U+0000, a control character
        "#]],
        );
        check(
            "a: x\u{1b}[31m\n",
            &expect![[r#"
            1:5 control_character `\u{1b}`: U+001B, a control character
        "#]],
        );
        check(
            "b: \"\\e[31m\"\n",
            &expect![[r#"
            1:4 control_character `"\e[31m"`: stands for U+001B, a control character
        "#]],
        );
        check(
            "a: x\u{202e}y\n",
            &expect![[r#"
            1:5 control_character `\u{202e}`: U+202E, a bidirectional control
        "#]],
        );
        check(
            "a: x\u{2028}y\n",
            &expect![[r#"
            1:5 control_character `\u{2028}`: U+2028, a line separator
        "#]],
        );
        check(
            "a:\n\tb: x\n",
            &expect![[r#"
            2:2 syntax ``: tabs disallowed within this context (block indentation)
        "#]],
        );
        check(
            "a:\n  - b\n\t- c\n",
            &expect![[r#"
            2:5 syntax ``: while scanning a plain scalar, found a tab
        "#]],
        );
    }

    #[test]
    fn anchors_within_reason() {
        check(
            "a: &a { x: [1, 2] }\nb: *a\nc: [*a, *a]\n",
            &expect!["fine"],
        );
    }

    /// Far more than they take, and far less than a non-linear reader would take.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// The first fault of a text.
    fn verdict(text: &str) -> String {
        let began = Instant::now();
        let outcome = document(text);
        let took = began.elapsed();
        assert!(took < PATIENCE, "{}…: {took:?}", &text[..40]);
        let errors = outcome.map_or_else(|errors| errors.errors, |_| Vec::new());
        let first = errors.first().map(|error| error.fault);
        first.map_or_else(|| "fine".to_owned(), |fault| format!("{fault:?}"))
    }

    #[test]
    fn hostile_files_are_refused_at_once() {
        let many = limits::MAX_BYTES - 16;
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            laughs.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        let deep = (0..10_000)
            .map(|n| " ".repeat(n.min(90)) + "a:\n")
            .collect::<String>();
        let twice: String = (0..60_000)
            .map(|n| format!("key{}: 1\n", n % 30_000))
            .collect();
        let numbers = format!("[{}]", "1,".repeat(many / 2));
        let long = "x".repeat(many);
        let verdicts: Vec<String> = [
            ("too long", "x".repeat(limits::MAX_BYTES + 1)),
            ("laughs", laughs),
            ("brackets", "[".repeat(100_000)),
            ("braces", "{a: ".repeat(100_000)),
            ("dashes", "- ".repeat(100_000)),
            ("questions", "? ".repeat(100_000)),
            ("indented", deep),
            ("twice", twice),
            ("numbers", numbers),
            ("nul", format!("a: {}\u{0}", "x".repeat(1000))),
            ("bidi", "\u{202e}".repeat(many / 3)),
            ("one key", long.clone()),
            ("one text", format!("a: {long}")),
            ("quoted", format!("\"{long}")),
            ("quotes", format!("a: {}", "'".repeat(many))),
            ("tabs", format!("a:{}", "\t".repeat(many))),
            ("blank", "\n".repeat(many)),
            ("comment", format!("#{long}")),
            ("colons", ":".repeat(many)),
            ("anchors", "&a ".repeat(many / 3)),
            (
                "aliases",
                format!("a: &a x\nb: [{}]", "*a,".repeat(200_000)),
            ),
            ("percent", "%".repeat(many)),
            ("folded", format!("a: >\n{}", " x\n\n".repeat(many / 4))),
        ]
        .into_iter()
        .map(|(name, text)| format!("{name}: {}", verdict(&text)))
        .collect();
        expect![[r#"
            too long: TooLarge
            laughs: Alias
            brackets: TooDeep
            braces: TooDeep
            dashes: TooDeep
            questions: KeyNotText
            indented: TooDeep
            twice: DuplicateKey
            numbers: TooLarge
            nul: ControlCharacter
            bidi: ControlCharacter
            one key: fine
            one text: fine
            quoted: Syntax
            quotes: fine
            tabs: fine
            blank: fine
            comment: fine
            colons: Syntax
            anchors: Syntax
            aliases: Alias
            percent: Syntax
            folded: fine"#]]
        .assert_eq(&verdicts.join("\n"));
    }

    #[test]
    fn any_text_is_read_or_refused() {
        let pieces = [
            "a", "b", "c", "1", "a:", "b: ", "- ", "[", "]", "{", "}", ",", ", ", "\n", "\n  ",
            "\n    ", "\"", "'", "&a ", "*a", "|", ">", "#", "!", "%", "x", "${a.b}", "\t", "ä",
            "\r", "\u{0}", "\u{202e}", "?", "---", "<<",
        ];
        for text in Random::texts(&pieces, 40) {
            let Ok(document) = document(&text) else {
                continue;
            };
            // Every place lies in the text, on whole characters.
            let mut open = vec![&document.root];
            while let Some(node) = open.pop() {
                assert!(
                    text.get(node.span.range()).is_some(),
                    "{node:?} in {text:?}"
                );
                open.extend(node.as_list().unwrap_or_default());
                for entry in node.entries() {
                    assert!(text.get(entry.key_span.range()).is_some(), "{text:?}");
                    open.push(&entry.value);
                }
            }
        }
    }
}
