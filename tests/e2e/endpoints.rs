//! Calls that do not go to AWS's own addresses: each address is named, and none is called over plain HTTP beyond this
//! machine unless the command line says so.

use std::sync::{Arc, Mutex};

use aws_smithy_types::base64;

use crate::common::commands::{DONE, SHOP, USAGE, assert_fits, json};
use crate::common::program::{Program, STACK};
use crate::common::proxy::Proxy;
use crate::common::{World, endpoint};
use crate::surroundings::proxy;

const TOPIC: &str = "topic: { type: aws:sns:Topic }";

const PLAIN: &str = "http://account.invalid";

/// An endpoint to which nothing of the topic's is sent.
const ENCRYPTED: &str = "https://secrets.invalid";

/// Profiles that name an address, for all services and for one.
const PROFILES: &str = "\
[profile all]
endpoint_url = http://account.invalid
[profile one]
services = there
[services there]
sns =
  endpoint_url = http://account.invalid
";

#[tokio::test]
async fn plain_http_to_another_machine_takes_the_flag() {
    let world = World::new("e2e-endpoints-plain").await;
    let (address, heard) = proxy();
    // The proxy knows of everything that leaves this machine.
    let program = || Program::of(&world).with("HTTP_PROXY", &address);
    for (variable, value, named_by) in [
        ("AWS_ENDPOINT_URL", PLAIN, "AWS_ENDPOINT_URL"),
        (
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            PLAIN,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        ),
        ("AWS_ENDPOINT_URL_STS", PLAIN, "AWS_ENDPOINT_URL_STS"),
        ("AWS_PROFILE", "all", "profile all"),
        ("AWS_PROFILE", "one", "profile one"),
    ] {
        let mut program = program();
        if variable == "AWS_PROFILE" {
            program = program
                .without("AWS_ENDPOINT_URL")
                .with("AWS_CONFIG_FILE", "aws-config");
            program.write("aws-config", PROFILES);
        }
        let program = program.with(variable, value);
        for command in [&["preview"][..], &["up", "--yes"], &["destroy", "--yes"]] {
            let ended = program.run(TOPIC, command[0], &command[1..]);
            assert_eq!(ended.status, USAGE, "{}", ended.screen);
            assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
            for said in [
                "error[fde::connection::plain_http]",
                &format!("{PLAIN}, by {named_by}"),
                &format!("--endpoint-url {PLAIN}"),
            ] {
                assert!(ended.stderr.contains(said), "{said}\n{}", ended.screen);
            }
            assert_fits(&ended);
        }
    }
    assert_eq!(
        *heard.lock().expect("no thread panics with it"),
        [] as [String; 0]
    );

    // The endpoint of the flag is called, and the variables of single services are not heeded beside it.
    let ended = program()
        .without("AWS_ENDPOINT_URL")
        .with("AWS_ENDPOINT_URL_SNS", PLAIN)
        .run(TOPIC, "preview", &["--endpoint-url", endpoint()]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}

#[tokio::test]
async fn every_address_that_is_not_of_aws_is_named() {
    let world = World::new("e2e-endpoints-named").await;
    let one = "AWS_ENDPOINT_URL_SECRETS_MANAGER";
    let warned = "warning: calls go to addresses that are not AWS's own";
    let named = format!("endpoint {ENCRYPTED}, by {one}, for Secrets Manager");
    let program = Program::of(&world).with(one, ENCRYPTED);
    for command in [&["preview"][..], &["up", "--yes"], &["destroy", "--yes"]] {
        let ended = program.run(TOPIC, command[0], &command[1..]);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        for said in [warned, &named] {
            assert!(ended.stderr.contains(said), "{said}\n{}", ended.screen);
        }
        assert_fits(&ended);
    }
    // Data stay data, and CI shows it beside the run.
    let ended = Program::of(&world)
        .with(one, ENCRYPTED)
        .with("GITHUB_ACTIONS", "true")
        .run(TOPIC, "preview", &["--json"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert!(json(&ended).is_object(), "{}", ended.screen);
    assert!(ended.raw.contains("::warning "), "{}", ended.screen);
    assert!(ended.stderr.contains(ENCRYPTED), "{}", ended.screen);

    // An endpoint on this machine, or on the command line, takes no more than a line.
    let local = endpoint().replace("127.0.0.1", "localhost");
    let ended = Program::of(&world)
        .with("AWS_ENDPOINT_URL_SNS", &local)
        .run(TOPIC, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let said = format!("The endpoint: {local}, by AWS_ENDPOINT_URL_SNS, for SNS");
    assert!(ended.stderr.contains(&said), "{}", ended.screen);
    assert!(!ended.stderr.contains("warning"), "{}", ended.screen);

    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(TOPIC));
    let output = program.start(&["preview", STACK]).wait_with_output();
    let output = output.expect("the program ends");
    let said = format!("The endpoint: {}, by AWS_ENDPOINT_URL\n", endpoint());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&said), "{stderr}");
}

/// A key with what is written otherwise in an address.
const SECRET_KEY: &str = "e2e/Secret+Key/that/is/signed+with/0123456789";

/// The part of a text that would be found in base64, wherever in it the text begins.
fn in_base64(text: &str) -> Vec<String> {
    let from = |start: usize| {
        let whole = (text.len() - start) / 3 * 3;
        base64::encode(&text.as_bytes()[start..start + whole])
    };
    (0..3).map(from).collect()
}

/// An address that a profile or a flag names is another party's: it can see who calls, and not with which key.
#[tokio::test]
async fn the_secret_key_signs_and_is_not_sent() {
    let world = World::new("e2e-endpoints-key").await;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&sent);
    let account = Proxy::before(endpoint(), move |call| {
        let bytes = call.request.bytes();
        hearing.lock().expect("no thread has panicked").push(bytes);
        None
    });
    let program = Program::of(&world)
        .with("AWS_ENDPOINT_URL", &account.endpoint)
        .with("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    // Resources of every protocol that AWS speaks.
    let resources = format!(
        "{SHOP}bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: e2e-endpoints-key }} }}\n\
         dashboard: {{ type: aws:cloudwatch:Dashboard, properties: {{ dashboardName: e2e-endpoints-key, dashboardBody: {{ widgets: [{{ type: text, properties: {{ markdown: base }} }}] }} }} }}\n"
    );
    for (command, flags) in [
        ("preview", &["--diff"][..]),
        ("up", &["--yes"][..]),
        ("destroy", &["--yes", "--allow-delete", "*"][..]),
    ] {
        let ended = program.run(&resources, command, flags);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
    }
    let mut forms = in_base64(SECRET_KEY);
    forms.push(SECRET_KEY.to_owned());
    forms.push(SECRET_KEY.replace('/', "%2F").replace('+', "%2B"));
    forms.push(
        SECRET_KEY
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    );
    let sent = sent.lock().expect("no thread has panicked");
    let signed = |text: &str| text.contains("credential=program-e2e-endpoints-key/");
    let mut signatures = 0;
    for request in sent.iter() {
        let text = String::from_utf8_lossy(request);
        for form in &forms {
            assert!(!text.contains(form), "{form}: {text}");
        }
        signatures += usize::from(signed(&text.to_lowercase()));
    }
    assert!(signatures > 20, "{signatures} of {}", sent.len());
}
