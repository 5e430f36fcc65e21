//! Places in a text: bytes here, lines and characters for the editor, counted as it was agreed.

use std::ops::Range as Bytes;

use gen_lsp_types::{Position, PositionEncodingKind, Range};
use serde_json::Value;

/// In what the characters of a line are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16, where nothing else was agreed.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The one that costs least of those the editor has.
    pub fn agreed(initialize: &Value) -> Self {
        let offered = initialize.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let has = |word: &str| offered.is_some_and(|offered| offered.iter().any(|known| known == word));
        if has("utf-8") {
            Self::Utf8
        } else if has("utf-32") && !has("utf-16") {
            Self::Utf32
        } else {
            Self::Utf16
        }
    }

    /// As the protocol calls it.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// The lines of a text.
pub struct Lines<'a> {
    text: &'a str,
    encoding: Encoding,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn of(text: &'a str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, encoding, starts }
    }

    /// The byte at a position. One beyond the end of its line is that end, one within a character its beginning.
    pub fn byte(&self, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line as usize).copied() else { return self.text.len() };
        let end = self.starts.get(position.line as usize + 1).copied().unwrap_or(self.text.len());
        let line = self.text[start..end].trim_end_matches(['\n', '\r']);
        let wanted = position.character as usize;
        let mut counted = 0;
        for (at, c) in line.char_indices() {
            counted += self.encoding.width(c);
            if counted > wanted {
                return start + at;
            }
        }
        start + line.len()
    }

    /// The position of a byte.
    pub fn position(&self, byte: usize) -> Position {
        let byte = (0..=byte.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let line = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before: usize = self.text[start..byte].chars().map(|c| self.encoding.width(c)).sum();
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), character: u32::try_from(before).unwrap_or(u32::MAX) }
    }

    /// The range of some bytes.
    pub fn range(&self, bytes: &Bytes<usize>) -> Range {
        Range { start: self.position(bytes.start), end: self.position(bytes.end.max(bytes.start)) }
    }

    /// The bytes of a range; none where it ends before it begins.
    pub fn bytes(&self, range: Range) -> Bytes<usize> {
        let start = self.byte(range.start);
        start..self.byte(range.end).max(start)
    }
}

#[cfg(test)]
mod tests {
    use gen_lsp_types::Position;
    use serde_json::json;

    use super::{Encoding, Lines};

    const TEXT: &str = "a: ä😀b\r\nc\rd\n";

    #[track_caller]
    fn both_ways(encoding: Encoding, byte: usize, line: u32, character: u32) {
        let lines = Lines::of(TEXT, encoding);
        let position = Position { line, character };
        assert_eq!(lines.position(byte), position, "{encoding:?}");
        assert_eq!(lines.byte(position), byte, "{encoding:?}");
    }

    #[test]
    fn characters_are_counted_as_agreed() {
        let b = TEXT.find('b').unwrap_or_default();
        both_ways(Encoding::Utf8, b, 0, 9);
        both_ways(Encoding::Utf16, b, 0, 6);
        both_ways(Encoding::Utf32, b, 0, 5);
    }

    #[test]
    fn lines_end_in_every_way_there_is() {
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            both_ways(encoding, TEXT.find('c').unwrap_or_default(), 1, 0);
            both_ways(encoding, TEXT.find('d').unwrap_or_default(), 2, 0);
            both_ways(encoding, TEXT.len(), 3, 0);
        }
    }

    #[test]
    fn what_is_beyond_an_end_is_the_end_and_no_character_is_cut() {
        let lines = Lines::of(TEXT, Encoding::Utf16);
        let byte = |line, character| lines.byte(Position { line, character });
        assert_eq!(byte(0, 400), TEXT.find('\r').unwrap_or_default());
        assert_eq!(byte(9, 0), TEXT.len());
        assert_eq!(byte(0, 5), TEXT.find('😀').unwrap_or_default());
        assert_eq!(lines.position(4), Position { line: 0, character: 3 });
        assert_eq!(lines.position(4000), Position { line: 3, character: 0 });
    }

    #[test]
    fn bytes_are_counted_where_the_editor_can() {
        let agreed = |offered: &[&str]| {
            Encoding::agreed(&json!({ "capabilities": { "general": { "positionEncodings": offered } } }))
        };
        assert_eq!(agreed(&["utf-16", "utf-8"]), Encoding::Utf8);
        assert_eq!(agreed(&["utf-32"]), Encoding::Utf32);
        assert_eq!(agreed(&["utf-32", "utf-16"]), Encoding::Utf16);
        assert_eq!(agreed(&["ebcdic"]), Encoding::Utf16);
        assert_eq!(Encoding::agreed(&json!({})), Encoding::Utf16);
    }
}
