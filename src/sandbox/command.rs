//! The programs that the sandbox runs: found on the PATH, and started so that neither the working directory nor a stray
//! variable affects what they do.
//!
//! The working directory is a repository, perhaps of another party. Python would import modules from it, uv reads `uv.toml`
//! and `pyproject.toml` there, and the shims of version managers read `.python-version` and `.tool-versions`. Settings in
//! the user's home directory and environment are the user's: a package index of a company's own keeps working.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory in which every program starts. Settings are looked for in the directory of the start and in all above it,
/// and a cache may lie inside a repository; above this one there is none, and only the system's owner can write it.
const START: &str = "/";

/// The directories of programs when no PATH is set.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The variables that every program gets, where they are set: the user's name and directories, and what an interpreter of a
/// version manager or with shared libraries needs to start.
const COMMON: &[&str] = &[
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "MISE_DATA_DIR",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "TMPDIR",
    "USER",
];

/// The variables that lead an installation to its packages: proxies, certificates, and the user's own index.
const INSTALLING: &[&str] = &[
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NETRC",
    "NO_PROXY",
    "PIP_CACHE_DIR",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_KEYRING_PROVIDER",
    "PIP_NO_INDEX",
    "PIP_PROXY",
    "PIP_RETRIES",
    "PIP_TIMEOUT",
    "PIP_TRUSTED_HOST",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "UV_CACHE_DIR",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_NO_INDEX",
    "UV_OFFLINE",
    "UV_PYTHON_DOWNLOADS",
    "UV_PYTHON_INSTALL_DIR",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_SYSTEM_CERTS",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// User name and password of an index that has a name: `UV_INDEX_INTERNAL_PASSWORD`.
const NAMED_INDEX: &str = "UV_INDEX_";

/// A program on the PATH, by its absolute path.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let mut candidates = search_path().into_iter().map(|entry| entry.join(name));
    candidates.find(|path| is_program(path))
}

/// A program with nothing in its environment but what every program gets.
pub(super) fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(START)
        .stdin(Stdio::null())
        .env_clear()
        // A process that Python itself starts, without `-I`, gets the same restrictions.
        .env("PYTHONNOUSERSITE", "1")
        .env("PYTHONSAFEPATH", "1");
    if let Ok(path) = env::join_paths(search_path()) {
        command.env("PATH", path);
    }
    pass(&mut command, COMMON);
    command
}

/// A program that is to install packages.
pub(super) fn installing(program: &Path) -> Command {
    let mut command = bare(program);
    pass(&mut command, INSTALLING);
    for (name, value) in env::vars_os() {
        if name.to_string_lossy().starts_with(NAMED_INDEX) {
            command.env(name, value);
        }
    }
    command
}

/// uv without the settings that it would find by itself, but with those of the user, if there are any.
pub(super) fn uv(program: &Path) -> Command {
    let mut command = installing(program);
    command.env("UV_NO_CONFIG", "1").arg("--no-config");
    if let Some(settings) = uv_settings(&|name: &str| env::var_os(name).map(PathBuf::from)) {
        command.arg("--config-file").arg(settings);
    }
    command
}

/// The user's settings of uv, or the system's.
fn uv_settings(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let configuration =
        absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let candidates = [
        absolute("UV_CONFIG_FILE"),
        configuration.map(|directory| directory.join("uv/uv.toml")),
        Some(PathBuf::from("/etc/uv/uv.toml")),
    ];
    let mut candidates = candidates.into_iter().flatten();
    candidates.find(|path| path.is_file())
}

fn pass(command: &mut Command, names: &[&str]) {
    for name in names {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
}

fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into());
    absolute_entries(&path)
}

/// The entries of a PATH but for those that depend on the working directory: an empty one, `.`, `bin`.
fn absolute_entries(path: &OsStr) -> Vec<PathBuf> {
    env::split_paths(path)
        .filter(|entry| entry.is_absolute())
        .collect()
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_the_path_that_depend_on_the_directory_are_passed_over() {
        let check = |path: &str, expected: &[&str]| {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(absolute_entries(OsStr::new(path)), expected, "{path}");
        };
        check("/usr/bin:/bin", &["/usr/bin", "/bin"]);
        check(".:/bin", &["/bin"]);
        check(":/bin:", &["/bin"]);
        check("bin:../bin:/bin", &["/bin"]);
        check("", &[]);
    }

    #[test]
    fn a_program_is_a_file_that_can_be_executed() {
        assert!(is_program(Path::new("/bin/sh")));
        assert!(!is_program(Path::new("/bin")));
        assert!(!is_program(Path::new("/etc/passwd")));
        assert!(!is_program(Path::new("/nowhere")));
    }

    #[test]
    fn settings_of_uv_are_never_those_of_the_working_directory() {
        let given = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| PathBuf::from(value))
        };
        let file = |name, value| uv_settings(&given(name, value));
        assert_ne!(
            file("UV_CONFIG_FILE", "Cargo.toml"),
            Some("Cargo.toml".into())
        );
        assert_eq!(
            file("UV_CONFIG_FILE", "/etc/passwd"),
            Some("/etc/passwd".into())
        );
    }

    #[test]
    fn a_command_has_no_more_than_it_needs() {
        let command = bare(Path::new("/bin/sh"));
        assert_eq!(command.get_current_dir(), Some(Path::new("/")));
        let ours = ["PATH", "PYTHONNOUSERSITE", "PYTHONSAFEPATH"];
        for (name, value) in command.get_envs() {
            let name = name.to_string_lossy();
            let name: &str = &name;
            assert!(value.is_some(), "{name}");
            assert!(ours.contains(&name) || COMMON.contains(&name), "{name}");
        }
    }
}
