//! `corvusforge.waivers`: the waivers in an artifact store. Corvusforge keeps its list in memory, and has none after a
//! restart; the artifacts are still there.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifacts_verify::folder_of;
use super::{files_below, public_key, store_folder};
use crate::action::{Error, Looking, Read};
use crate::host::{EntryKind, Probe};
use crate::id::{Digest, Id};
use crate::target::corvusforge::waiver::{Risk, Waiver};
use crate::time::Timestamp;

/// Lists waivers.
pub struct Waivers;

/// What `corvusforge.waivers` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["artifact_store"]))]
    target: Id,
    /// Only those that this public key signed, 64 hex digits.
    #[serde(default)]
    signed_by: Option<String>,
    /// Only those that had not run out at this instant.
    #[serde(default)]
    active_at: Option<Timestamp>,
    /// Only those for this stage.
    #[serde(default)]
    scope: Option<String>,
}

/// What `corvusforge.waivers` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The waivers, by id.
    waivers: Vec<Listed>,
    /// How many there are in that list.
    count: u64,
    /// Artifacts that look like waivers and are none, or whose bytes are not those of their name.
    problems: Vec<String>,
    /// The digest of the list.
    subject: Digest,
}

/// A waiver.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Listed {
    waiver_id: String,
    scope: String,
    justification: String,
    approving_identity: String,
    risk_classification: Risk,
    created_at: String,
    expiration: String,
    /// Whether there is a signature, good or not.
    signed: bool,
    /// The address of the artifact: `sha256:` and 64 hex digits.
    address: String,
}

/// No waiver is larger.
const AT_MOST: u64 = 64 * 1024;

/// A waiver and the hash of its artifact.
pub(super) struct Kept {
    pub waiver: Waiver,
    pub address: String,
}

/// All waivers of a store, and in words what looks like one and is none.
pub(super) fn all(probe: &dyn Probe, folder: &std::path::Path) -> Result<(Vec<Kept>, Vec<String>), Error> {
    folder_of(probe, folder)?;
    let (mut waivers, mut problems) = (Vec::new(), Vec::new());
    for (name, stat) in files_below(probe, folder)? {
        if stat.kind != EntryKind::File || stat.size > AT_MOST || !name.ends_with(".dat") {
            continue;
        }
        let bytes = probe.read(&folder.join(&name), AT_MOST)?;
        let Some(read) = Waiver::parse(&bytes) else { continue };
        let digest = Digest::of(&bytes);
        let place = PathBuf::from(&name);
        match read {
            _ if place.file_stem().is_none_or(|stem| stem != digest.hex()) => {
                problems.push(format!("`{name}` has other bytes than its name says"));
            }
            Ok(waiver) => waivers.push(Kept { waiver, address: digest.to_string() }),
            Err(why) => problems.push(format!("`{name}` looks like a waiver and {why}")),
        }
    }
    waivers.sort_by(|one, other| (&one.waiver.waiver_id, &one.address).cmp(&(&other.waiver.waiver_id, &other.address)));
    Ok((waivers, problems))
}

#[async_trait]
impl Read for Waivers {
    const NAME: &'static str = "corvusforge.waivers";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let key = params.signed_by.as_deref().map(public_key).transpose()?;
        let (found, problems) = all(looking.probe, &store_folder(looking.facts, &params.target)?)?;
        let is_wanted = |kept: &Kept| {
            key.is_none_or(|key| kept.waiver.is_signed_by(&key))
                && params.active_at.is_none_or(|at| !kept.waiver.is_expired(at))
                && params.scope.as_ref().is_none_or(|scope| *scope == kept.waiver.scope)
        };
        let waivers: Vec<Listed> = found.into_iter().filter(is_wanted).map(listed).collect();
        let subject: String = waivers.iter().map(|waiver| format!("{}\n", waiver.address)).collect();
        Ok(Output {
            count: waivers.len() as u64,
            waivers,
            subject: Digest::of((subject + &problems.join("\n")).as_bytes()),
            problems,
        })
    }
}

fn listed(Kept { waiver, address }: Kept) -> Listed {
    Listed {
        created_at: waiver.created_at.hashed(),
        expiration: waiver.expiration.hashed(),
        signed: !waiver.signature.is_empty(),
        waiver_id: waiver.waiver_id,
        scope: waiver.scope,
        justification: waiver.justification,
        approving_identity: waiver.approving_identity,
        risk_classification: waiver.risk,
        address,
    }
}
