//! Messages about what went wrong: what was being done, what the other side said, how things stand now, what to do next.

use super::annotation::{Annotation, Place};
use super::line::{Line, wrap};
use super::severity::Severity;
use super::style::Style;
use crate::resource::provider::Remedy;
use crate::resource::{ErrorKind, ProviderError};

/// A message in its parts. The summary is one line without user data, apart from what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub(super) severity: Severity,
    pub(super) code: Option<&'static str>,
    pub(super) summary: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) details: Vec<String>,
    pub(super) help: Vec<Help>,
    /// The place in the stack file that it is about.
    pub(super) place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Help {
    Text(String),
    /// A line that can be copied.
    Command(String),
}

impl Message {
    pub fn error(summary: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: None,
            summary: summary.into(),
            facts: Vec::new(),
            details: Vec::new(),
            help: Vec::new(),
            place: None,
        }
    }

    pub fn warning(summary: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(summary)
        }
    }

    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Names the place in the stack file that it is about, for annotations.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.facts.push((name.into(), text.into()));
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(Help::Text(text.into()));
        self
    }

    #[must_use]
    pub fn command(mut self, line: impl Into<String>) -> Self {
        self.help.push(Help::Command(line.into()));
        self
    }

    /// Adds the remedy, and the command that follows.
    #[must_use]
    pub fn remedy(mut self, remedy: &Remedy, again: &str) -> Self {
        self = self.help(remedy.text.clone());
        for command in &remedy.commands {
            self = self.command(command.clone());
        }
        self.command(again)
    }

    /// Adds what AWS was asked and what it said.
    #[must_use]
    pub fn answer(mut self, error: &ProviderError) -> Self {
        let mut call = error.operation.clone();
        if !error.region.is_empty() {
            call = format!("{call} in {}", error.region);
        }
        let was_answered = matches!(error.kind, ErrorKind::Failed | ErrorKind::TimedOut);
        if error.is_of_call() && !(was_answered && error.status.is_none()) {
            let attempts = error.attempts;
            call = if attempts > 1 || is_retryable(error) {
                format!("{call} (attempt {attempts}, the last)")
            } else {
                format!("{call} (attempt {attempts}, not retryable)")
            };
        }
        self = self.fact("call", call);
        let status = error
            .status
            .map_or_else(String::new, |status| format!("{status} "));
        let answer = match (error.code.as_str(), error.message.as_str()) {
            ("", message) => format!("{status}{message}"),
            (code, "") => format!("{status}{code}"),
            (code, message) => format!("{status}{code}: {message}"),
        };
        self = self.fact("answer", answer);
        if let Some(id) = &error.request_id {
            self = self.fact("request id", id.clone());
        }
        if let Some(waited) = error.waited {
            self = self.fact("waited", super::seconds(waited));
        }
        self.details.extend(error.details.iter().cloned());
        self
    }

    /// The same for a CI system that shows errors beside the run.
    pub fn annotation(&self) -> Annotation {
        let annotation = Annotation::new(self.severity, &self.summary, self.place.clone());
        let facts = self
            .facts
            .iter()
            .map(|(name, text)| format!("{name}: {text}"));
        let details = self.details.iter().map(|detail| format!("- {detail}"));
        let help = self
            .help
            .iter()
            .enumerate()
            .map(|(index, help)| match help {
                Help::Text(text) if index == 0 => format!("help: {text}"),
                Help::Text(text) => text.clone(),
                Help::Command(command) => format!("  {command}"),
            });
        facts
            .chain(details)
            .chain(help)
            .fold(annotation, Annotation::line)
    }

    pub fn render(&self, width: Option<usize>) -> Vec<Line> {
        let (word, style) = match self.severity {
            Severity::Error => ("error", Style::Error),
            Severity::Warning => ("warning", Style::Warning),
        };
        let mut lead = word.to_owned();
        if let Some(code) = self.code {
            lead = format!("{lead}[{code}]");
        }
        let mut lines = Vec::new();
        hang(
            Line::styled(style, &lead).and(": "),
            &self.summary,
            2,
            width,
            &mut lines,
        );
        let longest = self.facts.iter().map(|(name, _)| name.len()).max();
        let column = longest.unwrap_or(0) + 4;
        for (name, text) in &self.facts {
            let lead = Line::plain("  ").with(Style::Faint, name).padded(column);
            hang(lead, text, column, width, &mut lines);
        }
        for detail in &self.details {
            hang(Line::plain("  - "), detail, 4, width, &mut lines);
        }
        for (index, help) in self.help.iter().enumerate() {
            match help {
                Help::Text(text) if index == 0 => lines.extend(self::help(text, width)),
                Help::Text(text) => hang(Line::plain("      "), text, 6, width, &mut lines),
                // Never wrapped: it would not survive the copying.
                Help::Command(command) => lines.push(Line::plain("    ").and(command)),
            }
        }
        lines
    }
}

/// The advice on what to do, by itself.
pub fn help(text: &str, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    let lead = Line::styled(Style::Create, "help").and(": ");
    hang(lead, text, 6, width, &mut lines);
    lines
}

/// Something that the user still has to do.
pub fn note(text: &str, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    hang(
        Line::styled(Style::Note, "note").and(": "),
        text,
        6,
        width,
        &mut lines,
    );
    lines
}

/// Text after a lead, its further lines indented.
fn hang(lead: Line, text: &str, indent: usize, width: Option<usize>, lines: &mut Vec<Line>) {
    let room = width.map(|width| width.saturating_sub(lead.width().max(indent)));
    let mut lead = Some(lead);
    for text in wrap(text, room) {
        let start = lead
            .take()
            .unwrap_or_else(|| Line::plain(" ".repeat(indent)));
        lines.push(start.and(text));
    }
    lines.extend(lead);
}

fn is_retryable(error: &ProviderError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Throttled | ErrorKind::Transient | ErrorKind::NotVisibleYet | ErrorKind::InUse
    )
}
