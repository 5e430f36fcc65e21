//! Markdown: pages on a terminal, where headings and code stand out, and foreign text in pages of our own.

use super::Paint;

/// A page for people.
pub fn render(page: &str, paint: Paint) -> String {
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in page.trim_end().lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        lines.push(match line.trim_start_matches('#') {
            _ if in_code => format!("    {line}"),
            heading if heading.len() < line.len() => paint.bold(heading.trim_start()),
            _ => line.to_owned(),
        });
    }
    lines.join("\n")
}

/// Text that is nothing but text in a page, in one line: no markup of its own, fit for a table.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let text = text.trim();
    // What makes a list, a rule or a heading of a line.
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, text) = text.split_at(digits);
    safe.push_str(number);
    let counts =
        digits > 0 && text.strip_prefix(['.', ')']).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    if text.starts_with(['-', '+', '=']) || counts {
        safe.push('\\');
    }
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\n' => safe.push_str("<br>"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

/// Code within a line. In a table it must have no pipe.
pub fn code(text: &str) -> String {
    let text = text.trim().replace('\n', " ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}
