//! The wrong account or region cannot be touched, whatever the command (`promises.md` R5).

use std::collections::BTreeSet;

use crate::common::World;
use crate::common::commands::{DONE, REFUSED};
use crate::common::program::{Program, STACK};
use crate::promise::Shown;

/// Every command as it would do most, and whether it goes to the account of the stack.
const COMMANDS: [(&[&str], bool); 9] = [
    (&["preview", STACK], true),
    (&["up", STACK, "--yes"], true),
    (&["destroy", STACK, "--yes"], true),
    (&["output", STACK], true),
    (&["history", STACK], true),
    (&["unlock", STACK, "--yes"], true),
    (&["validate", STACK], false),
    (&["schema"], false),
    (&["sandbox", "status"], false),
];

/// The commands that the program says it has.
fn known(help: &str) -> BTreeSet<String> {
    let after = help
        .split("Commands:\n")
        .nth(1)
        .expect("help lists the commands");
    after
        .lines()
        .take_while(|line| line.starts_with("  "))
        // What is explained in several lines goes on further right.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_wrong_account_or_region_is_left_alone() {
    let world = World::new("e2e-guards").await;
    // `sandbox` looks into the user's cache directory.
    let home = std::env::temp_dir();
    let home = home.to_string_lossy();
    let program = Program::of(&world).with("HOME", &home);
    let help = program.run_words(&["--help"]);
    let tested: BTreeSet<String> = COMMANDS
        .iter()
        .map(|(words, _)| words[0].to_owned())
        .collect();
    assert_eq!(
        known(&help.stdout),
        tested,
        "a command that is not tested here"
    );

    let text = world.file("topic: { type: aws:sns:Topic }");
    let elsewhere = Program::of(&world)
        .with("HOME", &home)
        .with("AWS_REGION", "us-east-1");
    let (mut runs, mut faults) = (0, Vec::new());
    for (words, connects) in COMMANDS {
        program.write(
            "stacks/dev.yaml",
            &format!("account: '999999999999'\n{text}"),
        );
        let account = program.run_words(words);
        program.write("stacks/dev.yaml", &text);
        let region = elsewhere.run_words(words);
        let flag = program.run_words(&[words, &["--region", "eu-west-1"]].concat());
        for (ended, allowed) in [
            (account, &["sts:GetCallerIdentity"][..]),
            (region, &[]),
            (flag, &[]),
        ] {
            runs += 1;
            let status = if connects { REFUSED } else { DONE };
            let allowed = if connects { allowed } else { &[] };
            // Another account than the local one keeps no log.
            let counted = std::env::var_os("AWS_ENDPOINT_URL").is_none();
            if ended.status != status || counted && ended.calls != allowed {
                faults.push(format!("{:?}\n{}", ended.calls, ended.screen));
            }
        }
    }
    Shown {
        promise: "R5",
        level: "end to end",
        what: "every command, with credentials of another account and in another region",
        runs,
        seeds: None,
        failures: faults.len(),
    }
    .tell();
    assert_eq!(faults, [] as [String; 0]);
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );
}
