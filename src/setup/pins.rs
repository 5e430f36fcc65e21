//! Pinned keys: verifier keys of ledgers that somebody vouched for, in a file beside the ledger's private key.
//!
//! Whoever can change that file has the ledger's key already. A line is `trusted` or `revoked`, the key, the time, and
//! why. What was revoked stays, so that it is not pinned again by mistake.

use std::path::{Path, PathBuf};

use engine::merkle::note::VerifierKey;
use engine::time::Timestamp;

use super::own_ledger;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::workspace::Workspace;

/// The most that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A key that somebody vouched for, or took that back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub key: VerifierKey,
    /// Whether it counts no longer.
    pub is_revoked: bool,
    /// When that was said.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Where the pins of a workspace are.
pub fn path_of(workspace: &Workspace) -> PathBuf {
    let mut name = workspace.key().into_os_string();
    name.push(".trusted");
    PathBuf::from(name)
}

/// All pins; none where there is no file.
pub fn read(workspace: &Workspace) -> Result<Vec<Pin>, Refusal> {
    let path = path_of(workspace);
    let bytes = match files::read(&path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&path, &error.to_string())),
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(&path, "it is not UTF-8"))?;
    let line = |(number, line): (usize, &str)| {
        parse(line).ok_or_else(|| unreadable(&path, &format!("line {} is no pin", number + 1)))
    };
    text.lines().enumerate().map(line).collect()
}

/// Writes all pins, in place of those that are there.
pub fn write(workspace: &Workspace, pins: &[Pin]) -> Result<(), Refusal> {
    let lines: String = pins.iter().map(|pin| format!("{}\n", spelled(pin))).collect();
    let path = path_of(workspace);
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        own_ledger::make_private_folder(folder)?;
    }
    files::replace(&path, lines.as_bytes())
}

/// The pinned keys of an origin. Where all of them were revoked, nothing else is believed in their place.
pub fn of_origin(workspace: &Workspace, origin: &str) -> Result<Vec<VerifierKey>, Refusal> {
    let pins = read(workspace)?;
    let mut of_it = pins.into_iter().filter(|pin| pin.key.name() == origin).peekable();
    let any = of_it.peek().is_some();
    let trusted: Vec<VerifierKey> = of_it.filter(|pin| !pin.is_revoked).map(|pin| pin.key).collect();
    if any && trusted.is_empty() {
        let message = format!("the pinned key of `{origin}` was revoked, and no other is pinned");
        return Err(Refusal::new(Exit::Ledger, "key", message)
            .help("pin another with `runwarden key trust`, or give one with `--key`"));
    }
    Ok(trusted)
}

fn parse(line: &str) -> Option<Pin> {
    let mut parts = line.splitn(4, ' ');
    let is_revoked = match parts.next()? {
        "trusted" => false,
        "revoked" => true,
        _ => return None,
    };
    let key = VerifierKey::parse(parts.next()?).ok()?;
    let at = Timestamp::parse(parts.next()?).ok()?;
    Some(Pin { key, is_revoked, at, reason: parts.next().unwrap_or_default().to_owned() })
}

fn spelled(pin: &Pin) -> String {
    let word = if pin.is_revoked { "revoked" } else { "trusted" };
    // A line break in the reason would be a line of its own.
    let reason: String = pin.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{word} {} {} {reason}", pin.key, pin.at).trim_end().to_owned()
}

fn unreadable(path: &Path, why: &str) -> Refusal {
    Refusal::new(Exit::Ledger, "key", format!("the pinned keys in `{}` cannot be read: {why}", path.display()))
}
