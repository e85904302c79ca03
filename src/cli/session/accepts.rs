//! An `accept` without bounds is refused: whatever is opened later would pass unseen.

use crate::cli::Exit;
use crate::cli::report::Failure;
use crate::display::{Message, Place};
use crate::graph::ResourceGraph;
use crate::plan;
use crate::resource::Urn;

/// Checks each entry of the file that accepts additions by others; `place` is where a resource stands in it.
///
/// # Errors
/// A usage error for each entry that takes everything.
pub fn check(graph: &ResourceGraph, place: impl Fn(&Urn) -> Option<Place>) -> Result<(), Failure> {
    let boundless = plan::boundless_accepts(graph).into_iter();
    let messages: Vec<Message> = boundless
        .map(|(urn, pattern)| {
            Message::error("`accept` takes all that others will ever add")
                .code("fde::stack::accepts_all")
                .at(place(urn))
                .fact("entry", format!("`{pattern}`, of {}", urn.name()))
                .fact("now", "nothing was read or changed")
                .help("write the ids, or more of the names, that `preview` shows")
        })
        .collect();
    if messages.is_empty() {
        Ok(())
    } else {
        Err(Failure::several(Exit::Usage, messages))
    }
}
