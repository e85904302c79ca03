//! `completions`: the script that makes a shell complete commands, flags and the names of stacks.

use clap::Args;
use clap_complete::Shell;

use crate::cli::report::Failure;
use crate::cli::{CommandResult, Exit, Invocation};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell that reads the script.
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

pub fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    let script = script(arguments.shell, (invocation.program)());
    let written = invocation.terminal.data(&script);
    written.map_err(|error| Failure::of_writing(&error))?;
    Ok(Exit::Done)
}

/// The function that lists the stacks, for bash. A name with other characters is left out: `compgen` would have the shell
/// expand it, and so run what a file's name says.
const BASH_STACKS: &str = r#"
_fde_infra_stacks() {
    local file name
    for file in stacks/*.yaml stacks/*.yml; do
        name="${file##*/}"
        name="${name%.*}"
        if [[ -f "$file" && "$name" =~ ^[A-Za-z0-9._-]+$ ]]; then
            printf '%s ' "$name"
        fi
    done
}

"#;

/// The same for zsh. A path is another way to name a stack.
const ZSH_STACKS: &str = r#"
_fde_infra_stacks() {
    local -a stacks
    stacks=(stacks/*.(yaml|yml)(N.:t:r))
    compadd -a stacks
    _files
}

"#;

/// The same for fish.
const FISH_STACKS: &str = r"
function __fde_infra_stacks
    for file in stacks/*.yaml stacks/*.yml
        string replace --regex '\.ya?ml$' '' (basename $file)
    end
end

";

/// The script of a shell. `clap_complete` knows commands, flags and the values that a flag can have; the names of stacks are
/// looked up in `stacks/` as the user types.
fn script(shell: Shell, mut program: clap::Command) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut program, "fde-infra", &mut bytes);
    let script = String::from_utf8_lossy(&bytes).into_owned();
    match shell {
        Shell::Bash => {
            // `clap_complete` 4.6.12 writes the labels of a program whose name has a hyphen otherwise than it looks for them.
            let script = script.replace("fde__subcmd__infra", "fde__infra");
            let lines = script.lines().map(|line| {
                // Every command that takes a stack has this flag.
                let takes_stack =
                    line.trim_start().starts_with("opts=") && line.contains(" --set ");
                match line.strip_suffix('"') {
                    Some(line) if takes_stack => format!("{line} $(_fde_infra_stacks)\"\n"),
                    _ => format!("{line}\n"),
                }
            });
            let script: String = lines.collect();
            format!("{}{script}", BASH_STACKS.trim_start())
        }
        Shell::Zsh => {
            let lines = script.lines().map(|line| {
                let begins = |begin: &str| line.trim_start().starts_with(begin);
                let names = ["'::stack -- ", "'::other -- ", "'*::more -- "];
                let is_stack = names.iter().any(|name| begins(name));
                match line.strip_suffix(":_default' \\") {
                    Some(line) if is_stack => format!("{line}:_fde_infra_stacks' \\\n"),
                    _ => format!("{line}\n"),
                }
            });
            let script: String = lines.collect();
            // The first line says what it completes.
            let (first, rest) = script.split_once('\n').unwrap_or((script.as_str(), ""));
            format!("{first}\n{ZSH_STACKS}{rest}")
        }
        Shell::Fish => format!("{script}{FISH_STACKS}{}", fish_words(&program)),
        _ => script,
    }
}

/// The lines of fish for what is no flag: the names of stacks, and the words that an argument takes.
fn fish_words(program: &clap::Command) -> String {
    let line = |commands: &[&str], words: &str| {
        let commands = commands.join(" ");
        format!("complete -c fde-infra -n \"__fish_seen_subcommand_from {commands}\" {words}\n")
    };
    let mut with_stack = Vec::new();
    let mut lines = String::new();
    for command in program.get_subcommands() {
        let names: Vec<&str> = command
            .get_all_aliases()
            .chain([command.get_name()])
            .collect();
        for argument in command.get_positionals() {
            let values = argument.get_possible_values();
            let values: Vec<&str> = values
                .iter()
                .map(clap::builder::PossibleValue::get_name)
                .collect();
            if !values.is_empty() {
                lines.push_str(&line(&names, &format!("-f -a \"{}\"", values.join(" "))));
            }
            if argument.get_id() == "stack" {
                with_stack.extend(&names);
            }
        }
    }
    lines + &line(&with_stack, "-a \"(__fde_infra_stacks)\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    fn text(shell: Shell) -> String {
        script(shell, Cli::command())
    }

    /// Each command has its flags in each script, under their long names.
    #[test]
    fn every_command_and_flag_is_offered() {
        let program = Cli::command();
        for shell in <Shell as clap::ValueEnum>::value_variants() {
            let text = text(*shell);
            let mut count = 0;
            for command in program.get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell}: {command}");
                let longs = command.get_arguments().filter_map(clap::Arg::get_long);
                for long in longs.filter(|long| *long != "help") {
                    assert!(text.contains(long), "{shell}: {command} --{long}");
                    count += 1;
                }
            }
            assert!(count > 50, "{shell}: {count}");
        }
    }

    #[test]
    fn stacks_are_offered_where_a_command_takes_one() {
        let program = Cli::command();
        let taking = program.get_subcommands();
        let taking = taking.filter(|it| it.get_positionals().any(|it| it.get_id() == "stack"));
        let count = taking.count();
        assert!(count > 5, "{count}");
        let bash = text(Shell::Bash);
        assert!(bash.matches("$(_fde_infra_stacks)").count() >= count);
        assert!(text(Shell::Zsh).matches(":_fde_infra_stacks'").count() >= count);
        let fish = text(Shell::Fish);
        assert!(fish.contains("-a \"(__fde_infra_stacks)\""));
        // An argument with words of its own takes nothing else.
        let shells = "__fish_seen_subcommand_from completion completions\" -f -a \"bash ";
        assert!(fish.contains(shells), "{fish}");
    }
}
