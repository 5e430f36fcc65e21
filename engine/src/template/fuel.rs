//! What one evaluation may cost: steps, and the size of what it builds.

use super::error::Problem;
use super::value::Value;

/// The steps of one evaluation: a node, an item of a list, or 64 bytes of text is one.
const STEPS: u64 = 1_000_000;
/// The longest string an evaluation builds, in bytes.
const LONGEST_STRING: usize = 1 << 20;
/// The longest list or map an evaluation builds.
const LONGEST_LIST: usize = 100_000;

/// What is left of an evaluation's steps.
#[derive(Debug)]
pub(super) struct Fuel(u64);

impl Fuel {
    pub(super) fn full() -> Self {
        Self(STEPS)
    }

    /// Takes steps.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Problem> {
        self.0 = self.0.checked_sub(steps as u64).ok_or(Problem::OutOfFuel)?;
        Ok(())
    }

    /// Takes the steps of reading or writing a text.
    pub(super) fn spend_text(&mut self, bytes: usize) -> Result<(), Problem> {
        self.spend(bytes / 64)
    }

    /// A string that was built.
    pub(super) fn string(&mut self, text: String) -> Result<Value, Problem> {
        self.allow_string(text.len())?;
        Ok(text.into())
    }

    /// Whether a string of that length may be built.
    pub(super) fn allow_string(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes > LONGEST_STRING {
            return Err(Problem::TooLarge { limit: "1 MiB" });
        }
        self.spend_text(bytes)
    }

    /// A list that was built.
    pub(super) fn list(&mut self, items: Vec<Value>) -> Result<Value, Problem> {
        self.allow_list(items.len())?;
        Ok(Value::list(items))
    }

    /// Whether a list or map of that length may be built.
    pub(super) fn allow_list(&mut self, items: usize) -> Result<(), Problem> {
        if items > LONGEST_LIST {
            return Err(Problem::TooLarge { limit: "100,000 items" });
        }
        self.spend(items)
    }
}
