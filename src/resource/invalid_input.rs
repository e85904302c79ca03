//! Inputs of a resource that do not fit, found before anything is sent.

use std::fmt;

use super::text_rule::Unfit;

/// A mistake in inputs that are of the right types: a rule with two peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidInput {
    /// The property, or a part of it: `protocol`, `actions[0].type`.
    pub at: String,
    /// The properties whose values decide: the input is not judged while one of these is not known.
    pub decided_by: Vec<String>,
    pub reason: String,
    /// The text to write instead.
    pub help: Option<String>,
}

impl InvalidInput {
    /// An invalid input of a property whose own value decides.
    pub fn new(at: impl Into<String>, reason: impl Into<String>) -> Self {
        let at = at.into();
        Self {
            decided_by: vec![at.clone()],
            at,
            reason: reason.into(),
            help: None,
        }
    }

    /// Marks a property whose presence or absence is wrong, where others have these values.
    #[must_use]
    pub fn decided_by<const N: usize>(mut self, paths: [&str; N]) -> Self {
        self.decided_by = paths.map(str::to_owned).to_vec();
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn of_text(at: &str, unfit: Unfit) -> Self {
        // The rule has looked at no more than is known.
        let invalid_input = Self::new(at, unfit.reason).decided_by([]);
        match unfit.instead {
            Some(instead) => invalid_input.help(format!("`{instead}` would do")),
            None => invalid_input,
        }
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`: {}", self.at, self.reason)
    }
}
