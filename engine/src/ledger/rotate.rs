//! One key of a ledger gives way to the next, and a key that may be in other hands is revoked.
//!
//! A rotation is one entry in one commit: until it is durable the old key is the ledger's, from then on the new one. The
//! checkpoints before and after it get both signatures after that, so that a rotation which was cut short leaves no
//! signature of a key that is not the ledger's. Where the keys are kept is not known here.

use std::path::PathBuf;

use serde_json::Map;

use super::error::Error;
use super::key_chain;
use super::{Ledger, signed, start, store};
use crate::event::{Draft, Kind};
use crate::merkle::note::{Note, VerifierKey};
use crate::merkle::rotation::Rotation;
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

/// Who decided, and why.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// Who.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Since when a key may have been in other hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Since the ledger had so many entries.
    Size(u64),
    /// Since this instant: since the ledger had the entries of before.
    Time(Timestamp),
}

/// What a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that went.
    pub from: VerifierKey,
    /// The key that came.
    pub to: VerifierKey,
    /// The entry that records it.
    pub seq: u64,
    /// The checkpoint that has both signatures and covers the entry.
    pub checkpoint: PathBuf,
}

impl Ledger {
    /// Makes `new` the ledger's key: an entry that both keys sign, and a checkpoint before and after it with both
    /// signatures. From then on the old key signs nothing.
    ///
    /// # Errors
    /// When the new key is or was one of this ledger, or something cannot be written. Whether the rotation is durable
    /// is then told by [`Self::vkey`].
    pub fn rotate(&mut self, now: Timestamp, new: LedgerKey, decision: Decision<'_>) -> Result<Rotated, Error> {
        if self.keys.knows(&new.public()) {
            return Err(Error::Key("the new key is or was a key of this ledger".to_owned()));
        }
        let to = VerifierKey::new(self.named.name(), new.public()).map_err(|error| Error::Key(error.to_string()))?;
        if now < self.head_ts {
            // What is signed names the place of the entry, so nothing may come in between.
            self.append(now, &[Draft::new(Kind::Heartbeat, Map::new())])?;
        }
        self.checkpoint()?;
        let before = start::statement(&self.range, &self.named);
        let from = self.named.clone();
        let rotation = Rotation { size: before.size, root: before.root, from: from.clone(), to: to.clone() };
        let mut note = Note::new(rotation.to_string()).map_err(|error| Error::Key(error.to_string()))?;
        note.add(&from, self.key.sign(note.text().as_bytes()));
        note.add(&to, new.sign(note.text().as_bytes()));
        let data = key_chain::rotated(&rotation, &note, decision.reason);
        let draft = Draft { actor: Some(decision.actor.to_owned()), ..Draft::new(Kind::KeyRotated, data) };
        let seq = self.append(now, &[draft])?.first().map_or(before.size, |entry| entry.seq);
        let old = std::mem::replace(&mut self.key, new);
        self.named = to.clone();
        self.reread_keys()?;
        let both = [(&old, &from), (&self.key, &to)];
        signed::keep(&self.path, &before, &signed::sign(&before, &both), &self.keys.signers())?;
        let after = start::statement(&self.range, &self.named);
        signed::keep(&self.path, &after, &signed::sign(&after, &both), &self.keys.signers())?;
        let checkpoint = self.checkpoint()?;
        Ok(Rotated { from, to, seq, checkpoint })
    }

    /// Says that a key counts no longer: what it signed is unproven where no anchor made before covers it; with `since`,
    /// none larger than that. Gives the number of the entry, and the size that `since` came to.
    ///
    /// # Errors
    /// When it is none of the ledger's earlier keys, was revoked already, `since` is to come, or it cannot be written. The
    /// ledger's present key is not revoked: it signs what says so. Another takes its place first.
    pub fn revoke(
        &mut self,
        now: Timestamp,
        key: &VerifierKey,
        since: Option<Since>,
        decision: Decision<'_>,
    ) -> Result<(u64, Option<u64>), Error> {
        if *key == self.named {
            return Err(Error::Key(format!("`{key}` is the ledger's present key; another must take its place first")));
        }
        match self.keys.spans().iter().find(|span| span.key == *key) {
            None => return Err(Error::Key(format!("`{key}` is no key of this ledger"))),
            Some(span) => {
                if let Some(before) = span.revoked_at {
                    return Err(Error::Key(format!("`{key}` was revoked by entry {before} already")));
                }
            }
        }
        let since = since.map(|since| self.size_at(since, now)).transpose()?;
        let data = key_chain::revoked(key, decision.reason, since);
        let draft = Draft { actor: Some(decision.actor.to_owned()), ..Draft::new(Kind::KeyRevoked, data) };
        let seq = self.append(now, &[draft])?.first().map_or(0, |entry| entry.seq);
        self.reread_keys()?;
        self.checkpoint()?;
        Ok((seq, since.map(|(size, _)| size)))
    }

    /// How many entries there were, with the time where that was said in place of the size.
    fn size_at(&self, since: Since, now: Timestamp) -> Result<(u64, Option<Timestamp>), Error> {
        let size = self.range.size();
        match since {
            Since::Size(since) if since > size => {
                Err(Error::Key(format!("there are {size} entries, so {since} are to come")))
            }
            Since::Size(since) => Ok((since, None)),
            Since::Time(at) if at > now => Err(Error::Key(format!("it is {now}, so {at} is to come"))),
            Since::Time(at) => {
                let first = store::first_since(&self.conn, &at.to_string());
                let first = first.map_err(|error| Error::reading(&self.path, &error))?;
                Ok((first.map_or(size, |seq| u64::try_from(seq).unwrap_or(0)), Some(at)))
            }
        }
    }

    /// The keys as the entries have them now.
    fn reread_keys(&mut self) -> Result<(), Error> {
        let genesis = start::genesis(&self.path, &self.conn)?;
        self.keys = key_chain::KeyChain::of(&self.path, &self.conn, genesis.named)?;
        Ok(())
    }
}
