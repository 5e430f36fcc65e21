//! A gate's result as a page in Markdown: for a step's summary, a comment, a change record.

use engine::event::gate::ItemStatus;

use super::super::report::{Checklist, Item, Report, Status};
use super::human::numbers;
use crate::ui::markdown::escaped;

pub fn render(report: &Report) -> String {
    report.checklists.iter().map(of_one).collect::<Vec<_>>().join("\n")
}

fn of_one(checklist: &Checklist) -> String {
    let word = if checklist.status() == Status::Passed { "open" } else { "shut" };
    let mut page = format!("## {}: gate {word}\n\n{}\n\n", escaped(checklist.name.as_str()), escaped(&checklist.title));
    if let (true, Some(error)) = (checklist.status() != Status::Passed, &checklist.error) {
        page.push_str(&format!("**{}**\n\n", escaped(&error.message)));
    }
    let mut group = None;
    for (at, item) in checklist.items.iter().enumerate() {
        if at == 0 || item.group != group {
            group.clone_from(&item.group);
            let break_before = if at == 0 { "" } else { "\n" };
            let heading = group.as_ref().map(|group| format!("### {}\n\n", escaped(group))).unwrap_or_default();
            page.push_str(&format!("{break_before}{heading}| Status | Item | Why |\n|---|---|---|\n"));
        }
        page.push_str(&row(item));
    }
    page.push_str(&format!("\n{}\n", numbers(checklist.counts())));
    page.push_str(&format!("\n- version {}\n- plan `{}`\n", escaped(&checklist.version), checklist.plan));
    if let Some(run) = &checklist.run {
        page.push_str(&format!("- run `{run}`\n"));
    }
    crate::ui::plain(&page).into_owned()
}

fn row(item: &Item) -> String {
    let status = match item.status {
        ItemStatus::Failed | ItemStatus::Undecidable if item.required => format!("**{}**", item.status.as_str()),
        status => status.as_str().to_owned(),
    };
    let advisory = if item.required { "" } else { " (advisory)" };
    let title = item.title.as_ref().map(|title| format!(": {}", escaped(title))).unwrap_or_default();
    let why = [&item.detail, &item.help].into_iter().flatten().filter(|_| item.status != ItemStatus::Passed);
    let why = why.map(|text| escaped(text.trim())).collect::<Vec<_>>().join("<br>");
    format!("| {status}{advisory} | `{}`{title} | {why} |\n", item.id)
}
