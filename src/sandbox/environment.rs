//! The private Python environment of the local account: finding an interpreter, installing what the server needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use super::place::{self, Place};
use super::{SandboxError, tail};

/// The oldest Python that the requirements run on.
const OLDEST: (u32, u32) = (3, 10);

/// Names under which a suitable Python may be found, the usual one first.
const INTERPRETERS: &[&str] = &[
    "python3",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];

/// Variables that would lead an installation astray, or the server to packages that are not its own.
const MISLEADING: &[&str] = &[
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "VIRTUAL_ENV",
];

/// An environment that is ready to run the server.
#[derive(Debug)]
pub(super) struct Environment {
    interpreter: PathBuf,
    /// Where the packages are, when they are not where the interpreter looks by itself.
    packages: Option<PathBuf>,
}

/// What there is to make an environment with.
#[derive(Debug)]
struct Tools {
    python: Option<Python>,
    has_uv: bool,
}

#[derive(Clone, Debug)]
struct Python {
    program: String,
    version: (u32, u32),
}

impl Environment {
    /// A command that runs Python in this environment.
    pub(super) fn command(&self) -> Command {
        let mut command = clean_command(&self.interpreter);
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    /// The environment in a directory, if it is whole.
    fn existing(directory: &Path) -> Option<Self> {
        let interpreter = directory.join("venv/bin/python");
        // The interpreter is a link: it leads nowhere once the Python that it was made from has been removed.
        interpreter.exists().then_some(Self {
            interpreter,
            packages: None,
        })
    }

    /// The environment of a directory whose packages stand beside a Python of the system.
    fn beside(directory: &Path, python: &Python) -> Option<Self> {
        let packages = directory.join("packages");
        packages.is_dir().then(|| Self {
            interpreter: PathBuf::from(&python.program),
            packages: Some(packages),
        })
    }
}

/// The environment for the carried requirements, made on first use.
///
/// Several processes may ask at once: the first makes it, the others wait for a lock. A half-made one is never seen,
/// because it is made under another name.
pub(super) fn ensure(
    place: &Place,
    progress: &mut dyn FnMut(&str),
) -> Result<Environment, SandboxError> {
    let tools = Tools::found();
    let directory = place.environments().join(tools.environment_name()?);
    if let Some(environment) = tools.existing(&directory) {
        return Ok(environment);
    }
    place::make_directory(&place.environments())?;
    let _lock = super::lock(&place.environments().join("lock"), progress)?;
    if let Some(environment) = tools.existing(&directory) {
        return Ok(environment);
    }
    remove(&directory)?;
    let draft = directory.with_extension(format!("draft-{}", process::id()));
    remove(&draft)?;
    place::make_directory(&draft)?;
    let made = tools.install(&draft, progress);
    if let Err(error) = made {
        // What was half made is of no use; that it cannot be removed either would only hide the reason.
        let _ = fs::remove_dir_all(&draft);
        return Err(error);
    }
    fs::rename(&draft, &directory).map_err(|source| SandboxError::File {
        action: "put in place",
        path: directory.clone(),
        source,
    })?;
    tools
        .existing(&directory)
        .ok_or_else(|| SandboxError::Incomplete {
            path: directory.clone(),
        })
}

impl Tools {
    fn found() -> Self {
        let python = INTERPRETERS.iter().find_map(|program| {
            let version = version_of(program)?;
            (version >= OLDEST).then(|| Python {
                program: (*program).to_owned(),
                version,
            })
        });
        let has_uv = clean_command("uv")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        Self { python, has_uv }
    }

    /// Named by requirements and Python, so that a new version of either gets a new environment.
    fn environment_name(&self) -> Result<String, SandboxError> {
        let requirements = place::requirements_version();
        match &self.python {
            Some(python) => {
                let (major, minor) = python.version;
                Ok(format!("{requirements}-python{major}_{minor}"))
            }
            None if self.has_uv => Ok(format!("{requirements}-uv")),
            None => Err(SandboxError::NoPython),
        }
    }

    fn existing(&self, directory: &Path) -> Option<Environment> {
        Environment::existing(directory)
            .or_else(|| Environment::beside(directory, self.python.as_ref()?))
    }

    /// Tries what is there: `venv` and `pip`, then `uv`, then `pip` into a directory of its own.
    ///
    /// Debian and its children ship Python without `venv`, hence the other ways.
    fn install(&self, draft: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), SandboxError> {
        let requirements = draft.join("requirements.txt");
        place::write_whole(&requirements, place::REQUIREMENTS)?;
        let environment = draft.join("venv");
        let count = place::REQUIREMENTS
            .lines()
            .filter(|line| line.contains("=="))
            .count();
        let announce = |progress: &mut dyn FnMut(&str), with: &str| {
            progress(&format!(
                "installing {count} packages with {with}, once: about half a minute"
            ));
        };
        if let Some(python) = &self.python {
            progress("making a private Python environment for the local account");
            let made = run(clean_command(&python.program)
                .args(["-m", "venv"])
                .arg(&environment));
            if made.is_ok() {
                announce(progress, "pip");
                return run(pip(
                    clean_command(environment.join("bin/python")),
                    &requirements,
                ));
            }
            remove(&environment)?;
        }
        if self.has_uv {
            let wanted = self.python.as_ref().map_or_else(
                || format!(">={}.{}", OLDEST.0, OLDEST.1),
                |python| python.program.clone(),
            );
            announce(progress, "uv");
            run(clean_command("uv")
                .args(["venv", "--quiet", "--python", &wanted])
                .arg(&environment))?;
            return run(clean_command("uv")
                .args(["pip", "install", "--quiet", "--python"])
                .arg(environment.join("bin/python"))
                .arg("--requirement")
                .arg(&requirements));
        }
        let python = self.python.as_ref().ok_or(SandboxError::NoPython)?;
        announce(progress, "pip");
        run(pip(clean_command(&python.program), &requirements)
            .arg("--target")
            .arg(draft.join("packages")))
    }
}

fn pip(mut python: Command, requirements: &Path) -> Command {
    python
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(requirements);
    python
}

fn version_of(program: &str) -> Option<(u32, u32)> {
    let output = clean_command(program)
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| parse_version(&String::from_utf8_lossy(&output.stdout)))?
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn clean_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for name in MISLEADING {
        command.env_remove(name);
    }
    // Flags and credentials are no business of a server that outlives the command.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("FDE_INFRA_") || text.starts_with("AWS_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end; what it said is kept for the error.
fn run(mut command: impl std::borrow::BorrowMut<Command>) -> Result<(), SandboxError> {
    let command = command.borrow_mut();
    let shown = shown(command);
    let output = command.output().map_err(|source| SandboxError::Run {
        command: shown.clone(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(SandboxError::Install {
        command: shown,
        output: tail(&String::from_utf8_lossy(&said)),
    })
}

fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn remove(directory: &Path) -> Result<(), SandboxError> {
    match fs::remove_dir_all(directory) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SandboxError::File {
            action: "remove",
            path: directory.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse_version("3.11\n"), Some((3, 11)));
        assert!(parse_version("3.9").unwrap() < OLDEST);
        assert!(parse_version("3.10").unwrap() >= OLDEST);
        assert_eq!(parse_version("Python 3"), None);
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn an_environment_is_named_by_what_it_is_made_of() {
        let tools = |python: Option<(u32, u32)>, has_uv| Tools {
            python: python.map(|version| Python {
                program: "python3".to_owned(),
                version,
            }),
            has_uv,
        };
        let requirements = place::requirements_version();
        assert_eq!(
            tools(Some((3, 12)), true).environment_name().unwrap(),
            format!("{requirements}-python3_12")
        );
        assert_eq!(
            tools(None, true).environment_name().unwrap(),
            format!("{requirements}-uv")
        );
        assert!(matches!(
            tools(None, false).environment_name(),
            Err(SandboxError::NoPython)
        ));
    }

    #[test]
    fn a_command_that_fails_tells_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such package >&2; exit 3"]);
        match run(command) {
            Err(SandboxError::Install { output, .. }) => assert_eq!(output, "no such package"),
            other => panic!("{other:?}"),
        }
    }
}
