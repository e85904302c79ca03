//! A parsed stack: one tree of spanned values, and the texts they come from.

use serde_json::Value as Json;

use super::error::{Source, Span};
use super::node::Node;
use super::scalar;
use crate::resource::Path;

/// The values of a stack, layers and flags merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The stack file first, then the layers below it, then the flags.
    pub sources: Vec<Source>,
    pub root: Node,
}

impl Document {
    /// The text under a span.
    pub fn text(&self, span: Span) -> &str {
        self.sources
            .get(span.source as usize)
            .and_then(|source| source.text.get(span.range()))
            .unwrap_or_default()
    }

    /// True if a value comes from a flag.
    pub fn is_flag(&self, span: Span) -> bool {
        self.sources
            .get(span.source as usize)
            .is_some_and(Source::is_flag)
    }

    /// Turns values into texts where the schema of a file wants text.
    pub(super) fn resolve_scalars(&mut self, schema: &Json) {
        scalar::resolve_scalars(&mut self.root, schema, schema, &self.sources);
    }

    /// Does the same for a part of it, by a schema of that part.
    pub fn settle_part(&self, part: &mut Node, schema: &Json) {
        scalar::resolve_scalars(part, schema, schema, &self.sources);
    }

    /// The place of the value at a path; where the path ends early, the last place on it.
    pub fn place(&self, path: &Path) -> Span {
        let span = self.root.place(path.segments());
        if span == self.root.span {
            self.start()
        } else {
            span
        }
    }

    /// The value at a path.
    pub fn node(&self, path: &Path) -> Option<&Node> {
        self.root.find(path.segments())
    }

    /// True if there is a value at a path.
    pub fn holds(&self, path: impl Into<Path>) -> bool {
        self.node(&path.into()).is_some()
    }

    /// The place of the key at a path.
    pub fn key_place(&self, path: &Path) -> Span {
        path.split_last()
            .and_then(|(last, parent)| self.root.find(parent)?.entry(&last.as_key()))
            .map_or_else(|| self.place(path), |entry| entry.key_span)
    }

    /// The first key, to point at when the whole file is meant.
    pub fn start(&self) -> Span {
        self.root.entries().first().map_or(
            Span {
                length: 0,
                ..self.root.span
            },
            |entry| entry.key_span,
        )
    }

    /// The place of a piece of a text value: `range` counts in the value, not in the source, where escapes and quotes
    /// may lengthen it.
    pub fn piece(&self, node: &Node, piece: &str, nth: usize) -> Span {
        let source = self.text(node.span);
        match source.match_indices(piece).nth(nth) {
            Some((offset, _)) if !piece.is_empty() => Span {
                offset: node.span.offset + offset as u32,
                length: piece.len() as u32,
                ..node.span
            },
            _ => node.span,
        }
    }
}
