//! `key revoke`: an earlier key of the ledger, or a pinned one, counts no longer.

use engine::host::Probe as _;
use engine::ledger::Ledger;
use engine::ledger::rotate::{Decision, Since};
use engine::merkle::note::VerifierKey;
use engine::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::KeyRevoke;
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::{self, own_ledger, pins};
use crate::workspace::{self, Workspace};

/// What `key revoke` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `revoked`.
    status: &'static str,
    /// The key.
    key: String,
    /// The entry of the workspace's ledger that says so, where it was a key of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The size from which on it may have been in other hands, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    /// Whether it was pinned, and is no longer.
    unpinned: bool,
    /// How many entries stand on it that no checkpoint of a later key begins after: the most that may be unproven.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<u64>,
}

pub fn run(context: &Context, args: &KeyRevoke) -> Result<Exit, Refusal> {
    if args.reason.trim().is_empty() {
        return Err(Refusal::invalid("usage", "the reason is empty").help("say why the key counts no longer"));
    }
    let since = args.since.as_deref().map(since).transpose()?;
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let is_meant = |key: &VerifierKey| key.to_string() == args.key || hex_id(key) == args.key;
    let of_ledger = of_ledger(&workspace, &is_meant)?;
    let mut all = pins::read(&workspace)?;
    let pinned = all.iter().position(|pin| is_meant(&pin.key) && !pin.is_revoked);
    let at = setup::reading_machine().now();
    let Some(key) = of_ledger.as_ref().map(|(key, _)| key).or(pinned.map(|place| &all[place].key)).cloned() else {
        let message = format!("there is no key `{}` of this ledger, and none that was pinned", args.key);
        return Err(Refusal::new(Exit::Failed, "key", message).help("`runwarden key show` shows which there are"));
    };
    let (seq, since) = match &of_ledger {
        Some((key, _)) => {
            let (seq, since) = revoke(&workspace, key, since, &args.reason)?;
            (Some(seq), since)
        }
        None if since.is_some() => {
            return Err(Refusal::invalid("usage", "`--since` is of keys of the workspace's ledger; a pin goes whole"));
        }
        None => (None, None),
    };
    if let Some(place) = pinned {
        all[place] = pins::Pin { key: key.clone(), is_revoked: true, at, reason: args.reason.clone() };
        pins::write(&workspace, &all)?;
    }
    let signed = of_ledger.and_then(|(_, to)| to);
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&View { status: "revoked", key: key.to_string(), seq, since, unpinned: pinned.is_some(), signed });
        return Ok(Exit::Done);
    }
    match seq {
        Some(seq) => ui.data(&format!("revoked {key}, entry {seq}")),
        None => ui.data(&format!("revoked {key}, which was pinned")),
    }
    if let Some(since) = since {
        ui.note(&format!("what it signed of more than {since} entries shows nothing, wherever it was kept"));
    }
    if let Some(signed) = signed {
        ui.note(&format!(
            "the first {signed} entries stand on it where no anchor from before covers them; `runwarden ledger verify` \
             with the anchors says what is unproven"
        ));
    }
    Ok(Exit::Done)
}

/// The key of the ledger that is meant, and the largest size it may have signed.
fn of_ledger(
    workspace: &Workspace,
    is_meant: &dyn Fn(&VerifierKey) -> bool,
) -> Result<Option<(VerifierKey, Option<u64>)>, Refusal> {
    if own_ledger::key(workspace)?.is_none() {
        return Ok(None);
    }
    let records = own_ledger::copy(&workspace.ledger(), &setup::reading_machine())?;
    let chain = records.reader.keys()?;
    let span = chain.spans().iter().find(|span| is_meant(&span.key));
    Ok(span.map(|span| (span.key.clone(), span.to)))
}

/// A size, or an instant.
fn since(text: &str) -> Result<Since, Refusal> {
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(size) = text.parse()
    {
        return Ok(Since::Size(size));
    }
    Timestamp::parse(text).map(Since::Time).map_err(|error| {
        Refusal::invalid("usage", format!("--since `{text}`: {error}"))
            .help("give a number of entries, or a time like 2026-11-20T09:00:00Z")
    })
}

fn revoke(
    workspace: &Workspace,
    key: &VerifierKey,
    since: Option<Since>,
    reason: &str,
) -> Result<(u64, Option<u64>), Refusal> {
    let missing = || Refusal::new(Exit::Ledger, "ledger-missing", "there is no ledger");
    let own = own_ledger::key(workspace)?.ok_or_else(missing)?;
    let now = setup::reading_machine().now();
    let mut ledger = Ledger::open(&workspace.ledger(), own, now)?;
    let actor = setup::actor();
    let revoked = ledger.revoke(now, key, since, Decision { actor: &actor, reason });
    // What was refused is the answer; a farewell that failed on top of it would only hide that.
    let closed = ledger.close(now);
    let revoked = revoked?;
    closed?;
    Ok(revoked)
}

fn hex_id(key: &VerifierKey) -> String {
    key.id().iter().map(|byte| format!("{byte:02x}")).collect()
}
