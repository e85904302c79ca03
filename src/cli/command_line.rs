//! Command lines that users can copy: the one that repeats a run, and its variations.

use std::fmt;

use super::arguments::{
    ForceArguments, GlobalArguments, STREAMING, SelectionArguments, StackArguments,
};
use crate::aws;
use crate::resource::shell::quoted;
use crate::stack::redact::hide;

/// A command with the arguments that make it do the same to the same resources.
///
/// Left out is all that a user may want otherwise the next time: what is shown, how many things are worked on at once, how
/// long a lock is waited for. Secrets are never shown.
#[derive(Debug, Clone)]
pub struct CommandLine {
    pub command: &'static str,
    /// True if it does not ask.
    pub yes: bool,
    /// True if it tells what it does as events.
    pub streams: bool,
    pub global: GlobalArguments,
    pub stack: StackArguments,
    pub selection: SelectionArguments,
    pub force: ForceArguments,
    /// The text of the flags that a message adds.
    pub added: String,
}

impl CommandLine {
    /// The same arguments with another command. Only one that streams as well asks nothing and tells events.
    #[must_use]
    pub fn with_command(self, command: &'static str) -> Self {
        let streams = self.streams && STREAMING.contains(&command);
        Self {
            command,
            yes: self.yes && (streams || !self.streams),
            streams,
            ..self
        }
    }

    /// Another command for the stack as a whole.
    #[must_use]
    pub fn of_whole_stack(self, command: &'static str) -> Self {
        Self {
            selection: SelectionArguments::default(),
            force: ForceArguments::default(),
            ..self.with_command(command)
        }
    }

    /// The same without being asked.
    #[must_use]
    pub fn with_yes(self) -> Self {
        Self { yes: true, ..self }
    }

    /// The same with a switch.
    #[must_use]
    pub fn with_switch(mut self, switch: &str) -> Self {
        self.added.push(' ');
        self.added.push_str(switch);
        self
    }

    /// The same with a flag for each of these values.
    #[must_use]
    pub fn with(self, flag: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        values.into_iter().fold(self, |line, value| {
            line.with_switch(&format!("{flag} {}", quoted(value.as_ref())))
        })
    }

    /// The same without the values that lie over the stack file.
    #[must_use]
    pub fn without_values(self) -> Self {
        let stack = StackArguments {
            stack: self.stack.stack,
            ..StackArguments::default()
        };
        Self { stack, ..self }
    }

    /// The same without `--profile`, for credentials that come by the environment: the flag would override them.
    #[must_use]
    pub fn without_profile(mut self) -> Self {
        self.global.profile = None;
        self
    }

    /// The same without an AWS account.
    #[must_use]
    pub fn in_sandbox(mut self) -> Self {
        self.global.sandbox = true;
        self.global.endpoint_url = None;
        self.without_profile()
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "fde-infra {}", self.command)?;
        if self.streams {
            formatter.write_str(" --json")?;
        }
        if self.yes {
            formatter.write_str(" --yes")?;
        }
        if let Some(stack) = &self.stack.stack {
            write!(formatter, " {}", quoted(stack))?;
        }
        let hidden = aws::registry::catalog().secret_names();
        for flag in self.stack.flags() {
            let text = hide(&flag.text, &hidden);
            write!(formatter, " {} {}", flag.name(), quoted(&text))?;
        }
        if self.global.sandbox {
            formatter.write_str(" --sandbox")?;
        }
        if let Some(profile) = &self.global.profile {
            write!(formatter, " --profile {}", quoted(profile))?;
        }
        if let Some(endpoint) = &self.global.endpoint_url {
            let address = hide(endpoint, &hidden);
            write!(formatter, " --endpoint-url {}", quoted(&address))?;
        }
        for (flag, names) in self.selection.flags(&self.force) {
            for name in names {
                write!(formatter, " {flag} {}", quoted(name))?;
            }
        }
        formatter.write_str(&self.added)
    }
}

impl From<CommandLine> for String {
    fn from(line: CommandLine) -> Self {
        line.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::ColorChoice;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn typed() -> CommandLine {
        CommandLine {
            command: "up",
            yes: false,
            streams: false,
            global: GlobalArguments {
                profile: Some("shop dev".to_owned()),
                region: Some("eu-south-2".to_owned()),
                endpoint_url: Some("https://proxy.example".to_owned()),
                sandbox: false,
                color: ColorChoice::Auto,
                non_interactive: true,
            },
            stack: StackArguments {
                stack: Some("dev".to_owned()),
                set: words(&["services.api.cpu=512"]),
                set_new: words(&["resources.v.properties.secretString=hunter2"]),
            },
            selection: SelectionArguments {
                target: words(&["services/*"]),
                trust: words(&["*"]),
                ..SelectionArguments::default()
            },
            force: ForceArguments {
                replace: words(&["services/api/service"]),
                ..ForceArguments::default()
            },
            added: String::new(),
        }
    }

    fn check(line: CommandLine, expected: &str) {
        assert_eq!(line.to_string(), expected);
    }

    const STACK: &str =
        "dev --set-new 'resources.v.properties.secretString=[secret]' --set services.api.cpu=512";
    const ACCOUNT: &str = "--profile 'shop dev' --endpoint-url https://proxy.example";
    const SELECTION: &str = "--target 'services/*' --replace services/api/service --trust '*'";

    #[test]
    fn a_run_is_repeated_with_what_it_was_about() {
        check(
            typed(),
            &format!("fde-infra up {STACK} {ACCOUNT} {SELECTION}"),
        );
        let yes = typed().with_yes();
        check(
            yes,
            &format!("fde-infra up --yes {STACK} {ACCOUNT} {SELECTION}"),
        );
    }

    /// The one who reads the events of a run types the next one so that there are events again, and no question.
    #[test]
    fn a_run_that_tells_events_is_repeated_as_one() {
        let line = CommandLine {
            streams: true,
            ..typed().with_yes()
        };
        check(
            line.clone(),
            &format!("fde-infra up --json --yes {STACK} {ACCOUNT} {SELECTION}"),
        );
        check(
            line.clone().of_whole_stack("destroy"),
            &format!("fde-infra destroy --json --yes {STACK} {ACCOUNT}"),
        );
        for other in ["preview", "unlock", "history"] {
            check(
                line.clone().of_whole_stack(other),
                &format!("fde-infra {other} {STACK} {ACCOUNT}"),
            );
        }
    }

    #[test]
    fn a_message_adds_flags() {
        let line = typed().with("--remove", ["sgr-1", "a b"]);
        let line = line.with("--plan-for", None::<&str>);
        check(
            line.with_switch("--diff"),
            &format!(
                "fde-infra up {STACK} {ACCOUNT} {SELECTION} --remove sgr-1 --remove 'a b' --diff"
            ),
        );
    }

    #[test]
    fn another_command_is_for_the_selection_or_the_whole_stack() {
        let preview = typed().with_command("preview");
        check(
            preview,
            &format!("fde-infra preview {STACK} {ACCOUNT} {SELECTION}"),
        );
        let whole = typed().of_whole_stack("preview");
        check(
            whole.clone(),
            &format!("fde-infra preview {STACK} {ACCOUNT}"),
        );
        check(
            whole.clone().without_values(),
            &format!("fde-infra preview dev {ACCOUNT}"),
        );
        let others = whole.clone().without_profile();
        check(
            others,
            &format!("fde-infra preview {STACK} --endpoint-url https://proxy.example"),
        );
        check(
            whole.in_sandbox(),
            &format!("fde-infra preview {STACK} --sandbox"),
        );
    }
}
