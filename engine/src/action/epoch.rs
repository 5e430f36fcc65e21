//! Epochs: read, and moved forward by one. What is last known of an epoch is never written here.

use super::{Error, Facts};
use crate::id::Id;
use crate::procedure::TargetKind as Kind;
use crate::target::epoch::{self, Epoch};

pub mod bump;
pub mod read;

/// The epoch that a target is.
fn open(facts: &Facts, target: &Id) -> Result<Box<dyn Epoch>, Error> {
    let bound = facts.target(target)?;
    if bound.kind != Kind::Epoch {
        let message = format!("target `{target}` is a `{}`, not an `epoch`", bound.kind.as_str());
        return Err(Error::new("bad_target", message));
    }
    Ok(epoch::open(bound)?)
}

#[cfg(test)]
mod tests;
