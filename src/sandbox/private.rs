//! Directories whose content is this user's alone: what the sandbox runs comes from nowhere else.
//!
//! A cache may be shared: `XDG_CACHE_HOME` below `/tmp`, or under `sudo` the home directory of another user. Any other user
//! who owns a directory on the way, or can write there, can put a Python of their own in its place. So the whole way is
//! looked at, symbolic links included, and a directory that another user could have filled is refused.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use super::error::SandboxError;

/// Permissions with which only the owner can enter a directory.
const OWNER_ONLY: u32 = 0o700;

/// The permissions of group and others.
const OTHERS: u32 = 0o077;

/// Only its owner can rename or remove an entry of such a directory: `/tmp` is one.
const STICKY: u32 = 0o1000;

/// The number of symbolic links that Linux follows.
const MOST_LINKS: usize = 40;

/// Makes a directory that only this user can enter. An existing one becomes such a directory, unless others may have put
/// something into it.
pub(super) fn make(path: &Path) -> Result<(), SandboxError> {
    DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(path)
        .map_err(|source| failed("make the directory", path, source))?;
    check(path)?;
    let found = fs::metadata(path).map_err(|source| failed("look at", path, source))?;
    if found.mode() & OTHERS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY))
        .map_err(|source| failed("protect", path, source))
}

/// Refuses a path that another user could lead elsewhere, or fill. A path that does not exist yet is none.
pub(super) fn check(path: &Path) -> Result<(), SandboxError> {
    let trusted = trusted_owners().map_err(|source| failed("look at", path, source))?;
    let mut reached = PathBuf::from("/");
    let mut ahead = parts(path);
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(part);
        let found = match fs::symlink_metadata(&next) {
            Ok(found) => found,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(failed("look at", &next, source)),
        };
        if !trusted.contains(&found.uid()) {
            return Err(SandboxError::Untrusted {
                path: next,
                reason: "it belongs to another user",
            });
        }
        if found.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                let source = io::Error::other("too many symbolic links");
                return Err(failed("look at", path, source));
            }
            let target = fs::read_link(&next).map_err(|source| failed("look at", &next, source))?;
            if target.is_absolute() {
                reached = PathBuf::from("/");
            }
            ahead.extend(parts(&target));
            continue;
        }
        let is_last = ahead.is_empty();
        let is_safe_to_pass = found.mode() & STICKY != 0 && !is_last;
        if found.is_dir() && can_be_written_by_others(&found) && !is_safe_to_pass {
            return Err(SandboxError::Untrusted {
                path: next,
                reason: "other users can write to it",
            });
        }
        reached = next;
    }
    Ok(())
}

/// This user, and those who can do everything anyway: root, and the owner of the file system's root, who is not root
/// inside a user namespace.
fn trusted_owners() -> io::Result<[u32; 3]> {
    // A pipe belongs to the user who makes it. The standard library has no other way to that number.
    let (reader, _writer) = io::pipe()?;
    let user = File::from(OwnedFd::from(reader)).metadata()?.uid();
    Ok([user, 0, fs::metadata("/")?.uid()])
}

fn can_be_written_by_others(found: &Metadata) -> bool {
    // A group with the number of its user is by convention that user's own; where it exists, new directories are often
    // writable by the group.
    let is_private_group = found.gid() == found.uid();
    found.mode() & 0o002 != 0 || (found.mode() & 0o020 != 0 && !is_private_group)
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter_map(|component| match component {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    });
    parts.rev().collect()
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> SandboxError {
    SandboxError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A directory that is removed with the test, below one that others can write as they can `/tmp`.
    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            // A test that failed has more to say than that its files are still there.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn scratch(name: &str) -> Scratch {
        // A refused path is named by its real path.
        let temporary = fs::canonicalize(std::env::temp_dir()).unwrap();
        let root = temporary.join(format!("fde-infra-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Scratch(root)
    }

    fn directory(path: &Path, mode: u32) {
        fs::create_dir_all(path).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn refused(path: &Path) -> Option<PathBuf> {
        match check(path) {
            Ok(()) => None,
            Err(SandboxError::Untrusted { path, .. }) => Some(path),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_directory_is_made_for_one_user() {
        let root = scratch("private-made");
        let path = root.0.join("a/b");
        make(&path).unwrap();
        for made in [root.0.join("a"), path.clone()] {
            let mode = fs::metadata(&made).unwrap().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", made.display());
        }
        directory(&path, 0o755);
        make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let root = scratch("private-written");
        let path = root.0.join("shared/below");
        directory(&path, 0o700);
        assert_eq!(refused(&path), None);
        directory(&root.0.join("shared"), 0o777);
        assert_eq!(refused(&path), Some(root.0.join("shared")));
        assert_eq!(
            refused(&path.join("not/there")),
            Some(root.0.join("shared"))
        );
        // The content can then be replaced by its owner alone; the directory itself could hold anything.
        directory(&root.0.join("shared"), 0o1777);
        assert_eq!(refused(&path), None);
        assert_eq!(refused(&root.0.join("shared")), Some(root.0.join("shared")));
        directory(&path, 0o777);
        assert!(make(&path).is_err());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o777);
    }

    #[test]
    fn the_way_of_a_link_is_looked_at_too() {
        let root = scratch("private-link");
        directory(&root.0.join("shared"), 0o777);
        directory(&root.0.join("shared/below"), 0o700);
        symlink("shared/below", root.0.join("link")).unwrap();
        assert_eq!(refused(&root.0.join("link")), Some(root.0.join("shared")));
        directory(&root.0.join("shared"), 0o700);
        assert_eq!(refused(&root.0.join("link")), None);
        symlink("round", root.0.join("round")).unwrap();
        assert!(matches!(
            check(&root.0.join("round")),
            Err(SandboxError::File { .. })
        ));
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        let root = scratch("private-owner");
        let path = root.0.join("theirs");
        directory(&path, 0o700);
        // Only root can give a directory away.
        if std::os::unix::fs::chown(&path, Some(65_534), None).is_ok() {
            assert_eq!(refused(&path.join("below")), Some(path));
        }
    }
}
