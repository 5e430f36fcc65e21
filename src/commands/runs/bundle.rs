//! `runs bundle` and `runs report --format intoto`: a run for somebody who has not the ledger.

use std::path::Path;

use engine::bundle::attestation::{PAYLOAD_TYPE, Statement};
use engine::bundle::make::{Error, Sources};
use engine::bundle::{Bundle, NotABundle};
use engine::id::{Digest, RunId};
use engine::merkle::note::VerifierKey;
use engine::sign::attestation_key::AttestationKey;
use engine::sign::dsse::Envelope;
use engine::sign::ledger_key::LedgerKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Keys, MakeBundle, Report};
use crate::commands::Context;
use crate::commands::ledger::entries::no_run;
use crate::commands::ledger::{copy, keys};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::own_ledger::Records;
use crate::setup::roles;
use crate::workspace::{self, Workspace};

/// What `runs bundle -o` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The run.
    run: RunId,
    /// The file.
    file: String,
    /// How many entries it has.
    entries: u64,
    /// The sizes of the checkpoints that they are proven by.
    sizes: Vec<u64>,
    /// Digest of the file.
    digest: Digest,
}

/// The ledger of the workspace, and where that is.
struct Place {
    workspace: Workspace,
    records: Records,
    keys: Vec<VerifierKey>,
}

impl Place {
    fn open(context: &Context, said: &Keys) -> Result<Self, Refusal> {
        let workspace = workspace::open(context.global.workspace.as_deref())?;
        let keys = keys(context, said, Some(&workspace))?;
        let records = copy(&workspace.ledger())?;
        Ok(Self { workspace, records, keys })
    }

    fn bundle(&self, asked: &str) -> Result<Bundle, Refusal> {
        let reader = &self.records.reader;
        let run = super::find(reader, asked)?.ok_or_else(|| no_run(asked))?;
        let sources = Sources { reader, keys: &self.keys, workspace: &self.workspace.file };
        Ok(sources.bundle(&run)?)
    }
}

/// Writes the bundle of a run.
pub fn run(context: &Context, args: &MakeBundle) -> Result<Exit, Refusal> {
    let bundle = Place::open(context, &args.keys)?.bundle(&args.run)?;
    let bytes = bundle.write().map_err(|source| Error::Unfit { run: bundle.run.clone(), source })?;
    let ui = &context.ui;
    let Some(path) = &args.output else {
        ui.raw(&String::from_utf8_lossy(&bytes));
        return Ok(Exit::Done);
    };
    files::write_new(path, &bytes)?;
    if bundle.actors.is_null() && !bundle.facts.approvals.is_empty() {
        ui.note(
            "the actors are others now than when the run was planned, so they are not in it: hand over that file too",
        );
    }
    if ui.is_human() {
        ui.data(&format!("{}: run {}, {} entries", files::shown(path), bundle.run, bundle.entries.len()));
        ui.note("`runwarden verify-bundle` judges it, with the ledger's key from `runwarden ledger head`");
        return Ok(Exit::Done);
    }
    let mut sizes: Vec<u64> = bundle.entries.iter().map(|entry| entry.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    ui.json(&View {
        file: path.display().to_string(),
        entries: bundle.entries.len() as u64,
        sizes,
        digest: Digest::of(&bytes),
        run: bundle.run,
    });
    Ok(Exit::Done)
}

/// Writes the attestation of a run.
pub fn attest(context: &Context, args: &Report) -> Result<Exit, Refusal> {
    let file = args.signing_key.as_deref().ok_or_else(|| {
        Refusal::invalid("usage", "an attestation is signed, and no key was given").help(
            "give one with `--signing-key FILE`; `runwarden key generate FILE --role attestation --name NAME` makes it",
        )
    })?;
    let place = Place::open(context, &args.keys)?;
    let key = AttestationKey::load(file).map_err(|error| Refusal::invalid("key", error.to_string()))?;
    one_role(&place, &key)?;
    let bundle = place.bundle(&args.run)?;
    let statement = Statement::of(&bundle).ok_or_else(|| Refusal::internal("the run's end is gone"))?;
    let payload = statement.write().map_err(Refusal::internal)?;
    let envelope = Envelope::sign(PAYLOAD_TYPE, &payload, &key);
    let text = format!("{}\n", serde_json::to_string(&envelope).map_err(Refusal::internal)?);
    write(context, args.output.as_deref(), &text)
}

/// Refuses a key that is the ledger's, an actor's or a witness's.
fn one_role(place: &Place, key: &AttestationKey) -> Result<(), Refusal> {
    let public = key.public();
    let own = LedgerKey::load(&place.workspace.key()).is_ok_and(|own| own.public() == public);
    let was = place.records.reader.keys()?.knows(&public);
    let other = if own || was { Some("the ledger".to_owned()) } else { roles::held_by(&place.workspace, &public) };
    match other {
        None => Ok(()),
        Some(other) => Err(Refusal::invalid("key", format!("the key is that of {other}; one key has one role"))
            .help("make one for attestations with `runwarden key generate FILE --role attestation --name NAME`")),
    }
}

fn write(context: &Context, path: Option<&Path>, text: &str) -> Result<Exit, Refusal> {
    match path {
        None => context.ui.raw(text),
        Some(path) => {
            files::write_new(path, text.as_bytes())?;
            context.ui.note(&format!("wrote {}", files::shown(path)));
        }
    }
    Ok(Exit::Done)
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Ledger(error) => error.into(),
            Error::NotEnded { run } => Self::new(Exit::Failed, "not-ended", message)
                .help(format!("`runwarden runs show {run}` shows where it stands")),
            Error::Unfit { source: NotABundle::TooLarge(_), .. } => {
                Self::new(Exit::Failed, "bundle-too-large", message)
                    .help("`runwarden ledger export --forensic` has no limit")
            }
            Error::NoStory { .. } | Error::Unfit { .. } => {
                Self::new(Exit::Ledger, "ledger", message).help("`runwarden ledger verify` says what is wrong")
            }
        }
    }
}
