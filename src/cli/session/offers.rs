//! Options that a plan asks for and AWS does not offer in the region: looked up before anything is changed.

use std::collections::BTreeSet;

use super::Session;
use crate::cli::Invocation;
use crate::cli::report::{self, Failure};
use crate::display::{Message, message};
use crate::plan::Plan;
use crate::resource::offer::NotOffered;
use crate::resource::{ErrorKind, Provider, Urn};

/// The most choices that are named.
const MOST: usize = 5;

impl Session {
    /// Refuses what cannot be made, and warns about changes that AWS may refuse. Where AWS cannot be asked, it is only told:
    /// the creation is refused later, as it would be without asking.
    pub(super) async fn check_offers(
        &self,
        invocation: &mut Invocation,
        plan: &mut Plan,
    ) -> Result<(), Failure> {
        let orders = plan.orders();
        if orders.is_empty() {
            return Ok(());
        }
        let standing = plan.standing();
        let asking = self.provider.not_offered(&orders, &standing);
        let answers = invocation.interrupts.guard(asking).await?;
        let mut unknown = BTreeSet::new();
        let mut found = Vec::new();
        for (order, answer) in orders.iter().zip(answers) {
            found.push(answer.unwrap_or_else(|error| {
                let of = format!("{} `{}`", order.urn.token(), order.urn.name());
                let why = match error.kind {
                    ErrorKind::Denied => format!("the right {} is missing", error.operation),
                    _ => error.to_string(),
                };
                unknown.insert(format!("not checked whether AWS offers {of} here: {why}"));
                Vec::new()
            }));
        }
        let width = invocation.terminal.width();
        for note in unknown {
            invocation.terminal.report(&message::note(&note, width));
        }
        let doubtful = plan.refuse_not_offered(found);
        let doubtful = doubtful.iter().map(|(urn, found)| (urn, found));
        let warnings = self.by_key(doubtful).into_iter().map(|(urns, found)| {
            let summary = "AWS does not offer this to new instances in the region";
            let message = Message::warning(summary).code("fde::offer::doubtful");
            let now = "AWS may refuse the change; the database stays as it is then";
            self.told(message, &urns, found).fact("now", now)
        });
        report::show(&warnings.collect::<Vec<_>>(), &mut invocation.terminal);
        Ok(())
    }

    /// Puts together what one key of the file asks for: that of a database is one of its replicas, too.
    pub fn by_key<'a>(
        &self,
        all: impl Iterator<Item = (&'a Urn, &'a NotOffered)>,
    ) -> Vec<(Vec<&'a Urn>, &'a NotOffered)> {
        let key = |urn: &Urn, found: &NotOffered| self.offline.key_of(urn, found.property);
        let mut together: Vec<(Vec<&Urn>, &NotOffered)> = Vec::new();
        for (urn, found) in all {
            let of_same = together.iter_mut().find(|(urns, other)| {
                let is_same = *other == found && key(urn, found).is_some();
                is_same && key(urns[0], other) == key(urn, found)
            });
            match of_same {
                Some((urns, _)) => urns.push(urn),
                None => together.push((vec![urn], found)),
            }
        }
        together
    }

    /// Adds what is not offered, where the file asks for it, and what is offered.
    pub fn told(&self, message: Message, urns: &[&Urn], found: &NotOffered) -> Message {
        let first = urns[0];
        let key = self.offline.key_of(first, found.property);
        let names: Vec<String> = urns.iter().map(|urn| format!("`{}`", urn.name())).collect();
        let names = names.join(", ");
        let (key, place) = match key {
            Some((key, place)) => (key.to_string(), place),
            None => (found.property.to_owned(), None),
        };
        let written = match &place {
            Some(place) => format!("`{key}`, {}:{}:{}", place.file, place.line, place.column),
            None => format!("`{key}`"),
        };
        let mut message = message
            .at(place.or_else(|| self.offline.place(first)))
            .fact("wanted by", format!("{} {names}", first.token()))
            .fact("in the file", written)
            .fact("not offered", format!("{}: {}", found.wanted, found.with));
        if !found.offered.is_empty() {
            let more = found.offered.len().saturating_sub(MOST);
            let mut named = found.offered[..found.offered.len() - more].join(", ");
            if more > 0 {
                named.push_str(&format!(" and {more} more"));
            }
            message = message.fact("offered", named);
        }
        match &found.otherwise {
            Some(otherwise) => message.fact("otherwise", otherwise.as_str()),
            None => message,
        }
    }
}
