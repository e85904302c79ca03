//! The file that a stack is in.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::cli::report::Failure;
use crate::cli::{Exit, Invocation};
use crate::display::Message;
use crate::regular_file;
use crate::resource::nearest::nearest;
use crate::stack::limits::MAX_BYTES;

/// The directory of the stacks, relative to the working directory.
const DIRECTORY: &str = "stacks";
/// The path of a file that is written into the program: what an editor or a script has not saved.
const STANDARD_INPUT: &str = "-";
const EXTENSIONS: [&str; 2] = ["yaml", "yml"];

/// The file of a stack: by its name in `stacks/`, by its path, or the only one there is.
///
/// # Errors
/// A report with what there is, and how the command is given a stack.
pub fn find(invocation: &Invocation) -> Result<PathBuf, Failure> {
    let stack = invocation.stack.stack.as_deref();
    if stack == Some(STANDARD_INPUT) && invocation.command == "validate" {
        return Ok(PathBuf::from(STANDARD_INPUT));
    }
    let there = stacks(&directory());
    match stack.filter(|stack| !stack.is_empty()) {
        Some(stack) => named(stack).ok_or_else(|| no_such(stack, &there)),
        None => match there.as_slice() {
            [(_, path)] => Ok(path.clone()),
            _ => Err(none_given(&there, invocation.command)),
        },
    }
}

fn no_such(stack: &str, there: &[(String, PathBuf)]) -> Failure {
    let names = there.iter().map(|(name, _)| name.as_str());
    let looked_for = if is_bare(stack) {
        format!("{DIRECTORY}/{stack}.yaml, and a file {stack}")
    } else {
        format!("a file {stack}")
    };
    let message = Message::error(format!("there is no stack `{stack}`"))
        .fact("looked for", looked_for)
        .fact("there is", listing(there));
    let message = match nearest(stack, names) {
        Some(nearest) => message.help(format!("did you mean `{nearest}`?")),
        None => message.help("give the name of a file in stacks/, or a path"),
    };
    Failure::new(Exit::NoStack, message)
}

fn none_given(there: &[(String, PathBuf)], command: &str) -> Failure {
    let message = Message::error("no stack is given").fact("there is", listing(there));
    let message = match there.first() {
        Some((name, _)) => message
            .help("name the stack, or set FDE_INFRA_STACK")
            .command(format!("fde-infra {command} {name}")),
        None => message.help("write a stack file stacks/dev.yaml, or give the path of one"),
    };
    let exit = if there.is_empty() {
        Exit::NoStack
    } else {
        Exit::Usage
    };
    Failure::new(exit, message)
}

fn listing(there: &[(String, PathBuf)]) -> String {
    if there.is_empty() {
        return format!("nothing in {DIRECTORY}/ of the working directory");
    }
    let names: Vec<&str> = there.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}

/// The file that a word names, if it names one. Where no regular file has the name, something else may, which cannot be read
/// as a stack: [`read`] says so. A directory does not count: one beside `stacks/` may have the name of a stack.
pub fn named(stack: &str) -> Option<PathBuf> {
    let directory = directory();
    let with_extension = EXTENSIONS
        .iter()
        .map(|extension| format!("{stack}.{extension}"));
    let in_directory = with_extension
        .chain(has_extension(stack).then(|| stack.to_owned()))
        .map(|name| directory.join(name))
        .filter(|_| is_bare(stack));
    let paths: Vec<PathBuf> = in_directory.chain([PathBuf::from(stack)]).collect();
    let is_other = |path: &&PathBuf| fs::metadata(path).is_ok_and(|found| !found.is_dir());
    let regular = paths.iter().find(|path| path.is_file());
    regular.or_else(|| paths.iter().find(is_other)).cloned()
}

/// The directory of the stacks: in the working directory, or in the nearest one above it, but not above the repository.
fn directory() -> PathBuf {
    let mut place = PathBuf::new();
    loop {
        let directory = place.join(DIRECTORY);
        if directory.is_dir() {
            return directory;
        }
        let here = fs::canonicalize(Path::new(".").join(&place));
        let goes_on = here.is_ok_and(|here| here.parent().is_some());
        if !goes_on || place.join(".git").exists() {
            return PathBuf::from(DIRECTORY);
        }
        place.push("..");
    }
}

fn has_extension(stack: &str) -> bool {
    let extension = Path::new(stack).extension();
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
}

/// Returns whether a word can be a stack's name, rather than a path.
fn is_bare(stack: &str) -> bool {
    !stack.contains(['/', '\\'])
}

/// The files in `stacks/` by name, in order.
pub fn all() -> Vec<(String, PathBuf)> {
    stacks(&directory())
}

/// Stacks by name, in order.
fn stacks(directory: &Path) -> Vec<(String, PathBuf)> {
    // A directory that does not exist has no stacks; one that cannot be read has none that could be.
    let mut stacks: Vec<(String, PathBuf)> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && path.is_file()
        })
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    stacks.sort();
    stacks
}

/// Reads a file of the stack in `main`: a regular file below [`roots`], after symbolic links. Error messages show excerpts
/// of what is read, which must not be credentials.
///
/// # Errors
/// Those of reading, [`io::ErrorKind::FileTooLarge`], and [`io::ErrorKind::PermissionDenied`] for what lies elsewhere.
pub fn read(path: &str, main: &Path) -> io::Result<String> {
    if path == STANDARD_INPUT && main == Path::new(STANDARD_INPUT) {
        return standard_input();
    }
    // Before the place is looked up: a pipe that the shell makes has none.
    let file = regular_file::open(Path::new(path))?;
    let place = fs::canonicalize(path)?;
    let is_inside = roots(main).iter().any(|root| place.starts_with(root));
    // A link may have been changed in the meantime, and what was opened lie elsewhere.
    if !is_inside || !regular_file::stands_at(&file, &place)? {
        let reason = "lies outside of the repository and the working directory";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    let bytes = regular_file::whole(file, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn standard_input() -> io::Result<String> {
    let mut text = String::new();
    // One byte more than is taken shows that there is too much.
    let most = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    io::stdin().lock().take(most).read_to_string(&mut text)?;
    if text.len() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// The directories below which the files of a stack lie: the working directory, that of the stack file, the one around
/// `stacks/`, and the repository of either.
fn roots(main: &Path) -> Vec<PathBuf> {
    let beside = match main.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Vec::new(),
    };
    let places = [Path::new("."), beside].into_iter();
    let places: Vec<PathBuf> = places
        .filter_map(|place| fs::canonicalize(place).ok())
        .collect();
    let around = places.last().filter(|place| place.ends_with(DIRECTORY));
    let around = around
        .and_then(|place| place.parent())
        .map(Path::to_path_buf);
    let repositories = places.iter().filter_map(|place| {
        let mut above = place.ancestors();
        above
            .find(|above| above.join(".git").exists())
            .map(Path::to_path_buf)
    });
    let repositories: Vec<PathBuf> = repositories.collect();
    let roots = places.into_iter().chain(around).chain(repositories);
    // Below the root of the file system lies everything.
    roots.filter(|root| root.parent().is_some()).collect()
}
