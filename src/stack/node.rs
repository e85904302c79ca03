//! A value of a stack file with the place it was written at.

use super::error::Span;
use crate::resource::path::Segment;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Span,
    pub content: Content,
}

/// The values of YAML, without those that we refuse.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// In the author's order, each key once.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    pub fn new(span: Span, content: Content) -> Self {
        Self { span, content }
    }

    pub fn is_null(&self) -> bool {
        self.content == Content::Null
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.content {
            Content::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.content {
            Content::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        self.as_map().unwrap_or_default()
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value under a key, unless it is null: leaving a key out and writing `null` mean the same.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_null())
    }

    /// The value at a path.
    pub fn find(&self, path: &[Segment]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match &self.content {
            Content::Map(_) => self.get(&first.as_key())?.find(rest),
            Content::List(nodes) => nodes.get(first.as_index()?)?.find(rest),
            _ => None,
        }
    }

    /// The place of the value at a path; where the path ends early, the last place on it.
    pub fn place(&self, path: &[Segment]) -> Span {
        let Some((first, rest)) = path.split_first() else {
            return self.span;
        };
        match &self.content {
            Content::Map(_) => match self.entry(&first.as_key()) {
                // A map or list is shown by its key: its own span may be a page long.
                Some(entry) if rest.is_empty() || !entry.value.has(&rest[0]) => entry.place(),
                Some(entry) => entry.value.place(rest),
                None => self.span,
            },
            Content::List(nodes) => first
                .as_index()
                .and_then(|index| nodes.get(index))
                .map_or(self.span, |node| node.place(rest)),
            _ => self.span,
        }
    }

    fn has(&self, step: &Segment) -> bool {
        match &self.content {
            Content::Map(_) => self.entry(&step.as_key()).is_some(),
            Content::List(nodes) => step.as_index().is_some_and(|index| index < nodes.len()),
            _ => false,
        }
    }
}

impl Entry {
    /// The place to point at when the entry is meant: a scalar's value, else the key.
    pub fn place(&self) -> Span {
        match self.value.content {
            Content::Map(_) | Content::List(_) | Content::Null => self.key_span,
            _ => self.value.span,
        }
    }
}

/// Lays one map over another: maps merge, lists and scalars replace. The upper one's spans win where it sets something.
pub fn merge(lower: Node, upper: Node) -> Node {
    match (lower.content, upper.content) {
        (Content::Map(lower_entries), Content::Map(upper_entries)) => {
            let mut positions: std::collections::HashMap<String, usize> =
                std::collections::HashMap::with_capacity(lower_entries.len());
            let mut entries = lower_entries;
            for (index, entry) in entries.iter().enumerate() {
                positions.insert(entry.key.clone(), index);
            }
            for entry in upper_entries {
                match positions.get(&entry.key) {
                    Some(&index) => {
                        let below = std::mem::replace(
                            &mut entries[index].value,
                            Node::new(Span::default(), Content::Null),
                        );
                        entries[index] = Entry {
                            value: merge(below, entry.value),
                            ..entry
                        };
                    }
                    None => entries.push(entry),
                }
            }
            Node::new(upper.span, Content::Map(entries))
        }
        (_, content) => Node::new(upper.span, content),
    }
}
