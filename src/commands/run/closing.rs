//! What is said at the end of a run: what was done, what was not, what to do about it, and where the proof is.

use engine::event::state::{RunStatus, StepState};
use engine::execute::Ended;
use engine::plan::{Outcome, Plan};

use crate::files::shown;
use crate::ui::table::pairs;
use crate::ui::{Paint, inline};

/// The end of a run for people.
pub fn render(plan: &Plan, ended: &Ended, anchored: Option<bool>, paint: Paint) -> String {
    let id = ended.run.id.to_string();
    let mut sections = vec![head(ended, &id, paint)];
    let done = names(ended, |state| matches!(state, StepState::Succeeded));
    if ended.status != RunStatus::Succeeded {
        list(&mut sections, "was done", &done);
        list(&mut sections, "was taken back", &names(ended, |state| state == StepState::Undone));
        list(&mut sections, "may or may not have happened", &names(ended, |state| state == StepState::Unknown));
        list(&mut sections, "could not be taken back", &names(ended, |state| state == StepState::UndoFailed));
        list(&mut sections, "was not done", &not_done(plan, ended));
    }
    if let Some((title, advice)) = &ended.advice {
        let title = paint.bold(title);
        sections.push(match advice.trim_end() {
            "" => title,
            advice => format!("{title}\n{}", indented(advice)),
        });
    }
    let outputs: Vec<_> = ended.outputs.iter().map(|(name, value)| (name.clone(), inline(value))).collect();
    if !outputs.is_empty() {
        sections.push(format!("outputs\n{}", pairs("  ", &outputs)));
    }
    let mut last = Vec::new();
    if let Some(checkpoint) = &ended.checkpoint {
        last.push(("checkpoint".to_owned(), format!("{} ({} entries)", shown(&checkpoint.path), checkpoint.size)));
    }
    match anchored {
        Some(true) => last.push(("anchored".to_owned(), "as policy asks".to_owned())),
        Some(false) => {
            let missing = format!("{}: runwarden anchor store {id}", paint.red("not as policy asks"));
            last.push(("anchored".to_owned(), missing));
        }
        None => {}
    }
    if let Some(next) = next(ended, &id).or_else(|| lifting(plan, ended)) {
        last.push(("next".to_owned(), next));
    }
    last.push(("record".to_owned(), format!("runwarden runs show {id}")));
    sections.push(pairs("", &last));
    sections.join("\n")
}

/// The commands that go on.
fn next(ended: &Ended, id: &str) -> Option<String> {
    Some(match ended.status {
        RunStatus::Suspended if ended.run.consents.sought.is_some() => {
            format!("runwarden approve {id} --key FILE, by somebody who may; then runwarden resume {id}")
        }
        RunStatus::Rejected if !ended.run.is_over(true) => format!("runwarden undo {id}"),
        RunStatus::Suspended => format!("runwarden resume {id}"),
        RunStatus::Unknown => format!("runwarden resume {id} --plan"),
        RunStatus::Failed if ended.run.had_effect() => format!("runwarden resume {id}, or runwarden undo {id}"),
        RunStatus::Failed => format!("runwarden resume {id}"),
        RunStatus::Cancelled if ended.run.had_effect() => format!("runwarden undo {id}"),
        RunStatus::Stuck => format!("runwarden undo {id}"),
        _ => return None,
    })
}

/// What lifts a guard that stood against a run which did nothing, where it may be lifted.
fn lifting(plan: &Plan, ended: &Ended) -> Option<String> {
    let id = ended.failure.as_ref()?.guard.as_deref().filter(|_| !ended.run.had_effect())?;
    let held = plan.root.guards().into_iter().find(|held| held.id() == id && held.guard().id.as_str() == id)?;
    let by: Vec<_> = held.guard().waivable.as_ref()?.by.iter().map(ToString::to_string).collect();
    let (procedure, guard) = (&held.frame.procedure.name, &held.guard().id);
    let create = format!("runwarden waiver create {procedure} {guard} --for 1h --reason TEXT --ticket TEXT -o FILE");
    Some(format!("{create}, by {}; then run it with --waiver FILE", by.join(" or ")))
}

fn head(ended: &Ended, id: &str, paint: Paint) -> String {
    let word = ended.status.as_str();
    let word = match ended.status {
        RunStatus::Succeeded => paint.green(word),
        RunStatus::Suspended => paint.yellow(word),
        _ => paint.red(word),
    };
    match &ended.failure {
        Some(failure) => {
            let place = failure.step.as_ref().map(|step| format!(" (step `{step}`)")).unwrap_or_default();
            format!("run {id} {word}{place}: {}", failure.message)
        }
        None => format!("run {id} {word}"),
    }
}

fn names(ended: &Ended, wanted: impl Fn(StepState) -> bool) -> Vec<String> {
    ended.run.steps().filter(|(_, step)| wanted(step.state)).map(|(path, _)| path.to_owned()).collect()
}

/// What the plan would have done, and what was begun, without an end that counts.
fn not_done(plan: &Plan, ended: &Ended) -> Vec<String> {
    let begun = |path: &str| {
        ended.run.step(path).map(|step| {
            !matches!(
                step.state,
                StepState::Pending
                    | StepState::Waiting
                    | StepState::Failed
                    | StepState::TimedOut
                    | StepState::Refused
                    | StepState::Cancelled
            )
        })
    };
    let planned = plan.view.steps.iter().filter(|step| {
        matches!(step.outcome, Outcome::WouldRun | Outcome::Undecided | Outcome::Refused) && step.action != "parallel"
    });
    planned.filter(|step| begun(&step.id) != Some(true)).map(|step| step.id.clone()).collect()
}

fn list(sections: &mut Vec<String>, heading: &str, names: &[String]) {
    if !names.is_empty() {
        sections.push(format!("{heading}: {}", names.join(", ")));
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
