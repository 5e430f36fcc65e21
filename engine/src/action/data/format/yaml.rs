//! YAML to a JSON value, where aliases cost what they stand for: a short file must not become a value without end.
//!
//! The reader bounds how many aliases it follows, not what comes of them: ten thousand that each stand for a list of a
//! hundred thousand are few to it.

use std::cell::Cell;

use serde::de::DeserializeSeed;
use serde_json::Value;

use super::strict::Strict;

/// The reader's time grows with the square of how deep brackets are nested, long before it gives up on them.
const MOST_OPEN_BRACKETS: usize = 1000;

/// What aliases may add to a document, in bytes of text and in values: as much as it has, and this.
const MOST_ADDED: usize = 1 << 20;

/// Reads one document without tags.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut open = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MOST_OPEN_BRACKETS {
            return Err(format!("more than {MOST_OPEN_BRACKETS} brackets are open"));
        }
    }
    let room = Cell::new(text.len().saturating_mul(2).saturating_add(MOST_ADDED));
    let strict = Strict { what: "a value without tags", twice: "duplicate key `{}`", room: &room };
    strict.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| error.to_string())
}
