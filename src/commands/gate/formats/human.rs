//! A gate's result for people.

use engine::event::gate::{GateCounts, ItemStatus};

use super::super::report::{Checklist, Item, Report, Status};
use crate::files::shown;
use crate::ui::{Paint, count};

pub fn render(report: &Report, paint: Paint) -> String {
    report.checklists.iter().map(|checklist| of_one(checklist, paint)).collect::<Vec<_>>().join("\n\n")
}

fn of_one(checklist: &Checklist, paint: Paint) -> String {
    let mut lines = vec![format!("{}: {}", paint.bold(checklist.name.as_str()), checklist.title)];
    let mut group: Option<&str> = None;
    for item in &checklist.items {
        if item.group.as_deref() != group {
            group = item.group.as_deref();
            lines.push(format!("  {}", paint.bold(group.unwrap_or("other items"))));
        }
        lines.extend(of_item(item, paint));
    }
    lines.push(verdict(checklist, paint));
    if let Some(run) = &checklist.run {
        lines.push(format!("record  runwarden runs show {run}"));
    }
    if let Some((size, path)) = &checklist.checkpoint {
        lines.push(format!("signed  {} ({size} entries)", shown(path)));
    }
    lines.join("\n")
}

fn of_item(item: &Item, paint: Paint) -> Vec<String> {
    let word = format!("{:<11}", item.status.as_str());
    let word = match item.status {
        ItemStatus::Passed => paint.green(&word),
        ItemStatus::Skipped => paint.dim(&word),
        ItemStatus::Failed | ItemStatus::Undecidable if item.required => paint.red(&word),
        ItemStatus::Failed | ItemStatus::Undecidable | ItemStatus::Waived => paint.yellow(&word),
    };
    let title = item.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
    let advisory = if item.required { "" } else { " (advisory)" };
    let mut lines = vec![format!("    {word}  {}{title}{advisory}", item.id)];
    let mut below = |text: &str| lines.extend(text.trim().lines().map(|line| format!("{:17}{line}", "")));
    item.detail.iter().filter(|_| item.status != ItemStatus::Passed).for_each(|detail| below(detail));
    item.help.iter().for_each(|help| below(&format!("help: {help}")));
    lines
}

fn verdict(checklist: &Checklist, paint: Paint) -> String {
    let counts = numbers(checklist.counts());
    match (checklist.status(), &checklist.error) {
        (Status::Passed, _) => format!("{}: {counts}", paint.green("gate open")),
        (_, Some(error)) => format!("{}: {}\n{counts}", paint.red("gate shut"), error.message),
        (_, None) => format!("{}: {counts}", paint.red("gate shut")),
    }
}

/// Items in words: `3 items: 2 passed, 1 failed`.
pub fn numbers(counts: GateCounts) -> String {
    let GateCounts { passed, failed, undecidable, skipped, waived } = counts;
    let all = passed + failed + undecidable + skipped + waived;
    let words = [
        (passed, ItemStatus::Passed),
        (failed, ItemStatus::Failed),
        (undecidable, ItemStatus::Undecidable),
        (skipped, ItemStatus::Skipped),
        (waived, ItemStatus::Waived),
    ];
    let words: Vec<String> =
        words.iter().filter(|(n, _)| *n > 0).map(|(n, status)| format!("{n} {}", status.as_str())).collect();
    let items = count(usize::try_from(all).unwrap_or(usize::MAX), "item");
    if words.is_empty() { items } else { format!("{items}: {}", words.join(", ")) }
}
