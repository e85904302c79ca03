//! The effects of a tag, from the check of the tag to the published page, with a compiler that takes no time: four archives
//! and a bill of materials, or nothing at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::repository::project;
use super::runner::{Event, Job, Repository, read};

const WORKFLOW: &str = ".github/workflows/release.yml";
const VERSION: &str = env!("CARGO_PKG_VERSION");

const TARGETS: [&str; 4] = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];

/// Compiles anything at once, and everything to the same.
const CARGO: &str = r#"#!/usr/bin/env bash
here=$(dirname "$0")
printf 'cargo %s\n' "$*" >>"$here/calls"
[[ $1 == build ]] || exit 0
while [[ $1 != --target ]]; do shift; done
mkdir -p "$CARGO_TARGET_DIR/$2/release"
cp "$here/built" "$CARGO_TARGET_DIR/$2/release/fde-infra"
if [[ -e $here/differs ]]; then printf '# %s\n' "$RANDOM$RANDOM$RANDOM" >>"$CARGO_TARGET_DIR/$2/release/fde-infra"; fi
"#;

/// The compiler, as far as it is asked about itself.
const RUSTC: &str = r#"#!/usr/bin/env bash
case "$*" in
  *target-libdir*) echo / ;;
  *sysroot*) echo /sysroot ;;
  *) printf 'rustc 1.95.0\ncommit-hash: 0123\nhost: x86_64-unknown-linux-musl\n' ;;
esac
"#;

/// Writes a document as cargo-cyclonedx 0.5.9 does where `SOURCE_DATE_EPOCH` is set: without a number.
const CYCLONEDX: &str = r#"#!/usr/bin/env bash
if [[ $2 == --version ]]; then echo 'cargo-cyclonedx-cyclonedx 0.5.9'; exit; fi
[[ -n $SOURCE_DATE_EPOCH ]] || exit 1
while [[ $1 != --override-filename ]]; do shift; done
cat >"$2.json" <<JSON
{
  "bomFormat": "CycloneDX",
  "specVersion": "1.5",
  "version": 1,
  "metadata": { "component": { "bom-ref": "path+file://$PWD#0.1.0", "name": "fde-infra", "author": "Zoë" } },
  "components": []
}
JSON
"#;

/// Knows releases, each a directory, and how CI has ended: the lines of `passed`, a commit, an event and a branch.
const GH: &str = r#"#!/usr/bin/env bash
here=$(dirname "$0") release=$(dirname "$0")/../releases/$3
printf 'gh %s\n' "$*" >>"$here/calls"
[[ -n $GH_TOKEN ]] || exit 4
case "$1 $2" in
  'api --method')
    [[ $3 == GET && $4 == repos/happyrobot/platform/actions/workflows/ci.yml/runs ]] || exit 1
    of() { printf '%s\n' "$@" | sed -n "s/^$wanted=//p"; }
    for wanted in head_sha event branch status; do declare "$wanted=$(of "$@")"; done
    [[ $status == success ]] || exit 1
    grep -cxF "$head_sha $event $branch" "$here/passed" || true
    ;;
  'release view') cat "$release/draft" 2>/dev/null ;;
  'release create')
    mkdir -p "$release/assets"
    echo true >"$release/draft"
    while [[ $1 != --notes-file ]]; do shift; done
    cp "$2" "$release/notes"
    ;;
  'release upload')
    for file in "${@:4}"; do [[ $file == --clobber ]] || cp "$file" "$release/assets/"; done
    ;;
  'release edit') echo false >"$release/draft" ;;
  *) exit 1 ;;
esac
"#;

/// Takes the archive out of a context for an image, and starts the program that is in it.
const DOCKER: &str = r#"#!/usr/bin/env bash
image=$(dirname "$0")/../image
printf 'docker %s\n' "$*" >>"$(dirname "$0")/calls"
case "$1" in
  build)
    [[ -e .github/Dockerfile ]] || exit 1
    (cd "${@: -1}" && sha256sum --check --quiet SHA256SUMS) || exit 1
    mkdir -p "$image" && tar -xzf "${@: -1}"/*.tar.gz -C "$image"
    ;;
  run)
    while [[ $1 != fde-infra:* ]]; do shift; done
    "$image/fde-infra" "${@:2}"
    ;;
  *) exit 1 ;;
esac
"#;

const NOTHING: &str = "#!/bin/sh\nexit 0\n";

impl Event {
    /// A push of a tag.
    fn tag(name: &str) -> Self {
        let mut event = Self::push();
        event.reference = format!("refs/tags/{name}");
        event.payload["ref"] = event.reference.clone().into();
        event
    }

    /// The kind of ref that the event is about, as GitHub names it.
    pub fn ref_type(&self) -> &'static str {
        if self.reference.starts_with("refs/tags/") {
            "tag"
        } else {
            "branch"
        }
    }
}

impl Repository {
    fn tool(&self, place: &str, text: &str) {
        let path = self.directory.join(place);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a directory");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }

    /// Records that CI passed for a commit, with this event and branch.
    fn passed(&self, event: &str, branch: &str) {
        let line = format!("{} {event} {branch}\n", self.sha());
        fs::write(self.directory.join("bin/passed"), line).expect("written");
    }

    /// A file of the newest release.
    fn released(&self, place: &str) -> Vec<u8> {
        let path = self.directory.join(format!("releases/v{VERSION}/{place}"));
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs one job of the workflow, as if the jobs that it needs had been run.
    fn alone(&self, name: &str, event: &Event) -> Job {
        let mut workflow = read(&project(WORKFLOW));
        let mut job = workflow["jobs"][name].take();
        job.as_object_mut().expect("a job").remove("needs");
        workflow["jobs"] = json!({ name: job });
        let mut jobs = self.run(WORKFLOW, &workflow, event);
        let ran = jobs.remove(name).and_then(|mut ran| ran.pop());
        ran.expect("the job ran")
    }

    /// Runs a script of `.ci` in the checkout.
    fn ci(&self, script: &str, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.directory.join("bin");
        let origin = self.directory.join("origin");
        let mut command = Command::new(origin.join(script));
        command
            .args(arguments)
            .current_dir(&origin)
            .env_clear()
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", self.directory.join("home"))
            .env("GH_TOKEN", "ghs_0");
        command.output().expect("the script runs")
    }

    /// A directory with assets of a release: four archives, a bill of materials, and the checksums of all.
    fn assets(&self) -> PathBuf {
        let directory = self.directory.join("assets");
        fs::create_dir_all(&directory).expect("a directory");
        let mut sums = String::new();
        for target in TARGETS {
            let name = format!("fde-infra-{VERSION}-{target}.tar.gz");
            fs::write(directory.join(&name), target).expect("written");
            sums.push_str(&format!("{}  {name}\n", sum(target.as_bytes())));
        }
        fs::write(directory.join("SHA256SUMS"), sums).expect("written");
        directory
    }
}

/// This project with a machine that builds nothing, and the changelog as it would be on the day of the release.
fn repository(name: &str) -> Repository {
    let repository = Repository::new(name, &[]);
    for (place, text) in [
        ("bin/cargo", CARGO),
        ("bin/rustc", RUSTC),
        ("bin/gh", GH),
        ("bin/docker", DOCKER),
        ("bin/sudo", NOTHING),
        ("bin/rustup", NOTHING),
        ("bin/readelf", NOTHING),
        ("bin/musl-gcc", NOTHING),
        ("bin/cc", NOTHING),
        (
            "home/.cache/fde-infra/target/tools/bin/cargo-cyclonedx",
            CYCLONEDX,
        ),
    ] {
        repository.tool(place, text);
    }
    let origin = repository.directory.join("origin");
    for folder in [".ci", "stacks"] {
        fs::create_dir_all(origin.join(folder)).expect("a directory");
        for entry in fs::read_dir(project(folder)).expect("readable") {
            let path = entry.expect("an entry").path();
            // What editors offer is no part of a release.
            if path.is_dir() {
                continue;
            }
            let to = origin.join(folder).join(path.file_name().expect("a name"));
            // With its permission to be executed.
            fs::copy(&path, to).expect("copied");
        }
    }
    for place in ["Cargo.toml", ".github/Dockerfile"] {
        fs::create_dir_all(origin.join(".github")).expect("a directory");
        fs::copy(project(place), origin.join(place)).expect("copied");
    }
    let changelog = fs::read_to_string(project("CHANGELOG.md")).expect("readable");
    let dated = dated(&changelog);
    repository.commit("Release", &[("CHANGELOG.md", &dated)]);
    repository.passed("push", "main");
    repository
}

fn heading() -> String {
    format!("## [{VERSION}] - ")
}

/// The changelog with a date for this version.
fn dated(changelog: &str) -> String {
    let lines = changelog
        .lines()
        .map(|line| match line.strip_prefix(&heading()) {
            Some(_) => format!("{}2026-01-31\n", heading()),
            None => format!("{line}\n"),
        });
    lines.collect()
}

fn sum(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

fn tag() -> Event {
    Event::tag(&format!("v{VERSION}"))
}

fn files() -> Vec<String> {
    let mut files: Vec<String> = TARGETS
        .map(|target| format!("fde-infra-{VERSION}-{target}.tar.gz"))
        .to_vec();
    files.push(format!("fde-infra-{VERSION}.cdx.json"));
    files
}

/// All went well, and the last job ended in this way.
fn assert_ended(jobs: &BTreeMap<String, Vec<Job>>, publish: &str) {
    let ended = jobs
        .iter()
        .flat_map(|(name, ran)| ran.iter().map(move |job| (name, job)));
    let failed = ended.clone().find(|(_, job)| job.result == "failure");
    assert!(failed.is_none(), "{failed:#?}");
    for (name, job) in ended {
        let expected = if name == "publish" {
            publish
        } else {
            "success"
        };
        assert_eq!(job.result, expected, "{name}: {}", job.log);
    }
}

/// The scripts that this story runs.
pub fn told() -> &'static BTreeSet<String> {
    static TOLD: OnceLock<BTreeSet<String>> = OnceLock::new();
    TOLD.get_or_init(|| {
        let repository = repository("release");
        let jobs = repository.workflow("release.yml", &tag());
        assert_ended(&jobs, "success");
        assert_eq!(jobs["build"].len(), TARGETS.len());
        for job in &jobs["build"] {
            assert!(
                job.log.contains(&format!("fde-infra {VERSION}")),
                "{}",
                job.log
            );
        }
        // Of each archive for Linux an image is made, and started with nothing that it does not need.
        let calls = repository.calls();
        for platform in ["linux/amd64", "linux/arm64"] {
            let build = format!(
                "docker build --platform {platform} --file .github/Dockerfile --build-arg VERSION={VERSION} "
            );
            let run = format!("docker run --rm --platform {platform} --read-only --cap-drop ALL ");
            let count = |start: &str| calls.iter().filter(|call| call.starts_with(start)).count();
            assert_eq!((count(&build), count(&run)), (1, 2), "{calls:?}");
        }
        assert_eq!(text(repository.released("draft")), "false\n");
        let notes = text(repository.released("notes"));
        assert!(
            notes.contains("\n### Added\n") && !notes.contains(&heading()),
            "{notes}"
        );
        let sums = text(repository.released("assets/SHA256SUMS"));
        let expected = files().into_iter().map(|name| {
            let content = repository.released(&format!("assets/{name}"));
            format!("{}  {name}\n", sum(&content))
        });
        let mut expected: Vec<String> = expected.collect();
        expected.sort_by(|a, b| a[64..].cmp(&b[64..]));
        assert_eq!(sums, expected.concat());
        let attested = fs::read_to_string(repository.directory.join("attested"));
        let attested: BTreeSet<String> = attested
            .expect("readable")
            .lines()
            .map(str::to_owned)
            .collect();
        let kinds = ["provenance", "sbom"];
        let archives = files().into_iter().filter(|name| name.ends_with(".tar.gz"));
        let expected = archives.flat_map(|name| kinds.map(|kind| format!("{kind} {name}")));
        assert_eq!(attested, expected.collect::<BTreeSet<_>>());
        let sbom: Json = serde_json::from_slice(
            &repository.released(&format!("assets/fde-infra-{VERSION}.cdx.json")),
        )
        .expect("JSON");
        assert_eq!(
            sbom["metadata"]["component"]["bom-ref"],
            "path+file:///fde-infra#0.1.0"
        );
        assert_eq!(sbom["metadata"]["component"]["author"], "Zoë");

        // A published release stays as it is.
        let again = repository.alone("publish", &tag());
        assert_eq!(again.result, "failure");
        assert!(again.log.contains("is published already"), "{}", again.log);
        let calls = repository.calls();
        let releases = calls.iter().filter(|call| call.starts_with("gh release "));
        let releases: Vec<&str> = releases.filter_map(|call| call.split(' ').nth(2)).collect();
        assert_eq!(releases, ["view", "create", "upload", "edit", "view"]);
        let created = calls
            .iter()
            .find(|call| call.starts_with("gh release create "));
        let created = created.expect("it was made");
        assert!(created.contains(" --draft --verify-tag "), "{created}");
        assert!(!created.contains("--prerelease"), "{created}");
        repository.told()
    })
}

#[test]
fn a_tag_becomes_a_release() {
    told();
}

#[test]
fn a_rehearsal_publishes_nothing() {
    let repository = repository("rehearsal");
    let undated = fs::read_to_string(project("CHANGELOG.md")).expect("readable");
    repository.commit("Not yet", &[("CHANGELOG.md", &undated)]);
    let jobs = repository.workflow("release.yml", &Event::dispatch(json!({})));
    assert_ended(&jobs, "skipped");
    let calls = repository.calls();
    assert!(
        !calls.iter().any(|call| call.starts_with("gh ")),
        "{calls:?}"
    );
}

#[test]
fn each_job_may_do_what_it_has_to() {
    let workflow = read(&project(WORKFLOW));
    assert_eq!(workflow["permissions"], json!({}));
    let jobs = workflow["jobs"].as_object().expect("jobs").iter();
    let permissions: Json = jobs
        .map(|(name, job)| (name.clone(), job["permissions"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let expected = json!({
        "check": { "contents": "read", "actions": "read" },
        "build": { "contents": "read" },
        "sbom": { "contents": "read" },
        "assemble": {},
        "publish": { "contents": "write", "id-token": "write", "attestations": "write" },
    });
    assert_eq!(permissions, expected);
}

#[test]
fn a_tag_that_is_not_ready_is_refused() {
    let repository = repository("refused");
    let refused = |event: &Event, expected: &str| {
        let job = repository.alone("check", event);
        assert_eq!(job.result, "failure", "{expected}: {}", job.log);
        assert!(job.log.contains(expected), "{expected}: {}", job.log);
    };
    refused(
        &Event::tag("v9.9.9"),
        &format!("the tag is v9.9.9, but the version of Cargo.toml is {VERSION}"),
    );
    // A nightly run passes without the checks, and a commit on another branch is not the one that is released.
    for (event, branch) in [
        ("schedule", "main"),
        ("pull_request", "main"),
        ("push", "next"),
    ] {
        repository.passed(event, branch);
        let commit = repository.sha();
        refused(&tag(), &format!("CI has not passed for {commit} on main"));
    }
    repository.passed("push", "main");
    let job = repository.alone("check", &tag());
    assert_eq!(job.result, "success", "{}", job.log);
    repository.commit("More", &[]);
    refused(&tag(), "CI has not passed");

    let changelog = fs::read_to_string(project("CHANGELOG.md")).expect("readable");
    let undated = dated(&changelog).replace("2026-01-31", "unreleased");
    let silent = dated(&changelog).replace(&heading(), "## [9.9.9] - ");
    for (changelog, expected) in [
        (
            undated,
            format!("does not say on which day {VERSION} was released"),
        ),
        (silent, format!("has no section for {VERSION}")),
        (
            format!("{}2026-01-31\n\n## [0.0.1] - x\n\nOld.\n", heading()),
            format!("has no section for {VERSION}"),
        ),
    ] {
        repository.commit("Changelog", &[("CHANGELOG.md", &changelog)]);
        repository.passed("push", "main");
        refused(&tag(), &expected);
    }
}

#[test]
fn what_is_not_whole_is_not_assembled() {
    let repository = repository("assemble");
    let artifacts = repository.directory.join("artifacts");
    let sbom =
        json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": "urn:uuid:1" });
    let made = |targets: &[&str], sbom: &Json| {
        drop(fs::remove_dir_all(&artifacts));
        for target in targets {
            let place = artifacts.join(format!("asset-{target}"));
            fs::create_dir_all(&place).expect("a directory");
            fs::write(
                place.join(format!("fde-infra-{VERSION}-{target}.tar.gz")),
                target,
            )
            .expect("written");
        }
        let place = artifacts.join("asset-sbom");
        fs::create_dir_all(&place).expect("a directory");
        fs::write(
            place.join(format!("fde-infra-{VERSION}.cdx.json")),
            sbom.to_string(),
        )
        .expect("written");
        repository.alone("assemble", &tag())
    };
    let job = made(&TARGETS, &sbom);
    assert_eq!(job.result, "success", "{}", job.log);
    let job = made(&TARGETS[1..], &sbom);
    assert_eq!(job.result, "failure", "{}", job.log);
    for key in ["bomFormat", "serialNumber", "specVersion"] {
        let mut sbom = sbom.clone();
        sbom.as_object_mut().expect("an object").remove(key);
        let job = made(&TARGETS, &sbom);
        assert_eq!(job.result, "failure", "{key}: {}", job.log);
    }
}

#[test]
fn a_bill_of_materials_has_its_own_number() {
    let repository = repository("sbom");
    let made = |place: &str| {
        let directory = repository.directory.join(place);
        let output = repository.ci(".ci/sbom", &[&directory.to_string_lossy()]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let file = directory.join(format!("fde-infra-{VERSION}.cdx.json"));
        fs::read_to_string(file).expect("readable")
    };
    let number = |document: &str| {
        let document: Json = serde_json::from_str(document).expect("JSON");
        let number = document["serialNumber"]
            .as_str()
            .expect("a number")
            .to_owned();
        // RFC 9562, version 5: of a name, by SHA-1.
        let digits = number.strip_prefix("urn:uuid:").expect("a UUID");
        let lengths: Vec<usize> = digits.split('-').map(str::len).collect();
        assert_eq!(
            (lengths.as_slice(), &digits[14..15]),
            (&[8, 4, 4, 4, 12][..], "5"),
            "{number}"
        );
        number
    };
    let first = made("one");
    assert_eq!(first, made("two"));
    let tool = "home/.cache/fde-infra/target/tools/bin/cargo-cyclonedx";
    repository.tool(
        tool,
        &CYCLONEDX.replace("\"components\": []", "\"components\": [{}]"),
    );
    assert_ne!(number(&first), number(&made("three")));
    // Nothing is left in the checkout.
    let origin = repository.directory.join("origin");
    assert_eq!(super::runner::git(&origin, &["status", "--porcelain"]), "");
}

#[test]
fn a_release_that_was_interrupted_goes_on() {
    let repository = repository("interrupted");
    let assets = repository.assets();
    let draft = repository.directory.join(format!("releases/v{VERSION}"));
    fs::create_dir_all(draft.join("assets")).expect("a directory");
    fs::write(draft.join("draft"), "true\n").expect("written");
    let publish = || {
        repository.ci(
            ".ci/publish",
            &[&format!("v{VERSION}"), &assets.to_string_lossy()],
        )
    };
    // Not with a file that is another than its checksum says, or that is missing.
    let archive = assets.join(format!("fde-infra-{VERSION}-{}.tar.gz", TARGETS[0]));
    fs::write(&archive, "another").expect("written");
    assert!(!publish().status.success());
    fs::remove_file(&archive).expect("gone");
    assert!(!publish().status.success());
    assert_eq!(repository.calls(), [] as [&str; 0]);
    fs::write(&archive, TARGETS[0]).expect("written");
    let output = publish();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(text(repository.released("draft")), "false\n");
    let calls = repository.calls();
    assert!(
        !calls.iter().any(|call| call.contains(" create ")),
        "{calls:?}"
    );
    let uploaded = fs::read_dir(draft.join("assets"))
        .expect("readable")
        .count();
    assert_eq!(uploaded, TARGETS.len() + 1);
}

#[test]
fn a_version_before_the_next_is_marked_as_such() {
    let repository = repository("prerelease");
    let assets = repository.assets();
    let replaced = |file: &str| {
        let text = fs::read_to_string(repository.directory.join("origin").join(file));
        text.expect("readable")
            .replace(
                &format!("version = \"{VERSION}\""),
                "version = \"9.0.0-rc.1\"",
            )
            .replace(&heading(), "## [9.0.0-rc.1] - ")
    };
    let (cargo, changelog) = (replaced("Cargo.toml"), replaced("CHANGELOG.md"));
    repository.commit(
        "Candidate",
        &[("Cargo.toml", &cargo), ("CHANGELOG.md", &changelog)],
    );
    let output = repository.ci(".ci/publish", &["v9.0.0-rc.1", &assets.to_string_lossy()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let calls = repository.calls();
    assert!(
        calls[1].starts_with("gh release create v9.0.0-rc.1 ")
            && calls[1].ends_with(" --prerelease"),
        "{calls:?}"
    );
}

#[test]
fn two_builds_that_differ_and_a_slow_program_are_refused() {
    let repository = repository("reproducible");
    let place = repository.directory.join("builds");
    let place = place.to_string_lossy();
    let built = |arguments: &[&str]| {
        let output = repository.ci(
            ".ci/reproducible",
            &[arguments, &[TARGETS[0], &place]].concat(),
        );
        assert!(!output.status.success());
        text([output.stdout, output.stderr].concat())
    };
    repository.tool("bin/built", "#!/bin/sh\nsleep 0.02\necho fde-infra\n");
    let said = built(&[]);
    assert!(said.contains("are the same to the byte"), "{said}");
    assert!(
        said.contains("error: it takes longer than 10 ms to start"),
        "{said}"
    );
    let said = built(&["--once"]);
    assert!(!said.contains("are the same to the byte"), "{said}");
    assert!(
        said.contains("error: it takes longer than 10 ms to start"),
        "{said}"
    );
    fs::write(repository.directory.join("bin/differs"), "").expect("written");
    let said = built(&[]);
    assert!(said.contains(" differ"), "{said}");
    assert!(!said.contains("ms (median"), "{said}");
}
