//! The runs of a stack: one parameter, a version of it for each run. SSM keeps the last hundred, and who wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Lock, ParameterStore, acceptable, moment, parameter};
use crate::resource::{LastRun, ProviderError, StackId};

/// The longest text of a standard parameter.
const LONGEST: usize = 4096;

/// How much of that the ARNs may take.
const MOST_OBJECTS: usize = 2000;

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

/// What is kept of a run. No value of the stack file but the names of what was made, and none of `--set`: they may be
/// secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    pub command: String,
    /// By the clock of whoever ran it, in UTC.
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
    /// What `--set` set, without the values.
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
    /// What was there afterwards of what the file wants: see [`LastRun`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub left: String,
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

    /// As JSON that fits a parameter. However much was set, the rest is kept.
    fn to_text(&self) -> String {
        let mut record = self.clone();
        record.trim_objects();
        record.run_url = record.run_url.filter(|url| url.len() <= LONGEST_URL);
        loop {
            let text = acceptable(serde_json::json!(record).to_string());
            if text.len() <= LONGEST {
                return text;
            }
            if !record.left.is_empty() {
                // It serves words alone.
                record.left.clear();
            } else if record.set.pop().is_some() {
                record.set_besides += 1;
            } else if !record.leave_out_longest() {
                return text;
            }
        }
    }
}

/// Where to look for what a run has left, by its record: the tag index is behind by minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Type tokens.
    pub tokens: BTreeSet<String>,
    /// ARNs by type token.
    pub objects: BTreeMap<String, Vec<String>>,
    /// What of the file's was there.
    pub left: LastRun,
    /// Since the run ended, by AWS's clock.
    pub age: Duration,
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
}

impl<'a> History<'a> {
    pub fn of(stack: &StackId, store: &'a dyn ParameterStore) -> Self {
        Self {
            store,
            name: parameter(stack, "deployments"),
        }
    }

    /// # Errors
    /// Those of the store.
    pub async fn add(&self, record: &Record) -> Result<(), ProviderError> {
        self.store.put(&self.name, &record.to_text()).await
    }

    /// Where the last run has left what; `None` if there was none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn whereabouts(&self) -> Result<Option<Whereabouts>, ProviderError> {
        let parameter = self.store.read(&self.name).await?;
        Ok(parameter.map(|parameter| {
            let record: Record = serde_json::from_str(&parameter.value).unwrap_or_default();
            let tokens = record.types.iter().map(|text| long(text));
            let objects = record.objects.iter();
            Whereabouts {
                tokens: tokens.collect(),
                objects: objects
                    .map(|(text, arns)| (long(text), arns.clone()))
                    .collect(),
                left: record.left.parse().unwrap_or_default(),
                age: parameter.age,
            }
        }))
    }

    /// How long before a lock was taken the last run ended, to the millisecond, by AWS's clock; `None` if there was none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn ended_before(&self, lock: &Lock<'_>) -> Result<Option<Duration>, ProviderError> {
        self.store.written_before(&self.name, &lock.name).await
    }

    /// The runs on record, newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(&self) -> Result<Vec<Deployment>, ProviderError> {
        let mut versions = self.store.versions(&self.name).await?;
        versions.sort_by_key(|version| std::cmp::Reverse(version.number));
        let deployments = versions.into_iter().map(|version| Deployment {
            number: version.number,
            ended: moment::utc(version.written),
            by: version.by,
            // What another version of this program wrote otherwise is still a run.
            record: serde_json::from_str(&version.value).unwrap_or_default(),
        });
        Ok(deployments.collect())
    }
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
