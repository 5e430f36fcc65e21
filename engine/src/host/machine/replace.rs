//! Files that appear whole or not at all, and go when they are told to.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::place::{FOLDER, open_judged};
use super::{Existing, Machine};
use crate::host::{Error, Host, SYNC};
use crate::id::Digest;

/// A file under a name of its own, gone unless it was put in place.
struct Unfinished<'a> {
    folder: &'a OwnedFd,
    name: String,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // After a rename there is nothing of that name; otherwise nothing more can be done than to try.
        let _ = rustix::fs::unlinkat(self.folder, &*self.name, AtFlags::empty());
    }
}

impl Machine {
    /// Puts a file in place in one step, and gives the digest of its bytes.
    pub(super) fn put(&self, path: &Path, mode: u32, existing: Existing, content: impl Read) -> Result<Digest, Error> {
        if mode & !0o777 != 0 {
            return Err(Error::Refused(format!("mode {mode:o} is more than permissions")));
        }
        let (folder, name) = self.judged("write", path)?;
        let file_error = |source: io::Error| Error::File { verb: "write", path: path.to_owned(), source };
        let (unfinished, mut file) = self.begin(&folder, mode, path)?;
        let digest = fill(&mut file, content).map_err(file_error)?;
        file.sync_all().map_err(file_error)?;
        drop(file);
        settle(&unfinished, &name, existing).map_err(|errno| file_error(errno.into()))?;
        sync(&folder, path)?;
        Ok(digest)
    }

    fn begin<'a>(&self, folder: &'a OwnedFd, mode: u32, path: &Path) -> Result<(Unfinished<'a>, File), Error> {
        let mut chance = [0_u8; 8];
        self.random(&mut chance)?;
        let unfinished = format!(".runwarden-{}", hex::encode(chance));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file_error = |source: Errno| Error::File { verb: "write", path: path.to_owned(), source: source.into() };
        let file = rustix::fs::openat(folder, &*unfinished, flags, Mode::RUSR | Mode::WUSR).map_err(file_error)?;
        let unfinished = Unfinished { folder, name: unfinished };
        // Before the first byte, so that nobody reads what the mode keeps from them; and whatever the umask.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).map_err(file_error)?;
        Ok((unfinished, File::from(file)))
    }

    pub(super) fn remove_file(&self, path: &Path) -> Result<(), Error> {
        let (folder, name) = self.judged("remove", path)?;
        rustix::fs::unlinkat(&folder, &*name, AtFlags::empty()).map_err(|errno| Error::File {
            verb: "remove",
            path: path.to_owned(),
            source: errno.into(),
        })?;
        sync(&folder, path)
    }

    pub(super) fn make_folders(&self, path: &Path, mode: u32) -> Result<(), Error> {
        if mode & !0o777 != 0 {
            return Err(Error::Refused(format!("mode {mode:o} is more than permissions")));
        }
        let file_error = |source: io::Error| Error::File { verb: "make", path: path.to_owned(), source };
        let place = self.place(path)?;
        let mut here = open_judged(place.ancestor(), FOLDER).map_err(file_error)?;
        if place.rest().is_empty() {
            return Ok(());
        }
        if self.is_protected(&place)? {
            return Err(Error::Refused(format!("`{}` is protected: no action may write it", path.display())));
        }
        for name in place.rest() {
            match rustix::fs::mkdirat(&here, &**name, Mode::from_raw_mode(mode)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(file_error(errno.into())),
            }
            let below = rustix::fs::openat(&here, &**name, FOLDER, Mode::empty());
            let below = below.map_err(|errno| file_error(errno.into()))?;
            sync(&here, path)?;
            here = below;
        }
        Ok(())
    }
}

fn fill(file: &mut File, mut content: impl Read) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            return Ok(Digest::from_bytes(&hasher.finalize().into()));
        }
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count])?;
    }
}

/// Gives the finished file its name.
fn settle(unfinished: &Unfinished<'_>, name: &OsStr, existing: Existing) -> Result<(), Errno> {
    let Unfinished { folder, name: from } = unfinished;
    match existing {
        Existing::Replace => rustix::fs::renameat(folder, &**from, folder, name),
        Existing::Refuse => {
            match rustix::fs::renameat_with(folder, &**from, folder, name, RenameFlags::NOREPLACE) {
                // Some file systems do not know NOREPLACE; a second link refuses an existing name as well.
                Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::linkat(folder, &**from, folder, name, AtFlags::empty()),
                renamed => renamed,
            }
        }
    }
}

fn sync(folder: &impl AsFd, path: &Path) -> Result<(), Error> {
    match rustix::fs::fsync(folder) {
        // A file system that cannot sync a folder says so; there is nothing to wait for.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(Error::File { verb: SYNC, path: path.to_owned(), source: errno.into() }),
    }
}
