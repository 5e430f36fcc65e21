//! Places as the reader gives them, turned into bytes.

use std::ops::Range;

use saphyr_parser::{Marker, Span};

/// From characters, which the reader counts, to bytes.
pub(super) enum Offsets {
    /// One byte a character.
    Ascii { base: usize, len: usize },
    /// The byte at which each character begins, and the end.
    Wide(Vec<usize>),
}

impl Offsets {
    pub(super) fn of(body: &str, base: usize) -> Self {
        if body.is_ascii() {
            return Self::Ascii { base, len: body.len() };
        }
        let ends = std::iter::once(base + body.len());
        Self::Wide(body.char_indices().map(|(at, _)| base + at).chain(ends).collect())
    }

    pub(super) fn byte(&self, marker: &Marker) -> usize {
        match self {
            Self::Ascii { base, len } => base + marker.index().min(*len),
            Self::Wide(starts) => starts.get(marker.index()).or(starts.last()).copied().unwrap_or_default(),
        }
    }

    pub(super) fn bytes(&self, span: &Span) -> Range<usize> {
        let start = self.byte(&span.start);
        start..self.byte(&span.end).max(start)
    }
}
