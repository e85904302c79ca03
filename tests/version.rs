//! `fde-infra --version` names the commit that it was built from; `build.rs`, compiled by itself, says what it would name
//! in checkouts, worktrees and archives.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The output of a program, which has to succeed. Its surroundings are its own.
fn run(directory: &Path, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env_remove("FDE_INFRA_COMMIT")
        .env_remove("SOURCE_DATE_EPOCH")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("CARGO_PKG_VERSION", "1.2.3")
        .envs(variables.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    text
}

#[test]
fn the_program_names_its_commit() {
    let said = run(root(), env!("CARGO_BIN_EXE_fde-infra"), &["--version"], &[]);
    assert_eq!(said, format!("fde-infra {}", fde_infra::version::VERSION));
    let number = env!("CARGO_PKG_VERSION");
    assert!(said.starts_with(&format!("fde-infra {number}")), "{said}");
    if root().join(".git").exists() {
        let commit = run(root(), "git", &["rev-parse", "HEAD"], &[]);
        assert!(said.contains(&format!(" ({}", &commit[..7])), "{said}");
    }
}

/// A directory of its own, gone at the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let name = format!("fde-infra-version-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the directory can be made");
        Self(path)
    }

    /// An archive of the program, as far as the build script looks.
    fn archive(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.join("src")).expect("the directory can be made");
        for file in [
            "src/main.rs",
            "build.rs",
            "Cargo.toml",
            "Cargo.lock",
            "README.md",
        ] {
            fs::write(path.join(file), "x\n").expect("the file can be written");
        }
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Leftovers in the temporary directory do no harm.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=e2e", "-c", "user.email=e2e@example.com"];
    // An hour before midnight in UTC, and the next day where the committer was.
    let date = [
        ("GIT_COMMITTER_DATE", "2026-01-31T23:00:00Z"),
        ("TZ", "Asia/Tokyo"),
    ];
    run(directory, "git", &[&who[..], arguments].concat(), &date)
}

#[test]
fn the_build_script_knows_the_commit_wherever_it_runs() {
    let place = Place::new();
    let script = place.0.join("build-script");
    let script = script.to_string_lossy().into_owned();
    let source = root().join("build.rs");
    let arguments = ["--edition=2024", "-o", &script, &source.to_string_lossy()];
    run(&place.0, "rustc", &arguments, &[]);
    let told = |directory: &Path, variables: &[(&str, &str)]| -> Vec<String> {
        let text = run(directory, &script, &[], variables);
        text.lines().map(str::to_owned).collect()
    };
    let version = |directory: &Path, variables: &[(&str, &str)]| -> String {
        let lines = told(directory, variables);
        let line = lines
            .iter()
            .find_map(|line| line.strip_prefix("cargo::rustc-env=FDE_INFRA_VERSION="));
        line.expect("a version").to_owned()
    };

    let archive = place.archive("archive");
    assert_eq!(version(&archive, &[]), "1.2.3");
    let release = [
        ("FDE_INFRA_COMMIT", "0123abc"),
        ("SOURCE_DATE_EPOCH", "1769850900"),
    ];
    assert_eq!(version(&archive, &release), "1.2.3 (0123abc 2026-01-31)");
    assert_eq!(version(&archive, &release[..1]), "1.2.3");

    let checkout = place.archive("checkout");
    git(&checkout, &["init", "--quiet", "--initial-branch=main"]);
    git(&checkout, &["add", "."]);
    git(&checkout, &["commit", "--quiet", "--message=first"]);
    let first = git(&checkout, &["rev-parse", "HEAD"])[..7].to_owned();
    let clean = format!("1.2.3 ({first} 2026-01-31)");
    assert_eq!(version(&checkout, &[]), clean);
    assert_eq!(
        version(&checkout, &release[..1]),
        "1.2.3 (0123abc 2026-01-31)"
    );
    // Not part of the program.
    fs::write(checkout.join("README.md"), "y\n").expect("writable");
    assert_eq!(version(&checkout, &[]), clean);
    fs::write(checkout.join("src/new.rs"), "y\n").expect("writable");
    assert_eq!(
        version(&checkout, &[]),
        format!("1.2.3 ({first}-dirty 2026-01-31)")
    );

    // An archive in there is not of that repository.
    assert_eq!(
        version(&place.archive("checkout/target/package"), &[]),
        "1.2.3"
    );

    // Cargo watches what changes with the next commit, in a worktree and where references are packed, too; and nothing
    // that is not there, which it would take for changed.
    git(&checkout, &["worktree", "add", "--quiet", "../worktree"]);
    git(&checkout, &["pack-refs", "--all"]);
    for directory in [checkout, place.0.join("worktree")] {
        let watched = |directory: &Path| -> Vec<PathBuf> {
            let lines = told(directory, &[]);
            let paths = lines
                .iter()
                .filter_map(|line| line.strip_prefix("cargo::rerun-if-changed="));
            paths.map(|path| directory.join(path)).collect()
        };
        let before = watched(&directory);
        assert!(before.len() > 5, "{before:?}");
        let contents = |paths: &[PathBuf]| -> Vec<Option<Vec<u8>>> {
            paths
                .iter()
                .filter(|path| path.is_file())
                .map(|path| fs::read(path).ok())
                .collect()
        };
        assert!(before.iter().all(|path| path.exists()), "{before:?}");
        let old = contents(&before);
        git(
            &directory,
            &["commit", "--quiet", "--allow-empty", "--message=next"],
        );
        assert_ne!(contents(&before), old, "{before:?}");
        let next = git(&directory, &["rev-parse", "HEAD"])[..7].to_owned();
        assert!(version(&directory, &[]).contains(&next));
    }
}
