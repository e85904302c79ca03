//! `output`: the outputs of a stack, for people, for JSON and for a shell.

use std::process::Command;

use expect_test::expect_file;
use serde_json::json as value;

use crate::common::World;
use crate::common::commands::{
    DONE, ERROR, NO_STACK, SHOP, USAGE, assert_fits, assert_plain, json, screens,
};
use crate::common::program::{Ended, Program, STACK};

/// Everything that a shell could take for something else.
const HOSTILE: &str = "it's $HOME `id` $(id) \"x\" \\ ; rm -rf *\n\t!é";

/// The file with outputs of every kind.
fn file(world: &World) -> String {
    format!(
        "{}outputs:\n  vpcId: ${{vpc.id}}\n  subnets: ['${{subnet.id}}', '${{group.id}}']\n  topic: {{ arn: '${{topic.arn}}', \
         displayName: '${{topic.displayName}}' }}\n  port: 5432\n  open: true\n  greeting: {}\n  dashed-name: plain\n  2nd: twice\n",
        world.file(SHOP),
        value!(HOSTILE.replace('$', "$$"))
    )
}

#[tokio::test]
async fn in_every_form() {
    let world = World::new("e2e-output").await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &file(&world));
    let before = program.run_words(&["output", STACK]);
    assert_eq!(before.status, NO_STACK, "{}", before.screen);
    world.up(SHOP).await;
    let run = |words: &[&str]| program.run_words(&[&["output"], words].concat());
    let all = [
        before,
        run(&[STACK]),
        run(&[STACK, "vpcId"]),
        run(&["vpcId"]),
        run(&[STACK, "subnets"]),
        run(&[STACK, "--json"]),
        run(&[STACK, "vpcId", "--json"]),
        run(&[STACK, "--shell"]),
        run(&[STACK, "vpcid"]),
        run(&["something else"]),
        run(&["--json", "--shell"]),
    ];
    let statuses: Vec<Option<i32>> = all.iter().map(|ended| ended.status).collect();
    let [nothing, fine, unknown, wrong] = [NO_STACK, DONE, ERROR, USAGE];
    assert_eq!(
        statuses,
        [
            nothing, fine, fine, fine, fine, fine, fine, fine, unknown, unknown, wrong
        ]
    );
    for ended in &all {
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    }
    assert_plain(&all[1]);
    assert_fits(&all[1]);
    expect_file!["../snapshots/commands/output.txt"].assert_eq(&screens(&all));

    // The output matches AWS.
    let (vpc, subnet) = (world.id(SHOP, "vpc").await, world.id(SHOP, "subnet").await);
    let (group, topic) = (world.id(SHOP, "group").await, world.id(SHOP, "topic").await);
    assert_eq!(all[2].stdout, format!("{vpc}\n"));
    assert_eq!(all[3].stdout, all[2].stdout);
    assert_eq!(
        json(&all[5]),
        value!({
            "vpcId": vpc,
            "subnets": [subnet, group],
            "topic": { "arn": topic, "displayName": "Shop" },
            "port": 5432,
            "open": true,
            "greeting": HOSTILE,
            "dashed-name": "plain",
            "2nd": "twice",
        })
    );
    assert_eq!(json(&all[6]), value!(vpc));

    // A shell reads back what was meant, to the byte.
    assert_eq!(read_back(&all[7], "greeting"), HOSTILE);
    assert_eq!(read_back(&all[7], "vpcId"), vpc);
    assert_eq!(read_back(&all[7], "dashed_name"), "plain");
    assert_eq!(read_back(&all[7], "_2nd"), "twice");
    let subnets = serde_json::from_str::<serde_json::Value>(&read_back(&all[7], "subnets"));
    assert_eq!(subnets.expect("JSON"), value!([subnet, group]));
    world.destroy(SHOP).await;
}

/// The value of a variable, after a shell has read the assignments.
fn read_back(assignments: &Ended, variable: &str) -> String {
    let script = format!("set -eu\n{}\nprintf %s \"${variable}\"", assignments.stdout);
    let output = Command::new("sh")
        .arg("-c")
        .arg(script)
        .env_clear()
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, [] as [u8; 0], "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

const SECRET: &str = "correct horse";

/// A secret is shown if it is asked for explicitly, and not otherwise.
#[tokio::test]
async fn secrets() {
    let world = World::new("e2e-output-secret").await;
    let program = Program::of(&world);
    let resources = format!(
        "password: {{ type: aws:secretsmanager:Secret }}\nversion: {{ type: aws:secretsmanager:SecretVersion, properties: {{ \
         secretId: '${{password.arn}}', secretString: {SECRET} }} }}\n"
    );
    let text = format!(
        "{}outputs:\n  password: '${{version.secretString}}'\n",
        world.file(&resources)
    );
    program.write("stacks/dev.yaml", &text);
    let up = program.run_words(&["up", STACK, "--yes", "--parallel", "1"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let mut all = vec![up];
    for words in [
        &[STACK][..],
        &[STACK, "password"],
        &[STACK, "--json"],
        &[STACK, "--shell"],
    ] {
        let words = [&["output"], words].concat();
        let masked = program.run_words(&words);
        assert_eq!(masked.status, DONE, "{}", masked.screen);
        all.push(masked);
        let clear = program.run_words(&[&words[..], &["--show-secrets"]].concat());
        assert_eq!(clear.status, DONE, "{}", clear.screen);
        assert!(clear.stdout.contains(SECRET), "{}", clear.screen);
        all.push(clear);
    }
    for ended in &all {
        let asked = ended.screen.contains("--show-secrets");
        assert_eq!(ended.raw.contains(SECRET), asked, "{}", ended.screen);
    }
    expect_file!["../snapshots/commands/output_secrets.txt"].assert_eq(&screens(&all));
    let json = program
        .with("FDE_INFRA_SHOW_SECRETS", "true")
        .with("FDE_INFRA_JSON", "true")
        .run_words(&["output"]);
    assert_eq!(
        crate::common::commands::json(&json),
        value!({ "password": SECRET })
    );
    world.destroy(&resources).await;
}

/// An output that is not there yet has no value for a script, and no variable stands for two outputs.
#[tokio::test]
async fn what_is_not_known_and_what_would_be_one() {
    let world = World::new("e2e-output-unknown").await;
    let program = Program::of(&world);
    let topic = "topic: { type: aws:sns:Topic }\n";
    world.up(topic).await;
    let more =
        format!("{topic}vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.0.0.0/16 }} }}\n");
    let outputs = "outputs:\n  vpcId: ${vpc.id}\n  topic-arn: ${topic.arn}\n";
    let file = format!("{}{outputs}", world.file(&more));
    program.write("stacks/dev.yaml", &file);
    let json_form = program.run_words(&["output", STACK, "--json"]);
    let shell_form = program.run_words(&["output", STACK, "--shell"]);
    assert_eq!([json_form.status, shell_form.status], [DONE, DONE]);
    let arn = world.id(topic, "topic").await;
    assert_eq!(
        json(&json_form),
        value!({ "vpcId": null, "topic-arn": arn })
    );
    assert_eq!(shell_form.stdout, format!("topic_arn='{arn}'\n"));
    program.write("stacks/dev.yaml", &format!("{file}  topic_arn: twice\n"));
    let clash = program.run_words(&["output", STACK, "--shell"]);
    assert_eq!((clash.status, clash.stdout.as_str()), (ERROR, ""));
    expect_file!["../snapshots/commands/output_unknown.txt"].assert_eq(&screens([
        &json_form,
        &shell_form,
        &clash,
    ]));
}
