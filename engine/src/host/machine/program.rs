//! Which file a program's name stands for, whether it may be run, and what is in it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use rustix::fs::{Access, access};
use sha2::{Digest as _, Sha256};

use super::Machine;
use crate::host::{Error, Program};
use crate::id::Digest;

/// A program's file as it was when it was read: device, inode, size, and both times to the nanosecond.
pub(super) type Seen = (u64, u64, u64, i64, i64, i64, i64);

impl Machine {
    /// The program of that name, with the digest of its bytes.
    pub(super) fn find_program(&self, name: &str, folder: &Path) -> Result<Program, Error> {
        let path = self.allowed_program(name, folder)?;
        let program_error = |source| Error::Program { program: name.to_owned(), source };
        let found = std::fs::metadata(&path).map_err(program_error)?;
        let seen: Seen = (
            found.dev(),
            found.ino(),
            found.len(),
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec(),
        );
        let programs = || self.shared.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = programs().get(&seen) {
            return Ok(Program { path, digest: digest.clone() });
        }
        let mut hasher = Sha256::new();
        let mut file = std::fs::File::open(&path).map_err(program_error)?;
        let mut buffer = vec![0_u8; 64 * 1024];
        loop {
            match io::Read::read(&mut file, &mut buffer).map_err(program_error)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            }
        }
        let digest = Digest::from_bytes(&hasher.finalize().into());
        programs().insert(seen, digest.clone());
        Ok(Program { path, digest })
    }

    /// The program of that name, if it may be run; a relative path starts in the folder the program runs in.
    pub(super) fn allowed_program(&self, name: &str, folder: &Path) -> Result<PathBuf, Error> {
        let path = resolve(name, folder)?;
        let allowed = |entry: &String| {
            (!entry.contains('/') || entry.starts_with('/')) && resolve(entry, folder).is_ok_and(|known| known == path)
        };
        match &self.settings.allow_commands {
            Some(allow) if !allow.iter().any(allowed) => Err(Error::Refused(format!(
                "program `{name}` (`{}`) is not among `allow_commands` of the workspace file",
                path.display()
            ))),
            _ => Ok(path),
        }
    }
}

/// The absolute path of a program; its folder is seen through links, its own name is kept, as some programs go by it.
fn resolve(name: &str, folder: &Path) -> Result<PathBuf, Error> {
    let not_found = |kind: io::ErrorKind| Error::Program { program: name.to_owned(), source: kind.into() };
    let candidates = if name.contains('/') {
        vec![folder.join(name)]
    } else if name.is_empty() {
        Vec::new()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        // A relative entry of PATH would make the program depend on the folder we stand in.
        std::env::split_paths(&path).filter(|entry| entry.is_absolute()).map(|entry| entry.join(name)).collect()
    };
    let found = candidates.into_iter().find(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok());
    let found = found.ok_or_else(|| not_found(io::ErrorKind::NotFound))?;
    let (Some(parent), Some(file)) = (found.parent(), found.file_name()) else {
        return Err(not_found(io::ErrorKind::InvalidInput));
    };
    let parent = std::fs::canonicalize(parent).map_err(|error| not_found(error.kind()))?;
    Ok(parent.join(file))
}
