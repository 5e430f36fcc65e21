//! What `plan` and `run` need alike: the workspace, the procedure with all it calls, its inputs, the machine, and what
//! happened before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engine::action::Registry;
use engine::consent::must_sign;
use engine::host::machine::{Machine, Settings};
use engine::host::{Host as _, Probe as _, Scratch};
use engine::id::{Id, Name, RunId};
use engine::ledger::fingerprint_key;
use engine::ledger::reader::Reader;
use engine::library::{Loaded, frozen};
use engine::past::Past;
use engine::plan::{Names, Options, Plan, Request, Setting, View};
use engine::procedure::Environment;
use engine::procedure::parameter::accept_all;
use engine::secret::Secret;
use engine::secret::custody::Custody;
use engine::secret::fingerprint::FingerprintKey;
use engine::template::scope::{Scope, Slot};
use engine::template::value::Value;
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use crate::args::{Asked, Global};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::workspace::{self, Workspace};
use who::{Signing, Who};

pub mod inputs;
pub mod own_ledger;
pub mod pins;
pub mod plan_file;
pub mod roles;
pub mod signed_file;
mod user;
pub mod who;
pub mod witnesses;

/// Everything about one procedure in one workspace, ready to be planned.
pub struct Session {
    pub workspace: Workspace,
    pub environment: Environment,
    pub machine: Machine,
    pub loaded: Loaded,
    pub request: Request,
    /// Who plans and runs.
    pub who: Who,
    /// What the key of fingerprints will be made of, where a run is about to make it.
    new_fingerprints: Option<Secret>,
    registry: Arc<Registry>,
    origin: String,
}

/// What is said of a file of the workspace that has the name of a built-in procedure.
pub const IN_FRONT: &str = " (in front of the one that is built in)";

impl Session {
    /// Finds and checks everything that can be found out without planning.
    pub fn prepare(global: &Global, asked: &Asked, recorded: Option<&View>, signing: Signing) -> Result<Self, Refusal> {
        let name = procedure_name(&asked.name)?;
        let workspace = workspace::open(global.workspace.as_deref())?;
        let environment = workspace.environment()?;
        let registry = Arc::new(Registry::builtin());
        let library = workspace.library()?;
        let loaded = library.load(&name, &registry)?;
        let mut origin = loaded.origin.to_string();
        if library.shadows_built_in(&name) {
            origin.push_str(IN_FRONT);
        }
        if loaded.is_refused() {
            return Err(Refusal::invalid(
                "invalid-document",
                format!("procedure `{name}` ({}) has errors", loaded.origin),
            )
            .help("`runwarden explain CODE` says more about each")
            .diagnostics(loaded.diagnostics));
        }
        let waivers = signed_file::read_all(&asked.waivers)?;
        let request = match recorded {
            Some(view) => {
                let mut request = request_of(view)?;
                // One that the plan was not made with makes it another plan, and is refused as such.
                request.waivers.extend(waivers.into_iter().filter(|given| !view.waivers.contains(given)));
                request
            }
            None => {
                let procedure = loaded.procedures.get(&name).ok_or_else(|| Refusal::internal("nothing was loaded"))?;
                Request {
                    parameters: inputs::parameters(procedure, asked)?,
                    targets: inputs::targets(&asked.targets)?,
                    secrets: inputs::secrets(&asked.secrets)?,
                    options: Options { offline: asked.offline, probe_commands: asked.probe_commands },
                    waivers,
                    procedure: name,
                }
            }
        };
        let machine = machine(&workspace, environment);
        let who = who_in(&workspace, environment, &asked.who, signing, &machine)?;
        let new_fingerprints = None;
        Ok(Self { workspace, environment, machine, loaded, request, who, new_fingerprints, registry, origin })
    }

    /// The session of a run that was begun before: the procedures are those that were frozen with it.
    pub fn thawed(
        workspace: Workspace,
        view: &View,
        documents: &Map<String, Json>,
        said: &crate::args::Who,
        signing: Signing,
    ) -> Result<Self, Refusal> {
        let environment = workspace.environment()?;
        if environment != view.environment {
            let message =
                format!("the run was begun in {}, and this is {}", view.environment.as_str(), environment.as_str());
            return Err(Refusal::new(Exit::Refused, "other-environment", message));
        }
        let registry = Arc::new(Registry::builtin());
        let loaded = frozen::thaw(&view.procedure, documents, &registry);
        if loaded.is_refused() {
            let message = format!("procedure `{}` as it was frozen has errors for this version", view.procedure);
            return Err(Refusal::invalid("invalid-document", message).diagnostics(loaded.diagnostics));
        }
        let machine = machine(&workspace, environment);
        let (request, origin) = (request_of(view)?, view.origin.clone());
        let who = who_in(&workspace, environment, said, signing, &machine)?;
        let new_fingerprints = None;
        Ok(Self { workspace, environment, machine, loaded, request, who, new_fingerprints, registry, origin })
    }

    /// Refuses what nobody has reviewed yet, and what calls it.
    pub fn refuse_drafts(&self) -> Result<(), Refusal> {
        match self.loaded.procedures.values().find(|procedure| procedure.draft) {
            Some(draft) => Err(Refusal::draft(&draft.name)),
            None => Ok(()),
        }
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
            actor: self.who.name.clone(),
            standing: self.who.standing.clone(),
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
        let names = Names { plan: id, run, origin: self.origin.clone() };
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
    pub fn past(&self, run: RunId, verified: Option<own_ledger::Records>) -> Arc<Past> {
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
                Ok(false) => own_ledger::empty_history(&machine, &scratch.folder),
                _ => Reader::copy(&place, &scratch.folder).map_err(|error| error.to_string()),
            };
            folders.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            reader
        }))
    }
}

/// Who does this.
pub fn actor() -> String {
    user::name()
}

/// A new run id; a UUID, so it also names ledgers and plans.
pub fn new_run_id(machine: &Machine) -> Result<RunId, Refusal> {
    let mut random = [0; 10];
    machine.random(&mut random)?;
    let millis = u64::try_from(machine.now().microseconds() / 1000).unwrap_or_default();
    Ok(RunId::from_parts(millis, &random))
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
    let waivers = view.waivers.clone();
    Ok(Request { procedure, parameters, targets, secrets, options: view.options, waivers })
}

/// Who runs. Where what people give must be signed, they must sign.
fn who_in(
    workspace: &Workspace,
    environment: Environment,
    said: &crate::args::Who,
    signing: Signing,
    machine: &Machine,
) -> Result<Who, Refusal> {
    let signing = match signing {
        Signing::IfGiven if must_sign(&workspace.file, environment) => Signing::Must,
        asked => asked,
    };
    who::resolve(said, &workspace.file, environment, signing, machine.now())
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
