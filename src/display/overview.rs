//! The plans of several stacks in a few words each: a table for people, JSON for scripts.

use serde_json::{Value as Json, json};

use super::json::Document;
use super::line::Line;
use super::style::Style;

/// A stack that was previewed, or could not be.
pub struct Previewed {
    pub file: String,
    /// The plan, if it came to one.
    pub document: Option<Document>,
    pub exit_code: u8,
    /// True if the exit status says that something went wrong.
    pub is_failed: bool,
}

/// A row for each stack.
pub fn table(previewed: &[Previewed], width: Option<usize>) -> Vec<Line> {
    let longest = previewed.iter().map(|it| it.file.chars().count()).max();
    let longest = longest.unwrap_or(0);
    let mut lines = vec![Line::styled(Style::Heading, "Stacks:")];
    for stack in previewed {
        let mut line = Line::plain(format!("    {:<longest$}  ", stack.file));
        if stack.is_failed {
            let text = format!("exit {}", stack.exit_code);
            line.push(Style::Error, text);
            line.push(Style::Plain, "  ");
        }
        if let Some(document) = &stack.document {
            line.push(Style::Plain, document.summary());
        }
        lines.push(line);
    }
    match width {
        Some(width) => lines.into_iter().map(|line| line.cut(width)).collect(),
        None => lines,
    }
}

/// A list with the document of each stack; `null` for one that came to no plan.
///
/// # Errors
/// Those of making JSON.
pub fn document(previewed: &[Previewed]) -> Result<Json, serde_json::Error> {
    previewed
        .iter()
        .map(|stack| {
            Ok(json!({
                "file": stack.file,
                "exitCode": stack.exit_code,
                "plan": serde_json::to_value(&stack.document)?,
            }))
        })
        .collect()
}
