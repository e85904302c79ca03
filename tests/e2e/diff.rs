//! `diff`: two stacks, or a stack and what git has of it.

use std::process::Command;

use expect_test::expect_file;
use serde_json::json as value;

use crate::common::World;
use crate::common::commands::{
    DONE, ERROR, NO_STACK, USAGE, assert_fits, assert_plain, json, screens,
};
use crate::common::program::Program;

const DEV: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
topic: { type: aws:sns:Topic, properties: { name: shop, displayName: Shop } }
password: { type: aws:secretsmanager:Secret, properties: { name: shop } }
value: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${password.arn}', secretString: Canary-1 } }
";

const PROD: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.1.0.0/16 }, options: { protect: true } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
password: { type: aws:secretsmanager:Secret, properties: { name: shop } }
value: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${password.arn}', secretString: Canary-2 } }
queue: { type: aws:cloudwatch:LogGroup, properties: { name: shop } }
";

#[tokio::test]
async fn two_stacks() {
    let world = World::new("e2e-diff").await;
    // Nothing is asked of AWS.
    let program = Program::of(&world).without("AWS_ENDPOINT_URL");
    program.write("stacks/dev.yaml", &world.file(DEV));
    let prod = world
        .file(PROD)
        .replace("environment: dev", "environment: prod");
    program.write("stacks/prod.yaml", &prod);
    let all = [
        program.run_words(&["diff", "dev", "prod"]),
        program.run_words(&["diff", "dev", "dev"]),
        program.run_words(&["diff", "dev", "prod", "--exit-code"]),
        program.run_words(&["diff", "dev", "dev", "--exit-code"]),
        program.run_words(&["diff", "dev"]),
        program.run_words(&["diff", "dev", "nowhere"]),
        program.run_words(&["diff", "dev", "nowhere", "--exit-code"]),
        program.run_words(&["diff", "dev", "prod", "--git", "HEAD"]),
    ];
    let statuses: Vec<_> = all.iter().map(|ended| ended.status).collect();
    // Under --exit-code, 2 means a difference.
    let two = Some(2);
    assert_eq!(
        statuses,
        [DONE, DONE, two, DONE, USAGE, NO_STACK, ERROR, USAGE]
    );
    for ended in &all {
        assert_plain(ended);
        assert_fits(ended);
        assert!(!ended.raw.contains("Canary"), "{}", ended.screen);
    }
    expect_file!["../snapshots/commands/diff.txt"].assert_eq(&screens(&all));
    let ended = program.run_words(&["diff", "dev", "prod", "--json"]);
    let document = json(&ended);
    assert_eq!(document["equal"], false);
    assert_eq!(
        document["onlyLeft"],
        value!([{ "name": "topic", "type": "aws:sns:Topic" }])
    );
    assert_eq!(document["onlyRight"][0]["name"], "queue");
    assert_eq!(document["same"], 2, "{document}");
    let secret = &document["changed"][0];
    assert_eq!(
        (
            &secret["name"],
            &secret["diff"][0]["left"],
            &secret["diff"][0]["right"]
        ),
        (&value!("value"), &value!("[secret]"), &value!("[secret]"))
    );
    let ended = program.run_words(&["diff", "dev", "dev", "--json"]);
    assert_eq!(json(&ended)["equal"], true);
}

#[tokio::test]
async fn a_stack_and_its_past() {
    let world = World::new("e2e-diff-git").await;
    let path = std::env::var("PATH").expect("there is a PATH");
    let program = Program::of(&world)
        .without("AWS_ENDPOINT_URL")
        .with("PATH", &path);
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        command.args(identity).args(words);
        let output = command.current_dir(program.directory()).output();
        let output = output.expect("git runs");
        assert!(output.status.success(), "{output:?}");
    };
    let topic = world.file("topic: { type: aws:sns:Topic }");
    program.write(
        "stacks/dev.yaml",
        &topic.replace("region:", "extends: base.yaml\nregion:"),
    );
    let base =
        "resources: { vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } } }\n";
    program.write("stacks/base.yaml", base);
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    let diff =
        |words: &[&str]| program.run_words(&[&["diff", "dev", "--exit-code"], words].concat());
    let same = diff(&["--git", "HEAD"]);
    assert_eq!(same.status, DONE, "{}", same.screen);
    // A change in a layer is a change of the stack.
    program.write("stacks/base.yaml", &base.replace("10.0", "10.9"));
    let changed = diff(&["--git", "HEAD"]);
    assert_eq!(changed.status, Some(2), "{}", changed.screen);
    assert!(
        changed
            .stdout
            .contains("\"10.0.0.0/16\" => \"10.9.0.0/16\""),
        "{}",
        changed.screen
    );
    assert!(
        changed.stdout.contains("stacks/dev.yaml at HEAD"),
        "{}",
        changed.screen
    );
    // From elsewhere, and by path.
    let file = program.directory().join("stacks/dev.yaml");
    let file = file.to_string_lossy();
    let elsewhere = program.run_words(&["diff", &file, "--git", "HEAD", "--exit-code"]);
    assert_eq!(elsewhere.status, Some(2), "{}", elsewhere.screen);
    for (name, says) in [
        ("nowhere", "there is no revision `nowhere`"),
        ("--output=made", "there is no revision `--output=made`"),
    ] {
        let flag = format!("--git={name}");
        let ended = program.run_words(&["diff", "dev", &flag]);
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert!(ended.stderr.contains(says), "{}", ended.screen);
    }
    assert!(!program.directory().join("made").exists());
}
