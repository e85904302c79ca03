//! Shared by the tests of the sections: the catalog of all types, and texts to compare with.

use std::fmt::Write as _;

pub use crate::aws::registry::catalog;
use crate::stack::{self, Flag, Stack, StackErrors, limits};

use super::{Expansion, SECTIONS, expand, stack_graph};

/// Reads a stack from texts by path; the first is the stack file. A flag after `new ` is a `--set-new`.
pub fn load(files: &[(&str, &str)], set: &[&str]) -> Result<Stack, StackErrors> {
    let read = |path: &str| {
        files
            .iter()
            .find(|(name, _)| *name == path)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "no such file"))
    };
    let set: Vec<Flag> = set
        .iter()
        .map(|flag| match flag.strip_prefix("new ") {
            Some(flag) => Flag::set_new(flag),
            None => Flag::set(*flag),
        })
        .collect();
    stack::load(files[0].0, &read, &set, &SECTIONS)
}

/// A stack with a head, and sections as given.
pub fn with_head(sections: &str) -> String {
    format!("name: shop\nenvironment: dev\nregion: eu-south-2\n{sections}")
}

/// Expands a text that has everything but the head.
pub fn expand_text(sections: &str) -> Result<Expansion, StackErrors> {
    let text = with_head(sections);
    let stack = load(&[("dev.yaml", &text)], &[])?;
    expand(&stack, &catalog())
}

/// Faults, one a line: place, code, label, help. Lines count from that of the first section.
pub fn faults(errors: &StackErrors, skipped_lines: usize) -> String {
    let mut text = String::new();
    for error in &errors.errors {
        for (index, label) in error.labels.iter().enumerate() {
            let source = &errors.sources[label.span.source as usize];
            let before = &source.text[..label.span.offset as usize];
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            let covered: String = source.text[label.span.range()]
                .chars()
                .map(|c| match limits::harmful_character(&c.to_string()) {
                    Some(harmful) => harmful.escape_unicode().to_string(),
                    None => c.to_string(),
                })
                .collect();
            let code = error.code().trim_start_matches("fde::stack::");
            let lead = if index == 0 { code } else { "  also" };
            let line = line as i64
                - if source.name.ends_with("dev.yaml") {
                    skipped_lines as i64
                } else {
                    0
                };
            let name = if source.name == "dev.yaml" {
                ""
            } else {
                &source.name
            };
            writeln!(
                text,
                "{name}{line}:{column} {lead} `{covered}`: {}",
                label.text
            )
            .unwrap();
        }
        if let Some(help) = &error.help {
            writeln!(text, "    help: {help}").unwrap();
        }
    }
    text
}

/// The faults of a text that has everything but the head, those between resources among them, or `fine`.
pub fn faults_of(sections: &str) -> String {
    let text = with_head(sections);
    let graph = load(&[("dev.yaml", &text)], &[]).and_then(|stack| stack_graph(&stack, &catalog()));
    match graph {
        Ok(_) => "fine".to_owned(),
        Err(errors) => faults(&errors, 3),
    }
}

/// The warnings about a text.
pub fn warnings_of(sections: &str) -> String {
    let text = with_head(sections);
    let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
    let (graph, _) = stack_graph(&stack, &catalog()).unwrap();
    faults(&super::warnings(&stack, &graph), 3)
}

/// Resources as text: name, type, inputs and options that are not the usual ones.
pub fn render(expansion: &Expansion) -> String {
    let mut text = String::new();
    for resource in &expansion.resources {
        writeln!(text, "{} {}", resource.urn.name(), resource.urn.token()).unwrap();
        for (name, value) in &resource.inputs {
            writeln!(text, "  {name}: {value:?}").unwrap();
        }
        for urn in &resource.options.depends_on {
            writeln!(text, "  after {}", urn.name()).unwrap();
        }
        for path in &resource.options.ignore_changes {
            writeln!(text, "  ignores {path}").unwrap();
        }
    }
    text
}

/// Outputs as text.
pub fn render_outputs(expansion: &Expansion) -> String {
    let lines: Vec<String> = expansion
        .outputs
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    lines.join("\n")
}

/// The resources of a text that has everything but the head.
pub fn render_text(sections: &str) -> String {
    match expand_text(sections) {
        Ok(expansion) => render(&expansion),
        Err(errors) => faults(&errors, 3),
    }
}
