//! What an expression may be before anyone parses it, so that no input can overflow a stack.
//!
//! minijinja's parser recurses without a bound for `not not …`, `- - …` and `else … else …`, and its tree is freed
//! recursively; these limits hold before it sees the text. The depth of the tree that is kept is checked where it is
//! made.

use std::ops::Range;

use minijinja::machinery::{Span, Token, tokenize};

use super::error::SyntaxError;

/// The deepest tree that is kept.
pub(super) const DEPTH: usize = 64;

/// The longest expression, in bytes.
const LENGTH: usize = 64 * 1024;
/// The most operators, dots, brackets and keywords of one expression: each can make the tree one deeper.
const OPERATORS: usize = 1_000;
/// The deepest brackets; minijinja refuses 75.
const BRACKETS: usize = 32;
/// The most `not` and `-` in a row, and the most `else`.
const RECURSION: usize = 32;

/// Refuses what is too long, too deep, or a forgotten comma.
pub(super) fn check(text: &str, offset: usize) -> Result<(), SyntaxError> {
    let all = offset..offset + text.len();
    if text.len() > LENGTH {
        return Err(SyntaxError::new(all, "the expression is longer than 64 KiB"));
    }
    if text.trim().is_empty() {
        return Err(SyntaxError::new(all, "the expression is empty"));
    }
    let deep = |span| SyntaxError::new(span, "the expression is nested too deeply");
    let (mut operators, mut brackets, mut prefixes, mut elses) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut string_before = false;
    for token in tokenize(text, true, minijinja::syntax::SyntaxConfig::default()) {
        let (token, place) = token.map_err(|error| refused(&error, offset, text))?;
        let span = bytes(place, offset);
        let is_string = matches!(token, Token::Str(_) | Token::String(_));
        if is_string && string_before {
            return Err(SyntaxError::new(span, "two strings side by side").help("put `,` or `~` between them"));
        }
        string_before = is_string;
        prefixes = if matches!(token, Token::Minus | Token::Ident("not")) { prefixes + 1 } else { 0 };
        match token {
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => brackets += 1,
            Token::BracketClose | Token::ParenClose | Token::BraceClose => brackets = brackets.saturating_sub(1),
            Token::Ident("else") => elses += 1,
            Token::VariableEnd => return Err(SyntaxError::new(span, "`}}` in an expression")),
            _ => {}
        }
        operators += usize::from(deepens(&token));
        if brackets > BRACKETS || prefixes > RECURSION || elses > RECURSION {
            return Err(deep(span));
        }
        if operators > OPERATORS {
            return Err(SyntaxError::new(span, "the expression has more than 1,000 operators"));
        }
    }
    Ok(())
}

/// Whether a token can make the tree deeper.
fn deepens(token: &Token<'_>) -> bool {
    match token {
        Token::Ident(word) => matches!(*word, "not" | "and" | "or" | "if" | "else" | "is" | "in"),
        Token::Str(_)
        | Token::String(_)
        | Token::Int(_)
        | Token::Int128(_)
        | Token::Float(_)
        | Token::Comma
        | Token::Colon
        | Token::Assign
        | Token::BracketClose
        | Token::ParenClose
        | Token::BraceClose => false,
        _ => true,
    }
}

/// What minijinja says of a text that it cannot read, at its place in our source.
pub(super) fn refused(error: &minijinja::Error, offset: usize, text: &str) -> SyntaxError {
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let span = error.range().unwrap_or(0..text.len());
    // The tokenizer may point into the middle of a character.
    let whole = |at: &usize| text.is_char_boundary(*at);
    let start = (0..=span.start.min(text.len())).rev().find(whole).unwrap_or(0);
    let end = (span.end.max(start)..text.len()).find(whole).unwrap_or(text.len());
    SyntaxError::new(offset + start..offset + end, message)
}

/// The bytes of a token in the source.
pub(super) fn bytes(place: Span, offset: usize) -> Range<usize> {
    offset + place.start_offset as usize..offset + place.end_offset as usize
}
