//! Files that commands write for people: never over what is there, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::refusal::Refusal;

/// Writes a file that must not be there yet.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Refusal::invalid("exists", format!("`{}` is there already, and is not overwritten", path.display()))
        }
        _ => Refusal::io("write", path, &error),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        // A file cut short helps nobody.
        let _ = fs::remove_file(path);
        Refusal::io("write", path, &error)
    })
}

/// Writes a file in one step, in place of what is there. A database, a private key, or a document that would be none any
/// more stays: nobody means to lose those to an `-o`.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    if let Some(what) = precious(path, bytes) {
        return Err(Refusal::invalid("exists", format!("`{}` is {what}, and is not overwritten", shown(path)))
            .help("name another file"));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Refusal::io("write", path, &error)
    })
}

/// How much of a file says what it is, in bytes.
const BEGINNING: u64 = 16 * 1024;

/// The beginning of what is there; nothing where there is no regular file, or none that can be read.
fn beginning(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = open(path) {
        let _ = file.take(BEGINNING).read_to_end(&mut bytes);
    }
    bytes
}

/// What is there that something else must not take the place of.
fn precious(path: &Path, instead: &[u8]) -> Option<&'static str> {
    let there = beginning(path);
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let is_document = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"runwarden:"));
    if there.starts_with(b"SQLite format 3\0") {
        Some("a database")
    } else if there.windows(PRIVATE_KEY.len()).any(|window| window == PRIVATE_KEY) {
        Some("a private key")
    } else {
        (is_yaml && is_document(&there) && !is_document(instead)).then_some("a document of the workspace")
    }
}

/// What stands at the beginning of private keys.
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Refusal> {
    fs::create_dir_all(path).map_err(|error| Refusal::io("make", path, &error))
}

/// Opens a regular file to read it. A pipe or a device would be read without end.
pub fn open(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("it is no regular file")) }
}

/// The bytes of a regular file, at most so many.
pub fn read(path: &Path, at_most: u64) -> std::io::Result<Vec<u8>> {
    let file = open(path)?;
    let too_long = || std::io::Error::other(format!("it is longer than {at_most} bytes"));
    // Nothing is read of what will be refused; it may still grow, or be one of those that say they have no length.
    if file.metadata()?.len() > at_most {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    file.take(at_most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > at_most { Err(too_long()) } else { Ok(bytes) }
}

/// The text of a regular file, at most so many bytes of it.
pub fn read_text(path: &Path, at_most: u64) -> std::io::Result<String> {
    String::from_utf8(read(path, at_most)?).map_err(|_| std::io::Error::other("it is not UTF-8"))
}

/// So that opening a pipe which nobody writes to does not wait for ever.
const O_NONBLOCK: i32 = 0o4000;

/// Whether a file's name begins with a dot.
pub fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// A path as people read it: below the current folder without that.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// An absolute path, without a look at the disk.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
