//! Who has files open, by /proc. Memory maps whose descriptor was closed are not seen.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::device_inode;
use crate::host::{Error, Holder, Holders};

/// The processes that have one of these open: paths as given, and where to look.
pub(super) fn holders(paths: &[(PathBuf, PathBuf)]) -> Result<Holders, Error> {
    let mut wanted = Vec::new();
    for (given, absolute) in paths {
        match fs::metadata(absolute) {
            Ok(found) => wanted.push((device_inode(&found), given)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::File { verb: "look at", path: given.clone(), source }),
        }
    }
    let mut found = Holders::default();
    let proc_error = |source| Error::File { verb: "list", path: PathBuf::from("/proc"), source };
    for entry in fs::read_dir("/proc").map_err(proc_error)? {
        let entry = entry.map_err(proc_error)?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match open_by(&entry.path()) {
            Ok(open) => {
                for (_, path) in wanted.iter().filter(|(identity, _)| open.contains(identity)) {
                    let (name, user) = who(&entry.path());
                    found.holders.push(Holder { pid, name, user, path: (*path).clone() });
                }
            }
            // It ended while we looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) => {}
            Err(_) => found.unreadable += 1,
        }
    }
    found.holders.sort_by(|a, b| (a.pid, &a.path).cmp(&(b.pid, &b.path)));
    Ok(found)
}

fn open_by(process: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut open = Vec::new();
    for descriptor in fs::read_dir(process.join("fd"))? {
        // One that was closed meanwhile holds nothing.
        if let Ok(found) = fs::metadata(descriptor?.path()) {
            open.push(device_inode(&found));
        }
    }
    Ok(open)
}

/// Name and effective user of a process, as far as it is still there.
fn who(process: &Path) -> (String, u32) {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default().trim_end().to_owned();
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1))
        .and_then(|id| id.parse().ok());
    (name, user.unwrap_or(u32::MAX))
}
