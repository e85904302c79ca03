//! The interface between the engine and the outside world, and the ways in which the outside world refuses.
//!
//! Two implementations: [`crate::aws`], and the fake provider of the simulation. The engine knows neither.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::diff::compare_tags;
use super::offer::{NotOffered, Order, Standing};
use super::{Catalog, Diff, LiveSnapshot, Observed, Properties, StackId, Tags, Urn};

/// The outside world, as the engine sees it.
#[async_trait]
pub trait Provider: Send + Sync {
    fn catalog(&self) -> &Catalog;

    /// The facts of the account: `accountId`, `region`, `partition`, `availabilityZones`.
    async fn facts(&self) -> Result<Properties, ProviderError>;

    /// The places of objects with our stack's tag. An index to start from, never proof of existence.
    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError>;

    /// An object as its entry in the index says that it is, without inputs and outputs; `None` where the entry does not say
    /// enough. Only for [`Provider::ahead`].
    fn foreseen(&self, _token: &str, _entry: &Indexed) -> Option<Observed> {
        None
    }

    /// Asks beforehand what the reading of a type will ask once its parents are read, as far as file and index say it now:
    /// the parents of the query are foreseen ones. The answers wait in the session of the query. Nothing is concluded from
    /// them before the type is read, which also reports what was refused; and nothing is asked twice.
    async fn ahead(&self, _query: Query<'_>) {}

    /// Every object of one type that carries our stack's tag, belongs to a parent that does, or has a wanted name.
    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError>;

    /// Brings an object into being, ownership tags in the same call, and returns as soon as it has an id.
    ///
    /// Meeting our own earlier self is fine; meeting another owner's object is [`ErrorKind::NotOurs`].
    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError>;

    /// Brings an object from what was observed to what is wanted. Sends only the difference; stopped half-way and run
    /// again, it arrives at the same place.
    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError>;

    /// Waits until a settling object can be used, or fails with the reason why it never will.
    async fn wait(
        &self,
        urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError>;

    /// Deletes an object, content if it is gone already, and returns once it is.
    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError>;

    /// For each of the objects that are to be deleted, in their order, the holders outside of the stack that keep it from
    /// that.
    async fn blockers_of(&self, going: &[&Observed]) -> Vec<Result<Vec<Holder>, ProviderError>> {
        going.iter().map(|_| Ok(Vec::new())).collect()
    }

    /// For each of these orders, one by one, what it asks for and AWS does not offer in the region. `standing` is everything
    /// that the stack will have, which an order may refer to.
    async fn not_offered(
        &self,
        orders: &[Order<'_>],
        _standing: &[Standing<'_>],
    ) -> Vec<Result<Vec<NotOffered>, ProviderError>> {
        orders.iter().map(|_| Ok(Vec::new())).collect()
    }
}

/// An entry of the tag index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    pub arn: String,
    pub tags: Tags,
}

/// A bulk read of one type.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    pub token: &'a str,
    pub stack: &'a StackId,
    /// The stack's resources of this type, as far as their inputs are known, by URN.
    pub wanted: &'a [Wanted],
    /// The index entries of this type, by ARN.
    pub indexed: &'a [Indexed],
    /// The results of earlier rounds: parents, above all.
    pub live: &'a LiveSnapshot,
    /// Answers that several types are read from, shared within one reading of a stack.
    pub session: &'a super::session::ReadSession,
}

impl<'a> Query<'a> {
    /// The resources that the stack wants and none of these tags names. One that has lost its tags may be in its place.
    pub fn missing<'t>(&self, found: impl Iterator<Item = &'t Tags>) -> Vec<&'a Wanted> {
        let found: HashSet<Urn> = found.filter_map(Tags::owner).collect();
        let missing = self.wanted.iter();
        missing
            .filter(|wanted| !found.contains(&wanted.urn))
            .collect()
    }

    /// The names that the stack wants, from the property that carries them.
    pub fn wanted_names(&self, property: &str) -> HashSet<&'a str> {
        self.wanted
            .iter()
            .filter_map(|wanted| wanted.inputs.get(property)?.as_str())
            .collect()
    }

    /// The wanted names, and those of the index entries: the names to ask for where AWS cannot filter by tag.
    pub fn candidate_names(&self, property: &str) -> BTreeSet<String> {
        let indexed = self.indexed.iter().map(Indexed::last_segment);
        self.wanted_names(property)
            .into_iter()
            .chain(indexed)
            .map(str::to_owned)
            .collect()
    }

    /// Returns whether the index has an ARN.
    pub fn is_indexed(&self, arn: &str) -> bool {
        self.entry(arn).is_some()
    }

    /// The tags that the index has for an ARN, where they are as the stack wants them: it lags behind by minutes, so any
    /// others may have been changed since, and the service has to be asked.
    pub fn settled_tags(&self, arn: &str) -> Option<&'a Tags> {
        let tags = &self.entry(arn)?.tags;
        let owner = tags.owner()?;
        let wanted = self
            .wanted
            .binary_search_by(|wanted| wanted.urn.cmp(&owner));
        let wanted = &self.wanted.get(wanted.ok()?)?.tags;
        let is_settled = compare_tags(wanted, tags).is_empty() && !tags.are_behind(wanted);
        is_settled.then_some(tags)
    }

    /// Returns whether the index has all that the stack wants of this type, with the tags that it is to carry, and nothing
    /// else, and no run is known to have been broken off. Then no run has just made anything of it or is about to, and an
    /// object that is neither wanted nor in the index is another's: it need not be looked for among all that the account
    /// has.
    pub fn is_settled(&self) -> bool {
        if self.live.proof.has_open_runs() {
            return false;
        }
        let owners: Option<HashSet<Urn>> = self
            .indexed
            .iter()
            .map(|entry| self.settled_tags(&entry.arn)?.owner())
            .collect();
        let Some(owners) = owners else {
            return false;
        };
        let mut wanted = self.wanted.iter();
        !self.wanted.is_empty() && wanted.all(|wanted| owners.contains(&wanted.urn))
    }

    fn entry(&self, arn: &str) -> Option<&'a Indexed> {
        let found = self
            .indexed
            .binary_search_by(|entry| entry.arn.as_str().cmp(arn));
        self.indexed.get(found.ok()?)
    }

    /// The parents of parts of this type, by AWS's name: those that are ours, and those of which the file takes over parts.
    pub fn parents_of_parts(&self, token: &'a str, property: &str) -> BTreeSet<String> {
        let imported = self.wanted.iter().filter(|wanted| wanted.is_imported);
        let imported = imported.filter_map(|wanted| wanted.inputs.get(property)?.as_str());
        let ours = self.parents(token).map(|parent| parent.id.as_str());
        ours.chain(imported).map(str::to_owned).collect()
    }

    /// The live objects of ours of a type that was read in an earlier round.
    pub fn parents(&self, token: &'a str) -> impl Iterator<Item = &'a Observed> {
        self.live.of_type(token).map(|(_, observed)| observed)
    }
}

impl Indexed {
    /// The text after the last `/` or `:` of the ARN: the id, or the name where names have no `/`.
    pub fn last_segment(&self) -> &str {
        self.arn.rsplit(['/', ':']).next().unwrap_or_default()
    }
}

/// A resource that the stack wants, as far as it is known before anything is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub urn: Urn,
    pub inputs: Properties,
    /// The tags that it is to carry; of `fde:applied`, what the file says.
    pub tags: Tags,
    /// True if the file takes it over, on something that is not of the stack.
    pub is_imported: bool,
}

impl Wanted {
    /// A text among its inputs, once it is known.
    pub fn text(&self, property: &str) -> Option<&str> {
        self.inputs.get(property)?.as_str()
    }
}

/// A request to create.
#[derive(Clone, Copy)]
pub struct Creation<'a> {
    pub urn: &'a Urn,
    /// The inputs, all known, with defaults filled in.
    pub inputs: &'a Properties,
    pub tags: &'a Tags,
    /// The ids of the live objects of this URN that this one replaces: as much ours as the new one will be, made from the
    /// same inputs perhaps, and never the answer.
    pub instead_of: &'a [String],
    pub progress: &'a dyn Progress,
}

/// A request to update.
#[derive(Clone, Copy)]
pub struct Update<'a> {
    pub urn: &'a Urn,
    pub inputs: &'a Properties,
    pub tags: &'a Tags,
    pub observed: &'a Observed,
    pub diff: &'a Diff,
    pub progress: &'a dyn Progress,
}

/// A request to delete.
#[derive(Clone, Copy)]
pub struct Deletion<'a> {
    pub urn: &'a Urn,
    pub observed: &'a Observed,
    /// The treatment of data that only this object holds.
    pub data: DataPolicy,
    pub progress: &'a dyn Progress,
}

/// The treatment of data that cannot be made again, in a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataPolicy {
    /// It goes, for good.
    #[default]
    Discard,
    /// A final snapshot, or a recovery window, is left behind.
    Snapshot,
}

/// Receives the status that an operation is waiting on: `creating`, `1/2 running, target unhealthy`.
pub trait Progress: Send + Sync {
    fn status(&self, text: &str);

    /// The rest of the time that the author allows for it. `None`: as long as AWS may take.
    fn time_left(&self) -> Option<Duration> {
        None
    }
}

/// Ignores all progress.
pub struct Silent;

impl Progress for Silent {
    fn status(&self, _: &str) {}
}

/// A holder that keeps an object from being changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id or ARN.
    pub id: String,
    /// Its description, in a line.
    pub text: String,
    /// The remedy for a person to apply, if it does not let go by itself.
    pub hand: Option<Remedy>,
}

impl Holder {
    /// A holder that lets go by itself.
    pub fn passing(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            text: text.into(),
            hand: None,
        }
    }

    /// A holder that is not of the stack, and stays until a person does something.
    pub fn lasting(id: impl Into<String>, text: impl Into<String>, hand: Remedy) -> Self {
        Self {
            id: id.into(),
            text: text.into(),
            hand: Some(hand),
        }
    }
}

/// The meaning of an error for the caller that must react to it. Code outside of [`crate::aws`] looks at this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// An object of that name or key exists.
    AlreadyExists,
    /// It exists and belongs to another owner.
    NotOurs,
    /// Something still uses it, or it is busy.
    InUse,
    /// Another party has changed it while the run was under way; the next run sees how things stand.
    Conflict,
    /// Something it needs is not visible yet, because it was made a moment ago.
    NotVisibleYet,
    Throttled,
    /// The other side failed, and is expected to recover.
    Transient,
    /// No answer came, so it is unknown whether the call took effect.
    Indeterminate,
    Denied,
    /// No credentials, or expired or invalid ones.
    Credentials,
    Quota,
    /// The request itself is wrong.
    Invalid,
    /// It was done, and AWS says that it will not come up.
    Failed,
    /// It did not become ready in time.
    TimedOut,
    /// Refused to protect data or another party's property.
    Guarded,
    /// A case that should never happen.
    Bug,
}

/// A refusal or failure of the outside world, with everything a message needs.
#[derive(Debug, Clone)]
pub struct ProviderError {
    pub kind: ErrorKind,
    /// `ec2:CreateVpc`.
    pub operation: String,
    pub region: String,
    /// AWS's error code, or empty where no answer came.
    pub code: String,
    pub message: String,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    pub request_id: Option<String>,
    /// The number of times that the call was made.
    pub attempts: u32,
    /// Further lines that explain: stopped tasks, failing health checks, last log lines.
    pub details: Vec<String>,
    /// The time that the operation waited, where it timed out.
    pub waited: Option<Duration>,
    /// The remedy, where the cause is known.
    pub remedy: Option<Remedy>,
    /// The changes made before the call that failed, and those not made: `desiredCount is changed; its tags are as they
    /// were`.
    pub done: Option<String>,
}

/// The remedy of a user for an error: a line that ends where the command to run again can follow, and commands before that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    pub text: String,
    pub commands: Vec<String>,
}

impl Remedy {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            commands: Vec::new(),
        }
    }

    /// All remedies for the holders of an object, in one; `None` if all of them let go by themselves.
    pub fn of(holders: &[Holder]) -> Option<Self> {
        let mut hands = holders.iter().filter_map(|holder| holder.hand.as_ref());
        let mut remedy = hands.next()?.clone();
        for hand in hands {
            for command in &hand.commands {
                if !remedy.commands.contains(command) {
                    remedy.commands.push(command.clone());
                }
            }
        }
        Some(remedy)
    }

    /// Adds a line to be copied.
    #[must_use]
    pub fn command(mut self, line: impl Into<String>) -> Self {
        self.commands.push(line.into());
        self
    }
}

impl ProviderError {
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation: operation.into(),
            region: String::new(),
            code: String::new(),
            message: message.into(),
            status: None,
            request_id: None,
            attempts: 1,
            details: Vec::new(),
            waited: None,
            remedy: None,
            done: None,
        }
    }

    /// The same, after something had been done; nothing, if the text is empty.
    #[must_use]
    pub fn after(mut self, done: String) -> Self {
        self.done = Some(done).filter(|done| !done.is_empty());
        self
    }

    #[must_use]
    pub fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }

    #[must_use]
    pub fn with_details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    pub fn is(&self, kind: ErrorKind) -> bool {
        self.kind == kind
    }

    /// Returns whether it came from a call to AWS: `ec2:CreateVpc`. Anything else is a rule of ours.
    pub fn is_of_call(&self) -> bool {
        self.status.is_some() || self.operation.matches(':').count() == 1
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.operation)?;
        if !self.code.is_empty() {
            write!(formatter, "{}: ", self.code)?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ProviderError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tags::Marks;
    use crate::resource::{Made, Proof, ReadSession};

    #[test]
    fn what_the_index_has_as_it_is_wanted_is_settled() {
        let stack = &StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let wanted = |name: &str| {
            let urn = Urn::new(stack, "t:t:T", name);
            let tags = Tags::owned(
                &urn,
                &std::collections::BTreeMap::from([("project".to_owned(), "shop".to_owned())]),
                "",
                Marks::default(),
            );
            Wanted {
                urn,
                inputs: Properties::new(),
                tags,
                is_imported: false,
            }
        };
        let indexed = |arn: &str, name: &str| Indexed {
            arn: arn.into(),
            tags: wanted(name).tags,
        };
        let live = &LiveSnapshot::default();
        let broken_off = &LiveSnapshot {
            proof: Proof::Known {
                made: Made::new("key"),
                runs: vec!["run".into()],
                key: "key".into(),
                trusted: Vec::new(),
            },
            ..LiveSnapshot::default()
        };
        let session = &ReadSession::default();
        let is_settled_in = |live: &LiveSnapshot, wanted: &[Wanted], indexed: &[Indexed]| {
            let query = Query {
                token: "t:t:T",
                stack,
                wanted,
                indexed,
                live,
                session,
            };
            query.is_settled()
        };
        let is_settled =
            |wanted: &[Wanted], indexed: &[Indexed]| is_settled_in(live, wanted, indexed);
        let both = [wanted("a"), wanted("b")];
        assert!(is_settled(&both, &[indexed("1", "a"), indexed("2", "b")]));
        // Made a moment ago, or not yet.
        assert!(!is_settled(&both, &[indexed("1", "a")]));
        assert!(!is_settled(&both, &[]));
        let at_hand = [indexed("1", "a"), indexed("2", "b")];
        assert!(!is_settled_in(broken_off, &both, &at_hand));
        // Left over, or known from the record alone.
        let three = [indexed("1", "a"), indexed("2", "b"), indexed("3", "c")];
        assert!(!is_settled(&both, &three));
        // Other tags than it is to carry.
        let mut changed = [indexed("1", "a"), indexed("2", "b")];
        changed[1].tags.insert("project", "other");
        assert!(!is_settled(&both, &changed));
        assert!(!is_settled(&[], &[]));
    }
}
