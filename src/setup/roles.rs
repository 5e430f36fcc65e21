//! One key, one role: what signs a ledger's checkpoints signs nothing else, and is nobody else's.

use engine::sign::actor_key::ActorPublic;

use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::workspace::Workspace;

/// Refuses a ledger's key that is that of an actor or a witness of the workspace.
pub fn check(workspace: &Workspace, public: &[u8; 32]) -> Result<(), Refusal> {
    let Some(other) = held_by(workspace, public) else { return Ok(()) };
    let message = format!("the ledger's key is also that of {other}; one key has one role");
    Err(Refusal::new(Exit::Ledger, "key", message)
        .help("make the other a key of its own with `runwarden key generate`"))
}

/// Who has this key, but for the ledger.
pub fn held_by(workspace: &Workspace, public: &[u8; 32]) -> Option<String> {
    let is_it = |line: &String| ActorPublic::parse(line).is_ok_and(|key| key.bytes() == public);
    let actor = workspace.file.actors.iter().find(|(_, actor)| actor.key.as_ref().is_some_and(is_it));
    let witness = workspace.file.ledger.witnesses.iter().find(|(_, witness)| witness.key.public() == public);
    let actor = actor.map(|(name, _)| format!("actor `{name}`"));
    actor.or_else(|| witness.map(|(name, _)| format!("witness `{name}`")))
}
