//! A plan that guards stop, and the words that its reports share.

use crate::cli::Invocation;
use crate::cli::session::Session;
use crate::plan::{Op, Plan};
use crate::resource::{Path, Urn};

/// A plan that guards stop, and what its report draws on.
pub(super) struct Stopped<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) session: &'a Session,
    pub(super) plan: &'a Plan,
}

/// The key in the file that says what a resource is called.
pub(super) fn name_key<'a>(urn: &Urn, session: &'a Session) -> Option<&'a Path> {
    let resource = session.offline.graph.get(urn)?;
    resource.origin.name_key.as_ref()
}

/// Properties in a sentence.
pub(super) fn properties(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "name".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

pub(super) fn past(op: Op) -> &'static str {
    match op {
        Op::Replace => "replaced",
        _ => "deleted",
    }
}
