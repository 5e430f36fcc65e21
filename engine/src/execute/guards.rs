//! Guards while a run moves: before and after each effect, while it goes on, and during undo.

use std::sync::{Arc, PoisonError};

use serde_json::Value as Json;

use super::{Error, Halt, Runner};
use crate::event::fact::{Event, GuardVerdict};
use crate::event::state::{Failure, StepState};
use crate::frame::{Frame, Held};
use crate::guard::{self, Judged, State};
use crate::id::Digest;
use crate::plan::judging::{self, Described};
use crate::procedure::guard::{Form, Moment};
use crate::procedure::pattern::{ActKind, Pattern};
use crate::procedure::step::OnFailure;
use crate::question::Found;
use crate::template::Outcome as Known;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;
use crate::time::Duration;

/// An input on which an action or check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailedInput {
    pub action: String,
    pub with: Digest,
    pub subject: Option<Digest>,
}

/// An act about to be done.
pub(super) struct Act<'a> {
    pub kind: ActKind<'a>,
    pub acts_as: &'a [Pattern],
    pub with: &'a Json,
    pub with_digest: Option<&'a Digest>,
    pub subject: Option<Digest>,
    pub path: &'a str,
}

impl Runner<'_> {
    /// Everything that must hold before an act: states that must not be, and prohibitions of the act itself.
    pub(super) async fn guard_before(&self, frame: &Arc<Frame>, act: &Act<'_>) -> Result<(), Halt> {
        let is_read = matches!(act.kind, ActKind::Action { is_read: true, .. });
        for held in frame.guards() {
            let guard = held.guard();
            let on_undo = self.on_undo();
            let judged = match &guard.form {
                Form::Never(_) if is_read => continue,
                Form::Never(_) => {
                    let known = on_undo.as_ref().is_some_and(|known| known.contains(&held.id()));
                    if known || !(guard.enforce.contains(&Moment::Before) || on_undo.is_some()) {
                        continue;
                    }
                    self.judge_state(&held).await?
                }
                _ if guard::is_about(guard, act.kind, act.acts_as) => self.judge_act(&held, frame, act).await?,
                _ => continue,
            };
            let moment = if on_undo.is_some() { "undo" } else { "before" };
            self.settle(&held, &judged, moment, act.path)?;
        }
        Ok(())
    }

    /// States that must not be, after an effect.
    pub(super) async fn guard_after(&self, frame: &Arc<Frame>, path: &str) -> Result<(), Halt> {
        for held in frame.guards() {
            if matches!(held.guard().form, Form::Never(_)) && held.guard().enforce.contains(&Moment::After) {
                let known = self.on_undo().is_some_and(|known| known.contains(&held.id()));
                if !known {
                    let judged = self.judge_state(&held).await?;
                    self.settle(&held, &judged, "after", path)?;
                }
            }
        }
        Ok(())
    }

    /// Looks at the guards that watch while something runs; ends only when one is violated.
    pub(super) async fn watch(&self, frame: &Arc<Frame>, path: &str) -> Halt {
        let watched: Vec<(Held, Duration)> = frame
            .guards()
            .into_iter()
            .filter(|held| held.guard().enforce.contains(&Moment::During))
            .filter_map(|held| {
                let every = held.guard().every.as_ref()?;
                let every = match every.render(&held.frame.scope()) {
                    Ok(Known::Known(value)) => value.as_duration().or_else(|| Duration::parse(value.as_str()?).ok()),
                    _ => None,
                };
                // An interval that cannot be told is as short as one can be.
                Some((held, every.unwrap_or(Duration::from_seconds(1))))
            })
            .collect();
        if watched.is_empty() {
            // Nothing to watch: nothing to wait for.
            return std::future::pending().await;
        }
        let watching = watched.iter().map(|(held, every)| Box::pin(self.watch_one(held, *every, path)));
        futures_util::future::select_all(watching).await.0
    }

    async fn watch_one(&self, held: &Held, every: Duration, path: &str) -> Halt {
        loop {
            tokio::time::sleep(every.as_std()).await;
            let judged = match self.judge_state(held).await {
                Ok(judged) => judged,
                Err(halt) => return halt,
            };
            if let Err(halt) = self.settle(held, &judged, "during", path) {
                return halt;
            }
        }
    }

    /// The state guards that are violated when undo begins: they are said, and do not stop it.
    pub(super) async fn violated_now(&self, frame: &Arc<Frame>) -> Result<Vec<String>, Error> {
        let mut violated = Vec::new();
        for held in frame.guards() {
            if !matches!(held.guard().form, Form::Never(_)) {
                continue;
            }
            let judged = match self.judge_state(&held).await {
                Ok(judged) => judged,
                Err(Halt::Record(error)) => return Err(*error),
                Err(_) => continue,
            };
            if judged.stops() {
                self.note_verdict(&held, &judged, "undo", None)?;
                violated.push(held.id());
            }
        }
        Ok(violated)
    }

    /// One state guard at a moment of its own, like when a run goes on.
    pub(super) async fn guard_state_at(&self, held: &Held, moment: &str) -> Result<(), Halt> {
        if !matches!(held.guard().form, Form::Never(_)) {
            return Ok(());
        }
        let judged = self.judge_state(held).await?;
        self.settle(held, &judged, moment, "")
    }

    async fn judge_state(&self, held: &Held) -> Result<Judged, Halt> {
        let Form::Never(expression) = &held.guard().form else { return Ok(Judged::PASSED) };
        let scope = held.frame.scope();
        let state = self.guard_state(held, &scope).await?;
        Ok(decided(guard::judge_never(expression, &state, &scope)))
    }

    async fn judge_act(&self, held: &Held, acting: &Frame, act: &Act<'_>) -> Result<Judged, Halt> {
        let described = Described {
            kind: act.kind,
            acts_as: act.acts_as,
            with: act.with,
            with_digest: act.with_digest,
            subject: act.subject.clone(),
            step: act.path,
            certain: true,
        };
        match &held.guard().form {
            Form::Never(_) => Ok(Judged::PASSED),
            Form::OnceFailed(_) => Ok(decided(self.judge_once_failed(&described))),
            Form::Forbid { condition, .. } => {
                let scope = judging::act_scope(&held.frame, acting, &described, self.means.setting);
                let state = match condition {
                    Some(_) => self.guard_state(held, &scope).await?,
                    None => State::None,
                };
                Ok(decided(guard::judge_forbid(condition.as_ref(), &state, &scope)))
            }
        }
    }

    fn judge_once_failed(&self, act: &Described<'_>) -> Judged {
        if let (ActKind::Action { name, .. }, Some(with)) = (act.kind, act.with_digest) {
            let failed = self.failed_inputs.lock().unwrap_or_else(PoisonError::into_inner);
            let same = |known: &FailedInput| {
                known.action == name && known.with == *with && (act.subject.is_none() || known.subject == act.subject)
            };
            if failed.iter().any(same) {
                let why = format!("`{name}` failed on these inputs in this run, and nothing has changed since");
                return Judged::because(crate::event::state::Verdict::Violated, why);
            }
        }
        judging::judge_once_failed(self.means.history, act)
    }

    async fn guard_state(&self, held: &Held, scope: &Scope) -> Result<State, Halt> {
        let Some(act) = &held.guard().state else { return Ok(State::None) };
        let look = self.promptly(self.asking.look(&held.frame, act, scope, &held.id())).await?;
        Ok(match look.found {
            Found::Output(output) => State::Found(Slot::Known(Value::from_json(&output))),
            Found::Undecided(because) => State::Failed(because),
            Found::Failed(error) => State::Failed(error.message),
        })
    }

    /// Records a verdict, and stops where it says so. Verdicts that let pass go with the next commit.
    fn settle(&self, held: &Held, judged: &Judged, moment: &str, path: &str) -> Result<(), Halt> {
        let path = Some(path).filter(|path| !path.is_empty());
        let judged = &self.lift(held, judged, moment, path)?;
        self.note_verdict(held, judged, moment, path)?;
        if !judged.stops() {
            return Ok(());
        }
        Err(Halt::Failed {
            failure: Box::new(Failure {
                code: "guard".to_owned(),
                message: judging::words(held, judged),
                step: path.map(str::to_owned),
                check: None,
                guard: Some(held.id()),
                attempt: None,
            }),
            state: if matches!(moment, "before" | "undo" | "resume") { StepState::Refused } else { StepState::Failed },
            undo: held.guard().on_violation == OnFailure::Undo,
        })
    }

    fn note_verdict(&self, held: &Held, judged: &Judged, moment: &str, path: Option<&str>) -> Result<(), Error> {
        let verdict = GuardVerdict {
            guard: held.id(),
            moment: moment.to_owned(),
            verdict: judged.verdict,
            act: path.map(str::to_owned),
            detail: judged.detail.clone(),
        };
        self.book().note(path, None, Event::GuardVerdict(verdict))
    }

    fn on_undo(&self) -> Option<Vec<String>> {
        self.on_undo.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_undoing(&self) -> bool {
        self.on_undo.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Remembers an input that failed, for `once_failed` within this run.
    pub(super) fn remember_failure(&self, action: &str, with: &Digest, subject: Option<Digest>) {
        let failed = FailedInput { action: action.to_owned(), with: with.clone(), subject };
        self.failed_inputs.lock().unwrap_or_else(PoisonError::into_inner).push(failed);
    }
}

/// At the moment of the effect nothing may be undecided any more: what is counts as violated.
fn decided(judged: Judged) -> Judged {
    use crate::event::state::Verdict;
    match judged.verdict {
        Verdict::Undecided => Judged { verdict: Verdict::Undecidable, ..judged },
        _ => judged,
    }
}
