//! The lock on what only one process at a time may do.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::SandboxError;

/// Takes a lock that ends with the process, and reports when another process has it.
pub(super) fn lock(path: &Path, progress: &mut dyn FnMut(&str)) -> Result<File, SandboxError> {
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
