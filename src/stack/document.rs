//! A parsed stack: one tree of spanned values, and the texts they come from.

use super::error::{Source, Span};
use super::node::Node;

/// The name that a `--set` flag has among the sources.
pub const FLAG: &str = "--set";

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

    /// True if a value comes from a `--set` flag.
    pub fn is_flag(&self, span: Span) -> bool {
        self.sources
            .get(span.source as usize)
            .is_some_and(|source| source.name == FLAG)
    }

    /// The place of what stands at a dotted path; where the path ends early, the last place on it.
    pub fn place(&self, path: &str) -> Span {
        let path = path.replace('[', ".").replace(']', "");
        let segments: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
        let span = self.root.place(&segments);
        if span == self.root.span {
            self.start()
        } else {
            span
        }
    }

    /// What stands at a dotted path.
    pub fn node(&self, path: &str) -> Option<&Node> {
        let path = path.replace('[', ".").replace(']', "");
        let mut node = &self.root;
        for segment in path.split('.') {
            node = match node.as_list() {
                Some(items) => items.get(segment.parse::<usize>().ok()?)?,
                None => node.get(segment)?,
            };
        }
        Some(node)
    }

    /// True if there is a value at a dotted path.
    pub fn holds(&self, path: &str) -> bool {
        self.node(path).is_some()
    }

    /// The place of the key at a dotted path.
    pub fn key_place(&self, path: &str) -> Span {
        let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut node = &self.root;
        for segment in parent.split('.').filter(|segment| !segment.is_empty()) {
            match node.get(segment) {
                Some(inner) => node = inner,
                None => return self.place(path),
            }
        }
        node.entry(key)
            .map_or_else(|| self.place(path), |entry| entry.key_span)
    }

    /// The first key: where to point when the whole file is meant.
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
