//! Shared by the tests of layers and flags.
//!
//! The tests of this room read files with the real sections, which `component` has: a fault of the structure is best seen in
//! the words that an author gets to read.

use std::io;

use expect_test::Expect;

use super::node::Content;
use super::{Flag, Node, layers};
use crate::component::SECTIONS;
use crate::component::testing::faults;

fn show(node: &Node) -> String {
    match &node.content {
        Content::Null => "null".to_owned(),
        Content::Bool(value) => value.to_string(),
        Content::Number(value) => value.to_string(),
        Content::Text(text) => format!("{text:?}"),
        Content::List(items) => {
            format!(
                "[{}]",
                items.iter().map(show).collect::<Vec<_>>().join(", ")
            )
        }
        Content::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|entry| format!("{}: {}", entry.key, show(&entry.value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Lays files and flags over each other, and checks the result or their faults.
pub fn check(files: &[(&str, &str)], set: &[&str], expected: &Expect) {
    let read = |path: &str| {
        files
            .iter()
            .find(|(name, _)| *name == path)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let set: Vec<Flag> = set
        .iter()
        .map(|flag| match flag.strip_prefix("new ") {
            Some(flag) => Flag::set_new(flag),
            None => Flag::set(*flag),
        })
        .collect();
    let shown = match layers::read(files[0].0, &read, &set, &SECTIONS) {
        Ok((document, _)) => show(&document.root),
        Err(errors) => faults(&errors, 0),
    };
    expected.assert_eq(&shown);
}
