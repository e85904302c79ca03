//! The values of a YAML text and their places: the pass over the events of `saphyr-parser`.
//!
//! It counts depth, nodes and aliases while it reads, so that a hostile file is refused before anything is built from it.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::error::{Fault, Span, StackError};
use super::limits::{self, MAX_ALIASED_NODES, MAX_DEPTH, MAX_NODES};
use super::node::Content;
use super::scalar;

/// Reads all values of a text, of which the first `shift` bytes of the source are not part. The second part of the
/// answer are faults that do not keep the rest from being read.
pub fn read(
    source: u32,
    text: &str,
    shift: usize,
) -> Result<(Marks, Vec<StackError>), Vec<StackError>> {
    let positions = Positions::new(source, text, shift);
    Marking::new(&positions).run(text)
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

/// The place of a value, and its structure.
pub struct Mark {
    pub span: Span,
    pub shape: Shape,
    /// The number of values in it, itself included, with aliases counted as what they stand for.
    weight: usize,
    /// The levels of lists and maps in it.
    height: usize,
}

pub enum Shape {
    Scalar(Content),
    List(Vec<usize>),
    Map(Vec<(Key, usize)>),
    /// Stands for another mark.
    Alias(usize),
}

pub struct Key {
    pub span: Span,
    pub text: String,
}

/// All marks of a document.
pub struct Marks {
    pub all: Vec<Mark>,
    pub root: usize,
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
            None => self.push(self.positions.at(0, 0), Shape::Scalar(Content::Null), 1, 0),
        };
        let marks = Marks {
            all: self.marks,
            root,
        };
        Ok((marks, self.errors))
    }

    fn syntax(&self, error: &ScanError) -> StackError {
        let place = self
            .positions
            .at(self.positions.offset(error.marker().index()), 0);
        // The scanner looks ahead, and gives up on deep brackets before the first of them becomes an event.
        if error.info().contains("recursion limit") {
            return too_deep(place);
        }
        StackError::new(Fault::Syntax, place, error.info())
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
                    let content = match style {
                        ScalarStyle::Plain => scalar::read(&value),
                        _ => Content::Text(value.into_owned()),
                    };
                    let mark = self.push(span, Shape::Scalar(content), 1, 0);
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
        // The name of a key is its text, whatever it would be as a value; a parser writes `~` for nothing.
        if span.length == 0 {
            let label = "a key must stand here";
            self.errors
                .push(StackError::new(Fault::KeyNotText, span, label));
        }
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
            Shape::Scalar(_) | Shape::Alias(_) => {}
        }
    }
}

fn tagged(span: Span) -> StackError {
    StackError::new(Fault::YamlTag, span, "carries a tag").help(
        "remove the `!…`; `${name.output}` refers to a resource, and quotes make a text of a value",
    )
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
