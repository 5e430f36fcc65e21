//! A copy of the example in a folder of its own, and runs in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use engine::action::Registry;
use engine::diagnostic::Source;
use engine::event::fact::Fact;

use engine::consent::standing::Standing;
use engine::execute::consents::NoConsents;
use engine::execute::people::{Answer, Asked, People};
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
use engine::procedure::{Environment, Procedure};
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
    runs: std::cell::Cell<u8>,
}

/// Answers by step; none for what it does not know.
#[derive(Default)]
pub struct Scripted(pub BTreeMap<&'static str, Answer>);

#[async_trait]
impl People for Scripted {
    async fn ask(&self, asked: &Asked<'_>) -> Option<Answer> {
        self.0.get(asked.path).cloned()
    }
}

struct Nobody;

impl Observer for Nobody {
    fn saw(&self, _: &Fact) {}

    fn busy(&self, _: &str, _: &str) {}
}

impl Site {
    pub fn example() -> Self {
        Self::with_anchors("anchors")
    }

    /// The example with its anchor store at another path.
    pub fn with_anchors(path: &str) -> Self {
        let registry = Arc::new(Registry::builtin());
        let text = read_shipped("examples/corvusforge/runwarden.yaml");
        let text = text.replace("path: anchors\n", &format!("path: {path}\n"));
        let workspace = match parsed("runwarden.yaml", &text, Some(Kind::Workspace), &registry) {
            Document::Workspace(workspace) => *workspace,
            other => unreachable!("{other:?}"),
        };
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
            workspace,
            registry,
            people: Scripted::default(),
            runs: std::cell::Cell::new(0),
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
            environment: Environment::Development,
            actor: "tester".to_owned(),
            standing: Standing::unnamed(),
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
        let machine = self.machine();
        let (_sender, interrupts) = watch::channel(0);
        let means = Means {
            setting: &setting,
            host: &machine,
            people: &self.people,
            observer: &Nobody,
            interrupts,
            knocks: watch::channel(0).1,
            history: &past,
            lends_after: engine::execute::waiting::LENDS_AFTER,
            consents: &NoConsents,
        };
        let mut ledger = Ledger::open(&self.own(), key(), machine.now()).unwrap();
        let ended = execute(&means, &plan, run, &mut ledger).await.unwrap();
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
        self.runs.set(self.runs.get() + 1);
        RunId::from_parts(1_795_000_000_000 + u64::from(self.runs.get()), &[self.runs.get(); 10])
    }
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
