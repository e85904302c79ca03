//! The latest run that has begun: one parameter, written before a run changes anything.
//!
//! It is the proof for objects made by a run that was killed before it could put them on record. The id of the run is in no
//! tag, but a hash of it is. It stays after the run: whether that is over, and all it has left on record, is in the history.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{LONGEST, acceptable};
use crate::resource::Made;

/// The length of the text of a parameter that the parts may take.
const MOST_PARTS: usize = 2600;

/// The time that objects made by a run may stay unseen, generously: AWS's index of tags is behind by minutes, and a run may
/// go on for as long as it takes to make a database.
const UNSEEN: u64 = 2 * 60 * 60;

/// A run that has begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Begun {
    pub id: String,
    /// The key of the stack: see [`crate::resource::proof::RunMark`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Seconds since 1970, by the clock of the machine.
    pub began: u64,
    /// The untaggable parts that it is to make, as [`Made`] has them.
    pub parts: String,
    /// The runs before it that have not put on record what they have made, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Begun>,
}

impl Begun {
    pub fn new(id: &str, key: &str, parts: &Made, earlier: &[Self]) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            id: id.to_owned(),
            key: key.to_owned(),
            began: now.map(|now| now.as_secs()).unwrap_or_default(),
            parts: parts.to_text(MOST_PARTS).unwrap_or_default(),
            earlier: earlier.to_vec(),
        }
    }

    pub(super) fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The JSON form that fits a parameter: entries that do not fit are dropped, the oldest first.
    pub(super) fn to_text(&self) -> String {
        let mut begun = self.clone();
        loop {
            let text = acceptable(serde_json::json!(begun).to_string());
            if text.len() <= LONGEST {
                return text;
            }
            if begun.earlier.pop().is_none() {
                return text;
            }
        }
    }

    /// Takes over the key of the stack that another run has found first.
    pub(super) fn rekey(&mut self, key: &str, parts: &Made) {
        key.clone_into(&mut self.key);
        self.parts = parts.to_text(MOST_PARTS).unwrap_or_default();
    }

    /// Adds another run, and those before it, to those that have not put on record what they have made.
    pub(super) fn add_earlier(&mut self, other: Self) {
        for run in other.unfinished(&BTreeSet::new()) {
            let is_known = run.id == self.id || self.earlier.iter().any(|known| known.id == run.id);
            if !is_known {
                self.earlier.insert(0, run);
            }
        }
    }

    /// Returns it and those before it, except those that are over and have all on record.
    pub(super) fn unfinished(self, over: &BTreeSet<&str>) -> Vec<Self> {
        let mut earlier = self.earlier;
        let last = Self {
            earlier: Vec::new(),
            key: String::new(),
            ..self
        };
        earlier.insert(0, last);
        earlier.retain(|run| !run.id.is_empty() && !over.contains(run.id.as_str()));
        earlier
    }

    /// Returns whether all that it made must have been seen by a run that begins now.
    pub fn is_past(&self, now: &Self) -> bool {
        now.began.saturating_sub(self.began) > UNSEEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_the_oldest_first() {
        let mut parts = Made::new("key");
        let mut many = Made::new("key");
        let stack = crate::resource::StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let urn = crate::resource::Urn::new(&stack, "aws:iam:Role", "role");
        parts.insert_part(&urn, "0");
        for number in 0..400 {
            many.insert_part(&urn, &number.to_string());
        }
        let earlier: Vec<Begun> = (0..60)
            .map(|number| Begun::new(&format!("run{number}"), "key", &parts, &[]))
            .collect();
        let begun = Begun::new("now", "key", &many, &earlier);
        let text = begun.to_text();
        assert!(text.len() <= LONGEST, "{}", text.len());
        let read = Begun::from_text(&text);
        let count = read.earlier.len();
        assert_eq!(read.parts, begun.parts);
        assert_eq!(read.earlier[..], earlier[..count]);
        assert!((1..60).contains(&count), "{count}");
        assert_eq!(Begun::from_text("{").unfinished(&BTreeSet::new()), []);
        let over = BTreeSet::from(["run0"]);
        let unfinished = Begun::new("now", "key", &parts, &earlier[..2]).unfinished(&over);
        let ids: Vec<&str> = unfinished.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["now", "run1"]);
    }
}
