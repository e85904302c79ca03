//! Commands that read need nothing but to read (`promises.md` R16, R2): no right to change anything, no other program, no
//! other address than AWS's, and nothing on the disk.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::common::commands::{DONE, SHOP, UNEXPECTED_CHANGES};
use crate::common::program::{Program, STACK};
use crate::common::proxy::{Call, Proxy, Refusal};
use crate::common::showing::Showing;
use crate::common::{World, endpoint};
use crate::promise::Shown;

const OUTPUTS: &str = "outputs: { vpcId: '${vpc.id}', topicArn: '${topic.arn}' }\n";

/// Every command that reads, with its flags, and how it ends on a stack with an edit to be made.
const READING: [(&[&str], Option<i32>); 24] = [
    (&["validate", STACK], DONE),
    (&["schema"], DONE),
    (&["explain", "aws:ec2:Vpc"], DONE),
    (&["explain", "network", "--json"], DONE),
    (&["completions", "bash"], DONE),
    (&["diff", STACK, STACK], DONE),
    (&["diff", STACK, STACK, "--exit-code", "--json"], DONE),
    (&["list"], DONE),
    (&["list", "--json"], DONE),
    (&["list", "--all-regions"], DONE),
    (&["preview", "--all"], DONE),
    (&["preview", "--all", "--json"], DONE),
    (&["preview", STACK], DONE),
    (&["preview", STACK, "--diff", "--show-sames"], DONE),
    (&["preview", STACK, "--json"], DONE),
    (
        &["preview", STACK, "--expect-no-changes"],
        UNEXPECTED_CHANGES,
    ),
    (&["preview", STACK, "--detailed-exitcode"], Some(2)),
    (
        &["preview", STACK, "--target", "topic", "--replace", "topic"],
        DONE,
    ),
    (&["preview", STACK, "--save-plan", "plan.json"], DONE),
    (&["history", STACK], DONE),
    (&["history", STACK, "--json"], DONE),
    (&["output", STACK], DONE),
    (&["output", STACK, "--json"], DONE),
    (&["output", STACK, "--shell"], DONE),
];

/// Commands that leave AWS as it is and are not among [`READING`], with the reason.
const NOT_HERE: &[(&str, &str)] = &[
    ("init", "it writes files, and calls no account"),
    ("sandbox", "it starts programs, and calls no account"),
];

#[test]
fn every_command_that_reads_is_here() {
    let there = fde_infra::cli::COMMANDS.iter();
    let there = there.filter(|command| command.only_reads);
    let there: BTreeSet<&str> = there.map(|command| command.name).collect();
    let here = READING.iter().map(|(words, _)| words[0]);
    let here: BTreeSet<&str> = here.chain(NOT_HERE.iter().map(|(name, _)| *name)).collect();
    assert_eq!(
        here, there,
        "\nWhat to do: a row in `READING` of tests/e2e/read_only.rs for each command with `only_reads`, or one in `NOT_HERE` \
         with the reason"
    );
}

/// The stack is there, and the file wants something else of it.
async fn edited(world: &World) -> String {
    world.up(SHOP).await;
    let edited = SHOP.replace("displayName: Shop", "displayName: Market");
    world.file(&edited) + OUTPUTS
}

/// Returns whether a policy that allows only reading allows a call.
fn reads(call: &Call) -> bool {
    let verbs = ["BatchGet", "Describe", "Filter", "Get", "List"];
    verbs.iter().any(|verb| call.operation.starts_with(verb))
        // S3 has no names for its calls.
        || ["GET ", "HEAD "].iter().any(|method| call.operation.starts_with(method))
}

#[tokio::test]
async fn a_read_only_role_is_enough() {
    let world = World::new("e2e-read-only-role").await;
    let text = edited(&world).await;
    let guard = Proxy::before(crate::common::endpoint(), |call| {
        let denied = Refusal {
            status: 403,
            code: "AccessDenied",
            message: "this role may read",
        };
        (!reads(call)).then(|| denied.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &guard.endpoint);
    program.write("stacks/dev.yaml", &text);
    let mut faults = Vec::new();
    for (words, status) in READING {
        let ended = program.run_words(words);
        if ended.status != status || !ended.mutating.is_empty() {
            faults.push(format!("{:?}\n{}", ended.mutating, ended.screen));
        }
    }
    Shown {
        promise: "R16",
        level: "end to end",
        what: "commands that read, under a role that may not do anything else",
        runs: READING.len(),
        seeds: None,
        failures: faults.len(),
    }
    .tell();
    assert_eq!(faults, [] as [String; 0]);
    // The guard does refuse.
    let ended = program.run_words(&["up", STACK, "--yes"]);
    assert_ne!(ended.status, DONE, "{}", ended.screen);
    world.destroy(SHOP).await;
}

/// The traces of a process and of those that it has started, as the operating system knows them.
#[derive(Debug, Default)]
struct Traces {
    /// The addresses to which its sockets lead, other than itself.
    addresses: BTreeSet<String>,
    /// Processes that it has started and that were seen.
    children: BTreeSet<String>,
    /// Pages that processes which it has started and waited for have touched: none if there was none.
    pages_of_children: u64,
    looks: usize,
}

/// Watches a process to its end. It is not waited for meanwhile, so that it can be asked about after its end as well.
fn watch(child: &Child) -> Traces {
    let process = Path::new("/proc").join(child.id().to_string());
    let mut traces = Traces::default();
    let started = Instant::now();
    loop {
        traces.looks += 1;
        traces.addresses.extend(addresses(&process));
        traces.children.extend(children(&process));
        let stat =
            fs::read_to_string(process.join("stat")).expect("it is known until it is waited for");
        // After the name, which may hold anything: state, parent, …
        let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
        let fields: Vec<&str> = fields.split_whitespace().collect();
        if fields[0] == "Z" {
            let pages =
                [fields[8], fields[10]].map(|field| field.parse::<u64>().expect("a number"));
            traces.pages_of_children = pages.iter().sum();
            return traces;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it hangs");
        std::thread::sleep(Duration::from_micros(300));
    }
}

/// Reads a stream to its end.
fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(move || {
        std::io::copy(&mut stream, &mut std::io::sink()).expect("the stream can be read");
    })
}

fn children(process: &Path) -> Vec<String> {
    let tasks = fs::read_dir(process.join("task")).into_iter().flatten();
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The other ends of its sockets.
fn addresses(process: &Path) -> Vec<String> {
    let sockets: BTreeSet<String> = fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|handle| fs::read_link(handle.path()).ok())
        .filter_map(|link| {
            let link = link.to_string_lossy().into_owned();
            Some(
                link.strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_owned(),
            )
        })
        .collect();
    let mut remote = HashMap::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(process.join("net").join(table)).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            remote.insert(fields[9].to_owned(), format!("{table} {}", fields[2]));
        }
    }
    sockets
        .iter()
        .filter_map(|socket| remote.get(socket).cloned())
        .collect()
}

/// The form in which `/proc/net/tcp` writes `http://127.0.0.1:5000`.
fn as_in_table(endpoint: &str) -> String {
    let (host, port) = endpoint
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .rsplit_once(':')
        .expect("a host and a port");
    let host: std::net::Ipv4Addr = host.parse().expect("an address");
    let port: u16 = port.parse().expect("a port");
    format!("tcp {:08X}:{port:04X}", u32::from_le_bytes(host.octets()))
}

#[tokio::test]
async fn no_process_is_started_and_nothing_spoken_to_but_aws() {
    // Another endpoint may be anywhere, and is asked for by name.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let world = World::new("e2e-read-only-alone").await;
    let text = edited(&world).await;
    let program = Program::of(&world).with("PATH", "/nonexistent");
    program.write("stacks/dev.yaml", &text);
    let account = as_in_table(endpoint());
    // Closed, or not connected yet.
    let nowhere = "tcp 00000000:0000";
    let mut faults = Vec::new();
    let mut connected = false;
    for (words, status) in READING {
        let mut child = program.start(words);
        // A pipe that is not read would stop it.
        let streams = [
            child.stdout.take().map(drain),
            child.stderr.take().map(drain),
        ];
        let traces = watch(&child);
        for stream in streams.into_iter().flatten() {
            stream.join().expect("the stream is read");
        }
        let ended = child.wait().expect("the program has ended");
        connected |= traces.addresses.contains(&account);
        let elsewhere: Vec<&String> = traces
            .addresses
            .iter()
            .filter(|address| **address != account && *address != nowhere)
            .collect();
        let alone = traces.children.is_empty() && traces.pages_of_children == 0;
        if !alone || !elsewhere.is_empty() || ended.code() != status {
            faults.push(format!("{words:?}: {ended}, {traces:?}"));
        }
    }
    Shown {
        promise: "R16",
        level: "end to end",
        what: "commands that read, watched for processes started and addresses spoken to",
        runs: READING.len(),
        seeds: None,
        failures: faults.len(),
    }
    .tell();
    assert_eq!(faults, [] as [String; 0]);
    assert!(connected, "the watch has seen nothing");
    world.destroy(SHOP).await;
}

/// Texts that look like an order, an address or a file, where a stack file may hold any text.
const ORDERS: &str = "\
topic: { type: aws:sns:Topic, properties: { displayName: '$(touch made)' } }
secret: { type: aws:secretsmanager:Secret, properties: { description: '`touch made`' } }
value: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${secret.arn}', secretString: '|touch made' } }
task:
  type: aws:ecs:TaskDefinition
  properties:
    family: e2e-read-only-orders
    cpu: 256
    memory: 512
    requiresCompatibilities: [FARGATE]
    containerDefinitions:
      - name: web
        image: 127.0.0.1:1/web:1
        command: [sh, -c, touch made]
        environment: [{ name: URL, value: 'http://127.0.0.1:1/' }, { name: FILE, value: '@/etc/passwd' }]
";

/// The author of a stack file has AWS do things, and this machine nothing. No PATH is needed, and no address but AWS's.
#[tokio::test]
async fn what_a_file_says_starts_no_process_and_speaks_to_nothing_but_aws() {
    // Another endpoint may be anywhere, and is asked for by name.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let world = World::new("e2e-read-only-orders").await;
    let program = Program::of(&world).with("PATH", "/nonexistent");
    let both = format!("{SHOP}{}", ORDERS.replace("topic:", "loud:"));
    program.write("stacks/dev.yaml", &world.file(&both));
    let account = as_in_table(endpoint());
    let nowhere = "tcp 00000000:0000";
    let mut faults = Vec::new();
    for (words, expected) in [
        (&["up", STACK, "--yes"][..], true),
        (
            &["destroy", STACK, "--yes", "--allow-delete", "*"][..],
            false,
        ),
    ] {
        let mut child = program.start(words);
        // A pipe that is not read would stop it.
        let streams = [
            child.stdout.take().map(drain),
            child.stderr.take().map(drain),
        ];
        let traces = watch(&child);
        for stream in streams.into_iter().flatten() {
            stream.join().expect("the stream is read");
        }
        let ended = child.wait().expect("the program has ended");
        let mut elsewhere = traces.addresses.iter();
        let is_elsewhere = elsewhere.any(|address| *address != account && address != nowhere);
        let alone = traces.children.is_empty() && traces.pages_of_children == 0;
        let connected = traces.addresses.contains(&account);
        // It has done its work.
        let there = world.sdk.tagged(&world.stack_tag()).await;
        let is_there = there.iter().any(|arn| arn.contains(":sns:"));
        let made = program.directory().join("made").exists();
        let alone = alone && connected && !is_elsewhere && !made;
        if !alone || ended.code() != DONE || is_there != expected {
            faults.push(format!("{words:?}: {ended}, made: {made}, {traces:?}"));
        }
    }
    assert_eq!(faults, [] as [String; 0]);
}

/// The watch sees processes that are started, also those that are gone before it looks.
#[test]
fn the_watch_sees_processes() {
    for script in ["/bin/true; exit 0", "sleep 0.2; exit 0"] {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .spawn()
            .expect("there is a shell");
        let traces = watch(&child);
        child.wait().expect("the shell has ended");
        let seen = !traces.children.is_empty() || traces.pages_of_children > 0;
        assert!(seen, "{script}: {traces:?}");
    }
}

/// Any directory, any home: the plan is the same, and so are the outputs of the stack.
#[tokio::test]
async fn nothing_on_disk_is_needed() {
    let _shown = Showing::of(
        "R2",
        "commands that read, from a used directory and from an empty one with an empty home",
        4,
    );
    let world = World::new("e2e-read-only-disk").await;
    let text = edited(&world).await;
    let used = Program::of(&world);
    used.write("stacks/dev.yaml", &text);
    // Whatever a run might leave, it has left.
    let ended = used.run_words(&["preview", STACK, "--save-plan", "plan.json"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let file = used.directory().join("stacks/dev.yaml");
    let file = file.to_string_lossy().into_owned();
    let empty = std::env::temp_dir().join(format!("fde-infra-empty-{}", std::process::id()));
    fs::create_dir_all(&empty).expect("the directory can be made");
    for words in [
        &["preview", "--json"][..],
        &["preview", "--diff"],
        &["output", "--json"],
        &["output"],
    ] {
        let [command, flags @ ..] = words else {
            unreachable!("there is a command")
        };
        let here = used.run_words(&[&[*command, &file], flags].concat());
        assert_eq!(here.status, DONE, "{}", here.screen);
        let there = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .args([&[*command, &file], flags].concat())
            .current_dir(&empty)
            .env_clear()
            .env("HOME", &empty)
            .env("AWS_ENDPOINT_URL", endpoint())
            .env("AWS_ACCESS_KEY_ID", "somebody")
            .env("AWS_SECRET_ACCESS_KEY", "else")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "80")
            .output()
            .expect("the program ends");
        assert_eq!(there.status.code(), DONE, "{there:?}");
        assert_eq!(
            String::from_utf8_lossy(&there.stdout),
            here.stdout,
            "{words:?}"
        );
        assert_eq!(
            String::from_utf8_lossy(&there.stderr)
                .lines()
                // The line about the account, if it is not AWS's own.
                .filter(|line| !line.starts_with("The endpoint: "))
                .collect::<String>(),
            "",
            "{words:?}"
        );
        let left = fs::read_dir(&empty)
            .expect("the directory is readable")
            .count();
        assert_eq!(left, 0, "{words:?} leaves nothing");
    }
    // There is something to compare.
    let plan = used.run_words(&["preview", &file, "--json"]);
    assert!(plan.stdout.contains("\"update\""), "{}", plan.stdout);
    fs::remove_dir(&empty).expect("the directory is empty");
    world.destroy(SHOP).await;
}
