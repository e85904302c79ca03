//! The runs of a stack: one parameter, a version of it for each run. SSM keeps the last hundred, and who wrote them. Of the last
//! run of a large stack there is more than it takes: that goes on in further ones.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use futures_util::future::{join, join_all};
use serde::{Deserialize, Serialize};

use super::{
    Begun, LONGEST, Parameter, ParameterStore, Seen, Version, acceptable, continuation, moment,
    parameter,
};
use crate::resource::{LastRun, Made, Proof, ProviderError, StackId};
use crate::version::VERSION;

/// How much of that the ARNs may take.
const MOST_OBJECTS: usize = 1600;

/// How much of it may prove what is ours: about six hundred objects and parts. The types take up to 700, and the rest 400.
const MOST_MADE: usize = 2600;

/// How many versions back a record is looked for that proves something, where later runs could not read it.
const MOST_UNREAD: i64 = 16;

/// How many versions are looked at that others have written meanwhile.
const MOST_BETWEEN: i64 = 64;

/// How many runs are remembered to be over.
const MOST_OVER: usize = 16;

/// The longest address of a run that is kept.
const LONGEST_URL: usize = 1024;

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    Succeeded,
    Failed,
    Cancelled,
    /// As another version of this program calls it.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The record of a run. No value of the stack file but the names of what was made, and none of `--set`: they may be
/// secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    pub command: String,
    /// By the clock of the machine that ran it, in UTC.
    pub started: String,
    pub seconds: f64,
    pub outcome: Ending,
    pub created: usize,
    pub updated: usize,
    pub replaced: usize,
    pub deleted: usize,
    pub failed: usize,
    /// Not begun, or let go while under way.
    pub unfinished: usize,
    /// Hash of the stack file, and of those below it.
    pub file: String,
    /// The paths that `--set` set, without the values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// How many more, where they were too many to be kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub set_besides: usize,
    /// The types of what may have been there afterwards, without their `aws:`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// The ARNs of what was there afterwards, of types that are found by name alone, by type; as many as there is room for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, Vec<String>>,
    /// The proof that all that was there afterwards is ours: see [`Made`]. Earlier versions did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// The run could not read what proves it: that is in the version before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
    /// See [`crate::resource::proof::RunMark::key`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The ids of runs of which all is on record that they have made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<String>,
    /// The resources of the file that were there afterwards: see [`LastRun`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub left: String,
    /// If there is no room for that, its mark in the parameters in which this goes on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub continued: String,
    /// Address of the run in a CI system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_url: Option<String>,
    pub tool_version: String,
}

impl Record {
    /// Leaves out whole types, the longest first: half a list would look like a whole one.
    fn trim_objects(&mut self) {
        let size = |arns: &Vec<String>| arns.iter().map(|arn| arn.len() + 3).sum::<usize>();
        while self.objects.values().map(size).sum::<usize>() > MOST_OBJECTS {
            self.leave_out_longest();
        }
    }

    /// False if there was nothing to leave out.
    fn leave_out_longest(&mut self) -> bool {
        let longest = self.objects.iter().max_by_key(|(_, arns)| arns.len());
        let Some(token) = longest.map(|(token, _)| token.clone()) else {
            return false;
        };
        self.objects.remove(&token).is_some()
    }

    /// A text that is no record, since something else has been written there, says nothing: like one of a run that could not read
    /// what there was.
    fn read(text: &str) -> Self {
        let record = serde_json::from_str(text).ok();
        let record = record.filter(|record: &Self| {
            record.made.is_some() || record.unread || !record.command.is_empty()
        });
        record.unwrap_or_else(|| Self {
            unread: true,
            ..Self::default()
        })
    }

    /// As JSON that fits a parameter, and what goes on in others. However much was set, the rest is kept.
    fn to_texts(&self) -> (String, Vec<String>) {
        let mut record = self.clone();
        let mut parts = Vec::new();
        record.trim_objects();
        record.over.truncate(MOST_OVER);
        record.run_url = record.run_url.filter(|url| url.len() <= LONGEST_URL);
        loop {
            let text = acceptable(serde_json::json!(record).to_string());
            if text.len() <= LONGEST {
                return (text, parts);
            }
            if !record.left.is_empty() {
                let left = std::mem::take(&mut record.left);
                // It serves words alone, and is left out where it is too long for all of them.
                if let Some(split) = continuation::split(&left) {
                    record.continued = continuation::mark(&left);
                    parts = split;
                }
            } else if record.set.pop().is_some() {
                record.set_besides += 1;
            } else if !record.leave_out_longest()
                && record.run_url.take().is_none()
                && record.over.pop().is_none()
            {
                // What is left are the counts, the types and the proof, which have room.
                return (text, parts);
            }
        }
    }
}

/// The text that stood there when the record was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// The version of the record; 0 where there is none.
    pub version: i64,
    /// How many further parameters say something.
    pub parts: usize,
}

/// The places of objects that a run has left, by its record: the tag index is behind by minutes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Whereabouts {
    /// Type tokens.
    pub tokens: BTreeSet<String>,
    /// ARNs by type token.
    pub objects: BTreeMap<String, Vec<String>>,
    /// The resources of the file that were there.
    pub left: LastRun,
    /// Since the last run ended, by AWS's clock.
    pub age: Option<Duration>,
    /// The proof that something is ours.
    pub proof: Proof,
    /// The key of the stack, once it has one.
    pub key: Option<String>,
    /// Runs that are under way, or were over before they could put on record what they have made; the newest first.
    pub unfinished: Vec<Begun>,
    /// The runs of which all is on record.
    pub over: Vec<String>,
    /// The versions of the record and of the run that has begun last; 0 where there is none.
    pub versions: [i64; 2],
    /// How many parameters the record goes on in.
    pub parts: usize,
    /// The content of the lock, if it was ever taken.
    pub lock: Option<Seen>,
}

impl Whereabouts {
    /// The record that the next one replaces.
    pub fn before(&self) -> Before {
        Before {
            version: self.versions[0],
            parts: self.parts,
        }
    }

    /// The runs of which all is on record once a run is.
    pub fn over_after(&self, id: &str, is_done: bool) -> Vec<String> {
        let now = Begun::new(id, "", &Made::new(""), &[]);
        let past = self.unfinished.iter().filter(|run| run.is_past(&now));
        let past = past.map(|run| run.id.clone());
        // What a run has let go, or what failed, may be there and not be known.
        let ended = is_done.then(|| id.to_owned());
        let over = ended.into_iter().chain(past);
        over.chain(self.over.iter().cloned()).collect()
    }
}

/// A run that is on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    pub number: i64,
    /// When it ended, by AWS's clock.
    pub ended: String,
    /// ARN of who ran it.
    pub by: String,
    pub record: Record,
}

/// The history of a stack.
pub struct History<'a> {
    store: &'a dyn ParameterStore,
    name: String,
    /// The parameters in which the record goes on.
    further: [String; continuation::MOST],
    /// The parameter of the run that has begun last.
    begun: String,
    lock: String,
}

impl<'a> History<'a> {
    pub fn of(stack: &StackId, store: &'a dyn ParameterStore) -> Self {
        let name = parameter(stack, "deployments");
        Self {
            store,
            further: continuation::names(&name),
            name,
            begun: parameter(stack, "run"),
            lock: parameter(stack, super::lock::PARAMETER),
        }
    }

    /// Puts a run on record. `before` is what was read last: what others have put on record since, without a lock, stays proven.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn add(&self, record: &Record, before: Option<Before>) -> Result<(), ProviderError> {
        let mut record = record.clone();
        let mut known = before.map(|before| before.version);
        let in_use = before.map_or(0, |before| before.parts);
        loop {
            let (text, parts) = record.to_texts();
            // The proof is in the first. Of the rest words depend alone: what of it is not written is no failure, and is known by
            // its mark to be missing.
            let written = self.store.put(&self.name, &text);
            let (written, ()) = join(written, self.go_on(&parts, in_use)).await;
            let written = written?;
            let between = self.between(&self.name, known, written).await?;
            let before = record.clone();
            for text in between {
                let other: Record = serde_json::from_str(&text).unwrap_or_default();
                if let (Some(made), Some(others)) = (&mut record.made, other.made) {
                    let mut all = Made::read(&record.key, made);
                    all.extend(&Made::read(&record.key, &others), usize::MAX);
                    *made = all.to_text(MOST_MADE).unwrap_or_default();
                }
                for over in other.over {
                    if !record.over.contains(&over) {
                        record.over.push(over);
                    }
                }
            }
            // What was written over said nothing more.
            if record == before {
                return Ok(());
            }
            known = Some(written);
        }
    }

    /// Writes what the record goes on with, and takes out what an earlier one went on with.
    async fn go_on(&self, parts: &[String], in_use: usize) {
        let texts = parts.iter().map(String::as_str);
        let texts = texts.chain(std::iter::repeat(continuation::NOTHING));
        let pairs = self.further.iter().zip(texts).take(parts.len().max(in_use));
        let puts = pairs.map(|(name, text)| self.store.put(name, text));
        join_all(puts).await;
    }

    /// Announces a run, which takes over the key of what another has announced meanwhile; `parts` are those of the run by key.
    /// Answers with whether no other has been announced since the version that was read last: what such a one has announced
    /// stands beside this one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn begin(
        &self,
        run: &mut Begun,
        before: i64,
        parts: &(dyn Fn(&str) -> Made + Sync),
    ) -> Result<bool, ProviderError> {
        let mut known = before;
        loop {
            let written = self.store.put(&self.begun, &run.to_text()).await?;
            let between = self.between(&self.begun, Some(known), written).await?;
            let is_next = known == before && between.is_empty();
            let announced = run.clone();
            let others = between.iter().map(|text| Begun::from_text(text));
            let others: Vec<Begun> = others.collect();
            // Of several that begin as the first, the key of the first counts.
            if let Some(first) = others.first().filter(|_| known == before)
                && first.key != run.key
            {
                run.rekey(&first.key, &parts(&first.key));
            }
            for other in others {
                run.add_earlier(other);
            }
            // What was written over said nothing more.
            if *run == announced {
                return Ok(is_next);
            }
            known = written;
        }
    }

    /// The records that others have written between a version that is known and one that was written.
    async fn between(
        &self,
        name: &str,
        known: Option<i64>,
        written: i64,
    ) -> Result<Vec<String>, ProviderError> {
        let mut between = Vec::new();
        // A parameter that was deleted counts from 1 again.
        let known = known.unwrap_or(written).min(written);
        for number in (known + 1).max(written - MOST_BETWEEN)..written {
            between.extend(self.store.read_version(name, number).await?);
        }
        Ok(between)
    }

    /// The places of what the last run has left, and the proof of what is ours; with the lock, which so costs no call of its own where
    /// it is free.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn whereabouts(&self) -> Result<Whereabouts, ProviderError> {
        let names = [&self.name, &self.begun, &self.lock].into_iter();
        let names: Vec<&str> = names.chain(&self.further).map(String::as_str).collect();
        let mut found = self.store.read_all(&names).await?.into_iter();
        let [last, begun, lock] = std::array::from_fn(|_| found.next().flatten());
        let further: Vec<Option<Parameter>> = found.collect();
        let versions = [&last, &begun].map(|found| found.as_ref().map_or(0, |found| found.version));
        let record = last.as_ref().map(|last| Record::read(&last.value));
        let mut record = record.unwrap_or_default();
        // Runs that could not read what there was say nothing of it.
        let mut number = versions[0];
        while record.unread && record.made.is_none() && number > versions[0] - MOST_UNREAD {
            number -= 1;
            let Some(text) = self.store.read_version(&self.name, number).await? else {
                break;
            };
            let before = Record::read(&text);
            record.made = before.made;
            record.key = before.key;
            record.over.extend(before.over);
            record.unread = before.unread;
        }
        let is_earlier = last.is_some() && record.made.is_none() && !record.unread;
        let over: BTreeSet<&str> = record.over.iter().map(String::as_str).collect();
        let begun = begun.map(|begun| Begun::from_text(&begun.value));
        let begun = begun.unwrap_or_default();
        // What stands there was hashed with it, whatever others have announced since.
        let key = match &record.made {
            Some(_) => Some(record.key.clone()),
            None => Some(begun.key.clone()).filter(|key| !key.is_empty()),
        };
        let unfinished = begun.unfinished(&over);
        let proof = if is_earlier {
            Proof::Unknown
        } else {
            let texts = record
                .made
                .iter()
                .chain(unfinished.iter().map(|run| &run.parts));
            let key = key.clone().unwrap_or_default();
            let mut made = Made::new(&key);
            for text in texts {
                made.extend(&Made::read(&key, text), usize::MAX);
            }
            Proof::Known {
                made,
                runs: unfinished.iter().map(|run| run.id.clone()).collect(),
                key,
                trusted: Vec::new(),
            }
        };
        let further = further.iter().map(|part| match part {
            Some(part) => part.value.as_str(),
            None => continuation::NOTHING,
        });
        let further: Vec<&str> = further.collect();
        let in_use = further
            .iter()
            .rposition(|part| *part != continuation::NOTHING);
        if !record.continued.is_empty() {
            let rest = continuation::join(&record.continued, further.into_iter());
            record.left = rest.unwrap_or_default();
        }
        let mut left: LastRun = record.left.parse().unwrap_or_default();
        left.is_of_this_version =
            record.outcome == Ending::Succeeded && record.tool_version == VERSION;
        Ok(Whereabouts {
            tokens: record.types.iter().map(|text| long(text)).collect(),
            objects: record
                .objects
                .iter()
                .map(|(text, arns)| (long(text), arns.clone()))
                .collect(),
            left,
            age: last.map(|last| last.age),
            proof,
            key,
            unfinished,
            over: record.over,
            versions,
            parts: in_use.map_or(0, |last| last + 1),
            lock: lock.map(Seen::from),
        })
    }

    /// The run that ended last, and how long ago: its end is by AWS's clock, and now is by this machine's.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn last(&self) -> Result<Option<(Deployment, Duration)>, ProviderError> {
        let versions = self.store.versions(&self.name).await?;
        let last = versions.into_iter().max_by_key(|version| version.number);
        Ok(last.map(|version| {
            let age = SystemTime::now().duration_since(version.written);
            (deployment(version), age.unwrap_or_default())
        }))
    }

    /// The runs on record, newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(&self) -> Result<Vec<Deployment>, ProviderError> {
        let mut versions = self.store.versions(&self.name).await?;
        versions.sort_by_key(|version| std::cmp::Reverse(version.number));
        Ok(versions.into_iter().map(deployment).collect())
    }
}

fn deployment(version: Version) -> Deployment {
    Deployment {
        number: version.number,
        ended: moment::utc(version.written),
        by: version.by,
        // What another version of this program wrote otherwise is still a run.
        record: serde_json::from_str(&version.value).unwrap_or_default(),
    }
}

/// The hashes in a record of what was made; `None` if there are more than it has room for.
pub fn made_text(made: &Made) -> Option<String> {
    made.to_text(MOST_MADE)
}

/// A type token as a record has it.
pub fn short(token: &str) -> String {
    token.strip_prefix("aws:").unwrap_or(token).to_owned()
}

/// A type token as it is.
fn long(text: &str) -> String {
    match text.matches(':').count() {
        1 => format!("aws:{text}"),
        _ => text.to_owned(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
