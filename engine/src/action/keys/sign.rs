//! `keys.sign`: signs a plugin in place, or a file beside which the signature is put.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::private;
use crate::action::corvusforge::package::{Covers, installed, judge};
use crate::action::corvusforge::{public_key, read_registry, registry_file, write_registry};
use crate::action::sealed::SecretName;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{Existing, Probe};
use crate::id::{Digest, Id};
use crate::target::corvusforge::plugins::SIGNATURE_FILE;

/// Signs.
pub struct Sign;

/// What `keys.sign` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The private key.
    key: SecretName,
    /// The public key that it must belong to, 64 hex digits.
    public: String,
    /// The registry of the plugin that is signed; with `name`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["plugin_registry"]))]
    target: Option<Id>,
    /// The plugin.
    #[serde(default)]
    name: Option<String>,
    /// Of a plugin with a package: SHA-256 over the files that were reviewed, 64 hex digits. Others are not signed.
    #[serde(default)]
    manifest_hash: Option<String>,
    /// A file that is signed, in place of a plugin.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// Where the signature of that file goes, as 128 hex digits.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    to: Option<PathBuf>,
}

/// What `keys.sign` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The signature, 128 hex digits: of a plugin that over its entry.
    signature: String,
    /// The public key it verifies with.
    public: String,
}

/// The most that is signed of a file, in bytes.
const AT_MOST: u64 = 64 * 1024 * 1024;

/// What would be written where.
enum Work {
    Plugin { registry: Id, name: String },
    File { path: PathBuf, to: PathBuf },
}

impl Params {
    fn work(&self) -> Result<Work, Error> {
        match (&self.target, &self.name, &self.path, &self.to) {
            (Some(registry), Some(name), None, None) => {
                Ok(Work::Plugin { registry: registry.clone(), name: name.clone() })
            }
            (None, None, Some(path), Some(to)) => Ok(Work::File { path: path.clone(), to: to.clone() }),
            _ => Err(Error::new("bad_input", "give either `target` and `name`, or `path` and `to`")),
        }
    }

    async fn key(&self, facts: &Facts, probe: &dyn Probe) -> Result<crate::sign::service_key::ServiceKey, Error> {
        let expected = public_key(&self.public)?;
        let key = private(facts, probe, &self.key).await?;
        match key.public() == expected {
            true => Ok(key),
            false => Err(Error::new("other_key", format!("the private key is not that of {}", self.public))),
        }
    }

    /// Whether the plugin is signed already, and would be signed with what was reviewed.
    async fn is_signed(&self, facts: &Facts, probe: &dyn Probe, registry: &Id, name: &str) -> Result<bool, Error> {
        let settings = registry_file(facts, registry)?;
        let plugin = read_registry(probe, &settings.path)?.1.plugin(name)?;
        let package = installed(probe, &settings, &plugin).await?;
        match (&package, &self.manifest_hash) {
            (Some(package), _) if !package.strange.is_empty() => {
                return Err(Error::new(
                    "bad_package",
                    format!("`{}` is no regular file", package.strange.join("`, `")),
                ));
            }
            (Some(package), Some(reviewed)) if package.manifest_hash() != *reviewed => {
                let message = format!("its files have manifest {}, reviewed was {reviewed}", package.manifest_hash());
                return Err(Error::new("not_as_reviewed", message));
            }
            (Some(_), None) => {
                return Err(Error::new("not_as_reviewed", "it has a package: `manifest_hash` says what was reviewed"));
            }
            (None, Some(_)) => return Err(Error::new("not_as_reviewed", "it has no package with files to review")),
            _ => {}
        }
        let judged = judge(&plugin, package.as_ref(), &public_key(&self.public)?);
        let covered = if package.is_some() { judged.code_covered } else { judged.covers == Covers::Entry };
        Ok(judged.problems.is_empty() && covered)
    }
}

#[async_trait]
impl Effect for Sign {
    const NAME: &'static str = "keys.sign";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Estimated,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(match params.work()? {
            Work::Plugin { registry, .. } => vec![registry_file(looking.facts, &registry)?.path],
            Work::File { to, .. } => vec![to],
        })
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let Looking { facts, probe } = *looking;
        params.key(facts, probe).await?;
        let after = Some(json!({ "signed_by": params.public }));
        let no_change = match params.work()? {
            Work::Plugin { registry, name } => params.is_signed(facts, probe, &registry, &name).await?,
            Work::File { path, .. } => {
                crate::action::file::digest_of(probe, &path).await?;
                false
            }
        };
        Ok(Preview { fidelity: Fidelity::Estimated, before: None, after, no_change })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let Doing { facts, host } = *doing;
        let key = params.key(facts, host).await?;
        let signature = match params.work()? {
            Work::Plugin { registry: id, name } => {
                params.is_signed(facts, host, &id, &name).await?;
                let settings = registry_file(facts, &id)?;
                let (_, mut registry) = read_registry(host, &settings.path)?;
                let plugin = registry.plugin(&name)?;
                let signature = hex::encode(key.sign(plugin.entry_bytes().as_bytes()));
                let mut package = installed(host, &settings, &plugin).await?;
                if let Some(package) = &mut package {
                    // As Corvusforge writes it, with the end of its line.
                    let text = format!("{}\n", hex::encode(key.sign(package.manifest_hash().as_bytes())));
                    let folder = settings.package(&plugin.name, &plugin.version);
                    let folder = folder.map_err(|why| Error::new("bad_name", why))?;
                    host.write(&folder.join(SIGNATURE_FILE), text.as_bytes(), 0o644, Existing::Replace)?;
                    let digest = Digest::of(text.as_bytes());
                    package.files.insert(SIGNATURE_FILE.to_owned(), digest.hex().to_owned());
                }
                registry.sign(&name, &signature, package.as_ref().map(|package| &package.files))?;
                write_registry(host, &settings.path, &registry)?;
                signature
            }
            Work::File { path, to } => {
                let signature = hex::encode(key.sign(&host.read(&path, AT_MOST)?));
                host.write(&to, format!("{signature}\n").as_bytes(), 0o644, Existing::Replace)?;
                signature
            }
        };
        Ok(Output { signature, public: params.public })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let Looking { facts, probe } = *looking;
        if let Work::Plugin { registry, name } = params.work()?
            && params.is_signed(facts, probe, &registry, &name).await?
        {
            let settings = registry_file(facts, &registry)?;
            let signature = read_registry(probe, &settings.path)?.1.plugin(&name)?.signature;
            return Ok(Reconciled::Happened(Output { signature, public: params.public }));
        }
        // The same signature is made again.
        Ok(Reconciled::NotHappened)
    }
}
