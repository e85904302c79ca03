//! `completions`: scripts that their shells accept, and that offer commands, flags and stacks.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::common::World;
use crate::common::commands::{DONE, USAGE};
use crate::common::program::Program;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

/// Runs a shell, which the workflow of GitHub installs. `None` where it is not, which is said: the unit tests of the scripts, which
/// need no shell, are all that is left of the check then.
fn shell(directory: &Path, words: &[&str]) -> Option<(bool, String)> {
    let output = Command::new(words[0])
        .args(&words[1..])
        .current_dir(directory)
        .env("HOME", directory)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if std::env::var_os("GITHUB_ACTIONS").is_some() => {
            panic!("{}: {error}", words[0])
        }
        Err(error) => {
            let shell = words[0];
            // Past the harness, which keeps the output of a test that passes to itself.
            writeln!(
                std::io::stderr(),
                "warning: its completions are not tried: {shell}: {error}"
            )
            .expect("it can be said");
            return None;
        }
    };
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Some((output.status.success(), text))
}

#[tokio::test]
async fn shells_accept_their_scripts() {
    let world = World::new("e2e-completions").await;
    let program = Program::of(&world).without("AWS_ENDPOINT_URL");
    for name in SHELLS {
        let ended = program.run_words(&["completions", name]);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(ended.stderr, "");
        assert!(ended.stdout.contains("fde-infra"), "{}", ended.screen);
        program.write(&format!("script.{name}"), &ended.stdout);
        // The other two have no way to check a script without running it.
        let checks: &[&str] = match name {
            "fish" => &["fish", "--no-execute", "script.fish"],
            "bash" | "zsh" => &[name, "-n", &format!("script.{name}")],
            _ => continue,
        };
        if let Some((accepts, says)) = shell(program.directory(), checks) {
            assert!(accepts, "{name}: {says}");
        }
    }
    let ended = program.run_words(&["completions", "tcsh"]);
    assert_eq!(ended.status, USAGE, "{}", ended.screen);
    assert!(
        ended.stderr.contains("[possible values: "),
        "{}",
        ended.screen
    );
}

/// A way to have a shell complete a line: the words that it offers, `None` where the shell is not installed.
type Offering = fn(&Path, &str) -> Option<Vec<String>>;

/// The words that bash offers for the last one of a line.
fn of_bash(directory: &Path, line: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = line.split(' ').collect();
    let count = words.len();
    let (last, before) = (words[count - 1], words[count - 2]);
    let line = format!(
        "source script.bash; COMP_WORDS=({}); COMP_CWORD={}; \
         complete=$(complete -p fde-infra); complete=${{complete##*-F }}; \
         ${{complete%% *}} fde-infra '{last}' '{before}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words
            .iter()
            .map(|word| format!("'{word}' "))
            .collect::<String>(),
        count - 1
    );
    words_of(shell(directory, &["bash", "--norc", "-c", &line]))
}

/// A user at zsh: types the line and Tab into a terminal, and goes by what is then offered.
const ZSH_USER: &str = r#"
zmodload zsh/zpty
rm -f offered
zpty user zsh -f -i
zpty -w user 'source ./session.zsh'
until [[ $text == *READY* ]]; do zpty -r user text || exit 2; done
zpty -w -n user "$1"$'\t'
while zpty -r user text; do :; done
[[ -e offered ]] && cat offered
exit 0
"#;

/// The shell of that user, which notes what it offers, and ends then.
const ZSH_SESSION: &str = r#"
autoload -Uz compinit && compinit -u -D
source ./script.zsh
bindkey '^I' complete-word
compadd() {
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
        local -a words
        builtin compadd -A words "$@"
        print -rl -- $words >>offered
    fi
    builtin compadd "$@"
}
comppostfuncs=(exit)
print READ''Y
"#;

/// The words that zsh offers for the last one of a line.
fn of_zsh(directory: &Path, line: &str) -> Option<Vec<String>> {
    for (name, text) in [("user.zsh", ZSH_USER), ("session.zsh", ZSH_SESSION)] {
        std::fs::write(directory.join(name), text).expect("it can be written");
    }
    let words = words_of(shell(directory, &["zsh", "-f", "user.zsh", line]))?;
    // As the line has them: quoted.
    let words = words.into_iter().map(|word| word.replace('\\', ""));
    Some(words.filter(|word| !word.is_empty()).collect())
}

/// The words that fish offers for the last one of a line, without what it says of them.
fn of_fish(directory: &Path, line: &str) -> Option<Vec<String>> {
    let commands = "source script.fish; complete -C $argv[1]";
    let words = words_of(shell(
        directory,
        &["fish", "--no-config", "-c", commands, line],
    ))?;
    let word = |line: String| line.split('\t').next().unwrap_or_default().to_owned();
    Some(words.into_iter().map(word).collect())
}

fn words_of(ended: Option<(bool, String)>) -> Option<Vec<String>> {
    let (ok, text) = ended?;
    assert!(ok, "{text}");
    Some(text.lines().map(str::to_owned).collect())
}

/// Types commands, flags, their values and names of stacks, and checks the words that the shell offers for each.
async fn offers(shell: &str, odd_stacks: &[&str], of: Offering) {
    let world = World::new(&format!("e2e-completions-{shell}")).await;
    let program = Program::of(&world).without("AWS_ENDPOINT_URL");
    let ended = program.run_words(&["completions", shell]);
    program.write(&format!("script.{shell}"), &ended.stdout);
    for file in [
        "dev.yaml",
        "prod.yml",
        "notes.txt",
        "$(touch made).yaml",
        "a b.yaml",
    ] {
        program.write(&format!("stacks/{file}"), "");
    }
    let directory = program.directory();
    let Some(commands) = of(directory, "fde-infra ") else {
        return;
    };
    for command in ["preview", "up", "destroy", "list", "diff", "completions"] {
        assert!(commands.iter().any(|it| it == command), "{commands:?}");
    }
    let offered = |line: &str| of(directory, line).expect("the shell is installed");
    for command in ["up", "update", "--sandbox up"] {
        let flags = offered(&format!("fde-infra {command} --"));
        for flag in ["--yes", "--json", "--target", "--plan", "--sandbox"] {
            assert!(flags.iter().any(|it| it == flag), "{command}: {flags:?}");
        }
    }
    let sorted = |line: &str| {
        let mut words = offered(line);
        words.sort();
        words
    };
    assert_eq!(
        sorted("fde-infra preview --color "),
        ["always", "auto", "never"]
    );
    let shells = sorted("fde-infra completions ");
    for name in SHELLS {
        assert!(shells.iter().any(|it| it == name), "{shells:?}");
    }
    // Files of the directory are offered as well: a path is another way to name a stack.
    let is_file = |word: &String| directory.join(word).exists();
    for line in [
        "fde-infra up ",
        "fde-infra update ",
        "fde-infra --sandbox preview ",
        "fde-infra validate dev ",
        "fde-infra diff dev ",
    ] {
        let mut stacks = sorted(line);
        stacks.retain(|word| !word.starts_with('-') && !is_file(word));
        let all = [odd_stacks, &["dev", "prod"]].concat();
        assert_eq!(stacks, all, "{line}");
    }
    assert!(
        !directory.join("made").exists(),
        "the name of a file was run"
    );
}

#[tokio::test]
async fn bash_offers_commands_flags_and_stacks() {
    offers("bash", &[], of_bash).await;
}

#[tokio::test]
async fn zsh_offers_commands_flags_and_stacks() {
    offers("zsh", &["$(touch made)", "a b"], of_zsh).await;
}

#[tokio::test]
async fn fish_offers_commands_flags_and_stacks() {
    offers("fish", &["$(touch made)", "a b"], of_fish).await;
}
