//! Characters that YAML does not allow, that some readers take for line ends, or that hide or move text.

use super::BYTE_ORDER_MARK;
use crate::parse::problems::{Problems, text as problem};

/// Refuses them, wherever they stand.
pub(super) fn refuse(text: &str, base: usize, problems: &mut Problems) {
    // Nearly all documents are of these alone, and looking for any other costs nothing.
    if text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
        return;
    }
    let body = text[base..].char_indices().filter(|(_, character)| is_hidden(*character));
    for (at, character) in body {
        let place = problems.place(base + at..base + at + character.len_utf8());
        problems.push(match character {
            '\0' => problem::nul_character(place),
            other => problem::hidden_character(place, other),
        });
    }
}

/// Whether a character is not shown where it stands, or ends a line for some readers only.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | ' '..='~' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | BYTE_ORDER_MARK => true,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' => true,
        other => matches!(other, '\u{fffe}' | '\u{ffff}'),
    }
}
