//! The situation of a case: what it says, over what the defaults say, over what is made up.
//!
//! Maps are joined key by key, and an empty one takes all of the defaults' away.

use std::hash::Hash;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use crate::consent::standing::Standing;
use crate::id::Id;
use crate::parse::raw::test::{Approval, Case, Defaults, PastRun, Then, Waiver};
use crate::parse::raw::words;
use crate::procedure::workspace::{Actor, LedgerPlace, Policy, SecretEntry, TargetEntry, Workspace};
use crate::procedure::{ActorClass, Environment, Procedure, TargetKind};
use crate::time::Timestamp;

/// What time it is where a case says nothing.
const NOW: &str = "2026-11-20T09:00:00Z";

/// The store that secrets are bound to.
const NO_SECRETS: &str = "no_secrets_in_rehearsals";

/// Everything that a case gives.
pub(super) struct Situation {
    pub parameters: IndexMap<String, Json>,
    pub environment: Environment,
    pub actor: String,
    pub standing: Standing,
    pub approvals: Vec<Approval>,
    pub waivers: Vec<Waiver>,
    pub targets: IndexMap<Id, IndexMap<String, Json>>,
    pub results: IndexMap<String, Json>,
    pub answers: IndexMap<String, IndexMap<Id, Json>>,
    pub history: Vec<PastRun>,
    pub env: IndexMap<String, String>,
    pub now: Timestamp,
    /// What is done once the run has stopped, in order.
    pub then: Vec<Then>,
}

impl Situation {
    pub fn of(defaults: Option<&Defaults>, case: &Case) -> Self {
        let parameters = joined(defaults.and_then(|all| all.parameters.as_ref()), case.parameters.as_ref());
        let env = joined(defaults.and_then(|all| all.env.as_ref()), case.env.as_ref());
        let environment = case.environment.or(defaults.and_then(|all| all.environment));
        let actor = case.actor.as_ref().or(defaults.and_then(|all| all.actor.as_ref()));
        let now = case.now.as_ref().or(defaults.and_then(|all| all.now.as_ref()));
        let history = case.history.as_ref().or(defaults.and_then(|all| all.history.as_ref()));
        let approvals = case.approvals.as_ref().or(defaults.and_then(|all| all.approvals.as_ref()));
        let waivers = case.waivers.as_ref().or(defaults.and_then(|all| all.waivers.as_ref()));
        Self {
            parameters: parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
            environment: environment.map_or(Environment::Development, environment_of),
            actor: actor.and_then(|actor| actor.name.as_ref()).map_or("tester", Id::as_str).to_owned(),
            standing: Standing {
                class: actor.and_then(|actor| actor.class).map_or(ActorClass::Operator, class_of),
                roles: actor.and_then(|actor| actor.roles.clone()).unwrap_or_default(),
            },
            approvals: approvals.cloned().unwrap_or_default(),
            waivers: waivers.cloned().unwrap_or_default(),
            targets: joined(defaults.and_then(|all| all.targets.as_ref()), case.targets.as_ref()),
            results: joined(defaults.and_then(|all| all.results.as_ref()), case.results.as_ref()),
            answers: joined(defaults.and_then(|all| all.answers.as_ref()), case.answers.as_ref()),
            history: history.cloned().unwrap_or_default(),
            env: env.into_iter().map(|(name, value)| (name.0, value)).collect(),
            now: instant(now).unwrap_or_else(|| Timestamp::parse(NOW).expect("NOW is an instant")),
            then: case.then.iter().flatten().copied().collect(),
        }
    }

    /// A workspace that has the targets of a procedure under their own names.
    pub fn workspace(&self, procedure: &Procedure, actors: IndexMap<Id, Actor>) -> Workspace {
        let entry = |name: &Id, kind: TargetKind| {
            let mut settings = made_up(name.as_str(), kind);
            let mut driver = None;
            for (key, value) in self.targets.get(name).into_iter().flatten() {
                match (key.as_str(), value) {
                    ("driver", Json::String(named)) => driver = Some(named.clone()),
                    _ => drop(settings.insert(key.clone(), value.clone())),
                }
            }
            TargetEntry { kind, driver, environment: None, settings }
        };
        let targets = procedure.targets.iter().map(|(name, slot)| (name.clone(), entry(name, slot.kind)));
        // Scripted actions ask for no value, so nothing is in the store that secrets are bound to.
        let nothing = Id::parse(NO_SECRETS).expect("NO_SECRETS is an id");
        let store = (!procedure.secrets.is_empty()).then(|| (nothing.clone(), no_secrets()));
        let secret = |name: &Id| SecretEntry { from: nothing.clone(), key: name.to_string() };
        Workspace {
            environment: Some(self.environment),
            ledger: LedgerPlace {
                path: ".runwarden/ledger.db".to_owned(),
                key: ".runwarden/ledger.key".to_owned(),
                origin: "test.invalid/rehearsal".to_owned(),
                witnesses: IndexMap::new(),
            },
            procedures: Vec::new(),
            actors,
            targets: targets.chain(store).collect(),
            secrets: procedure.secrets.keys().map(|name| (name.clone(), secret(name))).collect(),
            bindings: IndexMap::new(),
            policy: Policy::default(),
            document: Json::Null,
        }
    }
}

pub(super) fn instant(text: Option<&words::Instant>) -> Option<Timestamp> {
    text.and_then(|text| Timestamp::parse(&text.0).ok())
}

fn joined<K: Clone + Eq + Hash, V: Clone>(
    defaults: Option<&IndexMap<K, V>>,
    case: Option<&IndexMap<K, V>>,
) -> IndexMap<K, V> {
    match (defaults, case) {
        (_, Some(case)) if case.is_empty() => IndexMap::new(),
        (defaults, case) => {
            let all = defaults.into_iter().chain(case).flatten();
            all.map(|(key, value)| (key.clone(), value.clone())).collect()
        }
    }
}

fn class_of(word: words::ActorClass) -> ActorClass {
    match word {
        words::ActorClass::Operator => ActorClass::Operator,
        words::ActorClass::Automation => ActorClass::Automation,
        words::ActorClass::Auditor => ActorClass::Auditor,
    }
}

fn environment_of(word: words::Environment) -> Environment {
    match word {
        words::Environment::Development => Environment::Development,
        words::Environment::Staging => Environment::Staging,
        words::Environment::Production => Environment::Production,
    }
}

/// A store of secrets that has none.
fn no_secrets() -> TargetEntry {
    let settings = Map::from_iter([("prefix".to_owned(), Json::from("RUNWARDEN_REHEARSED_"))]);
    TargetEntry { kind: TargetKind::SecretStore, driver: Some("env".to_owned()), environment: None, settings }
}

/// Settings for a target of which nothing is said: each lies in a folder, or has a host, of its own.
fn made_up(name: &str, kind: TargetKind) -> Map<String, Json> {
    let settings = match kind {
        TargetKind::Ledger => vec![("path", Json::from(format!("/srv/{name}/ledger.db")))],
        TargetKind::AnchorStore => vec![("path", Json::from(format!("/srv/{name}")))],
        TargetKind::Service => vec![("url", Json::from(format!("https://{}.invalid", name.replace('_', "-"))))],
        TargetKind::Command => vec![("argv", Json::from(vec![name.to_owned()]))],
        TargetKind::SecretStore => vec![("path", Json::from(format!("/srv/{name}.env")))],
        TargetKind::Epoch => vec![("path", Json::from(format!("/srv/{name}.db")))],
        TargetKind::Pause => vec![("path", Json::from(format!("/srv/{name}.lock")))],
        TargetKind::PluginRegistry | TargetKind::ArtifactStore => Vec::new(),
    };
    settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
