//! A ledger as evidence: its files as they lie there, copied and hashed before anything opens them, and then what can be
//! read out of a copy.
//!
//! A broken ledger is collected like a sound one: what cannot be had is said in the manifest, and the rest is there. The
//! private keys are never collected. Nothing is judged here.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::reader::{Filter, Reader};
use super::{files, signed};
use crate::event::Kind;
use crate::time::Timestamp;

/// The manifest as `sha256sum -c` reads it.
pub const SUMS: &str = "SHA256SUMS";

/// What SQLite has of a ledger, to be taken first.
const DATABASE: [&str; 3] = ["", "-wal", "-shm"];

/// What else stands beside a ledger, by its suffix and its name among the evidence.
const BESIDE: [(&str, &str); 4] =
    [(".incident", "incident"), (".edge", "edge"), (".lock", "lock"), ("-journal", "ledger.db-journal")];

/// One file of the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Collected {
    /// Its path in the folder.
    pub path: String,
    /// SHA-256, in hex.
    pub sha256: String,
    /// How many bytes.
    pub size: u64,
    /// Where it was copied from; none of what was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// What a copied file was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Source {
    /// Its path.
    pub path: String,
    /// Its permission bits, in octal.
    pub mode: String,
    /// The user id of its owner.
    pub owner: u32,
    /// Device and inode.
    pub identity: (u64, u64),
    /// When its content was last changed, in microseconds since 1970.
    pub modified: i64,
    /// Whether it stayed the same while it was copied.
    pub is_steady: bool,
}

/// What was collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Manifest {
    /// The version of this form: 1.
    pub v: u32,
    /// The ledger's file.
    pub ledger: String,
    /// When the collection began.
    pub at: Timestamp,
    /// The version of the engine that collected.
    pub engine: String,
    /// How many entries could be read.
    pub entries: u64,
    /// What could not be had, in words.
    pub problems: Vec<String>,
    /// Every file but this one and the sums.
    pub files: Vec<Collected>,
}

/// A collection on its way.
#[derive(Debug)]
pub struct Evidence {
    folder: PathBuf,
    ledger: PathBuf,
    at: Timestamp,
    entries: u64,
    problems: Vec<String>,
    files: Vec<Collected>,
}

impl Evidence {
    /// Begins one in a folder that is not there yet, or is empty, and takes the files of SQLite and what stands beside.
    ///
    /// # Errors
    /// When the folder has something in it, or cannot be written. A file of the ledger that cannot be read is a problem
    /// of the collection and no error.
    pub fn begin(ledger: &Path, folder: &Path, now: Timestamp) -> Result<Self, Error> {
        let failed = |source: io::Error| Error::not_writable_io(folder, &source);
        match std::fs::read_dir(folder) {
            Ok(mut listing) => {
                if listing.next().is_some() {
                    return Err(Error::Exists { path: folder.to_owned() });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        let (folder, ledger) = (folder.to_owned(), ledger.to_owned());
        let mut evidence = Self { folder, ledger, at: now, entries: 0, problems: Vec::new(), files: Vec::new() };
        for suffix in DATABASE {
            evidence.take(&files::beside(&evidence.ledger.clone(), suffix), &format!("ledger.db{suffix}"))?;
        }
        for (suffix, name) in BESIDE {
            evidence.take(&files::beside(&evidence.ledger.clone(), suffix), name)?;
        }
        evidence.take_folder(&signed::folder_of(&evidence.ledger.clone()), "checkpoints")?;
        evidence.take_folder(&files::beside(&evidence.ledger.clone(), ".inbox"), "inbox")?;
        evidence.take_folder(&files::beside(&evidence.ledger.clone(), ".content"), "content")?;
        if evidence.files.is_empty() {
            evidence.problems.push(format!("there is nothing at `{}`", evidence.ledger.display()));
        }
        Ok(evidence)
    }

    /// Copies a file as it is. One that is not there is left out; one that cannot be read is a problem.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn take(&mut self, from: &Path, name: &str) -> Result<(), Error> {
        let before = match from.symlink_metadata() {
            Ok(found) if found.is_file() => found,
            Ok(_) => {
                self.problems.push(format!("`{}` is no regular file, and was not copied", from.display()));
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.problems.push(format!("`{}` cannot be looked at: {error}", from.display()));
                return Ok(());
            }
        };
        // A pipe that was put there meanwhile must not be waited for.
        let opened = OpenOptions::new().read(true).custom_flags(files::O_NONBLOCK).open(from);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => {
                self.problems.push(format!("`{}` cannot be read: {error}", from.display()));
                return Ok(());
            }
        };
        let mut out = self.create(name)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => out.write(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let at = out.size;
                    self.problems.push(format!("`{}` cannot be read after byte {at}: {error}", from.display()));
                    break;
                }
            }
        }
        let stamp = |found: &std::fs::Metadata| (found.ino(), found.len(), found.mtime(), found.mtime_nsec());
        let is_steady = from.symlink_metadata().is_ok_and(|after| stamp(&after) == stamp(&before));
        let source = Source {
            path: from.display().to_string(),
            mode: format!("{:04o}", before.mode() & 0o7777),
            owner: before.uid(),
            identity: (before.dev(), before.ino()),
            modified: before.mtime().saturating_mul(1_000_000).saturating_add(before.mtime_nsec() / 1_000),
            is_steady,
        };
        self.files.push(out.finish(Some(source))?);
        Ok(())
    }

    /// Copies the files of a folder, and those of the folders in it.
    fn take_folder(&mut self, from: &Path, name: &str) -> Result<(), Error> {
        let listing = match std::fs::read_dir(from) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.problems.push(format!("`{}` cannot be listed: {error}", from.display()));
                return Ok(());
            }
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for file in listing {
            match file {
                Ok(file) => paths.push(file.path()),
                Err(error) => self.problems.push(format!("`{}` cannot be listed whole: {error}", from.display())),
            }
        }
        paths.sort();
        for path in paths {
            let name = format!("{name}/{}", plain_name(&path));
            match path.symlink_metadata() {
                Ok(found) if found.is_dir() => self.take_folder(&path, &name)?,
                _ => self.take(&path, &name)?,
            }
        }
        Ok(())
    }

    /// Adds what was made here.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut out = self.create(name)?;
        out.write(bytes)?;
        self.files.push(out.finish(None)?);
        Ok(())
    }

    /// Says what could not be had.
    pub fn miss(&mut self, what: String) {
        self.problems.push(what);
    }

    /// Where the copy of the database is.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.join("ledger.db")
    }

    /// Writes what is in the entries: `entries.jsonl`, a line each, byte for byte; `leaf_hashes.txt`, number and hash of
    /// each; `receipts.jsonl`, those of anchors. An entry that is no line is in `entries.hex`.
    ///
    /// # Errors
    /// When it cannot be written. Where reading stops is a problem of the collection.
    pub fn read_out(&mut self, reader: &Reader) -> Result<(), Error> {
        let (mut lines, mut hashes) = (self.create("entries.jsonl")?, self.create("leaf_hashes.txt")?);
        let (mut receipts, mut strange) = (self.create("receipts.jsonl")?, None);
        let anchors = [Kind::AnchorIntent, Kind::AnchorReceipt, Kind::AnchorFailed].map(|kind| kind.as_str());
        let anchors = anchors.map(|kind| format!("\"kind\":\"{kind}\""));
        let mut count = 0;
        let read = reader.each(&Filter { any_seq: true, ..Filter::default() }, |stored| {
            count += 1;
            hashes.write(format!("{} {}\n", stored.seq, hex::encode(stored.hash)).as_bytes())?;
            match std::str::from_utf8(&stored.body).ok().filter(|text| !text.contains('\n')) {
                Some(text) => {
                    lines.write(format!("{text}\n").as_bytes())?;
                    if anchors.iter().any(|kind| text.contains(kind)) {
                        receipts.write(format!("{text}\n").as_bytes())?;
                    }
                }
                None => {
                    let out = match &mut strange {
                        Some(out) => out,
                        None => strange.insert(self.create("entries.hex")?),
                    };
                    out.write(format!("{} {}\n", stored.seq, hex::encode(&stored.body)).as_bytes())?;
                }
            }
            Ok::<(), Error>(())
        });
        match read {
            Err(error @ Error::NotWritable { .. }) => return Err(error),
            Err(error) => self.problems.push(format!("after {count} entries: {error}")),
            Ok(()) => {}
        }
        self.entries = count;
        for out in [Some(lines), Some(hashes), Some(receipts), strange].into_iter().flatten() {
            self.files.push(out.finish(None)?);
        }
        Ok(())
    }

    /// Writes the manifest, and the sums of every file with it.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn finish(mut self) -> Result<Manifest, Error> {
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        let manifest = Manifest {
            v: 1,
            ledger: self.ledger.display().to_string(),
            at: self.at,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            entries: self.entries,
            problems: std::mem::take(&mut self.problems),
            files: std::mem::take(&mut self.files),
        };
        let mut text = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
        text.push(b'\n');
        self.put("manifest.json", &text)?;
        let all = manifest.files.iter().chain(&self.files);
        let sums: String = all.map(|file| format!("{}  {}\n", file.sha256, file.path)).collect();
        let mut out = self.create(SUMS)?;
        out.write(sums.as_bytes())?;
        out.finish(None)?;
        files::sync_folder(&self.folder).map_err(|error| Error::not_writable_io(&self.folder, &error))?;
        Ok(manifest)
    }

    fn create(&self, name: &str) -> Result<Out, Error> {
        let path = self.folder.join(name);
        let failed = |error: io::Error| Error::not_writable_io(&path, &error);
        let above = files::folder_of(&path);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(above).map_err(failed)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        Ok(Out { path, name: name.to_owned(), file: BufWriter::new(file), sum: Sha256::new(), size: 0 })
    }
}

/// A file that is being written and hashed.
struct Out {
    path: PathBuf,
    name: String,
    file: BufWriter<File>,
    sum: Sha256,
    size: u64,
}

impl Out {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sum.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| Error::not_writable_io(&self.path, &error))
    }

    fn finish(mut self, source: Option<Source>) -> Result<Collected, Error> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| Error::not_writable_io(&self.path, &error))?;
        Ok(Collected { path: self.name, sha256: hex::encode(self.sum.finalize()), size: self.size, source })
    }
}

/// A file's name in letters that every tool takes as they are.
fn plain_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@') { c } else { '_' };
    name.chars().map(plain).collect()
}

/// The name that an anchor gets among the evidence: its number, for two may have one name.
#[must_use]
pub fn anchor_name(number: usize, path: &Path) -> String {
    format!("anchors/{number:03}-{}", plain_name(path))
}
