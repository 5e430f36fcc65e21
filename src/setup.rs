//! What `plan` and `run` need alike: the workspace, the procedure with all it calls, its inputs, the machine, and what
//! happened before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engine::action::Registry;
use engine::host::machine::{Machine, Settings};
use engine::host::{Host as _, Probe as _, Scratch};
use engine::id::{Id, Name, RunId};
use engine::ledger::reader::Reader;
use engine::ledger::{Ledger, fingerprint_key};
use engine::library::Loaded;
use engine::past::Past;
use engine::plan::{Names, Options, Plan, Request, Setting, View};
use engine::procedure::Environment;
use engine::procedure::parameter::accept_all;
use engine::procedure::workspace::Policy;
use engine::secret::Secret;
use engine::secret::custody::Custody;
use engine::secret::fingerprint::FingerprintKey;
use engine::sign::ledger_key::LedgerKey;
use engine::template::scope::{Scope, Slot};
use engine::template::value::Value;
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::args::{Asked, Global};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::workspace::{self, Workspace};

mod inputs;
pub mod plan_file;
mod user;

/// Everything about one procedure in one workspace, ready to be planned.
pub struct Session {
    pub workspace: Workspace,
    pub environment: Environment,
    pub machine: Machine,
    pub loaded: Loaded,
    pub request: Request,
    /// What the key of fingerprints will be made of, where a run is about to make it.
    new_fingerprints: Option<Secret>,
    registry: Arc<Registry>,
}

impl Session {
    /// Finds and checks everything that can be found out without planning.
    pub fn prepare(global: &Global, asked: &Asked, recorded: Option<&View>) -> Result<Self, Refusal> {
        let name = procedure_name(&asked.name)?;
        let workspace = workspace::open(global.workspace.as_deref())?;
        let environment = workspace.environment()?;
        refuse_policy(&workspace.file.policy, environment)?;
        let registry = Arc::new(Registry::builtin());
        let loaded = workspace.library()?.load(&name, &registry)?;
        if loaded.is_refused() {
            return Err(Refusal::invalid(
                "invalid-document",
                format!("procedure `{name}` ({}) has errors", loaded.origin),
            )
            .help("`runwarden explain CODE` says more about each")
            .diagnostics(loaded.diagnostics));
        }
        let request = match recorded {
            Some(view) => request_of(view)?,
            None => {
                let procedure = loaded.procedures.get(&name).ok_or_else(|| Refusal::internal("nothing was loaded"))?;
                Request {
                    parameters: inputs::parameters(procedure, asked)?,
                    targets: inputs::targets(&asked.targets)?,
                    secrets: inputs::secrets(&asked.secrets)?,
                    options: Options { offline: asked.offline, probe_commands: asked.probe_commands },
                    procedure: name,
                }
            }
        };
        let machine = machine(&workspace, environment);
        Ok(Self { workspace, environment, machine, loaded, request, new_fingerprints: None, registry })
    }

    /// What planning and running need, with `history` answered by `past`.
    pub fn setting(&self, past: &Arc<Past>) -> Result<Setting, Refusal> {
        let key = match (fingerprint_key::load(&self.workspace.ledger())?, &self.new_fingerprints) {
            (None, Some(random)) => random.expose().try_into().ok().map(FingerprintKey::new),
            (found, _) => found,
        };
        let declared = self.loaded.procedures.values().flat_map(|procedure| &procedure.env);
        let env: BTreeMap<String, String> =
            declared.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect();
        let history: Arc<dyn engine::template::scope::Object> = Arc::clone(past) as _;
        let machine = self.machine.clone();
        let base = Scope::new().with("history", Slot::Object(history)).with_function(
            "inside",
            move |args: &[Value]| match args {
                [path, folder] => {
                    let text = |value: &Value| {
                        value.as_str().map(str::to_owned).ok_or_else(|| "`inside` takes two paths".to_owned())
                    };
                    let inside = machine.inside(Path::new(&text(path)?), Path::new(&text(folder)?));
                    inside.map(Value::from).map_err(|error| error.to_string())
                }
                _ => Err("`inside` takes a path and a folder".to_owned()),
            },
        );
        Ok(Setting {
            workspace: Arc::clone(&self.workspace.file),
            environment: self.environment,
            actor: user::name(),
            registry: Arc::clone(&self.registry),
            procedures: self.loaded.procedures.clone(),
            env,
            base,
            custody: Arc::new(Custody::new(key)),
        })
    }

    /// Plans. `id` is the plan's own, `run` the run's, or one that no run has.
    pub async fn plan(&self, setting: &Setting, id: String, run: RunId, past: &Past) -> Result<Plan, Refusal> {
        let probe = self.machine.probing_commands(self.request.options.probe_commands);
        let names = Names { plan: id, run, origin: self.loaded.origin.to_string() };
        Ok(engine::plan::plan(setting, &self.request, names, &probe, past).await?)
    }

    /// What a run plans with where there is no key of fingerprints yet: the one that it will leave there.
    pub fn promise_fingerprints(&mut self) -> Result<(), Refusal> {
        let mut random = vec![0; 32];
        self.machine.random(&mut random)?;
        self.new_fingerprints = Some(Secret::new(random));
        Ok(())
    }

    /// Makes the key of fingerprints where there is none.
    pub fn make_fingerprints(&self) -> Result<(), Refusal> {
        if let Some(random) = self.new_fingerprints.as_ref().and_then(|random| random.expose().try_into().ok()) {
            fingerprint_key::load_or_make(&self.workspace.ledger(), &random)?;
        }
        Ok(())
    }

    /// A new run id.
    pub fn new_run(&self) -> Result<RunId, Refusal> {
        new_run_id(&self.machine)
    }

    /// What happened before, asked of the ledger when somebody first wants to know. `verified` is a copy that was
    /// verified already; without one the ledger is copied then, which is for its own writer.
    pub fn past(&self, run: RunId, verified: Option<Records>) -> Arc<Past> {
        let (machine, place) = (self.machine.clone(), self.workspace.ledger());
        let (reader, scratch) = verified.map_or((None, None), |records| (Some(records.reader), Some(records.scratch)));
        let reader = Mutex::new(reader);
        // Kept as long as the readers that read in them.
        let folders: Mutex<Vec<Scratch>> = Mutex::new(scratch.into_iter().collect());
        let now = self.machine.now();
        Arc::new(Past::new(run, now, move || {
            if let Some(reader) = reader.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Ok(reader);
            }
            let scratch = machine.scratch(&[]).map_err(|error| error.to_string())?;
            let reader = match place.try_exists() {
                Ok(false) => empty_history(&machine, &scratch.folder),
                _ => Reader::copy(&place, &scratch.folder).map_err(|error| error.to_string()),
            };
            folders.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            reader
        }))
    }
}

/// A ledger that was copied and verified from its last checkpoint on.
pub struct Records {
    pub reader: Reader,
    scratch: Scratch,
}

/// Copies and verifies the workspace's ledger; none where neither ledger nor key was ever made.
pub fn records(workspace: &Workspace, machine: &Machine) -> Result<Option<Records>, Refusal> {
    let Some(key) = key_of_ledger(workspace)? else { return Ok(None) };
    let scratch = machine.scratch(&[])?;
    let reader = Reader::copy(&workspace.ledger(), &scratch.folder)?;
    reader.check(&key.public())?;
    Ok(Some(Records { reader, scratch }))
}

/// The key of the workspace's ledger; none where there is neither key nor ledger. One without the other is an alarm.
pub fn key_of_ledger(workspace: &Workspace) -> Result<Option<LedgerKey>, Refusal> {
    let (ledger, key) = (workspace.ledger(), workspace.key());
    let is_there = |path: &Path| !matches!(path.try_exists(), Ok(false));
    let missing = |missing: &Path, there: &Path, what: &str, help: &str| {
        let message = format!("{what} `{}` is missing, and `{}` is there", missing.display(), there.display());
        Err(Refusal::new(Exit::Ledger, "ledger-missing", message).help(help))
    };
    match (is_there(&ledger), is_there(&key)) {
        (true, true) => Ok(Some(LedgerKey::load(&key)?)),
        (false, false) => match traces(&ledger) {
            Some(trace) => missing(
                &ledger,
                &trace,
                "ledger",
                "a ledger does not go by itself: find out who removed it, and restore it from a backup",
            ),
            None => Ok(None),
        },
        (false, true) => missing(
            &ledger,
            &key,
            "ledger",
            "a ledger does not go by itself: find out who removed it, and restore it from a backup",
        ),
        (true, false) => {
            missing(&key, &ledger, "key", "restore the ledger's key from a backup; another key will not do")
        }
    }
}

/// What a ledger that was there leaves behind.
fn traces(ledger: &Path) -> Option<std::path::PathBuf> {
    ["-wal", ".checkpoints", ".incident", ".content"]
        .iter()
        .map(|suffix| {
            let mut name = ledger.as_os_str().to_owned();
            name.push(suffix);
            std::path::PathBuf::from(name)
        })
        .find(|path| path.exists())
}

/// Makes ledger and key where neither is there.
pub fn make_ledger(workspace: &Workspace, machine: &Machine) -> Result<(), Refusal> {
    for path in [workspace.ledger(), workspace.key()] {
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            make_private_folder(folder)?;
        }
    }
    let key = new_key(machine)?;
    let id = new_run_id(machine)?;
    key.write_new(&workspace.key())?;
    Ledger::create(&workspace.ledger(), &workspace.file.ledger.origin, &key, machine.now(), id.as_str()).map_err(
        |error| {
            // Without its ledger the key would raise a false alarm; nothing was signed with it that anybody has.
            if !workspace.ledger().exists() {
                let _ = std::fs::remove_file(workspace.key());
            }
            Refusal::from(error)
        },
    )
}

fn make_private_folder(path: &Path) -> Result<(), Refusal> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Refusal::new(Exit::Ledger, "ledger", format!("cannot make `{}` for the ledger: {error}", path.display()))
    })
}

fn new_key(machine: &Machine) -> Result<LedgerKey, Refusal> {
    let mut seed = [0; 32];
    machine.random(&mut seed)?;
    Ok(LedgerKey::from_seed(&seed))
}

/// A new run id; a UUID, so it also names ledgers and plans.
pub fn new_run_id(machine: &Machine) -> Result<RunId, Refusal> {
    let mut random = [0; 10];
    machine.random(&mut random)?;
    let millis = u64::try_from(machine.now().microseconds() / 1000).unwrap_or_default();
    Ok(RunId::from_parts(millis, &random))
}

/// A history in which nothing happened, for a workspace that has no ledger yet.
fn empty_history(machine: &Machine, scratch: &Path) -> Result<Reader, String> {
    let (made, copy) = (scratch.join("empty"), scratch.join("copy"));
    std::fs::create_dir(&copy).map_err(|error| error.to_string())?;
    let key = new_key(machine).map_err(|refusal| refusal.message)?;
    let id = new_run_id(machine).map_err(|refusal| refusal.message)?;
    Ledger::create(&made, "empty", &key, machine.now(), id.as_str()).map_err(|error| error.to_string())?;
    Reader::copy(&made, &copy).map_err(|error| error.to_string())
}

/// The machine, with what the workspace's policy allows in this environment.
pub fn machine(workspace: &Workspace, environment: Environment) -> Machine {
    install_tls();
    let policy = &workspace.file.policy;
    // Absent lists mean any in development and none in production; staging rehearses production.
    let allowed = |list: &Option<Vec<String>>| match environment {
        Environment::Development => list.clone(),
        Environment::Staging | Environment::Production => Some(list.clone().unwrap_or_default()),
    };
    Machine::new(Settings {
        root: workspace.root.clone(),
        allow_hosts: allowed(&policy.allow_hosts),
        allow_commands: allowed(&policy.allow_commands),
        protected: workspace.protected(),
        scratch_parent: None,
        probe_commands: true,
        proxy_from_env: true,
    })
}

/// A machine to read foreign files with, outside of any workspace.
pub fn reading_machine() -> Machine {
    let root = std::env::current_dir().unwrap_or_default();
    let none = || Some(Vec::new());
    Machine::new(Settings { root, allow_hosts: none(), allow_commands: none(), ..Settings::default() })
}

fn install_tls() {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A procedure's name from the command line.
pub fn procedure_name(text: &str) -> Result<Name, Refusal> {
    Name::parse(text).map_err(|error| Refusal::invalid("unknown-procedure", error.to_string()))
}

fn request_of(view: &View) -> Result<Request, Refusal> {
    let parameters: IndexMap<String, Json> =
        view.parameters.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let mut targets = IndexMap::new();
    for (name, target) in &view.targets {
        let target = Id::parse(target).map_err(|error| Refusal::invalid("not-a-plan", error.to_string()))?;
        targets.insert(name.clone(), target);
    }
    let (procedure, secrets) = (view.procedure.clone(), view.secrets.clone());
    Ok(Request { procedure, parameters, targets, secrets, options: view.options })
}

/// What a policy asks for and this version does not do is refused, never passed over.
fn refuse_policy(policy: &Policy, environment: Environment) -> Result<(), Refusal> {
    let unsupported = |key: &str| {
        let message = format!(
            "runwarden.yaml uses `policy.{key}`, which this version does not act on; it is refused rather than ignored"
        );
        Err(Refusal::invalid("unsupported", message))
    };
    if policy.anchor_after_run.is_some() {
        return unsupported("anchor_after_run");
    }
    let Some(requirement) = policy.require.get(&environment) else { return Ok(()) };
    let of = |key: &str| unsupported(&format!("require.{}.{key}", environment.as_str()));
    if requirement.approvals.is_some() {
        return of("approvals");
    }
    if requirement.signed_actor {
        return of("signed_actor");
    }
    if requirement.anchors.is_some() {
        return of("anchors");
    }
    Ok(())
}

/// All that is wrong with given parameters, those that could not be read included.
fn all_refusals(
    procedure: &engine::procedure::Procedure,
    given: &IndexMap<String, Json>,
    mut unread: Vec<(String, String)>,
) -> Refusal {
    let more = accept_all(&procedure.parameters, given).err().unwrap_or_default();
    let unknown = |unread: &[(String, String)], name: &str| !unread.iter().any(|(known, _)| known == name);
    let more: Vec<_> = more.into_iter().filter(|(name, _)| unknown(&unread, name)).collect();
    unread.extend(more);
    Refusal::from(engine::plan::Error::Parameters(unread))
}
