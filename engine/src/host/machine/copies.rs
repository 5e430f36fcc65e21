//! Private copies of files that others may be writing.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{FromStart, Machine};
use crate::host::{Copied, Error, Host, Scratch};
use crate::id::Digest;

const TRIES: usize = 5;

/// What changes when a file does: identity, size, and both times to the nanosecond.
type Look = (u64, u64, u64, i64, i64, i64, i64);

fn look(found: &Metadata) -> Look {
    (found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec())
}

impl Machine {
    pub(super) fn copy_to_scratch(&self, files: &[PathBuf]) -> Result<Scratch, Error> {
        let mut unsteady = PathBuf::new();
        for _ in 0..TRIES {
            // A new folder for each try: a log that went must not lie beside the copy of its database.
            let mut scratch = Scratch { folder: self.scratch_folder()?, files: Vec::new() };
            let before = self.looks(files)?;
            scratch.files = self.copy_all(files, &before, &scratch.folder)?;
            let after = self.looks(files)?;
            match files.iter().zip(before.iter().zip(&after)).find(|(_, (before, after))| before != after) {
                None => return Ok(scratch),
                Some((path, _)) => unsteady.clone_from(path),
            }
        }
        Err(Error::Unsteady { path: unsteady })
    }

    fn scratch_folder(&self) -> Result<PathBuf, Error> {
        let parent = self.settings.scratch_parent.clone().unwrap_or_else(std::env::temp_dir);
        let place = self.place(&parent)?;
        let file_error = |source| Error::File { verb: "make", path: parent.clone(), source };
        if place.is_inside(&self.place(&self.settings.root)?)? {
            return Err(Error::Refused(format!(
                "private copies would be made in `{}`, which lies inside the workspace; set TMPDIR",
                parent.display()
            )));
        }
        let real = place.existing().ok_or_else(|| file_error(io::ErrorKind::NotFound.into()))?;
        let mut chance = [0_u8; 8];
        self.random(&mut chance)?;
        let folder = real.join(format!("runwarden-scratch-{}", hex::encode(chance)));
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(file_error)?;
        Ok(folder)
    }

    fn looks(&self, files: &[PathBuf]) -> Result<Vec<Option<Look>>, Error> {
        files
            .iter()
            .map(|path| match std::fs::metadata(self.absolute(path)?) {
                Ok(found) => Ok(Some(look(&found))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(Error::File { verb: "copy", path: path.clone(), source }),
            })
            .collect()
    }

    fn copy_all(&self, files: &[PathBuf], looks: &[Option<Look>], scratch: &Path) -> Result<Vec<Copied>, Error> {
        let mut folders: Vec<&Path> = Vec::new();
        let mut copies = Vec::new();
        for (original, _) in files.iter().zip(looks).filter(|(_, look)| look.is_some()) {
            let folder = original.parent().unwrap_or(Path::new(""));
            let number = folders.iter().position(|known| *known == folder).unwrap_or_else(|| {
                folders.push(folder);
                folders.len() - 1
            });
            let Some(name) = original.file_name() else {
                return Err(Error::Refused(format!("`{}` names no file", original.display())));
            };
            let within = scratch.join(number.to_string());
            let copy = within.join(name);
            let source = match self.open_regular(original) {
                Ok(source) => source,
                // It went since it was looked at: the second look will tell.
                Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let file_error = |source| Error::File { verb: "copy", path: original.clone(), source };
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&within).map_err(file_error)?;
            let (digest, size) = copy_one(FromStart { file: source, at: 0 }, &copy).map_err(file_error)?;
            copies.push(Copied { original: original.clone(), copy, digest, size });
        }
        Ok(copies)
    }
}

fn copy_one(mut source: FromStart, to: &Path) -> io::Result<(Digest, u64)> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut copy = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 64 * 1024];
    let mut size = 0;
    loop {
        let count = io::Read::read(&mut source, &mut buffer)?;
        if count == 0 {
            return Ok((Digest::from_bytes(&hasher.finalize().into()), size));
        }
        hasher.update(&buffer[..count]);
        io::Write::write_all(&mut copy, &buffer[..count])?;
        size += count as u64;
    }
}
