//! What is too large for an entry: files named by their SHA-256, beside the ledger.
//!
//! An entry keeps the digest and so proves the content; that the content is still there, nobody can prove.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::error::Error;
use super::files;
use crate::id::Digest;

/// The largest value that is kept in an entry, in bytes of its canonical form.
pub const MAX_INLINE: usize = 16 * 1024;

/// The largest `data` of an entry; leaves room for the other members.
const MAX_DATA: usize = 48 * 1024;

/// The largest content that is read back, in bytes.
const MAX_CONTENT: usize = 1 << 30;

const CONTENT: &str = "$content";

/// The content store of one ledger.
#[derive(Debug, Clone)]
pub struct Content {
    folder: PathBuf,
}

impl Content {
    /// The store beside the ledger at this path; its folder is made with its first content.
    #[must_use]
    pub fn of(ledger: &Path) -> Self {
        Self { folder: files::beside(ledger, ".content") }
    }

    /// Keeps bytes, durably, and says their digest. What is there already is not written again.
    ///
    /// # Errors
    /// When they cannot be written; then nothing of that name is there.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        let path = self.path(&digest);
        let failed = |source: std::io::Error| Error::not_writable_io(&path, &source);
        if matches!(files::read(&path, MAX_CONTENT), Ok(Some(kept)) if kept == bytes) {
            return Ok(digest);
        }
        files::make_folder(&self.folder).map_err(failed)?;
        files::make_folder(files::folder_of(&path)).map_err(failed)?;
        files::write(&path, bytes).map_err(failed)?;
        Ok(digest)
    }

    /// The bytes of that digest, which they are checked to have.
    ///
    /// # Errors
    /// When they are not there, cannot be read, or are others.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let path = self.path(digest);
        let wrong = |why: String| Error::Content { digest: digest.clone(), path: path.clone(), why };
        let bytes = files::read(&path, MAX_CONTENT).map_err(|error| wrong(error.to_string()))?;
        let bytes = bytes.ok_or_else(|| wrong("it is not there".to_owned()))?;
        match Digest::of(&bytes) {
            found if found == *digest => Ok(bytes),
            found => Err(wrong(format!("its content has the digest {found}"))),
        }
    }

    /// `data` in a form that an entry can hold: what is larger than [`MAX_INLINE`] becomes
    /// `{"$content": digest, "size": bytes}` and is kept here.
    ///
    /// # Errors
    /// When the content cannot be written.
    pub fn fit(&self, data: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
        let mut kept = Vec::new();
        let mut fitted: Map<String, Value> =
            data.iter().map(|(name, value)| (name.clone(), shrink(value, &mut kept))).collect();
        let mut sizes: Vec<(usize, &String)> =
            fitted.iter().map(|(name, value)| (spelled(value).len(), name)).collect();
        sizes.sort_unstable();
        let mut total: usize = sizes.iter().map(|(size, name)| size + name.len() + 4).sum();
        let mut too_much = Vec::new();
        while total > MAX_DATA {
            let Some((size, name)) = sizes.pop() else { break };
            total -= size;
            too_much.push(name.clone());
        }
        for name in too_much {
            let reference = keep(&data[&name], &mut kept);
            fitted.insert(name, reference);
        }
        for bytes in &kept {
            self.put(bytes)?;
        }
        Ok(fitted)
    }

    /// The value that [`Self::fit`] was given.
    ///
    /// # Errors
    /// When content is not there or not what it was.
    pub fn unfit(&self, fitted: &Value) -> Result<Value, Error> {
        unfit_by(fitted, &mut |digest| {
            let bytes = self.get(digest)?;
            serde_json::from_slice(&bytes).map_err(|error| {
                let (digest, path) = (digest.clone(), self.path(digest));
                Error::Content { digest, path, why: error.to_string() }
            })
        })
    }

    /// Every file that has the name of a digest, in no order: the digest in hex, and where it is.
    pub(super) fn list(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { path, source }
        };
        let listed = |folder: &Path| -> Result<Vec<PathBuf>, Error> {
            let listing = match std::fs::read_dir(folder) {
                Ok(listing) => listing,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(failed(folder)(error)),
            };
            listing.map(|file| Ok(file.map_err(failed(folder))?.path())).collect()
        };
        let mut found = Vec::new();
        for folder in listed(&self.folder)?.iter().filter(|path| path.is_dir()) {
            for path in listed(folder)? {
                let name = path.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default().to_owned();
                if crate::id::is_sha256_hex(&name) {
                    found.push((name, path));
                }
            }
        }
        Ok(found)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(&digest.hex()[..2]).join(digest.hex())
    }
}

/// The value that [`Content::fit`] was given, where `get` knows what was kept.
///
/// # Errors
/// The first of `get`.
pub fn unfit_by<E>(fitted: &Value, get: &mut dyn FnMut(&Digest) -> Result<Value, E>) -> Result<Value, E> {
    match fitted {
        Value::Array(items) => items.iter().map(|item| unfit_by(item, get)).collect(),
        Value::Object(members) => match referred(members) {
            Some(digest) => get(&digest),
            None => members.iter().map(|(name, value)| Ok((name.clone(), unfit_by(value, get)?))).collect(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(fitted.clone()),
    }
}

/// The value with its large parts replaced; what they were goes to `kept`.
fn shrink(value: &Value, kept: &mut Vec<Vec<u8>>) -> Value {
    let before = kept.len();
    let shrunk = match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| shrink(item, kept)).collect()),
        // A value that looks like a reference of ours must not be taken for one when it is read back.
        Value::Object(members) if referred(members).is_some() => keep(value, kept),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, item)| (name.clone(), shrink(item, kept))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    };
    if spelled(&shrunk).len() <= MAX_INLINE {
        return shrunk;
    }
    kept.truncate(before);
    keep(value, kept)
}

fn keep(value: &Value, kept: &mut Vec<Vec<u8>>) -> Value {
    let bytes = spelled(value);
    let reference = json!({ CONTENT: Digest::of(&bytes).to_string(), "size": bytes.len() });
    kept.push(bytes);
    reference
}

fn spelled(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("a JSON value without floats beyond range has a spelling")
}

/// The digest that an object stands for, if it is a reference.
fn referred(members: &Map<String, Value>) -> Option<Digest> {
    let shaped = members.len() == 2 && members.get("size").is_some_and(Value::is_u64);
    let digest = shaped.then(|| members.get(CONTENT))??;
    Digest::parse(digest.as_str()?).ok()
}
