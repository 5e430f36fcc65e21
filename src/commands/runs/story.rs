//! The entries of a run as a story: a line each, in the words of an operator.

use engine::event::Kind;
use engine::ledger::history::RunRow;
use serde_json::Value as Json;

use super::EntryView;
use crate::ui::{Paint, inline};

/// One entry in a line, with its time.
pub fn line(entry: &EntryView, paint: Paint) -> String {
    // Times within a day: the date stands at the head.
    let at = entry.ts.to_string();
    let at = at.split('T').nth(1).unwrap_or(&at).trim_end_matches('Z').to_owned();
    format!("  {}  {}", paint.dim(&at), told(entry, paint))
}

/// What one entry says.
pub fn told(entry: &EntryView, paint: Paint) -> String {
    let text = |name: &str| entry.data.get(name).and_then(Json::as_str).unwrap_or_default();
    let step = entry.step.as_deref().unwrap_or_default();
    let of_step = if step.is_empty() { String::new() } else { format!("{step}: ") };
    let attempt = entry.attempt.filter(|number| *number > 1).map(|number| format!(" (attempt {number})"));
    let attempt = attempt.unwrap_or_default();
    match entry.kind {
        Kind::RunBegin => format!("began, version {} in {}", text("version"), text("environment")),
        Kind::PlanRecorded => match entry.data.get("call").and_then(|call| call.get("procedure")?.as_str()) {
            Some(procedure) => format!("{of_step}`{procedure}` begins within"),
            None => format!("follows plan {}", text("digest")),
        },
        Kind::PreconditionResult => format!("precondition `{}`: {}", text("check"), verdict(entry, paint)),
        Kind::VerifyResult => format!("{of_step}check `{}`: {}", text("check"), verdict(entry, paint)),
        Kind::GuardVerdict => format!("guard `{}` ({}): {}", text("guard"), text("moment"), verdict(entry, paint)),
        Kind::SecretRead => {
            format!("secret `{}` was read from store `{}` for {}", text("name"), text("store"), text("by"))
        }
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
        Kind::ApprovalGranted => format!(
            "{of_step}{} as {}{}",
            paint.green(&format!("approved by {}", text("approver"))),
            text("role"),
            reason(entry)
        ),
        Kind::ApprovalRejected => format!(
            "{of_step}{} as {}{}",
            paint.red(&format!("rejected by {}", text("approver"))),
            text("role"),
            reason(entry)
        ),
        Kind::ApprovalConsumed => format!("{of_step}the approval of {} is spent", text("approver")),
        Kind::WaiverUsed => {
            let what = text("guard").strip_prefix("item:").map_or(("guard", text("guard")), |id| ("item", id));
            let guard = paint.yellow(&format!("{} `{}` is waived", what.0, what.1));
            format!("{guard} by {} ({}){}", text("approver"), text("act"), reason(entry))
        }
        Kind::RunResumed => match text("purpose") {
            "undo" => "is taken back".to_owned() + &by(entry),
            _ => "goes on".to_owned() + &by(entry),
        },
        Kind::RunSuspended => format!("suspended ({}): {}", text("because"), text("detail")),
        Kind::RunCancelled => format!("{} asked to end: {}", actor(entry), text("reason")),
        Kind::OutcomeResolved => {
            let happened = entry.data.get("happened").and_then(Json::as_bool) == Some(true);
            let word = if happened { "it had happened" } else { "it had not happened" };
            let reason = entry.data.get("reason").and_then(Json::as_str);
            let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
            format!("{of_step}{word} (by {}{reason})", text("by"))
        }
        Kind::LockTaken => format!("holds lock `{}` with fencing number {}", text("lock"), member(entry, "fence")),
        Kind::LockReleased => format!("gave back lock `{}`", text("lock")),
        Kind::LockBroken => {
            paint.red(&format!("lock `{}` was taken away: {}", text("lock"), text("reason"))) + &by(entry)
        }
        Kind::GateResult => format!("gate {}", state(text("status"), paint)),
        Kind::RunEnd => format!("ended {}", state(text("status"), paint)),
        other => other.as_str().to_owned(),
    }
}

fn actor(entry: &EntryView) -> &str {
    entry.actor.as_deref().unwrap_or("somebody")
}

fn by(entry: &EntryView) -> String {
    entry.actor.as_ref().map(|actor| format!(" (by {actor})")).unwrap_or_default()
}

fn reason(entry: &EntryView) -> String {
    match entry.data.get("reason").and_then(Json::as_str) {
        Some(reason) if !reason.is_empty() => format!(": {reason}"),
        _ => String::new(),
    }
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

/// What an operator does about a run that stands like this.
pub fn next(row: &RunRow, entries: &[EntryView]) -> Option<String> {
    let run = &row.run;
    let open = open_steps(entries);
    let step = open.first().map_or("STEP", String::as_str);
    let resolve = format!(
        "find out whether step `{step}` happened, then `runwarden resume {run} --resolve {step}=happened --reason …` (or `=not_happened`); `runwarden resume {run} --plan` says what the engine can find out by itself"
    );
    let locks = match locks(entries) {
        held if held.is_empty() => String::new(),
        held => format!("; it holds {}", held.join(", ")),
    };
    let next = match row.status.as_str() {
        "running" if open.is_empty() => format!(
            "if its program runs, wait, or `runwarden cancel {run} --reason …`; if that was killed, `runwarden resume {run}` goes on"
        ),
        "running" => {
            format!("if its program runs, wait, or `runwarden cancel {run} --reason …`; if that was killed: {resolve}")
        }
        "suspended" if waits_for_approval(entries) => format!(
            "it waits for consent: `runwarden approve {run} --key FILE` by somebody who may, then `runwarden resume {run}`"
        ),
        "rejected" => {
            format!(
                "somebody who was asked refused: what was done stays done, and `runwarden undo {run}` takes it back"
            )
        }
        "suspended" => format!(
            "`runwarden resume {run}` goes on, with `--answer` where an answer is missing; `runwarden cancel {run} --reason …` ends it"
        ),
        "unknown" => resolve,
        "stuck" => {
            format!("what could not be taken back needs a person; `runwarden undo {run}` tries again")
        }
        "failed" => format!(
            "what was done stays done: `runwarden resume {run}` tries again from there, `runwarden undo {run}` takes it back"
        ),
        "cancelled" => format!("what was done stays done: `runwarden undo {run}` takes it back"),
        "refused" => "nothing was done; it can be run again once what was not met is so".to_owned(),
        _ => return None,
    };
    Some(next + &locks)
}

fn waits_for_approval(entries: &[EntryView]) -> bool {
    let waits = entries.iter().rev().find(|entry| entry.kind == Kind::RunSuspended);
    waits.and_then(|entry| entry.data.get("because")?.as_str()) == Some("approval")
}

/// The steps whose last effect has no outcome.
fn open_steps(entries: &[EntryView]) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for entry in entries {
        let Some(step) = &entry.step else { continue };
        let is_call = entry.data.get("action").and_then(Json::as_str).is_some_and(|action| action.starts_with("call."));
        match entry.kind {
            Kind::StepIntent | Kind::UndoIntent | Kind::OutcomeUnknown if !is_call => {
                open.retain(|known| known != step);
                open.push(step.clone());
            }
            Kind::StepResult | Kind::UndoResult | Kind::OutcomeResolved => open.retain(|known| known != step),
            _ => {}
        }
    }
    open
}

/// The locks that it holds.
fn locks(entries: &[EntryView]) -> Vec<String> {
    let mut held: Vec<String> = Vec::new();
    for entry in entries {
        let Some(lock) = entry.data.get("lock").and_then(Json::as_str) else { continue };
        let shown = format!("lock `{lock}`");
        match entry.kind {
            Kind::LockTaken => held.push(shown),
            Kind::LockReleased | Kind::LockBroken => held.retain(|known| *known != shown),
            _ => {}
        }
    }
    held
}
