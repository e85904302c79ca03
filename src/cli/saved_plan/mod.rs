//! `preview --save-plan` and `up --plan`: a plan in a file, bound to everything that it was made from.
//!
//! Planning is a pure function, so the file holds no steps to be run: it holds hashes. `up --plan` reads all of it
//! again, plans again, and goes on only if everything is as it was. Hence a plan cannot be applied twice, nor after a run
//! that was interrupted: the live state has changed by then.
//!
//! The file is made to be handed on as an artifact of CI. It is not signed: a user who can write it can ask for another
//! plan, just as one who can write the pipeline can. It holds no secret, and no hash of one (see [`fingerprint`]).

mod identity;
mod mismatch;

pub use identity::role;
pub use mismatch::RetryHint;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::cli::arguments::{ForceArguments, SelectionArguments, StackArguments};
use crate::cli::report::Failure;
use crate::cli::session::{self, Offline, Session};
use crate::cli::{Exit, Invocation};
use crate::deployment::moment;
use crate::display::{Message, Secrets, json};
use crate::fingerprint::{self, Differences, Hashes, subject};
use crate::plan::Plan;
use crate::regular_file;
use crate::resource::{LiveSnapshot, Urn};
use crate::stack::Flag;
use crate::version::VERSION;
use identity::{RoleParts, identity, role_parts};
use mismatch::{Mismatch, listed};

/// The kind that every file of this kind states.
const KIND: &str = "fde-infra saved plan";

/// The version of the format. It grows whenever an older `fde-infra` could take a file for something that it is not.
const FORMAT: u32 = 1;

/// A plan of 100,000 resources takes a quarter of this.
const MAX_BYTES: usize = 64 << 20;

/// The file. What people look for comes first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedPlan {
    kind: String,
    format: u32,
    version: String,
    stack: String,
    /// The stack file, as the preview was given it.
    file: String,
    account: String,
    region: String,
    /// The identity that made it, without the name of the session.
    identity: String,
    /// The ARN of the role that may apply it as well. None but these two may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied_by: Option<String>,
    made: String,
    summary: String,
    steps: Vec<SavedStep>,
    request: SavedRequest,
    inputs: Hashes,
    live: Hashes,
    /// The hash of the document that `preview --json` prints.
    plan: String,
    /// The checksum of all the above, by which a file is known that was cut off or changed by accident.
    checksum: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedStep {
    op: String,
    urn: String,
}

/// The request of the preview.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedRequest {
    set: Vec<String>,
    #[serde(default)]
    set_new: Vec<String>,
    target: Vec<String>,
    exclude: Vec<String>,
    replace: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reboot: Vec<String>,
    allow_delete: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    trust: Vec<String>,
    #[serde(default)]
    allow_region: Vec<String>,
}

/// The session, the live objects and the plan of a preview.
pub struct Previewed<'a> {
    pub session: &'a Session,
    pub live: &'a LiveSnapshot,
    pub plan: &'a Plan,
}

impl SavedPlan {
    /// # Errors
    /// A `--set` value that is secret, or a role of another account.
    pub fn of(
        invocation: &Invocation,
        previewed: &Previewed<'_>,
        applied_by: Option<&str>,
    ) -> Result<Self, Failure> {
        let Invocation {
            stack,
            selection,
            force,
            ..
        } = invocation;
        let Previewed {
            session,
            live,
            plan,
        } = *previewed;
        let offline = &session.offline;
        let secrets = Secrets::of(plan, &offline.catalog);
        let is_secret =
            |flag: &&Flag| secrets.mask(&flag.text) != flag.text || offline.hides(&flag.text);
        if let Some(flag) = stack.flags().iter().find(is_secret) {
            let (name, path) = (flag.name(), session::path_of(flag));
            let message = Message::error("a secret on the command line cannot be saved in a plan")
                .code("fde::plan::secret")
                .fact("flag", format!("{name} {path}=[secret]"))
                .fact("now", "nothing was saved or changed")
                .help("a saved plan is read by many; write the value into a file that the stack file extends");
            return Err(Failure::new(Exit::Usage, message));
        }
        let of_another =
            |role: &&str| role_parts(role).is_none_or(|role| role.account != session.account());
        if let Some(role) = applied_by.filter(of_another) {
            let message = Message::error("the plan would be for a role of another account")
                .code("fde::plan::role")
                .fact("role", role)
                .fact("account", session.account())
                .fact("now", "nothing was saved or changed")
                .help("give --plan-for a role of the account that the plan is for");
            return Err(Failure::new(Exit::Usage, message));
        }
        let document = json::document(plan, &offline.catalog);
        let mut saved = Self {
            kind: KIND.to_owned(),
            format: FORMAT,
            version: VERSION.to_owned(),
            stack: plan.stack.to_string(),
            file: offline.file_name(),
            account: session.account().to_owned(),
            region: session.region().to_owned(),
            identity: identity(session.caller()),
            applied_by: applied_by.map(str::to_owned),
            made: moment::utc(SystemTime::now()),
            summary: document.summary(),
            steps: plan
                .steps
                .iter()
                .map(|step| SavedStep {
                    op: json::op(&step.action).to_owned(),
                    urn: step.urn.to_string(),
                })
                .collect(),
            request: SavedRequest {
                set: stack.set.clone(),
                set_new: stack.set_new.clone(),
                target: selection.target.clone(),
                exclude: selection.exclude.clone(),
                replace: force.replace.clone(),
                reboot: force.reboot.clone(),
                allow_delete: selection.allow_delete.clone(),
                remove: selection.remove.clone(),
                trust: selection.trust.clone(),
                allow_region: selection.allow_region.clone(),
            },
            inputs: fingerprint::inputs(&offline.graph),
            live: fingerprint::live(live, &offline.graph, &offline.catalog),
            plan: hash_of(&document)?,
            checksum: String::new(),
        };
        saved.checksum = saved.sum()?;
        Ok(saved)
    }

    /// The hash of everything but itself.
    fn sum(&self) -> Result<String, Failure> {
        let document = serde_json::to_value(Self {
            checksum: String::new(),
            ..self.clone()
        });
        hash_of(&document.map_err(|error| Failure::of_writing(&error.into()))?)
    }

    /// Writes the file as a whole or not at all, readable by its owner alone until they hand it on.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, path: &str) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| unwritable(path, &error))?;
        let target = Path::new(path);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let beside = target.with_file_name(format!(".{name}.{}", std::process::id()));
        let written =
            write_whole(&beside, &format!("{text}\n")).and_then(|()| fs::rename(&beside, target));
        written.map_err(|error| {
            // A partial file is of no use, and may not be there at all.
            drop(fs::remove_file(&beside));
            unwritable(path, &error)
        })
    }

    /// Reads a file that [`SavedPlan::write`] has written.
    ///
    /// # Errors
    /// A report that tells a file that is not a saved plan from one of a newer version and one that is damaged.
    pub fn read(path: &str) -> Result<Self, Failure> {
        let text = read_text(path).map_err(|error| {
            let message = Message::error("could not read the saved plan")
                .code("fde::plan::unreadable")
                .fact("file", path)
                .fact("answer", error.to_string());
            Failure::new(Exit::Usage, nothing_done(message))
        })?;
        Self::of_text(path, &text)
    }

    fn of_text(path: &str, text: &str) -> Result<Self, Failure> {
        let document: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            if text.trim_start().starts_with('{') && text.contains(KIND) {
                damaged(path)
            } else {
                foreign(path, &error.to_string())
            }
        })?;
        if document["kind"] != KIND {
            return Err(foreign(path, "its marker is missing"));
        }
        if document["format"].as_u64() > Some(FORMAT.into()) {
            let message = Message::error("the saved plan is of a newer fde-infra")
                .code("fde::plan::newer")
                .fact("file", path)
                .fact("format", document["format"].to_string())
                .fact("known", format!("up to {FORMAT}, by version {VERSION}"));
            let message = nothing_done(message)
                .help("use the version that created it, or preview again with this one");
            return Err(Failure::new(Exit::Usage, message));
        }
        let saved: Self = serde_json::from_value(document).map_err(|_| damaged(path))?;
        if saved.sum()? != saved.checksum {
            return Err(damaged(path));
        }
        Ok(saved)
    }

    /// The stack that was previewed: the file that is named now, or the one of the preview, with the flags of the preview.
    pub fn stack_arguments(&self, stack: Option<String>) -> StackArguments {
        StackArguments {
            stack: stack.or_else(|| Some(self.file.clone())),
            set: self.request.set.clone(),
            set_new: self.request.set_new.clone(),
        }
    }

    pub fn selection(&self) -> SelectionArguments {
        SelectionArguments {
            target: self.request.target.clone(),
            exclude: self.request.exclude.clone(),
            allow_delete: self.request.allow_delete.clone(),
            remove: self.request.remove.clone(),
            trust: self.request.trust.clone(),
            allow_region: self.request.allow_region.clone(),
        }
    }

    pub fn force(&self) -> ForceArguments {
        ForceArguments {
            replace: self.request.replace.clone(),
            reboot: self.request.reboot.clone(),
        }
    }

    /// Compares what is known without AWS.
    ///
    /// # Errors
    /// Another version, stack, region, or other inputs.
    pub fn check_offline(&self, offline: &Offline, hint: &RetryHint) -> Result<(), Failure> {
        let mismatch = Mismatch::before_reading(hint);
        mismatch.unless_same(
            "fde::plan::version",
            "version of fde-infra",
            &self.version,
            VERSION,
        )?;
        let stack = offline.graph.stack.to_string();
        mismatch.unless_same("fde::plan::stack", "stack", &self.stack, &stack)?;
        mismatch.unless_same(
            "fde::plan::region",
            "region",
            &self.region,
            &offline.stack.region,
        )?;
        let now = fingerprint::inputs(&offline.graph);
        let differences = Differences::between(&self.inputs, &now);
        if differences.is_empty() {
            return Ok(());
        }
        let summary = "the stack file is not what the plan was made from";
        Err(mismatch.refuse("fde::plan::inputs", summary, listed(&differences)))
    }

    /// Compares the caller, and the account.
    ///
    /// # Errors
    /// Another account or identity.
    pub fn check_caller(&self, session: &Session, hint: &RetryHint) -> Result<(), Failure> {
        let mismatch = Mismatch::before_reading(hint);
        mismatch.unless_same(
            "fde::plan::account",
            "account",
            &self.account,
            session.account(),
        )?;
        let caller = identity(session.caller());
        let role = self.applied_by.as_deref().and_then(role_parts);
        let named = role.as_ref().map(RoleParts::identity);
        if named.as_ref() == Some(&caller) {
            return Ok(());
        }
        mismatch.unless_same("fde::plan::identity", "identity", &self.identity, &caller)
    }

    /// The role that the plan is for, if that is not the caller that made it.
    pub fn applied_by(&self) -> Option<&str> {
        self.applied_by.as_deref()
    }

    /// Compares every live object, and the plan that follows from them.
    ///
    /// # Errors
    /// The live objects, or the plan, have changed.
    pub fn check_plan(&self, now: &Previewed<'_>, hint: &RetryHint) -> Result<(), Failure> {
        let Previewed {
            session,
            live,
            plan,
        } = *now;
        let offline = &session.offline;
        let there = fingerprint::live(live, &offline.graph, &offline.catalog);
        let differences = Differences::between(&self.live, &there);
        let document = hash_of(&json::document(plan, &offline.catalog))?;
        if differences.is_empty() && document == self.plan {
            return Ok(());
        }
        let mismatch = Mismatch::after_reading(hint);
        if plan.is_empty() && !self.steps.is_empty() {
            let summary = "the plan has been applied already: there is nothing left of it to do";
            return Err(mismatch.refuse("fde::plan::applied", summary, Vec::new()));
        }
        if differences.is_empty() {
            let summary = "the same stack and the same live objects do not give the same plan";
            return Err(mismatch.refuse("fde::plan::other_plan", summary, Vec::new()));
        }
        let facts = listed(&differences);
        Err(if self.is_begun(&differences) {
            let summary = "part of what the plan was to do has been done: a run of it was interrupted, or another came first";
            mismatch.refuse("fde::plan::begun", summary, facts)
        } else {
            let summary = "what is live is not what the plan was made from";
            mismatch.refuse("fde::plan::live", summary, facts)
        })
    }

    /// Returns whether something exists that the plan was to make, or is gone that it was to delete.
    fn is_begun(&self, differences: &Differences) -> bool {
        let any = |keys: &[String], words: &[&str]| {
            let mut urns = keys.iter().filter_map(|key| subject(key).0);
            urns.any(|urn| self.plans(&urn, words))
        };
        any(&differences.new, &[json::CREATE, json::CREATE_REPLACEMENT])
            || any(&differences.gone, &[json::DELETE, json::DELETE_REPLACED])
    }

    fn plans(&self, urn: &Urn, words: &[&str]) -> bool {
        let urn = urn.to_string();
        let mut steps = self.steps.iter().filter(|step| step.urn == urn);
        steps.any(|step| words.contains(&step.op.as_str()))
    }
}

/// Returns whether a text is what [`SavedPlan::write`] writes. Public for the fuzz targets.
pub fn is_saved_plan(text: &str) -> bool {
    SavedPlan::of_text("plan", text).is_ok()
}

fn nothing_done(message: Message) -> Message {
    message.fact("now", "nothing was read or changed")
}

fn foreign(path: &str, why: &str) -> Failure {
    let message = Message::error("not a saved plan")
        .code("fde::plan::foreign")
        .fact("file", path)
        .fact("because", why);
    let help = "give the file that `preview --save-plan` has written";
    Failure::new(Exit::Usage, nothing_done(message).help(help))
}

fn damaged(path: &str) -> Failure {
    let message = Message::error("the saved plan is damaged")
        .code("fde::plan::damaged")
        .fact("file", path);
    let help = "it was cut off or changed on its way; fetch it again, or preview again";
    Failure::new(Exit::Usage, nothing_done(message).help(help))
}

fn unwritable(path: &str, error: &dyn std::error::Error) -> Failure {
    let message = Message::error("could not write the saved plan")
        .code("fde::plan::unwritable")
        .fact("file", path)
        .fact("answer", error.to_string())
        .fact("now", "nothing was saved or changed");
    Failure::new(Exit::Error, message)
}

fn hash_of(document: &impl Serialize) -> Result<String, Failure> {
    let text =
        serde_json::to_string(document).map_err(|error| Failure::of_writing(&error.into()))?;
    Ok(fingerprint::hash(&text))
}

fn read_text(path: &str) -> io::Result<String> {
    let bytes = regular_file::read(Path::new(path), MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes a new file, and syncs it to the disk.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
