//! The entries of a run as a story: a line each, in the words of an operator.

use engine::event::Kind;
use serde_json::Value as Json;

use super::EntryView;
use crate::ui::{Paint, inline};

/// One entry in a line; nothing for what says no more than another.
pub fn line(entry: &EntryView, paint: Paint) -> Option<String> {
    let text = |name: &str| entry.data.get(name).and_then(Json::as_str).unwrap_or_default();
    let step = entry.step.as_deref().unwrap_or_default();
    let of_step = if step.is_empty() { String::new() } else { format!("{step}: ") };
    let attempt = entry.attempt.filter(|number| *number > 1).map(|number| format!(" (attempt {number})"));
    let attempt = attempt.unwrap_or_default();
    let told = match entry.kind {
        Kind::RunBegin => format!("began, version {} in {}", text("version"), text("environment")),
        Kind::PlanRecorded => format!("follows plan {}", text("digest")),
        Kind::PreconditionResult => format!("precondition `{}`: {}", text("check"), verdict(entry, paint)),
        Kind::VerifyResult => format!("{of_step}check `{}`: {}", text("check"), verdict(entry, paint)),
        Kind::GuardVerdict => format!("guard `{}` ({}): {}", text("guard"), text("moment"), verdict(entry, paint)),
        Kind::StepIntent => {
            format!("{of_step}{} is about to be done{attempt}: {}", text("action"), member(entry, "with"))
        }
        Kind::StepResult => format!("{of_step}{}{attempt}{}", state(text("state"), paint), outcome(entry)),
        Kind::StepSkipped => format!("{of_step}{}: {}", state(text("state"), paint), text("because")),
        Kind::UndoIntent => format!("{of_step}is about to be taken back by {}", text("action")),
        Kind::UndoResult => format!("{of_step}{}{}", state(text("state"), paint), outcome(entry)),
        Kind::ManualAsked => format!("{of_step}asked: {}", text("ask").trim_end()),
        Kind::ManualAnswered => format!("{of_step}answered: {}", member(entry, "answer")),
        Kind::OutcomeUnknown => format!("{of_step}{}: {}", paint.red("unknown"), text("detail")),
        Kind::RunSuspended => format!("suspended ({}): {}", text("because"), text("detail")),
        Kind::RunCancelled => format!("cancelled: {}", text("reason")),
        Kind::GateResult => format!("gate {}", state(text("status"), paint)),
        Kind::RunEnd => format!("ended {}", state(text("status"), paint)),
        other => other.as_str().to_owned(),
    };
    // Times within a day: the date stands at the head.
    let at = entry.ts.to_string();
    let at = at.split('T').nth(1).unwrap_or(&at).trim_end_matches('Z').to_owned();
    Some(format!("  {}  {told}", paint.dim(&at)))
}

fn member(entry: &EntryView, name: &str) -> String {
    entry.data.get(name).map(inline).unwrap_or_default()
}

fn verdict(entry: &EntryView, paint: Paint) -> String {
    let word = entry.data.get("verdict").and_then(Json::as_str).unwrap_or_default();
    let word = match word {
        "passed" => paint.green(word),
        "not_met" | "violated" | "undecidable" => paint.red(word),
        _ => paint.yellow(word),
    };
    match entry.data.get("detail").and_then(Json::as_str) {
        Some(detail) => format!("{word}: {detail}"),
        None => word,
    }
}

fn outcome(entry: &EntryView) -> String {
    let error = entry.data.get("error").and_then(|error| error.get("message")).and_then(Json::as_str);
    match (error, entry.data.get("output")) {
        (Some(message), _) => format!(": {message}"),
        (None, Some(output)) if !output.is_null() => format!(": {}", short(&inline(output))),
        _ => String::new(),
    }
}

/// The most of an output that is shown in a line, in characters.
const WIDEST: usize = 200;

fn short(text: &str) -> String {
    match text.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}… (all of it with --format json)", &text[..at]),
        None => text.to_owned(),
    }
}

fn state(word: &str, paint: Paint) -> String {
    match word {
        "succeeded" | "undone" | "passed" => paint.green(word),
        "no_change" | "skipped" => paint.dim(word),
        "suspended" | "waiting" | "pending" => paint.yellow(word),
        _ => paint.red(word),
    }
}

/// What an operator does about a run of this status.
pub fn next(status: &str) -> Option<&'static str> {
    Some(match status {
        "running" => "it is running, or the program was killed while it ran: then `runwarden resume RUN` goes on",
        "suspended" => "it waits: `runwarden resume RUN` goes on, with `--answer` where an answer is missing",
        "unknown" => {
            "find out whether the step marked `unknown` happened, then `runwarden resume RUN --resolve STEP=happened|not_happened`"
        }
        "stuck" => "what could not be taken back is above: it needs a person; `runwarden undo RUN` tries again",
        "failed" => {
            "what was done stays done: `runwarden resume RUN` tries again from there, `runwarden undo RUN` takes it back"
        }
        "refused" => "nothing was done; what was not met is above",
        _ => return None,
    })
}
