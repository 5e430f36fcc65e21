//! Running a plan: asks the run what may come next, does it through actions, appends to the ledger, tells the observer.
//!
//! The order is the promise. Guards, then preconditions, then the intent is durable, then the effect, then its outcome.
//! A ledger that cannot be written stops the run before the effect.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};
use tokio::sync::watch;

use crate::action::sealed::Secrets;
use crate::event::fact::{Event, Fact, PlanRecorded, RunBegin};
use crate::event::people::Signed;
use crate::event::state::{Failure, RunStatus, StepState, Verdict};
use crate::host::Host;
use crate::id::{Name, RunId};
use crate::past::Past;
use crate::plan::failed::What;
use crate::plan::{Plan, Setting, Status};
use crate::procedure::Work;
use crate::question::Asking;
use crate::run::Run;
use crate::template::scope::Scope;

mod act;
pub mod anchoring;
mod anchors;
mod bodies;
mod book;
pub mod cancel;
mod checks;
pub mod consents;
mod ending;
mod entering;
mod gate;
mod guards;
mod halt;
pub mod holding;
mod keeping;
pub mod lending;
pub mod noting;
mod open;
pub mod people;
mod places;
mod requests;
pub mod resume;
mod steps;
mod torn;
mod tries;
mod undo;
pub mod waiting;

#[cfg(test)]
mod tests;

use book::Book;
pub use book::Keeper;
use consents::Consents;
use halt::Halt;
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

/// How often somebody may have left something in the inbox of the ledger. It is read before each move anyhow; a knock is
/// for what takes long.
pub type Knocks = watch::Receiver<u64>;

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
    /// Whether something may lie in the inbox of the ledger.
    pub knocks: Knocks,
    /// What happened before, without this run.
    pub history: &'a Past,
    /// What people brought that they signed.
    pub consents: &'a dyn Consents,
    /// A wait that is longer gives the ledger up meanwhile; [`waiting::LENDS_AFTER`] but in tests.
    pub lends_after: std::time::Duration,
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
    /// An entry of the run does not say what its kind says.
    #[error("entry {seq} of the ledger cannot be understood: {why}")]
    Entry {
        /// Which entry.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
    /// Another run holds a lock that this one needs; nothing was done.
    #[error("lock `{}` is held by run {}, since {}", .0.lock, .0.holding.run, .0.holding.since)]
    Busy(Box<holding::Busy>),
    /// Who moves the run is not whom the procedure asks for; nothing was done.
    #[error("{why}")]
    Actor {
        /// What is asked for and is not so.
        why: String,
    },
    /// Nobody has reviewed the procedure, or one that it calls; nothing was done.
    #[error("`{name}` is a draft, and is not run")]
    Draft {
        /// Which.
        name: Name,
    },
    /// What somebody signed does not count; nothing was done.
    #[error(transparent)]
    Consent(#[from] crate::consent::Error),
    /// The run's actor could not sign; nothing was done.
    #[error("the run cannot be signed for: {why}")]
    NotSigned {
        /// Why not.
        why: String,
    },
    /// An approval is for a run that waits for none.
    #[error("run {run} does not wait for an approval")]
    NotWaiting {
        /// The run.
        run: RunId,
    },
    /// While the run waited here and the ledger was free, another process went on with it or ended it.
    #[error("run {run} was {} by another process while it waited here", overtaken(*status))]
    Overtaken {
        /// The run.
        run: RunId,
        /// How it stands now; none while it moves.
        status: Option<RunStatus>,
    },
    /// The ledger could not be looked at.
    #[error("the ledger cannot be copied to be read: {why}")]
    Scratch {
        /// What the machine said.
        why: String,
    },
    /// The engine broke its own rules.
    #[error(transparent)]
    Illegal(#[from] crate::run::IllegalEvent),
}

fn overtaken(status: Option<RunStatus>) -> &'static str {
    match status {
        Some(RunStatus::Cancelled) => "cancelled",
        _ => "gone on with",
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
    // What stands before the paths of steps that always run last, once their turn has come.
    finishing: Mutex<Vec<String>>,
    // How many reasons there are to keep the ledger during a long wait: a `parallel`, whose lanes share it.
    keeping: AtomicU32,
}

/// Runs a plan that was made just now, and keeps the record.
///
/// # Errors
/// When the record cannot be kept; everything else is how the run ended.
pub async fn execute(means: &Means<'_>, plan: &Plan, run: RunId, ledger: &mut dyn Keeper) -> Result<Ended, Error> {
    if let Some(name) = plan.view.drafts.first() {
        return Err(Error::Draft { name: name.clone() });
    }
    let runner = Runner::new(means, plan, Run::new(run), ledger);
    let signed = runner.admitted()?;
    runner.recheck_waivers()?;
    if plan.view.options.offline {
        runner.learn_secrets().await;
    }
    let outcome = match (plan.view.may_begin(), runner.begin(signed)?) {
        (true, None) => runner.work().await,
        (true, Some(busy)) => Err(holding::busy(&busy, None)),
        _ => Err(runner.refusal()),
    };
    runner.finish(outcome).await
}

impl<'a> Runner<'a> {
    fn new(means: &'a Means<'a>, plan: &'a Plan, run: Run, ledger: &'a mut dyn Keeper) -> Self {
        let started_at = plan.view.created_at;
        let probe: &dyn crate::host::Probe = means.host;
        let base = crate::plan::base_scope(means.setting, &run.id, started_at, probe);
        let (registry, custody) = (&*means.setting.registry, &means.setting.custody);
        let asking = Asking { registry, probe, run: run.id.clone(), started_at, custody };
        let book = Book::new(ledger, run, means, probe);
        Self {
            means,
            plan,
            asking,
            base,
            book: Mutex::new(book),
            undoable: Mutex::new(Vec::new()),
            failed_inputs: Mutex::new(Vec::new()),
            on_undo: Mutex::new(None),
            finishing: Mutex::new(Vec::new()),
            keeping: AtomicU32::new(0),
        }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book<'a>> {
        // A panic while a fact is noted cannot leave half a fact: the book pushes whole ones.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process that has not looked has read no secret, and what is not known is not masked. What cannot be read now is
    /// an error where it is used.
    async fn learn_secrets(&self) {
        let custody = Arc::clone(&self.means.setting.custody);
        let secrets =
            Secrets { bound: self.plan.root.secrets.clone(), custody, by: "run".to_owned(), kept: Vec::new() };
        for place in secrets.bound.values() {
            let _ = secrets.fetch(Some(&place.name), &place.store, &place.key, self.means.host).await;
        }
    }

    /// Says that the run begins, with its locks; gives the one that another run holds.
    fn begin(&self, signed: Option<Signed>) -> Result<Option<holding::Busy>, Error> {
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
                plan_id: Some(view.plan.clone()),
                planned_by: Some(view.made_by.clone()).filter(|by| !by.is_empty() && *by != self.means.setting.actor),
                signed,
            }),
        )?;
        book.note(None, None, Event::PlanRecorded(PlanRecorded { digest: view.digest.clone(), content, call: None }))?;
        drop(book);
        let begins = view.may_begin();
        let busy = if begins { self.take_locks(&view.lock_names())? } else { None };
        let mut book = self.book();
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
        if begins && !self.plan.waivers.is_empty() {
            drop(book);
            self.use_waivers_of_plan()?;
            book = self.book();
        }
        // A plan that only looks finds the end out by itself. What failed then must be on record like what fails in a
        // run, or the same bytes would be tried again.
        let failed = view.verify.iter().filter(|checked| checked.verdict == Verdict::NotMet);
        for checked in failed.filter(|_| !begins && view.status == Status::Failed) {
            book.note(None, None, Event::VerifyResult(checked.clone()))?;
        }
        if !begins {
            for failed in &view.failed {
                let (attempt, event) = match &failed.what {
                    What::Precondition(checked) => (None, Event::PreconditionResult(checked.clone())),
                    What::Verify(checked) => (None, Event::VerifyResult(checked.clone())),
                    What::Read(read) => (Some(1), Event::StepResult(read.result(view.created_at))),
                };
                book.note(Some(&failed.step), attempt, event)?;
            }
        }
        book.flush()?;
        Ok(busy)
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
        self.attend("")?;
        self.plan_consent()?;
        self.open_preconditions(root).await?;
        let procedure = Arc::clone(&root.procedure);
        let work = match &procedure.work {
            Work::Steps(work) => work,
            Work::Items(items) => return self.items(root, items).await,
        };
        let failed = self.steps(root, &work.steps).await?;
        match failed {
            Some(failure) => Err(Halt::of(failure, StepState::Failed)),
            None => self.verify(root, &work.verify, None).await,
        }
    }
}

/// A fact of this run, for the observer and the ledger.
fn fact_of(run: &Run, actor: &str, step: Option<&str>, attempt: Option<u32>, event: Event) -> Fact {
    Fact { run: run.id.clone(), step: step.map(str::to_owned), attempt, actor: Some(actor.to_owned()), event }
}
