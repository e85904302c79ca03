//! Files that are read whole: regular ones, of bounded size.
//!
//! A pipe or a terminal could keep the program waiting, and a device has no end. So a file is opened without blocking, and
//! the check is made on the opened file, not on what the path led to a moment before.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// `O_NONBLOCK`: a pipe without a writer is opened at once. It means nothing for regular files.
const WITHOUT_BLOCKING: i32 = if cfg!(target_os = "linux") {
    0o4000
} else {
    // macOS and the BSDs.
    0x0004
};

/// Opens a regular file, following symbolic links.
///
/// # Errors
/// Those of opening, and an error if it is another kind of file.
pub fn open(path: &Path) -> io::Result<File> {
    // Opening a device can set it in motion; the check that counts is the one on the opened file.
    only_regular(&fs::metadata(path)?)?;
    let mut options = File::options();
    let file = options
        .read(true)
        .custom_flags(WITHOUT_BLOCKING)
        .open(path)?;
    only_regular(&file.metadata()?)?;
    Ok(file)
}

fn only_regular(found: &fs::Metadata) -> io::Result<()> {
    if found.is_file() {
        Ok(())
    } else {
        Err(io::Error::other("is not a regular file"))
    }
}

/// Returns whether an opened file is the one at a path now. A symbolic link at the end of the path is not followed.
///
/// # Errors
/// The path cannot be looked at.
pub fn stands_at(file: &File, path: &Path) -> io::Result<bool> {
    let (opened, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok(opened.dev() == there.dev() && opened.ino() == there.ino())
}

/// Reads an opened file of at most `most` bytes.
///
/// # Errors
/// Those of reading, and [`io::ErrorKind::FileTooLarge`].
pub fn whole(file: File, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte beyond the limit tells a longer file from one of exactly that length; for some files the length that the file
    // system reports means nothing.
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Reads a regular file of at most `most` bytes, following symbolic links.
///
/// # Errors
/// Those of [`open`] and [`whole`].
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    whole(open(path)?, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::process::Command;

    /// A directory that is removed with the test.
    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            // A test that failed has more to report than leftover files.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn scratch(name: &str) -> Scratch {
        let root = std::env::temp_dir().join(format!("fde-infra-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Scratch(root)
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let root = scratch("regular-bound");
        let file = root.0.join("file");
        fs::write(&file, "12345678").unwrap();
        symlink("file", root.0.join("link")).unwrap();
        assert_eq!(read(&file, 8).unwrap(), b"12345678");
        assert_eq!(read(&root.0.join("link"), 8).unwrap(), b"12345678");
        let error = read(&file, 7).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let error = read(&root.0.join("none"), 8).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    /// Opening a pipe without a writer would wait, and a pipe opened as a file is read without end.
    #[test]
    fn what_is_not_a_regular_file_is_refused_at_once() {
        let root = scratch("regular-kind");
        let pipe = root.0.join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        symlink("pipe", root.0.join("link")).unwrap();
        for path in [
            pipe.as_path(),
            &root.0.join("link"),
            &root.0,
            Path::new("/dev/zero"),
        ] {
            let error = read(path, 8).unwrap_err();
            assert_eq!(
                error.to_string(),
                "is not a regular file",
                "{}",
                path.display()
            );
        }
        // The check is made on the opened file: this one passed the check of its path.
        let mut options = File::options();
        let opened = options
            .read(true)
            .custom_flags(WITHOUT_BLOCKING)
            .open(&pipe)
            .unwrap();
        assert!(only_regular(&opened.metadata().unwrap()).is_err());
    }

    #[test]
    fn an_opened_file_is_told_from_what_has_taken_its_place() {
        let root = scratch("regular-place");
        let path = root.0.join("file");
        fs::write(&path, "ours").unwrap();
        let file = open(&path).unwrap();
        assert!(stands_at(&file, &path).unwrap());
        fs::write(root.0.join("other"), "theirs").unwrap();
        fs::rename(root.0.join("other"), &path).unwrap();
        assert!(!stands_at(&file, &path).unwrap());
        symlink("file", root.0.join("link")).unwrap();
        assert!(!stands_at(&open(&path).unwrap(), &root.0.join("link")).unwrap());
    }
}
