//! A gate's result as TAP 14. An advisory item that is not met is a `todo` point, which fails no harness.

use std::fmt::Write as _;

use engine::event::gate::ItemStatus;

use super::super::report::{Checklist, Item, Report};

pub fn render(report: &Report) -> String {
    let mut points = Vec::new();
    for checklist in &report.checklists {
        points.extend(checklist.items.iter().map(|item| of_item(report, checklist, item)));
        if let Some(error) = checklist.shut_otherwise() {
            let yaml = block(&[("message", &error.message), ("code", &error.code)]);
            points.push(Point { ok: false, text: escaped(&format!("{}: the gate", checklist.name)), yaml });
        }
    }
    let mut text = format!("TAP version 14\n1..{}\n", points.len());
    for (at, point) in points.iter().enumerate() {
        let word = if point.ok { "ok" } else { "not ok" };
        // A string takes all that is written to it.
        let _ = writeln!(text, "{word} {} - {}", at + 1, point.text);
        text.push_str(&point.yaml);
    }
    text
}

struct Point {
    ok: bool,
    text: String,
    yaml: String,
}

fn of_item(report: &Report, checklist: &Checklist, item: &Item) -> Point {
    let place = if report.several { format!("{}/", checklist.name) } else { String::new() };
    let title = item.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
    let mut text = escaped(&format!("{place}{}{title}", item.id));
    let detail = item.detail.as_deref().unwrap_or_default();
    match item.status {
        ItemStatus::Skipped => text.push_str(&format!(" # SKIP {}", escaped(detail))),
        ItemStatus::Failed | ItemStatus::Undecidable if !item.required => {
            text.push_str(concat!(" # TO", "DO advisory"))
        }
        _ => {}
    }
    let yaml = match item.status {
        ItemStatus::Passed | ItemStatus::Skipped => String::new(),
        ItemStatus::Waived => block(&[("waived", detail)]),
        ItemStatus::Failed | ItemStatus::Undecidable => {
            let mut members = vec![("message", detail), ("status", item.status.as_str())];
            members.extend(item.help.as_ref().map(|help| ("help", help.as_str())));
            block(&members)
        }
    };
    Point { ok: !item.status.shuts(), text, yaml }
}

/// A block of YAML; JSON strings are YAML.
fn block(members: &[(&str, &str)]) -> String {
    let line = |(key, value): &(&str, &str)| format!("  {key}: {}\n", serde_json::Value::from(*value));
    format!("  ---\n{}  ...\n", members.iter().map(line).collect::<String>())
}

/// Text in one line, in which nothing begins a directive.
fn escaped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::ui::plain(&line.replace('\\', "\\\\").replace('#', "\\#")).into_owned()
}
