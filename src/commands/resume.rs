//! `resume` and `undo`: a run that had stopped goes on, or is taken back, with the procedure it was begun with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::event::people::Signed;
use engine::event::state::RunStatus;
use engine::execute::lending::Lendable;
use engine::execute::noting::{Court, receive};
use engine::execute::resume::{Outlook, Purpose, Recorded, Resolution, outlook, recorded, resume as go_on};
use engine::execute::waiting::LENDS_AFTER;
use engine::execute::{Ended, Means};
use engine::host::Probe as _;
use engine::id::RunId;
use engine::ledger::Ledger;
use engine::ledger::reader::Reader;
use engine::past::Past;
use engine::plan::{Plan, Setting, View as PlanView, thaw, waivers};
use engine::run::Run;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tokio::sync::watch;

use super::run::patience::is_busy;
use super::run::{Doing, signals, wait_for};
use super::{Context, runs};
use crate::args::{Resume, Stopped, Undo};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::who::Signing;
use crate::setup::{self, Session, own_ledger, signed_file};
use crate::ui::people::{Answers, Operator};
use crate::ui::progress::Progress;
use crate::ui::table::table;
use crate::workspace;

/// What `resume --plan` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The run.
    run: RunId,
    /// What would be done with each step that was touched.
    steps: Vec<Row>,
}

/// A step in a resumed run.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Its path.
    id: String,
    /// `kept`, `done`, `reconciled`, `repeated` or `asked`.
    outlook: &'static str,
    /// In words.
    because: &'static str,
}

/// What was kept with a run.
#[derive(Deserialize)]
struct Frozen {
    plan: PlanView,
    documents: Map<String, Json>,
}

pub fn resume(context: &Context, args: &Resume) -> Result<Exit, Refusal> {
    run(context, &args.stopped, Purpose::Resume, args.plan)
}

pub fn undo(context: &Context, args: &Undo) -> Result<Exit, Refusal> {
    run(context, &args.stopped, Purpose::Undo, false)
}

fn run(context: &Context, args: &Stopped, purpose: Purpose, only_show: bool) -> Result<Exit, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let unknown = || {
        Refusal::new(Exit::Failed, "unknown-run", format!("the ledger has no run `{}`", args.run))
            .help("`runwarden runs` shows what there is; `last` is the newest")
    };
    let records = own_ledger::records(&workspace, &setup::reading_machine())?.ok_or_else(unknown)?;
    let id = runs::find(&records.reader, &args.run)?.ok_or_else(unknown)?;
    let before = read(&records.reader, &id)?;
    refuse_over(&before, purpose)?;
    let frozen = thawed(&records.reader, &before)?;
    let signing = if only_show { Signing::No } else { Signing::IfGiven };
    let session = Session::thawed(workspace, &frozen.plan, &frozen.documents, &args.who, signing)?;
    let procedure = &frozen.plan.procedure;
    if session.loaded.procedures.get(procedure).is_some_and(|found| found.kind() == "checklist") {
        let message =
            format!("run {id} asked the checklist `{procedure}`: there is nothing to go on with or take back");
        return Err(Refusal::invalid("run-over", message).help(format!("`runwarden gate {procedure}` asks it anew")));
    }
    let approvals = signed_file::read_all(&args.approvals)?;
    let wait = args.wait_lock.as_deref().map(|text| wait_for("--wait-lock", text)).transpose()?;
    let doing = Doing { context, session: &session, recorded: None, approvals, wait };
    let going = Going {
        doing,
        id,
        view: frozen.plan,
        purpose,
        answers: Answers::parse(&args.answers)?,
        waivers: signed_file::read_all(&args.waivers)?,
        resolutions: resolutions(args, &before)?,
    };
    if only_show {
        return going.show(&before);
    }
    super::runtime()?.block_on(going.run())
}

fn read(reader: &Reader, id: &RunId) -> Result<Recorded, Refusal> {
    recorded(reader, id)?
        .ok_or_else(|| Refusal::new(Exit::Failed, "unknown-run", format!("the ledger has no run `{id}`")))
}

fn refuse_over(before: &Recorded, purpose: Purpose) -> Result<(), Refusal> {
    match before.run.status {
        Some(RunStatus::Rejected) if before.run.is_over(purpose == Purpose::Undo) => {
            let id = &before.run.id;
            let why = before.run.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
            let help = match before.run.to_undo().is_empty() {
                true => "`runwarden run` begins another".to_owned(),
                false => format!("`runwarden undo {id}` takes back what it did"),
            };
            Err(Refusal::new(Exit::Rejected, "rejected", format!("run {id} was rejected{why}")).help(help))
        }
        Some(status) if before.run.is_over(purpose == Purpose::Undo) => {
            let id = &before.run.id;
            let (how, help) = match status {
                RunStatus::Cancelled if before.run.had_effect() => {
                    ("was cancelled", format!("`runwarden undo {id}` takes back what it did"))
                }
                RunStatus::Cancelled => {
                    ("was cancelled, and had done nothing", "`runwarden run` begins another".to_owned())
                }
                _ => (status.as_str(), "`runwarden run` begins another".to_owned()),
            };
            let message = format!("run {id} is over: it {how}");
            Err(Refusal::invalid("run-over", message).help(help))
        }
        _ => Ok(()),
    }
}

fn thawed(reader: &Reader, before: &Recorded) -> Result<Frozen, Refusal> {
    let lost = |why: String| {
        Refusal::new(
            Exit::Ledger,
            "not-frozen",
            format!("what run {} was begun with cannot be read: {why}", before.run.id),
        )
    };
    let digest = before.frozen.as_ref().ok_or_else(|| lost("its plan is not on record".to_owned()))?;
    let bytes = reader.content().get(digest)?;
    serde_json::from_slice(&bytes).map_err(|error| lost(error.to_string()))
}

/// `STEP=happened` and `STEP=not_happened`, of steps that are open.
fn resolutions(args: &Stopped, before: &Recorded) -> Result<BTreeMap<String, Resolution>, Refusal> {
    let wrong = |message: String| Refusal::invalid("usage", message).help("like `--resolve deploy=not_happened`");
    let mut said = BTreeMap::new();
    for text in &args.resolve {
        let (step, word) = text.rsplit_once('=').ok_or_else(|| wrong(format!("`--resolve {text}` has no `=`")))?;
        let happened = match word {
            "happened" => true,
            "not_happened" => false,
            _ => return Err(wrong(format!("`{word}` is neither `happened` nor `not_happened`"))),
        };
        if !before.run.step(step).is_some_and(|record| record.is_open) {
            return Err(wrong(format!("the outcome of step `{step}` is not open in run {}", before.run.id)));
        }
        let reason = args.reason.clone().unwrap_or_default();
        if reason.trim().is_empty() {
            return Err(wrong("`--reason` is empty".to_owned()));
        }
        said.insert(step.to_owned(), Resolution { happened, reason });
    }
    Ok(said)
}

/// A run that is about to go on.
struct Going<'a> {
    doing: Doing<'a>,
    id: RunId,
    view: PlanView,
    purpose: Purpose,
    answers: Answers,
    waivers: Vec<Signed>,
    resolutions: BTreeMap<String, Resolution>,
}

impl Going<'_> {
    /// What would be kept, done and asked.
    fn show(self, before: &Recorded) -> Result<Exit, Refusal> {
        let session = self.doing.session;
        let ui = &self.doing.context.ui;
        let past = session.past(self.id.clone(), None);
        let setting = session.setting(&past)?;
        let progress = Arc::new(Progress::new(Arc::clone(ui), &self.view));
        let people = Operator { answers: self.answers, progress: Arc::clone(&progress) };
        let (_asked, interrupts) = watch::channel(0);
        let (_door, knocks) = watch::channel(0);
        let bearer = self.doing.bearer();
        let means = Means {
            setting: &setting,
            host: &session.machine,
            people: &people,
            observer: &*progress,
            interrupts,
            knocks,
            history: &past,
            consents: &bearer,
            lends_after: LENDS_AFTER,
        };
        let rows: Vec<Row> = outlook(&means, &before.run)
            .into_iter()
            .map(|(id, outlook)| {
                let (outlook, because) = words(outlook);
                Row { id, outlook, because }
            })
            .collect();
        progress.finish();
        if ui.is_human() {
            let cells: Vec<Vec<String>> =
                rows.iter().map(|row| vec![row.id.clone(), row.outlook.to_owned(), row.because.to_owned()]).collect();
            ui.data(&table(ui.out, &["STEP", "WOULD BE", "BECAUSE"], &cells));
        } else {
            ui.json(&View { run: self.id, steps: rows });
        }
        Ok(Exit::Done)
    }

    async fn run(self) -> Result<Exit, Refusal> {
        let begun = Instant::now();
        loop {
            let mut ledger = self.doing.open_ledger().await?;
            let busy = match self.prepare(&mut ledger) {
                Ok(Prepared { before, busy: None }) => return self.go_on(ledger, *before).await,
                Ok(Prepared { busy: Some(wanted), .. }) => Ok(wanted),
                Err(refusal) => Err(refusal),
            };
            // Whoever holds the locks needs the ledger to go on.
            self.doing.farewell(ledger);
            self.doing.wait_for_locks(&busy?, Some(&self.id), begun).await?;
        }
    }

    /// The run as it stands once the ledger is ours: another process may have moved it until then.
    fn prepare(&self, ledger: &mut Ledger) -> Result<Prepared, Refusal> {
        let (session, ui) = (self.doing.session, &self.doing.context.ui);
        let scratch = session.machine.scratch(&[])?;
        let reader = Reader::copy(&session.workspace.ledger(), &scratch.folder)?;
        let now = session.machine.now();
        let court = Court { workspace: &session.workspace.file, environment: session.environment, now };
        let received = receive(ledger, &reader, court, &self.id)?;
        for why in &received.wrong {
            ui.error(&format!("{}: an approval does not count: {why}", ui.err.yellow("warning")));
        }
        let before = match received.is_more {
            false => read(&reader, &self.id)?,
            true => {
                let scratch = session.machine.scratch(&[])?;
                read(&Reader::copy(&session.workspace.ledger(), &scratch.folder)?, &self.id)?
            }
        };
        refuse_over(&before, self.purpose)?;
        let mut wanted = self.view.lock_names();
        wanted.extend(before.run.all_locks.iter().cloned());
        let busy = is_busy(ledger, &wanted, &self.id)?.map(|_| wanted);
        Ok(Prepared { before: Box::new(before), busy })
    }

    async fn go_on(self, ledger: Ledger, before: Recorded) -> Result<Exit, Refusal> {
        let mut lendable = Lendable::new(ledger, &self.id);
        let doing = &self.doing;
        let done = match self.thawed() {
            Ok((setting, plan, past)) => {
                let progress = Arc::new(Progress::new(Arc::clone(&doing.context.ui), &plan.view));
                let answers = self.answers;
                let going = Moved { doing, id: &self.id, purpose: self.purpose, resolutions: &self.resolutions };
                let ended =
                    going.move_on((&setting, &plan, &*past), before.run, answers, &progress, &mut lendable).await;
                ended.map(|ended| (setting, plan, ended))
            }
            Err(refusal) => Err(refusal),
        };
        let mut ledger = lendable.into_ledger();
        let exit = match done {
            Ok((setting, plan, ended)) => Ok(doing.close(&plan, &ended, ledger.as_mut(), &setting).await),
            Err(refusal) => Err(refusal),
        };
        if let Some(ledger) = ledger {
            doing.farewell(ledger);
        }
        exit
    }

    /// What the run was begun with, and the waivers that are brought now.
    fn thawed(&self) -> Result<(Setting, Plan, Arc<Past>), Refusal> {
        let session = self.doing.session;
        let past = session.past(self.id.clone(), None);
        let setting = session.setting(&past)?;
        let mut plan = thaw(&setting, self.view.clone(), &self.id, &session.machine)?;
        let now = session.machine.now();
        waivers::bring(&setting, &mut plan, &self.waivers, &self.id, &past, now).map_err(engine::plan::Error::from)?;
        Ok((setting, plan, past))
    }
}

/// A run as it stands, and the locks it needs where another run holds one.
struct Prepared {
    before: Box<Recorded>,
    busy: Option<Vec<String>>,
}

/// A run on its way again.
struct Moved<'a> {
    doing: &'a Doing<'a>,
    id: &'a RunId,
    purpose: Purpose,
    resolutions: &'a BTreeMap<String, Resolution>,
}

impl Moved<'_> {
    async fn move_on(
        &self,
        (setting, plan, past): (&Setting, &Plan, &Past),
        run: Run,
        answers: Answers,
        progress: &Arc<Progress>,
        ledger: &mut Lendable,
    ) -> Result<Ended, Refusal> {
        let (session, ui) = (self.doing.session, &self.doing.context.ui);
        if ui.is_human() {
            let word = if self.purpose == Purpose::Resume { "goes on" } else { "is taken back" };
            ui.note(&format!("run {} of {} {word}", self.id, plan.view.procedure));
        }
        let interrupts = signals::listen(Arc::clone(progress));
        let bearer = self.doing.bearer();
        let people = Operator { answers, progress: Arc::clone(progress) };
        let means = Means {
            setting,
            host: &session.machine,
            people: &people,
            observer: &**progress,
            interrupts,
            knocks: signals::knocks(session.workspace.ledger()),
            history: past,
            consents: &bearer,
            lends_after: LENDS_AFTER,
        };
        let ended = go_on(&means, plan, run, self.purpose, self.resolutions, ledger).await;
        progress.finish();
        Ok(ended?)
    }
}

fn words(outlook: Outlook) -> (&'static str, &'static str) {
    match outlook {
        Outlook::Kept => ("kept", "it was done, or was not needed"),
        Outlook::Done => ("done", "it was not done, or failed"),
        Outlook::Reconciled => ("reconciled", "it has no outcome; the action looks whether it happened"),
        Outlook::Repeated => ("repeated", "it has no outcome, and doing it again comes to the same"),
        Outlook::AskedAPerson => {
            ("asked", "it has no outcome; say it with `--resolve STEP=happened` or `=not_happened`")
        }
    }
}
