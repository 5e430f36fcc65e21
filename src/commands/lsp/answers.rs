//! What an editor asks of a document, answered by the engine and told as the protocol tells it.

use std::collections::HashMap;
use std::path::Path;

use engine::action::Registry;
use engine::assist::complete::{Proposal, Sort, proposals};
use engine::assist::define::definition;
use engine::assist::hover::words;
use engine::assist::outline::{Part, Sort as PartSort, parts};
use engine::assist::references::Sort as Reference;
use engine::assist::remedy::remedy;
use engine::assist::{Spot, World};
use engine::diagnostic::Diagnostic;
use engine::library::Origin;
use engine::parse::problems;
use gen_lsp_types as lsp;
use serde_json::Value;

use super::diagnosing;
use super::documents::{Document, Documents};
use super::position::Lines;
use super::session::{Abilities, Refused, params, value};
use super::surroundings::Surroundings;
use super::uri;
use crate::files::absolute;
use crate::shipped;

/// A document with all that is needed to answer for it.
pub struct Desk<'a> {
    pub document: &'a Document,
    pub around: &'a Surroundings,
    pub documents: &'a Documents,
    pub registry: &'a Registry,
    pub abilities: Abilities,
}

impl<'a> Desk<'a> {
    fn lines(&self) -> Lines<'a> {
        Lines::of(&self.document.text, self.abilities.encoding)
    }

    fn spot(&self, position: lsp::Position) -> Spot<'a> {
        let at = self.lines().byte(position);
        Spot { text: &self.document.text, at, kind: self.document.kind() }
    }

    fn world(&self) -> World<'a> {
        self.around.world(self.registry)
    }

    /// Where the editor is, in a document that is ours.
    fn asked(&self, about: Value) -> Result<Option<Spot<'a>>, Refused> {
        let about: lsp::TextDocumentPositionParams = params(about)?;
        Ok(self.around.is_ours(self.document).then(|| self.spot(about.position)))
    }

    /// What may stand there.
    pub fn completion(&self, about: Value) -> Result<Value, Refused> {
        let Some(spot) = self.asked(about)? else { return Ok(Value::Null) };
        let lines = self.lines();
        let found = proposals(&spot, &self.world());
        let items = found.iter().enumerate().map(|(order, proposal)| self.item(proposal, order, &lines)).collect();
        value(&lsp::CompletionList { is_incomplete: false, item_defaults: None, apply_kind: None, items })
    }

    fn item(&self, proposal: &Proposal, order: usize, lines: &Lines<'_>) -> lsp::CompletionItem {
        let edit = lsp::TextEdit { range: lines.range(&proposal.span), new_text: proposal.text.clone() };
        // What the document lacks comes first, then all in the order of the language.
        let rank = if proposal.is_required { 0 } else { 1 };
        lsp::CompletionItem {
            label: proposal.label.clone(),
            kind: Some(item_kind(proposal.sort)),
            detail: proposal.detail.clone(),
            documentation: proposal.about.as_ref().map(|about| lsp::Documentation::MarkupContent(self.markup(about))),
            sort_text: Some(format!("{rank}{order:05}")),
            filter_text: Some(proposal.label.clone()),
            text_edit: Some(lsp::CompletionItemTextEdit::TextEdit(edit)),
            ..lsp::CompletionItem::default()
        }
    }

    fn markup(&self, text: &str) -> lsp::MarkupContent {
        let kind = if self.abilities.shows_markdown { lsp::MarkupKind::Markdown } else { lsp::MarkupKind::PlainText };
        lsp::MarkupContent { kind, value: text.to_owned() }
    }

    /// What is said of what stands there: the diagnostics, then the thing itself.
    pub fn hover(&self, about: Value) -> Result<Value, Refused> {
        let Some(spot) = self.asked(about)? else { return Ok(Value::Null) };
        let problems = self.around.check(self.document, self.registry);
        let here = problems.iter().filter(|problem| covers(problem, spot.at));
        let found = words(&spot, &self.world());
        let range = found.as_ref().map(|found| self.lines().range(&found.span));
        let said: Vec<String> = here.map(explained).chain(found.map(|found| found.text)).collect();
        if said.is_empty() {
            return Ok(Value::Null);
        }
        let contents = lsp::Contents::MarkupContent(self.markup(&said.join("\n\n---\n\n")));
        value(&lsp::Hover { contents, range })
    }

    /// Where what stands there is declared.
    pub fn definition(&self, about: Value) -> Result<Value, Refused> {
        let Some(spot) = self.asked(about)? else { return Ok(Value::Null) };
        let Some(found) = definition(&spot, &self.world()) else { return Ok(Value::Null) };
        let Some(name) = &found.document else {
            let range = self.lines().range(&found.span);
            return value(&lsp::Location { uri: self.document.uri.clone(), range });
        };
        // What is built in has no file that could be shown.
        let Some(Origin::File(path)) = self.around.library().origin(name) else { return Ok(Value::Null) };
        let Ok(source) = self.around.library().source(name) else { return Ok(Value::Null) };
        let path = absolute(Path::new(path));
        let uri = self.documents.at(&path).map_or_else(|| uri::of(&path), |open| open.uri.clone());
        let range = Lines::of(&source.text, self.abilities.encoding).range(&found.span);
        value(&lsp::Location { uri, range })
    }

    /// What the document is made of.
    pub fn symbols(&self, about: Value) -> Result<Value, Refused> {
        let _: lsp::DocumentSymbolParams = params(about)?;
        if !self.around.is_ours(self.document) {
            return Ok(Value::Null);
        }
        let lines = self.lines();
        let parts = parts(&self.document.text, self.document.kind());
        value(&parts.into_iter().map(|part| symbol(part, &lines)).collect::<Vec<_>>())
    }

    /// What puts right what was mistyped there.
    pub fn remedies(&self, about: Value) -> Result<Value, Refused> {
        let about: lsp::CodeActionParams = params(about)?;
        let wanted = about.context.only.as_ref().is_none_or(|only| only.iter().any(is_quick_fix));
        if !wanted {
            return value(&Vec::<lsp::CodeAction>::new());
        }
        let lines = self.lines();
        let range = lines.bytes(about.range);
        let problems = self.around.check(self.document, self.registry);
        let near = problems.iter().filter(|problem| {
            let span = &problem.place.span;
            span.start <= range.end && range.start <= span.end
        });
        let actions: Vec<lsp::CodeAction> = near.filter_map(|problem| self.action(problem, &lines)).collect();
        value(&actions)
    }

    fn action(&self, problem: &Diagnostic, lines: &Lines<'_>) -> Option<lsp::CodeAction> {
        let remedy = remedy(problem)?;
        let edit = lsp::TextEdit { range: lines.range(&remedy.span), new_text: remedy.text.clone() };
        let changes = HashMap::from([(self.document.uri.clone(), vec![edit])]);
        Some(lsp::CodeAction {
            title: format!("Change to `{}`", remedy.text),
            kind: Some(lsp::CodeActionKind::QuickFix),
            diagnostics: Some(vec![diagnosing::diagnostic(self.document, problem, lines, self.abilities)]),
            is_preferred: Some(true),
            edit: Some(lsp::WorkspaceEdit { changes: Some(changes), ..lsp::WorkspaceEdit::default() }),
            ..lsp::CodeAction::default()
        })
    }
}

fn covers(problem: &Diagnostic, at: usize) -> bool {
    (problem.place.span.start..=problem.place.span.end).contains(&at)
}

/// A diagnostic with what its page says first.
fn explained(problem: &Diagnostic) -> String {
    let meaning = problems::CODES.iter().find(|(code, _)| *code == problem.code).map(|(_, meaning)| *meaning);
    let page = shipped::diagnostic_page(problem.code).and_then(|page| page.split("## What it means\n").nth(1));
    let page = page.and_then(|page| page.trim_start().split("\n## ").next()).map(str::trim);
    let said = page.or(meaning).unwrap_or_default();
    let help = problem.help.as_ref().map_or_else(String::new, |help| format!("\n\nhelp: {help}"));
    format!("**{}**: {}{help}\n\n{said}", problem.code, problem.message)
}

fn is_quick_fix(kind: &lsp::CodeActionKind) -> bool {
    matches!(kind, lsp::CodeActionKind::QuickFix | lsp::CodeActionKind::Empty)
}

fn item_kind(sort: Sort) -> lsp::CompletionItemKind {
    match sort {
        Sort::Key => lsp::CompletionItemKind::Property,
        Sort::Word => lsp::CompletionItemKind::EnumMember,
        Sort::Action | Sort::Function | Sort::Filter => lsp::CompletionItemKind::Function,
        Sort::Procedure => lsp::CompletionItemKind::Module,
        Sort::Role => lsp::CompletionItemKind::Value,
        Sort::Name(Reference::Root) => lsp::CompletionItemKind::Keyword,
        Sort::Name(Reference::Step) => lsp::CompletionItemKind::Reference,
        Sort::Name(Reference::Member) => lsp::CompletionItemKind::Field,
        Sort::Name(Reference::Target | Reference::Secret) => lsp::CompletionItemKind::Constant,
        Sort::Name(Reference::Variable) => lsp::CompletionItemKind::Variable,
    }
}

fn symbol(part: Part, lines: &Lines<'_>) -> lsp::DocumentSymbol {
    let kind = match part.sort {
        PartSort::Section => lsp::SymbolKind::Namespace,
        PartSort::Step => lsp::SymbolKind::Function,
        PartSort::Check => lsp::SymbolKind::Boolean,
        PartSort::Name => lsp::SymbolKind::Variable,
        PartSort::Case => lsp::SymbolKind::Event,
    };
    let (range, head) = (lines.range(&part.span), lines.range(&part.head));
    let children: Vec<lsp::DocumentSymbol> = part.parts.into_iter().map(|part| symbol(part, lines)).collect();
    lsp::DocumentSymbol::new(part.name, part.detail, kind, None, None, range, head, Some(children))
}
