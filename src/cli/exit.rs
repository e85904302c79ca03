//! Exit status: Pulumi's table, so that scripts can tell what happened.

use std::process::ExitCode;

use crate::display::events::Ending;

/// The exit status of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error that is none of the others.
    Error = 1,
    /// Wrong usage or a faulty stack file; also `--yes` missing where no one can be asked.
    Usage = 2,
    /// No credentials, or credentials that are not accepted.
    Credentials = 3,
    /// A resource failed.
    ResourceFailed = 4,
    /// Refused by a guard: account, region, protection, data, another owner's property.
    Refused = 5,
    /// There is no such stack.
    NoStack = 6,
    /// `--expect-no-changes` was given, and there are changes.
    UnexpectedChanges = 7,
    /// Cancelled by a signal, or declined at the prompt.
    Cancelled = 8,
    /// Something did not become ready in time.
    TimedOut = 9,
    /// A bug in fde-infra.
    Bug = 70,
    /// `--detailed-exitcode` was given, and there are changes: Terraform's convention.
    Changes = 102,
}

impl Exit {
    pub fn status(self) -> u8 {
        match self {
            Self::Changes => 2,
            other => other as u8,
        }
    }

    /// The last words of a stream of events.
    pub fn ending(self) -> Ending {
        let is_success = matches!(self, Self::Done | Self::Changes);
        Ending {
            result: match self {
                _ if is_success => "succeeded",
                Self::Refused => "refused",
                Self::Cancelled => "cancelled",
                _ => "failed",
            },
            exit_code: self.status(),
            is_success,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
