//! Pages of the documentation on a terminal: headings and code stand out, nothing else is done to the text.

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
