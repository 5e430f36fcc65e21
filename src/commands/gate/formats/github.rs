//! A gate's result as workflow commands of GitHub: an annotation for each item that is not met, and one line for the
//! gate. The page for the step's summary is the Markdown one.

use engine::event::gate::ItemStatus;

use super::super::report::{Checklist, Item, Report, Status};
use super::human::numbers;

pub fn render(report: &Report) -> String {
    let mut lines = Vec::new();
    for checklist in &report.checklists {
        let told = |item: &&Item| item.status.shuts() || item.status == ItemStatus::Waived;
        lines.extend(checklist.items.iter().filter(told).map(|item| annotation(checklist, item)));
        lines.push(of_gate(checklist));
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

fn annotation(checklist: &Checklist, item: &Item) -> String {
    let level = match item.status {
        ItemStatus::Waived => "notice",
        _ if item.required => "error",
        _ => "warning",
    };
    let mut message = format!("{}: {}", item.words(), item.detail.as_deref().unwrap_or("it is not met"));
    if let Some(help) = &item.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let title = format!("{}/{} {}", checklist.name, item.id, item.status.as_str());
    command(level, checklist.file.as_deref(), item.line, &title, &message)
}

fn of_gate(checklist: &Checklist) -> String {
    let counts = numbers(checklist.counts());
    match (checklist.status(), &checklist.error) {
        (Status::Passed, _) => command("notice", None, None, &format!("{}: gate open", checklist.name), &counts),
        (_, error) => {
            let why = error.as_ref().map_or(counts.as_str(), |error| error.message.as_str());
            let file = checklist.file.as_deref();
            command("error", file, file.map(|_| 1), &format!("{}: gate shut", checklist.name), why)
        }
    }
}

fn command(level: &str, file: Option<&str>, line: Option<usize>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(file) = file {
        properties.push(format!("file={}", property(file)));
        properties.extend(line.map(|line| format!("line={line}")));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}", properties.join(","), data(message))
}

/// Text of a command: what would end it is escaped as GitHub's own toolkit does.
fn data(text: &str) -> String {
    crate::ui::plain(&text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")).into_owned()
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
