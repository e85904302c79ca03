//! The program itself, run on a stack of a test's own: for what it says, how it ends, and which calls it makes.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use super::{World, endpoint, http};

/// The program, with a stack file and an identity that no other test has.
pub struct Program<'a> {
    world: &'a World,
    file: PathBuf,
    caller: String,
}

/// How one run ended.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    /// In one line, so that where a line was broken does not matter.
    pub stderr: String,
    /// The calls that were to change something. Empty where nobody keeps count.
    pub mutating: Vec<String>,
}

impl<'a> Program<'a> {
    pub fn of(world: &'a World) -> Self {
        let caller = format!("program-{}", world.name);
        let file = format!("fde-infra-{}-{}.yaml", world.name, std::process::id());
        Self {
            world,
            file: std::env::temp_dir().join(file),
            caller,
        }
    }

    /// Runs a command on these resources; nobody is there to ask.
    pub fn run(&self, resources: &str, command: &str, arguments: &[&str]) -> Ended {
        self.run_file(&self.world.file(resources), command, arguments)
    }

    /// As [`Program::run`], on a whole file.
    pub fn run_file(&self, text: &str, command: &str, arguments: &[&str]) -> Ended {
        std::fs::write(&self.file, text).expect("the file can be written");
        let before = self.mutating().len();
        let output = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .arg(command)
            .arg(&self.file)
            .args(arguments)
            .env_clear()
            .env("AWS_ENDPOINT_URL", endpoint())
            .env("AWS_ACCESS_KEY_ID", &self.caller)
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        Ended {
            status: output.status.code(),
            stderr: stderr.split_whitespace().collect::<Vec<_>>().join(" "),
            mutating: self.mutating().split_off(before),
        }
    }

    /// The calls of this program that were to change something, so far.
    fn mutating(&self) -> Vec<String> {
        // Another account than the local one keeps no such log.
        if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
            return Vec::new();
        }
        let log = http::get(endpoint(), "/_account/calls");
        let log: Json = serde_json::from_str(&log).expect("the log is JSON");
        let calls = log["calls"].as_array().expect("a list of calls");
        calls
            .iter()
            .filter(|call| call["mutating"] == true && call["caller"] == self.caller.as_str())
            .map(|call| format!("{}:{}", call["service"], call["operation"]))
            .collect()
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // It may never have been written.
        drop(std::fs::remove_file(&self.file));
    }
}
