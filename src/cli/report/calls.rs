//! Failures of calls to AWS, with the command that repeats the run.

use super::Failure;
use crate::cli::{Exit, Invocation};
use crate::display::Message;
use crate::resource::{ErrorKind, ProviderError};

impl Failure {
    /// A read of the stack failed.
    pub fn of_reading(invocation: &Invocation, error: &ProviderError) -> Self {
        Self::of_calling(invocation, "could not read what is live", error)
    }

    /// A call failed before anything was changed.
    pub fn of_calling(invocation: &Invocation, summary: &str, error: &ProviderError) -> Self {
        let exit = match error.kind {
            ErrorKind::Credentials => Exit::Credentials,
            ErrorKind::TimedOut => Exit::TimedOut,
            ErrorKind::Bug => Exit::Bug,
            _ => Exit::Error,
        };
        let message = Message::error(summary)
            .answer(error)
            .fact("now", "nothing was changed");
        if let Some(remedy) = &error.remedy {
            let retry = invocation.retry_command().to_string();
            return Self::new(exit, message.remedy(remedy, &retry));
        }
        let message = match error.kind {
            ErrorKind::Denied => message
                .help(format!("allow {}, then run", error.operation))
                .command(invocation.retry_command()),
            ErrorKind::Credentials => message
                .help("renew the credentials, then run")
                .command(invocation.retry_command()),
            ErrorKind::Bug => message.help(crate::display::bug()),
            ErrorKind::Invalid => message,
            _ => message
                .help("run it again")
                .command(invocation.retry_command()),
        };
        Self::new(exit, message)
    }
}
