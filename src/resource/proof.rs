//! Proof that an object whose tags say that it is ours was made by a run of ours: a party with the right to tag can copy
//! tags.
//!
//! - Each run puts on record what it leaves: a hash of the URN and the id of each object, and of each untaggable part.
//! - An object made by a run that was over before it could do so bears the run's mark, [`super::tags::RUN`]: a hash of the
//!   run's id, which is kept in a parameter meanwhile. A mark proves nothing that two objects bear, since it has been
//!   copied, or with which an object is on record already.
//!
//! Both stand in the Parameter Store, where the right to tag does not reach. Where it cannot be read, nothing is proven, and
//! the user has to vouch for what is deleted or changed. Where an earlier version has left no such record, the tags decide
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::tags::{RUN, short_hash};
use super::{CreateClass, Observed, Urn};

/// Characters of a hash, of six bits each: by chance no two are alike. Where there is no room for all of them, fewer have to
/// do.
const WIDTH: usize = 7;
const LEAST_WIDTH: usize = 4;

/// Sixty-four characters that JSON leaves as they are.
pub(super) const ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The objects that runs of ours have made, by hash: the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The key of the stack: without it no id can be found that has one of the hashes.
    key: String,
    width: usize,
    hashes: BTreeSet<String>,
    order: Vec<String>,
}

impl Made {
    pub fn new(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            width: WIDTH,
            hashes: BTreeSet::new(),
            order: Vec::new(),
        }
    }

    /// Reads what was written with this key. What cannot be read is nothing.
    pub fn read(key: &str, text: &str) -> Self {
        let mut made = Self::new(key);
        let width = text.get(..1).and_then(|width| width.parse().ok());
        let Some(width) = width.filter(|width| (LEAST_WIDTH..=WIDTH).contains(width)) else {
            return made;
        };
        made.width = width;
        let mut rest = &text[1..];
        while let Some((hash, after)) = rest.split_at_checked(width) {
            made.insert_hash(hash);
            rest = after;
        }
        made
    }

    pub fn insert_object(&mut self, urn: &Urn, id: &str) {
        self.insert(&object(urn, id));
    }

    /// Adds an untaggable part: by what it hangs on, and what `fde:parts` has for it.
    pub fn insert_part(&mut self, parent: &Urn, mark: &str) {
        self.insert(&part(parent, mark));
    }

    /// Adds that a run is to make an object that bears the mark of all runs, in place of this object; or where there is
    /// nothing. The object has to be on record for that: its own mark proves nothing from then on.
    pub fn insert_announced(&mut self, run: &str, urn: &Urn, instead_of: Option<&Observed>) {
        match instead_of {
            None => self.insert(&format!("first {run} {urn}")),
            Some(replaced) => {
                self.insert(&format!("next {run} {urn}"));
                self.insert_object(urn, &replaced.id);
                if let Some(mark) = replaced.tags.get(RUN) {
                    self.insert_mark(mark);
                }
            }
        }
    }

    /// Adds the name that a run is to give to what it makes; `None` where that is not known yet.
    pub fn insert_name(&mut self, urn: &Urn, name: Option<&str>) {
        self.insert(&format!("name {urn} {}", name.unwrap_or("*")));
    }

    /// Returns whether a run was to make something of this name: tags can be moved, and names cannot.
    fn has_name(&self, urn: &Urn, name: &str) -> bool {
        [name, "*"]
            .iter()
            .any(|name| self.has(&format!("name {urn} {name}")))
    }

    pub fn remove_part(&mut self, parent: &Urn, mark: &str) {
        self.remove(&part(parent, mark));
    }

    /// Returns whether an object that bears the mark of all runs may be what one of them has made as it had announced. Where
    /// there was nothing, an earlier object may have borne the same mark, and have been on record with it.
    fn may_be_of(&self, run: &str, urn: &Urn, mark: &str) -> bool {
        let has = |text: String| self.has(&text);
        has(format!("first {run} {urn}")) && !self.has_over(run, urn)
            || has(format!("next {run} {urn}")) && !self.has_mark(mark)
    }

    /// Adds that what a run has made of a resource is on record.
    fn insert_over(&mut self, run: &str, urn: &Urn) {
        self.insert(&format!("over {run} {urn}"));
    }

    fn has_over(&self, run: &str, urn: &Urn) -> bool {
        self.has(&format!("over {run} {urn}"))
    }

    /// Adds that an object with this mark is on record, so that it proves nothing of another one.
    pub fn insert_mark(&mut self, mark: &str) {
        self.insert(&format!("mark {mark}"));
    }

    fn has_mark(&self, mark: &str) -> bool {
        self.has(&format!("mark {mark}"))
    }

    pub fn has_object(&self, urn: &Urn, id: &str) -> bool {
        self.has(&object(urn, id))
    }

    pub fn has_part(&self, parent: &Urn, mark: &str) -> bool {
        self.has(&part(parent, mark))
    }

    pub fn remove_object(&mut self, urn: &Urn, id: &str) {
        self.remove(&object(urn, id));
    }

    fn remove(&mut self, text: &str) {
        let gone = self.hash(text);
        if self.hashes.remove(&gone) {
            self.order.retain(|hash| *hash != gone);
        }
    }

    /// Adds what another record of the stack has, after what is there: of that the newest.
    pub fn extend(&mut self, other: &Self, most: usize) {
        self.narrow(other.width);
        for hash in other.order.iter().take(most) {
            self.insert_hash(hash);
        }
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The text form of at most a length, with shorter hashes where there are many; `None` if that is not enough.
    pub fn to_text(&self, length: usize) -> Option<String> {
        let mut made = self.clone();
        for width in (LEAST_WIDTH..=self.width).rev() {
            made.narrow(width);
            let text = format!("{width}{}", made.order.concat());
            if text.len() <= length {
                return Some(text);
            }
        }
        None
    }

    fn narrow(&mut self, width: usize) {
        if width >= self.width {
            return;
        }
        self.width = width;
        self.hashes.clear();
        for hash in std::mem::take(&mut self.order) {
            self.insert_hash(&hash);
        }
    }

    fn insert(&mut self, text: &str) {
        let hash = self.hash(text);
        self.insert_hash(&hash);
    }

    fn insert_hash(&mut self, hash: &str) {
        let hash = hash.get(..self.width).unwrap_or(hash).to_owned();
        if self.hashes.insert(hash.clone()) {
            self.order.push(hash);
        }
    }

    fn has(&self, text: &str) -> bool {
        self.hashes.contains(&self.hash(text))
    }

    fn hash(&self, text: &str) -> String {
        let digest = Sha256::digest(format!("{} {text}", self.key).as_bytes());
        let bytes = digest.iter().take(self.width);
        bytes
            .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
            .collect()
    }
}

fn object(urn: &Urn, id: &str) -> String {
    format!("object {urn} {id}")
}

fn part(parent: &Urn, mark: &str) -> String {
    format!("part {parent} {mark}")
}

/// A run, as far as what it makes bears its mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunMark {
    pub id: String,
    /// The key of the stack: the same in all its runs.
    pub key: String,
}

impl RunMark {
    /// The mark of an object that the run makes from `inputs`, in place of others. AWS compares tags where a client token
    /// comes again: there each run of the stack has to send the same for the same inputs.
    pub fn on(&self, class: CreateClass, urn: &Urn, inputs: &str, instead_of: &[String]) -> String {
        let mut instead_of = instead_of.to_vec();
        instead_of.sort();
        let generation = short_hash(&format!("{inputs} {}", instead_of.concat()), GENERATION);
        match class {
            CreateClass::Token => mark_of_all(&self.key, urn, &generation),
            _ => mark(&self.id, urn, &generation),
        }
    }
}

/// Digits at the beginning of a mark that tell objects of one resource apart that were not made by the same request.
const GENERATION: usize = 4;

fn mark(run: &str, urn: &Urn, generation: &str) -> String {
    let hash = short_hash(&format!("run {run} {urn} {generation}"), 12);
    format!("{generation}{hash}")
}

fn mark_of_all(key: &str, urn: &Urn, generation: &str) -> String {
    let hash = short_hash(&format!("stack {key} {urn} {generation}"), 12);
    format!("{generation}{hash}")
}

fn is_mark(run: &str, urn: &Urn, borne: &str) -> bool {
    let generation = borne.get(..GENERATION);
    generation.is_some_and(|generation| mark(run, urn, generation) == borne)
}

fn is_mark_of_all(key: &str, urn: &Urn, borne: &str) -> bool {
    let generation = borne.get(..GENERATION);
    generation.is_some_and(|generation| mark_of_all(key, urn, generation) == borne)
}

/// The evidence that can prove that an object is ours.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Proof {
    /// An earlier version has left no record that could: the tags decide.
    #[default]
    Unknown,
    Known {
        made: Made,
        /// The ids of runs that have not put on record what they have made.
        runs: Vec<String>,
        /// See [`RunMark::key`].
        key: String,
        /// Ids and ARNs that the user has vouched for; `*` stands for all.
        trusted: Vec<String>,
    },
}

impl Proof {
    /// The proof from a record that cannot be read.
    pub fn nothing() -> Self {
        Self::Known {
            made: Made::new(""),
            runs: Vec::new(),
            key: String::new(),
            trusted: Vec::new(),
        }
    }

    /// Returns whether an object is what its tags say, among all that say so. `name` is its own, where its type has names.
    pub fn holds(
        &self,
        urn: &Urn,
        object: &Observed,
        name: Option<&str>,
        bearers: &Bearers,
    ) -> bool {
        let Self::Known {
            made,
            runs,
            key,
            trusted,
        } = self
        else {
            return true;
        };
        let names = [Some(object.id.as_str()), object.arn.as_deref(), Some("*")];
        if made.has_object(urn, &object.id)
            || trusted.iter().any(|name| names.contains(&Some(name)))
        {
            return true;
        }
        let Some(mark) = object.tags.get(RUN) else {
            return false;
        };
        let is_of_all = is_mark_of_all(key, urn, mark);
        let mut runs = runs.iter();
        bearers.count(mark) == 1
            && name.is_none_or(|name| made.has_name(urn, name))
            && runs.any(|run| {
                is_of_all && made.may_be_of(run, urn, mark)
                    || is_mark(run, urn, mark) && !made.has_mark(mark)
            })
    }

    /// Returns whether a run may have made something that nothing has on record yet.
    pub fn has_open_runs(&self) -> bool {
        matches!(self, Self::Known { runs, .. } if !runs.is_empty())
    }

    /// With a run that goes on being one of those that have not put all on record.
    #[must_use]
    pub fn with_run(mut self, run: &RunMark) -> Self {
        if let Self::Known { runs, key, .. } = &mut self {
            runs.insert(0, run.id.clone());
            // The first run of all has made it up.
            key.clone_from(&run.key);
        }
        self
    }

    /// Puts an object on record, with its mark as long as that could prove something of another one.
    pub fn record(&self, record: &mut Made, urn: &Urn, object: &Observed) {
        record.insert_object(urn, &object.id);
        let (
            Self::Known {
                made, runs, key, ..
            },
            Some(mark),
        ) = (self, object.tags.get(RUN))
        else {
            return;
        };
        let is_of_all = is_mark_of_all(key, urn, mark);
        if is_of_all || runs.iter().any(|run| is_mark(run, urn, mark)) {
            record.insert_mark(mark);
        }
        for run in runs {
            // It was put on record when the object was seen first, and is true as long as the run may have left others.
            if is_of_all && (!made.has_object(urn, &object.id) || made.has_over(run, urn)) {
                record.insert_over(run, urn);
            }
        }
    }

    /// The same, with what the user has vouched for.
    #[must_use]
    pub fn trusting(mut self, names: &[String]) -> Self {
        if let Self::Known { trusted, .. } = &mut self {
            *trusted = names.to_vec();
        }
        self
    }

    /// Returns whether an object with this id was made by a run of ours, or the user vouches for it, where the object itself
    /// is not live.
    pub fn has_made(&self, urn: &Urn, id: &str) -> bool {
        match self {
            Self::Unknown => true,
            Self::Known { made, trusted, .. } => {
                made.has_object(urn, id) || trusted.iter().any(|name| name == "*" || name == id)
            }
        }
    }

    /// Returns whether a part is ours that its parent's tags say is.
    pub fn holds_part(&self, parent: &Urn, mark: &str) -> bool {
        match self {
            Self::Unknown => true,
            Self::Known { made, trusted, .. } => {
                made.has_part(parent, mark) || trusted.iter().any(|name| name == "*")
            }
        }
    }
}

/// The number of objects that bear the mark of a run, by mark.
#[derive(Debug, Default)]
pub struct Bearers(BTreeMap<String, usize>);

impl Bearers {
    pub fn of<'o>(objects: impl IntoIterator<Item = &'o Observed>) -> Self {
        let mut bearers = BTreeMap::new();
        for object in objects {
            if let Some(mark) = object.tags.get(RUN) {
                *bearers.entry(mark.to_owned()).or_default() += 1;
            }
        }
        Self(bearers)
    }

    fn count(&self, mark: &str) -> usize {
        self.0.get(mark).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Condition, Properties, StackId, Tags};

    fn urn(name: &str) -> Urn {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        Urn::new(&stack, "aws:ec2:Eip", name)
    }

    fn object(id: &str, mark: Option<String>) -> Observed {
        let tags = mark.map(|mark| (RUN.to_owned(), mark));
        Observed {
            token: "aws:ec2:Eip".into(),
            id: id.into(),
            arn: None,
            inputs: Properties::new(),
            outputs: Properties::new(),
            tags: tags.into_iter().collect::<Tags>(),
            condition: Condition::Ready,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_newest_first() {
        let mut made = Made::new("key");
        for id in ["eipalloc-1", "eipalloc-2", "eipalloc-1"] {
            made.insert_object(&urn("a"), id);
        }
        made.insert_part(&urn("a"), "012345");
        let text = made.to_text(100).unwrap();
        assert_eq!(text.len(), 1 + 3 * WIDTH);
        assert_eq!(Made::read("key", &text), made);
        assert!(made.has_object(&urn("a"), "eipalloc-1"));
        assert!(!made.has_object(&urn("b"), "eipalloc-1"));
        assert!(made.has_part(&urn("a"), "012345") && !made.has_part(&urn("a"), "543210"));
        // Without the key nothing is found that is on record.
        assert!(!Made::read("", &text).has_object(&urn("a"), "eipalloc-1"));
        let mut newest = Made::new("key");
        newest.extend(&made, 2);
        assert!(newest.has_object(&urn("a"), "eipalloc-2"));
        assert!(!newest.has_part(&urn("a"), "012345"));
        newest.remove_object(&urn("a"), "eipalloc-2");
        assert_eq!(newest.len(), 1);
        // Other content is read as far as it goes.
        for text in ["", "abc", "9abcdefghi", "ä€ü", "7abcdefgä", "4ab"] {
            assert!(Made::read("key", text).len() <= 1, "{text}");
        }
    }

    #[test]
    fn what_has_little_room_has_shorter_hashes() {
        let mut made = Made::new("key");
        for number in 0..600 {
            made.insert_object(&urn("a"), &format!("eipalloc-{number}"));
        }
        assert_eq!(made.to_text(10_000).unwrap().len(), 1 + 600 * WIDTH);
        let text = made.to_text(2_800).unwrap();
        assert!(text.len() <= 2_800);
        let mut read = Made::read("key", &text);
        assert!((0..600).all(|number| read.has_object(&urn("a"), &format!("eipalloc-{number}"))));
        let strangers =
            (600..2_000).filter(|number| read.has_object(&urn("a"), &format!("eipalloc-{number}")));
        assert_eq!(strangers.count(), 0);
        read.extend(&made, usize::MAX);
        assert_eq!(read.len(), 600);
        assert_eq!(made.to_text(2_000), None);
    }

    #[test]
    fn tags_alone_prove_nothing_where_there_is_a_record() {
        let mut made = Made::new("key");
        made.insert_object(&urn("a"), "eipalloc-1");
        made.insert_announced("run", &urn("a"), None);
        made.insert_name(&urn("a"), Some("shop"));
        let proof = Proof::Known {
            made,
            runs: vec!["run".into()],
            key: "key".into(),
            trusted: vec!["eipalloc-7".into()],
        };
        let mark = mark("run", &urn("a"), "0000");
        let holds = |objects: &[Observed]| -> Vec<bool> {
            let bearers = Bearers::of(objects);
            let held = objects.iter();
            held.map(|object| proof.holds(&urn("a"), object, None, &bearers))
                .collect()
        };
        let plain = |id: &str| object(id, None);
        assert_eq!(
            holds(&[plain("eipalloc-1"), plain("eipalloc-2")]),
            [true, false]
        );
        assert_eq!(holds(&[object("eipalloc-2", Some(mark.clone()))]), [true]);
        let other = super::mark("another", &urn("a"), "0000");
        assert_eq!(holds(&[object("eipalloc-2", Some(other))]), [false]);
        // A copy, and what it was copied from: which is which cannot be told, but for what is on record.
        let copies =
            ["eipalloc-1", "eipalloc-2", "eipalloc-3"].map(|id| object(id, Some(mark.clone())));
        assert_eq!(holds(&copies), [true, false, false]);
        assert_eq!(holds(&[plain("eipalloc-7")]), [true]);
        // Moved to something with a name that the run was not to give.
        let moved = object("eipalloc-2", Some(mark.clone()));
        let named = |name| proof.holds(&urn("a"), &moved, Some(name), &Bearers::of([&moved]));
        assert!(named("shop") && !named("theirs"));
        let shared = mark_of_all("key", &urn("a"), "0000");
        assert_eq!(holds(&[object("eipalloc-2", Some(shared.clone()))]), [true]);
        // Once it is on record, the mark is of no use to others.
        let own = object("eipalloc-2", Some(shared));
        let mut record = Made::new("key");
        proof.record(&mut record, &urn("a"), &own);
        record.remove_object(&urn("a"), "eipalloc-2");
        let later = Proof::Known {
            made: record,
            runs: vec!["run".into()],
            key: "key".into(),
            trusted: Vec::new(),
        };
        let copy = object("eipalloc-3", Some(mark_of_all("key", &urn("a"), "0000")));
        assert!(!later.holds(&urn("a"), &copy, None, &Bearers::of([&copy])));
        let unknown = Proof::default();
        assert!(unknown.holds(&urn("a"), &plain("eipalloc-2"), None, &Bearers::default()));
        assert!(unknown.holds_part(&urn("a"), "012345") && !proof.holds_part(&urn("a"), "012345"));
    }
}
