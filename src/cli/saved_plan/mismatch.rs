//! Reports of a saved plan that no longer fits.

use crate::cli::Exit;
use crate::cli::command_line::CommandLine;
use crate::cli::report::Failure;
use crate::display::Message;
use crate::fingerprint::{Differences, subject};

/// The number of differences that are listed.
const MAX_LISTED: usize = 10;

/// The parts of the advice for when a saved plan cannot be used.
pub struct RetryHint {
    /// The saved plan's file.
    pub path: String,
    /// The command line that saves it again.
    pub preview: CommandLine,
}

/// The report of a mismatch.
pub(super) struct Mismatch<'a> {
    hint: &'a RetryHint,
    now: &'static str,
}

impl<'a> Mismatch<'a> {
    pub(super) fn before_reading(hint: &'a RetryHint) -> Self {
        let now = "nothing was read or changed";
        Self { hint, now }
    }

    pub(super) fn after_reading(hint: &'a RetryHint) -> Self {
        let now = "nothing was changed";
        Self { hint, now }
    }

    pub(super) fn unless_same(
        &self,
        code: &'static str,
        what: &str,
        then: &str,
        now: &str,
    ) -> Result<(), Failure> {
        if then == now {
            return Ok(());
        }
        let facts = vec![("plan", then.to_owned()), ("here", now.to_owned())];
        let summary = format!("the plan was made with another {what}");
        Err(self.refuse(code, &summary, facts))
    }

    pub(super) fn refuse(
        &self,
        code: &'static str,
        summary: &str,
        facts: Vec<(&str, String)>,
    ) -> Failure {
        let mut message = Message::error(summary)
            .code(code)
            .fact("file", self.hint.path.as_str());
        for (name, text) in facts {
            message = message.fact(name, text);
        }
        let message = message.fact("now", self.now);
        let help = "to see what would be done now, and to save that, run";
        Failure::new(
            Exit::Refused,
            message.help(help).command(self.hint.preview.clone()),
        )
    }
}

/// Resources that differ from what they were, and how.
pub(super) fn listed(differences: &Differences) -> Vec<(&'static str, String)> {
    [
        ("changed", &differences.changed),
        ("new", &differences.new),
        ("gone", &differences.gone),
    ]
    .into_iter()
    .flat_map(|(how, keys)| {
        let more = keys.len().saturating_sub(MAX_LISTED);
        let rest = (more > 0).then(|| (how, format!("and {more} more")));
        let named = keys.iter().take(MAX_LISTED);
        named.map(move |key| (how, named_by(key))).chain(rest)
    })
    .collect()
}

/// `aws:ec2:Vpc `vpc` (vpc-1)`.
fn named_by(key: &str) -> String {
    match subject(key) {
        (Some(urn), Some(id)) => format!("{} `{}` ({id})", urn.token(), urn.name()),
        (Some(urn), None) => format!("{} `{}`", urn.token(), urn.name()),
        (None, _) => key.to_owned(),
    }
}
