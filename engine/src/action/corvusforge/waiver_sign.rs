//! `corvusforge.waiver_sign`: a signed waiver, put into the artifact store as Corvusforge stores it.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::artifacts_verify::folder_of;
use super::{public_key, store_folder};
use crate::action::file::refuse_protected;
use crate::action::keys::private;
use crate::action::sealed::SecretName;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{Existing, Host, Probe};
use crate::id::{Digest, Id};
use crate::target::corvusforge::append::entry_id;
use crate::target::corvusforge::places::artifact_path;
use crate::target::corvusforge::stage::STAGES;
use crate::target::corvusforge::timestamp::Stamp;
use crate::target::corvusforge::waiver::{Risk, Waiver};
use crate::time::Timestamp;

/// Signs a waiver.
pub struct WaiverSign;

/// What `corvusforge.waiver_sign` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["artifact_store"]))]
    target: Id,
    /// The stage that is waived, like `s575_security`.
    scope: String,
    /// Why, with a ticket.
    justification: String,
    /// Who approved it.
    approving_identity: String,
    /// How grave it is.
    risk_classification: Risk,
    /// When it runs out; after the start of the run.
    expiration: Timestamp,
    /// The private key.
    key: SecretName,
    /// The public key that it must belong to, 64 hex digits.
    public: String,
}

/// What `corvusforge.waiver_sign` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Its id.
    waiver_id: String,
    /// The address of the artifact: `sha256:` and 64 hex digits.
    address: String,
    /// The file.
    path: String,
    /// The signature, 128 hex digits.
    signature: String,
}

impl Params {
    /// The waiver, its bytes and its place: the same for each attempt.
    async fn make(&self, facts: &Facts, probe: &dyn Probe) -> Result<(Output, String, PathBuf), Error> {
        let bad = |why: &str| Err(Error::new("bad_input", why));
        if STAGES.iter().all(|(stage, _)| *stage != self.scope) {
            return bad("`scope` is no stage");
        }
        if self.justification.trim().is_empty() || self.approving_identity.trim().is_empty() {
            return bad("a waiver needs a justification and somebody who approved it");
        }
        if self.expiration <= facts.started_at {
            return bad("`expiration` is past");
        }
        let expected = public_key(&self.public)?;
        let stamps = (Stamp::of(facts.started_at), Stamp::of(self.expiration));
        let (Some(created_at), Some(expiration)) = stamps else { return bad("a time beyond the calendar") };
        let key = private(facts, probe, &self.key).await?;
        if key.public() != expected {
            return Err(Error::new("other_key", format!("the private key is not that of {}", self.public)));
        }
        let mut waiver = Waiver {
            waiver_id: entry_id(&facts.idempotency_key),
            scope: self.scope.clone(),
            justification: self.justification.clone(),
            approving_identity: self.approving_identity.clone(),
            risk: self.risk_classification,
            created_at,
            expiration,
            signature: String::new(),
        };
        waiver.signature = hex::encode(key.sign(waiver.signed().as_bytes()));
        let text = waiver.stored();
        let digest = Digest::of(text.as_bytes());
        let folder = store_folder(facts, &self.target)?;
        folder_of(probe, &folder)?;
        let path = folder.join(artifact_path(digest.hex()));
        let output = Output {
            waiver_id: waiver.waiver_id,
            address: digest.to_string(),
            path: path.display().to_string(),
            signature: waiver.signature,
        };
        Ok((output, text, path))
    }
}

/// Puts an artifact in its place; one that is there already must have these bytes.
pub(in crate::action) fn put_artifact(host: &dyn Host, path: &std::path::Path, text: &str) -> Result<(), Error> {
    if host.stat(path)?.is_some() {
        return match host.read(path, text.len() as u64)? == text.as_bytes() {
            true => Ok(()),
            false => {
                Err(Error::new("damaged_artifact", format!("`{}` has other bytes than its name says", path.display())))
            }
        };
    }
    if let Some(folder) = path.parent() {
        host.make_folder(folder, 0o755)?;
    }
    Ok(host.write(path, text.as_bytes(), 0o644, Existing::Refuse)?)
}

#[async_trait]
impl Effect for WaiverSign {
    const NAME: &'static str = "corvusforge.waiver_sign";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
        repeat: Repeat::Keyed,
        preview: Fidelity::Estimated,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![store_folder(looking.facts, &params.target)?])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let (_, _, path) = params.make(looking.facts, looking.probe).await?;
        refuse_protected(looking.probe, &path)?;
        let after = json!({ "scope": params.scope, "expiration": params.expiration, "signed_by": params.public });
        Ok(Preview { fidelity: Fidelity::Estimated, before: None, after: Some(after), no_change: false })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let (output, text, path) = params.make(doing.facts, doing.host).await?;
        put_artifact(doing.host, &path, &text)?;
        Ok(output)
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let (output, text, path) = params.make(looking.facts, looking.probe).await?;
        Ok(match looking.probe.stat(&path)? {
            Some(_) if looking.probe.read(&path, text.len() as u64)? == text.as_bytes() => Reconciled::Happened(output),
            _ => Reconciled::NotHappened,
        })
    }
}
