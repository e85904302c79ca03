//! Colours: Pulumi's, and when to use them.

use std::ffi::OsString;

use crate::plan::Op;

/// The role of a piece of text, and with it its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    #[default]
    Plain,
    Bold,
    /// Of lesser weight than what stands around it.
    Faint,
    Heading,
    Create,
    Update,
    Delete,
    Replace,
    CreateReplacement,
    DeleteReplaced,
    Note,
    Warning,
    Error,
}

impl Style {
    /// The parameters of the escape sequence that turns it on.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Faint => "2",
            Self::Heading => "1;95",
            Self::Create => "32",
            Self::Update | Self::Warning => "33",
            Self::Delete | Self::Error => "31",
            Self::Replace => "95",
            Self::CreateReplacement => "92",
            Self::DeleteReplaced => "91",
            Self::Note => "35",
        }
    }

    /// The text with the escape sequences around it.
    pub(super) fn paint(self, text: &str) -> String {
        match self.code() {
            "" => text.to_owned(),
            code => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// The style of an operation.
pub fn of(op: Op) -> Style {
    match op {
        Op::Same => Style::Plain,
        Op::Create => Style::Create,
        Op::Update => Style::Update,
        Op::Replace => Style::Replace,
        Op::Delete => Style::Delete,
        Op::Retain => Style::Note,
    }
}

/// The two characters before the row of an operation.
pub fn symbol(op: Op) -> &'static str {
    match op {
        Op::Same => "  ",
        Op::Create => "+ ",
        Op::Update => "~ ",
        Op::Replace => "+-",
        Op::Delete => "- ",
        Op::Retain => "= ",
    }
}

/// The choices of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    /// Returns whether to colour a stream. The flag beats `NO_COLOR`, which beats `CLICOLOR_FORCE` and `FORCE_COLOR`.
    pub fn applies(self, is_terminal: bool, variable: &dyn Fn(&str) -> Option<OsString>) -> bool {
        let set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let forced = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR") => false,
            Self::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
            Self::Auto => is_terminal && variable("TERM").is_none_or(|term| term != "dumb"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_then_no_color_then_force_then_terminal() {
        let with = |variables: &'static [(&str, &str)]| {
            move |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| OsString::from(value))
            }
        };
        let auto = ColorChoice::Auto;
        assert!(auto.applies(true, &with(&[])));
        assert!(!auto.applies(false, &with(&[])));
        assert!(!auto.applies(true, &with(&[("NO_COLOR", "1")])));
        assert!(auto.applies(true, &with(&[("NO_COLOR", "")])));
        assert!(!auto.applies(true, &with(&[("TERM", "dumb")])));
        assert!(auto.applies(false, &with(&[("CLICOLOR_FORCE", "1")])));
        assert!(!auto.applies(false, &with(&[("CLICOLOR_FORCE", "0")])));
        assert!(!auto.applies(false, &with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])));
        assert!(ColorChoice::Always.applies(false, &with(&[("NO_COLOR", "1")])));
        assert!(!ColorChoice::Never.applies(true, &with(&[("CLICOLOR_FORCE", "1")])));
    }
}
