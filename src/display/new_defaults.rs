//! Changes that a plan brings because a default is another one than it was.

use super::consequences::item;
use super::line::Line;
use super::style::Style;
use super::view::View;
use crate::plan::{Because, Op, Plan, Step};
use crate::resource::{Catalog, Until, Urn};

/// A default that a step brings to an object that was made without it.
#[derive(Debug, PartialEq, Eq)]
pub struct NewDefault<'a> {
    pub urn: &'a Urn,
    /// The operation on the object: it is made, or changed.
    op: Op,
    /// The property with its value; nothing if the whole resource comes with the default.
    pub what: String,
    /// The key in the file that keeps what there was; `None` if it is the property itself.
    pub keep: Option<&'a str>,
}

impl NewDefault<'_> {
    /// Says what the default is, and how to have it otherwise.
    pub fn sentence(&self) -> String {
        let what = &self.what;
        match (self.keep, what.is_empty()) {
            (Some(keep), true) => {
                format!("is made by default now; `{keep}` in the file leaves it out")
            }
            (Some(keep), false) => {
                format!("{what} is the default now; `{keep}` in the file keeps what it was")
            }
            (None, _) => format!("{what} is the default now; the file can say otherwise"),
        }
    }
}

/// The new defaults of a plan, by step. None on a first run, which has no other defaults to know of.
pub fn of_plan<'a>(plan: &'a Plan, catalog: &Catalog) -> Vec<NewDefault<'a>> {
    let is_first = plan.kept.is_empty() && plan.steps.iter().all(|step| step.observed().is_none());
    if is_first {
        return Vec::new();
    }
    let steps = plan.steps.iter();
    steps.flat_map(|step| of_step(step, catalog)).collect()
}

/// The new defaults of a step. Properties that others have changed back, or deleted, are drift.
pub fn of_step<'a>(step: &'a Step, catalog: &Catalog) -> Vec<NewDefault<'a>> {
    if matches!(step.because, Because::Drifted | Because::Gone) {
        return Vec::new();
    }
    let Some((desired, comparison)) = step.desired().zip(step.comparison()) else {
        return Vec::new();
    };
    let diff = step.observed().map(|_| &comparison.diff);
    let text = |what, keep| NewDefault {
        urn: &step.urn,
        op: step.op(),
        what,
        keep,
    };
    let of_section = desired.new_defaults.iter().filter_map(|default| {
        let what = default.text(&comparison.inputs, diff)?;
        Some(text(what, Some(default.keep.as_str())))
    });
    let pending = catalog
        .get(step.urn.token())
        .and_then(|schema| schema.pending);
    let of_type = step.observed().zip(pending).into_iter();
    let of_type = of_type.flat_map(|(observed, pending)| pending(observed));
    let of_type = of_type.filter(|pending| {
        let wanted = pending.what.split_once(' ');
        pending.until == Until::NewDefault
            && wanted.is_some_and(|(property, value)| {
                comparison.diff.touches(property)
                    && comparison.inputs.get(property) == Some(&value.into())
            })
    });
    of_section
        .chain(of_type.map(|pending| text(pending.what, None)))
        .collect()
}

/// `New defaults:` with an item for each, equal ones in one item; nothing if there is none.
pub fn render(view: View<'_>) -> Vec<Line> {
    let mut groups: Vec<(String, Vec<NewDefault<'_>>)> = Vec::new();
    for new in of_plan(view.plan, view.catalog) {
        let sentence = new.sentence();
        match groups.iter_mut().find(|(text, _)| *text == sentence) {
            Some((_, news)) => news.push(new),
            None => groups.push((sentence, vec![new])),
        }
    }
    let mut lines = Vec::new();
    for (sentence, news) in &groups {
        let names: Vec<&str> = news.iter().map(|new| new.urn.name()).collect();
        item(
            news[0].op,
            &names.join(", "),
            sentence,
            view.width,
            &mut lines,
        );
    }
    if !lines.is_empty() {
        lines.insert(0, Line::styled(Style::Heading, "New defaults:"));
    }
    lines
}
