//! `run`: a procedure is planned with the real machine and done, step by step, into the ledger.

use std::sync::Arc;
use std::time::Instant;

use engine::event::Kind;
use engine::event::people::Signed;
use engine::event::state::RunStatus;
use engine::execute::lending::Lendable;
use engine::execute::waiting::LENDS_AFTER;
use engine::execute::{Ended, Error, Means, execute, resume};
use engine::host::Probe as _;
use engine::id::{Name, RunId};
use engine::ledger::Ledger;
use engine::ledger::reader::{Filter, Reader};
use engine::past::Past;
use engine::plan::{Plan, Setting, Status, View as PlanView};
use engine::procedure::Risk;
use engine::time::Duration;
use serde_json::Value as Json;

use super::Context;
use crate::args::Run;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::signed_file::{self, Bearer};
use crate::setup::who::Signing;
use crate::setup::witnesses::{self, Witnessed};
use crate::setup::{Session, own_ledger, plan_file};
use crate::ui::people::{self, Answers, Operator};
use crate::ui::progress::Progress;

mod anchored;
mod closing;
pub(super) mod outcome;
pub(super) mod patience;
pub(super) mod signals;

pub fn run(context: &Context, args: &Run) -> Result<Exit, Refusal> {
    if args.dry_run {
        return super::plan::dry_run(context, &args.asked);
    }
    let wait = args.wait_lock.as_deref().map(|text| wait_for("--wait-lock", text)).transpose()?;
    let answers = Answers::parse(&args.answers)?;
    let recorded = args.plan.as_deref().map(plan_file::open).transpose()?;
    if let Some(recorded) = &recorded
        && recorded.procedure.as_str() != args.asked.name
    {
        let message = format!("the plan is of `{}`, not of `{}`", recorded.procedure, args.asked.name);
        return Err(Refusal::invalid("usage", message));
    }
    let approvals = signed_file::read_all(&args.approvals)?;
    let mut session = Session::prepare(&context.global, &args.asked, recorded.as_ref(), Signing::IfGiven)?;
    session.refuse_drafts()?;
    session.promise_fingerprints()?;
    let risk = risk_of(&session)?;
    let must_ask = must_ask(args, risk, &session.request.procedure)?;
    super::warn(context, &session.loaded);
    let doing = Doing { context, session: &session, recorded: recorded.as_ref(), approvals, wait };
    let runtime = super::runtime()?;
    let done = runtime.block_on(doing.run(answers, must_ask));
    // Work that was given up (a second interrupt, say) must not hold up the end of the program.
    runtime.shutdown_background();
    done
}

/// What a person is still to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// The procedure's name is to be typed.
    Name,
    /// Yes or no.
    YesOrNo,
}

fn risk_of(session: &Session) -> Result<Risk, Refusal> {
    let name = &session.request.procedure;
    match session.loaded.procedures.get(name) {
        Some(procedure) if procedure.kind() == "procedure" => {
            // A call binds as if its procedure were run by name: the gravest risk counts.
            Ok(session.loaded.procedures.values().map(|called| called.risk()).max().unwrap_or(procedure.risk()))
        }
        _ => Err(Refusal::invalid("not-a-procedure", format!("`{name}` is a checklist, which is asked and not run"))),
    }
}

/// Decides before anything is read whether a confirmation is there, can be asked for, or is missing.
fn must_ask(args: &Run, risk: Risk, name: &Name) -> Result<Option<Question>, Refusal> {
    if let Some(confirmed) = &args.confirm
        && confirmed != name.as_str()
    {
        let message = format!("`--confirm {confirmed}` does not name the procedure `{name}`");
        return Err(Refusal::invalid("confirmation", message));
    }
    match risk {
        Risk::High if args.confirm.is_some() => Ok(None),
        Risk::High if people::is_there() => Ok(Some(Question::Name)),
        Risk::High => Err(Refusal::invalid(
            "confirmation",
            format!("`{name}` is of high risk, and nobody is at a terminal to confirm it"),
        )
        .help(format!("nothing was done; with `--confirm {name}` it runs"))),
        Risk::Medium if !args.yes && args.confirm.is_none() && people::is_there() => Ok(Some(Question::YesOrNo)),
        Risk::Medium | Risk::Low => Ok(None),
    }
}

pub(super) fn wait_for(flag: &str, text: &str) -> Result<Duration, Refusal> {
    Duration::parse(text).map_err(|error| Refusal::invalid("usage", format!("{flag}: {error}")))
}

/// One run on its way.
pub(super) struct Doing<'a> {
    pub context: &'a Context,
    pub session: &'a Session,
    pub recorded: Option<&'a PlanView>,
    pub approvals: Vec<Signed>,
    pub wait: Option<Duration>,
}

/// What a run begins with.
struct Prepared {
    run: RunId,
    past: Arc<Past>,
    setting: Setting,
    plan: Plan,
}

impl Doing<'_> {
    async fn run(&self, answers: Answers, question: Option<Question>) -> Result<Exit, Refusal> {
        let _kept = (signals::survive_full_files(), people::Settings::keep());
        let (session, ui) = (self.session, &self.context.ui);
        if let Some(recorded) = self.recorded {
            plan_file::check_expiry(recorded, session.machine.now())?;
        }
        let key = own_ledger::key(&session.workspace)?;
        let agreed = match question {
            Some(question) => Some(self.confirm(question).await?),
            None => None,
        };
        let is_new = key.is_none();
        if is_new {
            // What is wrong with the request is said before a ledger is made for it.
            self.plan(self.session.new_run()?).await?;
            own_ledger::make(&session.workspace, &session.machine)?;
            ui.note(&format!(
                "made the ledger {} and its key {}",
                files::shown(&session.workspace.ledger()),
                files::shown(&session.workspace.key())
            ));
        }
        session.make_fingerprints()?;
        let begun = Instant::now();
        loop {
            let ledger = self.open_ledger().await?;
            let busy = match self.prepare(agreed.as_ref()).await {
                Ok(prepared) if prepared.plan.is_busy() => Ok(prepared.plan.view.locks),
                Ok(prepared) => return self.execute(ledger, answers, prepared).await,
                Err(refusal) => Err(refusal),
            };
            // Whoever holds the locks needs the ledger to go on.
            self.farewell(ledger);
            self.wait_for_locks(&busy?, None, begun).await?;
        }
    }

    pub(super) fn farewell(&self, ledger: Ledger) {
        let ui = &self.context.ui;
        if let Err(error) = ledger.close(self.session.machine.now()) {
            // The run's own end is durable and signed; what failed is only the writer's farewell.
            ui.error(&format!("{}: the ledger was not closed in good order: {error}", ui.err.yellow("warning")));
        }
    }

    /// Shows the plan and asks; gives the plan that was agreed to.
    async fn confirm(&self, question: Question) -> Result<PlanView, Refusal> {
        let (session, ui) = (self.session, &self.context.ui);
        let run = session.new_run()?;
        let past = session.past(run.clone(), own_ledger::records(&session.workspace, &session.machine)?);
        let setting = session.setting(&past)?;
        let plan = session.plan(&setting, self.plan_id()?, run, &past).await?;
        if plan.view.status != Status::Ready {
            // It will not run: there is nothing to agree to.
            return Ok(plan.view);
        }
        ui.error(&crate::ui::plan::render(&plan.view, &plan.root.procedure.title, ui.err));
        let name = plan.view.procedure.to_string();
        let prompt = match question {
            Question::Name => format!("\nThis is of high risk. Type `{name}` to run it"),
            Question::YesOrNo => "\nRun it? (yes/no)".to_owned(),
        };
        let said = ask(prompt).await.unwrap_or_default();
        let agreed = match question {
            Question::Name => said == name,
            Question::YesOrNo => matches!(said.as_str(), "y" | "yes"),
        };
        if agreed {
            return Ok(plan.view);
        }
        Err(Refusal::invalid("confirmation", format!("`{name}` was not confirmed")).help("nothing was done"))
    }

    fn plan_id(&self) -> Result<String, Refusal> {
        match self.recorded {
            Some(recorded) => Ok(recorded.plan.clone()),
            None => Ok(self.session.new_run()?.to_string()),
        }
    }

    async fn plan(&self, run: RunId) -> Result<Plan, Refusal> {
        let past = self.session.past(run.clone(), None);
        let setting = self.session.setting(&past)?;
        self.session.plan(&setting, self.plan_id()?, run, &past).await
    }

    /// Plans with the ledger in hand: what it finds is so until the run begins.
    async fn prepare(&self, agreed: Option<&PlanView>) -> Result<Prepared, Refusal> {
        let session = self.session;
        let run = session.new_run()?;
        if let Some(recorded) = self.recorded {
            self.refuse_spent(recorded)?;
        }
        let past = session.past(run.clone(), None);
        let setting = session.setting(&past)?;
        let mut plan = session.plan(&setting, self.plan_id()?, run.clone(), &past).await?;
        if let Some(recorded) = self.recorded {
            plan.view.made_by.clone_from(&recorded.made_by);
        }
        if let Some(shown) = self.recorded.or(agreed) {
            plan_file::compare(shown, &plan.view)?;
        }
        Ok(Prepared { run, past, setting, plan })
    }

    async fn execute(&self, ledger: Ledger, answers: Answers, prepared: Prepared) -> Result<Exit, Refusal> {
        let (session, ui) = (self.session, &self.context.ui);
        let Prepared { run, past, setting, plan } = prepared;
        let mut lendable = Lendable::new(ledger, &run);
        let progress = Arc::new(Progress::new(Arc::clone(ui), &plan.view));
        if ui.is_human() {
            ui.note(&format!("run {run} of {} ({})", plan.view.procedure, plan.view.environment.as_str()));
        }
        let id = run.clone();
        let interrupts = signals::listen(Arc::clone(&progress));
        let people = Operator { answers, progress: Arc::clone(&progress) };
        let means = Means {
            setting: &setting,
            host: &session.machine,
            people: &people,
            observer: &*progress,
            interrupts,
            knocks: signals::knocks(session.workspace.ledger()),
            history: &past,
            consents: &self.bearer(),
            lends_after: LENDS_AFTER,
        };
        let ended = execute(&means, &plan, run, &mut lendable).await;
        progress.finish();
        let mut ledger = lendable.into_ledger();
        let done = match ended {
            Ok(ended) => {
                for path in people.answers.unasked() {
                    ui.error(&format!("{}: `{path}` was answered and never asked", ui.err.yellow("warning")));
                }
                Ok(self.close(&plan, &ended, ledger.as_mut(), &setting).await)
            }
            Err(error) => Err(stopped(&id, error)),
        };
        if let Some(ledger) = ledger {
            self.farewell(ledger);
        }
        done
    }

    /// What whoever runs brings.
    pub(super) fn bearer(&self) -> Bearer<'_> {
        Bearer { signer: self.session.who.signer.as_ref(), approvals: self.approvals.clone() }
    }

    /// A plan file runs once.
    fn refuse_spent(&self, recorded: &PlanView) -> Result<(), Refusal> {
        use engine::host::Probe as _;
        let scratch = self.session.machine.scratch(&[])?;
        let place = self.session.workspace.ledger();
        let reader = Reader::copy(&place, &scratch.folder)?;
        let begins = Filter { kind: Some(Kind::RunBegin), ..Filter::default() };
        let mut spent = None;
        reader.each(&begins, |stored| {
            let entry = stored.entry(&place)?;
            if entry.data.get("plan_id").and_then(Json::as_str) == Some(recorded.plan.as_str()) {
                spent = Some(entry.run);
            }
            Ok::<(), Refusal>(())
        })?;
        let Some(by) = spent else { return Ok(()) };
        let refusal = plan_file::spent(by.as_ref());
        let before = by.as_ref().map(|run| resume::recorded(&reader, run)).transpose()?.flatten();
        Err(match before.filter(|before| before.run.status == Some(RunStatus::Suspended)) {
            Some(before) => {
                let (id, sought) = (&before.run.id, before.run.consents.sought.is_some());
                let approval = if sought { " --approval FILE" } else { "" };
                refusal.help(format!(
                    "nothing was done; that run waits: `runwarden resume {id}{approval}` goes on with it"
                ))
            }
            None => refusal,
        })
    }

    /// Has the end of the run cosigned, then anchored with the cosignatures, and says what it came to.
    /// A run that was told to stop while it waited without the ledger has nothing that is new to say there.
    pub(super) async fn close(
        &self,
        plan: &Plan,
        ended: &Ended,
        ledger: Option<&mut Ledger>,
        setting: &Setting,
    ) -> Exit {
        let (session, ui) = (self.session, &self.context.ui);
        let (witnessed, anchored) = match ledger {
            Some(ledger) => {
                let (workspace, machine) = (&session.workspace, &session.machine);
                let witnessed = witnesses::cosign(workspace, session.environment, machine, ledger).await;
                (witnessed, self.anchor(ledger, setting, ended).await)
            }
            None => (None, None),
        };
        for line in witnessed.iter().flat_map(Witnessed::complaints) {
            ui.error(&format!("{}: {line}", ui.err.yellow("warning")));
        }
        let exit = match (Exit::of_run(ended.status, ended.failure.as_ref()), &witnessed) {
            (Exit::Done, Some(witnessed)) if witnessed.is_alarm() => Exit::Ledger,
            (Exit::Done, Some(witnessed)) if !witnessed.is_enough() => Exit::Failed,
            (Exit::Done, _) if anchored == Some(false) => Exit::Failed,
            (exit, _) => exit,
        };
        if ui.is_human() {
            ui.data(&closing::render(plan, ended, anchored, ui.out));
        } else {
            ui.json(&outcome::view(plan, ended, anchored, witnessed));
        }
        exit
    }
}

/// What is said of a run that could not go on and could not say so itself.
fn stopped(run: &RunId, error: Error) -> Refusal {
    let is_record =
        !matches!(error, Error::Actor { .. } | Error::Consent(_) | Error::NotSigned { .. } | Error::Overtaken { .. });
    let refusal = Refusal::from(error);
    if is_record {
        return refusal.help(format!(
            "nothing was done after that; `runwarden runs show {run}` says what was done before, once the ledger can be read"
        ));
    }
    refusal
}

/// Asks on a thread of its own, so that signals still end the program.
async fn ask(prompt: String) -> Option<String> {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Where nobody waits any more the answer is of no use.
        let _ = send.send(people::line(&prompt));
    });
    receive.await.ok().flatten().map(|said| said.trim().to_owned())
}
