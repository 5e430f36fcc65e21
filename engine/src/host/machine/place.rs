//! Where a path really leads, whether that is inside something, and opening just that.
//!
//! Mount points beyond a second name of the folder itself are not looked through.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::{Machine, device_inode};
use crate::host::Error;

/// How a file is opened to be read: a pipe or a terminal must not hold us up.
pub(super) const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
/// How a folder is opened to work in it.
pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::DIRECTORY);

/// Where a path leads: what of it exists, seen through links, and the names below that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    ancestor: PathBuf,
    rest: Vec<OsString>,
}

impl Place {
    /// The real path, if something is there.
    pub(super) fn existing(&self) -> Option<&Path> {
        self.rest.is_empty().then_some(&*self.ancestor)
    }

    /// The deepest folder or file that exists.
    pub(super) fn ancestor(&self) -> &Path {
        &self.ancestor
    }

    /// The names below it that do not exist.
    pub(super) fn rest(&self) -> &[OsString] {
        &self.rest
    }

    /// The path without links, `.` and `..`.
    pub(super) fn whole(&self) -> PathBuf {
        // Not by joining: a path joined with nothing ends in `/`, which no file's does.
        let mut whole = self.ancestor.clone();
        whole.extend(&self.rest);
        whole
    }

    /// Whether this is the folder or lies in it, under whatever name.
    pub(super) fn is_inside(&self, folder: &Self) -> Result<bool, Error> {
        lies_in(&self.whole(), &self.identities()?, folder)
    }

    /// Device and inode of what exists of it, and of each folder around that.
    fn identities(&self) -> Result<Vec<(u64, u64)>, Error> {
        self.ancestor.ancestors().map(identity_of).collect()
    }
}

/// Whether a place, of which these exist, is the folder or lies in it.
fn lies_in(whole: &Path, around: &[(u64, u64)], folder: &Place) -> Result<bool, Error> {
    if whole.starts_with(folder.whole()) {
        return Ok(true);
    }
    folder.existing().map_or(Ok(false), |folder| Ok(around.contains(&identity_of(folder)?)))
}

fn identity_of(path: &Path) -> Result<(u64, u64), Error> {
    std::fs::symlink_metadata(path).map(|found| device_inode(&found)).map_err(|source| Error::File {
        verb: "look at",
        path: path.to_owned(),
        source,
    })
}

impl Machine {
    /// Finds out where a path leads.
    pub(super) fn place(&self, path: &Path) -> Result<Place, Error> {
        place(&self.absolute(path)?)
    }

    /// Whether a place is, or lies in, something that no action may change.
    pub(super) fn is_protected(&self, place: &Place) -> Result<bool, Error> {
        if self.settings.protected.is_empty() {
            return Ok(false);
        }
        let (whole, around) = (place.whole(), place.identities()?);
        // Most of them lie beside each other.
        let mut folders = HashMap::new();
        for protected in &self.settings.protected {
            let protected = place_beside(&self.absolute(protected)?, &mut folders)?;
            if lies_in(&whole, &around, &protected)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where a path leads whose last part is about to be changed: its folder, opened, and its name there.
    pub(super) fn judged(&self, verb: &'static str, path: &Path) -> Result<(OwnedFd, OsString), Error> {
        let absolute = self.absolute(path)?;
        let file_error = |source| Error::File { verb, path: path.to_owned(), source };
        let (Some(folder), Some(Component::Normal(name))) = (absolute.parent(), absolute.components().next_back())
        else {
            return Err(Error::Refused(format!("`{}` names no file", path.display())));
        };
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(Error::Refused(format!("`{}` names a folder", path.display())));
        }
        let folder = place(folder)?;
        let folder = folder.existing().ok_or_else(|| file_error(io::ErrorKind::NotFound.into()))?;
        let whole = folder.join(name);
        match std::fs::symlink_metadata(&whole) {
            Ok(found) if found.is_symlink() => {
                let message = format!("`{}` is a symbolic link; name the file that is meant", path.display());
                return Err(Error::Refused(message));
            }
            Ok(found) if !found.is_file() => {
                return Err(Error::Refused(format!("`{}` is no regular file", path.display())));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(file_error(source)),
        }
        if self.is_protected(&place(&whole)?)? {
            return Err(Error::Refused(format!("`{}` is protected: no action may {verb} it", path.display())));
        }
        Ok((open_judged(folder, FOLDER).map_err(file_error)?, name.to_owned()))
    }
}

/// Finds out where an absolute path leads.
pub(super) fn place(path: &Path) -> Result<Place, Error> {
    let parts: Vec<Component<'_>> = path.components().collect();
    for taken in (1..=parts.len()).rev() {
        let front: PathBuf = parts[..taken].iter().collect();
        let file_error = |source| Error::File { verb: "look at", path: path.to_owned(), source };
        match std::fs::canonicalize(&front) {
            Ok(ancestor) => {
                let rest = parts[taken..].iter().map(|part| below(*part, path)).collect::<Result<_, _>>()?;
                return Ok(Place { ancestor, rest });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match std::fs::symlink_metadata(&front) {
                Ok(_) => {
                    let message = format!("`{}` is a symbolic link that leads nowhere", front.display());
                    return Err(Error::Refused(message));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(file_error(source)),
            },
            Err(source) => return Err(file_error(source)),
        }
    }
    Err(Error::Refused(format!("`{}` is no absolute path", path.display())))
}

/// The same, where it was found out before where the folders lead.
pub(super) fn place_beside(path: &Path, folders: &mut HashMap<PathBuf, Place>) -> Result<Place, Error> {
    let (Some(folder), Some(Component::Normal(name))) = (path.parent(), path.components().next_back()) else {
        return place(path);
    };
    let known = match folders.get(folder) {
        Some(known) => known,
        None => folders.entry(folder.to_owned()).or_insert(place(folder)?),
    };
    let mut found = known.clone();
    if found.existing().is_some() {
        match std::fs::symlink_metadata(found.ancestor.join(name)) {
            Ok(there) if there.is_symlink() => return place(path),
            Ok(_) => {
                found.ancestor.push(name);
                return Ok(found);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::File { verb: "look at", path: path.to_owned(), source }),
        }
    }
    found.rest.push(name.to_owned());
    Ok(found)
}

fn below(part: Component<'_>, path: &Path) -> Result<OsString, Error> {
    match part {
        Component::Normal(name) => Ok(name.to_owned()),
        _ => Err(Error::Refused(format!("`{}` has `..` below what exists", path.display()))),
    }
}

/// Opens a path without links, following none even if one was put there meanwhile.
pub(super) fn open_judged(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve) {
        // Old kernels lack it, and old container runtimes forbid what they do not know.
        Err(Errno::NOSYS | Errno::PERM) => walk(path, flags),
        opened => Ok(opened?),
    }
}

/// The same, name by name.
pub(super) fn walk(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let names: Vec<&OsStr> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    let mut here = rustix::fs::open("/", FOLDER, Mode::empty())?;
    let Some((last, folders)) = names.split_last() else {
        return Ok(here);
    };
    for name in folders {
        here = rustix::fs::openat(&here, *name, FOLDER, Mode::empty())?;
    }
    Ok(rustix::fs::openat(&here, *last, flags, Mode::empty())?)
}
