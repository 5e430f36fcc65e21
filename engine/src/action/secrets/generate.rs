//! `secrets.generate`: makes a new secret and puts it into a store, without anybody seeing it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::{store, value};
use crate::action::sealed;
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::host::Host;
use crate::id::Id;
use crate::secret::Secret;
use crate::secret::fingerprint::Fingerprint;
use crate::sign::ledger_key::LedgerKey;
use crate::target::secret_store;

/// Makes a new secret.
pub struct Generate;

/// What `secrets.generate` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The key.
    key: String,
    /// What is made.
    kind: Kind,
    /// Whether a value that is there may be replaced, and so lost.
    #[serde(default)]
    replace: bool,
}

/// What is made, of 32 bytes of chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 64 hex digits.
    Hex32,
    /// An Ed25519 private key, PKCS#8 in PEM.
    Ed25519,
}

/// What `secrets.generate` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The fingerprint of the value.
    fingerprint: Fingerprint,
    /// Of a key pair the public key, 64 hex digits; else none.
    public: Option<String>,
    /// The version that was written, where the store counts them.
    version: Option<u64>,
}

impl Kind {
    fn make(self, host: &dyn Host) -> Result<(Secret, Option<String>), Error> {
        let mut chance = Zeroizing::new([0_u8; 32]);
        host.random(&mut *chance)?;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Ok(match self {
            Self::Hex32 => (Secret::new(hex(&*chance).into_bytes()), None),
            Self::Ed25519 => {
                let key = LedgerKey::from_seed(&chance);
                (Secret::new(key.to_pem().as_bytes().to_vec()), Some(hex(&key.public())))
            }
        })
    }
}

#[async_trait]
impl Effect for Generate {
    const NAME: &'static str = "secrets.generate";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Once,
        preview: Fidelity::Estimated,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        super::written(looking.facts, &params.target, [params.key.as_str()])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let before = value(looking.facts, looking.probe, &params.target, &params.key).await?;
        if before.is_some() && !params.replace {
            return Err(exists(&params));
        }
        let before = before.map(|before| sealed::fingerprint(&looking.facts.secrets, &before)).transpose()?;
        Ok(Preview {
            fidelity: Fidelity::Estimated,
            before: Some(json!({ "fingerprint": before })),
            after: Some(json!({ "made": params.kind })),
            no_change: false,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let Doing { facts, host } = *doing;
        let opened = secret_store::open(store(facts, &params.target)?)?;
        if !params.replace && value(facts, host, &params.target, &params.key).await?.is_some() {
            return Err(exists(&params));
        }
        let (made, public) = params.kind.make(host)?;
        facts.secrets.custody.learn(&made);
        let fingerprint = sealed::fingerprint(&facts.secrets, &made)?;
        let version = opened.put(host, &BTreeMap::from([(params.key.clone(), made)])).await?;
        Ok(Output { fingerprint, public, version })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        // A value that is there may be the new one or the one before.
        Ok(match value(looking.facts, looking.probe, &params.target, &params.key).await? {
            None => Reconciled::NotHappened,
            Some(_) => Reconciled::CannotTell,
        })
    }
}

fn exists(params: &Params) -> Error {
    let message = format!("`{}` is in store `{}` already; `replace: true` gives it up", params.key, params.target);
    Error::new("exists", message)
}
