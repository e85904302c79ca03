//! The part of a text that is shown around a fault.
//!
//! A hostile text has more lines than anyone reads, and lines longer than the renderer can count: `miette` panics where a
//! column lies beyond 65,535, the widest that Rust's formatting knows. So it is never given more than this.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// The reach of a part from the fault, in lines, to show other places that have to do with it.
const MOST_LINES: usize = 50;

/// The columns beside a line: its number, a bar, and the spaces around them.
const GUTTER: usize = 8;

/// The fewest columns of a line that are shown.
const FEWEST: usize = 30;

/// The mark of a cut in a line.
const CUT: char = '…';

/// A part of a text, its lines numbered as in the whole.
pub struct Part {
    /// The name of the text.
    name: String,
    text: String,
    /// The number of its first line, from 0.
    first_line: usize,
    pieces: Vec<Piece>,
    /// The longest line that is not cut, in bytes, which are never fewer than columns.
    room: usize,
}

/// A stretch of text that was kept in one piece.
struct Piece {
    /// The range in the whole text.
    whole: Range<usize>,
    /// The start of its line there.
    line: usize,
    /// The start of the piece in the part.
    at: usize,
}

impl Part {
    /// The lines around the first of these places, and around those of the others that are near. Places lie on whole
    /// characters. Lines are cut around what is shown of them, so that they fit a width.
    pub fn around(name: String, text: &str, places: &[Range<usize>], width: usize) -> Self {
        let main = places.first().map_or(0, |place| place.start);
        let reach = line_above(text, main, MOST_LINES)..line_below(text, main, MOST_LINES);
        let near = || places.iter().filter(|place| is_near(&reach, place));
        let from = near().map(|place| place.start).min().unwrap_or(main);
        let to = near().map(|place| place.end).max().unwrap_or(main);
        let start = line_above(text, from, 1);
        let end = line_below(text, to.min(reach.end), 1);
        let mut part = Self {
            name,
            text: String::new(),
            first_line: text[..start].matches('\n').count(),
            pieces: Vec::new(),
            room: width.saturating_sub(GUTTER).max(FEWEST),
        };
        let mut line = start;
        for piece in text[start..end].split_inclusive('\n') {
            let whole = line..line + piece.len();
            let shown = near().find(|place| whole.contains(&place.start));
            part.add(text, whole, shown.map_or(line, |place| place.start));
            line += piece.len();
        }
        part
    }

    /// Adds a line, which is to be seen from `shown` on.
    fn add(&mut self, text: &str, line: Range<usize>, shown: usize) {
        let end = line.start + text[line.clone()].trim_end_matches('\n').len();
        if end - line.start <= self.room {
            self.keep(text, line.clone(), line.start);
            return;
        }
        // A quarter of the room is for what stands before it.
        let before = self.room / 4;
        let from = shown.saturating_sub(before).min(end - self.room);
        let from = text.ceil_char_boundary(from.max(line.start));
        let to = text.floor_char_boundary((from + self.room).min(end));
        if from > line.start {
            self.text.push(CUT);
        }
        self.keep(text, from..to, line.start);
        if to < end {
            self.text.push(CUT);
        }
        self.keep(text, end..line.end, line.start);
    }

    fn keep(&mut self, text: &str, whole: Range<usize>, line: usize) {
        let at = self.text.len();
        self.text.push_str(&text[whole.clone()]);
        self.pieces.push(Piece { whole, line, at });
    }

    /// Finds a place of the whole text in the part; `None` if it is too far from the one that the part is about.
    pub fn find(&self, place: &Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (self.pieces.first()?, self.pieces.last()?);
        let whole = first.whole.start..last.whole.end;
        is_near(&whole, place).then(|| self.position(place.start)..self.position(place.end))
    }

    /// The position in the part; for text that was cut out, the position that it would have.
    fn position(&self, whole: usize) -> usize {
        let piece = self.pieces.iter().find(|piece| whole <= piece.whole.end);
        piece.map_or(self.text.len(), |piece| {
            piece.at + whole.saturating_sub(piece.whole.start)
        })
    }

    /// The same part with harmless characters, each as long as the one that it replaces.
    #[must_use]
    pub fn with_text(self, change: impl Fn(&str) -> String) -> Self {
        let text = change(&self.text);
        Self { text, ..self }
    }

    /// The column in the whole text, from 0, of a place in the part.
    fn column(&self, at: usize) -> usize {
        let piece = self.pieces.iter().rev().find(|piece| piece.at <= at);
        piece.map_or(at, |piece| piece.whole.start - piece.line + at - piece.at)
    }
}

impl SourceCode for Part {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text.as_str().read_span(span, before, after)?;
        // With lines before it, it begins where these do.
        let column = if before == 0 {
            self.column(span.offset())
        } else {
            contents.column()
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line() + self.first_line,
            column,
            // Counted from the beginning of the text, whatever it is called.
            contents.line_count() + self.first_line,
        )))
    }
}

/// Returns whether a place begins within this reach; it may begin where the text ends.
fn is_near(reach: &Range<usize>, place: &Range<usize>) -> bool {
    (reach.start..=reach.end).contains(&place.start)
}

/// The start of the line that is `lines` above the one with this place.
fn line_above(text: &str, place: usize, lines: usize) -> usize {
    let mut newlines = text[..place].match_indices('\n').rev().skip(lines);
    newlines.next().map_or(0, |(newline, _)| newline + 1)
}

/// The end of the line that is `lines` below the one with this place.
fn line_below(text: &str, place: usize, lines: usize) -> usize {
    let mut newlines = text[place..].match_indices('\n').skip(lines);
    let newline = newlines.next();
    newline.map_or(text.len(), |(newline, _)| place + newline + 1)
}
