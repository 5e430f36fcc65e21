//! What is said of what stands at a place.

use std::ops::Range;

use super::define::chain_at;
use super::fit::Fit;
use super::place::{On, Trail};
use super::references::{Meaning, Sight};
use super::{Spot, World, action, word_around};
use crate::id::Name;
use crate::parse::node::Node;
use crate::parse::{Kind, look};
use crate::template::filters::FILTERS;
use crate::template::functions::FUNCTIONS;

/// What is said of a part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The bytes of the part.
    pub span: Range<usize>,
    /// What is said of it, in Markdown.
    pub text: String,
}

/// What is said of what stands at a place; nothing where the document cannot be read.
#[must_use]
pub fn words(spot: &Spot<'_>, world: &World<'_>) -> Option<Words> {
    let (tree, kind) = look(spot.text, spot.kind)?;
    let kind = kind.or(spot.kind).unwrap_or(Kind::Procedure);
    let trail = Trail::at(&tree, spot.byte());
    match trail.on {
        On::Key => of_key(kind, &trail, world),
        On::Value => of_value(kind, &trail, world).or_else(|| in_expression(spot, &trail, world)),
    }
}

fn of_key(kind: Kind, trail: &Trail<'_>, world: &World<'_>) -> Option<Words> {
    let super::place::Link::Key(entry) = trail.links.last()? else { return None };
    let map = Fit::after(kind, trail, trail.links.len() - 1, world)?;
    let known = map.keys().into_iter().find(|key| key.name == entry.key);
    let is_required = known.as_ref().is_some_and(|key| key.required);
    let fit = match known {
        Some(key) => key.fit,
        None => map.member(&entry.key)?,
    };
    let required = if is_required { ", required" } else { "" };
    let mut text = format!("**{}** ({}{required})", entry.key, fit.in_words());
    if let Some(about) = fit.about().filter(|about| !about.is_empty()) {
        text.push_str(&format!("\n\n{about}"));
    }
    Some(Words { span: entry.key_span.clone(), text })
}

fn of_value(kind: Kind, trail: &Trail<'_>, world: &World<'_>) -> Option<Words> {
    let node = trail.node();
    let text = node.as_str()?;
    let said = |said: String| Some(Words { span: node.span.clone(), text: said });
    match trail.names().as_slice() {
        [.., "action"] => return said(action::about(world.registry.get(text)?, world)),
        [.., "call"] => return said(document(text, world)?),
        ["procedure"] if kind == Kind::Test => return said(document(text, world)?),
        [.., "forbid" | "once_failed"] | [.., "acts_as", "*"] => {
            return match world.registry.get(text) {
                Some(found) => said(action::about(found, world)),
                None => said(document(text.strip_prefix("call.")?, world)?),
            };
        }
        _ => {}
    }
    let fit = Fit::after(kind, trail, trail.links.len(), world)?;
    if fit.target_kinds().is_some() {
        let target = trail.root.get("targets")?.get(text)?;
        let kind = target.get("kind").and_then(Node::as_str).unwrap_or_default();
        let about = target.get("description").and_then(Node::as_str).unwrap_or_default();
        return said(format!("**{text}** (target of kind `{kind}`)\n\n{about}").trim_end().to_owned());
    }
    let words = fit.words();
    let (_, about) = words.iter().find(|(word, _)| word == text)?;
    said(format!("**{text}**: {}", (*about)?))
}

fn document(name: &str, world: &World<'_>) -> Option<String> {
    let name = Name::parse(name).ok()?;
    world.library.find(&name).map(action::procedure)
}

/// A name, function or filter in an expression.
fn in_expression(spot: &Spot<'_>, trail: &Trail<'_>, world: &World<'_>) -> Option<Words> {
    let text = trail.node().as_str()?;
    let (parents, span) = chain_at(spot)?;
    let name = &spot.text[span.clone()];
    let before = spot.text[..span.start].trim_end();
    if before.ends_with('|') {
        let filter = FILTERS.iter().find(|filter| filter.name == name)?;
        return Some(Words { span, text: format!("**{name}** (filter): {}", filter.summary) });
    }
    let is_called = spot.text[span.end..].trim_start().starts_with('(');
    if let Some((_, about)) = FUNCTIONS.iter().find(|(known, _)| parents.is_empty() && is_called && *known == name) {
        return Some(Words { span, text: (*about).to_owned() });
    }
    // A word of a text that people read is no name, though there may be one like it.
    let fit = Fit::after(Kind::Procedure, trail, trail.links.len(), world);
    let is_bare = fit.as_ref().and_then(Fit::sort) == Some("an expression");
    if !is_bare && !text.contains("{{") && parents.is_empty() {
        return None;
    }
    let meaning = Sight::of(trail, world).meaning(&parents, name)?;
    let start = word_around(spot.text, span.start, |c| super::is_of_name(c) || c == '.').start;
    Some(Words { text: said(&meaning, &spot.text[start..span.end]), span })
}

fn said(meaning: &Meaning<'_>, chain: &str) -> String {
    let detail = if meaning.detail.is_empty() { String::new() } else { format!(" ({})", meaning.detail) };
    let about = meaning.about.as_ref().map_or_else(String::new, |about| format!("\n\n{about}"));
    format!("**{chain}**{detail}{about}")
}
