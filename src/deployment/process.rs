//! Processes, so that a run on the machine of a dead one knows that it is dead.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::resource::tags::short_hash;

/// A process, identified for all time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The running of a machine, and the table of processes on it: two containers of one host name are two.
    machine: String,
    id: u32,
    /// When it began, as the machine counts: numbers of processes are given again.
    started: u64,
}

impl Process {
    /// This one. `None` where the system does not tell: then its lease has to run out.
    pub fn this() -> Option<Self> {
        let id = std::process::id();
        Some(Self {
            machine: machine()?,
            id,
            started: Stat::of(id)?.started,
        })
    }

    /// Returns whether it was a process of this machine, and is none any more.
    pub fn has_ended(&self) -> bool {
        // Where the processes of others are hidden (`hidepid`), the first process is, too, and a process that is not seen
        // may well live.
        let all_are_seen = Path::new("/proc/1/stat").exists();
        all_are_seen
            && machine().is_some_and(|machine| machine == self.machine)
            && Stat::of(self.id).is_none_or(|now| now.started != self.started || now.has_ended)
    }
}

/// The identity of the running machine and of its table of processes. Linux alone has it in files.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let table = fs::read_link("/proc/self/ns/pid").ok()?;
    let text = format!("{} {}", boot.trim(), table.display());
    Some(short_hash(&text, 16))
}

struct Stat {
    started: u64,
    /// True if it was killed, and its parent has not yet taken note of that.
    has_ended: bool,
}

impl Stat {
    fn of(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The second field is the name, in parentheses, and may hold anything.
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?;
        Some(Self {
            // The 22nd field of all.
            started: fields.nth(18)?.parse().ok()?,
            has_ended: matches!(state, "Z" | "X"),
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_told_from_one_that_has_ended() {
        let this = Process::this().unwrap();
        assert!(!this.has_ended());
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let other = Process {
            id: child.id(),
            started: Stat::of(child.id()).unwrap().started,
            ..this.clone()
        };
        assert!(!other.has_ended());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(other.has_ended());
        // Its number was reused.
        let again = Process { started: 1, ..this };
        assert!(again.has_ended());
        // Of another machine nothing is known.
        let elsewhere = Process {
            machine: "another".into(),
            ..other
        };
        assert!(!elsewhere.has_ended());
    }
}
