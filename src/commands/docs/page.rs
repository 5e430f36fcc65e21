//! A procedure as a page in Markdown. The text of the author is text there: no markup of it counts.

use engine::plan::steps::action_name;
use engine::procedure::check::{Check, Question, Severity};
use engine::procedure::guard::Guard;
use engine::procedure::step::{Body, OnError, OnFailure, Step, Undo};
use engine::procedure::{ActorClass, Procedure, Requires, Work};

use super::super::{list, show};
use crate::ui::flow::Flow;
use crate::ui::markdown::{code, escaped};

/// The page.
pub fn render(procedure: &Procedure) -> String {
    let mut page = Page(Vec::new());
    page.put(format!("# {}", escaped(&procedure.title)));
    page.put(head(procedure));
    page.put(paragraphs(&procedure.summary));
    page.section("When", &when(procedure));
    page.section("Parameters", &parameters(procedure));
    page.section("Targets and secrets", &bound(procedure));
    page.section("Preconditions", &checks(&procedure.preconditions));
    match &procedure.work {
        Work::Steps(work) => {
            page.section("Steps", &steps(&work.steps, "1.", 0));
            page.section("Verify", &checks(&work.verify));
            page.section("At the end, whatever happened", &steps(&work.finally, "-", 0));
        }
        Work::Items(items) => page.section("Items", &grouped(items)),
    }
    page.section("Do not", &procedure.do_not.iter().map(guard).collect::<Vec<_>>());
    let mode = |mode: &engine::procedure::FailureMode| {
        format!(
            "- **{}** ({})  \n  {}",
            escaped(&mode.title),
            code(mode.when.source()),
            text(mode.advice.source(), "  ")
        )
    };
    page.section("Failure modes", &procedure.failure_modes.iter().map(mode).collect::<Vec<_>>());
    let outputs = procedure.outputs.keys().map(|id| format!("- {}", code(id.as_str())));
    page.section("Outputs", &outputs.collect::<Vec<_>>());
    page.section("Flow", &[format!("```mermaid\n{}\n```", Flow::of(procedure).mermaid())]);
    let page = page.0.join("\n\n");
    format!("{}\n", crate::ui::plain(&page))
}

struct Page(Vec<String>);

impl Page {
    fn put(&mut self, part: String) {
        if !part.is_empty() {
            self.0.push(part);
        }
    }

    fn section(&mut self, heading: &str, lines: &[String]) {
        if !lines.is_empty() {
            self.put(format!("## {heading}"));
            self.put(lines.join("\n").trim_end().to_owned());
        }
    }
}

fn head(procedure: &Procedure) -> String {
    let mut rows = vec![
        ("Name", code(procedure.name.as_str())),
        ("Kind", procedure.kind().to_owned()),
        ("Version", escaped(&procedure.version)),
        ("Owner", escaped(&procedure.owner)),
    ];
    if let Work::Steps(work) = &procedure.work {
        rows.push(("Risk", list::risk_word(work.risk).to_owned()));
    }
    if procedure.draft {
        rows.push(("Draft", "yes: nobody has reviewed it, and it is not run".to_owned()));
    }
    if let Some(source) = &procedure.source {
        rows.push(("Source", format!("{}, section {}", escaped(&source.document), escaped(&source.section))));
    }
    let rows: String = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
    format!("| | |\n|---|---|\n{}", rows.trim_end())
}

/// What must be given before it starts, and what it is run with.
fn when(procedure: &Procedure) -> Vec<String> {
    let Requires { actor, roles, approvals, locks, limits } = &procedure.requires;
    let mut lines = Vec::new();
    let listed = |ids: &[engine::id::Id]| ids.iter().map(|id| code(id.as_str())).collect::<Vec<_>>().join(", ");
    lines.extend(actor.map(|class| format!("- It is run by an {}.", actor_word(class))));
    if !roles.is_empty() {
        lines.push(format!("- Who runs it has the role {}.", listed(roles)));
    }
    if let Some(approvals) = approvals {
        let environments: Vec<&str> = approvals.environments.iter().map(|environment| environment.as_str()).collect();
        let within = if environments.is_empty() { String::new() } else { format!(" in {}", environments.join(", ")) };
        lines.push(format!("- {} of {} approve it{within}.", approvals.quorum, listed(&approvals.from)));
    }
    lines.extend(locks.iter().map(|lock| format!("- It holds the lock {}.", code(lock.source()))));
    for limit in limits {
        lines.push(format!("- It runs at most {} times in {}.", limit.at_most, code(limit.per.source())));
    }
    if matches!(&procedure.work, Work::Steps(work) if work.on_failure == OnFailure::Undo) {
        lines.push("- Where it fails, what was done is taken back.".to_owned());
    }
    let begin = if procedure.kind() == "checklist" { "gate" } else { "run" };
    let given = procedure.parameters.iter().filter(|(_, parameter)| parameter.default.is_none());
    let given: String = given.map(|(id, _)| format!(" -p {id}=…")).collect();
    lines.push(format!("- It begins with {}.", code(&format!("runwarden {begin} {}{given}", procedure.name))));
    lines
}

fn actor_word(class: ActorClass) -> &'static str {
    match class {
        ActorClass::Operator => "operator",
        ActorClass::Automation => "automation",
        ActorClass::Auditor => "auditor",
    }
}

fn parameters(procedure: &Procedure) -> Vec<String> {
    let row = |(id, parameter): (&engine::id::Id, &engine::procedure::parameter::Parameter)| {
        format!("| {} | {} |", code(id.as_str()), escaped(&show::parameter(parameter)))
    };
    table("| Name | What it takes |\n|---|---|", procedure.parameters.iter().map(row).collect())
}

fn bound(procedure: &Procedure) -> Vec<String> {
    let described = |text: &Option<String>| text.as_deref().map(escaped).unwrap_or_default();
    let target = |(id, slot): (&engine::id::Id, &engine::procedure::TargetSlot)| {
        format!("| {} | {} | {} |", code(id.as_str()), code(slot.kind.as_str()), described(&slot.description))
    };
    let secret = |(id, slot): (&engine::id::Id, &engine::procedure::SecretSlot)| {
        format!("| {} | secret | {} |", code(id.as_str()), described(&slot.description))
    };
    let rows = procedure.targets.iter().map(target).chain(procedure.secrets.iter().map(secret)).collect();
    table("| Name | Kind | What it is |\n|---|---|---|", rows)
}

fn table(head: &str, rows: Vec<String>) -> Vec<String> {
    if rows.is_empty() { rows } else { std::iter::once(head.to_owned()).chain(rows).collect() }
}

fn checks(checks: &[Check]) -> Vec<String> {
    checks.iter().map(|check| one_check(check, "")).collect()
}

/// The items of a checklist under their headings.
fn grouped(items: &[Check]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut group = None;
    for item in items {
        if item.group != group {
            group.clone_from(&item.group);
            lines.push(format!("\n### {}\n", escaped(group.as_deref().unwrap_or("Other items"))));
        }
        lines.push(one_check(item, ""));
    }
    lines
}

fn one_check(check: &Check, indent: &str) -> String {
    let asked = match &check.question {
        Question::Expect { read: Some(act), expect } => {
            format!("{} gives {}", code(act.action.as_str()), code(expect.source()))
        }
        Question::Expect { read: None, expect } => code(expect.source()),
        Question::Manual { ask, expect, .. } => {
            format!("a person answers: {}; then {}", text(ask.source(), indent), code(expect.source()))
        }
    };
    let title = check.title.as_deref().map(|title| format!("{}: ", escaped(title))).unwrap_or_default();
    let mut words = format!("{indent}- {} {title}{asked}", code(check.id.as_str()));
    if check.severity == Severity::Advisory {
        words.push_str(" (advisory)");
    }
    if let Some(when) = &check.when {
        words.push_str(&format!(", when {}", code(when.source())));
    }
    if let Some(wait) = &check.wait {
        words.push_str(&format!(", for up to {}", code(wait.timeout.source())));
    }
    if let Some(help) = &check.help {
        words.push_str(&format!("  \n{indent}  Else: {}", text(help.source(), indent)));
    }
    words
}

fn guard(guard: &Guard) -> String {
    let waivable = if guard.waivable.is_some() { "; a signed waiver lifts it" } else { "" };
    let rule = text(guard.rule.source(), "");
    format!("- {} {rule}  \n  {}{waivable}", code(guard.id.as_str()), code(&show::form(guard)))
}

fn steps(steps: &[Step], mark: &str, depth: usize) -> Vec<String> {
    let indent = "   ".repeat(depth);
    steps.iter().map(|it| step(it, &format!("{indent}{mark}"), &format!("{indent}   "), depth)).collect()
}

fn step(step: &Step, mark: &str, below: &str, depth: usize) -> String {
    let title = step.title.as_deref().map(|title| format!(": {}", escaped(title))).unwrap_or_default();
    let mut lines = vec![format!("{mark} {}{title}", code(step.id.as_str()))];
    let mut words = vec![code(&action_name(&step.body))];
    words.extend(step.when.as_ref().map(|when| format!("when {}", code(when.source()))));
    words.extend(step.for_each.as_ref().map(|each| format!("for each of {}", code(each.items.source()))));
    words.extend(step.repeat.as_ref().map(|repeat| format!("until {}", code(repeat.until.source()))));
    words.extend(step.retry.as_ref().map(|retry| format!("tried up to {} times", code(retry.attempts.source()))));
    if step.on_error == OnError::Continue {
        words.push("the run goes on if it fails, and fails all the same".to_owned());
    }
    lines.push(format!("\n{below}{}", words.join(", ")));
    lines.extend(step.why.iter().map(|why| format!("\n{below}{}", text(why.source(), below))));
    match &step.body {
        Body::Manual(manual) => lines.push(format!("\n{below}{}", text(manual.ask.source(), below))),
        Body::Parallel(lanes) => lines.push(format!("\n{}", steps(lanes, "-", depth + 1).join("\n"))),
        Body::Action(_) | Body::Call { .. } | Body::Wait(_) => {}
    }
    for (heading, list) in [("Before it", &step.preconditions), ("After it", &step.verify)] {
        if !list.is_empty() {
            let checks: Vec<String> = list.iter().map(|check| one_check(check, below)).collect();
            lines.push(format!("\n{below}{heading}:\n\n{}", checks.join("\n")));
        }
    }
    match &step.undo {
        Undo::Unsaid => {}
        Undo::None(why) => lines.push(format!("\n{below}Cannot be taken back: {}", text(why.source(), below))),
        Undo::Bodies(bodies) => {
            let names: Vec<String> = bodies.iter().map(|body| code(&action_name(body))).collect();
            lines.push(format!("\n{below}Taken back by {}.", names.join(", ")));
        }
    }
    format!("{}\n", lines.join("\n"))
}

fn paragraphs(source: &str) -> String {
    source.trim().split("\n\n").map(escaped_lines).collect::<Vec<_>>().join("\n\n")
}

/// Text of the author in place, its line breaks kept.
fn text(source: &str, indent: &str) -> String {
    source.trim().lines().map(escaped).collect::<Vec<_>>().join(&format!("  \n{indent}"))
}

fn escaped_lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}
