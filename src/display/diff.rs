//! `--diff`: the changes of each resource, property by property and place by place.

use console::measure_text_width;

use super::line::{Line, wrap};
use super::preview::refused;
use super::rows::{headline, rows};
use super::style::{self, Style};
use super::value::{block, inline, key, structured};
use crate::plan::{Action, Op, Plan, Step};
use crate::resource::diff::{TAGS, compare_values};
use crate::resource::path::Segment;
use crate::resource::{Catalog, Change, ChangeKind, Properties, Urn, Value};

/// Columns before a property's symbol.
const INDENT: usize = 4;

/// The diff of every resource that changes, in the order of the steps.
pub fn render(plan: &Plan, catalog: &Catalog, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    for row in rows(plan) {
        if let Some(step) = row.step {
            lines.extend(of_step(row.op, step, catalog, width));
        } else if let (Some(refusal), Some(id)) = (row.refusal, row.id_that_goes()) {
            // A deletion that is refused is no step.
            head(row.op, row.urn, refused(refusal), width, &mut lines);
            listing(&properties_of_id(id), Style::Delete, width, &mut lines);
            lines.push(Line::new());
        }
    }
    lines
}

/// The diff of one resource, and a blank line.
pub(super) fn of_step(op: Op, step: &Step, catalog: &Catalog, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    head(op, &step.urn, &headline(step), width, &mut lines);
    properties(step, catalog, width, &mut lines);
    lines.push(Line::new());
    lines
}

/// Names the resource, and what happens to it.
fn head(op: Op, urn: &Urn, verdict: &str, width: Option<usize>, lines: &mut Vec<Line>) {
    title(op, urn.name(), urn.token(), verdict, width, lines);
}

/// Names something, its type, and what happens to it.
pub(super) fn title(
    op: Op,
    name: &str,
    token: &str,
    verdict: &str,
    width: Option<usize>,
    lines: &mut Vec<Line>,
) {
    let style = style::of(op);
    let lead = Line::plain(" ")
        .with(style, style::symbol(op))
        .and("  ")
        .with(Style::Bold, name)
        .and("  ")
        .with(Style::Faint, token);
    let needed = lead.width() + 2 + measure_text_width(verdict);
    if width.is_none_or(|width| needed <= width) {
        lines.push(lead.and("  ").with(style, verdict));
    } else {
        lines.push(lead);
        let room = width.map(|width| width.saturating_sub(INDENT + 2));
        let below = wrap(verdict, room).into_iter();
        lines.extend(below.map(|text| Line::plain(" ".repeat(INDENT + 2)).with(style, text)));
    }
}

fn properties(step: &Step, catalog: &Catalog, width: Option<usize>, lines: &mut Vec<Line>) {
    match &step.action {
        Action::Create { comparison, .. } => {
            let mut inputs = masked(&comparison.inputs, step.urn.token(), catalog);
            let tags: Properties = comparison
                .tags
                .visible()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            if !tags.is_empty() {
                inputs.insert("tags".to_owned(), Value::Object(tags));
            }
            listing(&inputs, Style::Create, width, lines);
        }
        Action::Update { comparison, .. } => changes(comparison.changes(), width, lines),
        Action::CreateReplacement {
            comparison,
            replaced,
            ..
        } => {
            let known = properties_of_id(&replaced.id);
            listing(&known, Style::Delete, width, lines);
            changes(comparison.changes(), width, lines);
        }
        Action::Delete { observed, .. } | Action::DeleteReplaced { observed, .. } => {
            let mut known = properties_of_id(&observed.id);
            if let Some(arn) = observed.arn.as_ref().filter(|arn| **arn != observed.id) {
                known.insert("arn".to_owned(), arn.clone().into());
            }
            listing(&known, Style::Delete, width, lines);
        }
    }
}

fn properties_of_id(id: &str) -> Properties {
    Properties::from([("id".to_owned(), id.into())])
}

/// The inputs, with those hidden whose schema says that they are secret.
pub(super) fn masked(inputs: &Properties, token: &str, catalog: &Catalog) -> Properties {
    let schema = catalog.get(token);
    inputs
        .iter()
        .map(|(name, value)| {
            let secret = schema
                .and_then(|schema| schema.property(name))
                .is_some_and(|property| property.secret);
            let value = match value {
                value @ Value::Secret(_) => value.clone(),
                value if secret => Value::Secret(Box::new(value.clone())),
                value => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

fn listing(properties: &Properties, style: Style, width: Option<usize>, lines: &mut Vec<Line>) {
    let shown = || properties.iter().filter(|(_, value)| !value.is_null());
    let longest = shown().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in shown() {
        let indent = INDENT + 2;
        let head = Line::plain(" ".repeat(indent)).with(style, format!("{name:<longest$}: "));
        block(&head, value, style, indent, width, lines);
    }
}

/// A node of the changes: those with a common beginning of their paths stand together.
#[derive(Default)]
struct Place<'a> {
    change: Option<&'a Change>,
    /// The places inside, by the next step of the path; in the order of the changes.
    inside: Vec<(&'a Segment, Place<'a>)>,
}

impl<'a> Place<'a> {
    fn insert(&mut self, path: &'a [Segment], change: &'a Change) {
        let Some((first, rest)) = path.split_first() else {
            self.change = Some(change);
            return;
        };
        let position = self.inside.iter().position(|(step, _)| *step == first);
        let position = position.unwrap_or_else(|| {
            self.inside.push((first, Place::default()));
            self.inside.len() - 1
        });
        self.inside[position].1.insert(rest, change);
    }
}

/// The changes of a resource, the tags last and by name.
pub(super) fn changes<'a>(
    changes: impl Iterator<Item = &'a Change>,
    width: Option<usize>,
    lines: &mut Vec<Line>,
) {
    let (mut tags, others): (Vec<_>, Vec<_>) =
        changes.partition(|change| change.property() == TAGS && change.path.len() > 1);
    tags.sort_by_key(|change| &change.path);
    let mut root = Place::default();
    for change in others.into_iter().chain(tags) {
        root.insert(change.path.segments(), change);
    }
    for (step, place) in &root.inside {
        render_place(&shown(step), place, INDENT, width, lines);
    }
}

/// A step of a path as the diff shows it.
fn shown(step: &Segment) -> String {
    match step {
        Segment::Key(name) => key(name),
        Segment::Index(index) => format!("[{index}]"),
    }
}

fn render_place(
    name: &str,
    place: &Place<'_>,
    indent: usize,
    width: Option<usize>,
    lines: &mut Vec<Line>,
) {
    if let Some(change) = place.change {
        render_change(name, change, indent, width, lines);
    }
    if place.inside.is_empty() {
        return;
    }
    let is_list = place
        .inside
        .iter()
        .all(|(step, _)| matches!(step, Segment::Index(_)));
    let (open, close) = if is_list { ("[", "]") } else { ("{", "}") };
    lines.push(
        Line::plain(" ".repeat(indent))
            .with(Style::Update, "~ ")
            .and(format!("{name}: {open}")),
    );
    for (step, inner) in &place.inside {
        render_place(&shown(step), inner, indent + 4, width, lines);
    }
    lines.push(Line::plain(" ".repeat(indent + 2)).and(close));
}

fn render_change(
    name: &str,
    change: &Change,
    indent: usize,
    width: Option<usize>,
    lines: &mut Vec<Line>,
) {
    let (before, after) = (structured(&change.before), structured(&change.after));
    if change.rewrites {
        let head = Line::plain(" ".repeat(indent)).with(Style::Update, "~ ");
        let head = head.and(format!("{name}: written again, from "));
        block(&head, &after, Style::Update, indent + 2, width, lines);
        return;
    }
    if change.kind == ChangeKind::Update && is_structure(&before) && is_structure(&after) {
        // Documents that travel as text, shown place by place.
        let mut inner = Vec::new();
        compare_values(&change.path, &before, &after, &mut inner);
        for change_inside in &mut inner {
            change_inside.replaces = change.replaces;
        }
        let mut place = Place::default();
        for change_inside in &inner {
            let inside = &change_inside.path.segments()[change.path.len()..];
            place.insert(inside, change_inside);
        }
        if !place.inside.is_empty() {
            render_place(name, &place, indent, width, lines);
            return;
        }
    }
    let (symbol, style) = match change.kind {
        ChangeKind::Add => ("+ ", Style::Create),
        ChangeKind::Update => ("~ ", Style::Update),
        ChangeKind::Delete => ("- ", Style::Delete),
    };
    let head = Line::plain(" ".repeat(indent))
        .with(style, symbol)
        .and(format!("{name}: "));
    let forces = if change.replaces {
        Line::styled(Style::Replace, "  (forces replacement)")
    } else if change.may_replace {
        Line::styled(Style::Faint, "  (AWS may refuse it without a replacement)")
    } else {
        Line::new()
    };
    match change.kind {
        ChangeKind::Add => {
            let first = lines.len();
            block(&head, &after, style, indent + 2, width, lines);
            mark(&mut lines[first..], forces);
        }
        ChangeKind::Delete => {
            let first = lines.len();
            block(&head, &before, style, indent + 2, width, lines);
            mark(&mut lines[first..], forces);
        }
        ChangeKind::Update => {
            let (old, new) = (inline(&before), inline(&after));
            let needed = head.width() + old.chars().count() + new.chars().count() + 4;
            if width.is_none_or(|width| needed <= width.max(40)) {
                lines.push(
                    head.with(Style::Delete, old)
                        .and(" => ")
                        .with(Style::Create, new)
                        .then(forces),
                );
                return;
            }
            // Too long for one line: one above the other, so that the eye finds the difference.
            let inner = " ".repeat(indent + 4);
            lines.push(
                Line::plain(" ".repeat(indent))
                    .with(style, symbol)
                    .and(format!("{name}:"))
                    .then(forces),
            );
            let (minus, plus) = (
                Line::plain(&inner).with(Style::Delete, "- "),
                Line::plain(&inner).with(Style::Create, "+ "),
            );
            block(&minus, &before, Style::Delete, indent + 6, width, lines);
            block(&plus, &after, Style::Create, indent + 6, width, lines);
        }
    }
}

fn mark(lines: &mut [Line], forces: Line) {
    if let Some(first) = lines.first_mut() {
        *first = std::mem::take(first).then(forces);
    }
}

fn is_structure(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::List(_))
}
