//! `gate`: checklists are asked, and what came of them is recorded, shown and written for whoever reads it.
//!
//! A gate changes nothing but the ledger. What was asked stands in a report; each format is one reading of it.

use std::sync::{Arc, Mutex, PoisonError};

use engine::event::fact::{Event, Fact};
use engine::event::gate::GateResult;
use engine::execute::{Ended, Interrupts, Keeper, Means, Observer, execute};
use engine::host::Probe as _;
use engine::id::RunId;
use engine::plan::Plan;

use super::Context;
use super::run::{Doing, signals, wait_for};
use crate::args::Gate;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::signed_file::Bearer;
use crate::setup::{Session, own_ledger};
use crate::ui::people::{self, Operator};
use crate::ui::progress::Progress;

mod answers;
mod asked;
mod formats;
mod report;
mod unrecorded;

pub use report::View;
use report::{Checklist, Report};
use unrecorded::Unrecorded;

pub fn run(context: &Context, args: &Gate) -> Result<Exit, Refusal> {
    formats::refuse_two_on_stdout(&args.outputs)?;
    let wait = args.wait_lock.as_deref().map(|text| wait_for("--wait-lock", text)).transpose()?;
    let mut sessions = asked::sessions(context, args)?;
    let answers = answers::read(args, &sessions)?;
    if !args.no_record {
        for session in &mut sessions {
            session.promise_fingerprints()?;
        }
    }
    for session in &sessions {
        super::warn(context, &session.loaded);
    }
    let asking = Asking { context, sessions: &sessions, answers: &answers };
    let runtime = super::runtime()?;
    let report = runtime.block_on(async {
        let _kept = (signals::survive_full_files(), people::Settings::keep());
        if args.no_record { asking.unrecorded().await } else { asking.recorded(wait).await }
    });
    // Work that was given up must not hold up the end of the program.
    runtime.shutdown_background();
    let report = report?;
    formats::write_all(&context.ui, &args.outputs, &report)?;
    Ok(report.exit())
}

/// All checklists of one call.
struct Asking<'a> {
    context: &'a Context,
    sessions: &'a [Session],
    answers: &'a answers::All,
}

impl Asking<'_> {
    async fn unrecorded(&self) -> Result<Report, Refusal> {
        self.all(&mut Unrecorded::default(), false).await
    }

    async fn recorded(&self, wait: Option<engine::time::Duration>) -> Result<Report, Refusal> {
        let Some(session) = self.sessions.first() else { return Ok(Report::default()) };
        let ui = &self.context.ui;
        if own_ledger::key(&session.workspace)?.is_none() {
            // What is wrong with the request is said before a ledger is made for it.
            for session in self.sessions {
                let run = session.new_run()?;
                let past = session.past(run.clone(), None);
                let setting = session.setting(&past)?;
                session.plan(&setting, session.new_run()?.to_string(), run, &past).await?;
            }
            own_ledger::make(&session.workspace, &session.machine)?;
            ui.note(&format!("made the ledger {}", files::shown(&session.workspace.ledger())));
        }
        session.make_fingerprints()?;
        let doing = Doing { context: self.context, session, recorded: None, approvals: Vec::new(), wait };
        let mut ledger = doing.open_ledger().await?;
        let report = self.all(&mut ledger, true).await;
        if let Err(error) = ledger.close(session.machine.now()) {
            // The result is durable and signed; what failed is only the writer's farewell.
            ui.error(&format!("{}: the ledger was not closed in good order: {error}", ui.err.yellow("warning")));
        }
        report
    }

    /// Asks one after another; who asks to stop is not asked the rest.
    async fn all(&self, keeper: &mut dyn Moving, recorded: bool) -> Result<Report, Refusal> {
        let mut report = Report { several: self.sessions.len() > 1, ..Report::default() };
        let mut interrupts = None;
        for session in self.sessions {
            let asked = self.one(session, keeper, recorded, &mut interrupts).await?;
            let stopped = asked.exit == Exit::Cancelled;
            report.checklists.push(asked);
            if stopped {
                break;
            }
        }
        for path in self.answers.unasked() {
            let ui = &self.context.ui;
            ui.error(&format!("{}: `{path}` was answered and never asked", ui.err.yellow("warning")));
        }
        Ok(report)
    }

    async fn one(
        &self,
        session: &Session,
        keeper: &mut dyn Moving,
        recorded: bool,
        interrupts: &mut Option<Interrupts>,
    ) -> Result<Checklist, Refusal> {
        let begun = session.machine.now();
        let run = session.new_run()?;
        // Our own copy of the ledger, where this process is not its writer.
        let records = if recorded { None } else { own_ledger::records(&session.workspace, &session.machine)? };
        let past = session.past(run.clone(), records);
        let setting = session.setting(&past)?;
        let plan = session.plan(&setting, session.new_run()?.to_string(), run.clone(), &past).await?;
        keeper.moves(Some(&run));
        let progress = Arc::new(Progress::new(Arc::clone(&self.context.ui), &plan.view));
        let interrupts = interrupts.get_or_insert_with(|| signals::listen(Arc::clone(&progress))).clone();
        let people = Operator { answers: self.answers.of(&session.request.procedure), progress: Arc::clone(&progress) };
        let listener = Listener { progress: Arc::clone(&progress), result: Mutex::default() };
        let means = Means {
            setting: &setting,
            host: &session.machine,
            people: &people,
            observer: &listener,
            interrupts,
            knocks: signals::knocks(session.workspace.ledger()),
            history: &past,
            lends_after: engine::execute::waiting::LENDS_AFTER,
            consents: &Bearer { signer: session.who.signer.as_ref(), approvals: Vec::new() },
        };
        let ended = execute(&means, &plan, run, keeper.keeper()).await;
        progress.finish();
        keeper.moves(None);
        let ended = ended?;
        self.answers.asked(&session.request.procedure, &people.answers);
        let result = listener.result.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.checklist(session, &plan, &ended, result.as_ref(), recorded, begun))
    }

    fn checklist(
        &self,
        session: &Session,
        plan: &Plan,
        ended: &Ended,
        result: Option<&GateResult>,
        recorded: bool,
        begun: engine::time::Timestamp,
    ) -> Checklist {
        let file = match &session.loaded.origin {
            engine::library::Origin::File(path) => Some(path.clone()),
            engine::library::Origin::BuiltIn => None,
        };
        let source = asked::source(self.context, &plan.view.procedure);
        let took = session.machine.now().microseconds().saturating_sub(begun.microseconds());
        let took = std::time::Duration::from_micros(u64::try_from(took).unwrap_or_default());
        report::checklist(plan, ended, result, &report::Circumstances { source, file, recorded, took })
    }
}

/// A keeper that says which run moves.
trait Moving {
    fn moves(&mut self, run: Option<&RunId>);
    fn keeper(&mut self) -> &mut dyn Keeper;
}

impl Moving for engine::ledger::Ledger {
    fn moves(&mut self, run: Option<&RunId>) {
        Self::moves(self, run);
    }

    fn keeper(&mut self) -> &mut dyn Keeper {
        self
    }
}

impl Moving for Unrecorded {
    fn moves(&mut self, _: Option<&RunId>) {}

    fn keeper(&mut self) -> &mut dyn Keeper {
        self
    }
}

/// Hears what came of the checklist; items are shown at the end, all together.
struct Listener {
    progress: Arc<Progress>,
    result: Mutex<Option<GateResult>>,
}

impl Observer for Listener {
    fn saw(&self, fact: &Fact) {
        if let Event::GateResult(result) = &fact.event {
            // Nothing is left half-written by a panic: the result is put in whole.
            *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.clone());
        }
        if !(self.progress.is_for_people() && matches!(fact.event, Event::VerifyResult(_))) {
            self.progress.saw(fact);
        }
    }

    fn busy(&self, item: &str, doing: &str) {
        self.progress.busy(item, doing);
    }
}
