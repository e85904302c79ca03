//! The sandbox: a local AWS account for learning, demonstrations and tests, started and managed by `fde-infra` itself.
//!
//! It is [moto](https://docs.getmoto.org) in server mode, behind a starter (`account.py`) that patches what moto gets wrong
//! for our operations; every patch, and every gap that stays, is listed there. To the rest of `fde-infra` it is an endpoint
//! and a pair of dummy credentials: no other module knows that it exists, and no product code bends for it.
//!
//! # Files
//!
//! Everything lies under `$FDE_INFRA_SANDBOX_DIR`, else in the user's cache directory (`$XDG_CACHE_HOME/fde-infra/sandbox`,
//! `~/.cache/fde-infra/sandbox`, on macOS `~/Library/Caches/fde-infra/sandbox`):
//!
//! | directory | what | shared by |
//! |---|---|---|
//! | `environments/<requirements>-<python>/` | the private Python environment, made on first use | all instances |
//! | `programs/<version>/` | the starter, as this binary carries it | all instances |
//! | `instances/<name>/` | `account.json` (process, port, version, token), `account.log`, `lock` | one account |
//!
//! `FDE_INFRA_SANDBOX_NAME` names the instance (`default` when unset). A test that wants an account of its own sets a name
//! of its own: it gets an empty account, and the installation is not repeated.
//!
//! # Promises
//!
//! - Several processes may start, stop and install at once; operating system locks, which a killed process cannot leave
//!   behind, decide who does it.
//! - A running server is believed only when it proves over HTTP that it has written the record ([`proof`]). A process number
//!   or a port that something else has taken is not enough, and neither is another user's answer there.
//! - When this binary carries another version of the starter, the old server is stopped and a new one started.
//! - Nothing of the working directory is run or read: every program starts elsewhere, isolated, with few variables. What is
//!   run lies in directories that only this user can write, and its packages have the hashes that this binary carries.
//! - The server answers programs on this machine, and no page in a browser.
//!
//! Start reading at [`ensure_running`].

mod command;
mod environment;
mod error;
mod http;
mod lock;
mod place;
mod private;
mod proof;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};
use std::{fmt, thread};

use serde::Deserialize;

use crate::regular_file;
pub use error::SandboxError;
use error::tail;
use lock::lock;
use place::Place;

/// The credentials to use with the local account; it accepts any.
pub const CREDENTIALS: (&str, &str) = ("sandbox", "sandbox");

/// The longest time that the server may take to answer after it was started: it loads all of its services first.
const START: Duration = Duration::from_mins(2);

/// The longest time that a server may take to stop after it was asked to.
const STOP: Duration = Duration::from_secs(10);

/// The pause between two looks at a server that is starting or stopping.
const PAUSE: Duration = Duration::from_millis(25);

/// Bytes of a record: a process, a port, a version and a token.
const LONGEST_RECORD: usize = 4096;

/// A local account that is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The endpoint to use for every AWS service.
    pub endpoint: String,
    /// The server's process.
    pub pid: u32,
    /// The server's log.
    pub log: PathBuf,
}

/// The account that is running, or one that is started now; on first use, it is installed before.
pub fn ensure_running(progress: &mut dyn FnMut(&str)) -> Result<Account, SandboxError> {
    ensure_running_at(&Place::from_environment()?, progress)
}

/// The account, if it runs, whatever its version.
pub fn status() -> Result<Option<Account>, SandboxError> {
    let place = Place::from_environment()?;
    Ok(running(&place)?.map(|server| server.account(&place)))
}

/// Stops the account, and with it everything that was made in it. Tells whether one was running.
pub fn stop() -> Result<bool, SandboxError> {
    let place = Place::from_environment()?;
    private::make(&place.instance())?;
    let _lock = lock(&place.instance().join("lock"), &mut |_| {})?;
    match running(&place)? {
        None => stop_of_earlier_version(&place),
        Some(server) => stop_server(&server).map(|()| true),
    }
}

/// Empties the account. Tells whether one was running.
pub fn reset() -> Result<bool, SandboxError> {
    match running(&Place::from_environment()?)? {
        None => Ok(false),
        Some(server) => control(&server.state, "/_account/reset", "empty itself").map(|()| true),
    }
}

fn ensure_running_at(
    place: &Place,
    progress: &mut dyn FnMut(&str),
) -> Result<Account, SandboxError> {
    let version = place::version();
    // The usual case takes no lock: one small file and one request.
    if let Some(server) = running(place)?.filter(|server| server.version == version) {
        return Ok(server.account(place));
    }
    private::make(&place.instance())?;
    let _lock = lock(&place.instance().join("lock"), progress)?;
    match running(place)? {
        Some(server) if server.version == version => return Ok(server.account(place)),
        Some(server) => {
            progress("stopping the local account of another version of fde-infra");
            stop_server(&server)?;
        }
        None => {
            stop_of_earlier_version(place)?;
        }
    }
    let environment = environment::ensure(place, progress)?;
    progress("starting the local account");
    start(place, &environment, &version)
}

/// The record that the server writes when it is ready.
#[derive(Deserialize)]
struct State {
    pid: u32,
    port: u16,
    /// Empty in the records of earlier versions, the servers of which can prove nothing.
    #[serde(default)]
    token: String,
}

/// A server that has proven that it is the one on record.
struct Server {
    state: State,
    version: String,
}

impl Server {
    fn account(&self, place: &Place) -> Account {
        Account {
            endpoint: self.state.endpoint(),
            pid: self.state.pid,
            log: place.log(),
        }
    }
}

impl State {
    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The version of the server that answers on the port, if it is the one on record.
    fn proven(&self) -> Result<Option<String>, SandboxError> {
        let question = proof::question().map_err(|source| SandboxError::File {
            action: "read",
            path: "/dev/urandom".into(),
            source,
        })?;
        let Some(right) = proof::answer(&self.token, &question, self.pid, self.port) else {
            return Ok(None);
        };
        let answer = http::status(self.port, &question).ok();
        let answer = answer.filter(|answer| answer.pid == self.pid && answer.proof == right);
        Ok(answer.map(|answer| answer.version))
    }
}

/// The server on record, if it is there and proves that it is.
fn running(place: &Place) -> Result<Option<Server>, SandboxError> {
    let Some(state) = recorded(place)? else {
        return Ok(None);
    };
    let version = state.proven()?;
    Ok(version.map(|version| Server { state, version }))
}

/// The record of the server. A record that cannot be understood is treated as missing: the next start replaces it.
fn recorded(place: &Place) -> Result<Option<State>, SandboxError> {
    // A record of another user's would lead to a server of theirs.
    private::check(&place.instance())?;
    let path = place.state();
    match regular_file::read(&path, LONGEST_RECORD) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SandboxError::File {
            action: "read",
            path,
            source,
        }),
    }
}

/// Ends a server of an earlier version, which has left no token in its record, so that it does not stay behind. Another
/// server may be the one that answers: it learns nothing by that. Returns whether one was asked.
fn stop_of_earlier_version(place: &Place) -> Result<bool, SandboxError> {
    let Some(state) = recorded(place)?.filter(|state| state.token.is_empty()) else {
        return Ok(false);
    };
    let question = "";
    let is_there = || http::status(state.port, question).is_ok_and(|it| it.pid == state.pid);
    // A server that does not carry out the request is not ours, and not in the way.
    Ok(is_there() && http::post(state.port, "/_account/stop").is_ok())
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
    let mut command = environment.command(&program);
    command
        .args(["--port", "0", "--version-key", version, "--ready-file"])
        .arg(place.state())
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
        if let Some(server) = running(place)? {
            return Ok(server.account(place));
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
fn stop_server(server: &Server) -> Result<(), SandboxError> {
    let state = &server.state;
    control(state, "/_account/stop", "stop")?;
    let deadline = Instant::now() + STOP;
    while state.proven()?.is_some() {
        if Instant::now() >= deadline {
            return Err(SandboxError::Control {
                endpoint: state.endpoint(),
                what: "stop",
                source: io::Error::new(io::ErrorKind::TimedOut, StillThere(state.pid)),
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

impl std::error::Error for StillThere {}

fn control(state: &State, path: &str, what: &'static str) -> Result<(), SandboxError> {
    http::post(state.port, path).map_err(|source| SandboxError::Control {
        endpoint: state.endpoint(),
        what,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A place that is removed with the test.
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
        private::make(&place.instance()).unwrap();
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
        let record = format!(r#"{{"pid":1,"port":{port},"token":"{TOKEN}"}}"#);
        fs::write(place.state(), record).unwrap();
        assert!(running(&place).unwrap().is_none());
    }

    const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    /// Puts a server on record that answers one request, with what `answer` makes of the question and the port. Returns
    /// whether it is believed.
    fn is_believed(name: &str, answer: impl FnOnce(&str, u16) -> String + Send + 'static) -> bool {
        let place = scratch(name);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        fs::write(
            place.state(),
            format!(r#"{{"pid":1,"port":{port},"version":"v","token":"{TOKEN}"}}"#),
        )
        .unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let read = io::Read::read(&mut stream, &mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            assert!(!head.contains(TOKEN), "{head}");
            let (_, rest) = head.split_once("?prove=").unwrap();
            let question = rest.split(' ').next().unwrap();
            let body = answer(question, port);
            let answer = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
            io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
        });
        let found = running(&place).unwrap();
        server.join().unwrap();
        found.is_some_and(|server| server.version == "v")
    }

    fn status_of(pid: u32, proof: Option<String>) -> String {
        let proof = proof.unwrap_or_default();
        format!(r#"{{"version":"v","pid":{pid},"calls":0,"proof":"{proof}"}}"#)
    }

    #[test]
    fn a_reused_port_with_another_process_is_nothing_running() {
        assert!(!is_believed("reused-port", |question, port| {
            status_of(2, proof::answer(TOKEN, question, 2, port))
        }));
    }

    #[test]
    fn a_server_that_has_written_the_record_is_believed() {
        assert!(is_believed("proven", |question, port| {
            status_of(1, proof::answer(TOKEN, question, 1, port))
        }));
    }

    /// The process number on record is no secret, and neither are the answers to other questions.
    #[test]
    fn a_server_that_knows_no_more_than_others_do_is_not_believed() {
        assert!(!is_believed("no-proof", |_, _| {
            r#"{"version":"v","pid":1,"calls":0}"#.to_owned()
        }));
        assert!(!is_believed("echo", |question, _| status_of(
            1,
            Some(question.to_owned())
        )));
        assert!(!is_believed("another-question", |_, port| {
            let earlier = proof::question().unwrap();
            status_of(1, proof::answer(TOKEN, &earlier, 1, port))
        }));
        assert!(!is_believed("another-token", |question, port| {
            status_of(1, proof::answer(&"0".repeat(64), question, 1, port))
        }));
        // Passed on to a fork, which has the token in its memory.
        assert!(!is_believed("passed-on", |question, port| {
            status_of(1, proof::answer(TOKEN, question, 2, port ^ 1))
        }));
    }

    #[test]
    fn a_record_without_a_token_proves_nothing() {
        let place = scratch("no-token");
        fs::write(place.state(), r#"{"pid":1,"port":1}"#).unwrap();
        assert!(running(&place).unwrap().is_none());
        assert!(!stop_of_earlier_version(&place).unwrap());
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
}
