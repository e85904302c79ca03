//! Mistakes on the command line: clap's messages, and the right word for those of other tools.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::Exit;

/// What users of other tools type, and what it is called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("plan", "preview"),
    ("diff", "preview"),
    ("build", "preview"),
    ("apply", "up"),
    ("deploy", "up"),
    ("push", "up"),
    ("refresh", "up"),
    ("delete", "destroy"),
    ("remove", "destroy"),
    ("rm", "destroy"),
    ("kill", "destroy"),
    ("stop", "destroy"),
    ("check", "validate"),
    ("lint", "validate"),
    ("stack", "output"),
];

/// Prints help where it was asked for, and the mistake otherwise.
pub fn report(error: &Error, detailed: bool) -> Exit {
    let wrong = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => meant(word).map(|right| (word.clone(), right)),
        _ => None,
    };
    let printed = match wrong {
        Some((word, right)) if error.kind() == ErrorKind::InvalidSubcommand => {
            let mut better: Error = Error::new(ErrorKind::InvalidSubcommand)
                .with_cmd(&<super::Cli as clap::CommandFactory>::command());
            better.insert(ContextKind::InvalidSubcommand, ContextValue::String(word));
            better.insert(
                ContextKind::SuggestedSubcommand,
                ContextValue::Strings(vec![right.to_owned()]),
            );
            better.print()
        }
        _ => error.print(),
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Help that could not be printed was not given.
            if printed.is_ok() {
                Exit::Done
            } else {
                Exit::Error
            }
        }
        // Under this flag, 2 means changes.
        _ if detailed => Exit::Error,
        _ => Exit::Usage,
    }
}

fn meant(word: &str) -> Option<&'static str> {
    ELSEWHERE
        .iter()
        .find(|(elsewhere, _)| *elsewhere == word)
        .map(|(_, here)| *here)
}
