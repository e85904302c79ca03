//! No secret comes out anywhere (`promises.md` R13): a value that is nowhere else stands in every place where a stack can
//! have a secret, every command is run, also into failures that quote what they were sent, and everything that it leaves is
//! searched for the value, in every form in which it could travel.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::common::World;
use crate::common::commands::{CANCELLED, DONE, RESOURCE_FAILED, TIMED_OUT, USAGE};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::lock::{give_back, hold, parameter, unlocked};
use crate::promise::Shown;

/// In the file; with all that an encoding would change.
const IN_FILE: &str = "Canary1 \"&<%+=~é file";
/// In a flag.
const IN_FLAG: &str = "Canary2.flag";
/// In a URL.
const IN_URL: &str = "Canary3.url";
/// In AWS, put there by another party.
const THEIRS: &str = "Canary4.theirs";
/// The later value in the file.
const LATER: &str = "Canary5.later";

const RESOURCES: &str = r#"
secret: { type: aws:secretsmanager:Secret }
version:
  type: aws:secretsmanager:SecretVersion
  properties:
    secretId: ${secret.arn}
    secretString: "Canary1 \"&<%+=~é file"
other: { type: aws:secretsmanager:Secret }
flagged: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${other.arn}', secretString: unset } }
topic: { type: aws:sns:Topic }
hook: { type: aws:sns:TopicSubscription, properties: { topic: '${topic.arn}', protocol: https, endpoint: 'https://shop:Canary3.url@shop.example/hook' } }
password:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password, excludePunctuation: true }
db:
  type: aws:rds:Instance
  properties: { engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: app, masterPasswordSecretArn: '${password.arn}' }
attachment:
  type: fde:secretsmanager:TargetAttachment
  properties: { secretId: '${password.arn}', engine: postgres, host: '${db.address}', port: 5432, dbname: shop }
"#;

const OUTPUTS: &str = "outputs: { shown: '${version.secretString}', joined: 'x-${flagged.secretString}', hook: '${hook.endpoint}' }\n";

/// Exit status of a panic (`design.md` §6).
const BUG: Option<i32> = Some(70);

/// Sets what is unset in [`RESOURCES`]. In the environment, since any user may read a command line.
const FLAG: &str = "resources.flagged.properties.secretString=Canary2.flag";

fn file(world: &World) -> String {
    format!("{}{OUTPUTS}", world.file(RESOURCES))
}

/// The forms in which a secret could be found, by their names.
fn forms(secret: &str) -> BTreeMap<String, String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::Value::from(secret).to_string();
    let percent = |kept: &str| -> String {
        let encode = |byte: u8| match char::from(byte) {
            plain if plain.is_ascii_alphanumeric() || kept.contains(plain) => plain.to_string(),
            _ => format!("%{byte:02X}"),
        };
        secret.bytes().map(encode).collect()
    };
    let mut forms = BTreeMap::from([
        ("as it is".to_owned(), secret.to_owned()),
        ("in JSON".to_owned(), json.trim_matches('"').to_owned()),
        ("in capital hex".to_owned(), hex.to_uppercase()),
        ("in hex".to_owned(), hex),
        ("in a URL".to_owned(), percent("-._~")),
        ("in a form".to_owned(), percent("-._~ ").replace(' ', "+")),
        ("in a path".to_owned(), percent("-._~!$&'()*+,;=:@")),
    ]);
    // Wherever it begins in a text that is encoded as a whole; without the letters that depend on what is beside it.
    for before in 0..3 {
        let text = [&vec![0; before][..], secret.as_bytes()].concat();
        let encoded = aws_smithy_types::base64::encode(&text);
        let whole = text.len() / 3 * 4;
        let first = if before == 0 { 0 } else { 4 };
        let middle = encoded[first..whole].to_owned();
        let for_urls = middle.replace('+', "-").replace('/', "_");
        forms.insert(format!("in base64, {before} bytes on"), middle);
        forms.insert(format!("in base64 for URLs, {before} bytes on"), for_urls);
    }
    forms
}

/// The searched texts, and the leaks in them.
struct Search {
    secrets: Vec<String>,
    searched: usize,
    leaks: Vec<String>,
}

impl Search {
    fn text(&mut self, place: &str, text: &str) {
        self.searched += 1;
        for secret in &self.secrets {
            for (form, needle) in forms(secret) {
                if text.contains(&needle) {
                    self.leaks.push(format!("{place}: `{secret}` {form}"));
                }
            }
        }
    }

    fn screen(&mut self, ended: &Ended) {
        let line = ended.screen.lines().next().unwrap_or_default().to_owned();
        self.text(&line, &ended.raw);
    }

    /// Every file below a directory, but for the stack files.
    fn files(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).expect("the directory is readable") {
            let path = entry.expect("the entry is readable").path();
            let name = path.to_string_lossy().into_owned();
            self.text("a name", &name);
            if path.is_dir() {
                self.files(&path);
            } else if path.extension().is_none_or(|extension| extension != "yaml") {
                let bytes = fs::read(&path).expect("the file is readable");
                self.text(&name, &String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// The search itself finds what is hidden in it.
#[test]
fn the_search_finds_every_form() {
    for (form, text) in forms(IN_FILE) {
        let mut search = Search {
            secrets: vec![IN_FILE.to_owned()],
            searched: 0,
            leaks: Vec::new(),
        };
        search.text("here", &format!("before {text} after"));
        assert!(!search.leaks.is_empty(), "{form}");
    }
    for (before, after) in [("", "x"), ("a", "yy"), ("ab", "")] {
        let text = aws_smithy_types::base64::encode(format!("{before}{IN_FILE}{after}"));
        let found = forms(IN_FILE)
            .into_iter()
            .any(|(_, form)| text.contains(&form));
        assert!(found, "{text}");
    }
}

async fn value(world: &World, resources: &str, name: &str) -> String {
    let id = world.id(resources, name).await;
    let answer = world.sdk.secrets.get_secret_value().secret_id(id);
    let answer = answer.send().await.expect("the secret has a value");
    answer.secret_string.expect("the value is text")
}

/// A program that is as verbose as it can be made, and leaves what it writes in its own directory.
fn talkative(world: &World) -> Program<'_> {
    let program = Program::of(world);
    let home = program.directory().join("home");
    fs::create_dir(&home).expect("the directory can be made");
    let home = home.to_string_lossy().into_owned();
    program
        .with("HOME", &home)
        .with("TMPDIR", &home)
        .with("XDG_CACHE_HOME", &home)
        .with("FDE_INFRA_SET", FLAG)
        // Annotations repeat what messages say.
        .with("GITHUB_ACTIONS", "true")
        .with("RUST_LOG", "trace")
        .with("RUST_BACKTRACE", "full")
}

/// The record of the runs of a stack.
async fn record(world: &World) -> String {
    let name = parameter(world, "deployments");
    let record = world.sdk.ssm.get_parameter_history().name(name);
    let record = record.send().await.expect("there is a record");
    assert!(!record.parameters().is_empty());
    format!("{:?}", record.parameters())
}

#[tokio::test]
async fn no_secret_comes_out() {
    let world = World::new("e2e-secrets").await;
    let text = file(&world);
    // An answer that quotes what it was sent, as it was sent and as the program wrote it.
    let echo = Refusal {
        status: 400,
        code: "InvalidParameterException",
        message: r#"the value Canary1 \"&<%+=~é file is not valid, nor is Canary1 \\\"&<%+=~é file, Canary2.flag or Canary1%20%22%26%3C%25%2B%3D~%C3%A9%20file"#,
    };
    let refuse = Proxy::before(crate::common::endpoint(), move |call| {
        (call.operation == "PutSecretValue").then(|| echo.into())
    });
    let refuse_hook = Proxy::before(crate::common::endpoint(), |call| {
        let refusal = Refusal {
            status: 400,
            code: "InvalidParameter",
            message: "Invalid parameter: https://shop:Canary3.url@shop.example/hook",
        };
        (call.operation == "Subscribe").then(|| refusal.into())
    });
    let mut program = talkative(&world);
    program.write("stacks/dev.yaml", &text);
    let mut search = Search {
        secrets: [IN_FILE, IN_FLAG, IN_URL, THEIRS, LATER]
            .map(str::to_owned)
            .to_vec(),
        searched: 0,
        leaks: Vec::new(),
    };
    let mut screens: Vec<Ended> = Vec::new();
    let mut run = |program: &Program, words: &[&str]| {
        screens.push(program.run_words(words));
        let ended = screens.last().expect("there is one");
        // Shown only where the test fails.
        println!("{}", ended.screen);
        ended.status
    };

    // Before there is anything.
    assert_eq!(run(&program, &["validate", STACK]), DONE);
    for flags in [&[][..], &["--diff"], &["--json"], &["--markdown"]] {
        assert_eq!(run(&program, &[&["preview", STACK], flags].concat()), DONE);
    }
    run(&program, &["up", "--help"]);
    assert_eq!(run(&program, &["up", STACK]), USAGE);

    // A plan cannot be saved with a flag that is one, nor with a file that is refused.
    assert_eq!(
        run(&program, &["preview", STACK, "--save-plan", "refused.plan"]),
        USAGE
    );
    let save = ["preview", STACK, "--save-plan", "new.plan"];
    let plain = Program::of(&world);
    assert_eq!(run(&plain, &save), DONE);

    // Failures that quote what they were sent.
    program = program.with("AWS_ENDPOINT_URL", &refuse.endpoint);
    assert_eq!(run(&program, &["up", STACK, "--yes"]), Some(4));
    assert!(refuse.calls("PutSecretValue") > 0);
    program = program.with("AWS_ENDPOINT_URL", &refuse_hook.endpoint);
    assert_eq!(run(&program, &["up", STACK, "--yes"]), Some(4));
    program = program.with("AWS_ENDPOINT_URL", crate::common::endpoint());

    assert_eq!(run(&program, &["up", STACK, "--yes"]), DONE);
    let generated: serde_json::Value =
        serde_json::from_str(&value(&world, &program_resources(), "password").await)
            .expect("the secret holds JSON");
    for key in ["password", "url"] {
        let secret = generated[key].as_str().expect("the secret has the key");
        assert!(secret.len() > 8);
        search.secrets.push(secret.to_owned());
    }
    assert_eq!(run(&program, &["up", STACK, "--yes"]), DONE);
    for flags in [
        &[][..],
        &["--json"],
        &["--shell"],
        &["shown"],
        &["joined", "--json"],
    ] {
        assert_eq!(run(&program, &[&["output", STACK], flags].concat()), DONE);
    }
    for flags in [&["--diff", "--show-sames"][..], &["--json", "--show-sames"]] {
        assert_eq!(run(&program, &[&["preview", STACK], flags].concat()), DONE);
    }

    // The live value is a secret of another party's, and the wanted one is another.
    let secret = world.id(&program_resources(), "secret").await;
    let put = world.sdk.secrets.put_secret_value().secret_id(&secret);
    let put = put.secret_string(THEIRS).send().await;
    put.expect("the value can be put");
    program.write(
        "stacks/dev.yaml",
        &text.replace(r#"Canary1 \"&<%+=~é file"#, LATER),
    );
    for flags in [&["--diff"][..], &["--json"], &["--markdown"]] {
        assert_eq!(run(&program, &[&["preview", STACK], flags].concat()), DONE);
    }
    let quoting_both = Proxy::before(crate::common::endpoint(), |call| {
        let refusal = Refusal {
            status: 400,
            code: "InvalidParameterException",
            message: "neither Canary4.theirs nor Canary5.later is valid",
        };
        (call.operation == "PutSecretValue").then(|| refusal.into())
    });
    program = program.with("AWS_ENDPOINT_URL", &quoting_both.endpoint);
    assert_eq!(run(&program, &["up", STACK, "--yes"]), Some(4));
    program = program.with("AWS_ENDPOINT_URL", crate::common::endpoint());
    plain.write(
        "stacks/dev.yaml",
        &text.replace(r#"Canary1 \"&<%+=~é file"#, LATER),
    );
    assert_eq!(
        run(&plain, &["preview", STACK, "--save-plan", "edit.plan"]),
        DONE
    );
    assert_eq!(run(&plain, &["up", STACK, "--plan", "edit.plan"]), DONE);

    // A database that AWS does not take, quoting the password that only the program has read.
    let password: &'static str = search.secrets[5].clone().leak();
    let refuse_database = Proxy::before(crate::common::endpoint(), move |call| {
        let refusal = Refusal {
            status: 400,
            code: "InvalidParameterValue",
            message: password,
        };
        (call.operation == "CreateDBInstance").then(|| refusal.into())
    });
    let consent = ["--yes", "--allow-delete", "db"];
    program = program.with("AWS_ENDPOINT_URL", &refuse_database.endpoint);
    let replace = [&["up", STACK, "--replace", "db"], &consent[..]].concat();
    assert_eq!(run(&program, &replace), Some(4));
    assert!(refuse_database.calls("CreateDBInstance") > 0);
    program = program.with("AWS_ENDPOINT_URL", crate::common::endpoint());

    // Tags and names of all that there is.
    for arn in world.sdk.tagged(&world.stack_tag()).await {
        let tags = world.sdk.tags_of(&arn).await;
        search.text("a tag", &format!("{arn} {tags:?}"));
    }
    assert_eq!(run(&program, &["destroy", STACK, "--yes"]), DONE);
    for flags in [&[][..], &["--json"]] {
        assert_eq!(run(&program, &[&["history", STACK], flags].concat()), DONE);
    }
    // The records of the runs.
    search.text("the record", &record(&world).await);

    for ended in &screens {
        search.screen(ended);
    }
    search.files(program.directory());
    search.files(plain.directory());
    let leaks = search.leaks;
    Shown {
        promise: "R13",
        level: "end to end",
        what: "screens of every command, saved plans, tags, names and files searched for seven secrets in 13 forms",
        runs: search.searched,
        seeds: None,
        failures: leaks.len(),
    }
    .tell();
    assert_eq!(leaks, [] as [String; 0]);
}

/// The way in which a run is broken off, at a call that carries a secret and never gets an answer.
struct End {
    operation: &'static str,
    /// True if the account hears of the call.
    acts: bool,
    /// Sent one after the other when the call has come.
    signals: &'static [&'static str],
    status: Option<i32>,
}

const fn end(
    operation: &'static str,
    acts: bool,
    signals: &'static [&'static str],
    status: Option<i32>,
) -> End {
    End {
        operation,
        acts,
        signals,
        status,
    }
}

const ENDS: &[End] = &[
    end("PutSecretValue", false, &["-KILL"], None),
    end("PutSecretValue", false, &["-INT"], CANCELLED),
    end("PutSecretValue", false, &["-INT", "-TERM"], CANCELLED),
    end("CreateDBInstance", false, &["-INT"], CANCELLED),
    end("CreateDBInstance", true, &["-KILL"], None),
];

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the program with these words, and breaks it off.
fn broken_off<'a>(program: Program<'a>, words: &[&str], end: &End) -> (Program<'a>, Ended) {
    let (came, comes) = channel();
    let (operation, acts) = (end.operation, end.acts);
    let hangs = Proxy::before(crate::common::endpoint(), move |call| {
        (call.operation == operation).then(|| {
            // The receiver is gone at the second of two calls.
            let _ = came.send(());
            Answer::Hang { acts }
        })
    });
    let program = program.with("AWS_ENDPOINT_URL", &hangs.endpoint);
    let child = program.start(words);
    let (id, signals) = (child.id().to_string(), end.signals);
    let breaking = std::thread::spawn(move || {
        let came = comes.recv_timeout(PATIENCE);
        came.expect("the call that carries a secret comes");
        for signal in signals {
            let sent = Command::new("kill").args([*signal, id.as_str()]).status();
            assert!(sent.expect("kill runs").success());
        }
    });
    let output = child.wait_with_output().expect("the program ends");
    breaking.join().expect("it was broken off");
    let ended = program.ended(words, &output, 0);
    assert_eq!(ended.status, end.status, "{}", ended.screen);
    (
        program.with("AWS_ENDPOINT_URL", crate::common::endpoint()),
        ended,
    )
}

/// Whichever way a run ends, its output and its files until then are without secrets.
#[tokio::test]
async fn no_secret_comes_out_of_a_run_that_is_broken_off() {
    let world = unlocked("e2e-secrets-broken").await;
    let text = file(&world);
    let edited = text.replace(r#"Canary1 \"&<%+=~é file"#, LATER);
    assert_ne!(edited, text);
    let mut program = talkative(&world);
    program.write("stacks/dev.yaml", &text);
    let up = ["up", STACK, "--yes"];
    let mut screens = vec![program.run_words(&up)];
    assert_eq!(screens[0].status, DONE, "{}", screens[0].screen);

    program.write("stacks/dev.yaml", &edited);
    let replace = [&up[..], &["--replace", "db", "--allow-delete", "db"]].concat();
    for end in ENDS {
        let words = match end.operation {
            "CreateDBInstance" => &replace[..],
            _ => &up,
        };
        let (same, ended) = broken_off(program, words, end);
        program = same;
        screens.push(ended);
    }
    // One of two databases has to go.
    screens.push(program.run_words(&[&up[..], &["--allow-delete", "db"]].concat()));
    let done = screens.last().expect("there is one");
    assert_eq!(done.status, DONE, "{}", done.screen);

    // A call that gets no answer in time; the one after it is refused, so that the test does not wait for five more.
    program.write("stacks/dev.yaml", &text);
    let silent = Proxy::before(crate::common::endpoint(), |call| {
        let refusal = Refusal {
            status: 400,
            code: "InvalidParameterException",
            message: "neither Canary2.flag nor Canary5.later is valid",
        };
        let answer = match call.turn {
            1 => Answer::Hang { acts: false },
            _ => refusal.into(),
        };
        (call.operation == "PutSecretValue").then_some(answer)
    });
    program = program.with("AWS_ENDPOINT_URL", &silent.endpoint);
    let timed_out = program.run_words(&up);
    assert_eq!(timed_out.status, RESOURCE_FAILED, "{}", timed_out.screen);
    assert_eq!(silent.calls("PutSecretValue"), 2);
    program = program.with("AWS_ENDPOINT_URL", crate::common::endpoint());
    hold(&world, 60).await;
    let in_vain = program.run_words(&[&up[..], &["--lock-timeout", "0"]].concat());
    assert_eq!(in_vain.status, TIMED_OUT, "{}", in_vain.screen);
    assert!(give_back(&world).await, "it is held");

    // The runtime panics at a number of threads that is none, and quotes it.
    program = program.with("TOKIO_WORKER_THREADS", IN_FLAG);
    let panicked = program.run_words(&up);
    assert_eq!(panicked.status, BUG, "{}", panicked.screen);
    program = program.without("TOKIO_WORKER_THREADS");
    screens.extend([timed_out, in_vain, panicked]);

    let mut search = Search {
        secrets: [IN_FILE, IN_FLAG, IN_URL, LATER]
            .map(str::to_owned)
            .to_vec(),
        searched: 0,
        leaks: Vec::new(),
    };
    let generated = value(&world, &program_resources(), "password").await;
    let generated: serde_json::Value =
        serde_json::from_str(&generated).expect("the secret holds JSON");
    let password = generated["password"].as_str();
    search
        .secrets
        .push(password.expect("there is one").to_owned());
    for ended in &screens {
        search.screen(ended);
    }
    search.text("the record", &record(&world).await);
    search.files(program.directory());
    let destroyed = program.run_words(&["destroy", STACK, "--yes"]);
    assert_eq!(destroyed.status, DONE, "{}", destroyed.screen);
    let leaks = search.leaks;
    Shown {
        promise: "R13",
        level: "end to end",
        what: "runs that are killed, cancelled, timed out, and that panic",
        runs: search.searched,
        seeds: None,
        failures: leaks.len(),
    }
    .tell();
    assert_eq!(leaks, [] as [String; 0]);
}

/// The resources with the value of the flag.
fn program_resources() -> String {
    RESOURCES.replace("secretString: unset", "secretString: Canary2.flag")
}

/// A fault in the file is shown with what stands beside it.
#[tokio::test]
async fn faults_beside_secrets_are_shown_without_them() {
    let world = World::new("e2e-secrets-faults").await;
    let program = Program::of(&world);
    let mut search = Search {
        secrets: [IN_FLAG, IN_URL].map(str::to_owned).to_vec(),
        searched: 0,
        leaks: Vec::new(),
    };
    let version = "v: { type: aws:secretsmanager:SecretVersion, properties: { secretId: x, secretString: Canary2.flag }, optoins: {} }";
    let block = "v:\n  type: aws:secretsmanager:SecretVersion\n  properties:\n    secretString: |\n      Canary2.flag\n    secretIdd: x";
    for resources in [
        version,
        block,
        "v:\n  type: aws:secretsmanager:SecretVersion\n  properties:\n    secretString: [Canary2.flag]\n    secretId: x",
        "v:\n  type: aws:secretsmanager:SecretVersion\n  properties:\n    secretString: Canary2.flag\n    secretString: Canary2.flag",
        "v:\n  type: aws:secretsmanager:SecretVersion\n  properties:\n    secretString: 'Canary2.flag\n",
        "v:\n  type: aws:secretsmanager:SecretVersion\n  properties:\n    secretId: ${nowhere.arn}\n    secretString: Canary2.flag${nowhere.x}",
        "a: { type: aws:sns:Topic }\nv:\n  type: aws:sns:TopicSubscription\n  properties:\n    endpoint: https://shop:Canary3.url@shop.example\n    protocoll: https",
        "v:\n  type: aws:secretsmanager:SecretVersion\n  properties:\n    secretId: &pw Canary2.flag\n    secretIdd: x\n    secretString: *pw",
    ] {
        let ended = program.run(resources, "validate", &[]);
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert!(ended.raw.contains("╭─["), "{}", ended.screen);
        search.screen(&ended);
    }
    let sound = "v: { type: aws:secretsmanager:SecretVersion, properties: { secretId: x, secretString: y } }";
    for flag in [
        "resources.w.properties.secretString=Canary2.flag",
        "resources.w.properties[\"secretString\"]=Canary2.flag",
        "resources.w.properties.secretString[\"a=b\"]=Canary2.flag",
        "resources.v.properties={secretId: x, secretIdd: y, secretString: Canary2.flag}",
        "resources.v.properties.secretString.x=Canary2.flag",
    ] {
        let ended = program.run(sound, "validate", &["--set", flag]);
        search.screen(&ended);
        let ended = program.run(sound, "up", &["--set", flag]);
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        search.screen(&ended);
    }
    let leaks = search.leaks;
    Shown {
        promise: "R13",
        level: "end to end",
        what: "faults in a file and in flags, beside secrets and in them",
        runs: search.searched,
        seeds: None,
        failures: leaks.len(),
    }
    .tell();
    assert_eq!(leaks, [] as [String; 0]);
}

/// A reader who knows the rest of a file could try passwords until the hash in the history fits.
#[tokio::test]
async fn no_hash_of_a_secret_is_kept() {
    let world = World::new("e2e-secrets-hash").await;
    let program = Program::of(&world);
    let with = |text: &str, size: u32| {
        format!(
            "secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: e2e/secrets-hash, description: size {size} }} }}\n\
             value: {{ type: aws:secretsmanager:SecretVersion, properties: {{ secretId: '${{secret.arn}}', secretString: {text} }} }}"
        )
    };
    for resources in [with("one", 1), with("two", 1), with("two", 2)] {
        let ended = program.run(&resources, "up", &["--yes"]);
        assert_eq!(ended.status, Some(0), "{}", ended.screen);
    }
    let shown = program.run(&with("two", 2), "history", &["--json"]);
    let runs: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let runs = runs["deployments"].as_array().expect("a list");
    let files: Vec<&serde_json::Value> = runs.iter().map(|run| &run["file"]).collect();
    assert!(files.iter().all(|file| file.is_string()), "{runs:#?}");
    // The newest comes first.
    assert_eq!(files[1], files[2]);
    assert_ne!(files[0], files[1]);
    world.destroy(&with("two", 2)).await;
}
