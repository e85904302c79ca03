//! The sandbox: a local AWS account for learning, demonstrations and tests, started and managed by `fde-infra` itself.
//!
//! It is [moto](https://docs.getmoto.org) in server mode, behind a starter (`account.py`) that mends what moto gets
//! wrong for our operations; every mend, and every gap that stays, is listed there. To the rest of `fde-infra` it is an
//! endpoint and a pair of dummy credentials: no other room knows that it exists, and no product code bends for it.
//!
//! # Where things are
//!
//! Everything lies under `$FDE_INFRA_SANDBOX_DIR`, else in the user's cache directory (`$XDG_CACHE_HOME/fde-infra/sandbox`,
//! `~/.cache/fde-infra/sandbox`, on macOS `~/Library/Caches/fde-infra/sandbox`):
//!
//! | directory | what | shared by |
//! |---|---|---|
//! | `environments/<requirements>-<python>/` | the private Python environment, made on first use | all instances |
//! | `programs/<version>/` | the starter, as this binary carries it | all instances |
//! | `instances/<name>/` | `account.json` (process, port, version), `account.log`, `lock` | one account |
//!
//! `FDE_INFRA_SANDBOX_NAME` names the instance (`default` when unset). A test that wants an account of its own sets a name of
//! its own: it gets an empty account, and the installation is not repeated.
//!
//! # Promises
//!
//! - Several processes may start, stop and install at once; operating system locks, which a killed process cannot leave
//!   behind, decide who does it.
//! - A running server is believed only when it says itself, over HTTP, that it is the process on record. A process
//!   number or a port that has been taken by something else fools nobody.
//! - When this binary carries another version of the starter, the old server is stopped and a new one started.
//!
//! Start reading at [`ensure_running`].

mod environment;
mod http;
mod place;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{error, fmt, thread};

use serde::Deserialize;

use place::Place;

/// The credentials to use with the local account; it accepts any.
pub const CREDENTIALS: (&str, &str) = ("sandbox", "sandbox");

/// How long the server may take to answer after it was started: it loads all of its services first.
const START: Duration = Duration::from_mins(2);

/// How long a server that was asked to stop may take.
const STOP: Duration = Duration::from_secs(10);

/// How often a server that is starting or stopping is looked at.
const PAUSE: Duration = Duration::from_millis(25);

/// Lines of a log that an error shows.
const TAIL: usize = 20;

/// A local account that is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What to give as the endpoint of every AWS service.
    pub endpoint: String,
    /// The server's process.
    pub pid: u32,
    /// The server's log.
    pub log: PathBuf,
    port: u16,
}

/// Why the local account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Neither a home directory nor a directory of the user's choice is known.
    #[error("no place for the local account: neither `HOME` nor `FDE_INFRA_SANDBOX_DIR` is set")]
    NoHome,
    /// The instance's name cannot be a directory's name.
    #[error(
        "`FDE_INFRA_SANDBOX_NAME` is `{name}`; it takes 1 to 64 letters, digits, `-`, `_` and `.`, not beginning with `.`"
    )]
    BadName {
        /// The name that was given.
        name: String,
    },
    /// There is nothing to run the server with.
    #[error(
        "the local account needs `python3` 3.10 or newer, or `uv`; neither was found on the PATH"
    )]
    NoPython,
    /// A file or directory cannot be used.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program of the installation cannot be run at all.
    #[error("could not run `{command}`")]
    Run {
        /// The command line.
        command: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A command of the installation failed.
    #[error("could not install the local account: `{command}` failed")]
    Install {
        /// The command line.
        command: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// The installation ended well, and yet there is no interpreter.
    #[error("the Python environment in {} has no interpreter", path.display())]
    Incomplete {
        /// The environment.
        path: PathBuf,
    },
    /// The server did not get as far as answering.
    #[error("the local account did not start: {reason}; its log is {}", log.display())]
    Start {
        /// What happened.
        reason: String,
        /// The log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server does not do as it is told.
    #[error("the local account at {endpoint} did not {what}")]
    Control {
        /// The server.
        endpoint: String,
        /// What it was asked.
        what: &'static str,
        /// What came instead.
        #[source]
        source: io::Error,
    },
}

impl SandboxError {
    /// What the failed program wrote last, for the report.
    pub fn output(&self) -> Option<&str> {
        match self {
            Self::Install { output, .. } => Some(output),
            Self::Start { tail, .. } => Some(tail),
            _ => None,
        }
    }
}

/// The account that is running, or one that is started now; the first time, it is installed before.
pub fn ensure_running(progress: &mut dyn FnMut(&str)) -> Result<Account, SandboxError> {
    ensure_running_at(&Place::from_environment()?, progress)
}

/// The account, if it runs. Which version it is does not matter here.
pub fn status() -> Result<Option<Account>, SandboxError> {
    Ok(running(&Place::from_environment()?)?.map(|(account, _)| account))
}

/// Stops the account, and with it everything that was made in it. Tells whether one was running.
pub fn stop() -> Result<bool, SandboxError> {
    let place = Place::from_environment()?;
    place::make_directory(&place.instance())?;
    let _lock = lock(&place.instance().join("lock"), &mut |_| {})?;
    match running(&place)? {
        None => Ok(false),
        Some((account, _)) => stop_server(&account).map(|()| true),
    }
}

/// Empties the account. Tells whether one was running.
pub fn reset() -> Result<bool, SandboxError> {
    match status()? {
        None => Ok(false),
        Some(account) => control(&account, "/_account/reset", "empty itself").map(|()| true),
    }
}

fn ensure_running_at(
    place: &Place,
    progress: &mut dyn FnMut(&str),
) -> Result<Account, SandboxError> {
    let version = place::version();
    // The usual case takes no lock: one small file and one request.
    if let Some((account, _)) = running(place)?.filter(|(_, running)| *running == version) {
        return Ok(account);
    }
    place::make_directory(&place.instance())?;
    let _lock = lock(&place.instance().join("lock"), progress)?;
    if let Some((account, running)) = running(place)? {
        if running == version {
            return Ok(account);
        }
        progress("stopping the local account of another version of fde-infra");
        stop_server(&account)?;
    }
    let environment = environment::ensure(place, progress)?;
    progress("starting the local account");
    start(place, &environment, &version)
}

/// What the server writes when it is ready.
#[derive(Debug, Deserialize)]
struct State {
    pid: u32,
    port: u16,
}

/// The server on record, if it is there and says that it is, with its version.
fn running(place: &Place) -> Result<Option<(Account, String)>, SandboxError> {
    let path = place.state();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(SandboxError::File {
                action: "read",
                path,
                source,
            });
        }
    };
    // A record that cannot be read is as good as none: the next start replaces it.
    let Ok(state) = serde_json::from_str::<State>(&text) else {
        return Ok(None);
    };
    let answer = http::status(state.port).ok();
    Ok(answer
        .filter(|answer| answer.pid == state.pid)
        .map(|answer| (Account::new(place, &state), answer.version)))
}

impl Account {
    fn new(place: &Place, state: &State) -> Self {
        Self {
            endpoint: format!("http://127.0.0.1:{}", state.port),
            pid: state.pid,
            log: place.log(),
            port: state.port,
        }
    }
}

/// Starts the server by itself: in its own process group, so that the terminal's Ctrl-C does not reach it.
fn start(
    place: &Place,
    environment: &environment::Environment,
    version: &str,
) -> Result<Account, SandboxError> {
    let program = place.unpack()?;
    let file = |action: &'static str, path: PathBuf| {
        move |source| SandboxError::File {
            action,
            path,
            source,
        }
    };
    match fs::remove_file(place.state()) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(file("remove", place.state())(source));
        }
        _ => {}
    }
    let log = File::create(place.log()).map_err(file("write", place.log()))?;
    let errors = log.try_clone().map_err(file("write", place.log()))?;
    let mut command = environment.command();
    command
        .arg(program)
        .args(["--port", "0", "--version-key", version, "--ready-file"])
        .arg(place.state())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|source| SandboxError::Run {
        command: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    wait_until_ready(place, &mut child)
}

fn wait_until_ready(place: &Place, child: &mut Child) -> Result<Account, SandboxError> {
    let failed = |reason: String| SandboxError::Start {
        reason,
        log: place.log(),
        tail: tail(&fs::read_to_string(place.log()).unwrap_or_default()),
    };
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if let Some((account, _)) = running(place)? {
            return Ok(account);
        }
        match child.try_wait() {
            Ok(Some(status)) => return Err(failed(format!("it ended with {status}"))),
            Ok(None) => thread::sleep(PAUSE),
            Err(error) => return Err(failed(format!("it cannot be watched: {error}"))),
        }
    }
    let reason = match child.kill().and_then(|()| child.wait()) {
        Ok(_) => format!("no answer in {} s", START.as_secs()),
        Err(error) => format!(
            "no answer in {} s, and it cannot be ended: {error}",
            START.as_secs()
        ),
    };
    Err(failed(reason))
}

/// Asks the server to end itself, and waits until it answers no more.
fn stop_server(account: &Account) -> Result<(), SandboxError> {
    control(account, "/_account/stop", "stop")?;
    let deadline = Instant::now() + STOP;
    while http::status(account.port).is_ok_and(|answer| answer.pid == account.pid) {
        if Instant::now() >= deadline {
            return Err(SandboxError::Control {
                endpoint: account.endpoint.clone(),
                what: "stop",
                source: io::Error::new(io::ErrorKind::TimedOut, StillThere(account.pid)),
            });
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

#[derive(Debug)]
struct StillThere(u32);

impl fmt::Display for StillThere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "process {} still answers after {} s",
            self.0,
            STOP.as_secs()
        )
    }
}

impl error::Error for StillThere {}

fn control(account: &Account, path: &str, what: &'static str) -> Result<(), SandboxError> {
    http::post(account.port, path).map_err(|source| SandboxError::Control {
        endpoint: account.endpoint.clone(),
        what,
        source,
    })
}

/// Takes a lock that ends with the process, and says so when somebody else has it.
fn lock(path: &Path, progress: &mut dyn FnMut(&str)) -> Result<File, SandboxError> {
    let fail = |source| SandboxError::File {
        action: "lock",
        path: path.to_owned(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress("waiting for another fde-infra that is preparing the local account");
            file.lock().map_err(fail)?;
        }
        Err(TryLockError::Error(source)) => return Err(fail(source)),
    }
    Ok(file)
}

/// The last lines of a text.
fn tail(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A place that goes with the test.
    struct Scratch {
        place: Place,
        root: PathBuf,
    }

    impl std::ops::Deref for Scratch {
        type Target = Place;

        fn deref(&self) -> &Place {
            &self.place
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            // A test that failed has more to say than that its files are still there.
            let _ = fs::remove_dir_all(&self.root);
        }
    }

    fn scratch(name: &str) -> Scratch {
        let root = std::env::temp_dir().join(format!("fde-infra-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let place = Place::new(root.clone(), "test").unwrap();
        place::make_directory(&place.instance()).unwrap();
        Scratch { place, root }
    }

    #[test]
    fn nothing_on_record_is_nothing_running() {
        let place = scratch("no-record");
        assert!(running(&place).unwrap().is_none());
        fs::write(place.state(), "{ half a rec").unwrap();
        assert!(running(&place).unwrap().is_none());
    }

    #[test]
    fn a_port_that_nobody_serves_is_nothing_running() {
        let place = scratch("stale-port");
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        fs::write(place.state(), format!(r#"{{"pid":1,"port":{port}}}"#)).unwrap();
        assert!(running(&place).unwrap().is_none());
    }

    #[test]
    fn a_reused_port_with_another_process_is_nothing_running() {
        let place = scratch("reused-port");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        fs::write(place.state(), format!(r#"{{"pid":1,"port":{port}}}"#)).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let _ = io::Read::read(&mut stream, &mut head).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\n\r\n{\"version\":\"v\",\"pid\":2,\"calls\":0}";
            io::Write::write_all(&mut stream, answer).unwrap();
        });
        assert!(running(&place).unwrap().is_none());
        server.join().unwrap();
    }

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let place = scratch("lock");
        let path = place.instance().join("lock");
        let first = lock(&path, &mut |_| panic!("nobody else has it")).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiting = thread::spawn(move || {
            let _second = lock(&path, &mut |line| sender.send(line.to_owned()).unwrap()).unwrap();
        });
        assert!(receiver.recv().unwrap().starts_with("waiting"));
        drop(first);
        waiting.join().unwrap();
    }

    #[test]
    fn the_end_of_a_log_is_shown() {
        let text: String = (1..=TAIL + 5).map(|number| format!("{number}\n")).collect();
        assert!(tail(&text).starts_with("6\n"));
        assert_eq!(tail("one\n\n"), "one");
        assert_eq!(tail(""), "");
    }
}
