//! Faults of a stack file, each with the lines that it is about, on a terminal and beside the file in CI.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic};

use super::excerpt::Part;
use crate::aws;
use crate::cli::environment;
use crate::display::message;
use crate::display::sanitize::{self, is_harmful, sanitize};
use crate::display::{
    Annotation, Line, Message, Place, Secrets, Severity, Style, Terminal, events,
};
use crate::stack::{Label, Source, Span, StackError, StackErrors, redact};

/// Columns of a source excerpt where nothing limits them.
const WIDTH: usize = 120;

/// The length at which text about a place, or about what to do, is cut: it may quote more than anyone reads.
const LONGEST_TEXT: usize = 400;

/// Shows each fault at its place in the text, and returns the annotations for CI.
pub(super) fn show_places(
    errors: &StackErrors,
    severity: Severity,
    terminal: &mut Terminal,
) -> Vec<Annotation> {
    if errors.errors.is_empty() {
        return Vec::new();
    }
    let width = terminal.width();
    let colour = terminal.colours_errors();
    let hidden = Hidden::of(&errors.sources);
    let told: Vec<StackError> = errors
        .errors
        .iter()
        .map(|error| hidden.without(error))
        .collect();
    for error in &told {
        terminal.event(&events::diagnostic(&message_of(
            error,
            severity,
            &hidden.sources,
        )));
        terminal.report(&head_of(error, severity));
        if let Some(excerpt) = excerpt(error, &hidden.sources, width, colour) {
            terminal.report_rendered(&excerpt);
        }
        if let Some(help) = &error.help {
            terminal.report(&message::help(help, width));
        }
        terminal.report(&[Line::new()]);
    }
    told.iter()
        .map(|error| annotation(error, severity, &hidden.sources))
        .collect()
}

/// A fault as a message, for those who read no excerpts.
fn message_of(error: &StackError, severity: Severity, sources: &[Source]) -> Message {
    let message = match severity {
        Severity::Error => Message::error(error.to_string()),
        Severity::Warning => Message::warning(error.to_string()),
    };
    let message = message.code(error.code()).at(place(error.place(), sources));
    let labels = error.labels.iter();
    let message = labels.fold(message, |message, label| {
        let source = sources.get(label.span.source as usize);
        let name = source.map_or_else(String::new, |source| {
            let line = line_of(&source.text, label.span.range().start);
            format!("{}:{line}", source.name)
        });
        message.fact(name, label.text.clone())
    });
    match &error.help {
        Some(help) => message.help(help.clone()),
        None => message,
    }
}

/// A fault as CI shows it beside the file.
fn annotation(error: &StackError, severity: Severity, sources: &[Source]) -> Annotation {
    let mut annotation =
        Annotation::new(severity, error.to_string(), place(error.place(), sources));
    for (index, label) in error.labels.iter().enumerate() {
        let text = match sources.get(label.span.source as usize) {
            Some(source) if index > 0 => {
                let line = line_of(&source.text, label.span.range().start);
                format!("{}:{line}: {}", source.name, label.text)
            }
            _ => label.text.clone(),
        };
        annotation = annotation.line(text);
    }
    match &error.help {
        Some(help) => annotation.line(format!("help: {help}")),
        None => annotation,
    }
}

/// The place of a span, for CI; `None` if it is in a flag.
pub fn place(span: Span, sources: &[Source]) -> Option<Place> {
    let source = sources.get(span.source as usize)?;
    let file = environment::in_repository(&source.name);
    (!source.is_flag()).then(|| Place::of(file, &source.text, span.range()))
}

/// The texts of a stack without its secrets, which stand beside faults and are quoted by them.
struct Hidden {
    sources: Vec<Source>,
    secrets: Secrets,
}

impl Hidden {
    fn of(sources: &[Source]) -> Self {
        let keys = aws::registry::catalog().secret_names();
        let covered = sources.iter().map(|source| Source {
            name: source.name.clone(),
            text: redact::cover(&source.text, &keys),
        });
        let texts = sources
            .iter()
            .flat_map(|source| redact::texts(&source.text, &keys));
        Self {
            sources: covered.collect(),
            secrets: Secrets::of_texts(texts),
        }
    }

    fn without(&self, error: &StackError) -> StackError {
        let mut error = error.clone();
        for label in &mut error.labels {
            label.text = shortened(self.secrets.mask(&label.text));
        }
        error.help = error.help.map(|help| shortened(self.secrets.mask(&help)));
        error
    }
}

fn shortened(text: String) -> String {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST_TEXT)])
}

fn head_of(error: &StackError, severity: Severity) -> Vec<Line> {
    let (word, style) = match severity {
        Severity::Error => ("error", Style::Error),
        Severity::Warning => ("warning", Style::Warning),
    };
    let lead = format!("{word}[{}]", error.code());
    vec![Line::styled(style, lead).and(format!(": {error}"))]
}

/// The source around the places of a fault. Public for the fuzz targets: any fault of any text can be drawn.
pub fn excerpt(
    error: &StackError,
    sources: &[Source],
    width: Option<usize>,
    colour: bool,
) -> Option<String> {
    let main = error.labels.first()?.span.source;
    let source = sources.get(main as usize)?;
    let place = |label: &Label| on_boundaries(&source.text, label.span.range());
    let here = error
        .labels
        .iter()
        .filter(|label| label.span.source == main);
    let name = sanitize(&source.name).into_owned();
    let width = width.unwrap_or(WIDTH);
    let places: Vec<_> = here.map(place).collect();
    let part = Part::around(name, &source.text, &places, width);
    let mut diagnostic = MietteDiagnostic::new(String::new());
    let mut elsewhere = Vec::new();
    for label in &error.labels {
        let is_here = label.span.source == main;
        if let Some(range) = part.find(&place(label)).filter(|_| is_here) {
            let text = sanitize(&label.text).into_owned();
            let span = LabeledSpan::at(range, text);
            diagnostic = diagnostic.and_label(span);
        } else if let Some(other) = sources.get(label.span.source as usize) {
            let line = line_of(&other.text, label.span.range().start);
            elsewhere.push(format!("   {}:{line}: {}", other.name, label.text));
        }
    }
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let report = miette::Report::new(diagnostic).with_source_code(part.with_text(harmless));
    let mut rendered = String::new();
    let rendering = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false)
        .render_report(&mut rendered, report.as_ref());
    rendering.ok()?;
    // The handler begins with a line for the summary, which has been written in our own form.
    let mut excerpt: String = rendered
        .lines()
        .skip_while(|line| !line.contains('╭'))
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    for line in elsewhere {
        excerpt.push_str(&sanitize(&line));
        excerpt.push('\n');
    }
    Some(sanitize::excerpt(&excerpt))
}

/// The text with every harmful character replaced by a harmless one of as many bytes, so that spans still fit.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|character| match (character, character.len_utf8()) {
            ('\n' | '\t', _) => character,
            // miette takes a carriage return before the line feed for part of the line's end.
            ('\r', _) => ' ',
            (harmful, 1) if is_harmful(harmful) => '?',
            (harmful, 2) if is_harmful(harmful) => '·',
            (harmful, 3) if is_harmful(harmful) => char::REPLACEMENT_CHARACTER,
            (harmful, _) if is_harmful(harmful) => '🛇',
            (harmless, _) => harmless,
        })
        .collect()
}

fn on_boundaries(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(range.start);
    let end = text.ceil_char_boundary(range.end.max(start));
    // What is missing at the end of a line has no character of its own to point at.
    let is_at_end = start == end && !text[end..].starts_with(|next: char| next != '\n');
    match text[..start].chars().next_back() {
        Some(last) if is_at_end && last != '\n' => start - last.len_utf8()..end,
        _ => start..end,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Fault;
    use expect_test::{Expect, expect};

    fn shown(text: &str, error: &StackError) -> String {
        let sources = [Source {
            name: "stacks/dev.yaml".into(),
            text: text.into(),
        }];
        let head = head_of(error, Severity::Error)[0].render(false);
        let excerpt = excerpt(error, &sources, Some(80), false).unwrap();
        format!("{head}\n{excerpt}")
    }

    fn check(text: &str, place: std::ops::Range<usize>, label: &str, expected: Expect) {
        let error = StackError::new(Fault::UnknownKey, Span::new(0, place), label);
        expected.assert_eq(&shown(text, &error));
    }

    #[test]
    fn a_fault_shows_its_place() {
        check(
            "name: shop\ndatabase:\n  backupRetention: 1\n",
            23..38,
            "`database` has no `backupRetention`",
            expect![[r#"
                error[fde::stack::unknown_key]: unknown key
                   ╭─[stacks/dev.yaml:3:3]
                 2 │ database:
                 3 │   backupRetention: 1
                   ·   ───────┬───────
                   ·          ╰── `database` has no `backupRetention`
                   ╰────
            "#]],
        );
    }

    #[test]
    fn what_is_missing_at_the_end_of_a_line_is_pointed_at() {
        check(
            "services.api.image=",
            19..19,
            "an image has a name",
            expect![[r#"
                error[fde::stack::unknown_key]: unknown key
                   ╭─[stacks/dev.yaml:1:19]
                 1 │ services.api.image=
                   ·                   ┬
                   ·                   ╰── an image has a name
                   ╰────
            "#]],
        );
    }

    /// The renderer of excerpts cannot count beyond 65,535.
    #[test]
    fn long_lines_are_cut() {
        let text = format!(
            "a: 1\n{}: [{}, thing, {}]\nb: 2\n",
            "k".repeat(600),
            "x, ".repeat(50_000),
            "y, ".repeat(50_000)
        );
        let at = text.find("thing").unwrap();
        check(
            &text,
            at..at + 5,
            "here",
            expect![[r#"
                error[fde::stack::unknown_key]: unknown key
                   ╭─[stacks/dev.yaml:2:150606]
                 1 │ a: 1
                 2 │ … x, x, x, x, x, , thing, y, y, y, y, y, y, y, y, y, y, y, y, y, y, y, y,…
                   ·                    ──┬──
                   ·                      ╰── here
                 3 │ b: 2
                   ╰────
            "#]],
        );
    }

    #[test]
    fn places_far_apart_are_not_shown_with_all_between() {
        let text = "a: 1\n".repeat(3) + "b: 2\n" + &"c: 3\n".repeat(100) + "b: 4\n";
        let error = StackError::new(Fault::DuplicateKey, Span::new(0, 520..521), "here again")
            .also(Span::new(0, 15..16), "given here first");
        expect![[r#"
            error[fde::stack::duplicate_key]: duplicate key
                 ╭─[stacks/dev.yaml:105:1]
             104 │ c: 3
             105 │ b: 4
                 · ┬
                 · ╰── here again
                 ╰────
               stacks/dev.yaml:4: given here first
        "#]]
        .assert_eq(&shown(&text, &error));
    }

    #[test]
    fn what_harms_a_terminal_is_replaced_in_place() {
        check(
            "name: \u{1b}[31m\u{202e}x\ny: 1\n",
            6..7,
            "a control \u{7} character",
            expect![[r#"
                error[fde::stack::unknown_key]: unknown key
                   ╭─[stacks/dev.yaml:1:7]
                 1 │ name: ?[31m�x
                   ·       ┬
                   ·       ╰── a control ␇ character
                 2 │ y: 1
                   ╰────
            "#]],
        );
    }
}
