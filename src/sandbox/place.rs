//! The files of the local account, and the program that is carried inside the binary.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use sha2::{Digest, Sha256};

use super::error::SandboxError;
use super::private;

/// The server's program, file by file; `account.py` is the one that is run.
const PROGRAM: &[(&str, &[u8])] = &[
    ("account.py", include_bytes!("account.py")),
    ("calling.py", include_bytes!("calling.py")),
    ("checks.py", include_bytes!("checks.py")),
    ("cloudcontrol.py", include_bytes!("cloudcontrol.py")),
    (
        "cloudcontrol_data.py",
        include_bytes!("cloudcontrol_data.py"),
    ),
    (
        "cloudcontrol_messages.py",
        include_bytes!("cloudcontrol_messages.py"),
    ),
    (
        "cloudcontrol_model.py",
        include_bytes!("cloudcontrol_model.py"),
    ),
    (
        "cloudcontrol_standing.py",
        include_bytes!("cloudcontrol_standing.py"),
    ),
    (
        "cloudcontrol_store.py",
        include_bytes!("cloudcontrol_store.py"),
    ),
    (
        "cloudcontrol_types.py",
        include_bytes!("cloudcontrol_types.py"),
    ),
    ("ecs_rollout.py", include_bytes!("ecs_rollout.py")),
    ("guard.py", include_bytes!("guard.py")),
    ("interfaces.py", include_bytes!("interfaces.py")),
    ("needs.py", include_bytes!("needs.py")),
    ("patch_ec2.py", include_bytes!("patch_ec2.py")),
    ("patch_ecs.py", include_bytes!("patch_ecs.py")),
    ("patch_elbv2.py", include_bytes!("patch_elbv2.py")),
    ("patch_flow_logs.py", include_bytes!("patch_flow_logs.py")),
    ("patch_iam.py", include_bytes!("patch_iam.py")),
    ("patch_kms.py", include_bytes!("patch_kms.py")),
    ("patch_monitoring.py", include_bytes!("patch_monitoring.py")),
    ("patch_pages.py", include_bytes!("patch_pages.py")),
    ("patch_parameters.py", include_bytes!("patch_parameters.py")),
    ("patch_queues.py", include_bytes!("patch_queues.py")),
    ("patch_rds.py", include_bytes!("patch_rds.py")),
    ("patch_rds_groups.py", include_bytes!("patch_rds_groups.py")),
    ("patch_rds_offers.py", include_bytes!("patch_rds_offers.py")),
    ("patch_rds_states.py", include_bytes!("patch_rds_states.py")),
    ("patch_scaling.py", include_bytes!("patch_scaling.py")),
    (
        "patch_security_groups.py",
        include_bytes!("patch_security_groups.py"),
    ),
    ("patch_storage.py", include_bytes!("patch_storage.py")),
    ("patches.py", include_bytes!("patches.py")),
    ("patching.py", include_bytes!("patching.py")),
    ("permissions.py", include_bytes!("permissions.py")),
    ("reading.py", include_bytes!("reading.py")),
    ("strangers.py", include_bytes!("strangers.py")),
    ("tagging.py", include_bytes!("tagging.py")),
    ("wire.py", include_bytes!("wire.py")),
    // The types that Cloud Control knows.
    ("types.bin", crate::facts::BYTES),
];

/// The packages that the server needs from the Python package index, with exact versions and the hashes of their files.
pub(super) const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The longest name that an instance can have.
const LONGEST_NAME: usize = 64;

/// The directories of one instance.
#[derive(Clone, Debug)]
pub(super) struct Place {
    root: PathBuf,
    name: String,
}

impl Place {
    /// The place that the environment variables ask for, or the user's cache directory.
    pub(super) fn from_environment() -> Result<Self, SandboxError> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let root = cache_root(&variable, cfg!(target_os = "macos")).ok_or(SandboxError::NoHome)?;
        let name = env::var("FDE_INFRA_SANDBOX_NAME").unwrap_or_default();
        Self::new(root, if name.is_empty() { "default" } else { &name })
    }

    /// A place by its parts; the name becomes a directory, so it is held to letters that are safe in one.
    pub(super) fn new(root: PathBuf, name: &str) -> Result<Self, SandboxError> {
        let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name_is_safe = (1..=LONGEST_NAME).contains(&name.len())
            && !name.starts_with('.')
            && name.chars().all(is_safe);
        if !name_is_safe {
            return Err(SandboxError::BadName {
                name: name.to_owned(),
            });
        }
        Ok(Self {
            root,
            name: name.to_owned(),
        })
    }

    pub(super) fn environments(&self) -> PathBuf {
        self.root.join("environments")
    }

    pub(super) fn instance(&self) -> PathBuf {
        self.root.join("instances").join(&self.name)
    }

    /// The record of the running server: process, port and version, as the server wrote it.
    pub(super) fn state(&self) -> PathBuf {
        self.instance().join("account.json")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.instance().join("account.log")
    }

    /// Writes the carried program where it is missing or differs, and returns the file to run.
    ///
    /// The directory is named by the content, so a newer `fde-infra` never changes files under a running server.
    pub(super) fn unpack(&self) -> Result<PathBuf, SandboxError> {
        let directory = self.root.join("programs").join(version());
        private::make(&directory)?;
        for (name, content) in PROGRAM {
            let path = directory.join(name);
            if fs::read(&path).ok().as_deref() != Some(content) {
                write_whole(&path, content)?;
            }
        }
        Ok(directory.join("account.py"))
    }
}

/// The version of the carried server: a hash of its files and of what they need.
pub(super) fn version() -> String {
    let mut hash = Sha256::new();
    for (name, content) in PROGRAM {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(content);
        hash.update([0]);
    }
    hash.update(REQUIREMENTS.as_bytes());
    shortened(&hash.finalize())
}

/// The version of the packages to install.
pub(super) fn requirements_version() -> String {
    shortened(&Sha256::digest(REQUIREMENTS.as_bytes()))
}

fn shortened(digest: &[u8]) -> String {
    use std::fmt::Write as _;

    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The root of caches on this system.
fn cache_root(
    variable: &dyn Fn(&str) -> Option<std::ffi::OsString>,
    is_macos: bool,
) -> Option<PathBuf> {
    if let Some(given) = variable("FDE_INFRA_SANDBOX_DIR") {
        // The server is started from the root of the file system, so a relative path would lead astray.
        return std::path::absolute(given).ok();
    }
    // The standard has relative paths ignored: https://specifications.freedesktop.org/basedir-spec/latest/
    let cache = match variable("XDG_CACHE_HOME").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ => {
            // A relative one would be another in every directory.
            let home = PathBuf::from(variable("HOME")?);
            if !home.is_absolute() {
                return None;
            }
            if is_macos {
                home.join("Library").join("Caches")
            } else {
                home.join(".cache")
            }
        }
    };
    Some(cache.join("fde-infra").join("sandbox"))
}

/// Writes a file so that a reader sees all of it or nothing.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), SandboxError> {
    let fail = |source| SandboxError::File {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let draft = path.with_extension(format!("draft-{}", process::id()));
    fs::write(&draft, content).map_err(fail)?;
    fs::rename(&draft, path).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn root(variables: &[(&str, &str)], is_macos: bool) -> Option<PathBuf> {
        let lookup = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        };
        cache_root(&lookup, is_macos)
    }

    #[test]
    fn the_cache_directory_follows_the_system() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(
            root(&[("HOME", "/home/a")], false),
            path("/home/a/.cache/fde-infra/sandbox")
        );
        assert_eq!(
            root(&[("HOME", "/Users/a")], true),
            path("/Users/a/Library/Caches/fde-infra/sandbox")
        );
        assert_eq!(
            root(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c")], false),
            path("/c/fde-infra/sandbox")
        );
        assert_eq!(
            root(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "c")], false),
            path("/home/a/.cache/fde-infra/sandbox")
        );
        assert_eq!(
            root(
                &[("HOME", "/home/a"), ("FDE_INFRA_SANDBOX_DIR", "/x")],
                false
            ),
            path("/x")
        );
        assert_eq!(root(&[], false), None);
        assert_eq!(root(&[("HOME", ".")], false), None);
    }

    #[test]
    fn names_of_instances_stay_inside_their_directory() {
        for good in ["default", "e2e-1", "a.b_c"] {
            assert!(Place::new("/c".into(), good).is_ok(), "{good}");
        }
        let long = "a".repeat(LONGEST_NAME + 1);
        for bad in ["", "..", ".hidden", "a/b", "a b", long.as_str()] {
            assert!(Place::new("/c".into(), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_file_of_the_program_is_carried() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox");
        let mut found: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| {
                Path::new(name)
                    .extension()
                    .is_some_and(|ending| ending == "py")
            })
            .collect();
        found.sort();
        // Not beside the others, but of use to them.
        found.push("types.bin".to_owned());
        let carried: Vec<_> = PROGRAM.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(carried, found);
    }

    #[test]
    fn requirements_are_exact() {
        let text = REQUIREMENTS.replace("\\\n", "");
        let mut count = 0;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.contains("=="), "{line}");
            assert!(line.contains(" --hash=sha256:"), "{line}");
            count += 1;
        }
        assert!(count > 20, "{count}");
    }
}
