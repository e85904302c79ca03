//! Texts written by others in AWS or in a stack file give no orders to a terminal or to a CI system (`promises.md` R15).

use aws_sdk_ec2::types::Tag;
use aws_sdk_ssm::types::ParameterType;
use serde_json::json;

use crate::common::World;
use crate::common::commands::{DONE, TIMED_OUT, USAGE};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::failures::UNHEALTHY;
use crate::lock::{parameter, unlocked};
use crate::promise::Shown;

/// Title, colour, return, orders to GitHub, Azure and `TeamCity`, an eight-bit CSI, reversed text, a mark of GitLab.
const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{1b}[31m\r\n::set-output name=a::b\n  ::add-mask::c\n##[add-mask]d ##vso[task.complete]e x##teamcity[f\u{9b}2J\u{202e}g\u{feff}\u{1b}[0Ksection_start:1:h\r\u{1b}[0K";

/// The same for texts in XML, which has no control characters.
const IN_XML: &str = "a\n::set-output name=a::b\n  ::add-mask::c\n##[add-mask]d ##vso[task.complete]e\u{202e}g\u{feff}";

/// The same, as far as a stack file may hold it: control characters are refused, escaped as well.
const IN_FILE: &str =
    "a\n::set-output name=a::b\n  ::add-mask::c\n##[add-mask]d ##vso[task.complete]e x##teamcity[f";

/// The orders that a terminal or a CI system would obey.
fn orders(ended: &Ended) -> Vec<String> {
    let mut text = String::new();
    // Our own colours.
    let mut rest = ended.raw.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        text.push_str(before);
        let digits = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        if let Some(after) = digits.strip_prefix('m') {
            rest = after;
        } else {
            text.push_str("\u{1b}[");
            rest = after;
        }
    }
    text.push_str(rest);
    let harmful = |character: char| {
        character.is_control() && character != '\n'
            || "\u{202e}\u{feff}\u{2028}\u{2029}".contains(character)
    };
    let mut found: Vec<String> = text
        .chars()
        .filter(|character| harmful(*character))
        .map(|character| format!("{character:?}"))
        .collect();
    for line in text.lines() {
        // Our own begin like this on GitHub; nothing that they carry begins like this.
        let ours = [
            "::error ",
            "::error::",
            "::warning ",
            "::warning::",
            "::group::",
            "::endgroup::",
        ];
        let ours = ended.on_github && ours.iter().any(|ours| line.starts_with(ours));
        let obeyed = (!ours && line.trim_start().starts_with("::"))
            || ["##[", "##vso[", "##teamcity["]
                .iter()
                .any(|mark| line.contains(mark));
        if obeyed {
            found.push(line.to_owned());
        }
    }
    let command = ended.screen.lines().next().unwrap_or_default();
    found
        .iter()
        .map(|found| format!("{command}: {found}"))
        .collect()
}

/// Reports what a test has shown, and judges it.
fn tell(what: &str, screens: &[Ended]) {
    let found: Vec<String> = screens.iter().flat_map(orders).collect();
    Shown {
        promise: "R15",
        level: "end to end",
        what,
        runs: screens.len(),
        seeds: None,
        failures: found.len(),
    }
    .tell();
    assert_eq!(found, [] as [String; 0]);
}

#[tokio::test]
async fn what_aws_says_gives_no_orders() {
    let world = World::new("e2e-injection-aws").await;
    let resources = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
secret: { type: aws:secretsmanager:Secret, properties: { description: of the shop } }
";
    let outputs = "outputs: { said: '${secret.description}', list: ['${topic.displayName}', '${secret.description}'] }\n";
    world.up(resources).await;
    let (vpc, topic) = (
        world.id(resources, "vpc").await,
        world.id(resources, "topic").await,
    );
    let secret = world.id(resources, "secret").await;
    let sdk = &world.sdk;
    let described = sdk.secrets.update_secret().secret_id(&secret);
    let described = described.description(HOSTILE).send().await;
    described.expect("the secret can be described");
    let named = sdk.sns.set_topic_attributes().topic_arn(&topic);
    let named = named.attribute_name("DisplayName").attribute_value(IN_XML);
    named.send().await.expect("the topic can be named");
    let tag = Tag::builder().key("project").value(IN_XML).build();
    let tagged = sdk.ec2.create_tags().resources(&vpc).tags(tag).send();
    tagged.await.expect("the network can be tagged");
    // Another party's, under a name that the stack wants.
    let group = "/e2e/injection";
    drop(
        sdk.logs
            .delete_log_group()
            .log_group_name(group)
            .send()
            .await,
    );
    let owner = format!("urn:fde:other/prod::aws:cloudwatch:LogGroup::{HOSTILE}");
    let made = sdk.logs.create_log_group().log_group_name(group);
    let made = made.tags("fde:urn", &owner).tags("fde:stack", HOSTILE);
    // AWS takes no such letters in a tag; but it may return them some day.
    let made = made.customize().mutate_request(|request| {
        request.headers_mut().insert("x-broken-on-purpose", "take");
    });
    made.send().await.expect("the group can be made");

    let program = Program::of(&world);
    let github = Program::of(&world).with("GITHUB_ACTIONS", "true");
    let text = world.file(resources) + outputs;
    let mut screens = Vec::new();
    for arguments in [
        &["preview", STACK][..],
        &["preview", STACK, "--diff", "--show-sames"],
        &["preview", STACK, "--diff", "--color", "always"],
        &["preview", STACK, "--json"],
        &["output", STACK],
        &["output", STACK, "--json"],
        &["output", STACK, "list", "--json"],
    ] {
        program.write("stacks/dev.yaml", &text);
        let ended = program.run_words(arguments);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        screens.push(ended);
    }
    // It is there, and harmless.
    assert!(screens[1].raw.contains("of the shop"), "{}", screens[1].raw);
    assert!(screens[1].raw.contains("owned"), "{}", screens[1].raw);
    let said: serde_json::Value = serde_json::from_str(&screens[5].stdout).expect("JSON");
    assert_eq!(said["said"], HOSTILE);
    let said: serde_json::Value = serde_json::from_str(&screens[3].stdout).expect("JSON");
    assert!(said.to_string().contains("owned"), "{said}");

    let taken = format!(
        "{resources}group: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: {group} }} }}\n"
    );
    screens.push(program.run(&taken, "up", &["--yes"]));
    screens.push(github.run(&taken, "up", &["--yes"]));
    screens.push(github.run(resources, "preview", &["--diff"]));
    assert!(screens[8].raw.contains("::error "), "{}", screens[8].raw);
    assert!(screens[9].raw.contains("::warning "), "{}", screens[9].raw);
    drop(
        sdk.logs
            .delete_log_group()
            .log_group_name(group)
            .send()
            .await,
    );

    // Refusals with such words, over JSON and over XML; the program shows them while it works and at the end.
    let refuse = Proxy::before(crate::common::endpoint(), |call| {
        let message = match call.operation {
            "UpdateSecret" => {
                r"no\u001b]0;owned\u0007\u001b[31m\r\n::error::no\n##[add-mask]x ##vso[task.complete]\u009b2J\u202ey"
            }
            "SetTopicAttributes" => "no\n::error::no\n##[add-mask]x ##vso[task.complete] \u{202e}y",
            _ => return None,
        };
        let refusal = Refusal {
            status: 400,
            code: "InvalidParameter",
            message,
        };
        Some(refusal.into())
    });
    let mut refused = Program::of(&world).with("AWS_ENDPOINT_URL", &refuse.endpoint);
    for colour in ["never", "always", "never"] {
        if screens.len() == 12 {
            refused = refused.with("GITHUB_ACTIONS", "true");
        }
        let ended = refused.run(resources, "up", &["--yes", "--color", colour]);
        assert_eq!(ended.status, Some(4), "{}", ended.screen);
        assert!(ended.raw.contains("owned"), "{}", ended.raw);
        screens.push(ended);
    }
    screens.push(program.run(resources, "up", &["--yes", "--diff"]));
    screens.push(program.run(resources, "destroy", &["--yes"]));
    tell(
        "hostile descriptions, tags, owners and errors from AWS",
        &screens,
    );
}

/// Texts in the parameters of a stack, as `history`, `unlock` and a run that waits show them.
#[tokio::test]
async fn what_the_lock_and_the_record_say_gives_no_orders() {
    let world = unlocked("e2e-injection-record").await;
    let text = json!({
        "id": HOSTILE,
        "holder": HOSTILE,
        "host": HOSTILE,
        "command": HOSTILE,
        "since": HOSTILE,
        "started": HOSTILE,
        "file": HOSTILE,
        "set": [HOSTILE],
        "types": [HOSTILE],
        "runUrl": HOSTILE,
        "toolVersion": HOSTILE,
        "leaseSeconds": 60,
    });
    for what in ["lock", "deployments"] {
        let put = world.sdk.ssm.put_parameter().value(text.to_string());
        let put = put.name(parameter(&world, what));
        let put = put.r#type(ParameterType::String).overwrite(true);
        put.send().await.expect("the parameter can be written");
    }
    let topic = world.file("topic: { type: aws:sns:Topic }");
    let mut screens = Vec::new();
    // They share a directory, which goes with the first that ends.
    let programs = [
        Program::of(&world),
        Program::of(&world).with("GITHUB_ACTIONS", "true"),
    ];
    for program in &programs {
        program.write("stacks/dev.yaml", &topic);
        for (arguments, status) in [
            (&["history", STACK][..], DONE),
            (&["history", STACK, "--json"], DONE),
            (&["up", STACK, "--yes", "--lock-timeout", "0"], TIMED_OUT),
        ] {
            let ended = program.run_words(arguments);
            assert_eq!(ended.status, status, "{}", ended.screen);
            assert!(ended.raw.contains("owned"), "{}", ended.raw);
            screens.push(ended);
        }
    }
    let unlock = ["unlock", STACK, "--yes"];
    screens.push(programs[0].run_words(&unlock));
    tell(
        "what stands in the lock and the record of a stack",
        &screens,
    );
}

#[tokio::test]
async fn what_a_file_or_a_flag_says_gives_no_orders() {
    let world = World::new("e2e-injection-file").await;
    let program = Program::of(&world);
    let hostile = json!(IN_FILE);
    let resources = format!(
        "topic: {{ type: aws:sns:Topic, properties: {{ displayName: {hostile} }} }}\n\
         secret: {{ type: aws:secretsmanager:Secret, properties: {{ description: {hostile} }} }}"
    );
    let outputs = format!("outputs: {{ said: {hostile}, list: [{hostile}] }}\n");
    let text = world.file(&resources) + &outputs;
    let mut screens = Vec::new();
    let github = Program::of(&world).with("GITHUB_ACTIONS", "true");
    let mut run = |text: &str, words: &[&str]| {
        program.write("stacks/dev.yaml", text);
        screens.push(github.run_words(words));
        screens.push(program.run_words(words));
        let ended = screens.last().expect("there is one");
        // Shown only where the test fails.
        println!("{}", ended.screen);
        ended.status
    };
    for words in [
        &["validate", STACK][..],
        &["preview", STACK, "--diff"],
        &["preview", STACK, "--json"],
        &["up", STACK, "--yes", "--diff"],
        &["output", STACK],
        &["output", STACK, "--json"],
        &["preview", STACK, "--show-sames", "--color", "always"],
        &["destroy", STACK, "--yes"],
    ] {
        assert_eq!(run(&text, words), DONE, "{words:?}");
    }
    // Faults are shown with the text around them.
    let escaped = |text: &str| -> String {
        let escape = |character: char| match character {
            plain if plain.is_ascii() => plain.to_string(),
            other => format!("\\u{:04x}", u32::from(other)),
        };
        json!(text).to_string().chars().map(escape).collect()
    };
    let controls = escaped(HOSTILE);
    let file = world.file("topic: { type: aws:sns:Topic }");
    for fault in [
        format!("{file}oops: 1 # ##[add-mask]a ##vso[task.complete]b ::c\n"),
        format!("{file}{hostile}: 1\n"),
        format!("{file}oops: \"{HOSTILE}\"\n"),
        format!("{file}outputs: {{ said: {controls} }}\n"),
        format!("{file}{controls}: 1\n"),
        format!("{file}::set-output name=a::b\n"),
        format!("extends: {hostile}\n{file}"),
        file.replace("topic:", &format!("{hostile}:")),
        file.replace("aws:sns:Topic", HOSTILE),
        file.replace(
            "{ type: aws:sns:Topic }",
            &format!("{{ type: aws:sns:Topic, properties: {{ displayName: '${{x.{IN_XML}}}' }} }}"),
        ),
        world.file(&format!("topic: {{ type: {hostile} }}")),
        format!("{file}outputs: {{ {hostile}: '${{topic.{HOSTILE}}}' }}\n"),
    ] {
        assert_eq!(run(&fault, &["validate", STACK]), USAGE, "{fault}");
        run(&fault, &["validate", STACK, "--color", "always"]);
    }
    // Arguments that a script composes for the command line.
    let flag = format!("--{HOSTILE}");
    let set = format!("description={HOSTILE}");
    for words in [
        &["preview", HOSTILE][..],
        &["preview", STACK, HOSTILE],
        &[HOSTILE],
        &[&flag],
        &["up", STACK, "--yes", "--target", HOSTILE],
        &["up", STACK, "--set", HOSTILE],
        &["up", STACK, "--set", &set],
        &["up", STACK, "--parallel", HOSTILE],
        &["up", "--plan", HOSTILE],
        &["preview", STACK, "--region", HOSTILE],
        &["preview", STACK, "--endpoint-url", HOSTILE],
        &["preview", STACK, "--profile", HOSTILE],
        &["output", STACK, HOSTILE],
    ] {
        let status = run(&file, words);
        assert_ne!(status, DONE, "{words:?}");
        assert_ne!(status, Some(70), "{words:?}");
    }
    tell(
        "hostile values, names, comments and flags from files and scripts",
        &screens,
    );
}

/// The logs of a container can hold any text: the last lines of one that does not come up are shown.
#[tokio::test]
async fn what_a_container_logs_gives_no_orders() {
    // Elsewhere there is no such image.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    const LOG: &str = r###"{"events":[
        {"timestamp":1718000000000,"message":"a\u001b]0;owned\u0007\u001b[31m\r\n::set-output name=a::b"},
        {"timestamp":1718000001000,"message":"::error file=x::no"},
        {"timestamp":1718000002000,"message":"##[add-mask]d ##vso[task.complete]e ##teamcity[f\u009b2J\u202eg\ufeff"}]}"###;
    let world = World::new("e2e-injection-log").await;
    let proxy = Proxy::before(crate::common::endpoint(), |call| {
        (call.operation == "GetLogEvents").then_some(Answer::Json(LOG))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let text = world.file("").replace("resources: {}\n", UNHEALTHY);
    let mut screens = Vec::new();
    for colour in ["never", "always"] {
        let ended = program.run_file(&text, "up", &["--yes", "--color", colour]);
        assert_eq!(ended.status, Some(4), "{}", ended.screen);
        assert!(ended.raw.contains("owned"), "{}", ended.raw);
        screens.push(ended);
    }
    screens.push(program.run_file(&text, "up", &["--yes", "--json"]));
    tell("hostile log lines of containers", &screens);
    let ended = program.run_file(&text, "destroy", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}
