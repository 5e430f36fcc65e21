//! `forge.policy_hash`: the digest that Forge's orchestrator compares with `OPA_POLICY_HASH` when it starts.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Error, Looking, Read};
use crate::host::EntryKind;
use crate::id::{Digest, is_sha256_hex};

/// Digests policies as Forge does.
pub struct PolicyHash;

/// What `forge.policy_hash` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The folder of the policies, `OPA_POLICY_DIR`; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    directory: PathBuf,
    /// The digest that is expected, 64 lowercase hex digits.
    #[serde(default)]
    expect: Option<String>,
}

/// What `forge.policy_hash` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// SHA-256 over all policies, 64 hex digits.
    sha256: String,
    /// The files that were digested, as they were sorted.
    files: Vec<String>,
    /// How many there are.
    count: u64,
    /// Whether it is the digest that was expected; none if none was.
    matches: Option<bool>,
    /// The digest of what was read.
    subject: Digest,
}

const DEEPEST: usize = 64;
const FILES_AT_MOST: usize = 10_000;
const BYTES_AT_MOST: u64 = 64 * 1024 * 1024;

#[async_trait]
impl Read for PolicyHash {
    const NAME: &'static str = "forge.policy_hash";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        if let Some(expected) = params.expect.as_ref().filter(|expected| !is_sha256_hex(expected)) {
            return Err(Error::new("bad_input", format!("`expect` is {expected:?}, and no 64 lowercase hex digits")));
        }
        let files = policies(&params, looking)?;
        if files.is_empty() {
            let message = format!("`{}` has no `*.rego`", params.directory.display());
            return Err(Error::new("no_policies", message));
        }
        let mut text = Vec::new();
        for file in &files {
            let left = BYTES_AT_MOST.saturating_sub(text.len() as u64);
            text.extend_from_slice(file.as_bytes());
            text.push(b'\n');
            text.extend(looking.probe.read(&params.directory.join(file), left)?);
            text.push(b'\n');
            tokio::task::yield_now().await;
        }
        let subject = Digest::of(&text);
        Ok(Output {
            matches: params.expect.map(|expected| expected == subject.hex()),
            sha256: subject.hex().to_owned(),
            count: files.len() as u64,
            files,
            subject,
        })
    }
}

/// The policies below the folder, as paths from it with `/`, sorted by code points. A link could be followed by Forge
/// to a policy that is not seen here, so it is refused.
fn policies(params: &Params, looking: &Looking<'_>) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut waiting = vec![(String::new(), 1)];
    while let Some((folder, depth)) = waiting.pop() {
        if depth > DEEPEST {
            return Err(Error::new("too_deep", format!("`{folder}` lies more than {DEEPEST} folders deep")));
        }
        for name in looking.probe.list(&params.directory.join(&folder))? {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let Some(stat) = looking.probe.stat(&params.directory.join(&path))? else { continue };
            let is_policy = path.ends_with(".rego");
            match stat.kind {
                EntryKind::Folder => waiting.push((path, depth + 1)),
                EntryKind::File if is_policy => found.push(path),
                EntryKind::File => {}
                EntryKind::Link | EntryKind::Other if is_policy => {
                    return Err(Error::new("refused", format!("`{path}` is no regular file")));
                }
                EntryKind::Link | EntryKind::Other => {}
            }
            if found.len() > FILES_AT_MOST {
                return Err(Error::new("too_many", format!("there are more than {FILES_AT_MOST} policies")));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
