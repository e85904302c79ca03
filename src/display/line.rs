//! Lines of styled text, and how wide they are.
//!
//! Only a [`Line`] reaches the terminal, and text that enters one has been made [`sanitize`](super::sanitize).

use std::collections::VecDeque;

use console::measure_text_width;

use super::sanitize::{HARMLESS, sanitize, workflow_commands};
use super::style::Style;

/// One line of a screen, without its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    spans: Vec<(Style, String)>,
}

impl Line {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn plain(text: impl AsRef<str>) -> Self {
        Self::new().with(Style::Plain, text)
    }

    pub fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Self::new().with(style, text)
    }

    #[must_use]
    pub fn with(mut self, style: Style, text: impl AsRef<str>) -> Self {
        self.push(style, text);
        self
    }

    #[must_use]
    pub fn and(mut self, text: impl AsRef<str>) -> Self {
        self.push(Style::Plain, text);
        self
    }

    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    pub fn push(&mut self, style: Style, text: impl AsRef<str>) {
        let text = sanitize(text.as_ref());
        if !text.is_empty() {
            self.spans.push((style, text.into_owned()));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The columns that it takes.
    pub fn width(&self) -> usize {
        self.spans
            .iter()
            .map(|(_, text)| measure_text_width(text))
            .sum()
    }

    /// Cuts the line to a width, with `…` where something is missing.
    #[must_use]
    pub fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut left = width.saturating_sub(1);
        let mut spans = Vec::new();
        let mut last = Style::Plain;
        for (style, text) in self.spans {
            let kept = head(&text, left).to_owned();
            left -= measure_text_width(&kept);
            last = style;
            // A wide character may not fit although a narrow one of the next span would.
            let whole = kept.len() == text.len();
            if !kept.is_empty() {
                spans.push((style, kept));
            }
            if left == 0 || !whole {
                break;
            }
        }
        if width > 0 {
            spans.push((last, "…".to_owned()));
        }
        Self { spans }
    }

    /// Breaks the line into at most `most` lines of at most a width, after spaces and commas; `…` where the last one is cut.
    pub fn wrapped(self, width: usize, most: usize) -> Vec<Self> {
        let mut lines = Vec::new();
        let mut pieces: VecDeque<(Style, String)> =
            self.spans.into_iter().flat_map(split).collect();
        while !pieces.is_empty() && lines.len() + 1 < most {
            let mut line = Self::new();
            while let Some((style, text)) = pieces.pop_front() {
                let room = width.saturating_sub(line.width());
                if measure_text_width(text.trim_end()) <= room {
                    line.spans.push((style, text));
                } else if line.is_empty() {
                    // Longer than a whole line: an ARN, or a name.
                    let kept = match head(&text, room) {
                        "" => text.as_str(),
                        kept => kept,
                    };
                    pieces.push_front((style, text[kept.len()..].to_owned()));
                    line.spans.push((style, kept.to_owned()));
                    break;
                } else {
                    pieces.push_front((style, text));
                    break;
                }
            }
            pieces.retain(|(_, text)| !text.is_empty());
            lines.push(line.trimmed());
        }
        if !pieces.is_empty() {
            let spans = pieces.into();
            lines.push(Self { spans }.cut(width));
        }
        lines
    }

    /// Removes the spaces at its end.
    fn trimmed(mut self) -> Self {
        if let Some((_, text)) = self.spans.last_mut() {
            text.truncate(text.trim_end().len());
        }
        self
    }

    /// Pads the line with spaces to a width.
    #[must_use]
    pub fn padded(mut self, width: usize) -> Self {
        let missing = width.saturating_sub(self.width());
        if missing > 0 {
            self.spans.push((Style::Plain, " ".repeat(missing)));
        }
        self
    }

    /// The text for a terminal or a file.
    pub fn render(&self, colour: bool) -> String {
        let plain: String = self.spans.iter().map(|(_, text)| text.as_str()).collect();
        // Spaces at the end would show up in copied text and in recorded output.
        let mut rest = plain.trim_end().len();
        let workflow_commands = workflow_commands(&plain[..rest]);
        let mut workflow_commands = workflow_commands.iter().peekable();
        let (mut text, mut at) = (String::new(), 0);
        for (style, span) in &self.spans {
            let span = &span[..span.len().min(rest)];
            rest -= span.len();
            if span.is_empty() {
                break;
            }
            let mut sanitize = String::new();
            let mut written = 0;
            while let Some(order) = workflow_commands.next_if(|order| **order < at + span.len()) {
                sanitize.push_str(&span[written..order - at]);
                sanitize.push(HARMLESS);
                written = order - at;
            }
            sanitize.push_str(&span[written..]);
            at += span.len();
            text.push_str(&if colour {
                style.paint(&sanitize)
            } else {
                sanitize
            });
        }
        text
    }
}

/// A span in pieces that may stand on lines of their own.
fn split((style, text): (Style, String)) -> Vec<(Style, String)> {
    text.split_inclusive([' ', ','])
        .map(|piece| (style, piece.to_owned()))
        .collect()
}

/// The longest beginning of a text that fits a width.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (start, character) in text.char_indices() {
        used += measure_text_width(character.encode_utf8(&mut [0; 4]));
        if used > width {
            return &text[..start];
        }
    }
    text
}

/// The longest end of a text that fits a width.
fn tail(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (start, character) in text.char_indices().rev() {
        used += measure_text_width(character.encode_utf8(&mut [0; 4]));
        if used > width {
            return &text[start + character.len_utf8()..];
        }
    }
    text
}

/// A text cut in the middle, where names of one family differ least.
pub fn cut_middle(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let left = width.saturating_sub(1);
    format!("{}…{}", head(text, left / 2), tail(text, left - left / 2))
}

/// Text in lines of at most a width, broken between words; a word longer than that, such as an ARN, stays whole, because
/// it would not survive the copying otherwise. `None` keeps lines as they are.
pub fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let paragraph = sanitize(paragraph.trim_end());
        let Some(width) = width.map(|width| width.max(20)) else {
            lines.push(paragraph.into_owned());
            continue;
        };
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let needed = measure_text_width(&line) + 1 + measure_text_width(word);
            if !line.is_empty() && needed > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::sanitize::tests::{danger, hostile};
    use super::*;
    use crate::testing::Random;

    #[test]
    fn foreign_text_gives_no_orders_to_ci() {
        let rendered = |line: Line| line.render(false);
        assert_eq!(rendered(Line::plain("  ::add-mask::x")), "·  ::add-mask::x");
        assert_eq!(rendered(Line::plain("a ##[error]x")), "a #·#[error]x");
        let parted = Line::plain("a #").with(Style::Bold, "#").and("vso[x]");
        assert_eq!(rendered(parted), "a #·#vso[x]");
        assert_eq!(rendered(Line::plain("x\u{7}")), "x␇");
        assert_eq!(rendered(Line::plain("aws::x ## y")), "aws::x ## y");
    }

    /// Checks lines that are put together from any input, in any pieces and at any width.
    #[test]
    fn every_line_is_inert() {
        for seed in 0..5_000 {
            let mut random = Random::new(seed);
            let mut line = Line::new();
            for _ in 0..random.below(6) {
                let styles = [Style::Plain, Style::Error, Style::Faint];
                line.push(styles[random.below(3)], hostile(&mut random));
            }
            let width = 1 + random.below(40);
            let mut lines = line.clone().wrapped(width, 1 + random.below(4));
            lines.push(line.clone().cut(width));
            lines.push(line.clone().padded(width));
            let text = hostile(&mut random);
            let wrapped = wrap(&text, Some(width));
            lines.extend(wrapped.iter().map(Line::plain));
            lines.push(line);
            for line in lines {
                let text = line.render(false);
                assert_eq!(danger(&text), None, "seed {seed}: {text:?}");
            }
        }
    }

    #[test]
    fn lines_are_cut_by_columns_and_lose_spaces_at_the_end() {
        let line = Line::styled(Style::Create, "日本語").and("abc  ");
        assert_eq!(line.width(), 11);
        assert_eq!(line.clone().cut(6).render(false), "日本…");
        assert_eq!(line.clone().cut(8).render(false), "日本語a…");
        assert_eq!(line.render(true), "\u{1b}[32m日本語\u{1b}[0mabc");
        assert_eq!(Line::plain("a").padded(5).render(false), "a");
    }

    #[test]
    fn lines_wrap_after_spaces_and_commas() {
        let text = |lines: Vec<Line>| -> Vec<String> {
            lines.iter().map(|line| line.render(false)).collect()
        };
        let line = Line::styled(Style::Warning, "drift").and(" [diff: ~vpcId,~cidrBlock]");
        assert_eq!(
            text(line.clone().wrapped(14, usize::MAX)),
            ["drift [diff:", "~vpcId,", "~cidrBlock]"]
        );
        assert_eq!(
            text(line.clone().wrapped(14, 2)),
            ["drift [diff:", "~vpcId,~cidrB…"]
        );
        assert_eq!(
            text(line.wrapped(6, usize::MAX)),
            ["drift", "[diff:", "~vpcId", ",", "~cidrB", "lock]"]
        );
        assert_eq!(text(Line::new().wrapped(6, 2)), [] as [&str; 0]);
    }

    #[test]
    fn names_are_cut_in_the_middle() {
        assert_eq!(cut_middle("publicSubnetAssociation1", 12), "publi…ation1");
        assert_eq!(cut_middle("short", 12), "short");
    }

    #[test]
    fn text_wraps_between_words() {
        assert_eq!(
            wrap("the first line of words and\nanother", Some(20)),
            ["the first line of", "words and", "another"]
        );
        assert_eq!(wrap("x y", None), ["x y"]);
        let arn = "arn:aws:sns:eu-south-2:123456789012:alarms";
        let text = format!("in {arn} now");
        assert_eq!(wrap(&text, Some(20)), ["in", arn, "now"]);
    }
}
