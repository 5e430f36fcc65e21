//! A copy of the example in a folder of its own, and runs in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use engine::action::Registry;
use engine::diagnostic::Source;
use engine::event::fact::Fact;

use engine::consent::standing::Standing;
use engine::execute::consents::NoConsents;
use engine::execute::people::{Answer, Asked, People};
use engine::execute::resume::{Purpose, recorded, resume};
use engine::execute::{Ended, Means, Observer, execute};
use engine::host::Probe;
use engine::host::machine::{Machine, Settings};
use engine::id::{Name, RunId};
use engine::ledger::Ledger;
use engine::ledger::reader::Reader;
use engine::parse::{Document, Kind, Shelf, check};
use engine::past::Past;
use engine::plan::{Names, Options, Plan, Request, Setting};
use engine::procedure::workspace::Workspace;
use engine::procedure::{ActorClass, Environment, Procedure};
use engine::secret::custody::Custody;
use engine::secret::fingerprint::FingerprintKey;
use engine::sign::ledger_key::LedgerKey;
use engine::template::scope::{Scope, Slot};
use engine::template::value::Value;
use indexmap::IndexMap;
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::writer::runs::MAIN_RUN;
use crate::writer::{self, Tamper};

/// A copy of the example: its workspace file, and the ledger that its writer writes.
pub struct Site {
    folder: TempDir,
    workspace: Workspace,
    registry: Arc<Registry>,
    pub people: Scripted,
    /// What else happens at a moment of a run: told a kind of fact, `asked` or `busy`, and the step.
    pub meanwhile: Option<Meanwhile>,
    /// What runs are said to be in.
    pub environment: Environment,
    runs: AtomicU8,
}

/// Something that others do while a run is under way.
pub type Meanwhile = Box<dyn Fn(&str, &str) + Send + Sync>;

/// Answers by step; none for what it does not know.
#[derive(Default)]
pub struct Scripted(pub BTreeMap<&'static str, Answer>);

/// Who is there during a run.
struct There<'a>(&'a Site);

impl There<'_> {
    fn meanwhile(&self, what: &str, step: &str) {
        if let Some(meanwhile) = &self.0.meanwhile {
            meanwhile(what, step);
        }
    }
}

#[async_trait]
impl People for There<'_> {
    async fn ask(&self, asked: &Asked<'_>) -> Option<Answer> {
        self.meanwhile("asked", asked.path);
        self.0.people.0.get(asked.path).cloned()
    }
}

impl Observer for There<'_> {
    fn saw(&self, fact: &Fact) {
        self.meanwhile(fact.event.kind().as_str(), fact.step.as_deref().unwrap_or_default());
    }

    fn busy(&self, step: &str, _: &str) {
        self.meanwhile("busy", step);
    }
}

impl Site {
    pub fn example() -> Self {
        Self::with_anchors("anchors")
    }

    /// The example with its anchor store at another path.
    pub fn with_anchors(path: &str) -> Self {
        Self::with("path: anchors\n", &format!("path: {path}\n"))
    }

    /// The example with something else in its workspace file.
    pub fn with(from: &str, to: &str) -> Self {
        let registry = Arc::new(Registry::builtin());
        let text = read_shipped("examples/corvusforge/runwarden.yaml").replace(from, to);
        let workspace = match parsed("runwarden.yaml", &text, Some(Kind::Workspace), &registry) {
            Document::Workspace(workspace) => *workspace,
            other => unreachable!("{other:?}"),
        };
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
            workspace,
            registry,
            people: Scripted::default(),
            meanwhile: None,
            environment: Environment::Development,
            runs: AtomicU8::new(0),
        };
        fs::create_dir_all(site.path("project/.corvusforge")).unwrap();
        fs::create_dir(site.path(".runwarden")).unwrap();
        writer::write(&site.corvus(), &writer::Plan::default()).unwrap();
        let (now, id) = (site.machine().now(), "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11");
        Ledger::create(&site.own(), &site.workspace.ledger.origin, &key(), now, id).unwrap();
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The ledger of the project.
    pub fn corvus(&self) -> PathBuf {
        self.path("project/.corvusforge/ledger.db")
    }

    fn own(&self) -> PathBuf {
        self.path(&self.workspace.ledger.path)
    }

    /// Another ledger in the place of the project's.
    pub fn tamper(&self, tamper: Option<Tamper>) {
        fs::remove_file(self.corvus()).unwrap();
        writer::write(&self.corvus(), &writer::Plan { tamper, ..writer::Plan::default() }).unwrap();
    }

    /// Statements that Corvusforge never runs.
    pub fn edit(&self, statements: &str) {
        let connection = Connection::open(self.corvus()).unwrap();
        connection.execute_batch(statements).unwrap();
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    }

    /// Everything in the project with its times: to be compared afterwards.
    pub fn project(&self) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
        let mut found = BTreeMap::new();
        see(&self.path("project"), &mut found);
        found
    }

    /// The names in a folder; none where there is no such folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn machine(&self) -> Machine {
        let root = self.folder.path().to_owned();
        Machine::new(Settings { root, protected: vec![self.path(".runwarden")], ..Settings::default() })
    }

    fn past(&self, run: &RunId) -> Arc<Past> {
        let ledger = self.own();
        let scratch = tempfile::tempdir().unwrap();
        Arc::new(Past::new(run.clone(), self.machine().now(), move || {
            Reader::copy(&ledger, scratch.path()).map_err(|error| error.to_string())
        }))
    }

    fn setting(&self, procedure: &Arc<Procedure>, past: &Arc<Past>) -> Setting {
        let machine = self.machine();
        let inside = move |args: &[Value]| {
            let [path, folder] = args else { return Err("two paths".to_owned()) };
            let read = |value: &Value| value.as_str().map(PathBuf::from).ok_or("a path".to_owned());
            let inside = machine.inside(&read(path)?, &read(folder)?);
            inside.map(Value::from).map_err(|error| error.to_string())
        };
        Setting {
            workspace: Arc::new(self.workspace.clone()),
            environment: self.environment,
            actor: "tester".to_owned(),
            standing: Standing { class: ActorClass::Operator, ..Standing::unnamed() },
            registry: Arc::clone(&self.registry),
            procedures: BTreeMap::from([(procedure.name.clone(), Arc::clone(procedure))]),
            env: BTreeMap::new(),
            base: Scope::new().with("history", Slot::Object(Arc::clone(past) as _)).with_function("inside", inside),
            custody: Arc::new(Custody::new(Some(FingerprintKey::new([1; 32])))),
        }
    }

    /// Plans a procedure of Corvusforge about the main run.
    pub async fn plan(&self, name: &str, parameters: Json) -> Plan {
        let run = self.next_run();
        let (procedure, past) = (self.procedure(name), self.past(&run));
        self.planned(&procedure, &self.setting(&procedure, &past), &past, run, parameters).await
    }

    /// Runs a procedure of Corvusforge about the main run, or about `run` of the parameters.
    pub async fn run(&self, name: &str, parameters: Json) -> Ended {
        let run = self.next_run();
        let (procedure, past) = (self.procedure(name), self.past(&run));
        let setting = self.setting(&procedure, &past);
        let plan = self.planned(&procedure, &setting, &past, run.clone(), parameters).await;
        let (machine, there) = (self.machine(), There(self));
        let (_sender, interrupts) = watch::channel(0);
        let means = means(&setting, &machine, &there, interrupts, &past);
        let mut ledger = Ledger::open(&self.own(), key(), machine.now()).unwrap();
        let ended = execute(&means, &plan, run, &mut ledger).await.unwrap();
        ledger.close(machine.now()).unwrap();
        ended
    }

    /// Goes on with a run of a procedure, or takes it back, from what our own ledger has of it.
    pub async fn go_on(&self, name: &str, run: &RunId, purpose: Purpose) -> Ended {
        let scratch = tempfile::tempdir().unwrap();
        let reader = Reader::copy(&self.own(), scratch.path()).unwrap();
        let recorded = recorded(&reader, run).unwrap().unwrap();
        let frozen: Json = serde_json::from_slice(&reader.content().get(&recorded.frozen.unwrap()).unwrap()).unwrap();
        let (procedure, past) = (self.procedure(name), self.past(run));
        let setting = self.setting(&procedure, &past);
        let (machine, there) = (self.machine(), There(self));
        let view = serde_json::from_value(frozen["plan"].clone()).unwrap();
        let plan = engine::plan::thaw(&setting, view, run, &machine).unwrap();
        let (_sender, interrupts) = watch::channel(0);
        let means = means(&setting, &machine, &there, interrupts, &past);
        let mut ledger = Ledger::open(&self.own(), key(), machine.now()).unwrap();
        let ended = resume(&means, &plan, recorded.run, purpose, &BTreeMap::new(), &mut ledger).await.unwrap();
        ledger.close(machine.now()).unwrap();
        ended
    }

    async fn planned(
        &self,
        procedure: &Arc<Procedure>,
        setting: &Setting,
        past: &Past,
        run: RunId,
        parameters: Json,
    ) -> Plan {
        let mut given: IndexMap<String, Json> = parameters.as_object().unwrap().clone().into_iter().collect();
        if procedure.parameters.contains_key("run") {
            given.entry("run".to_owned()).or_insert(json!(MAIN_RUN));
        }
        let request = Request {
            procedure: procedure.name.clone(),
            parameters: given,
            targets: IndexMap::new(),
            secrets: IndexMap::new(),
            options: Options::default(),
            waivers: Vec::new(),
        };
        let names = Names { plan: "plan".to_owned(), run, origin: "built in".to_owned() };
        engine::plan::plan(setting, &request, names, &self.machine(), past).await.unwrap()
    }

    fn procedure(&self, name: &str) -> Arc<Procedure> {
        let path = format!("procedures/corvusforge/{name}.yaml");
        match parsed(&path, &read_shipped(&path), None, &self.registry) {
            Document::Procedure(procedure) => {
                assert_eq!(procedure.name, Name::parse(&format!("corvusforge.{name}")).unwrap());
                Arc::new(*procedure)
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn next_run(&self) -> RunId {
        let number = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        RunId::from_parts(1_795_000_000_000 + u64::from(number), &[number; 10])
    }
}

fn means<'a>(
    setting: &'a Setting,
    machine: &'a Machine,
    there: &'a There<'a>,
    interrupts: watch::Receiver<u8>,
    past: &'a Past,
) -> Means<'a> {
    Means {
        setting,
        host: machine,
        people: there,
        observer: there,
        interrupts,
        knocks: watch::channel(0).1,
        history: past,
        lends_after: engine::execute::waiting::LENDS_AFTER,
        consents: &NoConsents,
    }
}

/// What people did to stages, written to the ledger as Corvusforge would: the list begins with what was done before.
pub fn set_stages(ledger: &Path, transitions: &[[&'static str; 3]]) {
    let whole = ledger.with_extension("whole");
    writer::write(&whole, &writer::Plan { by_hand: transitions.to_vec(), ..writer::Plan::default() }).unwrap();
    let connection = Connection::open(ledger).unwrap();
    connection.execute("ATTACH ? AS whole", [whole.to_str().unwrap()]).unwrap();
    let rest =
        "INSERT INTO main.run_ledger SELECT * FROM whole.run_ledger WHERE id > (SELECT max(id) FROM main.run_ledger)";
    connection.execute(rest, []).unwrap();
    connection.execute_batch("DETACH whole; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(connection);
    fs::remove_file(whole).unwrap();
}

/// What people answer, and what they read back.
pub fn answer(answers: &Json, read_back: Option<&str>) -> Answer {
    let answers = answers.as_object().unwrap().clone().into_iter().collect();
    Answer { answers, read_back: read_back.map(str::to_owned), ..Answer::default() }
}

fn key() -> LedgerKey {
    LedgerKey::from_seed(&[7; 32])
}

fn read_shipped(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn parsed(name: &str, text: &str, kind: Option<Kind>, registry: &Registry) -> Document {
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let (document, problems) = check(&source, kind, registry, &Shelf::default());
    assert_eq!(problems, []);
    document.unwrap()
}

fn see(path: &Path, found: &mut BTreeMap<PathBuf, (Vec<u8>, i64, i64)>) {
    let about = fs::symlink_metadata(path).unwrap();
    let content = if about.is_file() { fs::read(path).unwrap() } else { Vec::new() };
    found.insert(path.to_owned(), (content, about.mtime(), about.mtime_nsec()));
    if about.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            see(&entry.unwrap().path(), found);
        }
    }
}

/// The title of the advice that was given.
pub fn advice(ended: &Ended) -> &str {
    ended.advice.as_ref().map_or("", |(title, _)| title.as_str())
}

/// The code of the failure, and the guard or check it names.
pub fn failure(ended: &Ended) -> (&str, &str) {
    ended.failure.as_ref().map_or(("", ""), |failure| {
        let named = failure.guard.as_deref().or(failure.check.as_deref()).unwrap_or_default();
        (failure.code.as_str(), named)
    })
}
