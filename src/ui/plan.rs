//! A plan for people: what would be done, what stands against it, and what is not known yet.

use engine::action::EffectClass;
use engine::event::state::{Checked, Verdict};
use engine::plan::requires::PlannedLimit;
use engine::plan::{Outcome, PlannedGuard, PlannedStep, View};
use serde_json::Value as Json;

use super::table::pairs;
use super::{Paint, count, inline};
use crate::exit::Exit;

/// The whole plan.
pub fn render(view: &View, title: &str, paint: Paint) -> String {
    let mut sections = vec![head(view, title, paint)];
    let inputs: Vec<_> = view.parameters.iter().map(|(name, value)| (name.to_string(), inline(value))).collect();
    section(&mut sections, paint, "parameters", &pairs("  ", &inputs));
    let secrets: Vec<_> = view.secrets.iter().map(|(name, secret)| (name.to_string(), secret.to_string())).collect();
    let targets: Vec<_> = view.targets.iter().map(|(name, target)| (name.to_string(), target.clone())).collect();
    section(&mut sections, paint, "targets", &pairs("  ", &targets));
    section(&mut sections, paint, "secrets", &pairs("  ", &secrets));
    let locks: Vec<String> = view.locks.iter().map(|lock| format!("  {lock}")).collect();
    section(&mut sections, paint, "locks", &locks.join("\n"));
    let limits: Vec<String> = view.limits.iter().map(|planned| limit(planned, paint)).collect();
    section(&mut sections, paint, "limits", &limits.join("\n"));
    section(&mut sections, paint, "preconditions", &checks(&view.preconditions, paint));
    let guards: Vec<String> = view.guards.iter().map(|planned| guard(planned, paint)).collect();
    section(&mut sections, paint, "do not", &guards.join("\n"));
    section(&mut sections, paint, "asks for", &approvals(view));
    let steps: Vec<String> = view.steps.iter().enumerate().map(|(at, planned)| step(at + 1, planned, paint)).collect();
    section(&mut sections, paint, "steps", &steps.join("\n"));
    section(&mut sections, paint, "afterwards", &checks(&view.verify, paint));
    let undecided: Vec<String> = view.undecided.iter().map(|what| format!("  - {what}")).collect();
    section(&mut sections, paint, "not known yet", &undecided.join("\n"));
    sections.push(format!("{}\n{}", view.summary_line(), verdict(view, paint)));
    sections.join("\n\n")
}

fn section(sections: &mut Vec<String>, paint: Paint, heading: &str, body: &str) {
    if !body.is_empty() {
        sections.push(format!("{}\n{body}", paint.bold(heading)));
    }
}

fn head(view: &View, title: &str, paint: Paint) -> String {
    let rows = [
        ("from", view.origin.clone()),
        ("environment", view.environment.as_str().to_owned()),
        ("plan", view.digest.to_string()),
        ("good until", view.expires_at.to_string()),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    format!("{}: {title}\n{}", paint.bold(view.procedure.as_str()), pairs("  ", &rows))
}

fn checks(checks: &[Checked], paint: Paint) -> String {
    let line = |checked: &Checked| {
        let word = match checked.verdict {
            Verdict::Passed => paint.green("met        "),
            Verdict::NotMet | Verdict::Violated => paint.red("not met    "),
            Verdict::Undecidable => paint.red("undecidable"),
            Verdict::Undecided => paint.yellow("undecided  "),
            Verdict::Skipped | Verdict::Waived => paint.dim("skipped    "),
        };
        let advisory = if checked.required { "" } else { " (advisory)" };
        let detail = checked.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("  {word}  {}{advisory}{detail}", checked.check)
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn limit(limit: &PlannedLimit, paint: Paint) -> String {
    let word = match limit.verdict {
        Verdict::Passed | Verdict::Skipped | Verdict::Waived => paint.green("met        "),
        Verdict::NotMet | Verdict::Violated => paint.red("not met    "),
        Verdict::Undecidable => paint.red("undecidable"),
        Verdict::Undecided => paint.yellow("undecided  "),
    };
    let per = limit.per.map(|per| format!(" in {per}")).unwrap_or_default();
    let by: Vec<String> = limit.by.iter().map(inline).collect();
    let by = if by.is_empty() { String::new() } else { format!(" for {}", by.join(", ")) };
    format!(
        "  {word}  `{}` at most {}{per}{by}; {} so far",
        limit.procedure,
        count(limit.at_most as usize, "time"),
        limit.used
    )
}

/// Who must consent before it runs.
fn approvals(view: &View) -> String {
    let line = |wanted: &engine::event::people::Wanted| {
        let noun = if wanted.quorum == 1 { "approval" } else { "approvals" };
        let from: Vec<&str> = wanted.from.iter().map(engine::id::Id::as_str).collect();
        let but = if wanted.exclude_initiator { ", other than who plans or runs it" } else { "" };
        format!("  {} {noun} by {} ({}){but}", wanted.quorum, from.join(" or "), wanted.by)
    };
    view.approvals.iter().chain(&view.step_approvals).map(line).collect::<Vec<_>>().join("\n")
}

fn guard(guard: &PlannedGuard, paint: Paint) -> String {
    let word = match guard.verdict {
        Verdict::Passed | Verdict::Skipped => paint.green("holds      "),
        Verdict::Violated | Verdict::NotMet => paint.red("VIOLATED   "),
        Verdict::Undecidable => paint.red("undecidable"),
        Verdict::Undecided => paint.yellow("undecided  "),
        Verdict::Waived => paint.yellow("WAIVED     "),
    };
    let detail = guard.detail.as_ref().map(|detail| format!("\n{:15}{detail}", "")).unwrap_or_default();
    let when = if guard.when == "plan" { String::new() } else { format!(" (decided {})", guard.when) };
    format!("  {word}  {}: {}{when}{detail}", guard.id, guard.rule.trim_end())
}

fn step(number: usize, step: &PlannedStep, paint: Paint) -> String {
    let outcome = match step.outcome {
        Outcome::WouldRun => "would run".to_owned(),
        Outcome::WouldSkip => paint.dim("would be skipped"),
        Outcome::WouldBeNoChange => paint.dim("would be no change"),
        Outcome::Undecided => paint.yellow("undecided"),
        Outcome::Refused => paint.red("refused"),
    };
    let title = step.title.as_ref().map(|title| format!("  {title}")).unwrap_or_default();
    let effect = match step.effect {
        EffectClass::Read => "reads",
        EffectClass::Mutate => "changes",
        EffectClass::Irreversible => "cannot be taken back",
    };
    let fidelity = match step.fidelity {
        engine::action::Fidelity::Exact => "preview exact",
        engine::action::Fidelity::Estimated => "preview estimated",
        engine::action::Fidelity::None => "no preview",
    };
    let mut lines = vec![
        format!("{number:>3}. {}{title}", paint.bold(&step.id)),
        format!("     {outcome} · {} · {effect} · {fidelity}", step.action),
    ];
    if let Some(because) = &step.because {
        lines.push(format!("     because {because}"));
    }
    if matches!(step.outcome, Outcome::WouldRun | Outcome::Undecided) {
        lines.extend(step.with.as_object().into_iter().flatten().flat_map(|(name, value)| input(name, value)));
    }
    for (word, value) in [("before", &step.before), ("after ", &step.after)] {
        if let Some(value) = value {
            lines.push(format!("     {word}  {}", inline(&undecided_as_words(value))));
        }
    }
    lines.join("\n")
}

/// An input of a step: a line, or for a text of several a line each below its name.
fn input(name: &str, value: &Json) -> Vec<String> {
    match undecided_as_words(value) {
        Json::String(text) if text.contains('\n') => {
            let lines = text.trim_end().lines().map(|line| format!("       {line}"));
            std::iter::once(format!("     {name} =")).chain(lines).collect()
        }
        value => vec![format!("     {name} = {}", inline(&value))],
    }
}

fn undecided_as_words(value: &Json) -> Json {
    match value {
        Json::Object(members) => match members.get("$undecided").and_then(Json::as_str) {
            Some(because) => Json::String(format!("(not known yet: {because})")),
            None => {
                Json::Object(members.iter().map(|(name, value)| (name.clone(), undecided_as_words(value))).collect())
            }
        },
        Json::Array(items) => Json::Array(items.iter().map(undecided_as_words).collect()),
        other => other.clone(),
    }
}

fn verdict(view: &View, paint: Paint) -> String {
    let exit = Exit::of_plan(view);
    match &view.error {
        None if exit == Exit::Done => {
            let open = match view.undecided.len() {
                0 => String::new(),
                many => format!(
                    "; {} decided only then",
                    count(many, "thing").replace("1 thing", "1 thing is").replace("things", "things are")
                ),
            };
            let asked: u32 = view.approvals.iter().map(|wanted| wanted.quorum).sum();
            let ready = match asked {
                0 => "ready: nothing stands against running it".to_owned(),
                many => format!(
                    "ready once approved: {} missing, and nothing else stands against running it",
                    count(many as usize, "approval")
                        .replace("1 approval", "1 approval is")
                        .replace("approvals", "approvals are")
                ),
            };
            format!("{}{open}", paint.green(&ready))
        }
        error => {
            let message = error.as_ref().map_or("it is not allowed", |error| error.message.as_str());
            let word = paint.red(&format!("running it would exit {} ({})", exit.code(), exit.word()));
            format!("{word}: {message}")
        }
    }
}
