//! `extends:` below a file, and the flags above it.

use std::io;

use super::document::Document;
use super::error::{Fault, Source, Span, StackError, StackErrors};
use super::flags::{self, Flag};
use super::node::{self, Node};
use super::section::Sections;
use super::{limits, parse};

/// How many files may extend each other in a row.
const MAX_LAYERS: usize = 8;

/// Reads the text of a file by its path.
pub type Read<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// The sources read so far, and the faults that do not keep the rest from being read.
struct Reading<'a> {
    read: Read<'a>,
    sections: &'a Sections,
    sources: Vec<Source>,
    faults: Vec<StackError>,
}

/// Reads a file with the layers below it and the flags above it. The second part of the answer are faults that did not
/// keep it from being read.
pub fn read(
    path: &str,
    read: Read<'_>,
    flags: &[Flag],
    sections: &Sections,
) -> Result<(Document, Vec<StackError>), StackErrors> {
    let mut reading = Reading {
        read,
        sections,
        sources: Vec::new(),
        faults: Vec::new(),
    };
    let outcome = reading.file(path).and_then(|root| {
        flags
            .iter()
            .try_fold(root, |root, flag| reading.set(root, flag))
    });
    match outcome {
        Ok(root) => {
            let document = Document {
                sources: reading.sources,
                root,
            };
            Ok((document, reading.faults))
        }
        Err(mut errors) => {
            errors.append(&mut reading.faults);
            Err(StackErrors::new(&reading.sources, errors))
        }
    }
}

impl Reading<'_> {
    /// Lays a flag over the stack.
    fn set(&mut self, root: Node, flag: &Flag) -> Result<Node, Vec<StackError>> {
        let index = self.sources.len() as u32;
        self.sources.push(Source {
            name: flag.name().to_owned(),
            text: flag.text.clone(),
        });
        flags::put(root, flag, index, self.sections)
    }

    /// Reads a file and all that it extends.
    fn file(&mut self, path: &str) -> Result<Node, Vec<StackError>> {
        let mut layers = vec![self.layer(path, None)?];
        let mut path = path.to_owned();
        while let Some((base, span)) = base_of(layers.last())? {
            if base.starts_with('/') || base.contains('\\') || base.contains("://") {
                let label = "is not a path relative to this file";
                return Err(vec![StackError::new(Fault::Extends, span, label)]);
            }
            path = beside(&path, &base);
            if self.sources.iter().any(|source| source.name == path) {
                let label = format!("`{path}` is a layer of this stack already");
                return Err(vec![StackError::new(Fault::Extends, span, label)]);
            }
            if layers.len() >= MAX_LAYERS {
                let label = format!("this would be more than {MAX_LAYERS} layers");
                return Err(vec![StackError::new(Fault::Extends, span, label)]);
            }
            layers.push(self.layer(&path, Some(span))?);
        }
        let top = layers.remove(0);
        Ok(match layers.into_iter().rev().reduce(node::merge) {
            Some(below) => node::merge(below, top),
            None => top,
        })
    }

    fn layer(&mut self, path: &str, asked_by: Option<Span>) -> Result<Node, Vec<StackError>> {
        let index = self.sources.len() as u32;
        let text = match (self.read)(path) {
            Ok(text) => text,
            Err(error) => {
                if asked_by.is_none() {
                    self.sources.push(Source {
                        name: path.to_owned(),
                        text: String::new(),
                    });
                }
                let place = asked_by.unwrap_or(Span::new(index, 0..0));
                return Err(vec![match error.kind() {
                    io::ErrorKind::FileTooLarge => limits::too_large(place),
                    _ if asked_by.is_some() => {
                        let label = format!("`{path}`: {error}");
                        StackError::new(Fault::Extends, place, label)
                    }
                    _ => StackError::new(Fault::Unreadable, place, error.to_string()),
                }]);
            }
        };
        // A text that is refused for its length is not kept to be shown.
        let too_long = text.len() > limits::MAX_BYTES;
        let outcome = parse::parse(index, &text);
        self.sources.push(Source {
            name: path.to_owned(),
            text: if too_long { String::new() } else { text },
        });
        let (root, mut faults) = outcome?;
        self.faults.append(&mut faults);
        if root.as_map().is_none() {
            let label = if root.is_null() {
                "the file is empty"
            } else {
                "a stack file is a map of sections"
            };
            let help = "start with `name:`, `environment:` and `region:`";
            let span = Span {
                length: 0,
                ..root.span
            };
            return Err(vec![
                StackError::new(Fault::WrongType, span, label).help(help),
            ]);
        }
        Ok(root)
    }
}

/// The path that a layer extends, and its place in the file.
fn base_of(layer: Option<&Node>) -> Result<Option<(String, Span)>, Vec<StackError>> {
    let Some(extends) = layer.and_then(|layer| layer.get("extends")) else {
        return Ok(None);
    };
    match extends.as_text() {
        Some(base) if !base.is_empty() => Ok(Some((base.to_owned(), extends.span))),
        _ => {
            let label = "`extends` takes the path of one file";
            Err(vec![StackError::new(Fault::Extends, extends.span, label)])
        }
    }
}

/// A path that is relative to the folder of another file.
fn beside(file: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." | "" => {}
            ".." if parts
                .last()
                .is_some_and(|last| *last != ".." && !last.is_empty()) =>
            {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::component::SECTIONS;
    use crate::component::testing::{faults, load};
    use crate::stack::testing::check;

    #[test]
    fn maps_merge_and_the_rest_replaces() {
        check(
            &[
                (
                    "stacks/dev.yaml",
                    "extends: ../base.yaml\na: { x: 1 }\nlist: [3]\ngone: null\n",
                ),
                (
                    "base.yaml",
                    "extends: more/deep.yaml\na: { x: 0, y: 2 }\nlist: [1, 2]\ngone: 5\n",
                ),
                ("more/deep.yaml", "deep: true\na: { z: 9 }\n"),
            ],
            &[],
            &expect![[
                r#"{deep: true, a: {z: 9, x: 1, y: 2}, extends: "../base.yaml", list: [3], gone: null}"#
            ]],
        );
    }

    #[test]
    fn bases_that_cannot_be_used() {
        check(
            &[("dev.yaml", "extends: dev.yaml\n")],
            &[],
            &expect![[r#"
            1:10 extends `dev.yaml`: `dev.yaml` is a layer of this stack already
        "#]],
        );
        check(
            &[
                ("dev.yaml", "extends: b.yaml\n"),
                ("b.yaml", "extends: ./dev.yaml\n"),
            ],
            &[],
            &expect![[r#"
                b.yaml1:10 extends `./dev.yaml`: `dev.yaml` is a layer of this stack already
            "#]],
        );
        check(
            &[("dev.yaml", "extends: none.yaml\n")],
            &[],
            &expect![[r#"
            1:10 extends `none.yaml`: `none.yaml`: entity not found
        "#]],
        );
        check(
            &[("dev.yaml", "extends: /etc/passwd\n")],
            &[],
            &expect![[r#"
                1:10 extends `/etc/passwd`: is not a path relative to this file
            "#]],
        );
        check(
            &[("dev.yaml", "extends: [a, b]\n")],
            &[],
            &expect![[r#"
            1:10 extends `[a, b]`: `extends` takes the path of one file
        "#]],
        );
        check(
            &[("dev.yaml", "extends: b.yaml\n"), ("b.yaml", "a: [\n")],
            &[],
            &expect![[r#"
                b.yaml2:1 syntax ``: while parsing a node, did not find expected node content
            "#]],
        );
    }

    #[test]
    fn unreadable_files() {
        check(
            &[("dev.yaml", "")],
            &[],
            &expect![[r#"
                1:1 wrong_type ``: the file is empty
                    help: start with `name:`, `environment:` and `region:`
            "#]],
        );
        check(
            &[("dev.yaml", "- a\n")],
            &[],
            &expect![[r#"
            1:1 wrong_type ``: a stack file is a map of sections
                help: start with `name:`, `environment:` and `region:`
        "#]],
        );
        let read = |_: &str| Err(io::ErrorKind::NotFound.into());
        let errors = super::read("dev.yaml", &read, &[], &SECTIONS).unwrap_err();
        expect![[r#"
            1:1 unreadable ``: entity not found
        "#]]
        .assert_eq(&faults(&errors, 0));
        let read = |_: &str| Err(io::ErrorKind::FileTooLarge.into());
        let errors = super::read("dev.yaml", &read, &[], &SECTIONS).unwrap_err();
        expect![[r#"
            1:1 too_large ``: a stack file has at most 1 MiB
                help: split what is repeated into a base file that this one `extends`
        "#]]
        .assert_eq(&faults(&errors, 0));
    }

    #[test]
    fn places_stay_in_the_file_that_wrote_them() {
        let base = "name: shop\nenvironment: dev\nregion: here\n";
        let errors = load(
            &[
                ("dev.yaml", "extends: base.yaml\nacount: 1\n"),
                ("base.yaml", base),
            ],
            &[],
        )
        .unwrap_err();
        expect![[r#"
            2:1 unknown_key `acount`: a stack has no `acount`
                help: did you mean `account`?
            base.yaml3:9 region `here`: is not of the form `eu-south-2`
        "#]]
        .assert_eq(&faults(&errors, 0));
    }
}
