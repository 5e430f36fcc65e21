//! A plugin held against its key and its files: what `plugin_verify`, `plugins` and `keys.sign` judge by.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{files_below, hash};
use crate::action::Error;
use crate::host::{EntryKind, Probe};
use crate::sign;
use crate::target::corvusforge::places::RegistryFile;
use crate::target::corvusforge::plugins::{Plugin, SIGNATURE_FILE, manifest, manifest_hash};

/// What a signature is over. Corvusforge signs three different things for one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    /// The hash over its files, as text: what its loader asks for.
    Manifest,
    /// The list of its files: what its marketplace asks for.
    Files,
    /// Name, version and entry point, and no code: what its registry asks for.
    Entry,
    /// Nothing that this key signed.
    Nothing,
}

/// One thing that is wrong with a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// A stable code: `unsigned`, `signature_mismatch`, `package_missing`, `package_changed`, `strange_file`, `bad_name`.
    pub code: String,
    /// What was found and what was expected.
    pub detail: String,
}

/// The files of an installed package.
#[derive(Debug, Clone, Default)]
pub(in crate::action) struct Package {
    /// SHA-256 of each, by its path in the package.
    pub files: BTreeMap<String, String>,
    /// The text of its signature file.
    pub signature: Option<String>,
    /// What in it is no regular file.
    pub strange: Vec<String>,
}

impl Package {
    /// SHA-256 over what its signature is over.
    pub fn manifest_hash(&self) -> String {
        manifest_hash(&self.files)
    }
}

/// The installed package of a plugin; none where it has no folder.
pub(in crate::action) async fn installed(
    probe: &dyn Probe,
    settings: &RegistryFile,
    plugin: &Plugin,
) -> Result<Option<Package>, Error> {
    let folder = settings.package(&plugin.name, &plugin.version).map_err(|why| Error::new("bad_name", why))?;
    match probe.stat(&folder)? {
        None => return Ok(None),
        Some(stat) if stat.kind == EntryKind::Folder => {}
        Some(_) => return Err(Error::new("bad_package", format!("`{}` is no folder", folder.display()))),
    }
    let mut package = Package::default();
    for (name, stat) in files_below(probe, &folder)? {
        let path = folder.join(&name);
        if stat.kind != EntryKind::File {
            package.strange.push(name);
            continue;
        }
        if name == SIGNATURE_FILE {
            let bytes = probe.read(&path, 4096)?;
            package.signature = Some(String::from_utf8_lossy(&bytes).trim().to_owned());
        }
        package.files.insert(name, hash(probe, &path).await?);
    }
    Ok(Some(package))
}

/// What a key says of a plugin.
#[derive(Debug, Clone)]
pub(in crate::action) struct Judged {
    /// What the key signed of it; the most of what its two signatures are over.
    pub covers: Covers,
    /// Whether its files are there and the key signed them.
    pub code_covered: bool,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// Holds a plugin against a key.
pub(in crate::action) fn judge(plugin: &Plugin, package: Option<&Package>, key: &[u8; 32]) -> Judged {
    let mut problems = Vec::new();
    let mut problem = |code: &str, detail: String| problems.push(Problem { code: code.to_owned(), detail });
    let noted = plugin.manifest_hash.as_deref();
    let found = package.map(Package::manifest_hash);
    match (noted, &found) {
        (Some(_), None) => problem("package_missing", "its package is not installed".to_owned()),
        (Some(noted), Some(found)) if noted != found => {
            problem("package_changed", format!("its files have manifest {found}, the registry says {noted}"));
        }
        (None, Some(found)) => {
            problem("package_changed", format!("its files have manifest {found}, the registry knows of no files"));
        }
        _ => {}
    }
    for name in package.iter().flat_map(|package| &package.strange) {
        problem("strange_file", format!("`{name}` in its package is no regular file"));
    }
    let of_package = package.and_then(|package| package.signature.as_deref());
    let over_files = |signature: &str| {
        let files = package.map(|package| manifest(&package.files));
        if found.as_deref().is_some_and(|hash| is_signed(key, hash, signature)) {
            Some(Covers::Manifest)
        } else if files.is_some_and(|files| is_signed(key, &files, signature)) {
            Some(Covers::Files)
        } else {
            None
        }
    };
    let covered = over_files(&plugin.signature).or_else(|| over_files(of_package?));
    let covers = match covered {
        Some(covers) => covers,
        None if is_signed(key, &plugin.entry_bytes(), &plugin.signature) => Covers::Entry,
        None => Covers::Nothing,
    };
    if plugin.signature.is_empty() && of_package.is_none_or(str::is_empty) {
        problem("unsigned", "nobody signed it".to_owned());
    } else if covers == Covers::Nothing {
        problem("signature_mismatch", "the trusted key did not sign it as it is".to_owned());
    } else if covers == Covers::Entry && package.is_some() {
        problem("signature_mismatch", "the trusted key signed its name, and not its files".to_owned());
    }
    Judged { covers, code_covered: covered.is_some(), problems }
}

/// Whether that key made either of a plugin's signatures, over whatever of it is signed.
pub(in crate::action) fn is_signer(plugin: &Plugin, package: Option<&Package>, key: &[u8; 32]) -> bool {
    let mut texts = vec![plugin.entry_bytes()];
    // Of a package that was changed since, what the registry noted is what was signed.
    texts.extend(plugin.manifest_hash.clone());
    if let Some(package) = package {
        texts.extend([package.manifest_hash(), manifest(&package.files)]);
    }
    let signatures = [Some(plugin.signature.as_str()), package.and_then(|package| package.signature.as_deref())];
    signatures.iter().flatten().any(|signature| texts.iter().any(|text| is_signed(key, text, signature)))
}

fn is_signed(key: &[u8; 32], text: &str, signature: &str) -> bool {
    let mut bytes = [0; 64];
    hex::decode_to_slice(signature, &mut bytes).is_ok() && sign::verify(key, text.as_bytes(), &bytes)
}
