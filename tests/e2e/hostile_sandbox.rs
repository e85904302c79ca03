//! `--sandbox` where others mean harm: by the working directory, by a shared cache, and from a page in a browser.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::common::commands::{DONE, ERROR, assert_fits};
use crate::common::http;
use crate::common::program::{Ended, Program};
use crate::common::{World, endpoint};

const TOPIC: &str = "topic: { type: aws:sns:Topic }";

/// Another account is under test, and this machine need not have one.
fn elsewhere() -> bool {
    std::env::var_os("AWS_ENDPOINT_URL").is_some()
}

/// The program where nothing but `--sandbox` leads to an account.
fn program(world: &World) -> Program<'_> {
    Program::of(world)
        .without("AWS_ENDPOINT_URL")
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
}

/// A program with these variables, through which the installation that all instances share is found.
fn with_installation<'a>(mut program: Program<'a>, variables: &[&'static str]) -> Program<'a> {
    for variable in variables {
        if let Ok(value) = std::env::var(variable) {
            program = program.with(variable, &value);
        }
    }
    program
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of the test's own")
}

fn directory(path: &Path, mode: u32) {
    fs::create_dir_all(path).expect("the directory can be made");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it belongs to the test");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}

/// An executable script.
fn script(path: &Path, lines: &str) {
    let parent = path.parent().expect("a file stands in a directory");
    fs::create_dir_all(parent).expect("the directory can be made");
    fs::write(path, format!("#!/bin/sh\n{lines}\n")).expect("the script can be written");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("it belongs to the test");
}

/// A Python 3.12 that can do nothing else, and a uv that installs nothing. Each run is logged with its directory and its
/// variables.
fn tools(bin: &Path, log: &Path) {
    let record = |name: &str| {
        format!(
            "{{ echo \"== {name} $*\"; pwd; export -p; }} >>'{}'",
            log.display()
        )
    };
    let python = "case \"$*\" in *version_info*) echo 3.12 ;; *) exit 1 ;; esac";
    let uv = "case \"$*\" in *' install '*) exit 1 ;; esac";
    script(
        &bin.join("python3"),
        &format!("{}\n{python}", record("python3")),
    );
    script(&bin.join("uv"), &format!("{}\n{uv}", record("uv")));
}

/// Places modules and programs that leave a mark when they are run.
fn plant(directory: &Path, mark: &Path) {
    let module = format!(
        "with open({:?}, 'a') as mark:\n    print(__name__, file=mark)\n",
        text(mark)
    );
    for name in [
        "ensurepip",
        "guard",
        "json",
        "pip",
        "sitecustomize",
        "usercustomize",
        "venv",
        "wire",
    ] {
        fs::write(directory.join(format!("{name}.py")), &module).expect("it can be written");
    }
    for name in ["python", "python3", "python3.12", "uv"] {
        script(
            &directory.join(name),
            &format!("echo \"$0\" >>'{}'", mark.display()),
        );
    }
    let index = "[[index]]\nurl = \"http://127.0.0.1:1/\"\ndefault = true\n";
    fs::write(directory.join("uv.toml"), index).expect("it can be written");
    fs::write(
        directory.join("pyproject.toml"),
        "[tool.uv]\nindex-url = \"http://127.0.0.1:1/\"\n",
    )
    .expect("it can be written");
}

/// The marks of the modules and programs that have been run.
fn traces(mark: &Path) -> String {
    fs::read_to_string(mark).unwrap_or_default()
}

/// The first run installs, and later ones start the account: neither runs anything that lies where the user stands.
#[tokio::test]
async fn the_working_directory_is_not_run() {
    if elsewhere() {
        return;
    }
    let world = World::new("e2e-hostile-directory").await;
    let program = program(&world);
    let here = program.directory().to_owned();
    let mark = here.join("was-run");
    plant(&here, &mark);
    let path = std::env::var("PATH").expect("the tests have a PATH");
    let program = program
        .with("PATH", &format!(".::{path}"))
        .with("PYTHONPATH", text(&here))
        .with("PYTHONSTARTUP", text(&here.join("venv.py")))
        .with("FDE_INFRA_SANDBOX_NAME", "e2e-hostile-directory")
        // Nothing can be installed: what counts is what was run until then.
        .with("PIP_NO_INDEX", "1")
        .with("UV_NO_INDEX", "1")
        .with("UV_OFFLINE", "1")
        .with("HOME", text(&here.join("home")))
        .with("FDE_INFRA_SANDBOX_DIR", text(&here.join("sandbox")));
    let install = program.run(TOPIC, "preview", &["--sandbox"]);
    assert_eq!(traces(&mark), "", "{}", install.screen);
    assert_eq!(install.status, ERROR, "{}", install.screen);
    assert!(
        install.stderr.contains("could not install"),
        "{}",
        install.screen
    );

    let program = program.without("HOME").without("FDE_INFRA_SANDBOX_DIR");
    let program = with_installation(
        program,
        &["HOME", "XDG_CACHE_HOME", "FDE_INFRA_SANDBOX_DIR"],
    );
    program.run_words(&["sandbox", "stop"]);
    let start = program.run(TOPIC, "preview", &["--sandbox"]);
    let stop = program.run_words(&["sandbox", "stop"]);
    assert_eq!(traces(&mark), "", "{}", start.screen);
    assert_eq!(start.status, DONE, "{}", start.screen);
    assert_eq!(stop.status, DONE, "{}", stop.screen);
}

/// Each program starts in a directory where no settings lie, isolated, with no more variables than it needs, and
/// installs nothing that is not listed. The user's own index, proxy and certificates are passed on.
#[tokio::test]
async fn programs_start_elsewhere_with_few_variables() {
    if elsewhere() {
        return;
    }
    let world = World::new("e2e-hostile-variables").await;
    let program = program(&world);
    let here = program.directory().to_owned();
    let (bin, log) = (here.join("bin"), here.join("log"));
    tools(&bin, &log);
    let value = "http://127.0.0.1:1";
    let kept = [
        "HTTPS_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "PIP_CERT",
        "PIP_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_INTERNAL_PASSWORD",
    ];
    let dropped = [
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "VIRTUAL_ENV",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_USER",
        "UV_CONFIG_FILE",
        "UV_PROJECT",
        "PYENV_DIR",
        "GITHUB_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_EC2_METADATA_DISABLED",
        "FDE_INFRA_SANDBOX_DIR",
    ];
    let mut program = program;
    for name in kept.into_iter().chain(dropped) {
        program = program.with(name, value);
    }
    let program = program
        .with("PATH", text(&bin))
        .with("HOME", text(&here.join("home")))
        .with("FDE_INFRA_SANDBOX_DIR", text(&here.join("sandbox")));
    let by_uv = program.run(TOPIC, "preview", &["--sandbox"]);
    fs::remove_file(bin.join("uv")).expect("it was there");
    let by_pip = program.run(TOPIC, "preview", &["--sandbox"]);
    for ended in [&by_uv, &by_pip] {
        assert_eq!(ended.status, ERROR, "{}", ended.screen);
        assert!(
            ended.stderr.contains("could not install"),
            "{}",
            ended.screen
        );
    }

    let log = fs::read_to_string(&log).expect("the programs were run");
    let mut installs = Vec::new();
    for run in log.split("== ").skip(1) {
        let mut lines = run.lines();
        let (words, place) = (lines.next().unwrap(), lines.next().unwrap());
        let isolated = ["python3 -I ", "uv --no-config "];
        assert!(
            isolated.iter().any(|start| words.starts_with(start)),
            "{run}"
        );
        assert_eq!(place, "/", "{words}");
        let variables: Vec<&str> = lines.collect();
        let has = |name: &str| {
            let name = format!(" {name}=");
            variables.iter().any(|line| line.contains(&name))
        };
        for name in dropped {
            assert!(!has(name), "{words}: {name}");
        }
        if !words.contains("version_info") {
            for name in kept {
                assert!(has(name), "{words}: {name}");
            }
        }
        if words.contains(" install ") {
            assert!(
                words.contains(" --require-hashes --only-binary :all: "),
                "{words}"
            );
            installs.push(words);
        }
    }
    assert!(installs[0].starts_with("uv "), "{installs:?}");
    assert!(installs[1].contains(" -m pip "), "{installs:?}");
}

/// The directory of the environment that the program would look for, with a Python 3.12.
fn environment(root: &Path) -> PathBuf {
    let requirements = include_str!("../../src/sandbox/requirements.txt");
    let digest = Sha256::digest(requirements.as_bytes());
    let digest: &[u8] = &digest;
    let version: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    root.join("environments")
        .join(format!("{version}-python3_12"))
}

fn assert_refused(ended: &Ended, reason: &str) {
    assert_eq!(ended.status, ERROR, "{}", ended.screen);
    assert!(ended.stderr.contains(reason), "{}", ended.screen);
    assert!(
        ended.stderr.contains("set FDE_INFRA_SANDBOX_DIR"),
        "{}",
        ended.screen
    );
    assert_fits(ended);
}

/// A cache that other users can write may hold their Python, or lead to their account.
#[tokio::test]
async fn a_shared_cache_runs_nothing_of_other_users() {
    if elsewhere() {
        return;
    }
    let world = World::new("e2e-hostile-cache").await;
    let program = program(&world);
    let here = program.directory().to_owned();
    let (bin, log, mark) = (here.join("bin"), here.join("log"), here.join("was-run"));
    tools(&bin, &log);
    let root = here.join("cache");
    let program = program
        .with("PATH", text(&bin))
        .with("HOME", text(&here.join("home")))
        .with("FDE_INFRA_SANDBOX_DIR", text(&root));

    let environments = root.join("environments");
    script(
        &environment(&root).join("venv/bin/python"),
        &format!("echo \"$0\" >>'{}'", mark.display()),
    );
    directory(&environments, 0o777);
    let written = program.run(TOPIC, "preview", &["--sandbox"]);
    assert_eq!(traces(&mark), "", "{}", written.screen);
    assert_refused(&written, "other users can write to it");

    // The account of the tests, as another user's would be: on record, and answering.
    let status = http::get(endpoint(), "/_account/status");
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let (_, port) = endpoint().rsplit_once(':').expect("an address with a port");
    let instance = root.join("instances/default");
    directory(&instance, 0o777);
    fs::write(
        instance.join("account.json"),
        format!(
            r#"{{"pid":{},"port":{}}}"#,
            status["pid"],
            port.trim_end_matches('/')
        ),
    )
    .expect("the record can be written");
    let recorded = program.run_words(&["sandbox", "status"]);
    assert_refused(&recorded, "other users can write to it");

    // Only root can give a directory away.
    directory(&instance, 0o700);
    if std::os::unix::fs::chown(&root, Some(65_534), None).is_ok() {
        let foreign = program.run_words(&["sandbox", "status"]);
        assert_refused(&foreign, "it belongs to another user");
    }
}

/// Directories are made for one user alone, and those of earlier versions become so.
#[tokio::test]
async fn directories_are_for_one_user() {
    if elsewhere() {
        return;
    }
    let world = World::new("e2e-hostile-private").await;
    let program = program(&world);
    let here = program.directory().to_owned();
    tools(&here.join("bin"), &here.join("log"));
    let root = here.join("cache");
    directory(&root.join("environments"), 0o755);
    let program = program
        .with("PATH", text(&here.join("bin")))
        .with("HOME", text(&here.join("home")))
        .with("FDE_INFRA_SANDBOX_DIR", text(&root));
    let ended = program.run(TOPIC, "preview", &["--sandbox"]);
    assert!(
        ended.stderr.contains("could not install"),
        "{}",
        ended.screen
    );
    for path in ["environments", "instances", "instances/default"] {
        assert_eq!(mode(&root.join(path)), 0o700, "{path}");
    }
}

/// The status of the account's answer to a request with this first line and these headers.
fn answered(first: &str, headers: &str) -> String {
    let address = endpoint()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let status = answered_at(address, first, headers);
    assert_ne!(status, "", "the account answers");
    status
}

/// The same, of what listens at an address; nothing if it hangs up.
fn answered_at(address: &str, first: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the account listens");
    let head = format!("{first}\r\n{headers}Connection: close\r\n\r\n");
    let mut answer = String::new();
    let exchanged = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.read_to_string(&mut answer));
    match exchanged {
        Ok(_) => answer.split(' ').nth(1).unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    }
}

/// A page of any site can send requests to a loopback port, and read the answers after DNS rebinding.
#[tokio::test]
async fn the_account_answers_no_page_in_a_browser() {
    if elsewhere() {
        return;
    }
    let address = endpoint()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let (_, port) = address.rsplit_once(':').expect("an address with a port");
    let status = "GET /_account/status HTTP/1.1";
    let host = format!("Host: {address}\r\n");

    for name in [
        address.to_owned(),
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
        format!("a-bucket.localhost:{port}"),
        // Through a forwarded port.
        "127.0.0.1:1".to_owned(),
        "localhost".to_owned(),
    ] {
        assert_eq!(
            answered(status, &format!("Host: {name}\r\n")),
            "200",
            "{name}"
        );
    }
    let typed = format!("{host}Sec-Fetch-Site: none\r\n");
    assert_eq!(answered(status, &typed), "200");

    for name in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("evil.example@{address}"),
        String::new(),
    ] {
        assert_eq!(
            answered(status, &format!("Host: {name}\r\n")),
            "403",
            "{name}"
        );
    }
    assert_eq!(answered("GET /_account/status HTTP/1.0", ""), "403");
    let absolute = format!("GET http://evil.example:{port}/_account/status HTTP/1.1");
    assert_eq!(answered(&absolute, &host), "403");
    for header in [
        "Origin: http://evil.example",
        "Origin: http://localhost:3000",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        let headers = format!("{host}{header}\r\n");
        assert_eq!(answered(status, &headers), "403", "{header}");
        // An AWS call, which reads, and the question whether a page may make it.
        assert_eq!(answered("GET / HTTP/1.1", &headers), "403", "{header}");
        assert_eq!(answered("OPTIONS / HTTP/1.1", &headers), "403", "{header}");
    }
}

/// moto has control pages of its own, one of which shows all that there is; and a request has a size.
#[tokio::test]
async fn the_account_has_no_other_door() {
    if elsewhere() {
        return;
    }
    let address = endpoint()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let host = format!("Host: {address}\r\n");
    for path in [
        "/moto-api/",
        "/moto-api/data.json",
        "//moto-api/data.json",
        "/%6doto-api/data.json",
        "/moto-api/config",
    ] {
        assert_eq!(
            answered(&format!("GET {path} HTTP/1.1"), &host),
            "403",
            "{path}"
        );
    }
    for (length, expected) in [("1000000000000", "413"), ("-1", "400"), ("many", "400")] {
        let headers = format!("{host}Content-Length: {length}\r\n");
        let put = "PUT /a-bucket/key HTTP/1.1";
        assert_eq!(answered(put, &headers), expected, "{length}");
    }
}

/// The most time that an instant operation may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let asked = Instant::now();
    while !is_so() {
        assert!(asked.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

/// An account of a test's own, which is running.
struct Account<'a> {
    program: Program<'a>,
    /// `account.json`
    record: PathBuf,
    endpoint: String,
}

impl Account<'_> {
    /// The record of the account, such as the process.
    fn recorded(&self) -> Json {
        let text = fs::read_to_string(&self.record).expect("there is a record");
        serde_json::from_str(&text).expect("the record is JSON")
    }
}

fn account<'a>(world: &'a World, instance: &str) -> Account<'a> {
    let variables = ["HOME", "PATH", "XDG_CACHE_HOME", "FDE_INFRA_SANDBOX_DIR"];
    let program = program(world).with("FDE_INFRA_SANDBOX_NAME", instance);
    let program = with_installation(program, &variables);
    // A leftover of a run that died here.
    program.run_words(&["sandbox", "stop"]);
    let started = program.run(TOPIC, "preview", &["--sandbox"]);
    assert_eq!(started.status, DONE, "{}", started.screen);
    let status = program.run_words(&["sandbox", "status"]);
    let word = |is_it: &dyn Fn(&str) -> bool| {
        let mut words = status.stdout.split_whitespace();
        let found = words.find(|word| is_it(word));
        found
            .unwrap_or_else(|| panic!("{}", status.screen))
            .to_owned()
    };
    let log = word(&|word| word.ends_with("/account.log"));
    Account {
        record: Path::new(&log).with_file_name("account.json"),
        endpoint: word(&|word| word.starts_with("http://")),
        program,
    }
}

fn status_of(endpoint: &str) -> Json {
    serde_json::from_str(&http::get(endpoint, "/_account/status")).expect("JSON")
}

/// A second account with the same content.
fn fork(endpoint: &str) -> String {
    let answer: Json = serde_json::from_str(&http::post(endpoint, "/_account/fork")).expect("JSON");
    format!("http://127.0.0.1:{}", answer["port"])
}

fn host(endpoint: &str) -> &str {
    endpoint.trim_start_matches("http://")
}

/// Reads the head of a request, answers with what a fork of the account says to it, under the process number on record, and
/// writes down what it heard.
fn impersonate(mut client: TcpStream, fork: &str, pid: &Json, heard: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read > 0) {
        head.extend(byte);
    }
    heard
        .lock()
        .expect("no thread has panicked")
        .push(String::from_utf8_lossy(&head).into_owned());
    let mut answer = String::new();
    let mut passed_on = TcpStream::connect(host(fork)).expect("the fork listens");
    passed_on.write_all(&head).expect("the request is sent");
    passed_on.read_to_string(&mut answer).expect("an answer");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let mut status: Json = serde_json::from_str(body).unwrap_or_default();
    status["pid"] = pid.clone();
    let body = status.to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // The program may have heard enough.
    drop(client.write_all(answer.as_bytes()));
}

/// Once an account has ended, any user of the machine can listen on its port, and `ps` has shown its process number. That
/// server may pass the question on to a fork that goes on, and that has the account's memory.
#[tokio::test]
async fn what_answers_in_place_of_an_account_is_not_believed() {
    if elsewhere() {
        return;
    }
    let world = World::new("e2e-hostile-place").await;
    let account = account(&world, "e2e-hostile-place");
    let program = &account.program;
    let record = account.recorded();
    let token = record["token"].as_str().expect("a token").to_owned();
    assert_eq!(token.len(), 64);
    assert_eq!(mode(&account.record), 0o600);
    let log = account.record.with_file_name("account.log");
    let log = fs::read_to_string(log).expect("there is a log");
    assert!(!log.contains(&token), "the log has it");
    // The command line that `ps` shows, where there is such a file.
    if let Ok(line) = fs::read(format!("/proc/{}/cmdline", record["pid"])) {
        assert!(!String::from_utf8_lossy(&line).contains(&token));
    }
    let fork = fork(&account.endpoint);
    let stopped = program.run_words(&["sandbox", "stop"]);
    assert_eq!(stopped.status, DONE, "{}", stopped.screen);
    // The record is still there.
    assert_eq!(account.recorded(), record);

    let mut taken = None;
    let asked = Instant::now();
    while taken.is_none() {
        assert!(asked.elapsed() < PATIENCE, "the port is not free");
        taken = TcpListener::bind(host(&account.endpoint)).ok();
    }
    let listener = taken.expect("it was taken");
    let heard = Arc::new(Mutex::new(Vec::new()));
    {
        let (fork, pid, heard) = (fork.clone(), record["pid"].clone(), Arc::clone(&heard));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                impersonate(client, &fork, &pid, &heard);
            }
        });
    }
    for words in [
        ["sandbox", "status"],
        ["sandbox", "reset"],
        ["sandbox", "stop"],
    ] {
        let ended = program.run_words(&words);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert!(ended.stdout.contains("not running"), "{}", ended.screen);
    }
    let again = program.run(TOPIC, "preview", &["--sandbox"]);
    assert_eq!(again.status, DONE, "{}", again.screen);
    assert!(
        again.stderr.contains("starting the local account"),
        "{}",
        again.screen
    );
    assert_ne!(account.recorded()["port"], record["port"]);
    let heard = heard.lock().expect("no thread has panicked").clone();
    assert!(!heard.is_empty());
    for request in heard {
        assert!(
            request.starts_with("GET /_account/status?prove="),
            "{request}"
        );
        assert!(!request.contains(&token), "{request}");
    }
    let stopped = program.run_words(&["sandbox", "stop"]);
    assert_eq!(stopped.status, DONE, "{}", stopped.screen);
    http::tell(&fork, "/_account/stop");
}

/// Programs of other users can connect, too, and a fork is a process.
#[tokio::test]
async fn forks_and_connections_have_bounds() {
    const CONNECTIONS: usize = 8;
    if elsewhere() {
        return;
    }
    let world = World::new("e2e-hostile-bounds").await;
    let account = account(&world, "e2e-hostile-bounds");
    let endpoint = &account.endpoint;
    let bounds = || status_of(endpoint)["bounds"].clone();
    assert_eq!(bounds(), json!({ "connections": 512, "forks": 256 }));

    // Fewer, so that they are reached: bounds can be lowered, and not raised.
    http::post(endpoint, "/_account/bounds?forks=2&connections=9999");
    assert_eq!(bounds(), json!({ "connections": 512, "forks": 2 }));
    let first = fork(endpoint);
    let of_fork = fork(&first);
    for asked in [endpoint, &first, &of_fork] {
        let headers = format!("Host: {}\r\nContent-Length: 0\r\n", host(asked));
        let refused = answered_at(host(asked), "POST /_account/fork HTTP/1.1", &headers);
        assert_eq!(refused, "429", "{asked}");
    }
    // One that has ended makes room.
    http::tell(&of_fork, "/_account/stop");
    until("the fork ends", || {
        TcpStream::connect(host(&of_fork)).is_err()
    });
    let third = fork(endpoint);
    http::tell(&first, "/_account/stop");
    http::tell(&third, "/_account/stop");

    http::post(
        endpoint,
        &format!("/_account/bounds?connections={CONNECTIONS}"),
    );
    let connect = || {
        let stream = TcpStream::connect(host(endpoint)).expect("the account listens");
        stream
            .set_nonblocking(true)
            .expect("a socket can be told so");
        stream
    };
    // More than may be, and none says anything: those beyond the bound are hung up on.
    let open: Vec<TcpStream> = (0..3 * CONNECTIONS).map(|_| connect()).collect();
    let is_closed = |stream: &&TcpStream| match stream.peek(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    let closed = || open.iter().filter(is_closed).count();
    until("connections are refused", || closed() >= 2 * CONNECTIONS);
    // The request that has set the bound may have been there still.
    assert!(closed() <= 2 * CONNECTIONS + 1, "{}", closed());
    let headers = format!("Host: {}\r\n", host(endpoint));
    let status = || answered_at(host(endpoint), "GET /_account/status HTTP/1.1", &headers);
    drop(open);
    until("there is room for a request", || status() == "200");
    let stopped = account.program.run_words(&["sandbox", "stop"]);
    assert_eq!(stopped.status, DONE, "{}", stopped.screen);
}
