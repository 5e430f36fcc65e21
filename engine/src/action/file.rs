//! Files: looked at, hashed, read, copied, written, removed.
//!
//! What several of them need stands here; each action has a file of its own below. Folders are made only above a
//! file that is written or copied.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Error;
use crate::host::{EntryKind, Existing, Host, Probe};
use crate::id::Digest;

pub mod copy;
pub mod hash;
pub mod read;
pub mod remove;
pub mod stat;
pub mod tree;
pub mod write;

/// Permission bits as octal text, like `0640`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^0?[0-7]{3}$"))]
pub struct Mode(u32);

impl Mode {
    /// The bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = if text.len() == 4 { text.strip_prefix('0') } else { Some(text.as_str()) };
        digits
            .filter(|digits| digits.len() == 3 && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)))
            .and_then(|digits| u32::from_str_radix(digits, 8).ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no mode: three octal digits (like `0640`)")))
    }
}

/// A SHA-256 that bytes must have: 64 hex digits, with or without `sha256:` before them.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^(sha256:)?[0-9a-f]{64}$"))]
pub struct Expected(Digest);

impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix("sha256:").unwrap_or(&text);
        Digest::parse(&format!("sha256:{digits}")).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Expected {
    fn check(&self, found: &Digest, path: &Path) -> Result<(), Error> {
        if self.0 == *found {
            return Ok(());
        }
        let message = format!("`{}` has SHA-256 {}, expected {}", path.display(), found.hex(), self.0.hex());
        Err(Error::new("digest_mismatch", message))
    }
}

/// A regular file as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    digest: Digest,
    size: u64,
    mode: u32,
}

impl Found {
    fn shown(found: Option<&Self>) -> Value {
        match found {
            None => json!({ "exists": false }),
            Some(Self { digest, size, mode }) => {
                json!({ "exists": true, "size": size, "mode": format!("{mode:04o}"), "sha256": digest.hex() })
            }
        }
    }
}

/// What is at a path that is about to change; a link or anything else that is no regular file is refused.
async fn find(probe: &dyn Probe, path: &Path) -> Result<Option<Found>, Error> {
    let Some(stat) = probe.stat(path)? else {
        return Ok(None);
    };
    match stat.kind {
        EntryKind::File => {
            let (digest, size) = digest_of(probe, path).await?;
            Ok(Some(Found { digest, size, mode: stat.mode }))
        }
        kind => Err(Error::new("refused", format!("`{}` is {}, not a regular file", path.display(), word(kind)))),
    }
}

fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Folder => "folder",
        EntryKind::Link => "link",
        EntryKind::Other => "other",
    }
}

/// Digest and size of a file of any length.
pub(in crate::action) async fn digest_of(probe: &dyn Probe, path: &Path) -> Result<(Digest, u64), Error> {
    let mut stream = probe.open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut size = 0;
    loop {
        let count = stream.read(&mut buffer).map_err(|source| crate::host::Error::File {
            verb: "read",
            path: path.to_owned(),
            source,
        })?;
        if count == 0 {
            return Ok((Digest::from_bytes(&hasher.finalize().into()), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
        // A large file must not keep a timeout or a signal from being seen.
        tokio::task::yield_now().await;
    }
}

fn existing(replace: bool) -> Existing {
    if replace { Existing::Replace } else { Existing::Refuse }
}

/// The mode of a file that is put in place: as asked for, else as it was, else for its owner alone.
fn mode_for(asked: Option<Mode>, found: Option<&Found>) -> u32 {
    asked.map_or_else(|| found.map_or(0o600, |found| found.mode & 0o777), Mode::bits)
}

/// Whether what is there has those bytes, and that mode if one was asked for.
fn is_as_wanted(found: &Found, digest: &Digest, mode: Option<Mode>) -> bool {
    found.digest == *digest && mode.is_none_or(|mode| mode.bits() == found.mode)
}

/// What no action may change is refused when it is planned already.
pub(super) fn refuse_protected(probe: &dyn Probe, path: &Path) -> Result<(), Error> {
    match probe.is_protected(path)? {
        true => {
            Err(Error::new(super::PROTECTED, format!("`{}` is protected: no action may change it", path.display())))
        }
        false => Ok(()),
    }
}

fn refuse_existing(found: Option<&Found>, replace: bool, path: &Path) -> Result<(), Error> {
    match found {
        Some(_) if !replace => Err(Error::new(
            "exists",
            format!("`{}` exists with other content or mode; `replace: true` would replace it", path.display()),
        )),
        _ => Ok(()),
    }
}

/// Refuses a file whose folder is not there and will not be made.
fn require_folder(probe: &dyn Probe, path: &Path, parents: bool) -> Result<(), Error> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !parents && probe.stat(folder)?.is_none() => Err(Error::new(
            "not_found",
            format!("folder `{}` does not exist; `parents: true` would make it", folder.display()),
        )),
        _ => Ok(()),
    }
}

fn make_folder_for(host: &dyn Host, path: &Path, parents: bool) -> Result<(), Error> {
    match path.parent().filter(|folder| parents && !folder.as_os_str().is_empty()) {
        Some(folder) => Ok(host.make_folder(folder, 0o700)?),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
