//! `completions`: scripts that their shells accept, and that offer commands, flags and stacks.

use std::path::Path;
use std::process::Command;

use expect_test::expect;

use crate::common::World;
use crate::common::commands::{DONE, USAGE};
use crate::common::program::Program;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

/// Runs a shell where it is installed; `None` where it is not.
fn shell(directory: &Path, words: &[&str]) -> Option<(bool, String)> {
    let output = Command::new(words[0])
        .args(&words[1..])
        .current_dir(directory)
        .output()
        .ok()?;
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

/// The words that bash offers after these.
fn offered(directory: &Path, words: &[&str]) -> Vec<String> {
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
    let (ok, text) = shell(directory, &["bash", "--norc", "-c", &line]).expect("there is bash");
    assert!(ok, "{text}");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_offers_commands_flags_and_stacks() {
    let world = World::new("e2e-completions-bash").await;
    let program = Program::of(&world).without("AWS_ENDPOINT_URL");
    let ended = program.run_words(&["completions", "bash"]);
    program.write("script.bash", &ended.stdout);
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
    let offered = |words: &[&str]| offered(directory, words);
    let commands = offered(&["fde-infra", ""]);
    for command in ["preview", "up", "destroy", "list", "diff", "completions"] {
        assert!(commands.iter().any(|it| it == command), "{commands:?}");
    }
    let flags = offered(&["fde-infra", "up", "--"]);
    for flag in ["--yes", "--json", "--target", "--plan", "--sandbox"] {
        assert!(flags.iter().any(|it| it == flag), "{flags:?}");
    }
    assert_eq!(
        offered(&["fde-infra", "preview", "--color", ""]),
        ["auto", "always", "never"]
    );
    let words = offered(&["fde-infra", "up", ""]);
    let words = words.iter().filter(|it| !it.starts_with('-'));
    let stacks: Vec<&str> = words.map(String::as_str).collect();
    expect![[r#"["dev", "prod"]"#]].assert_eq(&format!("{stacks:?}"));
    assert!(
        !directory.join("made").exists(),
        "the name of a file was run"
    );
}
