//! How a run ends: undone or left as it is, with what it gave, the advice that fits, and a signed checkpoint.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::consents::REJECTED;
use super::{Checkpoint, Ended, Error, Halt, Runner};
use crate::event::fact::{Event, RunEnd, RunSuspended};
use crate::event::people::Sought;
use crate::event::state::{Failure, RunStatus, StepState};
use crate::frame::Frame;
use crate::plan::Status;
use crate::plan::advice::advice;
use crate::procedure::Work;
use crate::procedure::step::OnFailure;
use crate::run::Run;
use crate::template::Outcome as Known;

impl Runner<'_> {
    /// Ends, and says so without the secrets that an error or output may hold.
    pub(super) async fn finish(&self, outcome: Result<(), Halt>) -> Result<Ended, Error> {
        let mut ended = self.end(outcome).await?;
        let masker = self.means.setting.custody.masker();
        ended.failure.iter_mut().for_each(|failure| failure.mask(&masker));
        ended.outputs.values_mut().for_each(|output| masker.clean_json(output));
        if let Some((_, advice)) = &mut ended.advice {
            masker.clean(advice);
        }
        Ok(ended)
    }

    async fn end(&self, outcome: Result<(), Halt>) -> Result<Ended, Error> {
        let root = Arc::clone(&self.plan.root);
        let (status, failure) = match outcome {
            Ok(()) => (RunStatus::Succeeded, None),
            Err(Halt::Record(error)) => return Err(*error),
            // A gate is asked anew: nothing was done that one could go on from.
            Err(Halt::Suspended { because, detail, .. }) if matches!(root.procedure.work, Work::Items(_)) => {
                // Outside of its items a gate asks people in preconditions alone.
                let (status, code) = match because {
                    "answer" => (RunStatus::Refused, "precondition"),
                    _ => (RunStatus::Cancelled, "cancelled"),
                };
                let code = code.to_owned();
                let failure = Failure { code, message: detail, step: None, check: None, guard: None, attempt: None };
                (status, Some(failure))
            }
            Err(Halt::Suspended { because, detail, step, sought }) => {
                return self.suspend(because, detail, step, sought);
            }
            Err(Halt::Unknown(failure)) => (RunStatus::Unknown, Some(*failure)),
            Err(Halt::Cancelled(reason)) => (RunStatus::Cancelled, Some(super::cancel::failure(&reason))),
            Err(Halt::Failed { failure, state, undo }) => self.after_failure(*failure, state, undo).await?,
        };
        let (status, failure) = match status {
            // Not ended: someone has to say what happened before anything else is done.
            RunStatus::Unknown => (status, failure),
            _ => self.finally(&root, status, failure).await?,
        };
        let (status, failure, outputs) = match status {
            RunStatus::Succeeded => self.outputs(&root),
            _ => (status, failure, Map::new()),
        };
        let advice = failure.as_ref().and_then(|failure| advice(&root, failure));
        let advice = advice.map(|advice| (advice.title, advice.advice));
        let mut book = self.book();
        if status == RunStatus::Unknown {
            // It has not ended: what happened is found out first, then it goes on.
            book.flush()?;
            let checkpoint = Some(book.checkpoint()?);
            return Ok(Ended { run: book.run.clone(), status, failure, advice, outputs, checkpoint });
        }
        drop(book);
        self.release_locks(status)?;
        let mut book = self.book();
        let steps = book.run.steps().map(|(path, step)| (path.to_owned(), step.state)).collect();
        let entries = book.run.facts;
        let end = RunEnd { status, outputs: outputs.clone(), error: failure.clone(), steps, entries };
        book.note(None, None, Event::RunEnd(end))?;
        book.flush()?;
        let checkpoint = book.checkpoint()?;
        Ok(Ended { run: book.run.clone(), status, failure, advice, outputs, checkpoint: Some(checkpoint) })
    }

    fn suspend(
        &self,
        because: &str,
        detail: String,
        step: Option<String>,
        sought: Option<Box<Sought>>,
    ) -> Result<Ended, Error> {
        let mut book = self.book();
        if let Some(checkpoint) = book.checkpoint_of_leaving() {
            // It is suspended on record, and another process has the ledger.
            let run = book.run_as_left();
            return Ok(suspended(run, because, detail, step, checkpoint));
        }
        let event = RunSuspended { because: because.to_owned(), detail: detail.clone(), sought };
        book.note(step.as_deref(), None, Event::RunSuspended(event))?;
        book.flush()?;
        let checkpoint = book.checkpoint()?;
        Ok(suspended(book.run.clone(), because, detail, step, checkpoint))
    }

    async fn after_failure(
        &self,
        failure: Failure,
        state: StepState,
        undo: bool,
    ) -> Result<(RunStatus, Option<Failure>), Error> {
        let had_effect = self.book().run.had_effect();
        if !had_effect && undo && failure.code == "undo" {
            // Nothing was done, so all of it is taken back.
            return Ok((RunStatus::Undone, Some(failure)));
        }
        if !had_effect && failure.code == REJECTED {
            return Ok((RunStatus::Rejected, Some(failure)));
        }
        if !had_effect {
            let refused = matches!(state, StepState::Refused);
            return Ok((if refused { RunStatus::Refused } else { RunStatus::Failed }, Some(failure)));
        }
        let wants_undo =
            matches!(&self.plan.root.procedure.work, Work::Steps(work) if work.on_failure == OnFailure::Undo);
        if !(undo || wants_undo) {
            let status = if failure.code == REJECTED { RunStatus::Rejected } else { RunStatus::Failed };
            return Ok((status, Some(failure)));
        }
        let status = self.undo_all().await?;
        Ok((status, Some(failure)))
    }

    async fn finally(
        &self,
        root: &Arc<Frame>,
        status: RunStatus,
        failure: Option<Failure>,
    ) -> Result<(RunStatus, Option<Failure>), Error> {
        let procedure = Arc::clone(&root.procedure);
        let Work::Steps(work) = &procedure.work else { return Ok((status, failure)) };
        // A run that was refused before its first step did nothing that `finally` would have to put in order.
        let nothing_done = status == RunStatus::Rejected && !self.book().run.had_effect();
        if work.finally.is_empty() || self.plan.view.status != Status::Ready || nothing_done {
            return Ok((status, failure));
        }
        self.begin_finishing("");
        let (failed, status) = match self.steps(root, &work.finally).await {
            Ok(failed) => (failed, status),
            Err(Halt::Record(error)) => return Err(*error),
            Err(Halt::Unknown(failure)) => (Some(*failure), RunStatus::Unknown),
            Err(Halt::Failed { failure, .. }) => (Some(*failure), status),
            Err(Halt::Cancelled(reason)) => (Some(super::cancel::failure(&reason)), status),
            Err(Halt::Suspended { detail, step, .. }) => match Halt::failed("no_answer", detail, step.as_deref()) {
                Halt::Failed { failure, .. } => (Some(*failure), status),
                _ => (None, status),
            },
        };
        match (failed, status) {
            (Some(late), RunStatus::Succeeded) => Ok((RunStatus::Failed, Some(late))),
            (late, status) => Ok((status, failure.or(late))),
        }
    }

    fn outputs(&self, root: &Arc<Frame>) -> (RunStatus, Option<Failure>, Map<String, Json>) {
        let scope = root.scope();
        let mut outputs = Map::new();
        for (name, data) in &root.procedure.outputs {
            let why = match data.render(&scope) {
                Ok(Known::Known(value)) => {
                    outputs.insert(name.to_string(), value);
                    continue;
                }
                Ok(Known::Undecided(because)) => because.join("; "),
                Err(error) => error.to_string(),
            };
            let message = format!("output `{name}` cannot be rendered: {why}");
            let Halt::Failed { failure, .. } = Halt::failed("undecidable", message, None) else { continue };
            return (RunStatus::Failed, Some(*failure), Map::new());
        }
        (RunStatus::Succeeded, None, outputs)
    }
}

fn suspended(run: Run, because: &str, detail: String, step: Option<String>, checkpoint: Checkpoint) -> Ended {
    let failure = Failure { code: because.to_owned(), message: detail, step, check: None, guard: None, attempt: None };
    Ended {
        run,
        status: RunStatus::Suspended,
        failure: Some(failure),
        advice: None,
        outputs: Map::new(),
        checkpoint: Some(checkpoint),
    }
}
