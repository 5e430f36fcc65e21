//! An action as a step: in rounds until it is enough, each tried again where that is allowed.

use serde_json::Value as Json;

use super::act::{Attempt, Done};
use super::steps::{Turn, undecidable, view};
use super::waiting::interrupted;
use super::{Halt, Runner};
use crate::event::state::StepState;
use crate::procedure::check::Act;
use crate::procedure::step::{Repeat, Retry};
use crate::template::Outcome as Known;
use crate::template::scope::Slot;
use crate::template::value::Value;
use crate::time::Duration;

impl Runner<'_> {
    pub(super) async fn action(&self, turn: &Turn<'_>, act: &Act) -> Result<Slot, Halt> {
        let rounds = match &turn.step.repeat {
            Some(repeat) => self.count(&repeat.max, &turn.scope, &turn.path)?,
            None => 1,
        };
        // Rounds of an earlier life of the run count.
        let mut number = self.book().run.step(&turn.path).map_or(0, |record| record.attempts);
        for _ in 0..rounds {
            let output = match self.attempts(turn, act, &mut number).await? {
                Done::Gave(output) => output,
                Done::NoChange(output) => {
                    let because = "it is so already".to_owned();
                    self.skip(&turn.path, StepState::NoChange, because, Some(output.clone()))?;
                    return Ok(view(StepState::NoChange, Some(output)).slot());
                }
                Done::Transient(halt) => return Err(halt),
            };
            if !self.is_read(act) {
                self.guard_after(turn.frame, &turn.path).await?;
            }
            let Some(repeat) = &turn.step.repeat else { return Ok(self.recorded_view(&turn.path)) };
            if self.is_enough(turn, repeat, &output)? {
                return Ok(self.recorded_view(&turn.path));
            }
            if *self.means.interrupts.borrow() > 0 {
                return Err(interrupted(Some(&turn.path)));
            }
        }
        let until = turn.step.repeat.as_ref().map(|repeat| repeat.until.source()).unwrap_or_default();
        Err(Halt::failed(
            "repeat_exhausted",
            format!("after {rounds} rounds `{until}` is still false"),
            Some(&turn.path),
        ))
    }

    pub(super) fn is_enough(&self, turn: &Turn<'_>, repeat: &Repeat, output: &Json) -> Result<bool, Halt> {
        let scope = turn.scope.clone().with("result", Slot::Known(Value::from_json(output)));
        match repeat.until.decide(&scope) {
            Ok(Known::Known(enough)) => Ok(enough),
            Ok(Known::Undecided(because)) => Err(undecidable("repeat.until", &turn.path, &because.join("; "))),
            Err(error) => Err(undecidable("repeat.until", &turn.path, &error.to_string())),
        }
    }

    /// Tries, and tries again what may succeed a little later.
    async fn attempts(&self, turn: &Turn<'_>, act: &Act, number: &mut u32) -> Result<Done, Halt> {
        let retry = turn.step.retry.as_ref();
        let attempts = match retry {
            Some(retry) => self.count(&retry.attempts, &turn.scope, &turn.path)?,
            None => 1,
        };
        let mut pause = self.first_pause(turn, retry)?;
        for left in (0..attempts).rev() {
            *number += 1;
            let attempt =
                Attempt { frame: turn.frame, step: turn.step, path: &turn.path, scope: &turn.scope, number: *number };
            let done = if self.is_read(act) {
                self.read_once(&attempt, act).await?
            } else {
                self.effect_once(&attempt, act).await?
            };
            match done {
                Done::Transient(halt) if left == 0 => return Err(halt),
                Done::Transient(_) => {
                    self.book().flush()?;
                    self.means.observer.busy(&turn.path, "tries again after a pause");
                    let until = tokio::time::Instant::now() + pause.as_std();
                    let sleeping = self.sleep_until(until, &turn.path);
                    self.patiently(turn.frame, &turn.path, Some(pause), sleeping).await?;
                    pause = self.next_pause(turn, retry, pause)?;
                }
                done => return Ok(done),
            }
        }
        Err(Halt::failed("undecidable", "no attempt was allowed", Some(&turn.path)))
    }

    fn first_pause(&self, turn: &Turn<'_>, retry: Option<&Retry>) -> Result<Duration, Halt> {
        match retry.and_then(|retry| retry.backoff.as_ref()) {
            Some(backoff) => self.duration(backoff, &turn.scope, &turn.path),
            None => Ok(Duration::from_seconds(1)),
        }
    }

    fn next_pause(&self, turn: &Turn<'_>, retry: Option<&Retry>, pause: Duration) -> Result<Duration, Halt> {
        let Some(retry) = retry else { return Ok(pause) };
        let next = pause.times(retry.factor);
        match &retry.max {
            Some(max) => Ok(next.min(self.duration(max, &turn.scope, &turn.path)?)),
            None => Ok(next),
        }
    }
}
