//! The files of an earlier time, as git has them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::report::Failure;
use crate::cli::{Exit, Invocation};
use crate::display::Message;
use crate::stack::limits::MAX_BYTES;

/// A commit.
pub struct Revision {
    /// The words of the user.
    pub name: String,
    commit: String,
}

impl Revision {
    /// Finds the commit that a user names, in the repository of the stack's file.
    ///
    /// # Errors
    /// A usage error: no such commit, no repository, or no git.
    pub fn find(invocation: &Invocation, file: &Path, name: &str) -> Result<Self, Failure> {
        let answer = if name.starts_with('-') {
            // git would take it for an option.
            Err(io::Error::other("a revision does not begin with `-`"))
        } else {
            let commit = format!("{name}^{{commit}}");
            git(directory(file), &["rev-parse", &commit])
        };
        let commit = answer.map_err(|error| {
            let message = Message::error(format!("there is no revision `{name}`"))
                .fact("file", file.to_string_lossy())
                .fact("answer", error.to_string());
            let message =
                message.help("name a commit, a branch or a tag of the file's repository, as in");
            let command = invocation.stack_command("diff").with("--git", ["HEAD~1"]);
            Failure::new(Exit::Usage, message.command(command))
        })?;
        Ok(Self {
            name: name.to_owned(),
            commit: commit.trim().to_owned(),
        })
    }

    /// Reads a file as it was then.
    ///
    /// # Errors
    /// Those of git, and [`io::ErrorKind::FileTooLarge`].
    pub fn read(&self, path: &str) -> io::Result<String> {
        let path = Path::new(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Not `show`, which runs the programs that the repository names for a kind of file.
        let object = format!("{}:./{name}", self.commit);
        let text = git(directory(path), &["cat-file", "blob", &object])?;
        if text.len() > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(text)
    }
}

fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Runs git, and returns what it prints.
fn git(directory: PathBuf, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other("git is not installed"),
        _ => error,
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("git failed").to_owned();
        let said = said.trim_start_matches("fatal: ").to_owned();
        return Err(io::Error::new(io::ErrorKind::NotFound, said));
    }
    String::from_utf8(output.stdout)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
