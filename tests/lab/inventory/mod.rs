//! The content of an account, read with clients of our own: what carries the stack's tag or belongs to such a thing, in
//! terms that two accounts share, and everything else as it is, to the letter.
//!
//! All contents are read, not names alone: anything that a killed run leaves half made, and any change by others, shows up
//! here, whatever the program says about it.

mod access;
pub mod kinds;
mod network;
mod reader;
mod services;
mod storage;
mod strangers;
mod watching;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::sdk::Sdk;
use reader::Thing;

pub use strangers::put_strangers;

/// The stack that runs.
pub const STACK: &str = "happyrobot-fde/dev";

/// The object that a consented replacement of a database leaves, permanently.
pub const FINAL_SNAPSHOT: &str = "snapshot";

/// Everything in an account.
#[derive(Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Each thing of the stack, as `route table network/public`, or `route 0.0.0.0/0 of network/public,
    /// network/internet-gateway`, and the contents of those that are called so.
    pub ours: BTreeMap<String, Vec<Vec<String>>>,
    /// Our tags without an owner, or with one that is not of our stack.
    pub unclaimed: Vec<String>,
    /// By kind and id, to the letter.
    pub foreign: BTreeMap<String, Vec<String>>,
    /// Generated passwords, which no output may show.
    pub secrets: Vec<String>,
}

impl Inventory {
    pub fn of(endpoint: &str) -> Self {
        block_on(async {
            let sdk = Sdk::new(endpoint).await;
            Self::sorted(reader::things(&sdk).await)
        })
    }

    fn sorted(things: Vec<Thing>) -> Self {
        let is_tagged = |thing: &Thing| thing.tags.get("fde:stack").is_some_and(|tag| tag == STACK);
        let mut ours: BTreeSet<&str> = things
            .iter()
            .filter(|thing| is_tagged(thing))
            .map(|thing| thing.id.as_str())
            .collect();
        // Things that belong to ours are ours, and so are the things that belong to them.
        loop {
            let more: Vec<&str> = things
                .iter()
                .filter(|thing| {
                    !ours.contains(thing.id.as_str())
                        && thing.tags.is_empty()
                        && thing.within.iter().any(|id| ours.contains(id.as_str()))
                })
                .map(|thing| thing.id.as_str())
                .collect();
            if more.is_empty() {
                break;
            }
            ours.extend(more);
        }
        let names: BTreeMap<&str, &str> = things
            .iter()
            .filter_map(|thing| Some((thing.id.as_str(), name(thing)?)))
            .collect();
        let passwords = things.iter().filter_map(|thing| thing.password.clone());
        let mut inventory = Self {
            ours: BTreeMap::new(),
            unclaimed: Vec::new(),
            foreign: BTreeMap::new(),
            secrets: passwords.collect(),
        };
        for thing in &things {
            let tags = format!("{:?}", thing.tags);
            if !ours.contains(thing.id.as_str()) {
                let id = format!("{} {}", thing.kind, thing.id);
                let words = words::words(&format!("{} {tags}", thing.whole));
                inventory.foreign.entry(id).or_default().extend(words);
                continue;
            }
            if is_tagged(thing) && name(thing).is_none() {
                inventory
                    .unclaimed
                    .push(format!("{} {}: {tags}", thing.kind, thing.id));
            }
            let within: BTreeSet<&str> = thing
                .within
                .iter()
                .map(|id| *names.get(id.as_str()).unwrap_or(&"?"))
                .collect();
            let within: Vec<&str> = within.into_iter().collect();
            let own = [thing.kind, name(thing).unwrap_or_default(), &thing.key];
            let own: Vec<&str> = own.into_iter().filter(|word| !word.is_empty()).collect();
            let mut line = own.join(" ");
            if !within.is_empty() {
                line.push_str(&format!(" of {}", within.join(", ")));
            }
            let whole = format!("{} {tags}", thing.whole);
            let whole = match &thing.password {
                Some(password) => whole.replace(password.as_str(), "generated"),
                None => whole,
            };
            let content = words::comparable(&whole, &names);
            inventory.ours.entry(line).or_default().push(content);
        }
        for contents in inventory.ours.values_mut() {
            contents.sort_unstable();
        }
        inventory
    }

    /// The faults of `self`, where `wanted` is how it should be and `before` what was there before the run.
    pub fn faults(&self, wanted: &Self, before: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        for (line, contents) in &self.ours {
            let expected = wanted.ours.get(line).map_or(&[][..], Vec::as_slice);
            let (count, wanted) = (contents.len(), expected.len());
            if count > wanted && wanted > 0 {
                faults.push(format!("{count} times instead of {wanted}: {line}"));
            } else if count > wanted {
                faults.push(format!("left over: {line}"));
            } else if count == wanted {
                for (is, should) in contents.iter().zip(expected) {
                    faults.extend(difference(
                        &format!("not as it should be: {line}"),
                        is,
                        should,
                    ));
                }
            }
        }
        for (line, expected) in &wanted.ours {
            if self.ours.get(line).map_or(0, Vec::len) < expected.len() {
                faults.push(format!("missing: {line}"));
            }
        }
        for line in &self.unclaimed {
            faults.push(format!("our tags, and no owner: {line}"));
        }
        for (id, was) in &before.foreign {
            match self.foreign.get(id) {
                Some(is) => {
                    faults.extend(difference(&format!("not ours, and changed: {id}"), is, was));
                }
                None => faults.push(format!("not ours, and gone: {id}")),
            }
        }
        for id in self.foreign.keys() {
            if !before.foreign.contains_key(id) {
                faults.push(format!("not ours, and new: {id}"));
            }
        }
        faults
    }
}

/// Says how a content differs, if it does.
fn difference(what: &str, is: &[String], should: &[String]) -> Option<String> {
    let (more, less) = (words::more(is, should), words::more(should, is));
    let differs = !more.is_empty() || !less.is_empty();
    differs.then(|| format!("{what}: {more:?} instead of {less:?}"))
}

/// `network/vpc`, from the tag that names the owner.
fn name(thing: &Thing) -> Option<&str> {
    let urn = thing.tags.get("fde:urn")?;
    let (_, name) = urn.rsplit_once("::")?;
    urn.starts_with(&format!("urn:fde:{STACK}::"))
        .then_some(name)
}

/// Runs on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}
