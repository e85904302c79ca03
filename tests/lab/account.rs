//! Local accounts: one that is filled once, and forks of it, one for each run.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::http;
use crate::inventory::{Inventory, put_strangers};
use crate::world::{program, run_plainly};

/// The instance of the local account that only the lab uses.
const INSTANCE: &str = "lab";

/// Another stack of the same kind beside ours, which no run may touch.
const NEIGHBOUR: &str = "tests/lab/neighbour.yaml";

/// An account. A fork of another one ends with this value.
pub struct Account {
    pub endpoint: String,
    /// A connection to a fork, so that it does not take itself for forgotten, however long no request reaches it.
    connection: Option<TcpStream>,
}

impl Account {
    /// A second account with the same content.
    pub fn fork(&self) -> Self {
        Self::fork_of(&self.endpoint)
    }

    pub fn fork_of(endpoint: &str) -> Self {
        let answer = http::post(endpoint, "/_account/fork");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("an answer in JSON");
        let address = format!("127.0.0.1:{}", answer["port"]);
        let connection = TcpStream::connect(&address).expect("the fork listens");
        Self {
            endpoint: format!("http://{address}"),
            connection: Some(connection),
        }
    }

    pub fn inventory(&self) -> Inventory {
        Inventory::of(&self.endpoint)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.connection.is_some() {
            http::tell(&self.endpoint, "/_account/stop");
        }
    }
}

/// The content of an account before a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing of ours.
    Nothing,
    /// The reference stack.
    Stack,
    /// The stack with every resource type at least once.
    EveryType,
}

/// An account in which this stands, and beside it much that is not ours. To be forked, and otherwise left alone.
pub fn base(before: Before) -> &'static Account {
    static NOTHING: OnceLock<Account> = OnceLock::new();
    static STACK: OnceLock<Account> = OnceLock::new();
    static EVERY_TYPE: OnceLock<Account> = OnceLock::new();
    let with = |stack| {
        let account = base(Before::Nothing).fork();
        run_plainly(&account.endpoint, &["up", stack, "--yes"]);
        account.inventory();
        account
    };
    match before {
        Before::Nothing => NOTHING.get_or_init(|| {
            let account = whole();
            run_plainly(&account.endpoint, &["up", NEIGHBOUR, "--yes"]);
            put_strangers(&account.endpoint);
            // Some things of the local account progress when they are read.
            account.inventory();
            account
        }),
        Before::Stack => STACK.get_or_init(|| with("dev")),
        Before::EveryType => EVERY_TYPE.get_or_init(|| with("tests/lab/every-type.yaml")),
    }
}

/// The lab's instance, empty.
fn whole() -> Account {
    sandbox(&["--sandbox", "preview", "dev"]);
    sandbox(&["sandbox", "reset"]);
    let status = sandbox(&["sandbox", "status"]);
    let start = status.find("http://").expect("status names the endpoint");
    let endpoint: String = status[start..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "/:.".contains(*c))
        .collect();
    let endpoint = endpoint.trim_end_matches('.').to_owned();
    // Requests are checked against AWS's models, in all forks too: one that breaks its model is refused with the reason.
    http::post(&endpoint, "/_account/checks");
    Account {
        endpoint,
        connection: None,
    }
}

fn sandbox(arguments: &[&str]) -> String {
    let output = Command::new(program())
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("FDE_INFRA_SANDBOX_NAME", INSTANCE)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
