//! Options that AWS does not offer in the region: an instance class, a version, a storage type. Without this, a creation would
//! be refused once everything that it needs exists.

use super::stopped::Stopped;
use crate::display::Message;
use crate::plan::Refusal;
use crate::resource::offer::NotOffered;

pub(super) fn options(stopped: &Stopped<'_>) -> Vec<Message> {
    let (invocation, session) = (stopped.invocation, stopped.session);
    let refused = stopped.plan.refusals.iter();
    let refused = refused.filter_map(|refusal| match refusal {
        Refusal::NotOffered { urn, found } => Some((urn, found)),
        _ => None,
    });
    let each = refused.flat_map(|(urn, found)| found.iter().map(move |found| (urn, found)));
    let together = session.by_key(each).into_iter();
    let messages = together.map(|(urns, found)| {
        let message = Message::error("AWS does not offer this in the region");
        session
            .told(message.code("fde::offer::missing"), &urns, found)
            .fact("now", "nothing was changed")
            .help(help(found))
            .command(invocation.retry_command())
    });
    messages.collect()
}

fn help(found: &NotOffered) -> &'static str {
    if found.offered.is_empty() {
        "switch it off, or take a class or a version that has it, and run"
    } else {
        "write one that is offered, and run"
    }
}
