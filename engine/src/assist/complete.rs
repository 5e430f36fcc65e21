//! What may stand at a place: keys, words, actions, procedures, and what expressions may name.

use std::ops::Range;

use super::chain::{self, Written};
use super::fit::Fit;
use super::place::{On, Trail};
use super::references::{Meaning, Sight, Sort as Reference};
use super::repair::{self, MARK};
use super::{Spot, World, is_of_name, is_of_path, values, word_around};
use crate::parse::Kind;
use crate::parse::node::{Data, Node, Style};
use crate::template::filters::FILTERS;
use crate::template::functions::FUNCTIONS;

/// Something that may stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What it is called.
    pub label: String,
    /// What sort of thing it is.
    pub sort: Sort,
    /// A few words beside the name.
    pub detail: Option<String>,
    /// What is said of it, in Markdown.
    pub about: Option<String>,
    /// The text that is put in place of `span`.
    pub text: String,
    /// The bytes of what is written of it so far.
    pub span: Range<usize>,
    /// Whether the document lacks it.
    pub is_required: bool,
}

/// What sort of thing is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A key of a map.
    Key,
    /// A word that a key takes.
    Word,
    /// An action or a pattern of acts.
    Action,
    /// A procedure, checklist or test.
    Procedure,
    /// A role.
    Role,
    /// A function of expressions.
    Function,
    /// A filter, after `|`.
    Filter,
    /// What an expression may name, or the name of something declared.
    Name(Reference),
}

impl Proposal {
    pub(super) fn new(label: &str, sort: Sort, span: &Range<usize>) -> Self {
        Self {
            label: label.to_owned(),
            sort,
            detail: None,
            about: None,
            text: label.to_owned(),
            span: span.clone(),
            is_required: false,
        }
    }

    pub(super) fn detail(self, detail: &str) -> Self {
        Self { detail: Some(detail.to_owned()).filter(|detail| !detail.is_empty()), ..self }
    }

    pub(super) fn about(self, about: Option<&str>) -> Self {
        Self { about: about.map(str::to_owned), ..self }
    }
}

/// What may stand at a place.
#[must_use]
pub fn proposals(spot: &Spot<'_>, world: &World<'_>) -> Vec<Proposal> {
    let at = spot.byte();
    let Some((tree, kind)) = repair::read(spot.text, at, spot.kind) else { return Vec::new() };
    let kind = kind.or(spot.kind).unwrap_or(Kind::Procedure);
    let Some(trail) = Trail::to_mark(&tree, MARK) else { return Vec::new() };
    let place = Place { text: spot.text, at, kind, trail: &trail, world };
    match trail.on {
        On::Key => place.keys(trail.links.len().saturating_sub(1), trail.parent()),
        On::Value => place.value(),
    }
}

/// Where the writer is.
pub(super) struct Place<'a, 't> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) kind: Kind,
    pub(super) trail: &'a Trail<'t>,
    pub(super) world: &'a World<'a>,
}

impl Place<'_, '_> {
    /// The bytes of the name that is being written, dots and all.
    pub(super) fn word(&self) -> Range<usize> {
        word_around(self.text, self.at, is_of_path)
    }

    /// The keys that the map may have that so many links lead to.
    fn keys(&self, links: usize, map: &Node) -> Vec<Proposal> {
        let there: Vec<&str> = match &map.data {
            Data::Mapping(entries) => entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        };
        let span = self.word();
        let has_colon = self.text[span.end..].trim_start_matches([' ', '\t']).starts_with(':');
        let own = values::keys(self, links);
        let fit = Fit::after(self.kind, self.trail, links, self.world);
        let of_language = fit.iter().flat_map(|fit| known_keys(fit, &there, &span));
        let mut all: Vec<Proposal> = own.into_iter().chain(of_language).collect();
        all.retain(|proposal| !there.contains(&proposal.label.as_str()));
        if has_colon {
            all.iter_mut().for_each(|proposal| proposal.text.clone_from(&proposal.label));
        }
        all
    }

    fn value(&self) -> Vec<Proposal> {
        let node = self.trail.node();
        let Some((before, after)) = node.as_str().and_then(|text| text.split_once(MARK)) else { return Vec::new() };
        let links = self.trail.links.len();
        let fit = Fit::after(self.kind, self.trail, links, self.world);
        let is_alone = before.chars().chain(after.chars()).all(is_of_path);
        if is_alone && self.is_on_own_line() && fit.as_ref().is_none_or(Fit::is_map) {
            return self.keys(links, node);
        }
        let bare = fit.as_ref().and_then(Fit::sort) == Some("an expression");
        if let Some(start) = chain::expression_start(before, bare) {
            return self.references(&before[start..], bare);
        }
        let quoted = !matches!(node.data, Data::String(_, Style::Plain));
        values::values(self, fit.as_ref(), before, quoted)
    }

    /// Whether nothing but blanks and dashes stands before the word on its line.
    fn is_on_own_line(&self) -> bool {
        let line = self.text[..self.word().start].rsplit('\n').next().unwrap_or_default();
        line.chars().all(|c| c.is_whitespace() || c == '-')
    }

    /// What an expression may name whose beginning is given.
    fn references(&self, before: &str, bare: bool) -> Vec<Proposal> {
        let span = word_around(self.text, self.at, is_of_name);
        let chain = match chain::written(before) {
            Some(Written::Filter) => {
                let filter = |filter: &crate::template::filters::Filter| {
                    Proposal::new(filter.name, Sort::Filter, &span).about(Some(filter.summary))
                };
                return FILTERS.iter().map(filter).collect();
            }
            Some(Written::Name(chain)) => chain,
            None => return Vec::new(),
        };
        let sight = Sight::of(self.trail, self.world);
        let of = |meaning: Meaning<'_>| {
            let proposal = Proposal::new(&meaning.name, Sort::Name(meaning.sort), &span);
            proposal.detail(&meaning.detail).about(meaning.about.as_deref())
        };
        let hidden = |meaning: &Meaning<'_>| bare && meaning.name == "secrets";
        let found = sight.members(&chain).into_iter().filter(|found| !hidden(found)).map(of);
        let function = |(name, about): &(&str, &str)| Proposal::new(name, Sort::Function, &span).about(Some(about));
        let functions = FUNCTIONS.iter().filter(|_| chain.is_empty()).map(function);
        found.chain(functions).collect()
    }
}

/// The keys of a schema that a map may still have.
fn known_keys(fit: &Fit, there: &[&str], span: &Range<usize>) -> Vec<Proposal> {
    let alternatives = fit.alternatives();
    let chosen = alternatives.iter().find(|key| there.contains(key));
    let excluded = |name: &str| {
        let is_other = chosen.is_some() && alternatives.contains(&name);
        is_other || chosen.is_some() && fit.needs(name).iter().any(|other| !there.contains(other))
    };
    let keys = fit.keys();
    let open = keys.iter().filter(|key| !excluded(key.name));
    open.map(|key| {
        let mut proposal = Proposal::new(key.name, Sort::Key, span).detail(&key.fit.in_words()).about(key.fit.about());
        proposal.is_required = key.required;
        let opens = key.fit.is_map() || key.fit.is_list();
        proposal.text =
            if opens && key.fit.sort().is_none() { format!("{}:", key.name) } else { format!("{}: ", key.name) };
        proposal
    })
    .collect()
}
