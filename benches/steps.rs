//! A procedure of 1,000 steps, planned and run to its end with a full record, beside bare loops in the same run.
//!
//! | Ours | Beside |
//! |---|---|
//! | 1,000 `data.value`, reads | a bare commit loop of 1,000 rows |
//! | 1,000 `file.write`, effects | writing, syncing and renaming 1,000 files, and a bare commit loop of 1,000 rows |
//! | 1,000 `command.run` of `true`, effects that are `once` | starting `true` 1,000 times, and a bare commit loop of 2,000 rows |
//!
//! A commit is one row in SQLite, WAL and `synchronous=FULL`. An effect that is `once` has two commits, since its outcome
//! does not wait for the next intent. The aim is at most 1.25 of the time beside. `cargo bench --bench steps`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark fails by panicking and shows what it found")]

#[path = "beside/measure.rs"]
mod measure;
#[path = "beside/rows.rs"]
mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::action::Registry;
use engine::consent::standing::Standing;
use engine::event::fact::Fact;
use engine::event::state::RunStatus;
use engine::execute::consents::NoConsents;
use engine::execute::people::{Answer, Asked, People};
use engine::execute::{Means, Observer, execute};
use engine::host::machine::{Machine, Settings};
use engine::id::{ActionName, Id, Name, RunId};
use engine::ledger::Ledger;
use engine::past::Past;
use engine::plan::{Names, Options, Request, Setting, plan};
use engine::procedure::check::Act;
use engine::procedure::step::{Body, OnError, OnFailure, Step, Undo};
use engine::procedure::workspace::{LedgerPlace, Policy, Workspace};
use engine::procedure::{Environment, Procedure, Requires, Risk, Steps, Work};
use engine::sign::ledger_key::LedgerKey;
use engine::template::data::Data;
use engine::template::scope::Scope;
use engine::time::Timestamp;
use indexmap::IndexMap;
use serde_json::{Value, json};

use measure::{Took, in_turn, measured, show};

const STEPS: usize = 1_000;

/// About as long as an entry with an intent and an outcome.
const ROW: usize = 600;

struct Silent;

impl Observer for Silent {
    fn saw(&self, _: &Fact) {}
    fn busy(&self, _: &str, _: &str) {}
}

#[async_trait]
impl People for Silent {
    async fn ask(&self, _: &Asked<'_>) -> Option<Answer> {
        None
    }
}

fn main() {
    let folder = || tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let commits = |count: usize| {
        let folder = folder();
        measured(|| rows::commit_one_by_one(folder.path(), count, ROW))
    };
    let ours = |action: &str, with: fn(usize) -> Value| {
        let folder = folder();
        measured(|| run(folder.path(), action, with))
    };
    println!("\n{STEPS} steps, planned and run with a full record\n");

    let reads = in_turn(|| ours("data.value", |number| json!({ "number": number })), || commits(STEPS));
    show("data.value", "bare commit loop", reads);

    let writes = in_turn(
        || ours("file.write", |number| json!({ "path": format!("file-{number}"), "content": "content" })),
        || {
            let files = folder();
            together(measured(|| write_files(files.path())), commits(STEPS))
        },
    );
    show("file.write", "write, sync and rename; bare commit loop", writes);

    let commands = in_turn(
        || ours("command.run", |_| json!({ "argv": ["true"] })),
        || together(measured(start_true), commits(2 * STEPS)),
    );
    show("command.run of `true`", "fork and exec; bare commit loop, two a step", commands);
}

/// Two pieces of work as one.
fn together(first: Took, second: Took) -> Took {
    Took { time: first.time + second.time, peak: first.peak.max(second.peak) }
}

/// What an effect on a file costs whoever makes it durable: a new file, synced, renamed, its folder synced.
fn write_files(folder: &Path) {
    for number in 0..STEPS {
        let (new, name) = (folder.join(".new"), folder.join(format!("file-{number}")));
        let mut file = fs::File::create(&new).unwrap();
        file.write_all(b"content").unwrap();
        file.sync_all().unwrap();
        fs::rename(new, name).unwrap();
        fs::File::open(folder).unwrap().sync_all().unwrap();
    }
}

fn start_true() {
    for _ in 0..STEPS {
        assert!(std::process::Command::new("true").status().unwrap().success());
    }
}

/// Plans and runs a procedure of steps that all call one action, in a workspace and with a ledger of their own.
fn run(folder: &Path, action: &str, with: fn(usize) -> Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run_in(folder, procedure(action, with)));
}

async fn run_in(folder: &Path, procedure: Procedure) {
    let machine = Machine::new(Settings { root: folder.to_owned(), probe_commands: true, ..Settings::default() });
    let (run, now) = (RunId::from_parts(1, &[1; 10]), Timestamp::from_microseconds(0).unwrap());
    let name = procedure.name.clone();
    let setting = Setting {
        workspace: Arc::new(workspace()),
        environment: Environment::Development,
        actor: "bench".to_owned(),
        standing: Standing::unnamed(),
        registry: Arc::new(Registry::builtin()),
        procedures: BTreeMap::from([(name.clone(), Arc::new(procedure))]),
        env: BTreeMap::new(),
        base: Scope::new(),
        custody: Arc::default(),
    };
    let request = Request {
        procedure: name,
        parameters: IndexMap::new(),
        targets: IndexMap::new(),
        secrets: IndexMap::new(),
        options: Options::default(),
        waivers: Vec::new(),
    };
    let history = Past::new(run.clone(), now, || Err("there is no history".to_owned()));
    let names = Names { plan: "bench".to_owned(), run: run.clone(), origin: "built in".to_owned() };
    let plan = plan(&setting, &request, names, &machine, &history).await.unwrap();

    let path = folder.join("ledger.db");
    let key = || LedgerKey::from_seed(&[7; 32]);
    Ledger::create(&path, "bench/ledger", &key(), now, "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11").unwrap();
    let mut ledger = Ledger::open(&path, key(), now).unwrap();
    let (_interrupt, interrupts) = tokio::sync::watch::channel(0);
    let (_door, knocks) = tokio::sync::watch::channel(0);
    let means = Means {
        setting: &setting,
        host: &machine,
        people: &Silent,
        observer: &Silent,
        interrupts,
        knocks,
        history: &history,
        lends_after: engine::execute::waiting::LENDS_AFTER,
        consents: &NoConsents,
    };
    let ended = execute(&means, &plan, run, &mut ledger).await.unwrap();
    assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.failure);
    assert_eq!(ended.run.steps().count(), STEPS);
}

fn procedure(action: &str, with: fn(usize) -> Value) -> Procedure {
    let steps = (0..STEPS).map(|number| step(&format!("step_{number}"), action, &with(number))).collect();
    Procedure {
        draft: false,
        name: Name::parse("bench").unwrap(),
        title: "A thousand steps".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "Each step calls the same action.".to_owned(),
        source: None,
        owner: "bench".to_owned(),
        parameters: IndexMap::new(),
        targets: IndexMap::new(),
        secrets: IndexMap::new(),
        env: Vec::new(),
        requires: Requires::default(),
        preconditions: Vec::new(),
        do_not: Vec::new(),
        work: Work::Steps(Steps {
            risk: Risk::Low,
            steps,
            verify: Vec::new(),
            on_failure: OnFailure::Stop,
            finally: Vec::new(),
        }),
        failure_modes: Vec::new(),
        outputs: IndexMap::new(),
        document: json!({ "name": "bench" }),
    }
}

fn step(id: &str, action: &str, with: &Value) -> Step {
    Step {
        id: Id::parse(id).unwrap(),
        title: None,
        why: None,
        body: Body::Action(Act { action: ActionName::parse(action).unwrap(), with: Data::parse(with).unwrap() }),
        preconditions: Vec::new(),
        when: None,
        satisfied_when: None,
        for_each: None,
        repeat: None,
        retry: None,
        timeout: None,
        approval: None,
        verify: Vec::new(),
        undo: Undo::Unsaid,
        on_error: OnError::Stop,
        checkpoint: None,
        acts_as: Vec::new(),
        secret_outputs: IndexMap::new(),
    }
}

fn workspace() -> Workspace {
    Workspace {
        environment: Some(Environment::Development),
        ledger: LedgerPlace {
            path: "ledger.db".to_owned(),
            key: "ledger.pem".to_owned(),
            origin: "bench/ledger".to_owned(),
            witnesses: IndexMap::new(),
        },
        procedures: Vec::new(),
        actors: IndexMap::new(),
        targets: IndexMap::new(),
        secrets: IndexMap::new(),
        bindings: IndexMap::new(),
        policy: Policy::default(),
        document: json!({}),
    }
}
