//! Diagnostics as rustc shows them: code and message, the place, the line, a caret, and a remedy.

use console::measure_text_width;
use engine::diagnostic::{Diagnostic, Place, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::Paint;

/// A diagnostic in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The stable code: `explain CODE`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The file, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// A remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl From<&Diagnostic> for View {
    fn from(diagnostic: &Diagnostic) -> Self {
        let (line, column) = diagnostic.place.line_column();
        let message = match diagnostic.label.as_str() {
            "" => diagnostic.message.clone(),
            label => format!("{}: {label}", diagnostic.message),
        };
        Self {
            code: diagnostic.code.to_owned(),
            severity: diagnostic.severity,
            message,
            file: diagnostic.place.source.name.clone(),
            line,
            column,
            help: diagnostic.help.clone(),
        }
    }
}

/// One diagnostic for people, without a line break at its end.
pub fn render(diagnostic: &Diagnostic, paint: Paint) -> String {
    let head = match diagnostic.severity {
        Severity::Error => paint.red(&format!("error[{}]", diagnostic.code)),
        Severity::Warning => paint.yellow(&format!("warning[{}]", diagnostic.code)),
    };
    let mut lines = vec![format!("{head}: {}", diagnostic.message)];
    let margin = margin(diagnostic);
    snippet(&mut lines, &diagnostic.place, &diagnostic.label, margin, paint);
    if let Some((place, what)) = &diagnostic.related {
        lines.push(format!("{}: {what}", paint.bold("note")));
        snippet(&mut lines, place, "", margin, paint);
    }
    if let Some(help) = &diagnostic.help {
        lines.push(format!("{} {} help: {help}", " ".repeat(margin), paint.blue("=")));
    }
    lines.join("\n")
}

/// Room for the largest line number.
fn margin(diagnostic: &Diagnostic) -> usize {
    let related = diagnostic.related.iter().map(|(place, _)| place.line_column().0);
    let last = related.chain([diagnostic.place.line_column().0]).max().unwrap_or(1);
    last.to_string().len()
}

fn snippet(lines: &mut Vec<String>, place: &Place, label: &str, margin: usize, paint: Paint) {
    let (line, column) = place.line_column();
    let fill = " ".repeat(margin);
    lines.push(format!("{fill}{} {}:{line}:{column}", paint.blue("-->"), place.source.name));
    let Some(text) = place.source.text.lines().nth(line - 1) else { return };
    let text = text.trim_end_matches('\r');
    let bar = paint.blue("|");
    lines.push(format!("{fill} {bar}"));
    let start = text.char_indices().nth(column - 1).map_or(text.len(), |(at, _)| at);
    let length = place.span.len().min(text.len() - start);
    let (shown, before, carets) = window(text, start, length);
    let number = paint.blue(&format!("{line:>margin$}"));
    lines.push(format!("{number} {bar} {shown}").trim_end().to_owned());
    let carets =
        format!("{}{}", "^".repeat(carets.max(1)), if label.is_empty() { String::new() } else { format!(" {label}") });
    lines.push(format!("{fill} {bar} {}{}", " ".repeat(before), paint.red(&carets)));
}

/// The most of a line that is shown, in bytes.
const WIDEST: usize = 140;

/// The part of a line around a span, with the widths before and of the span.
fn window(text: &str, start: usize, length: usize) -> (String, usize, usize) {
    let plain = |part: &str| part.replace('\t', "    ");
    let end = (start..=start + length).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    let (from, to) = if text.len() <= WIDEST {
        (0, text.len())
    } else {
        let from = (0..=start.saturating_sub(40)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let to = (from..=(from + WIDEST).min(text.len())).rev().find(|at| text.is_char_boundary(*at));
        (from, to.unwrap_or(text.len()))
    };
    let end = end.min(to);
    let (left, right) = (if from > 0 { "…" } else { "" }, if to < text.len() { "…" } else { "" });
    let before = measure_text_width(&plain(&text[from..start])) + measure_text_width(left);
    let width = measure_text_width(&plain(&text[start..end.max(start)]));
    (format!("{left}{}{right}", plain(&text[from..to])), before, width)
}

/// All of them for people, with a blank line between.
pub fn render_all(diagnostics: &[Diagnostic], paint: Paint) -> String {
    diagnostics.iter().map(|diagnostic| render(diagnostic, paint)).collect::<Vec<_>>().join("\n\n")
}

/// How many errors and warnings, in words; nothing where there are none.
pub fn totals(diagnostics: &[Diagnostic]) -> Option<String> {
    let number = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    match (number(Severity::Error), number(Severity::Warning)) {
        (0, 0) => None,
        (errors, 0) => Some(super::count(errors, "error")),
        (0, warnings) => Some(super::count(warnings, "warning")),
        (errors, warnings) => {
            Some(format!("{} and {}", super::count(errors, "error"), super::count(warnings, "warning")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::diagnostic::{Diagnostic, Place, Source};

    use super::super::Paint;
    use super::{render, window};

    fn place(text: &str, found: &str) -> Place {
        let source = Arc::new(Source { name: "deploy.yaml".to_owned(), text: text.to_owned() });
        let start = text.find(found).unwrap_or_default();
        Place { source, span: start..start + found.len() }
    }

    #[test]
    fn a_diagnostic_looks_like_the_compilers() {
        let text = "name: a\nsteps:\n  - id: x\n    action: shel\n";
        let shown = render(
            &Diagnostic::error("unknown-action", place(text, "shel"), "action `shel` does not exist")
                .label("not registered")
                .help("did you mean `shell`?")
                .related(place(text, "x"), "of this step"),
            Paint(false),
        );
        let expected = "\
error[unknown-action]: action `shel` does not exist
 --> deploy.yaml:4:13
  |
4 |     action: shel
  |             ^^^^ not registered
note: of this step
 --> deploy.yaml:3:9
  |
3 |   - id: x
  |         ^
  = help: did you mean `shell`?";
        assert_eq!(shown, expected);
    }

    #[test]
    fn carets_stand_under_wide_characters_and_tabs() {
        let text = "\tä漢: bad\n";
        let shown = render(&Diagnostic::error("syntax", place(text, "bad"), "no"), Paint(false));
        assert!(shown.ends_with("1 |     ä漢: bad\n  |          ^^^"), "{shown}");
    }

    #[test]
    fn a_place_at_the_end_of_an_empty_file_is_shown() {
        let shown = render(&Diagnostic::error("empty-document", place("", ""), "nothing"), Paint(false));
        assert_eq!(shown, "error[empty-document]: nothing\n --> deploy.yaml:1:1");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}bad{}", "ä".repeat(300), "y".repeat(300));
        let (shown, before, width) = window(&text, 600, 3);
        assert_eq!(shown.chars().skip(before).take(width).collect::<String>(), "bad");
        assert!(shown.chars().count() < 145, "{shown}");
    }
}
