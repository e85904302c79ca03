//! The view of readers on an account whose answers lag behind: AWS shows a new object, a change or a deletion to some
//! readers sooner than to others, and tags later than the objects that carry them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Random;
use crate::resource::{Observed, Tags};

/// The lag of reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Everything older than this is seen by all.
    pub behind: Duration,
    pub kind: Staleness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// Every read is behind.
    Steady,
    /// One read sees what is, the next what was.
    Flapping,
    /// Objects are seen as they are, their tags as they were.
    Tags,
}

impl Staleness {
    pub const ALL: &[Self] = &[Self::Steady, Self::Flapping, Self::Tags];
}

/// The state of an object from some moment on; `None` where there was none.
type Version = (Option<Instant>, Option<Observed>);

/// The past states of objects, as far as a reader may still see them.
#[derive(Debug, Default)]
pub(super) struct Sights {
    lag: Option<Lag>,
    versions: BTreeMap<String, Vec<Version>>,
    /// The number of times that a reader saw outdated data.
    misled: Cell<u64>,
}

impl Sights {
    pub(super) fn set(&mut self, lag: Option<Lag>) {
        self.lag = lag;
        self.versions.clear();
        self.misled.set(0);
    }

    pub(super) fn misled(&self) -> u64 {
        self.misled.get()
    }

    /// Keeps the state of an object before a change, and after it.
    pub(super) fn record(&mut self, id: &str, before: Option<Observed>, now: Option<Observed>) {
        if self.lag.is_some() {
            self.versions
                .entry(id.to_owned())
                .or_insert_with(|| vec![(None, before)])
                .push((Some(Instant::now()), now));
        }
    }

    /// Objects that are gone, and that a reader may still see.
    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.versions.keys()
    }

    /// The view that a reader has of an object.
    pub(super) fn seen(
        &self,
        id: &str,
        now: Option<&Observed>,
        random: &mut Random,
    ) -> Option<Observed> {
        let (Some(lag), Some((_, before))) = (self.lag, self.before(id)) else {
            return now.cloned();
        };
        if lag.kind == Staleness::Flapping && !random.once_in(2) {
            return now.cloned();
        }
        self.misled.set(self.misled.get() + 1);
        match lag.kind {
            Staleness::Steady | Staleness::Flapping => before.clone(),
            Staleness::Tags => now.map(|now| Observed {
                tags: before
                    .as_ref()
                    .map_or_else(Tags::default, |before| before.tags.clone()),
                ..now.clone()
            }),
        }
    }

    /// The view that the tag index has of an object: it lags behind wherever anything does.
    pub(super) fn indexed(&self, id: &str, now: Option<&Observed>) -> Option<Observed> {
        match self.before(id) {
            Some((_, before)) => before.clone(),
            None => now.cloned(),
        }
    }

    /// Returns whether other services do not know the object yet.
    pub(super) fn is_hidden(&self, id: &str, random: &mut Random) -> bool {
        let kind = self.lag.map(|lag| lag.kind);
        let hidden = matches!(self.before(id), Some((_, None))) && kind != Some(Staleness::Tags);
        hidden && (kind == Some(Staleness::Steady) || random.once_in(2))
    }

    /// The newest version that all can see; `None` if that is what it is now.
    fn before(&self, id: &str) -> Option<&Version> {
        let lag = self.lag?;
        let now = Instant::now();
        let versions = self.versions.get(id)?;
        let seen = versions
            .iter()
            .rposition(|(from, _)| from.is_none_or(|from| from + lag.behind <= now))?;
        (seen + 1 < versions.len()).then(|| &versions[seen])
    }
}
