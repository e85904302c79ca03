//! The files in `stacks/`, each read as a stack.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Offline, stack_file};
use crate::cli::Invocation;
use crate::cli::arguments::StackArguments;
use crate::cli::report::Failure;

/// A file in `stacks/`, under the name that a user types.
pub struct StackFile {
    pub name: String,
    pub path: PathBuf,
    pub offline: Result<Offline, Failure>,
}

/// Reads all of them, in order, with the flags of the invocation. A file that is no stack by itself, and that another one
/// extends, is a layer and left out.
pub fn every(invocation: &mut Invocation) -> Vec<StackFile> {
    let given = invocation.stack.clone();
    let mut files: Vec<StackFile> = Vec::new();
    for (stem, path) in stack_file::all() {
        // A file in the working directory may have the same name, and `dev.yml` may stand beside `dev.yaml`.
        let is_found = stack_file::named(&stem).is_some_and(|found| found == path);
        let name = if is_found {
            stem
        } else {
            path.to_string_lossy().into_owned()
        };
        invocation.stack = StackArguments {
            stack: Some(name.clone()),
            ..given.clone()
        };
        let offline = Offline::load(invocation);
        files.push(StackFile {
            name,
            path,
            offline,
        });
    }
    invocation.stack = given;
    let sound = files.iter().filter_map(|file| file.offline.as_ref().ok());
    let layers = sound.flat_map(|offline| offline.stack.sources().iter().skip(1));
    let layers: Vec<PathBuf> = layers.filter_map(|it| place(Path::new(&it.name))).collect();
    files.retain(|file| {
        file.offline.is_ok() || place(&file.path).is_none_or(|place| !layers.contains(&place))
    });
    files
}

/// The place of a file, after symbolic links; `None` for what is no file, such as a flag.
fn place(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}
