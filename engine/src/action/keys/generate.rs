//! `keys.generate`: a new Ed25519 key in a secret store, without anybody seeing it; its public half is the output.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::action::secrets::{store, value};
use crate::action::{Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Reconciled, Repeat};
use crate::id::Id;
use crate::secret::Secret;
use crate::sign::service_key::{Form, ServiceKey};
use crate::target::secret_store;

/// Makes a new key.
pub struct Generate;

/// What `keys.generate` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The key in the store; there must be none of that name.
    key: String,
    /// How it is written down.
    #[serde(default)]
    form: Written,
}

/// How a private key is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// PKCS#8 in PEM.
    #[default]
    Pem,
    /// OpenSSH's own form, without a passphrase.
    Openssh,
    /// The seed as 64 hex digits.
    Hex,
}

/// What `keys.generate` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The public key, 64 hex digits.
    public: String,
}

fn exists(params: &Params) -> Error {
    let message = format!("`{}` is in store `{}` already; a key is never replaced", params.key, params.target);
    Error::new("exists", message)
}

#[async_trait]
impl Effect for Generate {
    const NAME: &'static str = "keys.generate";
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
        crate::action::secrets::written(looking.facts, &params.target, [params.key.as_str()])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        if value(looking.facts, looking.probe, &params.target, &params.key).await?.is_some() {
            return Err(exists(&params));
        }
        let after = Some(json!({ "made": "ed25519", "form": params.form }));
        Ok(Preview { fidelity: Fidelity::Estimated, before: None, after, no_change: false })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let Doing { facts, host } = *doing;
        let opened = secret_store::open(store(facts, &params.target)?)?;
        if value(facts, host, &params.target, &params.key).await?.is_some() {
            return Err(exists(&params));
        }
        let mut seed = Zeroizing::new([0_u8; 32]);
        host.random(&mut *seed)?;
        let key = ServiceKey::from_seed(&seed);
        let form = match params.form {
            Written::Pem => Form::Pem,
            Written::Openssh => Form::Openssh,
            Written::Hex => Form::Hex,
        };
        let made = Secret::new(key.to_text(form).as_bytes().to_vec());
        facts.secrets.custody.learn(&made);
        opened.put(host, &BTreeMap::from([(params.key.clone(), made)])).await?;
        Ok(Output { public: hex::encode(key.public()) })
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        // There was none when it began, so what is there is the one that was made.
        let Some(found) = value(looking.facts, looking.probe, &params.target, &params.key).await? else {
            return Ok(Reconciled::NotHappened);
        };
        Ok(match ServiceKey::read(found.expose()) {
            Ok(key) => Reconciled::Happened(Output { public: hex::encode(key.public()) }),
            Err(_) => Reconciled::CannotTell,
        })
    }
}
