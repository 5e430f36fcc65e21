//! Running a plan: asks the run what may come next, does it through actions, appends to the ledger, tells the observer.
//!
//! The order is the promise. Guards, then preconditions, then the intent is durable, then the effect, then its outcome.
//! A ledger that cannot be written stops the run before the effect.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};
use tokio::sync::watch;

use crate::event::fact::{Event, Fact, PlanRecorded, RunBegin, RunEnd, RunSuspended};
use crate::event::state::{Failure, RunStatus, StepState};
use crate::frame::Frame;
use crate::host::Host;
use crate::id::RunId;
use crate::ledger::Ledger;
use crate::past::Past;
use crate::plan::{Plan, Setting, Status};
use crate::procedure::{OnFailure, Work};
use crate::question::Asking;
use crate::run::Run;
use crate::template::Outcome as Known;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

mod act;
mod bodies;
mod book;
mod checks;
mod guards;
pub mod people;
mod steps;
mod tries;
mod undo;

use book::Book;
use people::People;

/// Is told what happened, after it is in the ledger; nothing it does can fail a run.
pub trait Observer: Send + Sync {
    /// A fact is durable.
    fn saw(&self, fact: &Fact);

    /// A step is being looked after; not a fact, only for progress.
    fn busy(&self, step: &str, doing: &str);
}

/// How often the operator has asked to stop: once ends the run after the current step, twice ends the step.
pub type Interrupts = watch::Receiver<u8>;

/// What a run is given besides its plan.
pub struct Means<'a> {
    /// Workspace, actions and procedures.
    pub setting: &'a Setting,
    /// The machine.
    pub host: &'a dyn Host,
    /// Who answers.
    pub people: &'a dyn People,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// Whether to stop.
    pub interrupts: Interrupts,
    /// What happened before, without this run.
    pub history: &'a Past,
}

/// How a run ended, or where it stands.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The run as its events tell it.
    pub run: Run,
    /// How it ended.
    pub status: RunStatus,
    /// What went wrong first.
    pub failure: Option<Failure>,
    /// The advice that fits what went wrong: title and text.
    pub advice: Option<(String, String)>,
    /// What it gave.
    pub outputs: Map<String, Json>,
    /// The checkpoint that covers its end.
    pub checkpoint: Option<Checkpoint>,
}

/// The signed checkpoint at a run's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many entries it covers.
    pub size: u64,
    /// Where it is.
    pub path: std::path::PathBuf,
}

/// Why a run could not go on and could not even say so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger could not be written; nothing was done after that.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::error::Error),
    /// The engine broke its own rules.
    #[error(transparent)]
    Illegal(#[from] crate::run::IllegalEvent),
}

/// Why a step does not go on.
#[derive(Debug)]
enum Halt {
    /// Something went wrong; the step's state says how.
    Failed { failure: Box<Failure>, state: StepState, undo: bool },
    /// It waits for somebody, or was asked to stop between two steps.
    Suspended { because: &'static str, detail: String, step: Option<String> },
    /// An effect may or may not have happened.
    Unknown(Box<Failure>),
    /// The record cannot be kept.
    Record(Box<Error>),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Record(Box::new(error))
    }
}

impl Halt {
    fn failed(code: &str, message: impl Into<String>, step: Option<&str>) -> Self {
        let failure = Failure {
            code: code.to_owned(),
            message: message.into(),
            step: step.map(str::to_owned),
            check: None,
            guard: None,
            attempt: None,
        };
        Self::of(failure, StepState::Failed)
    }

    fn of(failure: Failure, state: StepState) -> Self {
        Self::Failed { failure: Box::new(failure), state, undo: false }
    }
}

/// A run under way.
struct Runner<'a> {
    means: &'a Means<'a>,
    plan: &'a Plan,
    asking: Asking<'a>,
    base: Scope,
    book: Mutex<Book<'a>>,
    // What can be undone, in the order of the intents: where it stands, to find its `undo` again.
    undoable: Mutex<Vec<undo::Undoable>>,
    // Reads and acts of this run that failed: `once_failed` holds within a run as well.
    failed_inputs: Mutex<Vec<guards::FailedInput>>,
    on_undo: Mutex<Option<Vec<String>>>,
}

/// Runs a plan that was made just now, and keeps the record.
///
/// # Errors
/// When the record cannot be kept; everything else is how the run ended.
pub async fn execute(means: &Means<'_>, plan: &Plan, run: RunId, ledger: &mut Ledger) -> Result<Ended, Error> {
    let started_at = plan.view.created_at;
    let probe: &dyn crate::host::Probe = means.host;
    let base = crate::plan::base_scope(means.setting, &run, started_at, probe);
    let asking = Asking { registry: &means.setting.registry, probe, run: run.clone(), started_at };
    let book = Book::new(ledger, run, means.setting.actor.clone(), means.observer, probe);
    let runner = Runner {
        means,
        plan,
        asking,
        base,
        book: Mutex::new(book),
        undoable: Mutex::new(Vec::new()),
        failed_inputs: Mutex::new(Vec::new()),
        on_undo: Mutex::new(None),
    };
    runner.begin()?;
    let outcome = match plan.view.status {
        Status::Ready => runner.work().await,
        _ => Err(runner.refusal()),
    };
    runner.end(outcome).await
}

impl<'a> Runner<'a> {
    fn book(&self) -> std::sync::MutexGuard<'_, Book<'a>> {
        // A panic while a fact is noted cannot leave half a fact: the book pushes whole ones.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<(), Error> {
        let view = &self.plan.view;
        let procedure = &self.plan.root.procedure;
        let documents: Map<String, Json> = self
            .means
            .setting
            .procedures
            .values()
            .map(|procedure| (procedure.name.to_string(), procedure.document.clone()))
            .collect();
        let frozen = json!({ "plan": view, "documents": documents });
        let mut book = self.book();
        let content = book.keep(frozen.to_string().as_bytes())?;
        book.note(
            None,
            None,
            Event::RunBegin(RunBegin {
                procedure: procedure.name.clone(),
                version: procedure.version.clone(),
                document: procedure.digest(),
                environment: view.environment.as_str().to_owned(),
                parameters: view.parameters.clone(),
                plan: view.digest.clone(),
            }),
        )?;
        book.note(None, None, Event::PlanRecorded(PlanRecorded { digest: view.digest.clone(), content }))?;
        for checked in &view.preconditions {
            let event = Event::PreconditionResult(checked.clone());
            book.note(None, None, event)?;
        }
        for guard in &view.guards {
            book.note(
                None,
                None,
                Event::GuardVerdict(crate::event::fact::GuardVerdict {
                    guard: guard.id.clone(),
                    moment: "plan".to_owned(),
                    verdict: guard.verdict,
                    act: None,
                    detail: guard.detail.clone(),
                }),
            )?;
        }
        book.flush()
    }

    /// What the plan found that stands against running.
    fn refusal(&self) -> Halt {
        let failure = self.plan.view.error.clone();
        match failure {
            Some(failure) => {
                let state =
                    if self.plan.view.status == Status::Failed { StepState::Failed } else { StepState::Refused };
                Halt::of(failure, state)
            }
            None => Halt::failed("refused", "the plan does not allow it", None),
        }
    }

    async fn work(&self) -> Result<(), Halt> {
        let root = &self.plan.root;
        self.open_preconditions(root).await?;
        let procedure = Arc::clone(&root.procedure);
        let Work::Steps(work) = &procedure.work else {
            return Err(Halt::failed("not_a_procedure", "a checklist is run by `gate`", None));
        };
        let failed = self.steps(root, &work.steps).await?;
        match failed {
            Some(failure) => Err(Halt::of(failure, StepState::Failed)),
            None => self.verify(root, &work.verify, None).await,
        }
    }

    async fn end(&self, outcome: Result<(), Halt>) -> Result<Ended, Error> {
        let root = Arc::clone(&self.plan.root);
        let (status, failure) = match outcome {
            Ok(()) => (RunStatus::Succeeded, None),
            Err(Halt::Record(error)) => return Err(*error),
            Err(Halt::Suspended { because, detail, step }) => return self.suspend(because, detail, step),
            Err(Halt::Unknown(failure)) => (RunStatus::Unknown, Some(*failure)),
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
        let advice = failure.as_ref().and_then(|failure| self.advice(&root, failure));
        let mut book = self.book();
        if status == RunStatus::Unknown {
            // It has not ended: what happened is found out first, then it goes on.
            book.flush()?;
            let checkpoint = Some(book.checkpoint()?);
            return Ok(Ended { run: book.run.clone(), status, failure, advice, outputs, checkpoint });
        }
        let steps = book.run.steps().map(|(path, step)| (path.to_owned(), step.state)).collect();
        let entries = book.run.facts;
        let end = RunEnd { status, outputs: outputs.clone(), error: failure.clone(), steps, entries };
        book.note(None, None, Event::RunEnd(end))?;
        book.flush()?;
        let checkpoint = book.checkpoint()?;
        Ok(Ended { run: book.run.clone(), status, failure, advice, outputs, checkpoint: Some(checkpoint) })
    }

    fn suspend(&self, because: &str, detail: String, step: Option<String>) -> Result<Ended, Error> {
        let mut book = self.book();
        let event = RunSuspended { because: because.to_owned(), detail: detail.clone() };
        book.note(step.as_deref(), None, Event::RunSuspended(event))?;
        book.flush()?;
        let checkpoint = book.checkpoint()?;
        let failure =
            Failure { code: because.to_owned(), message: detail, step, check: None, guard: None, attempt: None };
        Ok(Ended {
            run: book.run.clone(),
            status: RunStatus::Suspended,
            failure: Some(failure),
            advice: None,
            outputs: Map::new(),
            checkpoint: Some(checkpoint),
        })
    }

    async fn after_failure(
        &self,
        failure: Failure,
        state: StepState,
        undo: bool,
    ) -> Result<(RunStatus, Option<Failure>), Error> {
        let had_effect = self.book().run.had_effect();
        if !had_effect {
            let refused = matches!(state, StepState::Refused);
            return Ok((if refused { RunStatus::Refused } else { RunStatus::Failed }, Some(failure)));
        }
        let wants_undo =
            matches!(&self.plan.root.procedure.work, Work::Steps(work) if work.on_failure == OnFailure::Undo);
        if !(undo || wants_undo) {
            return Ok((RunStatus::Failed, Some(failure)));
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
        if work.finally.is_empty() || self.plan.view.status != Status::Ready {
            return Ok((status, failure));
        }
        let (failed, status) = match self.steps(root, &work.finally).await {
            Ok(failed) => (failed, status),
            Err(Halt::Record(error)) => return Err(*error),
            Err(Halt::Unknown(failure)) => (Some(*failure), RunStatus::Unknown),
            Err(Halt::Failed { failure, .. }) => (Some(*failure), status),
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

    /// The first failure mode that fits.
    fn advice(&self, root: &Arc<Frame>, failure: &Failure) -> Option<(String, String)> {
        let scope = root.scope().with("error", error_slot(failure));
        let fits = |mode: &&crate::procedure::FailureMode| matches!(mode.when.decide(&scope), Ok(Known::Known(true)));
        let mode = root.procedure.failure_modes.iter().find(fits)?;
        let text = match mode.advice.render(&scope) {
            Ok(Known::Known(text)) => text,
            _ => mode.advice.source().to_owned(),
        };
        Some((mode.title.clone(), text))
    }
}

/// What `error` is in expressions: every member is there, and none where it does not apply.
fn error_slot(failure: &Failure) -> Slot {
    let json = json!({
        "code": failure.code, "message": failure.message, "step": failure.step, "check": failure.check,
        "guard": failure.guard, "attempt": failure.attempt,
    });
    Slot::Known(Value::from_json(&json))
}

/// A fact of this run, for the observer and the ledger.
fn fact_of(run: &Run, actor: &str, step: Option<&str>, attempt: Option<u32>, event: Event) -> Fact {
    Fact { run: run.id.clone(), step: step.map(str::to_owned), attempt, actor: Some(actor.to_owned()), event }
}
