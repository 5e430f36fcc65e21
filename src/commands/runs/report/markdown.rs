//! A report as Markdown. Text of others is text there: no markup of it counts.

use super::cells::{Block, Cell, Page, Pair, Part, Shape};
use crate::ui::markdown::{code, escaped};
use crate::ui::plain;

/// The page.
pub fn render(page: &Page) -> String {
    let mut parts = vec![
        format!("# {}", escaped(&page.title)),
        format!("Run {} of {}: {}. {}", code(&page.run), code(&page.name), part(&page.word), escaped(&page.meaning)),
    ];
    parts.extend(page.alarms.iter().map(|alarm| format!("> **{}**", escaped(alarm))));
    parts.push(pairs(&page.facts));
    for section in &page.sections {
        parts.push(format!("## {}", section.title));
        parts.extend(section.blocks.iter().map(|it| block(it, 3)));
    }
    parts.push(format!("---\n\n{}", escaped(&page.foot)));
    let text = parts.join("\n\n");
    format!("{}\n", plain(&text))
}

fn block(block: &Block, level: usize) -> String {
    let mark = "#".repeat(level);
    match block {
        Block::Text { cell: text } => cell(text),
        Block::Heading { text } => format!("{mark} {}", escaped(text)),
        Block::Pairs { rows } => pairs(rows),
        Block::Table { name, head, rows } => {
            let row = |cells: &Vec<Cell>| format!("| {} |", cells.iter().map(cell).collect::<Vec<_>>().join(" | "));
            let rows: Vec<String> = rows.iter().map(row).collect();
            let line = "|---".repeat(head.len());
            let name = if name.is_empty() { String::new() } else { format!("**{}**\n\n", escaped(name)) };
            format!("{name}| {} |\n{line}|\n{}", head.join(" | "), rows.join("\n"))
        }
        Block::Exact { name, text } => {
            let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            format!("{}:\n\n{fence}text\n{}\n{fence}", escaped(name), text.trim_end())
        }
        Block::Step { number, path, title, word, blocks } => {
            let title = title.as_ref().map(|title| format!(" {}", escaped(title))).unwrap_or_default();
            let mut parts = vec![format!("{mark} {number}. {}{title}: {}", code(path), part(word))];
            parts.extend(blocks.iter().map(|it| self::block(it, level + 1)));
            parts.join("\n\n")
        }
    }
}

fn pairs(rows: &[Pair]) -> String {
    let rows: Vec<String> =
        rows.iter().map(|row| format!("| {} | {} |", escaped(&row.name), cell(&row.cell))).collect();
    format!("| | |\n|---|---|\n{}", rows.join("\n"))
}

fn cell(cell: &Cell) -> String {
    cell.parts.iter().map(part).collect()
}

fn part(part: &Part) -> String {
    match part.form {
        Shape::Text => spaces_kept(&part.text),
        // A pipe would end the cell, also within code; an empty one is no code.
        Shape::Code if part.text.contains('|') || part.text.trim().is_empty() => escaped(&part.text),
        Shape::Code => code(&part.text),
        Shape::Word => format!("**{}**", escaped(&part.text)),
        Shape::Time => part.text.clone(),
        Shape::Break => "<br>".to_owned(),
    }
}

/// Escaped, with the spaces around it that keep it apart from its neighbours.
fn spaces_kept(text: &str) -> String {
    let before = if text.starts_with(' ') { " " } else { "" };
    let after = if text.len() > 1 && text.ends_with(' ') { " " } else { "" };
    format!("{before}{}{after}", escaped(text))
}
