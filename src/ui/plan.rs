//! A plan for people: what would be done, what stands against it, and what is not known yet.

use engine::action::EffectClass;
use engine::event::state::{Checked, Verdict};
use engine::plan::requires::PlannedLimit;
use engine::plan::{Outcome, PlannedGuard, PlannedStep, View};
use serde_json::Value as Json;

use super::table::pairs;
use super::{Paint, count, inline};
use crate::exit::Exit;

mod open;
mod values;

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
    // A procedure has steps: what has none is a checklist.
    let is_checklist = view.steps.is_empty();
    let heading = if is_checklist { "items" } else { "afterwards" };
    section(&mut sections, paint, heading, &checks(&view.verify, paint));
    section(&mut sections, paint, "not known yet", &open::render(view));
    let summary = if is_checklist { String::new() } else { format!("{}\n", view.summary_line()) };
    sections.push(format!("{summary}{}", verdict(view, paint)));
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

/// Below the word that says how something was decided.
const UNDER: &str = "               ";

fn checks(checks: &[Checked], paint: Paint) -> String {
    let line = |checked: &Checked| {
        let word = match checked.verdict {
            Verdict::Passed => paint.green("met        "),
            Verdict::NotMet | Verdict::Violated => paint.red("not met    "),
            Verdict::Undecidable => paint.red("undecidable"),
            Verdict::Undecided => paint.yellow("undecided  "),
            Verdict::Skipped => paint.dim("skipped    "),
            Verdict::Waived => paint.yellow("WAIVED     "),
        };
        let advisory = if checked.required { "" } else { " (advisory)" };
        let title = checked.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
        let detail = match (&checked.detail, title.is_empty()) {
            (None, _) => String::new(),
            (Some(detail), true) => format!(": {detail}"),
            (Some(detail), false) => format!("\n{UNDER}{detail}"),
        };
        format!("  {word}  {}{advisory}{title}{detail}", checked.check)
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
    let stopped = limit.detail.as_ref().filter(|_| limit.verdict != Verdict::Passed);
    let detail = stopped.map(|detail| format!("\n{UNDER}{detail}")).unwrap_or_default();
    format!(
        "  {word}  `{}` at most {}{per}{by}; {} so far{detail}",
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
    let detail = guard.detail.as_ref().map(|detail| format!("\n{UNDER}{detail}")).unwrap_or_default();
    let when = if guard.when == "plan" { String::new() } else { format!(" (decided {})", guard.when) };
    format!("  {word}  {}: {}{when}{detail}", guard.id, guard.rule.trim_end())
}

fn step(number: usize, step: &PlannedStep, paint: Paint) -> String {
    let title = step.title.as_ref().map(|title| format!("  {title}")).unwrap_or_default();
    let mut lines =
        vec![format!("{number:>3}. {}{title}", paint.bold(&step.id)), format!("     {}", outcome(step, paint))];
    if let Some(because) = &step.because {
        lines.push(format!("     because {because}"));
    }
    if matches!(step.outcome, Outcome::WouldRun | Outcome::Undecided) {
        lines.extend(step.with.as_object().into_iter().flatten().flat_map(|(name, value)| input(name, value)));
    }
    for (word, value) in [("before", &step.before), ("after ", &step.after)] {
        lines.extend(value.iter().flat_map(|value| values::lines(&format!("     {word}  "), &values::as_words(value))));
    }
    lines.join("\n")
}

/// What would come of a step, and what kind of act it is. A call is what its steps are, and a skipped one is nothing.
fn outcome(step: &PlannedStep, paint: Paint) -> String {
    let outcome = match (step.outcome, step.action.as_str()) {
        (Outcome::WouldRun, "manual") => "would ask a person".to_owned(),
        (Outcome::WouldRun, _) => "would run".to_owned(),
        (Outcome::WouldSkip, _) => paint.dim("would be skipped"),
        (Outcome::WouldBeNoChange, _) => paint.dim("would be no change"),
        (Outcome::Undecided, _) => paint.yellow("undecided"),
        (Outcome::Refused, _) => paint.red("refused"),
    };
    if step.outcome == Outcome::WouldSkip || step.action.starts_with("call.") || step.action == "manual" {
        return format!("{outcome} · {}", step.action);
    }
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
    format!("{outcome} · {} · {effect} · {fidelity}", step.action)
}

/// An input of a step: a line, or for a text of several a line each below its name.
fn input(name: &str, value: &Json) -> Vec<String> {
    match values::as_words(value) {
        Json::String(text) if text.contains('\n') => {
            let lines = text.trim_end().lines().map(|line| format!("       {line}"));
            // What a person is asked names what steps before it find.
            let open = name == "ask" && (text.contains("{{") || text.contains("{%"));
            let until = if open { ", as it is written until then" } else { "" };
            std::iter::once(format!("     {name}{until} =")).chain(lines).collect()
        }
        value => values::lines(&format!("     {name} = "), &value),
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
            format!("{word}: {message}{}", advice(view, paint))
        }
    }
}

/// What the procedure says to do about what stands against running it.
fn advice(view: &View, paint: Paint) -> String {
    let Some(advice) = &view.advice else { return String::new() };
    let text = advice.advice.trim_end().lines().map(|line| format!("\n  {line}")).collect::<String>();
    format!("\n{}{text}", paint.bold(&advice.title))
}
