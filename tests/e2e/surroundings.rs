//! The environment, and the meaning of its silence: empty variables, proxies, certificates, endpoints.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use clap::CommandFactory;
use expect_test::expect_file;
use fde_infra::cli::Cli;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::common::commands::{DONE, USAGE, assert_fits, screens};
use crate::common::program::{Ended, Program, STACK};
use crate::common::{World, endpoint};

const TOPIC: &str = "topic: { type: aws:sns:Topic }";

/// An address without a listener.
const NOWHERE: &str = "http://127.0.0.1:1";

/// The variable of every flag, as clap has them.
fn twins() -> Vec<String> {
    fn add(command: &clap::Command, twins: &mut Vec<String>) {
        let variables = command
            .get_arguments()
            .filter_map(|argument| argument.get_env());
        twins.extend(variables.map(|variable| variable.to_string_lossy().into_owned()));
        for inner in command.get_subcommands() {
            add(inner, twins);
        }
    }
    let mut twins = Vec::new();
    add(&Cli::command(), &mut twins);
    twins.sort();
    twins.dedup();
    twins
}

#[tokio::test]
async fn an_empty_variable_of_a_flag_is_no_variable() {
    let world = World::new("e2e-empty-flags").await;
    let twins = twins();
    assert!(twins.len() > 20, "{twins:?}");
    let commands: [&[&str]; 6] = [
        &["validate", STACK],
        &["preview", STACK],
        &["up", STACK, "--yes"],
        &["output", STACK],
        &["destroy", STACK, "--yes"],
        &["schema"],
    ];
    let plain = Program::of(&world);
    plain.write("stacks/dev.yaml", &world.file(TOPIC));
    let expected: Vec<Ended> = commands
        .iter()
        .map(|words| plain.run_words(words))
        .collect();
    let all = twins.iter().fold(Program::of(&world), |program, twin| {
        program.with(String::leak(twin.clone()), "")
    });
    for (words, expected) in commands.iter().zip(&expected) {
        assert_eq!(expected.status, DONE, "{}", expected.screen);
        assert_eq!(all.run_words(words).screen, expected.screen);
    }
    // Each by itself, so that none is saved by another.
    for twin in &twins {
        let one = Program::of(&world).with(String::leak(twin.clone()), "");
        let ended = one.run(TOPIC, "validate", &[]);
        assert_eq!(ended.screen, expected[0].screen, "{twin}");
    }
}

/// A variable that was passed over would let a run do what it was to prevent.
#[tokio::test]
async fn a_variable_that_is_nearly_one_of_ours_is_no_variable() {
    let world = World::new("e2e-misspelt-variable").await;
    for (name, meant) in [
        ("FDE_INFRA_EXCLUDES", "FDE_INFRA_EXCLUDE"),
        ("FDE_INFRA_TRAGET", "FDE_INFRA_TARGET"),
        ("FDE_INFRA_ALLOWDELETE", "FDE_INFRA_ALLOW_DELETE"),
    ] {
        let program = Program::of(&world).with(name, "topic");
        let ended = program.run(TOPIC, "destroy", &["--yes"]);
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        let said = format!("did you mean `{meant}`");
        assert!(ended.stderr.contains(&said), "{}", ended.screen);
    }
    // Others may have theirs.
    let program = Program::of(&world).with("FDE_INFRA_CUSTOMER", "x");
    let ended = program.run(TOPIC, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}

/// The variables that the SDK reads, and those that say which CI system this is.
#[tokio::test]
async fn an_empty_variable_of_others_is_no_variable() {
    let world = World::new("e2e-empty-others").await;
    let plain = Program::of(&world);
    let expected = plain.run(TOPIC, "preview", &[]);
    assert_eq!(expected.status, DONE, "{}", expected.screen);
    for name in [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_SNS",
        "AWS_ENDPOINT_URL_STS",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_CA_BUNDLE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_MAX_ATTEMPTS",
        "HTTP_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "NO_PROXY",
        "CI",
        "GITHUB_ACTIONS",
        "FDE_INFRA_SANDBOX_DIR",
        "FDE_INFRA_SANDBOX_NAME",
    ] {
        let ended = Program::of(&world)
            .with(name, "")
            .run(TOPIC, "preview", &[]);
        assert_eq!(ended.screen, expected.screen, "{name}");
    }
    // Without credentials elsewhere, a profile without a name would be looked for.
    let bare = |profile: bool| {
        let program = Program::of(&world)
            .without("AWS_ACCESS_KEY_ID")
            .without("AWS_SECRET_ACCESS_KEY");
        let program = if profile {
            program.with("AWS_PROFILE", "")
        } else {
            program
        };
        program.run(TOPIC, "preview", &[]).screen
    };
    assert_eq!(bare(true), bare(false));
}

/// Answers everything with a refusal, and keeps the first line of what it was asked.
pub fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = format!(
        "http://{}",
        listener.local_addr().expect("it has an address")
    );
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.expect("a client is connected");
            let mut head = [0; 4096];
            let length = client.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let line = head.lines().next().unwrap_or_default().to_owned();
            hears.lock().expect("nobody panics with it").push(line);
            let answer = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(client.write_all(answer.as_bytes()));
        }
    });
    (address, heard)
}

#[tokio::test]
async fn loopback_needs_no_proxy_and_the_rest_does() {
    let world = World::new("e2e-loopback").await;
    let local = endpoint().replace("127.0.0.1", "localhost");
    for (variable, address) in [
        ("HTTP_PROXY", endpoint()),
        ("http_proxy", endpoint()),
        ("ALL_PROXY", endpoint()),
        ("all_proxy", local.as_str()),
        ("HTTP_PROXY", local.as_str()),
    ] {
        let program = Program::of(&world)
            .without("AWS_ENDPOINT_URL")
            .with(variable, NOWHERE);
        let ended = program.run(TOPIC, "preview", &["--endpoint-url", address]);
        assert_eq!(ended.status, DONE, "{variable} {address}\n{}", ended.screen);
    }
    let (address, heard) = proxy();
    let program = |exempt: &str| {
        Program::of(&world)
            .without("AWS_ENDPOINT_URL")
            .with("HTTP_PROXY", &address)
            .with("NO_PROXY", exempt)
    };
    // A command whose first call is on its way alone.
    let elsewhere = ["--endpoint-url", "http://account.invalid"];
    let ended = program("other.invalid").run(TOPIC, "output", &elsewhere);
    assert_ne!(ended.status, DONE, "{}", ended.screen);
    let lines = heard.lock().expect("nobody panics with it").clone();
    assert_eq!(
        lines.first().map(String::as_str),
        Some("POST http://account.invalid/ HTTP/1.1"),
        "{lines:?}"
    );
    // Exempt, it is looked for without the proxy.
    let ended = program("account.invalid").run(TOPIC, "output", &elsewhere);
    assert_ne!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(*heard.lock().expect("nobody panics with it"), lines);
}

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/tls/authority.pem");

/// The account behind TLS, with a certificate that only our own authority vouches for: as with a proxy that opens
/// connections.
fn behind_tls() -> String {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions are known")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.expect("a certificate")],
            key.expect("a key"),
        )
        .expect("the key is the certificate's");
    let configuration = Arc::new(configuration);
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it has an address").port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a client is connected");
            let configuration = Arc::clone(&configuration);
            thread::spawn(move || pass_on(client, configuration));
        }
    });
    format!("https://localhost:{port}")
}

/// One request there, and its answer back.
fn pass_on(client: TcpStream, configuration: Arc<ServerConfig>) -> Option<()> {
    let connection = ServerConnection::new(configuration).ok()?;
    let mut client = StreamOwned::new(connection, client);
    let mut request = Vec::new();
    let mut part = [0; 8192];
    let (head, length) = loop {
        let read = client.read(&mut part).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().ok())?
            });
            break (head.len() + 4, length.unwrap_or(0));
        }
    };
    while request.len() < head + length {
        let read = client.read(&mut part).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&part[..read]);
    }
    let mut account = TcpStream::connect(endpoint().trim_start_matches("http://")).ok()?;
    let line_end = request.windows(2).position(|window| window == b"\r\n")? + 2;
    account.write_all(&request[..line_end]).ok()?;
    account.write_all(b"connection: close\r\n").ok()?;
    account.write_all(&request[line_end..]).ok()?;
    let mut answer = Vec::new();
    account.read_to_end(&mut answer).ok()?;
    client.write_all(&answer).ok()?;
    client.conn.send_close_notify();
    client.flush().ok()
}

#[tokio::test]
async fn the_certificates_that_the_environment_or_the_profile_names_are_trusted() {
    let world = World::new("e2e-certificates").await;
    let address = behind_tls();
    let program = || Program::of(&world).with("AWS_ENDPOINT_URL", &address);
    let unknown = program().run(TOPIC, "preview", &[]);
    let trusted = program()
        .with("AWS_CA_BUNDLE", AUTHORITY)
        .run(TOPIC, "preview", &[]);
    assert_eq!(trusted.status, DONE, "{}", trusted.screen);
    let by_profile = |bundle: &str| {
        let program = program()
            .with("AWS_CONFIG_FILE", "aws-config")
            .with("AWS_PROFILE", "behind");
        program.write(
            "aws-config",
            &format!("[profile behind]\nca_bundle = {bundle}\n"),
        );
        program
    };
    let trusted = by_profile(AUTHORITY).run(TOPIC, "preview", &[]);
    assert_eq!(trusted.status, DONE, "{}", trusted.screen);
    // The environment wins.
    let trusted = by_profile("/nowhere.pem")
        .with("AWS_CA_BUNDLE", AUTHORITY)
        .run(TOPIC, "preview", &[]);
    assert_eq!(trusted.status, DONE, "{}", trusted.screen);

    let missing = program()
        .with("AWS_CA_BUNDLE", "/nowhere.pem")
        .run(TOPIC, "preview", &[]);
    let other = by_profile("aws-config").run(TOPIC, "preview", &[]);
    for ended in [&missing, &other] {
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert_eq!(ended.calls, [] as [String; 0]);
        assert_fits(ended);
    }
    // A pipe without a writer would be waited for, and a device has no end.
    for (file, said) in [
        ("pipe.pem", "is not a regular file"),
        ("/dev/zero", "is not a regular file"),
        ("long.pem", "is longer than 4 MiB"),
    ] {
        for by_profile_too in [false, true] {
            let program = if by_profile_too {
                by_profile(file)
            } else {
                program().with("AWS_CA_BUNDLE", file)
            };
            let pipe = program.directory().join("pipe.pem");
            let made = std::process::Command::new("mkfifo").arg(pipe).status();
            assert!(made.is_ok_and(|status| status.success()));
            program.write("long.pem", &"#".repeat((4 << 20) + 1));
            let ended = program.run(TOPIC, "preview", &[]);
            assert_eq!(ended.status, USAGE, "{}", ended.screen);
            assert!(ended.stderr.contains(said), "{}", ended.screen);
            assert_eq!(ended.calls, [] as [String; 0]);
        }
    }
    assert!(
        unknown.stderr.contains("AWS_CA_BUNDLE"),
        "{}",
        unknown.screen
    );
    let text = screens(&[unknown, missing, other]);
    let port = address.rsplit(':').next().expect("a port");
    expect_file!["../snapshots/failures/certificates.txt"].assert_eq(&text.replace(port, "[port]"));
}

/// S3 in a place of its own has no subdomains there either.
#[tokio::test]
async fn a_service_with_an_endpoint_of_its_own_is_called_there() {
    let world = World::new("e2e-own-endpoint").await;
    let account = std::env::var_os("AWS_ENDPOINT_URL").is_some();
    let bucket = "store: { type: aws:s3:Bucket, properties: { bucket: e2e-own-endpoint } }";
    let services = [
        "APPLICATION_AUTO_SCALING",
        "CLOUDWATCH",
        "CLOUDWATCH_LOGS",
        "EC2",
        "ECR",
        "ECS",
        "ELASTIC_LOAD_BALANCING_V2",
        "IAM",
        "RDS",
        "RESOURCE_GROUPS_TAGGING_API",
        "S3",
        "SECRETS_MANAGER",
        "SNS",
        "SSM",
        "STS",
        "WAFV2",
    ];
    let mut program = Program::of(&world).without("AWS_ENDPOINT_URL");
    for service in services {
        let name: &'static str = String::leak(format!("AWS_ENDPOINT_URL_{service}"));
        program = program.with(name, &endpoint().replace("127.0.0.1", "localhost"));
    }
    let up = program.run(bucket, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    if !account {
        assert!(
            up.calls.iter().any(|call| call == "s3:CreateBucket"),
            "{:?}",
            up.calls
        );
    }
    let head = world.sdk.s3.head_bucket().bucket("e2e-own-endpoint").send();
    head.await.expect("the bucket is there");
    let down = program.run(bucket, "destroy", &["--yes", "--allow-delete", "store"]);
    assert_eq!(down.status, DONE, "{}", down.screen);
}
