//! Named things that actions act on, and the drivers that know them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::host::{self, Probe};
use crate::id::{Digest, Id};
use crate::procedure::workspace::{TargetEntry, Workspace};
use crate::procedure::{Environment, TargetKind};

use hash_chain::Recipe;
use secret_store::SecretPlace;

pub mod anchor_store;
pub mod corvusforge;
pub mod digest_log;
pub mod driver;
pub mod epoch;
pub mod evm;
mod findings;
pub mod hash_chain;
pub mod json_lines;
pub mod ledger_copy;
pub mod open_ledger;
pub mod pause_lever;
pub mod postgres;
pub mod python_json;
pub mod recorded_head;
pub mod secret_store;
pub mod settings;
pub mod witness;

/// A target as bound for a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name in the workspace file.
    pub name: String,
    /// What sort of thing it is.
    pub kind: TargetKind,
    /// The driver that knows it.
    pub driver: String,
    /// The driver's settings as written, without secrets.
    pub settings: Map<String, Value>,
    /// What it really is, whatever it is called: a canonical path, an origin, …
    pub identity: String,
    /// Device and inode of a file that exists: another path with the same pair is the same thing.
    pub device_inode: Option<(u64, u64)>,
    /// The environment it belongs to, if it says so.
    pub environment: Option<Environment>,
    /// Where the secrets are that its settings name, by their names in the workspace.
    pub secrets: BTreeMap<Id, SecretPlace>,
}

/// Why a target cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No driver of that name for that kind.
    #[error("target `{target}`: there is no driver `{driver}` for kind `{kind}`; there is {known}")]
    UnknownDriver {
        /// The target.
        target: String,
        /// Its kind.
        kind: &'static str,
        /// What it asked for.
        driver: String,
        /// What there is.
        known: String,
    },
    /// A setting is missing, unknown or of the wrong type.
    #[error("target `{target}` (driver `{driver}`): {why}")]
    Settings {
        /// The target.
        target: String,
        /// Its driver.
        driver: String,
        /// What is wrong.
        why: String,
    },
    /// What it names could not be looked at.
    #[error("target `{target}`: {source}")]
    Host {
        /// The target.
        target: String,
        /// What happened.
        source: std::sync::Arc<host::Error>,
    },
}

/// Settings of a ledger that is a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerFile {
    /// The database or log; a relative path starts at the workspace.
    pub path: PathBuf,
    /// The project that the ledger belongs to; where nothing is said, its folder, or the folder around it if that is
    /// called `.corvusforge`. Anchors inside it are refused.
    #[serde(default)]
    pub project: Option<PathBuf>,
    /// Keys that may sign a `runwarden` ledger, as `runwarden key show` gives them; without one the ledger's own genesis
    /// names its key, which shows no more than that it agrees with itself.
    #[serde(default)]
    pub vkeys: Vec<String>,
}

/// Settings of a ledger of driver `hash_chain`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HashChainFile {
    /// The log; a relative path starts at the workspace.
    pub path: PathBuf,
    /// How its lines are hashed.
    pub recipe: Recipe,
    /// The project that it belongs to, as of [`LedgerFile`].
    #[serde(default)]
    pub project: Option<PathBuf>,
}

/// Settings of a ledger of driver `digest_log`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestLogFile {
    /// The log; a relative path starts at the workspace.
    pub path: PathBuf,
    /// Its seal, of another name than the log; where nothing is said, `challenges_chain_meta.json` in its folder.
    #[serde(default)]
    pub seal: Option<PathBuf>,
    /// The project that it belongs to, as of [`LedgerFile`].
    #[serde(default)]
    pub project: Option<PathBuf>,
}

/// Settings of the anchor store `directory`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The folder; a relative path starts at the workspace.
    pub path: PathBuf,
    /// `low` says that the store may lie on the ledger's own device and belong to its owner.
    #[serde(default)]
    pub trust: Option<Trust>,
}

/// How far an anchor store is from the ledger's own trust domain (Corvusforge runbook, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Whoever can write the ledger can write the anchors.
    Low,
    /// It takes a second break-in.
    Medium,
    /// Public and append-only.
    High,
}

/// Settings of an HTTP service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The base address.
    pub url: String,
    /// Headers that go with every request; no secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// Settings of a deployment's own command.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnCommand {
    /// Program and first arguments.
    pub argv: Vec<String>,
    /// Working folder; the workspace where nothing is said.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Environment variables; no secrets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Target {
    /// The settings as the driver's own type.
    ///
    /// # Errors
    /// When a setting is missing, unknown or of the wrong type.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read_settings(&self.name, &self.driver, &self.settings)
    }

    /// The files that its driver writes, as far as the settings tell: its own, and those beside it.
    #[must_use]
    pub fn written(&self) -> Vec<PathBuf> {
        let text = |name: &str| self.settings.get(name).and_then(Value::as_str).map(PathBuf::from);
        match self.kind {
            TargetKind::SecretStore => {
                let of_driver = text("path").filter(|_| matches!(self.driver.as_str(), "dotenv" | "directory"));
                of_driver.into_iter().chain(secret_store::expiries(self)).collect()
            }
            TargetKind::Epoch | TargetKind::Pause => text("path").into_iter().collect(),
            TargetKind::AnchorStore => text("path").into_iter().chain(text("repository")).collect(),
            TargetKind::PluginRegistry => {
                text("path").into_iter().chain(text("env_file")).chain(text("installed")).collect()
            }
            TargetKind::ArtifactStore | TargetKind::Ledger => text("path").into_iter().collect(),
            TargetKind::Command | TargetKind::Service => Vec::new(),
        }
    }

    /// What guards see of the target that an act names; `identity` is what whoever judges takes it to be.
    #[must_use]
    pub fn seen(&self, identity: &str) -> Value {
        let (kind, driver) = (self.kind.as_str(), &self.driver);
        serde_json::json!({ "name": self.name, "kind": kind, "driver": driver, "identity": identity })
    }

    /// What expressions see: the settings, with `name`, `kind`, `driver` and `identity`; of a file also `dir`.
    #[must_use]
    pub fn visible(&self) -> Value {
        let mut visible = self.settings.clone();
        if let Some(parent) = self.settings.get("path").and_then(Value::as_str).map(Path::new).and_then(Path::parent) {
            visible.insert("dir".to_owned(), Value::String(parent.to_string_lossy().into_owned()));
        }
        for (name, value) in [("name", &self.name), ("driver", &self.driver), ("identity", &self.identity)] {
            visible.insert(name.to_owned(), Value::String(value.clone()));
        }
        visible.insert("kind".to_owned(), Value::String(self.kind.as_str().to_owned()));
        Value::Object(visible)
    }
}

fn read_settings<T: DeserializeOwned>(target: &str, driver: &str, settings: &Map<String, Value>) -> Result<T, Error> {
    serde_path_to_error::deserialize(&Value::Object(settings.clone())).map_err(|error| Error::Settings {
        target: target.to_owned(),
        driver: driver.to_owned(),
        why: error.to_string(),
    })
}

/// The drivers of each kind; the first is the default.
#[must_use]
pub fn drivers(kind: TargetKind) -> &'static [&'static str] {
    match kind {
        TargetKind::Command => &["command"],
        TargetKind::Ledger => &["runwarden", corvusforge::DRIVER, hash_chain::DRIVER, digest_log::DRIVER],
        TargetKind::AnchorStore => &["directory", "git_tag", "s3", "rekor", "smtp"],
        TargetKind::Service => &["http"],
        TargetKind::SecretStore => &["dotenv", "env", "directory", "vault", "command"],
        TargetKind::Epoch => &["sqlite", "postgres"],
        TargetKind::Pause => &["file", "postgres", "command", "evm"],
        TargetKind::PluginRegistry | TargetKind::ArtifactStore => &[corvusforge::DRIVER],
    }
}

/// Binds an entry of the workspace file: its driver is known, its settings fit, and what it really is is found out.
///
/// # Errors
/// When the driver is unknown, a setting is wrong, or the thing could not be looked at.
pub fn bind(name: &str, entry: &TargetEntry, probe: &dyn Probe) -> Result<Target, Error> {
    let known = drivers(entry.kind);
    let driver = entry.driver.clone().or_else(|| known.first().map(|driver| (*driver).to_owned())).unwrap_or_default();
    if !known.contains(&driver.as_str()) {
        let known =
            if known.is_empty() { "none in this version".to_owned() } else { format!("`{}`", known.join("`, `")) };
        return Err(Error::UnknownDriver { target: name.to_owned(), kind: entry.kind.as_str(), driver, known });
    }
    let mut settings = entry.settings.clone();
    let (identity, device_inode) = match driver.as_str() {
        _ if entry.kind == TargetKind::AnchorStore => anchor_store::bind(name, &driver, &mut settings, probe)?,
        _ if entry.kind == TargetKind::SecretStore => secret_store::bind(name, &driver, &mut settings, probe)?,
        _ if entry.kind == TargetKind::Epoch => epoch::bind(name, &driver, &mut settings, probe)?,
        _ if entry.kind == TargetKind::Pause => pause_lever::bind(name, &driver, &mut settings, probe)?,
        _ if entry.kind == TargetKind::PluginRegistry => {
            corvusforge::places::bind_registry(name, &mut settings, probe)?
        }
        _ if entry.kind == TargetKind::ArtifactStore => corvusforge::places::bind_store(name, &mut settings, probe)?,
        "runwarden" | "corvusforge" => {
            let file: LedgerFile = read_settings(name, &driver, &settings)?;
            ledger_copy::check_keys(&file.vkeys, &driver).map_err(|why| Error::Settings {
                target: name.to_owned(),
                driver: driver.clone(),
                why,
            })?;
            ledger_identity(name, &mut settings, &file.path, file.project, probe)?
        }
        hash_chain::DRIVER => {
            let file: HashChainFile = read_settings(name, &driver, &settings)?;
            ledger_identity(name, &mut settings, &file.path, file.project, probe)?
        }
        digest_log::DRIVER => {
            let file: DigestLogFile = read_settings(name, &driver, &settings)?;
            let seal = file.seal.unwrap_or_else(|| file.path.with_file_name(digest_log::SEAL));
            if seal.file_name() == file.path.file_name() || seal.file_name().is_none() {
                let why = format!("`seal`: `{}` has not a file name of its own", seal.display());
                return Err(Error::Settings { target: name.to_owned(), driver, why });
            }
            let seal = probe.root().join(seal).to_string_lossy().into_owned();
            settings.insert("seal".to_owned(), Value::String(seal));
            ledger_identity(name, &mut settings, &file.path, file.project, probe)?
        }
        "http" => {
            let service: Service = read_settings(name, &driver, &settings)?;
            let origin = origin(&service.url).ok_or_else(|| Error::Settings {
                target: name.to_owned(),
                driver: driver.clone(),
                why: format!("`{}` is not an http or https address", service.url),
            })?;
            (origin, None)
        }
        _ => {
            let command: OwnCommand = read_settings(name, &driver, &settings)?;
            if command.argv.is_empty() {
                let why = "`argv` is empty".to_owned();
                return Err(Error::Settings { target: name.to_owned(), driver, why });
            }
            (Digest::of(serde_json::to_string(&settings).unwrap_or_default().as_bytes()).to_string(), None)
        }
    };
    let (name, kind, environment) = (name.to_owned(), entry.kind, entry.environment);
    Ok(Target { name, kind, driver, settings, identity, device_inode, environment, secrets: BTreeMap::new() })
}

/// The same, and where the secrets of the workspace are that its settings name.
///
/// # Errors
/// As [`bind`]; also when the workspace has no such secret, or its store cannot be bound.
pub fn bind_within(workspace: &Workspace, name: &Id, entry: &TargetEntry, probe: &dyn Probe) -> Result<Target, Error> {
    let mut target = bind(name.as_str(), entry, probe)?;
    if target.kind != TargetKind::AnchorStore {
        return Ok(target);
    }
    for secret in anchor_store::credential::named_in(&target.settings) {
        let missing = || Error::Settings {
            target: name.to_string(),
            driver: target.driver.clone(),
            why: format!("the workspace has no secret `{secret}`"),
        };
        let place = workspace.secrets.get(&secret).ok_or_else(missing)?;
        let entry = workspace.targets.get(&place.from).ok_or_else(missing)?;
        let store = bind(place.from.as_str(), entry, probe)?;
        target.secrets.insert(secret.clone(), SecretPlace { name: secret, store, key: place.key.clone() });
    }
    Ok(target)
}

/// The same of a ledger's file, and the settings with its project made absolute.
fn ledger_identity(
    target: &str,
    settings: &mut Map<String, Value>,
    path: &Path,
    project: Option<PathBuf>,
    probe: &dyn Probe,
) -> Result<Identity, Error> {
    let identity = file_identity(target, settings, path, probe)?;
    let project = project.unwrap_or_else(|| ledger_copy::project_around(path));
    let project: PathBuf = probe.root().join(project).components().collect();
    settings.insert("project".to_owned(), Value::String(project.to_string_lossy().into_owned()));
    Ok(identity)
}

/// What a path really is, and the settings with the path made absolute.
fn file_identity(
    target: &str,
    settings: &mut Map<String, Value>,
    path: &Path,
    probe: &dyn Probe,
) -> Result<Identity, Error> {
    let failed = |source| Error::Host { target: target.to_owned(), source: std::sync::Arc::new(source) };
    let resolved = probe.resolve(path).map_err(failed)?;
    let stat = probe.stat(&resolved).map_err(failed)?;
    settings.insert("path".to_owned(), Value::String(probe.root().join(path).to_string_lossy().into_owned()));
    Ok((format!("file:{}", resolved.display()), stat.map(|stat| stat.device_inode)))
}

type Identity = (String, Option<(u64, u64)>);

/// Scheme, host and port of an address, in lowercase.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty() && !host.contains('@'))?;
    matches!(scheme, "http" | "https").then(|| format!("{scheme}://{}", host.to_ascii_lowercase()))
}
