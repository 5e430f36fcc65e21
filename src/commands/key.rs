//! `key`: keys are made, and shown by their public halves. No private key is ever printed.

use std::path::Path;

use engine::merkle::note::VerifierKey;
use engine::sign::actor_key::{ActorKey, ActorPublic};
use engine::sign::attestation_key::AttestationKey;
use engine::sign::ledger_key::LedgerKey;
use engine::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::{KeyCommand, KeyGenerate, KeyShow, Role};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::pins;
use crate::setup::{self, own_ledger};
use crate::ui::people::passphrase;
use crate::ui::table::pairs;
use crate::workspace;

pub mod revoke;
pub mod rotate;
pub mod trust;

/// The longest public key that is read, in bytes.
const MAX_PUBLIC: u64 = 16 * 1024;

/// What `key show` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `ok`, or `failed` when one key has two roles.
    status: &'static str,
    /// The keys.
    keys: Vec<OneView>,
}

/// One key, by its public half.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OneView {
    /// Whose it is: a ledger's origin, an actor, or the file it was read from.
    name: String,
    /// `ledger`, `actor`, `witness`, `attestation`, `pinned` of somebody else's ledger, or `unknown` of a file that nothing says more of.
    role: &'static str,
    /// As verifiers of signed notes read it; none where the name cannot stand in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    vkey: Option<String>,
    /// As OpenSSH writes it.
    public: String,
    /// As `ssh-keygen -l` shows it.
    fingerprint: String,
    /// The private key's file, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Until when it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    /// Since when it counts no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// Of a ledger's key: the sizes of the ledger that it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    sizes: Option<Sizes>,
    /// Of a ledger's key: the entry that revoked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<u64>,
    /// The size of the ledger from which on it may have been in other hands, where the revocation says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_since: Option<u64>,
}

/// The sizes of a ledger that a key may sign.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Sizes {
    /// The smallest.
    from: u64,
    /// The largest; none while it is the ledger's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u64>,
}

impl OneView {
    fn new(name: &str, role: &'static str, public: &ActorPublic) -> Self {
        Self {
            name: name.to_owned(),
            role,
            vkey: VerifierKey::new(name, *public.bytes()).ok().map(|key| key.to_string()),
            public: public.to_line(),
            fingerprint: public.fingerprint(),
            file: None,
            not_after: None,
            revoked_at: None,
            sizes: None,
            revoked_by: None,
            revoked_since: None,
        }
    }
}

pub fn run(context: &Context, command: KeyCommand) -> Result<Exit, Refusal> {
    match command {
        KeyCommand::Generate(args) => generate(context, &args),
        KeyCommand::Show(args) => show(context, &args),
        KeyCommand::Rotate(args) => rotate::run(context, &args),
        KeyCommand::Trust(args) => trust::run(context, &args),
        KeyCommand::Revoke(args) => revoke::run(context, &args),
    }
}

fn generate(context: &Context, args: &KeyGenerate) -> Result<Exit, Refusal> {
    let seed = own_ledger::new_seed(&setup::reading_machine())?;
    let (role, public) = match args.role {
        Role::Actor => {
            if args.name.chars().any(char::is_control) {
                return Err(Refusal::invalid("usage", "the name has control characters"));
            }
            let key = ActorKey::from_seed(&seed);
            key.write_new(&args.file, &args.name)?;
            ("actor", key.public())
        }
        Role::Ledger => {
            let key = LedgerKey::from_seed(&seed);
            VerifierKey::new(&args.name, key.public()).map_err(|error| {
                Refusal::invalid("usage", format!("--name: {error}"))
                    .help("a ledger's origin is like `example.org/ops`")
            })?;
            key.write_new(&args.file)?;
            ("ledger", ActorPublic::new(key.public()))
        }
        Role::Attestation => {
            let key = AttestationKey::from_seed(&seed);
            key.write_new(&args.file)?;
            ("attestation", ActorPublic::new(key.public()))
        }
    };
    let view = OneView { file: Some(args.file.display().to_string()), ..OneView::new(&args.name, role, &public) };
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&view);
        return Ok(Exit::Done);
    }
    ui.note(&format!("wrote {}", files::shown(&args.file)));
    match (&view.vkey, args.role) {
        (Some(vkey), Role::Ledger) => ui.data(vkey),
        _ => ui.data(&format!("{} {}", view.public, view.name)),
    }
    Ok(Exit::Done)
}

fn show(context: &Context, args: &KeyShow) -> Result<Exit, Refusal> {
    let keys = match args.files.is_empty() {
        true => of_workspace(context)?,
        false => args.files.iter().map(|path| of_file(path)).collect::<Result<Vec<_>, _>>()?,
    };
    let twice = with_two_roles(&keys);
    let view = View { status: if twice.is_empty() { "ok" } else { "failed" }, keys };
    let exit = if twice.is_empty() { Exit::Done } else { Exit::Failed };
    let ui = &context.ui;
    if !ui.is_human() {
        ui.json(&view);
        return Ok(exit);
    }
    let shown: Vec<String> = view.keys.iter().map(|key| render(key, ui.out)).collect();
    ui.data(&shown.join("\n"));
    for (one, other) in twice {
        ui.error(&format!("{}: {one} and {other} are the same key; one key has one role", ui.err.red("wrong")));
    }
    Ok(exit)
}

fn render(key: &OneView, paint: crate::ui::Paint) -> String {
    let rows = [
        ("vkey", key.vkey.clone()),
        ("public", Some(key.public.clone())),
        ("fingerprint", Some(key.fingerprint.clone())),
        ("file", key.file.clone()),
        ("not after", key.not_after.map(|at| at.to_string())),
        ("revoked", key.revoked_at.map(|at| at.to_string()).or(key.revoked_by.map(|seq| format!("by entry {seq}")))),
        ("not trusted", key.revoked_since.map(|size| format!("since size {size}"))),
        (
            "sizes",
            key.sizes.map(|Sizes { from, to }| match to {
                Some(to) => format!("{from} to {to}"),
                None => format!("from {from} on"),
            }),
        ),
    ];
    let rows: Vec<(String, String)> =
        rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    format!("{} {}\n{}", key.role, paint.bold(&key.name), pairs("  ", &rows))
}

/// The ledger's key, and those of the actors that have one.
fn of_workspace(context: &Context) -> Result<Vec<OneView>, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let mut keys = Vec::new();
    if let Some(key) = own_ledger::unchecked_key(&workspace)? {
        let ours = |public: &[u8; 32]| {
            let view = OneView::new(&workspace.file.ledger.origin, "ledger", &ActorPublic::new(*public));
            let file = (*public == key.public()).then(|| workspace.key().display().to_string());
            OneView { file, ..view }
        };
        // A ledger that cannot be read says nothing of earlier keys, and `ledger verify` says why.
        let chain = own_ledger::copy(&workspace.ledger(), &setup::reading_machine())
            .ok()
            .and_then(|records| records.reader.keys().ok());
        for span in chain.iter().flat_map(|chain| chain.spans()).filter(|span| *span.key.public() != key.public()) {
            let sizes = Some(Sizes { from: span.from, to: span.to });
            let (revoked_by, revoked_since) = (span.revoked_at, span.since);
            keys.push(OneView { sizes, revoked_by, revoked_since, ..ours(span.key.public()) });
        }
        let own = chain.iter().flat_map(|chain| chain.spans()).find(|span| *span.key.public() == key.public());
        let sizes = own.map(|span| Sizes { from: span.from, to: span.to });
        let (revoked_by, revoked_since) = (own.and_then(|span| span.revoked_at), own.and_then(|span| span.since));
        keys.push(OneView { sizes, revoked_by, revoked_since, ..ours(&key.public()) });
    }
    for (name, witness) in &workspace.file.ledger.witnesses {
        let view = OneView::new(name.as_str(), "witness", &ActorPublic::new(*witness.key.public()));
        keys.push(OneView { vkey: Some(witness.key.to_string()), ..view });
    }
    for pin in pins::read(&workspace)? {
        let view = OneView::new(pin.key.name(), "pinned", &ActorPublic::new(*pin.key.public()));
        keys.push(OneView { revoked_at: pin.is_revoked.then_some(pin.at), ..view });
    }
    for (name, actor) in &workspace.file.actors {
        let Some(line) = &actor.key else { continue };
        let public =
            ActorPublic::parse(line).map_err(|error| Refusal::invalid("key", format!("actor `{name}`: {error}")))?;
        let view = OneView::new(name.as_str(), "actor", &public);
        keys.push(OneView { not_after: actor.not_after, revoked_at: actor.revoked_at, ..view });
    }
    Ok(keys)
}

/// The public half of a file: a public line as it is, a private key by what belongs to it.
fn of_file(path: &Path) -> Result<OneView, Refusal> {
    let shown = files::shown(path);
    let line = files::read(path, MAX_PUBLIC).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(public) = line.and_then(|line| ActorPublic::parse(line.trim_end()).ok()) {
        return Ok(OneView::new(&shown, "unknown", &public));
    }
    let public = ActorKey::load(path, || passphrase(&shown))?.public();
    Ok(OneView { file: Some(path.display().to_string()), ..OneView::new(&shown, "unknown", &public) })
}

/// Those that are the same key under two names or roles.
fn with_two_roles(keys: &[OneView]) -> Vec<(String, String)> {
    let named = |key: &OneView| format!("{} `{}`", key.role, key.name);
    let mut twice = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let same = keys[..at].iter().filter(|other| {
            // The ledger's own key may be pinned as well.
            let is_pin = key.role == "pinned" && matches!(other.role, "ledger" | "pinned");
            other.public == key.public && key.role != "unknown" && !is_pin
        });
        twice.extend(same.map(|other| (named(other), named(key))));
    }
    twice
}
