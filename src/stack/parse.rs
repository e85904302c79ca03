//! YAML text into spanned values.
//!
//! The values come from `serde_yaml`, which keeps no positions; `saphyr-parser` runs beside it for line and column only,
//! and nothing outside this file sees either. The marking pass goes first: it counts depth, nodes and aliases while it
//! reads, so that a hostile file is refused before anything is built from it.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::{Fault, Span, StackError};
use super::limits::{self, MAX_ALIASED_NODES, MAX_DEPTH, MAX_NODES};
use super::node::{Content, Entry, Node};

/// Whole numbers beyond this are not kept exactly by a double.
const MAX_WHOLE_NUMBER: f64 = 9_007_199_254_740_992.0;

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
    let positions = Positions::new(source, text, shift);
    limits::check(source, text).map_err(|mut faults| {
        for label in faults.iter_mut().flat_map(|fault| &mut fault.labels) {
            label.span.offset += shift as u32;
        }
        faults
    })?;
    let (marks, errors) = Marking::new(&positions).run(text)?;
    let loaded: Loaded = match serde_yaml::from_str(text) {
        Ok(loaded) => loaded,
        Err(error) => {
            let at = error
                .location()
                .map_or(0, |location| location.index().min(text.len()));
            let span = Span::new(source, at + shift..at + shift);
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            return Err(vec![StackError::new(Fault::Syntax, span, message)]);
        }
    };
    let mut assembly = Assembly {
        marks: &marks,
        errors,
    };
    let root = assembly.node(marks.root, loaded);
    Ok((root, assembly.errors))
}

/// Turns character positions into byte positions.
struct Positions<'a> {
    source: u32,
    text: &'a str,
    shift: usize,
    /// Byte offset of every character; empty where each is one byte.
    offsets: Vec<u32>,
}

impl<'a> Positions<'a> {
    fn new(source: u32, text: &'a str, shift: usize) -> Self {
        let offsets = if text.is_ascii() || text.len() > limits::MAX_BYTES {
            Vec::new()
        } else {
            text.char_indices()
                .map(|(offset, _)| offset as u32)
                .collect()
        };
        Self {
            source,
            text,
            shift,
            offsets,
        }
    }

    fn offset(&self, index: usize) -> usize {
        if self.offsets.is_empty() {
            index.min(self.text.len())
        } else {
            self.offsets
                .get(index)
                .map_or(self.text.len(), |offset| *offset as usize)
        }
    }

    /// The place in the whole source, without the white space that the parser counts in after it.
    fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.offset(span.start.index());
        let end = self.offset(span.end.index()).max(start);
        let length = self
            .text
            .get(start..end)
            .map_or(0, |text| text.trim_end().len());
        self.at(start, length)
    }

    fn at(&self, offset: usize, length: usize) -> Span {
        let start = offset + self.shift;
        Span::new(self.source, start..start + length)
    }
}

/// Where a value stands, and how it is made.
struct Mark {
    span: Span,
    shape: Shape,
    /// Values in it, itself included, aliases counted as what they stand for.
    weight: usize,
    /// Levels of lists and maps in it.
    height: usize,
}

enum Shape {
    Scalar,
    List(Vec<usize>),
    Map(Vec<(Key, usize)>),
    /// Stands for another mark.
    Alias(usize),
}

struct Key {
    span: Span,
    text: String,
}

/// All marks of a document.
struct Marks {
    all: Vec<Mark>,
    root: usize,
}

/// A list or map that is being read.
struct Frame {
    anchor: usize,
    span: Span,
    shape: Shape,
    key: Option<Key>,
    weight: usize,
    height: usize,
}

/// The pass over the events.
struct Marking<'a> {
    positions: &'a Positions<'a>,
    marks: Vec<Mark>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, usize>,
    root: Option<usize>,
    documents: usize,
    nodes: usize,
    aliased: usize,
    errors: Vec<StackError>,
}

impl<'a> Marking<'a> {
    fn new(positions: &'a Positions<'a>) -> Self {
        Self {
            positions,
            marks: Vec::new(),
            frames: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            documents: 0,
            nodes: 0,
            aliased: 0,
            errors: Vec::new(),
        }
    }

    fn run(mut self, text: &str) -> Result<(Marks, Vec<StackError>), Vec<StackError>> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let step = match event {
                Ok((event, span)) => self.step(event, self.positions.span(span)),
                Err(error) => Err(self.syntax(&error)),
            };
            if let Err(error) = step {
                self.errors.push(error);
                return Err(self.errors);
            }
        }
        let root = match self.root {
            Some(root) => root,
            None => self.push(self.positions.at(0, 0), Shape::Scalar, 1, 0),
        };
        let marks = Marks {
            all: self.marks,
            root,
        };
        Ok((marks, self.errors))
    }

    fn syntax(&self, error: &ScanError) -> StackError {
        let at = self.positions.offset(error.marker().index());
        StackError::new(Fault::Syntax, self.positions.at(at, 0), error.info())
    }

    /// Takes one event. An error here ends the reading; what can be read over is collected instead.
    fn step(&mut self, event: Event<'_>, span: Span) -> Result<(), StackError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let label = "a second document starts here";
                    return Err(StackError::new(Fault::SeveralDocuments, span, label)
                        .help("a stack is one file with one document"));
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                if tag.is_some() {
                    return Err(tagged(span));
                }
                if let Some(character) = limits::harmful_character(&value) {
                    let label = format!("stands for {}", limits::describe(character));
                    self.errors
                        .push(StackError::new(Fault::ControlCharacter, span, label));
                }
                self.count(span)?;
                if self.expects_key() {
                    self.key(&value, style, span);
                } else {
                    let mark = self.push(span, Shape::Scalar, 1, 0);
                    self.finish(anchor, mark);
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(anchor, tag.is_some(), span, Shape::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.open(anchor, tag.is_some(), span, Shape::Map(Vec::new()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn count(&mut self, span: Span) -> Result<(), StackError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let label = format!("from here on there are more than {MAX_NODES} keys and values");
            return Err(StackError::new(Fault::TooLarge, span, label));
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| matches!(frame.shape, Shape::Map(_)) && frame.key.is_none())
    }

    fn key(&mut self, text: &str, style: ScalarStyle, span: Span) {
        if text == "<<" && style == ScalarStyle::Plain {
            self.errors.push(
                StackError::new(Fault::MergeKey, span, "merges another map")
                    .help("write the keys out, or put what is shared into a file and `extends` it"),
            );
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.key = Some(Key {
                span,
                text: text.to_owned(),
            });
        }
    }

    fn open(
        &mut self,
        anchor: usize,
        has_tag: bool,
        span: Span,
        shape: Shape,
    ) -> Result<(), StackError> {
        if has_tag {
            return Err(tagged(span));
        }
        self.count(span)?;
        if self.expects_key() {
            let label = "a list or map cannot be a key";
            return Err(StackError::new(Fault::KeyNotText, span, label));
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.frames.push(Frame {
            anchor,
            span,
            shape,
            key: None,
            weight: 1,
            height: 1,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if let Shape::Map(entries) = &frame.shape {
            find_duplicates(entries, &mut self.errors);
        }
        // The end event of a block collection lies on the next token, so only its start is certain.
        let length = if end.source == frame.span.source && end.length == 1 {
            (end.offset + end.length).saturating_sub(frame.span.offset)
        } else {
            frame.span.length
        };
        let span = Span {
            length,
            ..frame.span
        };
        let mark = self.push(span, frame.shape, frame.weight, frame.height);
        self.finish(frame.anchor, mark);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), StackError> {
        self.count(span)?;
        let Some(&target) = self.anchors.get(&anchor) else {
            let label = "stands for something that contains it";
            return Err(StackError::new(Fault::Alias, span, label));
        };
        if self.expects_key() {
            let label = "an alias cannot be a key";
            return Err(StackError::new(Fault::KeyNotText, span, label));
        }
        let Mark { weight, height, .. } = self.marks[target];
        self.aliased = self.aliased.saturating_add(weight);
        if self.aliased > MAX_ALIASED_NODES {
            let label =
                format!("with this the aliases stand for more than {MAX_ALIASED_NODES} values");
            return Err(StackError::new(Fault::Alias, span, label));
        }
        if self.frames.len() + height > MAX_DEPTH {
            return Err(too_deep(span));
        }
        let mark = self.push(span, Shape::Alias(target), weight, height);
        self.finish(0, mark);
        Ok(())
    }

    fn push(&mut self, span: Span, shape: Shape, weight: usize, height: usize) -> usize {
        self.marks.push(Mark {
            span,
            shape,
            weight,
            height,
        });
        self.marks.len() - 1
    }

    /// Hands a finished value to the list or map around it.
    fn finish(&mut self, anchor: usize, mark: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, mark);
        }
        let Mark { weight, height, .. } = self.marks[mark];
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(mark);
            return;
        };
        frame.weight += weight;
        frame.height = frame.height.max(height + 1);
        match &mut frame.shape {
            Shape::List(items) => items.push(mark),
            Shape::Map(entries) => {
                if let Some(key) = frame.key.take() {
                    entries.push((key, mark));
                }
            }
            Shape::Scalar | Shape::Alias(_) => {}
        }
    }
}

fn tagged(span: Span) -> StackError {
    StackError::new(Fault::YamlTag, span, "carries a tag")
        .help("remove the `!…`; put a value in quotes to make it text")
}

fn too_deep(span: Span) -> StackError {
    let label = format!("the level below {MAX_DEPTH} starts here");
    StackError::new(Fault::TooDeep, span, label)
}

fn find_duplicates(entries: &[(Key, usize)], errors: &mut Vec<StackError>) {
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(entries.len());
    for (key, _) in entries {
        match seen.get(key.text.as_str()) {
            Some(first) => errors.push(
                StackError::new(Fault::DuplicateKey, key.span, "here again")
                    .also(*first, "given here first"),
            ),
            None => {
                seen.insert(&key.text, key.span);
            }
        }
    }
}

/// A value as `serde_yaml` reads it.
enum Loaded {
    Scalar(Content),
    List(Vec<Loaded>),
    Map(Vec<(Loaded, Loaded)>),
}

impl<'de> Deserialize<'de> for Loaded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LoadedVisitor)
    }
}

struct LoadedVisitor;

impl<'de> Visitor<'de> for LoadedVisitor {
    type Value = Loaded;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Number(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Number(value as f64)))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Number(value as f64)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Number(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Number(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Loaded, E> {
        Ok(Loaded::Scalar(Content::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Loaded, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Loaded::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Loaded, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Loaded::Map(entries))
    }
}

/// Joins values with their marks.
struct Assembly<'a> {
    marks: &'a Marks,
    errors: Vec<StackError>,
}

impl Assembly<'_> {
    fn node(&mut self, mark: usize, loaded: Loaded) -> Node {
        let Mark { span, shape, .. } = &self.marks.all[mark];
        let content = match (shape, loaded) {
            (Shape::Alias(target), loaded) => return self.node(*target, loaded),
            (Shape::Scalar, Loaded::Scalar(content)) => {
                if let Content::Number(number) = content
                    && (!number.is_finite() || number.abs() > MAX_WHOLE_NUMBER)
                {
                    self.errors.push(
                        StackError::new(Fault::Number, *span, "is too large, or no number at all")
                            .help("put it in quotes if it is text"),
                    );
                }
                content
            }
            (Shape::List(items), Loaded::List(values)) if items.len() == values.len() => {
                Content::List(
                    items
                        .iter()
                        .zip(values)
                        .map(|(mark, value)| self.node(*mark, value))
                        .collect(),
                )
            }
            (Shape::Map(entries), Loaded::Map(values)) if entries.len() == values.len() => {
                let mut seen = HashSet::with_capacity(entries.len());
                Content::Map(
                    entries
                        .iter()
                        .zip(values)
                        // A duplicate has been reported; the first one stands.
                        .filter(|((key, _), _)| seen.insert(key.text.as_str()))
                        .map(|((key, mark), (name, value))| self.entry(key, &name, *mark, value))
                        .collect(),
                )
            }
            _ => {
                self.errors.push(
                    StackError::new(Fault::Syntax, *span, "can be read in two ways")
                        .help("put texts with special characters in quotes"),
                );
                Content::Null
            }
        };
        Node::new(*span, content)
    }

    fn entry(&mut self, key: &Key, name: &Loaded, mark: usize, value: Loaded) -> Entry {
        if !matches!(name, Loaded::Scalar(Content::Text(text)) if *text == key.text) {
            self.errors.push(
                StackError::new(Fault::KeyNotText, key.span, "is not text")
                    .help(format!("put it in quotes: \"{}\"", key.text)),
            );
        }
        Entry {
            key: key.text.clone(),
            key_span: key.span,
            value: self.node(mark, value),
        }
    }
}
