//! A string in its parts: literal text, `{{ … }}` and `{% … %}`.
//!
//! Where a marker ends is for minijinja's tokenizer to say, since `}}` may stand in a string. As in Jinja, `{{-` and
//! `-}}` take the whitespace beside them away. Comments and raw blocks are refused: YAML has comments.

use std::ops::Range;

use minijinja::machinery::{Token, tokenize};

use super::error::SyntaxError;
use super::limits::{bytes, refused};

/// A part of a string; all ranges are bytes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(Range<usize>),
    /// `{{ inner }}`.
    Output {
        marker: Range<usize>,
        inner: Range<usize>,
    },
    /// `{% inner %}`.
    Statement {
        marker: Range<usize>,
        inner: Range<usize>,
    },
}

/// Splits a string in its parts.
pub(super) fn scan(source: &str) -> Result<Vec<Piece>, SyntaxError> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some((start, kind)) = next_marker(source, at) {
        let opening = start + 2;
        if kind == b'#' {
            return Err(SyntaxError::new(start..opening, "a template has no comments")
                .help("write a YAML comment, or `{{ '{#' }}` for the two characters"));
        }
        let sign = source.as_bytes().get(opening).copied().filter(|byte| matches!(byte, b'-' | b'+'));
        let inner_start = opening + usize::from(sign.is_some());
        let (inner, end) = closing(source, start, inner_start, kind == b'%')?;
        let before = if sign == Some(b'-') { at + source[at..start].trim_end().len() } else { start };
        if before > at {
            pieces.push(Piece::Literal(at..before));
        }
        let trims = source.as_bytes().get(inner.end) == Some(&b'-');
        let marker = start..end;
        pieces.push(if kind == b'%' { Piece::Statement { marker, inner } } else { Piece::Output { marker, inner } });
        at = if trims { source.len() - source[end..].trim_start().len() } else { end };
    }
    if at < source.len() {
        pieces.push(Piece::Literal(at..source.len()));
    }
    Ok(pieces)
}

/// The next `{{`, `{%` or `{#`, with its second byte.
fn next_marker(source: &str, at: usize) -> Option<(usize, u8)> {
    let bytes = source.as_bytes();
    (at..bytes.len().saturating_sub(1))
        .find(|&start| bytes[start] == b'{' && matches!(bytes[start + 1], b'{' | b'%' | b'#'))
        .map(|start| (start, bytes[start + 1]))
}

/// What is inside a marker, and where the marker ends.
fn closing(
    source: &str,
    start: usize,
    inner_start: usize,
    statement: bool,
) -> Result<(Range<usize>, usize), SyntaxError> {
    let rest = &source[inner_start..];
    // The two places before the current token, where a `%` and the sign before it may be.
    let (mut percent, mut sign) = (None::<Range<usize>>, None::<usize>);
    let mut depth = 0_usize;
    for token in tokenize(rest, true, minijinja::syntax::SyntaxConfig::default()) {
        let (token, place) = token.map_err(|error| refused(&error, inner_start, rest))?;
        let span = bytes(place, inner_start);
        match token {
            Token::VariableEnd if statement => break,
            Token::VariableEnd => return Ok((inner_start..span.start, span.end)),
            Token::BraceClose if statement && percent.as_ref().is_some_and(|percent| percent.end == span.start) => {
                let percent = percent.map_or(span.start, |percent| percent.start);
                let end = sign.filter(|sign| sign + 1 == percent).unwrap_or(percent);
                return Ok((inner_start..end, span.end));
            }
            Token::BraceOpen | Token::BracketOpen | Token::ParenOpen => depth += 1,
            Token::BraceClose | Token::BracketClose | Token::ParenClose => depth = depth.saturating_sub(1),
            Token::Mod if depth == 0 => {
                percent = Some(span);
                continue;
            }
            Token::Minus | Token::Plus => sign = Some(span.start),
            _ => {}
        }
        percent = None;
    }
    let (open, close) = if statement { ("{%", "%}") } else { ("{{", "}}") };
    Err(SyntaxError::new(start..start + 2, format!("`{open}` is not closed"))
        .help(format!("close it with `{close}`, or write `{{{{ '{open}' }}}}` for the two characters")))
}
