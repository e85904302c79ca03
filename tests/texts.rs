//! Every text that a user can meet, in one file, so that it can be read in one sitting: `tests/snapshots/texts.txt`.
//!
//! The file has the string literals of the program that are more than one word, by source file, in the order in which they
//! stand there, and the documentation of command-line flags, which clap prints. After a change: `UPDATE_EXPECT=1 cargo test
//! --test texts`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The product's part of a file: what stands before its tests.
fn product_code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

/// The texts of a file, in order. A literal of one word is a name, a key or a code.
fn texts(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let tail = &rest[at..];
        if tail.starts_with("//") {
            let line = tail.lines().next().unwrap_or_default();
            rest = &tail[line.len()..];
            continue;
        }
        if let Some(quoted) = tail.strip_prefix('"') {
            let hashes = rest[..at].len() - rest[..at].trim_end_matches('#').len();
            let is_raw = rest[..at - hashes].ends_with('r');
            let end = if is_raw {
                let end = format!("\"{}", "#".repeat(hashes));
                quoted.find(&end).expect("a raw literal ends")
            } else {
                end_of_literal(quoted)
            };
            let text = unescaped(&quoted[..end], is_raw);
            if text.trim().contains(' ') {
                found.push(text);
            }
            rest = &quoted[end + 1..];
            continue;
        }
        // A character, which may be a quote, or a lifetime.
        let is_escaped = tail.starts_with("'\\");
        let width = tail[1..].chars().next().map_or(0, char::len_utf8);
        let is_character = is_escaped || tail[1 + width..].starts_with('\'');
        rest = if tail.starts_with('\'') && is_character {
            let skipped = if is_escaped { 3 } else { 1 + width };
            let end = tail[skipped..].find('\'').expect("a character ends");
            &tail[skipped + end + 1..]
        } else {
            &tail[1..]
        };
    }
    found
}

fn end_of_literal(quoted: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    panic!("a literal ends");
}

/// A literal as it is printed, on one line.
fn unescaped(literal: &str, is_raw: bool) -> String {
    if is_raw {
        return literal.replace('\n', "⏎");
    }
    let mut text = String::new();
    let mut letters = literal.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            // A line that goes on leaves out its indentation.
            ('\\', Some('\n')) => {
                while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
            }
            ('\\', Some('n')) => {
                letters.next();
                text.push('⏎');
            }
            ('\\', Some(_)) => text.extend(letters.next()),
            (letter, _) => text.push(letter),
        }
    }
    text.replace('\n', "⏎")
}

/// The documentation of a file's commands and flags: what stands above an item with clap's attributes.
fn helps(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    let mut doc: Vec<&str> = Vec::new();
    for line in code.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("#[derive(") {
            inside = ["Args", "Parser", "Subcommand"]
                .iter()
                .any(|derive| trimmed.contains(derive));
        } else if line == "}" {
            inside = false;
        }
        if let Some(text) = trimmed.strip_prefix("///") {
            doc.push(text.trim());
        } else if !trimmed.starts_with("#[") {
            if inside && !doc.is_empty() {
                found.push(doc.join(" "));
            }
            doc.clear();
        }
    }
    found
}

#[test]
fn every_text_can_be_read_in_one_sitting() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    files.sort();
    let mut all = String::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let is_of_tests = path.ends_with("tests.rs")
            || [
                "src/testing/",
                "src/derive/",
                "/helps/",
                "/fixtures",
                "/reference/",
            ]
            .iter()
            .any(|part| name.contains(part));
        if is_of_tests {
            continue;
        }
        let text = fs::read_to_string(&path).expect("source is readable");
        let code = product_code(&text);
        let mut found = helps(code);
        found.extend(texts(code));
        if found.is_empty() {
            continue;
        }
        all.push_str(&format!("{name}\n"));
        for text in found {
            all.push_str(&format!("  {text}\n"));
        }
        all.push('\n');
    }
    expect_file!["snapshots/texts.txt"].assert_eq(&all);
}
