//! The private Python environment of the local account: finding an interpreter, installing what the server needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use super::error::{SandboxError, tail};
use super::lock::lock;
use super::place::{self, Place};
use super::{command, private};

/// The oldest Python that the requirements run on.
const OLDEST: (u32, u32) = (3, 10);

/// The newest Python that the requirements have wheels for; nothing is built from source.
const NEWEST: (u32, u32) = (3, 15);

/// Names under which a suitable Python may be found, the usual one first.
const INTERPRETERS: &[&str] = &[
    "python3",
    "python3.15",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];

/// An environment that is ready to run the server.
#[derive(Debug)]
pub(super) struct Environment {
    interpreter: PathBuf,
    /// The directory of the packages, when they are not where the interpreter looks by itself.
    packages: Option<PathBuf>,
}

/// The tools with which an environment can be made.
#[derive(Debug)]
struct Tools {
    python: Option<Python>,
    uv: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Python {
    program: PathBuf,
    version: (u32, u32),
}

impl Environment {
    /// A command that runs the server's program in this environment.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = command::bare(&self.interpreter);
        command.arg("-I").arg(program);
        if let Some(packages) = &self.packages {
            command.arg("--packages").arg(packages);
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
            interpreter: python.program.clone(),
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
    private::check(&directory)?;
    if let Some(environment) = tools.existing(&directory) {
        return Ok(environment);
    }
    private::make(&place.environments())?;
    let _lock = lock(&place.environments().join("lock"), progress)?;
    if let Some(environment) = tools.existing(&directory) {
        return Ok(environment);
    }
    remove(&directory)?;
    let draft = directory.with_extension(format!("draft-{}", process::id()));
    remove(&draft)?;
    private::make(&draft)?;
    let made = tools.install(&draft, progress);
    if let Err(error) = made {
        // A half-made one is of no use; an error from removing it would only hide the reason.
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
        let python = INTERPRETERS.iter().find_map(|name| {
            let program = command::find(name)?;
            let version = version_of(&program)?;
            (OLDEST..=NEWEST)
                .contains(&version)
                .then_some(Python { program, version })
        });
        let uv = command::find("uv").filter(|program| {
            command::uv(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        });
        Self { python, uv }
    }

    /// Named by requirements and Python, so that a new version of either gets a new environment.
    fn environment_name(&self) -> Result<String, SandboxError> {
        let requirements = place::requirements_version();
        match &self.python {
            Some(python) => {
                let (major, minor) = python.version;
                Ok(format!("{requirements}-python{major}_{minor}"))
            }
            None if self.uv.is_some() => Ok(format!("{requirements}-uv")),
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
        place::write_whole(&requirements, place::REQUIREMENTS.as_bytes())?;
        let environment = draft.join("venv");
        let announce = |progress: &mut dyn FnMut(&str), with: &str| {
            progress(&format!(
                "installing its packages with {with}, once: about half a minute"
            ));
        };
        if let Some(python) = &self.python {
            progress("making a private Python environment for the local account");
            let made = run(command::installing(&python.program)
                .args(["-I", "-m", "venv"])
                .arg(&environment));
            if made.is_ok() {
                announce(progress, "pip");
                return run(pip(&environment.join("bin/python"), &requirements));
            }
            remove(&environment)?;
        }
        if let Some(uv) = &self.uv {
            let wanted = self.python.as_ref().map_or_else(
                || {
                    let ((major, oldest), (_, newest)) = (OLDEST, NEWEST);
                    format!(">={major}.{oldest},<{major}.{}", newest + 1).into()
                },
                |python| python.program.clone().into_os_string(),
            );
            announce(progress, "uv");
            // The Python that a project of the user's wants does not matter here.
            run(command::uv(uv)
                .args(["venv", "--quiet", "--no-project", "--python"])
                .arg(wanted)
                .arg(&environment))?;
            return run(command::uv(uv)
                .args(["pip", "install", "--quiet", "--python"])
                .arg(environment.join("bin/python"))
                .args(AS_LISTED)
                .arg("--requirement")
                .arg(&requirements));
        }
        let python = self.python.as_ref().ok_or(SandboxError::NoPython)?;
        announce(progress, "pip");
        run(pip(&python.program, &requirements)
            .arg("--target")
            .arg(draft.join("packages")))
    }
}

/// The options that make pip and uv install the files that are listed and run no code of a package.
const AS_LISTED: [&str; 3] = ["--require-hashes", "--only-binary", ":all:"];

fn pip(python: &Path, requirements: &Path) -> Command {
    let mut command = command::installing(python);
    command
        .args(["-I", "-m", "pip", "install", "--quiet", "--no-input"])
        .arg("--disable-pip-version-check")
        .args(AS_LISTED)
        .arg("--requirement")
        .arg(requirements);
    command
}

fn version_of(program: &Path) -> Option<(u32, u32)> {
    let output = command::bare(program)
        .args(["-I", "-c"])
        .arg("import sys; print('%d.%d' % sys.version_info[:2])")
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

/// Runs a command to its end; its output is kept for the error.
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
        let tools = |python: Option<(u32, u32)>, has_uv: bool| Tools {
            python: python.map(|version| Python {
                program: "/usr/bin/python3".into(),
                version,
            }),
            uv: has_uv.then(|| "/usr/bin/uv".into()),
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
