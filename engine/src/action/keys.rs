//! Ed25519 keys of the systems that are looked after: made, used, checked, trusted and no longer trusted.
//!
//! Private keys stay in secret stores and in no output. Keys of our own ledger are `runwarden key`'s affair.

use super::sealed::SecretName;
use super::{Error, Facts};
use crate::host::Probe;
use crate::sign::service_key::ServiceKey;

pub mod generate;
pub mod revoke;
pub mod sign;
pub mod trust;
pub mod verify;

#[cfg(test)]
mod tests;

/// The private key that a secret holds.
pub(in crate::action) async fn private(
    facts: &Facts,
    probe: &dyn Probe,
    name: &SecretName,
) -> Result<ServiceKey, Error> {
    let value = facts.secrets.reveal(&name.0, probe).await?;
    ServiceKey::read(value.expose()).map_err(|error| Error::new("bad_key", format!("secret `{}` is {error}", name.0)))
}

/// What a key is trusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signs plugins.
    Plugin,
    /// Signs waivers.
    Waiver,
}

impl Role {
    /// The variable that holds the one public key that is trusted for it.
    fn variable(self) -> &'static str {
        use crate::target::corvusforge::production::{PLUGIN_TRUST_ROOT, WAIVER_SIGNING_KEY};
        match self {
            Self::Plugin => PLUGIN_TRUST_ROOT,
            Self::Waiver => WAIVER_SIGNING_KEY,
        }
    }
}
