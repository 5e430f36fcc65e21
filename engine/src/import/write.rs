//! A draft as a document in YAML, laid out as `fmt` does it.

use std::collections::HashSet;
use std::sync::Arc;

use super::Error;
use super::draft::{Body, Check, Draft, Note, Origin, Step};
use super::words::{escaped, slug};
use super::yaml::{Out, bare, text, write_map};
use crate::diagnostic::Source;
use crate::id::Name;
use crate::parse::format;

/// What is to be decided of every draft.
const OPEN: [&str; 2] = [
    "Say who answers for it (`owner`), and what a mistake would cost (`risk`).",
    "Read it beside its source: what became a question to a person may be an action.",
];

/// The document, and how much of it is still to be decided.
pub(super) fn document(draft: &Draft, name: &Name, source: &str) -> Result<(String, usize), Error> {
    let open = open(draft);
    let mut parts = Writer { source, to_dos: open.len() };
    let top: Vec<(&str, Out)> = vec![
        ("runwarden", bare("v1")),
        ("kind", bare(if draft.checklist { "checklist" } else { "procedure" })),
        ("name", bare(name.as_str())),
        ("title", text(or(&draft.title, "What was imported"))),
        ("version", bare("0.1.0")),
        ("summary", text(summary(draft))),
        ("source", parts.origin(&draft.origin)),
        ("owner", bare("unassigned")),
        ("risk", bare("high")),
        ("draft", bare("true")),
        ("todo", Out::List(open.into_iter().map(Out::Text).collect())),
    ];
    let parameters = parts.parameters(draft);
    let mut rest: Vec<(&str, Out)> = Vec::new();
    if !parameters.is_empty() {
        rest.push(("parameters", Out::Named(parameters)));
    }
    let mut lists: Vec<(&str, Vec<Out>)> = Vec::new();
    lists.push(if draft.checklist {
        ("items", parts.checks(&draft.preconditions, true))
    } else {
        ("preconditions", parts.checks(&draft.preconditions, false))
    });
    lists.push(("do_not", parts.guards(draft)));
    lists.push(("steps", parts.steps(draft)));
    lists.push(("verify", parts.checks(&draft.verify, false)));
    lists.push(("failure_modes", parts.modes(draft)));
    if draft.checklist {
        // Points come last, as in every checklist.
        lists.swap(0, 1);
    }
    rest.extend(lists.into_iter().filter(|(_, items)| !items.is_empty()).map(|(key, items)| (key, Out::List(items))));
    let mut out = String::new();
    write_map(&mut out, top.iter().map(|(key, value)| (*key, value)), 0);
    for (key, value) in &rest {
        out.push('\n');
        write_map(&mut out, [(*key, value)], 0);
    }
    notes(&mut out, &draft.notes);
    let written = Arc::new(Source { name: format!("<{name}>"), text: out });
    let laid_out = format::format(&written).map_err(|refused| Error::Unwritten {
        why: match refused {
            format::Refused::Unread(problems) => {
                problems.first().map_or_else(String::new, |problem| format!("{}: {}", problem.code, problem.message))
            }
            format::Refused::Changed => "it would not be laid out as it is".to_owned(),
        },
    })?;
    Ok((laid_out, parts.to_dos))
}

fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.trim().is_empty() { other } else { text.trim() }
}

fn summary(draft: &Draft) -> String {
    let said = draft.summary.join(" ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    or(&said, &format!("Imported from the section {}.", or(&draft.origin.section, "without a heading"))).to_owned()
}

fn open(draft: &Draft) -> Vec<String> {
    let mut open: Vec<String> = OPEN.map(str::to_owned).to_vec();
    if !draft.slots.secrets.is_empty() {
        let names: Vec<String> = draft.slots.secrets.iter().take(12).map(|name| format!("`{name}`")).collect();
        let all = names.join(", ");
        open.push(format!("Declare what is secret under `secrets`, and give it to what uses it: {all}."));
    }
    open
}

/// What did not fit anywhere, as comments with its lines.
fn notes(out: &mut String, notes: &[Note]) {
    if notes.is_empty() {
        return;
    }
    out.push_str("\n# Kept from the source; what stands here is no part of the procedure.\n");
    for note in notes {
        out.push_str(&format!("#\n# line {}:\n", note.line));
        for line in &note.lines {
            let line = line.replace('\t', "    ");
            out.push_str(format!("#   {}", line.trim_end()).trim_end());
            out.push('\n');
        }
    }
}

/// Writes the parts, and counts what is open.
struct Writer<'s> {
    source: &'s str,
    to_dos: usize,
}

impl Writer<'_> {
    fn origin(&self, origin: &Origin) -> Out {
        Out::Flow(vec![
            ("document", text(or(self.source, "a runbook"))),
            ("section", text(or(&origin.section, "without a heading"))),
            ("line", bare(origin.line.max(1).to_string())),
        ])
    }

    fn leave_open(&mut self, keys: &mut Vec<(&'static str, Out)>, todo: &str) {
        if !todo.is_empty() {
            keys.push(("todo", Out::List(vec![text(todo)])));
            self.to_dos += 1;
        }
    }

    fn parameters(&self, draft: &Draft) -> Vec<(String, Out)> {
        let of = |(id, slot): (&String, &super::placeholder::Slot)| {
            let mut keys = vec![("type", bare("string"))];
            if let Some(default) = &slot.default {
                keys.push(("default", text(default.clone())));
            }
            let said = format!("`{}` in the source", slot.written);
            let said = if slot.description.is_empty() {
                said
            } else {
                format!("{}: {said}", slot.description.trim_end_matches('.'))
            };
            keys.push(("description", text(said.replace('\n', " "))));
            keys.push(("source", self.origin(&Origin { section: draft.origin.section.clone(), line: slot.line })));
            (id.clone(), Out::Map(keys))
        };
        draft.slots.by_id.iter().map(of).collect()
    }

    fn checks(&mut self, checks: &[Check], grouped: bool) -> Vec<Out> {
        let mut taken = HashSet::new();
        checks.iter().map(|check| self.check(check, grouped, &mut taken)).collect()
    }

    fn check(&mut self, check: &Check, grouped: bool, taken: &mut HashSet<String>) -> Out {
        let mut keys =
            vec![("id", bare(unique(&check.title, "check", taken))), ("title", text(or(&check.title, "It is so")))];
        if grouped && !check.group.is_empty() {
            keys.push(("group", text(check.group.clone())));
        }
        match &check.body {
            Body::Manual(ask) => {
                let answer = Out::Flow(vec![("ok", Out::Flow(vec![("type", bare("boolean"))]))]);
                let question =
                    vec![("ask", text(or(ask, "Is it so?"))), ("answer", answer), ("expect", bare("answer.ok"))];
                keys.push(("manual", Out::Map(question)));
            }
            Body::Run(argv) => {
                keys.push(("action", bare("command.read")));
                keys.push(("with", Out::Flow(vec![("argv", Out::Words(argv.clone()))])));
                keys.push(("expect", bare("result.exit == 0")));
            }
        }
        keys.push(("source", self.origin(&check.origin)));
        self.leave_open(&mut keys, &check.todo);
        Out::Map(keys)
    }

    fn guards(&mut self, draft: &Draft) -> Vec<Out> {
        let mut taken = HashSet::new();
        let mut guards = Vec::new();
        for guard in &draft.do_not {
            let mut keys = vec![
                ("id", bare(unique(&guard.rule, "rule", &mut taken))),
                ("rule", text(escaped(&guard.rule))),
                ("source", self.origin(&guard.origin)),
            ];
            self.leave_open(&mut keys, "Say which state that is (`never`), or which act (`forbid`, `once_failed`).");
            guards.push(Out::Map(keys));
        }
        guards
    }

    fn steps(&mut self, draft: &Draft) -> Vec<Out> {
        let mut taken = HashSet::new();
        let undo_of = draft.steps.iter().position(|step| matches!(step.body, Body::Run(_))).unwrap_or(0);
        let steps = draft.steps.iter().enumerate();
        steps
            .map(|(at, step)| {
                let undo: &[Body] = if at == undo_of { &draft.undo } else { &[] };
                self.step(step, undo, &mut taken)
            })
            .collect()
    }

    fn step(&mut self, step: &Step, undo: &[Body], taken: &mut HashSet<String>) -> Out {
        let mut keys =
            vec![("id", bare(unique(&step.title, "step", taken))), ("title", text(or(&step.title, "Do it")))];
        let why = step.why.join("\n");
        if !why.trim().is_empty() {
            keys.push(("why", text(why.trim())));
        }
        keys.extend(body(&step.body));
        if !step.verify.is_empty() {
            keys.push(("verify", Out::List(self.checks(&step.verify, false))));
        }
        let mut todo = step.todo.clone();
        if !undo.is_empty() {
            keys.push(("undo", Out::List(undo.iter().map(|one| Out::Map(body(one))).collect())));
            todo = "The way back stands here as one: give each step its own `undo`. Say what shows that each was done."
                .to_owned();
        }
        keys.push(("source", self.origin(&step.origin)));
        self.leave_open(&mut keys, &todo);
        Out::Map(keys)
    }

    fn modes(&mut self, draft: &Draft) -> Vec<Out> {
        let mut modes = Vec::new();
        for mode in &draft.failure_modes {
            let mut keys = vec![
                ("when", bare("error.step != none")),
                ("title", text(or(&mode.title, "It fails"))),
                ("advice", text(or(&mode.advice, "Nothing is said."))),
                ("source", self.origin(&mode.origin)),
            ];
            self.leave_open(&mut keys, "Say of which step, check or code this is: the first that fits is shown.");
            modes.push(Out::Map(keys));
        }
        modes
    }
}

fn body(body: &Body) -> Vec<(&'static str, Out)> {
    match body {
        Body::Manual(ask) => vec![("manual", Out::Map(vec![("ask", text(or(ask, "Nothing is said.")))]))],
        Body::Run(argv) => {
            vec![("action", bare("command.run")), ("with", Out::Flow(vec![("argv", Out::Words(argv.clone()))]))]
        }
    }
}

/// An id of a title that no other in its list has.
fn unique(title: &str, empty: &str, taken: &mut HashSet<String>) -> String {
    let id = slug(title, 5, empty);
    let mut candidate = id.clone();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{id}_{number}");
        number += 1;
    }
    candidate
}
