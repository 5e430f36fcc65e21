//! Characters that YAML does not allow, that some readers take for line ends, or that hide or move text.

use super::BYTE_ORDER_MARK;
use crate::parse::problems::{Problems, text as problem};

/// Refuses them, wherever they stand.
pub(super) fn refuse(text: &str, base: usize, problems: &mut Problems) {
    for (at, character) in text[base..].char_indices() {
        let place = || problems.place(base + at..base + at + character.len_utf8());
        let found = match character {
            '\0' => problem::nul_character(place()),
            '\t' | '\n' | '\r' | ' '..='~' => continue,
            '\u{1}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | BYTE_ORDER_MARK => {
                problem::hidden_character(place(), character)
            }
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' => {
                problem::hidden_character(place(), character)
            }
            '\u{fffe}' | '\u{ffff}' => problem::hidden_character(place(), character),
            _ => continue,
        };
        problems.push(found);
    }
}
