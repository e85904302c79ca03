//! Workflow commands of GitHub Actions: errors and warnings where a run and a pull request show them, at file and line, and
//! sections of the log that fold.
//!
//! They are the only lines of ours that begin with `::`. What they carry can come from anywhere, so it is made harmless as
//! every other line is, and then escaped as the Actions toolkit does it (`actions/toolkit`, `core/src/command.ts`): a
//! command ends where we end it.

use super::line::Line;
use super::rows::{changed, rows};
use super::severity::Severity;
use crate::plan::{Because, Plan};
use crate::resource::Urn;

/// A place in a file; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path from the root of the repository.
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// The column just after the last one, where that is on the same line.
    pub end_column: Option<usize>,
}

impl Place {
    /// The place of a range of bytes of a text.
    pub fn of(file: String, text: &str, range: std::ops::Range<usize>) -> Self {
        let start = text.floor_char_boundary(range.start);
        let end = text.ceil_char_boundary(range.end.max(start));
        let (before, covered) = (&text[..start], &text[start..end]);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[line_start..].chars().count() + 1;
        let on_one_line = !covered.is_empty() && !covered.contains('\n');
        Self {
            file,
            line: before.matches('\n').count() + 1,
            column,
            end_column: on_one_line.then(|| column + covered.chars().count()),
        }
    }
}

/// An error or a warning as a run and a pull request show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    severity: Severity,
    title: String,
    lines: Vec<String>,
    place: Option<Place>,
}

impl Annotation {
    pub fn new(severity: Severity, title: impl Into<String>, place: Option<Place>) -> Self {
        Self {
            severity,
            title: title.into(),
            lines: Vec::new(),
            place,
        }
    }

    #[must_use]
    pub fn line(mut self, text: impl Into<String>) -> Self {
        self.lines.push(text.into());
        self
    }

    /// The command, on one line.
    pub fn command(&self) -> String {
        let mut properties = Vec::new();
        if let Some(place) = &self.place {
            properties.push(format!("file={}", property(&place.file)));
            properties.push(format!("line={}", place.line));
            properties.push(format!("col={}", place.column));
            if let Some(end) = place.end_column {
                properties.push(format!("endColumn={end}"));
            }
        }
        let mut lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        // The log shows the text alone, and GitHub drops a command without one.
        if lines.is_empty() {
            lines.push(&self.title);
        } else {
            properties.push(format!("title={}", property(&self.title)));
        }
        let name = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let separator = if properties.is_empty() { "" } else { " " };
        format!(
            "::{name}{separator}{}::{}",
            properties.join(","),
            data(&lines)
        )
    }
}

/// Annotations for all that is not as it was last applied, resource by resource.
pub fn drift(plan: &Plan, place: &dyn Fn(&Urn) -> Option<Place>) -> Vec<Annotation> {
    let rows = rows(plan);
    let drifted = rows.iter().filter_map(|row| row.step).filter(|step| {
        // A deletion is of a resource that the file no longer has.
        step.because.is_drift() && !step.is_delete()
    });
    drifted
        .map(|step| {
            let (token, name) = (step.urn.token(), step.urn.name());
            let annotation = Annotation::new(Severity::Warning, "drift", place(&step.urn));
            if step.because == Because::Gone {
                return annotation.line(format!("{token} `{name}` is gone; `up` makes it again"));
            }
            let changes = step.comparison().map(|it| changed(it.changes()));
            let changes = changes.unwrap_or_default();
            annotation.line(format!(
                "{token} `{name}` has drifted: {changes}; `up` sets it back"
            ))
        })
        .collect()
}

/// Begins a section that folds.
pub fn group(title: &str) -> String {
    format!("::group::{}", data(&[title]))
}

/// Ends the section.
pub const END_GROUP: &str = "::endgroup::";

/// The text of a command.
fn data(lines: &[&str]) -> String {
    // Each line of it is a line of the log, too.
    let lines = lines.iter().flat_map(|text| text.lines());
    let harmless: Vec<String> = lines.map(|line| Line::plain(line).render(false)).collect();
    escaped(&harmless.join("\n"))
}

fn property(text: &str) -> String {
    let text = Line::plain(text).render(false);
    escaped(&text).replace(':', "%3A").replace(',', "%2C")
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::super::sanitize::tests::{danger, hostile};
    use super::*;
    use crate::testing::Random;

    /// The runner's reading of a command: name, properties, text (`actions/runner`, `ActionCommand.cs`).
    fn parsed(command: &str) -> (String, Vec<(String, String)>, String) {
        let rest = command.strip_prefix("::").expect("a command");
        let (head, text) = rest.split_once("::").expect("a command ends");
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let unescaped = |text: &str| {
            text.replace("%0D", "\r")
                .replace("%0A", "\n")
                .replace("%3A", ":")
                .replace("%2C", ",")
                .replace("%25", "%")
        };
        let properties = properties.split(',').filter(|part| !part.is_empty());
        let properties = properties.map(|part| {
            let (key, value) = part.split_once('=').expect("a property has a value");
            (key.to_owned(), unescaped(value))
        });
        (name.to_owned(), properties.collect(), unescaped(text))
    }

    fn place(text: &str, part: &str) -> Place {
        let start = text.find(part).expect("the part is there");
        Place::of(
            "stacks/dev.yaml".to_owned(),
            text,
            start..start + part.len(),
        )
    }

    #[test]
    fn commands_are_as_the_toolkit_writes_them() {
        let text = "name: shop\ntags: { größe: x }\n";
        let annotation = Annotation::new(Severity::Error, "50%: a, b", Some(place(text, "größe")));
        assert_eq!(
            annotation
                .clone()
                .line("100% of a:b,c")
                .line("next")
                .command(),
            "::error file=stacks/dev.yaml,line=2,col=9,endColumn=14,title=50%25%3A a%2C b::100%25 of a:b,c%0Anext"
        );
        assert_eq!(
            annotation.command(),
            "::error file=stacks/dev.yaml,line=2,col=9,endColumn=14::50%25: a, b"
        );
        let alone = Annotation::new(Severity::Warning, "cancelled", None);
        assert_eq!(alone.command(), "::warning::cancelled");
        assert_eq!(group("a\nb 1%"), "::group::a%0Ab 1%25");
    }

    #[test]
    fn places_count_characters_and_end_on_their_line() {
        let text = "a: ü\r\nb:\n  c: 1\n";
        assert_eq!(place(text, "ü").end_column, Some(5));
        let block = place(text, "b:\n  c");
        assert_eq!((block.line, block.column, block.end_column), (2, 1, None));
        let beyond = Place::of(String::new(), text, 99..120);
        assert_eq!(
            (beyond.line, beyond.column, beyond.end_column),
            (4, 1, None)
        );
    }

    /// Whatever it carries, a command is one, and what it says gives no other.
    #[test]
    fn nothing_breaks_out_of_a_command() {
        for seed in 0..5_000 {
            let random = &mut Random::new(seed);
            let mut annotation = Annotation::new(
                Severity::Error,
                hostile(random),
                Some(Place {
                    file: hostile(random),
                    line: 1,
                    column: 2,
                    end_column: None,
                }),
            );
            let count = 1 + random.below(3);
            for _ in 0..count {
                annotation = annotation.line(hostile(random));
            }
            let command = annotation.command();
            assert!(!command.contains(['\n', '\r']), "seed {seed}: {command:?}");
            let (name, properties, text) = parsed(&command);
            let keys: Vec<&str> = properties.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(name, "error");
            assert_eq!(keys, ["file", "line", "col", "title"], "seed {seed}");
            assert_eq!(danger(&text), None, "seed {seed}: {text:?}");
            for (_, value) in properties {
                assert_eq!(danger(&value), None, "seed {seed}: {value:?}");
            }
            let title = hostile(random);
            let (name, _, text) = parsed(&group(&title));
            assert_eq!((name.as_str(), danger(&text)), ("group", None));
        }
    }
}
