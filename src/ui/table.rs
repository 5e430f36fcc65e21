//! Columns for people.

use console::measure_text_width;

use super::Paint;

/// How many columns a text takes.
fn width_of(text: &str) -> usize {
    // Most texts are of these characters alone, and each of them takes one.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain { text.len() } else { measure_text_width(text) }
}

/// Rows under headings, as wide as needed; the last column is not filled up.
pub fn table(paint: Paint, headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
        cells.chain(headings.get(column).copied()).map(width_of).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            line.push_str(cell);
            let fill = widths.get(column).map_or(0, |width| width.saturating_sub(width_of(cell)));
            line.push_str(&" ".repeat(fill + 2));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![paint.dim(&line(headings))];
    lines.extend(rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>())));
    lines.join("\n")
}

/// Names and what they stand for, in two columns, each line begun with `indent`.
pub fn pairs(indent: &str, rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| width_of(name)).max().unwrap_or(0);
    let line = |(name, value): &(String, String)| {
        let fill = " ".repeat(width.saturating_sub(width_of(name)) + 2);
        format!("{indent}{name}{fill}{value}").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
