//! Diagnostics as an editor shows them.

use engine::diagnostic::{Diagnostic, Severity};
use gen_lsp_types as lsp;

use super::documents::Document;
use super::position::Lines;
use super::session::Abilities;

/// All that is wrong with a document.
pub fn published(document: &Document, problems: &[Diagnostic], abilities: Abilities) -> lsp::PublishDiagnosticsParams {
    let lines = Lines::of(&document.text, abilities.encoding);
    lsp::PublishDiagnosticsParams {
        uri: document.uri.clone(),
        version: Some(document.version),
        diagnostics: problems.iter().map(|problem| diagnostic(document, problem, &lines, abilities)).collect(),
    }
}

/// One diagnostic: the message as `check` says it, its remedy and its second place beside it.
pub fn diagnostic(
    document: &Document,
    problem: &Diagnostic,
    lines: &Lines<'_>,
    abilities: Abilities,
) -> lsp::Diagnostic {
    let mut message = match problem.label.as_str() {
        "" => problem.message.clone(),
        label => format!("{}: {label}", problem.message),
    };
    let at = |span: &std::ops::Range<usize>| lsp::Location { uri: document.uri.clone(), range: lines.range(span) };
    let second = problem.related.iter().map(|(place, what)| (at(&place.span), what.clone()));
    let help = problem.help.iter().map(|help| (at(&problem.place.span), format!("help: {help}")));
    let related: Vec<(lsp::Location, String)> = second.chain(help).collect();
    if !abilities.shows_related {
        related.iter().for_each(|(_, what)| message.push_str(&format!("\n{what}")));
    }
    let information = |(location, message)| lsp::DiagnosticRelatedInformation { location, message };
    let related: Vec<_> = related.into_iter().map(information).collect();
    lsp::Diagnostic {
        range: lines.range(&problem.place.span),
        severity: Some(match problem.severity {
            Severity::Error => lsp::DiagnosticSeverity::Error,
            Severity::Warning => lsp::DiagnosticSeverity::Warning,
        }),
        code: Some(lsp::Code::String(problem.code.to_owned())),
        code_description: None,
        source: Some("runwarden".to_owned()),
        message: lsp::Message::String(message),
        tags: None,
        related_information: Some(related).filter(|related| abilities.shows_related && !related.is_empty()),
        data: None,
    }
}
