//! `file.tree`: the files below a folder, by name. Links are listed and never followed.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{digest_of, word};
use crate::action::{Error, Looking, Read};
use crate::host::{EntryKind, Probe};
use crate::id::Digest;
use crate::time::Timestamp;

/// The files below a folder.
pub struct Tree;

const DEEPEST: u32 = 64;

/// What `file.tree` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The folder; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
    /// Which names are listed: `*` stands for any characters, `?` for one.
    #[serde(default = "any_name")]
    r#match: String,
    /// How many folders deep to look, 1 being the folder alone; without it, all of them.
    #[serde(default)]
    max_depth: Option<u32>,
    /// The most that may be listed; more is an error.
    #[serde(default = "ten_thousand")]
    max_files: u32,
    /// Whether to give the SHA-256 of each file.
    #[serde(default)]
    hash: bool,
}

fn any_name() -> String {
    "*".to_owned()
}

fn ten_thousand() -> u32 {
    10_000
}

/// What `file.tree` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// All that matched and is no folder, by path.
    files: Vec<Entry>,
    /// How many there are.
    count: u64,
    /// The digest of this list: the same list, the same digest.
    subject: Digest,
}

/// One file of a tree.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    name: String,
    /// Its path, beginning as the folder was given.
    path: String,
    /// `file`, `link` or `other`.
    kind: String,
    /// Bytes.
    size: u64,
    /// Permission bits as octal text, like `0640`.
    mode: String,
    /// When the content last changed.
    modified: Timestamp,
    /// SHA-256 of the content, 64 hex digits; none if not asked for or no regular file.
    sha256: Option<String>,
}

#[async_trait]
impl Read for Tree {
    const NAME: &'static str = "file.tree";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let mut files = Vec::new();
        let mut waiting = vec![(params.path.clone(), 1)];
        while let Some((folder, depth)) = waiting.pop() {
            for name in looking.probe.list(&folder)? {
                let path = folder.join(&name);
                // What went since it was listed is not there.
                let Some(stat) = looking.probe.stat(&path)? else { continue };
                if stat.kind == EntryKind::Folder {
                    enter(&mut waiting, path, depth + 1, params.max_depth)?;
                    continue;
                }
                if !matches(&params.r#match, &name) {
                    continue;
                }
                if files.len() >= params.max_files as usize {
                    let message = format!("`{}` has more than {} files", params.path.display(), params.max_files);
                    return Err(Error::new("too_many", message));
                }
                let hashed = params.hash && stat.kind == EntryKind::File;
                files.push(Entry {
                    sha256: if hashed { Some(hex_of(looking.probe, &path).await?) } else { None },
                    path: path.display().to_string(),
                    name,
                    kind: word(stat.kind).to_owned(),
                    size: stat.size,
                    mode: format!("{:04o}", stat.mode),
                    modified: stat.modified,
                });
            }
            tokio::task::yield_now().await;
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let list = serde_json::to_vec(&files).map_err(|error| Error::new("bad_output", error.to_string()))?;
        Ok(Output { count: files.len() as u64, subject: Digest::of(&list), files })
    }
}

fn enter(waiting: &mut Vec<(PathBuf, u32)>, folder: PathBuf, depth: u32, max_depth: Option<u32>) -> Result<(), Error> {
    if max_depth.is_some_and(|max| depth > max) {
        return Ok(());
    }
    if depth > DEEPEST {
        let message = format!("`{}` lies more than {DEEPEST} folders deep", folder.display());
        return Err(Error::new("too_deep", message));
    }
    waiting.push((folder, depth));
    Ok(())
}

async fn hex_of(probe: &dyn Probe, path: &Path) -> Result<String, Error> {
    Ok(digest_of(probe, path).await?.0.hex().to_owned())
}

/// Whether a name fits a pattern of `*` and `?`, in time proportional to their lengths' product at worst.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                // The last star takes one more character.
                Some((star_at, star_seen)) => {
                    star = Some((star_at, star_seen + 1));
                    at = star_at + 1;
                    seen = star_seen + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}
