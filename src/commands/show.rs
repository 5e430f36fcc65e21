//! `show`: a procedure for people: what it is for, what it needs, what it does, what it must not do.

use engine::id::{Digest, Name};
use engine::plan::steps::action_name;
use engine::procedure::check::{Check, Question};
use engine::procedure::guard::{Form, Guard};
use engine::procedure::parameter::Parameter;
use engine::procedure::step::{Body, Step, Undo};
use engine::procedure::{Procedure, Work};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Context, list};
use crate::args::{Graph, ShowProcedure};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup;
use crate::ui::flow::Flow;
use crate::ui::table::pairs;
use crate::ui::{Paint, inline};

/// What `show` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Its name.
    name: Name,
    /// Where it came from: a path, or `built in`.
    origin: String,
    /// The digest of the document.
    digest: Digest,
    /// The document as it was written.
    document: Json,
}

pub fn run(context: &Context, args: &ShowProcedure) -> Result<Exit, Refusal> {
    let name = setup::procedure_name(&args.name)?;
    let library = list::library(context)?;
    let loaded = library.load(&name, &engine::action::Registry::builtin())?;
    let Some(procedure) = loaded.procedures.get(&name) else {
        return Err(Refusal::invalid("invalid-document", format!("procedure `{name}` ({}) has errors", loaded.origin))
            .diagnostics(loaded.diagnostics));
    };
    super::warn(context, &loaded);
    let ui = &context.ui;
    match args.graph {
        Some(Graph::Mermaid) => ui.data(&Flow::of(procedure).mermaid()),
        Some(Graph::Dot) => ui.data(&Flow::of(procedure).dot()),
        None => {}
    }
    if args.graph.is_some() {
        return Ok(Exit::Done);
    }
    let mut origin = loaded.origin.to_string();
    if ui.is_human() {
        if library.shadows_built_in(&name) {
            origin.push_str(setup::IN_FRONT);
        }
        ui.data(&render(procedure, &origin, ui.out));
    } else {
        let (digest, document) = (procedure.digest(), procedure.document.clone());
        ui.json(&View { name, origin, digest, document });
    }
    Ok(Exit::Done)
}

fn render(procedure: &Procedure, origin: &str, paint: Paint) -> String {
    let mut sections = vec![head(procedure, origin, paint), wrapped(&procedure.summary, "")];
    let mut section = |heading: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            sections.push(format!("{}\n{}", paint.bold(heading), lines.join("\n")));
        }
    };
    section("parameters", table(procedure.parameters.iter().map(|(id, it)| (id.to_string(), parameter(it)))));
    let target = |(id, slot): (&engine::id::Id, &engine::procedure::TargetSlot)| {
        let description = slot.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        (id.to_string(), format!("{}{description}", slot.kind.as_str()))
    };
    section("targets", table(procedure.targets.iter().map(target)));
    let secret = |(id, slot): (&engine::id::Id, &engine::procedure::SecretSlot)| {
        (id.to_string(), slot.description.clone().unwrap_or_default())
    };
    section("secrets", table(procedure.secrets.iter().map(secret)));
    section("preconditions", procedure.preconditions.iter().map(check).collect());
    section("do not", procedure.do_not.iter().map(guard).collect());
    match &procedure.work {
        Work::Steps(work) => {
            section(
                "steps",
                work.steps.iter().enumerate().map(|(at, it)| step(&format!("{}.", at + 1), it, 2)).collect(),
            );
            section("afterwards", work.verify.iter().map(check).collect());
            section("at the end, whatever happened", work.finally.iter().map(|it| step("-", it, 2)).collect());
        }
        Work::Items(items) => section("items", items.iter().map(check).collect()),
    }
    let mode =
        |mode: &engine::procedure::FailureMode| format!("  {}\n{}", mode.title, wrapped(mode.advice.source(), "    "));
    section("when it fails", procedure.failure_modes.iter().map(mode).collect());
    let outputs = procedure.outputs.keys().map(|id| format!("  {id}"));
    section("outputs", outputs.collect());
    sections.join("\n\n")
}

fn head(procedure: &Procedure, origin: &str, paint: Paint) -> String {
    let mut rows = vec![
        ("kind", procedure.kind().to_owned()),
        ("version", procedure.version.clone()),
        ("owner", procedure.owner.clone()),
    ];
    if let Work::Steps(work) = &procedure.work {
        rows.push(("risk", list::risk_word(work.risk).to_owned()));
    }
    if procedure.draft {
        rows.push(("draft", "yes: nobody has reviewed it, and it is not run".to_owned()));
    }
    rows.push(("from", origin.to_owned()));
    if let Some(source) = &procedure.source {
        rows.push(("source", format!("{}, section {}", source.document, source.section)));
    }
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    format!("{}: {}\n{}", paint.bold(procedure.name.as_str()), procedure.title, pairs("  ", &rows))
}

fn table(rows: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() { Vec::new() } else { vec![pairs("  ", &rows)] }
}

/// What a parameter takes, in a line.
pub(super) fn parameter(parameter: &Parameter) -> String {
    let mut words = vec![parameter.kind.as_str().to_owned()];
    match &parameter.default {
        Some(default) => words.push(format!("default {}", inline(default))),
        None => words.push("required".to_owned()),
    }
    if !parameter.values.is_empty() {
        words.push(format!("one of {}", parameter.values.join(", ")));
    }
    if parameter.pattern.is_some() {
        words.push(format!("matches {}", parameter.pattern_as_written()));
    }
    for (word, limit) in [("at least", &parameter.min), ("at most", &parameter.max)] {
        words.extend(limit.as_ref().map(|limit| format!("{word} {}", inline(limit))));
    }
    for (word, limit) in [("at least", parameter.min_length), ("at most", parameter.max_length)] {
        words.extend(limit.map(|limit| format!("{word} {limit} long")));
    }
    let description = parameter.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    format!("{}{description}", words.join(", "))
}

fn check(check: &Check) -> String {
    let asked = match &check.question {
        Question::Expect { read: Some(act), expect } => format!("{} gives {}", act.action, expect.source()),
        Question::Expect { read: None, expect } => expect.source().to_owned(),
        Question::Manual { ask, .. } => format!("a person answers: {}", ask.source().trim()),
    };
    let title = check.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
    format!("  {}{title}\n      {asked}", check.id)
}

fn guard(guard: &Guard) -> String {
    let form = form(guard);
    let waivable = if guard.waivable.is_some() { " (can be waived)" } else { "" };
    format!("  {}: {}\n      {form}{waivable}", guard.id, guard.rule.source().trim())
}

/// What a guard forbids, in a line.
pub(super) fn form(guard: &Guard) -> String {
    match &guard.form {
        Form::Never(expression) => format!("never {}", expression.source()),
        Form::Forbid { pattern, condition: Some(condition) } => {
            format!("forbids {pattern} where {}", condition.source())
        }
        Form::Forbid { pattern, condition: None } => format!("forbids {pattern}"),
        Form::OnceFailed(pattern) => format!("once {pattern} has failed, not again on unchanged inputs"),
    }
}

fn step(mark: &str, step: &Step, indent: usize) -> String {
    let fill = " ".repeat(indent);
    let title = step.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
    let mut lines = vec![format!("{fill}{mark} {}{title}", step.id)];
    let below = format!("{fill}    ");
    let mut words = vec![action_name(&step.body)];
    words.extend(step.when.as_ref().map(|when| format!("when {}", when.source())));
    words.extend(step.for_each.as_ref().map(|each| format!("for each of {}", each.items.source())));
    words.extend(step.repeat.as_ref().map(|repeat| format!("until {}", repeat.until.source())));
    lines.push(format!("{below}{}", words.join(" · ")));
    if let Some(why) = &step.why {
        lines.push(wrapped(why.source(), &below));
    }
    match &step.body {
        Body::Manual(manual) => lines.push(wrapped(manual.ask.source(), &below)),
        Body::Parallel(lanes) => lines.extend(lanes.iter().map(|lane| self::step("-", lane, indent + 4))),
        Body::Action(_) | Body::Call { .. } | Body::Wait(_) => {}
    }
    match &step.undo {
        Undo::Unsaid => {}
        Undo::None(why) => lines.push(format!("{below}cannot be taken back: {}", why.source().trim())),
        Undo::Bodies(bodies) => {
            let names: Vec<String> = bodies.iter().map(action_name).collect();
            lines.push(format!("{below}taken back by {}", names.join(", ")));
        }
    }
    lines.join("\n")
}

/// Text as it was written, each line begun with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    text.trim_end().lines().map(|line| format!("{indent}{line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
