//! The failures of the local account.

use std::io;
use std::path::PathBuf;

/// Lines of a log that an error shows.
const TAIL: usize = 20;

/// The reason why the local account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Neither a home directory nor a directory of the user's choice is known.
    #[error("no place for the local account: neither `HOME` nor `FDE_INFRA_SANDBOX_DIR` is set")]
    NoHome,
    /// The instance's name cannot be a directory's name.
    #[error(
        "`FDE_INFRA_SANDBOX_NAME` is `{name}`; it takes 1 to 64 letters, digits, `-`, `_` and `.`, not beginning with `.`"
    )]
    BadName {
        /// The name that was given.
        name: String,
    },
    /// There is nothing to run the server with.
    #[error(
        "the local account needs `python3` 3.10 to 3.15, or `uv`; neither was found on the PATH"
    )]
    NoPython,
    /// Another user could have put files where those of the sandbox are, or could do so now.
    #[error("the local account is not run from {}: {reason}", path.display())]
    Untrusted {
        /// The first directory, or link, on the way that is not this user's alone.
        path: PathBuf,
        /// The reason why it can be another user's.
        reason: &'static str,
    },
    /// A file or directory cannot be used.
    #[error("could not {action} {}", path.display())]
    File {
        /// The action that was attempted.
        action: &'static str,
        /// The path of the file or directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A program of the installation cannot be run at all.
    #[error("could not run `{command}`")]
    Run {
        /// The command line.
        command: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A command of the installation failed.
    #[error("could not install the local account: `{command}` failed")]
    Install {
        /// The command line.
        command: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// The installation ended well, and yet there is no interpreter.
    #[error("the Python environment in {} has no interpreter", path.display())]
    Incomplete {
        /// The environment.
        path: PathBuf,
    },
    /// The server did not get as far as answering.
    #[error("the local account did not start: {reason}; its log is {}", log.display())]
    Start {
        /// The failure.
        reason: String,
        /// The log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server does not carry out a control request.
    #[error("the local account at {endpoint} did not {what}")]
    Control {
        /// The server.
        endpoint: String,
        /// The request that was made.
        what: &'static str,
        /// The error that came instead of an answer.
        #[source]
        source: io::Error,
    },
}

impl SandboxError {
    /// The way out, where there is one that is not plain from the error.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Untrusted { path, .. } => Some(format!(
                "set FDE_INFRA_SANDBOX_DIR to a directory that only you can write, or remove {} if it is not needed",
                path.display()
            )),
            _ => None,
        }
    }

    /// The last output of the failed program, for the report.
    pub fn output(&self) -> Option<&str> {
        match self {
            Self::Install { output, .. } => Some(output),
            Self::Start { tail, .. } => Some(tail),
            _ => None,
        }
    }
}

/// The last lines of a text.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_shown() {
        let text: String = (1..=TAIL + 5).map(|number| format!("{number}\n")).collect();
        assert!(tail(&text).starts_with("6\n"));
        assert_eq!(tail("one\n\n"), "one");
        assert_eq!(tail(""), "");
    }
}
