//! The image of `.github/Dockerfile`: what it may be made of, and what its first stage does with the archives of a release.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use super::repository::project;
use super::runner::Repository;

const DOCKERFILE: &str = ".github/Dockerfile";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The instructions of the file, each on one line, without comments.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(project(DOCKERFILE)).expect("readable");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let words = text.lines().filter_map(|line| line.split_once(' '));
    let words = words.map(|(name, rest)| {
        let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        (name.to_owned(), rest)
    });
    words.collect()
}

/// The instructions of the last stage, which are all that is left of it.
fn last_stage() -> Vec<(String, String)> {
    let all = instructions();
    let last = all.iter().rposition(|(name, _)| name == "FROM");
    all[last.expect("a stage")..].to_vec()
}

fn value(stage: &[(String, String)], name: &str) -> String {
    let mut of = stage.iter().filter(|(it, _)| it == name);
    let (Some((_, value)), None) = (of.next(), of.next()) else {
        panic!("{name} stands once: {stage:?}");
    };
    value.clone()
}

#[test]
fn every_base_is_pinned() {
    let all = instructions();
    let bases: Vec<&str> = all
        .iter()
        .filter(|(name, _)| name == "FROM")
        .map(|(_, rest)| {
            let mut words = rest.split(' ').filter(|word| !word.starts_with("--"));
            words.next().expect("a base")
        })
        .collect();
    let (last, others) = bases.split_last().expect("stages");
    assert_eq!(*last, "scratch");
    for base in others {
        let (name, digest) = base.split_once("@sha256:").expect("a digest");
        assert!(name.contains(':'), "{base} says no version");
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_digest, "{base}");
    }
}

#[test]
fn the_program_is_alone_and_has_no_rights() {
    let stage = last_stage();
    // Nothing is run to make it, so that it has what is copied and nothing else.
    for (name, rest) in &stage {
        assert!(
            name != "RUN" && name != "ADD" && name != "CMD",
            "{name} {rest}"
        );
    }
    let copied: Vec<&str> = stage
        .iter()
        .filter(|(name, _)| name == "COPY")
        .filter_map(|(_, rest)| rest.split(' ').next_back())
        .collect();
    // Without the certificates no call to AWS is made.
    assert_eq!(
        copied,
        [
            "/etc/ssl/certs/ca-certificates.crt",
            "/usr/local/bin/fde-infra"
        ]
    );
    assert_eq!(
        value(&stage, "ENTRYPOINT"),
        "[\"/usr/local/bin/fde-infra\"]"
    );
    // By number: there is no file of users.
    let user = value(&stage, "USER");
    let ids = user.split(':').map(str::parse::<u32>);
    let ids: Vec<u32> = ids.collect::<Result<_, _>>().expect("numbers");
    assert!(ids.len() == 2 && ids.iter().all(|id| *id >= 1000), "{user}");
}

#[test]
fn no_secret_is_part_of_it() {
    for (name, rest) in instructions() {
        let rest = rest.to_ascii_uppercase();
        for word in [
            "SECRET",
            "TOKEN",
            "PASSWORD",
            "AWS_",
            "ACCESS_KEY",
            "ID_RSA",
        ] {
            assert!(!rest.contains(word), "{name} {rest}");
        }
        if name == "ARG" || name == "ENV" {
            let known = ["VERSION", "TARGETARCH", "HOME=/HOME/NONROOT"];
            assert!(known.contains(&rest.as_str()), "{name} {rest}");
        }
    }
}

fn sum(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs what the first stage runs, in a directory with its context.
fn unpack(directory: &Path, processor: &str) -> (bool, String) {
    let _ = fs::remove_file(directory.join("fde-infra"));
    let script = value(&instructions(), "RUN");
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(directory)
        .env("VERSION", VERSION)
        .env("TARGETARCH", processor)
        .output()
        .expect("there is bash");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn the_archive_of_the_processor_is_checked_and_unpacked() {
    let repository = Repository::new("image", &[]);
    let directory = repository.directory.join("context");
    fs::create_dir_all(&directory).expect("a directory");
    let archive = |target: &str| format!("fde-infra-{VERSION}-{target}.tar.gz");
    let targets = [
        ("amd64", "x86_64-unknown-linux-musl"),
        ("arm64", "aarch64-unknown-linux-musl"),
    ];
    let mut sums = String::new();
    for (_, target) in targets {
        fs::write(directory.join("fde-infra"), target).expect("written");
        let packed = Command::new("tar")
            .args(["-czf", &archive(target), "fde-infra"])
            .current_dir(&directory)
            .status();
        assert!(packed.expect("there is tar").success());
        let content = fs::read(directory.join(archive(target))).expect("readable");
        sums.push_str(&format!("{}  {}\n", sum(&content), archive(target)));
    }
    fs::write(directory.join("SHA256SUMS"), &sums).expect("written");
    for (processor, target) in targets {
        let (ok, said) = unpack(&directory, processor);
        assert!(ok, "{said}");
        let program = fs::read_to_string(directory.join("fde-infra"));
        assert_eq!(program.expect("readable"), target);
    }
    let is_refused = |processor: &str, expected: &str| {
        let (ok, said) = unpack(&directory, processor);
        assert!(!ok && said.contains(expected), "{expected}: {said}");
        assert!(!directory.join("fde-infra").exists());
    };
    is_refused("riscv64", "there is no release for riscv64");
    is_refused("", "there is no release for ");
    // Neither an archive that the list does not name, nor one with another content.
    let others: String = sums
        .lines()
        .skip(1)
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(directory.join("SHA256SUMS"), others).expect("written");
    is_refused("amd64", "");
    let wrong = format!("{}  {}\n", sum(b"other"), archive(targets[0].1));
    fs::write(directory.join("SHA256SUMS"), wrong).expect("written");
    is_refused("amd64", "FAILED");
}
