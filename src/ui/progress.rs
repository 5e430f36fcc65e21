//! What a run does, as it does it: a line that lives on a terminal, lines in order elsewhere, or events as JSON.
//!
//! It is told after the ledger, and nothing here can fail a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::event::fact::{Event, Fact};
use engine::event::state::{Failure, StepState, Verdict};
use engine::execute::Observer;
use engine::id::RunId;
use engine::plan::View;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use schemars::JsonSchema;
use serde::Serialize;

use super::Ui;
use crate::args::Format;

/// One fact of a run, as a line of `--format ndjson`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventLine<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The step's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'a str>,
    /// The attempt, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<&'a str>,
    /// What happened.
    pub event: &'a Event,
}

/// How often the live line moves.
const TICK: Duration = Duration::from_millis(120);

/// Tells of a run.
pub struct Progress {
    ui: Arc<Ui>,
    /// Nothing where stderr is no terminal.
    bar: Option<ProgressBar>,
    titles: BTreeMap<String, String>,
}

impl Progress {
    /// For a run of this plan.
    pub fn new(ui: Arc<Ui>, view: &View) -> Self {
        let is_live = ui.is_human() && !ui.quiet && console::user_attended_stderr();
        let bar = is_live.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is our own text and has no mistake in it.
            bar.set_style(
                ProgressStyle::with_template("  {spinner} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(TICK);
            bar
        });
        let titles = view.steps.iter().filter_map(|step| Some((step.id.clone(), step.title.clone()?))).collect();
        Self { ui, bar, titles }
    }

    /// Whether people read what is told.
    pub fn is_for_people(&self) -> bool {
        self.ui.is_human()
    }

    /// Makes room for a question.
    pub fn pause(&self) {
        self.finish();
    }

    /// Goes on after a question.
    pub fn resume(&self) {
        if let Some(bar) = &self.bar {
            bar.reset();
            bar.enable_steady_tick(TICK);
        }
    }

    /// The run has ended.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }

    /// A line that stays.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.error(text)),
            None => self.ui.error(text),
        }
    }

    fn tell(&self, text: &str) {
        if !self.ui.quiet && self.ui.is_human() {
            self.say(text);
        }
    }

    fn step(&self, path: &str, state: StepState, why: Option<&str>) {
        let paint = self.ui.err;
        let word = format!("{:<10}", state.as_str());
        let word = match state {
            StepState::Succeeded | StepState::Undone => paint.green(&word),
            StepState::Skipped | StepState::NoChange => paint.dim(&word),
            StepState::Pending | StepState::Waiting => word,
            StepState::Refused | StepState::Cancelled => paint.yellow(&word),
            StepState::Failed | StepState::TimedOut | StepState::Unknown | StepState::UndoFailed => paint.red(&word),
        };
        let what = why.or_else(|| self.title(path)).map(|what| format!(": {what}")).unwrap_or_default();
        self.tell(&format!("  {word}  {path}{what}"));
    }

    fn title(&self, path: &str) -> Option<&str> {
        let plain = path.split('[').next().unwrap_or(path);
        self.titles.get(path).or_else(|| self.titles.get(plain)).map(String::as_str)
    }

    fn show(&self, fact: &Fact) {
        let path = fact.step.as_deref().unwrap_or_default();
        let message = |error: &Option<Failure>| error.as_ref().map(|error| error.message.clone());
        match &fact.event {
            Event::StepResult(result) => self.step(path, result.state, message(&result.error).as_deref()),
            Event::StepSkipped(skipped) => self.step(path, skipped.state, Some(&skipped.because)),
            Event::UndoResult(result) => self.step(path, result.state, message(&result.error).as_deref()),
            Event::OutcomeUnknown(unknown) => self.step(path, StepState::Unknown, Some(&unknown.detail)),
            Event::VerifyResult(checked) if matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable) => {
                let detail = checked.detail.as_deref().unwrap_or("it is not met");
                let place = if path.is_empty() { "verify".to_owned() } else { path.to_owned() };
                self.tell(&format!("  {:<10}  {place}, check `{}`: {detail}", "not met", checked.check));
            }
            // On a terminal the question itself is shown.
            Event::ManualAsked(asked) if self.bar.is_none() => {
                // A check of the whole has no step.
                let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
                self.tell(&format!("  {:<10}  {place}{}", "asked", asked.ask.trim_end()))
            }
            _ => {}
        }
    }
}

impl Observer for Progress {
    fn saw(&self, fact: &Fact) {
        if self.ui.format == Format::Ndjson {
            self.ui.json(&EventLine {
                run: &fact.run,
                step: fact.step.as_deref(),
                attempt: fact.attempt,
                actor: fact.actor.as_deref(),
                event: &fact.event,
            });
        }
        self.show(fact);
    }

    fn busy(&self, step: &str, doing: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("{step}: {doing}")),
            None => self.ui.detail(&format!("  {:<10}  {step}: {doing}", "…")),
        }
    }
}
