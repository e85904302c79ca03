//! The holder of a lock, and the length of its lease: the text of a lock, and what can be told from it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Parameter, Process, acceptable};

/// The length of a lease that does not state its own.
pub const LENGTH: Duration = Duration::from_secs(60);

/// The longest wait for a dead holder, however long its lease claims to hold.
const LONGEST: Duration = Duration::from_secs(600);

/// The text of a lock. Written by any version, so that every field may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lease {
    /// The id of one attempt to take the lock: no other has it. The part before the first `.` is the run's.
    pub id: String,
    /// ARN of the caller.
    pub holder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    pub command: String,
    /// The time when it was taken, by the holder's clock, in UTC.
    pub since: String,
    /// Address of the run in a CI system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_url: Option<String>,
    /// The time that it holds after it was last written. It is written again long before.
    pub lease_seconds: u64,
    /// True if it was given back: the lock is free.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    /// The version of the lock that it was written over, which was free. Earlier versions of this program did not record it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    pub tool_version: String,
}

impl Lease {
    /// Reads the text of a lock. A text that cannot be read is still a lock, of an unknown holder.
    pub(super) fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(super) fn to_text(&self) -> String {
        acceptable(serde_json::json!(self).to_string())
    }

    /// The text of a lock that was given back. An earlier version of this program knows no `released`, and sees a lease that
    /// has run out.
    pub(super) fn given_back(&self) -> Self {
        Self {
            id: self.id.clone(),
            lease_seconds: 1,
            released: true,
            tool_version: self.tool_version.clone(),
            ..Self::default()
        }
    }

    /// The part that the ids of a run's attempts have in common.
    pub(super) fn run(&self) -> &str {
        self.id.split('.').next().unwrap_or_default()
    }

    pub(super) fn length(&self) -> Duration {
        match self.lease_seconds {
            0 => LENGTH,
            seconds => Duration::from_secs(seconds).min(LONGEST),
        }
    }
}

/// A lock that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub lease: Lease,
    pub version: i64,
    /// The time since it was last written.
    pub age: Duration,
}

impl From<Parameter> for Seen {
    fn from(parameter: Parameter) -> Self {
        Self {
            lease: Lease::from_text(&parameter.value),
            version: parameter.version,
            age: parameter.age,
        }
    }
}

impl Seen {
    /// The time that it still holds, unless it is renewed.
    pub fn left(&self) -> Duration {
        self.lease.length().saturating_sub(self.age)
    }

    /// Returns whether it can be taken: it was given back, or its holder is dead, that is, has not renewed it in time, or
    /// was a process of this machine that is gone.
    pub fn is_over(&self) -> bool {
        self.lease.released
            || self.left().is_zero()
            || self.lease.process.as_ref().is_some_and(Process::has_ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_lease() {
        for text in ["", "null", "{", "[1]", "{\"leaseSeconds\": -1}"] {
            let lease = Lease::from_text(text);
            assert_eq!(lease, Lease::default(), "{text}");
            assert_eq!(lease.length(), LENGTH);
        }
        let lease = Lease::from_text(r#"{"leaseSeconds": 99999999999, "new": {}, "id": "a"}"#);
        assert_eq!(lease.id, "a");
        assert_eq!(lease.length(), LONGEST);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let lease = Lease {
            id: "a".into(),
            run_url: Some("https://ci.example.com/{{run}}".into()),
            process: Process::this(),
            lease_seconds: 60,
            after: Some(7),
            ..Lease::default()
        };
        let text = lease.to_text();
        assert!(!text.contains("{{"), "{text}");
        assert_eq!(Lease::from_text(&text), lease);
    }

    /// An earlier version of this program sees the same, although it looks at the length alone.
    #[test]
    fn what_was_given_back_is_over() {
        let lease = Lease {
            id: "a.1".into(),
            holder: "anna".into(),
            lease_seconds: 60,
            ..Lease::default()
        };
        let mut seen = Seen {
            lease: Lease::from_text(&lease.given_back().to_text()),
            version: 2,
            age: Duration::ZERO,
        };
        assert!(seen.is_over());
        assert_eq!((seen.lease.run(), seen.lease.holder.as_str()), ("a", ""));
        seen.lease.released = false;
        assert!(!seen.is_over());
        seen.age = Duration::from_secs(1);
        assert!(seen.is_over());
    }
}
