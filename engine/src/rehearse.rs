//! Tests of procedures: each case is planned and run by the same engine, over a host with nothing on it.
//!
//! Actions keep their contracts and answer what the case scripts; time stands still but for waits, which cost nothing;
//! the record is kept in memory. What cases do not show is whether the actions themselves do what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::action::{Registry, scripted};
use crate::diagnostic::{Severity, Source};
use crate::event::state::{Failure, RunStatus};
use crate::execute::resume::{Purpose, resume};
use crate::execute::waiting::LENDS_AFTER;
use crate::execute::{Ended, Means, execute};
use crate::host::Probe;
use crate::id::{Id, Name, RunId};
use crate::parse::raw::test::{Case, Defaults, Then};
use crate::parse::{self, Document, Library};
use crate::plan::{self, Names, Options, Request, Setting};
use crate::procedure::Procedure;
use crate::run::Run;
use crate::template::scope::{Object, Scope, Slot};
use crate::template::value::Value;
use crate::time::Timestamp;

mod before;
mod compare;
mod consents;
pub mod coverage;
mod ended;
mod memory;
mod nowhere;
mod script;
mod situation;

pub use compare::Difference;
use compare::{Found, differences};
use coverage::Point;
use memory::{Memory, Notebook, Scripted};
use nowhere::Nowhere;
use script::Script;
use situation::Situation;

#[cfg(test)]
mod tests;

/// What the cases of one procedure have in common.
pub struct Rehearsal<'a> {
    /// The actions there are.
    pub registry: &'a Registry,
    /// The documents that added steps may name.
    pub library: &'a dyn Library,
    /// The procedure and all that it calls.
    pub procedures: &'a BTreeMap<Name, Arc<Procedure>>,
    /// The procedure.
    pub procedure: &'a Name,
    /// What the program would exit with.
    pub exit: &'a dyn Fn(Ending<'_>) -> u8,
}

/// How a case ended, as far as the exit code goes.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// A run ended, or stands, like this.
    Run(RunStatus, Option<&'a Failure>),
    /// There was no plan, and so no run.
    NoPlan(&'a plan::Error),
}

/// What came of a case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The case.
    pub case: Id,
    /// What was wrong with the case itself: no result where one was asked for, keys that are not acted on.
    pub problems: Vec<String>,
    /// Everything that is not as expected.
    pub differences: Vec<Difference>,
    /// What the run failed with, in words.
    pub failure: Option<String>,
    /// What of the procedure it reached.
    pub reached: BTreeSet<Point>,
}

impl Outcome {
    /// Whether everything came out as expected.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.problems.is_empty() && self.differences.is_empty()
    }

    fn refused(case: &Case, problems: Vec<String>) -> Self {
        let (differences, reached) = (Vec::new(), BTreeSet::new());
        Self { case: case.id.clone(), problems, differences, failure: None, reached }
    }
}

impl Rehearsal<'_> {
    /// Runs one case.
    #[must_use]
    pub fn run(&self, defaults: Option<&Defaults>, case: &Case) -> Outcome {
        let situation = Situation::of(defaults, case);
        let procedures = match self.procedures_of(case) {
            Ok(procedures) => procedures,
            Err(problems) => return Outcome::refused(case, problems),
        };
        let Some(procedure) = procedures.get(self.procedure).cloned() else {
            return Outcome::refused(case, vec![format!("procedure `{}` does not exist", self.procedure)]);
        };
        // A clock of its own for each case: it stands still while something is done, and jumps where all wait.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return Outcome::refused(case, vec![format!("the clock cannot be made: {error}")]),
        };
        let script = Arc::new(Script::new(situation.results.clone()));
        let stage = Stage { rehearsal: self, situation: &situation, script: &script, procedures };
        let found = runtime.block_on(stage.perform(&procedure));
        let mut problems = script.problems();
        let found = match found {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                return Outcome::refused(case, problems);
            }
        };
        Outcome {
            case: case.id.clone(),
            problems,
            differences: differences(&case.expect, &found),
            failure: found.failure.as_ref().map(|failure| failure.message.clone()),
            reached: coverage::reached(&procedure, &found),
        }
    }

    /// The procedures, with the steps that a case adds to the one under test.
    fn procedures_of(&self, case: &Case) -> Result<BTreeMap<Name, Arc<Procedure>>, Vec<String>> {
        let mut procedures = self.procedures.clone();
        let Some(added) = &case.adds else { return Ok(procedures) };
        if let Some(procedure) = procedures.get(self.procedure) {
            let changed = with_steps(procedure, added, self.registry, self.library)?;
            procedures.insert(self.procedure.clone(), Arc::new(changed));
        }
        Ok(procedures)
    }
}

/// A procedure with more steps after its own, checked like any other.
fn with_steps(
    procedure: &Procedure,
    added: &[Json],
    registry: &Registry,
    library: &dyn Library,
) -> Result<Procedure, Vec<String>> {
    let mut document = procedure.document.clone();
    if let Some(Json::Array(steps)) = document.get_mut("steps") {
        steps.extend(added.iter().cloned());
    }
    reread(procedure, &document, registry, library)
}

/// A procedure from a changed document of it.
///
/// # Errors
/// What is wrong with the document, in words.
pub fn reread(
    procedure: &Procedure,
    document: &Json,
    registry: &Registry,
    library: &dyn Library,
) -> Result<Procedure, Vec<String>> {
    // JSON is YAML.
    let name = format!("{}.yaml", procedure.name.as_str().replace('.', "/"));
    let source = Arc::new(Source { name, text: document.to_string() });
    let (read, diagnostics) = parse::check(&source, None, registry, library);
    match read {
        Some(Document::Procedure(changed)) => Ok(*changed),
        _ => {
            let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
            Err(errors.map(|found| format!("the procedure would be wrong: {}", found.message)).collect())
        }
    }
}

/// One case being performed.
struct Stage<'a> {
    rehearsal: &'a Rehearsal<'a>,
    situation: &'a Situation,
    script: &'a Arc<Script>,
    procedures: BTreeMap<Name, Arc<Procedure>>,
}

impl Stage<'_> {
    async fn perform(&self, procedure: &Arc<Procedure>) -> Result<Found, String> {
        let host = Nowhere::new(self.situation.now);
        let run = run_id(self.situation.now);
        let mut setting = self.setting(procedure);
        let failed = before::failed(&setting, self.rehearsal.registry, procedure, self.situation, &host);
        let past = Arc::new(before::past(run.clone(), self.situation, failed));
        setting.base = base(Arc::clone(&past) as _);
        let probe = host.planning();
        let names = Names { plan: "rehearsal".to_owned(), run: run.clone(), origin: "rehearsal".to_owned() };
        let request = Request {
            procedure: procedure.name.clone(),
            parameters: self.situation.parameters.clone(),
            targets: IndexMap::new(),
            secrets: IndexMap::new(),
            options: Options::default(),
            waivers: consents::waivers(self.situation, &self.procedures, &setting.workspace.ledger)?,
        };
        let planned = tokio::select! {
            planned = plan::plan(&setting, &request, names, &probe, &past) => planned,
            () = self.script.stopped() => return Err("it was stopped while the plan was made: there is no run".to_owned()),
        };
        let mut plan = match planned {
            Ok(plan) => plan,
            Err(error) => return self.without_plan(&error),
        };
        let notebook = Notebook::default();
        let people = Scripted { answers: &self.situation.answers, notebook: &notebook };
        // Nobody interrupts a case.
        let (_sender, interrupts) = tokio::sync::watch::channel(0);
        let (_door, knocks) = tokio::sync::watch::channel(0);
        let ledger = setting.workspace.ledger.origin.clone();
        let cast = consents::Cast { situation: self.situation, ledger, clock: &host };
        let means = Means {
            setting: &setting,
            host: &host,
            people: &people,
            observer: &notebook,
            interrupts,
            knocks,
            history: &past,
            consents: &cast,
            lends_after: LENDS_AFTER,
        };
        // Cases are how a draft is finished, and nothing comes of them.
        plan.view.drafts.clear();
        let mut memory = Memory::with_locks(before::locks(self.situation));
        let ended = tokio::select! {
            ended = execute(&means, &plan, run.clone(), &mut memory) => Some(ended.map_err(|error| error.to_string())?),
            () = self.script.stopped() => None,
        };
        let mut found = self.found(ended.as_ref(), &run, &host, &notebook);
        for then in &self.situation.then {
            let begun = folded(&run, &host, &notebook);
            let purpose = match then {
                Then::Resume => Purpose::Resume,
                Then::Undo => Purpose::Undo,
                Then::Cancel => {
                    found = self.cancelled(begun, &host, &notebook, &mut memory)?;
                    continue;
                }
            };
            if begun.is_over(purpose == Purpose::Undo) {
                let word = if purpose == Purpose::Resume { "resume" } else { "undo" };
                return Err(format!("`then: {word}`: the run is over, it {}", found.status.as_str()));
            }
            self.script.revive();
            // Another process: all that it knows is what was recorded.
            let thawed = plan::thaw(&setting, plan.view.clone(), &run, &host).map_err(|error| error.to_string())?;
            let nobody_says = BTreeMap::new();
            let ended = tokio::select! {
                ended = resume(&means, &thawed, begun, purpose, &nobody_says, &mut memory) => {
                    Some(ended.map_err(|error| error.to_string())?)
                }
                () = self.script.stopped() => None,
            };
            found = self.found(ended.as_ref(), &run, &host, &notebook);
        }
        Ok(found)
    }

    fn setting(&self, procedure: &Procedure) -> Setting {
        let script: Arc<dyn scripted::Script> = Arc::clone(self.script) as _;
        let actors = consents::actors(self.situation, &self.procedures);
        Setting {
            workspace: Arc::new(self.situation.workspace(procedure, actors)),
            environment: self.situation.environment,
            actor: self.situation.actor.clone(),
            standing: self.situation.standing.clone(),
            registry: Arc::new(self.rehearsal.registry.scripted(&script)),
            procedures: self.procedures.clone(),
            env: self.situation.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            base: Scope::new(),
            custody: Arc::default(),
        }
    }

    /// How a run ended, or what the record tells of one whose process is gone.
    fn found(&self, ended: Option<&Ended>, run: &RunId, host: &Nowhere, notebook: &Notebook) -> Found {
        let Some(ended) = ended else { return self.crashed(run, host, notebook) };
        Found {
            status: ended.status,
            exit: (self.rehearsal.exit)(Ending::Run(ended.status, ended.failure.as_ref())),
            failure: ended.failure.clone(),
            advice: ended.advice.as_ref().map(|(title, _)| title.clone()),
            outputs: ended.outputs.clone(),
            run: Some(ended.run.clone()),
            facts: notebook.facts(),
        }
    }

    fn crashed(&self, run: &RunId, host: &Nowhere, notebook: &Notebook) -> Found {
        let run = folded(run, host, notebook);
        let is_open = run.steps().any(|(_, step)| step.is_open);
        let status = if is_open { RunStatus::Unknown } else { RunStatus::Suspended };
        Found {
            status,
            exit: (self.rehearsal.exit)(Ending::Run(status, None)),
            failure: None,
            advice: None,
            outputs: serde_json::Map::new(),
            run: Some(run),
            facts: notebook.facts(),
        }
    }

    /// What a person would be told at once is an outcome; what this version cannot do is not.
    fn without_plan(&self, error: &plan::Error) -> Result<Found, String> {
        match error {
            plan::Error::Parameters(_)
            | plan::Error::NoVariable { .. }
            | plan::Error::OtherEnvironment { .. }
            | plan::Error::Consent(_) => {
                let is_waiver = matches!(error, plan::Error::Consent(_));
                let failure = Failure {
                    code: if is_waiver { "waiver" } else { "parameters" }.to_owned(),
                    message: error.to_string(),
                    step: None,
                    check: None,
                    guard: None,
                    attempt: None,
                };
                Ok(Found {
                    status: RunStatus::Refused,
                    exit: (self.rehearsal.exit)(Ending::NoPlan(error)),
                    failure: Some(failure),
                    advice: None,
                    outputs: serde_json::Map::new(),
                    run: None,
                    facts: Vec::new(),
                })
            }
            _ => Err(error.to_string()),
        }
    }
}

/// A run as its durable facts tell it.
fn folded(run: &RunId, host: &Nowhere, notebook: &Notebook) -> Run {
    let mut folded = Run::new(run.clone());
    for fact in &notebook.facts() {
        // Each was applied in the same order before it was durable.
        let _ = folded.apply(fact, host.now());
    }
    folded
}

/// The names that a workspace brings: `history`, and the function `inside`.
fn base(past: Arc<dyn Object>) -> Scope {
    Scope::new().with("history", Slot::Object(past)).with_function("inside", |args: &[Value]| {
        let path =
            |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| "`inside` takes two paths".to_owned());
        match args {
            [inner, outer] => {
                let (inner, outer) = (path(inner)?, path(outer)?);
                let inside = nowhere::inside(Path::new(&inner), Path::new(&outer));
                Ok(Value::from(inside))
            }
            _ => Err("`inside` takes a path and a folder".to_owned()),
        }
    })
}

fn run_id(now: Timestamp) -> RunId {
    RunId::from_parts(u64::try_from(now.microseconds() / 1000).unwrap_or_default(), &[0; 10])
}
