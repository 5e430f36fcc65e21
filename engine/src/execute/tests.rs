//! Runs over a small world of counters: what happens, how often, in which order, and what is written down.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::sync::watch;

use super::consents::NoConsents;
use super::lending::Lendable;
use super::people::{Answer, Asked, People};
use super::resume::{self, Purpose, Resolution};
use super::waiting::LENDS_AFTER;
use super::{Ended, Error, Means, Observer, execute};
use crate::action::{
    self, Contract, Doing, Effect, EffectClass, Fidelity, Looking, Preview, Read, Reconciled, Registry, Repeat,
};
use crate::consent::standing::Standing;
use crate::diagnostic::Source;
use crate::event::Kind;
use crate::event::fact::Fact;
use crate::host::Probe;
use crate::host::machine::{Machine, Settings};
use crate::id::{Name, RunId};
use crate::ledger::Ledger;
use crate::ledger::reader::{Filter, Reader};
use crate::parse::{self, Document, Shelf};
use crate::past::Past;
use crate::plan::{self, Names, Options, Plan, Request, Setting};
use crate::procedure::workspace::Workspace;
use crate::procedure::{Environment, Procedure};
use crate::secret::custody::Custody;
use crate::secret::fingerprint::FingerprintKey;
use crate::sign::ledger_key::LedgerKey;
use crate::template::scope::{Scope, Slot};

mod cancelling;
mod flow;
mod guards;
mod kept;
mod limits;
mod locks;
mod people;
mod plans;
mod resuming;
mod secrets;
mod stopping;
mod undo;
mod waiting;
mod ways_round;

/// What the actions of these tests act on.
#[derive(Default)]
pub(super) struct World {
    /// Every effect that happened, as `action name`.
    pub effects: Vec<String>,
    /// A number that `test.raise` raises and `test.level` reads.
    pub level: i64,
    /// How many more times `test.note` of that name fails, and how.
    pub failing: BTreeMap<String, (u32, Failing)>,
    /// How often `test.level` was read.
    pub looks: u32,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Failing {
    Transient,
    ForGood,
    Uncertain,
}

type Shared = Arc<Mutex<World>>;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    #[serde(default)]
    takes: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
struct Called {
    name: String,
    calls: u64,
}

async fn note(world: &Shared, action: &str, params: Named) -> Result<Called, action::Error> {
    if let Some(seconds) = params.takes {
        tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
    }
    let mut world = world.lock().unwrap();
    if let Some((left, how)) = world.failing.get_mut(&params.name)
        && *left > 0
    {
        *left -= 1;
        let error = action::Error::new("broken", format!("`{}` is broken", params.name));
        return Err(match how {
            Failing::Transient => error.transient(),
            Failing::ForGood => error,
            Failing::Uncertain => error.uncertain(),
        });
    }
    world.effects.push(format!("{action} {}", params.name));
    let calls = world.effects.iter().filter(|effect| effect.ends_with(&format!(" {}", params.name))).count() as u64;
    Ok(Called { name: params.name, calls })
}

macro_rules! noting {
    ($action:ident, $name:literal, $repeat:ident, $class:ident) => {
        struct $action(Shared);

        #[async_trait]
        impl Effect for $action {
            const NAME: &'static str = $name;
            const CONTRACT: Contract = Contract {
                effect: EffectClass::$class,
                repeat: Repeat::$repeat,
                preview: Fidelity::None,
                reconcile: false,
                version: 1,
            };
            type Params = Named;
            type Output = Called;

            async fn preview(&self, _: Named, _: &Looking<'_>) -> Result<Preview, action::Error> {
                Ok(Preview::UNKNOWN)
            }

            async fn apply(&self, params: Named, _: &Doing<'_>) -> Result<Called, action::Error> {
                note(&self.0, $name, params).await
            }

            async fn reconcile(&self, _: Named, _: &Looking<'_>) -> Result<Reconciled<Called>, action::Error> {
                Ok(Reconciled::CannotTell)
            }
        }
    };
}

noting!(Note, "test.note", Idempotent, Mutate);
noting!(Once, "test.once", Once, Mutate);
noting!(Unnote, "test.unnote", Idempotent, Mutate);

/// Raises the level by one.
struct Raise(Shared);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Level {
    level: i64,
}

#[async_trait]
impl Effect for Raise {
    const NAME: &'static str = "test.raise";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Irreversible,
        repeat: Repeat::Once,
        preview: Fidelity::Estimated,
        reconcile: false,
        version: 1,
    };
    type Params = Nothing;
    type Output = Level;

    async fn preview(&self, _: Nothing, _: &Looking<'_>) -> Result<Preview, action::Error> {
        let level = self.0.lock().unwrap().level;
        let (before, after) = (Some(json!(level)), Some(json!(level + 1)));
        Ok(Preview { fidelity: Fidelity::Estimated, before, after, no_change: false })
    }

    async fn apply(&self, _: Nothing, _: &Doing<'_>) -> Result<Level, action::Error> {
        let mut world = self.0.lock().unwrap();
        world.level += 1;
        world.effects.push("test.raise".to_owned());
        Ok(Level { level: world.level })
    }

    async fn reconcile(&self, _: Nothing, _: &Looking<'_>) -> Result<Reconciled<Level>, action::Error> {
        Ok(Reconciled::CannotTell)
    }
}

/// Reads the level.
struct ReadLevel(Shared);

#[async_trait]
impl Read for ReadLevel {
    const NAME: &'static str = "test.level";
    type Params = Nothing;
    type Output = Level;

    async fn read(&self, _: Nothing, _: &Looking<'_>) -> Result<Level, action::Error> {
        let mut world = self.0.lock().unwrap();
        world.looks += 1;
        if world.failing.contains_key("level") {
            return Err(action::Error::new("unreadable", "the level cannot be read"));
        }
        Ok(Level { level: world.level })
    }
}

/// Sets the level to a value, unless it is that already.
struct Settle(Shared);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct To {
    level: i64,
}

#[async_trait]
impl Effect for Settle {
    const NAME: &'static str = "test.settle";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = To;
    type Output = Level;

    async fn preview(&self, to: To, _: &Looking<'_>) -> Result<Preview, action::Error> {
        let level = self.0.lock().unwrap().level;
        let (before, after) = (Some(json!(level)), Some(json!(to.level)));
        Ok(Preview { fidelity: Fidelity::Exact, before, after, no_change: level == to.level })
    }

    async fn apply(&self, to: To, _: &Doing<'_>) -> Result<Level, action::Error> {
        let mut world = self.0.lock().unwrap();
        world.level = to.level;
        world.effects.push(format!("test.settle {}", to.level));
        Ok(Level { level: to.level })
    }

    async fn reconcile(&self, to: To, _: &Looking<'_>) -> Result<Reconciled<Level>, action::Error> {
        let level = self.0.lock().unwrap().level;
        Ok(if level == to.level { Reconciled::Happened(Level { level }) } else { Reconciled::NotHappened })
    }
}

/// Answers from a list, by path, after a while; none for what it does not know.
#[derive(Default)]
pub(super) struct Scripted(pub BTreeMap<String, Answer>, pub std::time::Duration);

#[async_trait]
impl People for Scripted {
    async fn ask(&self, asked: &Asked<'_>) -> Option<Answer> {
        tokio::time::sleep(self.1).await;
        self.0.get(asked.path).cloned()
    }
}

/// Keeps what it is told.
#[derive(Default)]
pub(super) struct Told(pub Mutex<Vec<Fact>>);

impl Observer for Told {
    fn saw(&self, fact: &Fact) {
        self.0.lock().unwrap().push(fact.clone());
    }

    fn busy(&self, _: &str, _: &str) {}
}

/// One workspace in a folder of its own, and a world.
pub(super) struct Trial {
    folder: TempDir,
    pub world: Shared,
    pub people: Scripted,
    pub told: Told,
    pub interrupts: watch::Sender<u8>,
    pub knocks: watch::Sender<u64>,
    pub lends_after: std::time::Duration,
    workspace: Workspace,
    registry: Arc<Registry>,
    shelf: Shelf,
    procedures: BTreeMap<Name, Arc<Procedure>>,
    root: Option<Name>,
    runs: std::cell::Cell<u8>,
    pub offline: bool,
}

impl Trial {
    /// A trial of a procedure; the head that every document needs is added.
    pub fn of(body: &str) -> Self {
        Self::with_workspace(body, "")
    }

    pub fn with_workspace(body: &str, more: &str) -> Self {
        let world = Shared::default();
        let registry = Arc::new(
            Registry::builtin()
                .effect(Note(Arc::clone(&world)))
                .effect(Once(Arc::clone(&world)))
                .effect(Unnote(Arc::clone(&world)))
                .effect(Raise(Arc::clone(&world)))
                .effect(Settle(Arc::clone(&world)))
                .read(ReadLevel(Arc::clone(&world))),
        );
        let folder = tempfile::tempdir().unwrap();
        let key = LedgerKey::from_seed(&[7; 32]);
        key.write_new(&folder.path().join("ledger.key")).unwrap();
        let now = crate::time::Timestamp::from_microseconds(1_795_000_000_000_000).unwrap();
        let id = "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11";
        Ledger::create(&folder.path().join("ledger.db"), "test.example/trial", &key, now, id).unwrap();
        let workspace = format!(
            "runwarden: v1\nenvironment: development\nledger: {{ path: ledger.db, key: ledger.key, origin: test.example/trial }}\n{more}"
        );
        let mut trial = Self {
            folder,
            world,
            people: Scripted::default(),
            told: Told::default(),
            interrupts: watch::Sender::new(0),
            knocks: watch::Sender::new(0),
            lends_after: LENDS_AFTER,
            workspace: match valid(
                "runwarden.yaml",
                &workspace,
                Some(parse::Kind::Workspace),
                &registry,
                &Shelf::default(),
            ) {
                Document::Workspace(workspace) => *workspace,
                other => panic!("no workspace: {other:?}"),
            },
            registry,
            shelf: Shelf::default(),
            procedures: BTreeMap::new(),
            root: None,
            runs: std::cell::Cell::new(0),
            offline: false,
        };
        trial.add("trial", body);
        trial
    }

    /// One more procedure, that the first can call: callees come first.
    pub fn calling(callee: &str, callee_body: &str, body: &str) -> Self {
        Self::calling_with("", callee, callee_body, body)
    }

    pub fn calling_with(workspace: &str, callee: &str, callee_body: &str, body: &str) -> Self {
        let mut trial = Self::with_workspace("steps: [{ id: a, action: test.note, with: { name: a } }]", workspace);
        trial.procedures.clear();
        trial.shelf = Shelf::default();
        trial.add(callee, callee_body);
        trial.root = None;
        trial.add("trial", body);
        trial
    }

    fn add(&mut self, name: &str, body: &str) {
        let risk = if body.contains("risk:") { "" } else { "risk: low\n" };
        let text = format!(
            "runwarden: v1\nkind: procedure\nname: {name}\ntitle: A trial\nversion: 1.0.0\nsummary: A trial.\nowner: tests\n{risk}{body}"
        );
        let Document::Procedure(procedure) = valid(name, &text, None, &self.registry, &self.shelf) else {
            panic!("no procedure");
        };
        let procedure = Arc::new(*procedure);
        self.shelf.put(parse::open(&source(name, &text), None).0.unwrap());
        self.root = Some(procedure.name.clone());
        self.procedures.insert(procedure.name.clone(), procedure);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn machine(&self) -> Machine {
        Machine::new(Settings { root: self.folder.path().to_owned(), ..Settings::default() })
    }

    fn past(&self, run: &RunId, machine: &Machine) -> Arc<Past> {
        let ledger = self.path("ledger.db");
        Arc::new(Past::new(run.clone(), machine.now(), move || {
            let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
            Reader::copy(&ledger, scratch.path()).map_err(|error| error.to_string())
        }))
    }

    fn setting(&self, past: Arc<Past>) -> Setting {
        Setting {
            workspace: Arc::new(self.workspace.clone()),
            environment: Environment::Development,
            actor: "tester".to_owned(),
            standing: Standing::unnamed(),
            registry: Arc::clone(&self.registry),
            procedures: self.procedures.clone(),
            env: BTreeMap::from([("TEAM".to_owned(), "blue".to_owned())]),
            base: Scope::new().with("history", Slot::Object(past)),
            custody: Arc::new(Custody::new(Some(FingerprintKey::new([9; 32])))),
        }
    }

    fn request(&self, parameters: &Json) -> Request {
        Request {
            procedure: self.root.clone().unwrap(),
            parameters: parameters
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            targets: IndexMap::new(),
            secrets: IndexMap::new(),
            options: Options { offline: self.offline, probe_commands: false },
            waivers: Vec::new(),
        }
    }

    fn next_run(&self) -> RunId {
        self.runs.set(self.runs.get() + 1);
        RunId::from_parts(1_795_000_000_000 + u64::from(self.runs.get()), &[self.runs.get(); 10])
    }

    pub async fn plan(&self, parameters: &Json) -> Result<Plan, plan::Error> {
        let machine = self.machine();
        let run = self.next_run();
        let past = self.past(&run, &machine);
        let setting = self.setting(Arc::clone(&past));
        let names = Names { plan: "plan".to_owned(), run, origin: "test".to_owned() };
        plan::plan(&setting, &self.request(parameters), names, &machine, &past).await
    }

    pub async fn run(&self) -> Ended {
        self.run_with(&json!({})).await.unwrap()
    }

    pub async fn run_with(&self, parameters: &Json) -> Result<Ended, Error> {
        self.run_after(parameters, || ()).await
    }

    /// Runs, after something has happened between plan and run.
    pub async fn run_after(&self, parameters: &Json, between: impl FnOnce()) -> Result<Ended, Error> {
        let machine = self.machine();
        let run = self.next_run();
        let past = self.past(&run, &machine);
        let setting = self.setting(Arc::clone(&past));
        let names = Names { plan: "plan".to_owned(), run: run.clone(), origin: "test".to_owned() };
        let plan = plan::plan(&setting, &self.request(parameters), names, &machine, &past).await.unwrap();
        between();
        let means = Means {
            setting: &setting,
            host: &machine,
            people: &self.people,
            observer: &self.told,
            interrupts: self.interrupts.subscribe(),
            knocks: self.knocks.subscribe(),
            history: &past,
            consents: &NoConsents,
            lends_after: self.lends_after,
        };
        let mut ledger = Lendable::new(self.open().unwrap(), &run);
        let ended = execute(&means, &plan, run, &mut ledger).await;
        if let Some(ledger) = ledger.into_ledger() {
            ledger.close(machine.now()).unwrap();
        }
        ended
    }

    /// Goes on with a run from what the ledger has of it, in the setting of a new process.
    pub async fn resume(&self, run: &RunId, purpose: Purpose, said: &[(&str, bool)]) -> Result<Ended, Error> {
        let machine = self.machine();
        let mut ledger = Lendable::new(self.open().unwrap(), run);
        let scratch = tempfile::tempdir().unwrap();
        let reader = Reader::copy(&self.path("ledger.db"), scratch.path()).unwrap();
        let recorded = resume::recorded(&reader, run).unwrap().unwrap();
        let frozen: Json = serde_json::from_slice(&reader.content().get(&recorded.frozen.unwrap()).unwrap()).unwrap();
        let past = self.past(run, &machine);
        let setting = self.setting(Arc::clone(&past));
        let view = serde_json::from_value(frozen["plan"].clone()).unwrap();
        let plan = plan::thaw(&setting, view, run, &machine).unwrap();
        let resolutions = said
            .iter()
            .map(|(step, happened)| ((*step).to_owned(), Resolution { happened: *happened, reason: "seen".to_owned() }))
            .collect();
        let means = Means {
            setting: &setting,
            host: &machine,
            people: &self.people,
            observer: &self.told,
            interrupts: self.interrupts.subscribe(),
            knocks: self.knocks.subscribe(),
            history: &past,
            consents: &NoConsents,
            lends_after: self.lends_after,
        };
        let ended = resume::resume(&means, &plan, recorded.run, purpose, &resolutions, &mut ledger).await;
        if let Some(ledger) = ledger.into_ledger() {
            ledger.close(machine.now()).unwrap();
        }
        ended
    }

    /// The ledger, as another process would open it.
    pub fn open(&self) -> Result<Ledger, crate::ledger::error::Error> {
        Ledger::open(&self.path("ledger.db"), LedgerKey::from_seed(&[7; 32]), self.machine().now())
    }

    /// The run that was begun last.
    pub fn last_run(&self) -> RunId {
        let number = self.runs.get();
        RunId::from_parts(1_795_000_000_000 + u64::from(number), &[number; 10])
    }

    /// A copy of the ledger, and the folder it is in.
    pub fn reader(&self) -> (TempDir, Reader) {
        let scratch = tempfile::tempdir().unwrap();
        let reader = Reader::copy(&self.path("ledger.db"), scratch.path()).unwrap();
        (scratch, reader)
    }

    /// Every effect that happened, in order.
    pub fn effects(&self) -> Vec<String> {
        self.world.lock().unwrap().effects.clone()
    }

    /// The kinds of all entries of runs, in order.
    pub fn kinds(&self) -> Vec<Kind> {
        let scratch = tempfile::tempdir().unwrap();
        let reader = Reader::copy(&self.path("ledger.db"), scratch.path()).unwrap();
        let entries = reader.entries(&Filter::default()).unwrap();
        let entry = |stored: &crate::ledger::reader::Stored| stored.entry(&self.path("ledger.db")).unwrap();
        entries.iter().map(entry).filter(|entry| entry.run.is_some()).map(|entry| entry.kind).collect()
    }

    pub fn fail(&self, name: &str, times: u32, how: Failing) {
        self.world.lock().unwrap().failing.insert(name.to_owned(), (times, how));
    }
}

fn source(name: &str, text: &str) -> Arc<Source> {
    let name = if name.ends_with(".yaml") { name.to_owned() } else { format!("{}.yaml", name.replace('.', "/")) };
    Arc::new(Source { name, text: text.to_owned() })
}

/// A document that must be valid; what is wrong with it is said otherwise.
fn valid(name: &str, text: &str, kind: Option<parse::Kind>, registry: &Registry, shelf: &Shelf) -> Document {
    let (document, diagnostics) = parse::check(&source(name, text), kind, registry, shelf);
    let said: Vec<String> = diagnostics.iter().map(|it| format!("{}: {} {}", it.code, it.message, it.label)).collect();
    document.unwrap_or_else(|| panic!("{text}\n{}", said.join("\n")))
}

/// The state of a step, as text.
pub(super) fn state(ended: &Ended, step: &str) -> &'static str {
    ended.run.step(step).map_or("pending", |record| record.state.as_str())
}

pub(super) fn failure_code(ended: &Ended) -> &str {
    ended.failure.as_ref().map_or("", |failure| failure.code.as_str())
}
