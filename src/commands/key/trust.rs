//! `key trust`: the key of a ledger is pinned.

use engine::host::Probe as _;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::KeyTrust;
use crate::commands::ledger::read_keys;
use crate::exit::Exit;
use crate::files::shown;
use crate::refusal::Refusal;
use crate::setup::pins::{self, Pin};
use crate::setup::{self, roles};
use crate::workspace;

/// What `key trust` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `trusted`.
    status: &'static str,
    /// The keys that are pinned by this command.
    keys: Vec<String>,
    /// The file of the pins.
    file: String,
}

pub fn run(context: &Context, args: &KeyTrust) -> Result<Exit, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let keys = read_keys(&args.key)?;
    let mut all = pins::read(&workspace)?;
    let at = setup::reading_machine().now();
    for key in &keys {
        if let Some(other) = roles::held_by(&workspace, key.public()) {
            let message = format!("`{key}` is the key of {other}; one key has one role");
            return Err(Refusal::new(Exit::Ledger, "key", message));
        }
        match all.iter().find(|pin| pin.key == *key) {
            Some(pin) if pin.is_revoked => {
                let message = format!("`{key}` was revoked at {}: {}", pin.at, pin.reason);
                return Err(
                    Refusal::new(Exit::Ledger, "key", message).help("a key that was revoked is not pinned again")
                );
            }
            Some(_) => {}
            None => all.push(Pin { key: key.clone(), is_revoked: false, at, reason: args.reason.clone() }),
        }
    }
    pins::write(&workspace, &all)?;
    let file = pins::path_of(&workspace);
    let ui = &context.ui;
    if ui.is_human() {
        keys.iter().for_each(|key| ui.data(&format!("trusted {key}")));
        ui.note(&format!("pinned in {}", shown(&file)));
    } else {
        let keys = keys.iter().map(ToString::to_string).collect();
        ui.json(&View { status: "trusted", keys, file: file.display().to_string() });
    }
    Ok(Exit::Done)
}
