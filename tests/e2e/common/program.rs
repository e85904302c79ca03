//! The program itself, run on a stack of a test's own: for what it says, how it ends, and which calls it makes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;

use super::{World, endpoint, http};

/// The program, in a directory and with an identity that no other test has.
pub struct Program<'a> {
    world: &'a World,
    /// Holds `stacks/dev.yaml`, so that command lines are those of a user.
    directory: PathBuf,
    caller: String,
    environment: BTreeMap<&'static str, String>,
}

/// The outcome of one run.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    /// The raw stream: data.
    pub stdout: String,
    /// Both streams, as they came.
    pub raw: String,
    /// In one line, so that line breaks do not matter.
    pub stderr: String,
    /// The screen that the user meets: the command line, both streams and the exit status; see [`lasting`].
    pub screen: String,
    /// True if it ran where GitHub takes orders from its output.
    pub on_github: bool,
    /// The calls, `service:Operation`. Empty where no count is kept.
    pub calls: Vec<String>,
    /// The calls that were to change something.
    pub mutating: Vec<String>,
}

/// The name of the one stack there is.
pub const STACK: &str = "dev";

impl<'a> Program<'a> {
    pub fn of(world: &'a World) -> Self {
        let caller = format!("program-{}", world.name);
        let directory = format!("fde-infra-{}-{}", world.name, std::process::id());
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint().to_owned()),
            ("AWS_ACCESS_KEY_ID", caller.clone()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            // A machine in EC2 or in Azure would tell its identity.
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("NO_COLOR", "1".to_owned()),
            ("COLUMNS", "80".to_owned()),
        ];
        let program = Self {
            world,
            directory: std::env::temp_dir().join(directory),
            caller,
            environment: environment.into(),
        };
        std::fs::create_dir_all(program.directory.join("stacks"))
            .expect("the directory can be made");
        program
    }

    /// The same, with a variable of the environment set.
    pub fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.environment.insert(variable, value.to_owned());
        self
    }

    /// The same, as another caller.
    pub fn called_by(self, key: &str, secret: &str, token: &str) -> Self {
        let mut program = self
            .with("AWS_ACCESS_KEY_ID", key)
            .with("AWS_SECRET_ACCESS_KEY", secret)
            .with("AWS_SESSION_TOKEN", token);
        key.clone_into(&mut program.caller);
        program
    }

    /// The variables that the program has.
    pub fn environment(&self) -> &BTreeMap<&'static str, String> {
        &self.environment
    }

    /// The directory in which the program runs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The same, with a variable of the environment not set.
    pub fn without(mut self, variable: &'static str) -> Self {
        self.environment.remove(variable);
        self
    }

    /// Runs a command on these resources, without a person to ask.
    pub fn run(&self, resources: &str, command: &str, arguments: &[&str]) -> Ended {
        self.run_file(&self.world.file(resources), command, arguments)
    }

    /// Like [`Program::run`], on a whole file.
    pub fn run_file(&self, text: &str, command: &str, arguments: &[&str]) -> Ended {
        self.write("stacks/dev.yaml", text);
        self.run_words(&[&[command, STACK], arguments].concat())
    }

    /// Writes a file into the program's directory.
    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.directory.join(path), text).expect("the file can be written");
    }

    /// Runs the program with these words; the stack file is what it was before.
    pub fn run_words(&self, words: &[&str]) -> Ended {
        let before = self.calls().len();
        let output = self.start(words).wait_with_output();
        self.ended(words, &output.expect("the program ends"), before)
    }

    /// Runs the program with a text on its standard input.
    pub fn run_with_input(&self, words: &[&str], input: &str) -> Ended {
        let before = self.calls().len();
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it is read");
        drop(stdin);
        let output = child.wait_with_output().expect("the program ends");
        self.ended(words, &output, before)
    }

    /// Starts the program with these words, and leaves it running.
    pub fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().expect("the program starts")
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fde-infra"));
        command
            .args(words)
            .current_dir(&self.directory)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the program with these words on a terminal of its own; what it writes there, and what is typed, goes through
    /// pipes.
    pub fn start_on_terminal(&self, words: &[&str]) -> Child {
        let line = format!("{} {}", env!("CARGO_BIN_EXE_fde-infra"), words.join(" "));
        self.start_in_script(&line)
    }

    /// Starts the program as [`Program::start_on_terminal`] does, on one of this many columns and of many rows.
    pub fn start_in_window(&self, columns: usize, words: &[&str]) -> Child {
        let program = env!("CARGO_BIN_EXE_fde-infra");
        let line = format!(
            "stty cols {columns} rows 200; {program} {}",
            words.join(" ")
        );
        self.start_in_script(&line)
    }

    fn start_in_script(&self, line: &str) -> Child {
        Command::new("script")
            .args([
                "--quiet",
                "--flush",
                "--return",
                "--command",
                line,
                "/dev/null",
            ])
            .current_dir(&self.directory)
            .env_clear()
            .envs(&self.environment)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("`script` of util-linux starts")
    }

    /// The outcome of a run that began after this many calls.
    pub fn ended(&self, words: &[&str], output: &Output, before: usize) -> Ended {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = without_account(&String::from_utf8_lossy(&output.stderr));
        let calls = self.calls().split_off(before);
        let names = |mutating: bool| {
            calls
                .iter()
                .filter(|call| !mutating || call["mutating"] == true)
                .map(|call| {
                    let word = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
                    format!("{}:{}", word("service"), word("operation"))
                })
                .collect()
        };
        let screen = format!(
            "$ fde-infra {}\n{}{}exit {}\n",
            words.join(" "),
            stream("stdout", &stdout),
            stream("stderr", &stderr),
            output
                .status
                .code()
                .map_or_else(|| "by a signal".to_owned(), |code| code.to_string()),
        );
        // The commit under test is not the snapshot's business.
        let screen = with_whole(&screen, fde_infra::version::VERSION, "[version]");
        Ended {
            status: output.status.code(),
            stdout: stdout.to_string(),
            raw: format!("{stdout}{stderr}"),
            stderr: stderr.split_whitespace().collect::<Vec<_>>().join(" "),
            screen: lasting(&screen),
            on_github: self.environment.contains_key("GITHUB_ACTIONS"),
            calls: names(false),
            mutating: names(true),
        }
    }

    /// The calls of this program so far, as the account has logged them.
    fn calls(&self) -> Vec<Json> {
        // Another account than the local one keeps no such log.
        if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
            return Vec::new();
        }
        let log = http::get(endpoint(), "/_account/calls");
        let log: Json = serde_json::from_str(&log).expect("the log is JSON");
        let calls = log["calls"].as_array().expect("a list of calls");
        calls
            .iter()
            .filter(|call| call["caller"] == self.caller.as_str())
            .cloned()
            .collect()
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // Leftovers in the temporary directory do no harm.
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Without the line that names the account under test: users of AWS's own addresses do not have it.
fn without_account(text: &str) -> String {
    let names_it = |line: &&str| {
        line.contains("The endpoint: http://127.0.0.1:")
            && line.contains(", by AWS_ENDPOINT_URL")
            && !line.contains("AWS_ENDPOINT_URL_")
    };
    text.split_inclusive('\n')
        .filter(|line| !names_it(line))
        .collect()
}

/// The output of a stream, under its name; nothing if it is empty.
fn stream(name: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("──── {name}\n{}\n────\n", text.trim_end_matches('\n'))
}

/// A screen without what another run would show otherwise. Each becomes a word in brackets:
///
/// - `[time]`: a duration as [`fde_infra::display::seconds`] writes it
/// - `[clock]`: a time of day, in UTC
/// - `[moment]`: a date with a time of day, in UTC; but for 31 January, which is a test's own
/// - `[id]`: eight or more hexadecimal digits in a row, letters among them, as in `vpc-0a1b2c3d4e5f60718`; more than twelve
///   decimal ones, as in `ecs-svc/1234567890123456789` (accounts have twelve, and are always the same); or a UUID
/// - `[port]`: of this machine
/// - `[count]`: of attempts, where there was more than one
/// - `[revision]`: of a task definition, which AWS never counts down
/// - `[number]`: that the operating system has for an error
/// - `[process]`: its number
/// - `[random]`: the six letters and digits at the end of a secret's ARN, whole or as rows show it
pub fn lasting(text: &str) -> String {
    let mut lasting = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word: usize = rest
            .chars()
            .take_while(|character| character.is_ascii_alphanumeric())
            .map(char::len_utf8)
            .sum();
        let (word, after) = rest.split_at(word.max(first.len_utf8()));
        let starts_new = !lasting.ends_with(|last: char| last.is_alphanumeric());
        if let Some(length) = moment(rest).filter(|_| starts_new) {
            lasting.push_str("[moment]");
            rest = &rest[length..];
            continue;
        }
        if let Some(length) = clock(rest).filter(|_| starts_new) {
            lasting.push_str("[clock]");
            rest = &rest[length..];
            continue;
        }
        match (duration(rest).filter(|_| starts_new), uuid(rest)) {
            (Some(length), _) => {
                lasting.push_str("[time]");
                rest = &rest[length..];
            }
            (None, Some(length)) => {
                lasting.push_str("[id]");
                rest = &rest[length..];
            }
            (None, None) => {
                lasting.push_str(match word {
                    word if is_id(word) => "[id]",
                    word if lasting.ends_with("//127.0.0.1:") && word.parse::<u16>().is_ok() => {
                        "[port]"
                    }
                    word if lasting.ends_with("(attempt ") && word != "1" => "[count]",
                    _ if lasting.ends_with("(os error ") => "[number]",
                    word if ends_task_definition(&lasting, word) => "[revision]",
                    word if lasting.ends_with("process  ") && word.parse::<u32>().is_ok() => {
                        "[process]"
                    }
                    word if ends_arn_of_secret(&lasting, word, after) => "[random]",
                    word => word,
                });
                rest = after;
            }
        }
    }
    lasting
}

/// A text with a word replaced wherever it stands by itself: `0.1.0`, the version of a build that knows no commit, is also
/// a part of `10.0.1.0/24`.
fn with_whole(text: &str, word: &str, by: &str) -> String {
    let continues = |character: char| character.is_alphanumeric() || "./-_".contains(character);
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        // A full stop may follow, as it ends a sentence.
        let follows = after.trim_start_matches('.').chars().next();
        let is_whole =
            !before.chars().next_back().is_some_and(continues) && !follows.is_some_and(continues);
        replaced.push_str(before);
        replaced.push_str(if is_whole { by } else { word });
        rest = after;
    }
    replaced + rest
}

fn ends_arn_of_secret(before: &str, word: &str, after: &str) -> bool {
    // The end may stand on the line below its beginning. Rows show the ARN from `secret:` on.
    let part = |text: &str| {
        text.rsplit([' ', '"', '\'', '\n'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let arn = match before.rsplit_once('\n') {
        Some((above, line)) if !line.trim_start().contains(' ') => part(above) + line.trim_start(),
        _ => part(before),
    };
    word.len() == 6
        && arn.contains("secret:")
        && arn.ends_with('-')
        && !after.starts_with(['-', '/'])
}

fn is_id(word: &str) -> bool {
    let decimal = word.chars().all(|digit| digit.is_ascii_digit());
    let hexadecimal = word.chars().all(|digit| digit.is_ascii_hexdigit());
    decimal && word.len() > 12
        || hexadecimal && !decimal && word.len() >= 8 && word.contains(|c: char| c.is_numeric())
}

fn ends_task_definition(before: &str, word: &str) -> bool {
    let arn = before.rsplit(char::is_whitespace).next();
    arn.is_some_and(|arn| arn.contains(":task-definition/") && arn.ends_with(':'))
        && word.parse::<u32>().is_ok()
}

/// The length of the date with a time that a text starts with: `2026-02-28 23:59`, with or without seconds.
fn moment(text: &str) -> Option<usize> {
    let fits = |form: &str| {
        let mut characters = text.chars();
        let fits = form.chars().all(|expected| {
            characters.next().is_some_and(|character| match expected {
                '0' => character.is_ascii_digit(),
                expected => character == expected,
            })
        });
        (fits && !text[..form.len()].contains("-01-31 ")).then_some(form.len())
    };
    fits("0000-00-00 00:00:00").or_else(|| fits("0000-00-00 00:00"))
}

/// The length of the time of day that a text starts with: `23:59:58Z`.
fn clock(text: &str) -> Option<usize> {
    let form = "00:00:00Z";
    let mut characters = text.chars();
    let fits = form.chars().all(|expected| {
        characters.next().is_some_and(|character| match expected {
            '0' => character.is_ascii_digit(),
            expected => character == expected,
        })
    });
    fits.then_some(form.len())
}

/// The length of the UUID that a text starts with.
fn uuid(text: &str) -> Option<usize> {
    let length = text
        .find(|character: char| !character.is_ascii_hexdigit() && character != '-')
        .unwrap_or(text.len());
    let parts = text[..length].split('-').map(str::len);
    parts.eq([8, 4, 4, 4, 12]).then_some(length)
}

/// The length of the duration that a text starts with: `0.3s`, `12s`, `4m05s`.
fn duration(text: &str) -> Option<usize> {
    let length = text
        .find(|character: char| !character.is_ascii_alphanumeric() && character != '.')
        .unwrap_or(text.len());
    // A full stop may follow.
    let word = text[..length].trim_end_matches('.');
    let number = word.strip_suffix('s')?;
    let is_number = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_digit())
            && part
                .chars()
                .all(|digit| digit.is_ascii_digit() || digit == '.')
    };
    let parts = number.split_once('m');
    let matches = match parts {
        Some((minutes, seconds)) => is_number(minutes) && is_number(seconds),
        None => is_number(number),
    };
    matches.then_some(word.len())
}

#[test]
fn a_version_is_replaced_where_it_stands_by_itself() {
    let screen = "version  0.1.0\nmade by fde-infra 0.1.0, or (0.1.0). It is 0.1.0.\n";
    assert_eq!(
        with_whole(screen, "0.1.0", "[version]"),
        "version  [version]\nmade by fde-infra [version], or ([version]). It is [version].\n"
    );
    for kept in [
        "cidrBlock: 10.0.1.0/24",
        "10.0.1.0",
        "0.1.0.5/32",
        "v10.1.0-rc",
    ] {
        assert_eq!(with_whole(kept, "0.1.0", "[version]"), kept);
    }
}
