//! What helps people who write a document: what may stand at a place, what stands there, where it is declared, what the
//! document is made of, and what was meant.
//!
//! It works on documents as they are while they are written: half a line, a key without a value, a bracket that is still
//! open. What is wrong with them is for `parse` to say, and how an editor is told is the command line's affair.

mod action;
mod chain;
pub mod complete;
mod declared;
pub mod define;
mod fit;
pub mod hover;
pub mod outline;
mod place;
pub mod references;
pub mod remedy;
mod repair;
mod values;

use std::ops::Range;

use crate::action::Registry;
use crate::parse::node::Node;
use crate::parse::{Kind, Library};

/// What there is beside the document.
pub struct World<'a> {
    /// The actions.
    pub registry: &'a Registry,
    /// The documents that it may name.
    pub library: &'a dyn Library,
    /// The tree of the workspace file, where there is one that can be read.
    pub workspace: Option<&'a Node>,
    /// The page of an action, in Markdown.
    pub page: fn(&str) -> Option<&'static str>,
}

/// A document that is being written, and a place in it.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The whole text.
    pub text: &'a str,
    /// A byte of it, or its end; one within a character stands for the character's beginning.
    pub at: usize,
    /// What the document is where it does not say; the workspace file never does.
    pub kind: Option<Kind>,
}

impl Spot<'_> {
    /// The place, at the beginning of a character.
    fn byte(&self) -> usize {
        let at = self.at.min(self.text.len());
        (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }
}

/// The letters around a place that belong to one word: where it begins and ends.
fn word_around(text: &str, at: usize, is_part: fn(char) -> bool) -> Range<usize> {
    let before = &text[..at];
    let after = &text[at..];
    let start = before.char_indices().rev().take_while(|(_, c)| is_part(*c)).last().map_or(at, |(start, _)| start);
    let end = after.char_indices().find(|(_, c)| !is_part(*c)).map_or(text.len(), |(end, _)| at + end);
    start..end
}

/// Whether a character may be part of a name in an expression.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a character may be part of a name with dots, or of a pattern of them.
fn is_of_path(c: char) -> bool {
    is_of_name(c) || matches!(c, '.' | '-' | '*')
}

#[cfg(test)]
mod tests;
