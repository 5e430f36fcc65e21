//! Anchor stores: places outside a ledger's reach that keep what a run came to, and the one face they all have.
//!
//! A store takes files that belong together under one name, once, and never replaces them. What they say is not known
//! here: Corvusforge's are read in [`inventory`], our own in [`own`].

use std::path::PathBuf;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::driver::Error;
use super::{Identity, Target, Trust, file_identity, origin, read_settings};
use crate::host::{Host, Probe};
use crate::merkle::tlog_proof::MAX_PROOF;
use crate::secret::custody::Custody;
use crate::time::Timestamp;

pub mod credential;
pub mod deposit;
pub mod directory;
mod git;
pub mod git_tag;
pub mod inventory;
pub mod own;
pub mod place;
pub mod receipts;
pub mod rekor;
#[cfg(feature = "s3")]
pub mod s3;
pub mod smtp;

#[cfg(test)]
mod tests;

use credential::Opening;
use place::Guarded;

/// How the name of an object begins that is no anchor: made to find out what a store lets be done to it.
pub const CANARY: &str = "canary.";

/// The largest object that is read from a store, in bytes.
pub const MAX_OBJECT: u64 = MAX_PROOF as u64;

/// The most that is read of a store in one answer, in bytes.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// A file of an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What stands after the name and a dot.
    pub extension: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is to be kept of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What all of its files are called: `RUN.SIZE.ROOT`, of the root 16 digits.
    pub name: String,
    /// The run.
    pub run: String,
    /// How many entries it covers.
    pub size: u64,
    /// The root, in hex.
    pub root: String,
    /// The files; the last is the statement, those before it are what it speaks of.
    pub files: Vec<File>,
    /// When it is stored.
    pub at: Timestamp,
}

impl Item {
    /// The name of one of its files.
    #[must_use]
    pub fn file_name(&self, file: &File) -> String {
        format!("{}.{}", self.name, file.extension)
    }

    /// The bytes of the statement: what a log is told.
    #[must_use]
    pub fn statement(&self) -> &[u8] {
        self.files.last().map_or(&[], |file| &file.bytes)
    }
}

/// What is wrong with something in a store, before anybody asks what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// A stable word, as of [`inventory::Misfit::code`].
    pub code: &'static str,
    /// What was found.
    pub detail: String,
}

/// A file in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Where it is: a path, or the store's own name for it.
    pub place: String,
    /// Its file name.
    pub name: String,
    /// Its bytes.
    pub bytes: Result<Vec<u8>, Damage>,
}

/// That a store took something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where the statement is now.
    pub place: String,
    /// What the store says of it, by driver: a version, a log's entry, a server's answer.
    pub details: Map<String, Value>,
}

/// What came of trying to change what a store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The store did not let it happen, as it says.
    Refused(String),
    /// It happened.
    Happened(String),
    /// Nobody can tell from here.
    Undecided(String),
}

/// Both tries on an object of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Writing something else in its place.
    pub overwrite: Tried,
    /// Taking it away.
    pub delete: Tried,
}

/// A place where anchors are kept.
#[async_trait]
pub trait AnchorStore: Send + Sync {
    /// What the store is worth for this ledger, as the Corvusforge runbook grades it.
    ///
    /// # Errors
    /// When it is where whoever has the ledger is already.
    fn trust(&self, probe: &dyn Probe, guarded: &Guarded) -> Result<Trust, Error>;

    /// Whether it gives back what it took.
    fn is_readable(&self) -> bool {
        true
    }

    /// Where the statement of an item will be; none where the store decides that.
    fn place(&self, probe: &dyn Probe, item: &Item) -> Option<String>;

    /// What it holds, by name: all of it, or what is called after a run.
    ///
    /// # Errors
    /// When it cannot be read, which includes stores that give nothing back.
    async fn objects(&self, probe: &dyn Probe, run: Option<&str>) -> Result<Vec<Object>, Error>;

    /// Keeps an anchor. Nothing of that name is replaced; the same bytes again are no harm.
    ///
    /// # Errors
    /// When it was not stored, or is not what was stored when read back.
    async fn put(&self, host: &dyn Host, item: &Item) -> Result<Kept, Error>;

    /// Puts an object of its own there, then tries to overwrite and to remove it with the same credentials.
    ///
    /// # Errors
    /// When the object could not be put there at all.
    async fn trial(&self, host: &dyn Host, canary: &Item) -> Result<Trial, Error>;
}

/// The store that a target is; its credentials are read now, and masked from now on. `by` is who asks for it: the path of
/// a step, or `anchor`.
///
/// # Errors
/// When the target is no anchor store, its settings are wrong, or a credential is missing.
pub async fn open(
    target: &Target,
    probe: &dyn Probe,
    custody: &Custody,
    by: &str,
) -> Result<Box<dyn AnchorStore>, Error> {
    let (name, opening) = (target.name.clone(), Opening { target, probe, custody, by });
    Ok(match target.driver.as_str() {
        "directory" => Box::new(directory::Directory { settings: target.settings()? }),
        "git_tag" => Box::new(git_tag::GitTag::open(name, target.settings()?, &opening).await?),
        #[cfg(feature = "s3")]
        "s3" => Box::new(s3::S3::open(name, target.settings()?, &opening).await?),
        #[cfg(not(feature = "s3"))]
        "s3" => return Err(Error::new("unsupported", format!("store `{name}`: this program was built without `s3`"))),
        "rekor" => Box::new(rekor::Rekor::open(name, target.settings()?, probe)?),
        "smtp" => Box::new(smtp::Smtp::open(name, target.settings()?, &opening).await?),
        driver => {
            return Err(Error::new("bad_target", format!("target `{name}` (driver `{driver}`) is no anchor store")));
        }
    })
}

/// Checks the settings of a store and finds out what it really is.
pub(super) fn bind(
    name: &str,
    driver: &str,
    settings: &mut Map<String, Value>,
    probe: &dyn Probe,
) -> Result<Identity, super::Error> {
    let wrong = |why: String| super::Error::Settings { target: name.to_owned(), driver: driver.to_owned(), why };
    match driver {
        "directory" => {
            let folder: super::Directory = read_settings(name, driver, settings)?;
            file_identity(name, settings, &folder.path, probe)
        }
        "git_tag" => {
            let found: git_tag::Settings = read_settings(name, driver, settings)?;
            match found.local() {
                Some(path) => file_identity(name, &mut Map::new(), &path, probe),
                None => Ok((found.identity().map_err(wrong)?, None)),
            }
        }
        #[cfg(feature = "s3")]
        "s3" => Ok((read_settings::<s3::settings::Settings>(name, driver, settings)?.identity().map_err(wrong)?, None)),
        "rekor" => {
            let found: rekor::Settings = read_settings(name, driver, settings)?;
            Ok((found.identity().map_err(wrong)?, None))
        }
        "smtp" => {
            let found: smtp::Settings = read_settings(name, driver, settings)?;
            Ok((found.identity().map_err(wrong)?, None))
        }
        _ => Err(wrong("this program was built without it".to_owned())),
    }
}

/// The grade of a driver, or what the settings admit, whichever is less: nobody makes a store better by writing so.
fn at_most(grade: Trust, stated: Option<Trust>) -> Trust {
    stated.map_or(grade, |stated| stated.min(grade))
}

/// A path of the machine that a setting names, from the workspace on.
fn absolute(probe: &dyn Probe, path: &std::path::Path) -> PathBuf {
    probe.root().join(path)
}
