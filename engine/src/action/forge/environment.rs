//! `forge.environment`: whether the environments of Forge's services are what they must be, by the rules of each.
//!
//! A service refuses to start over some of this, spawn_service over more than the others, and over some none does. What a
//! running process was started with cannot be seen here: these are the places it is started from.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Error, Facts, Looking, Read};
use crate::host::Probe;
use crate::id::{Digest, Id};
use crate::procedure::TargetKind as Kind;
use crate::target::Target;
use crate::target::secret_store;

/// Looks at the environments of Forge's services.
pub struct Environment;

/// What `forge.environment` takes: at least one service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Where spawn_service is started from.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    spawn_service: Option<Id>,
    /// Where the orchestrator is started from.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    orchestrator: Option<Id>,
    /// Where the scoreboard is started from.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    scoreboard: Option<Id>,
}

/// What `forge.environment` gives. A thing of a service is named `service/NAME`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether none of the lists below has anything in it.
    ok: bool,
    /// `FORGE_ENV` in lowercase, if all services have the same; a word that Forge does not know is `other`.
    environment: Option<String>,
    /// Required secrets that are missing, or blank where Forge would take that for set.
    missing: Vec<String>,
    /// Flags that are on, outside of development, on whichever service.
    unsafe_flags: Vec<String>,
    /// Older names that stand in for a secret and hide that it is missing.
    aliases: Vec<String>,
    /// What a service needs once it runs and does not look for when it starts.
    unset: Vec<String>,
    /// Services whose `FORGE_ENV` is a word that needs the secrets and allows the flags.
    unknown_environments: Vec<String>,
    /// Each service.
    services: Vec<Service>,
    /// The digest of what was found; of no value.
    subject: Digest,
}

/// One service.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Service {
    /// `spawn_service`, `orchestrator` or `scoreboard`.
    name: String,
    /// `FORGE_ENV` in lowercase: `dev` where nothing is said, `other` for a word that Forge does not know.
    environment: String,
    /// Whether that is development, where no secrets are required.
    development: bool,
    /// What Forge says when it refuses to start with this, as far as it does; none if it starts.
    refuses: Option<String>,
}

const REQUIRED: [&str; 4] = ["SAT_HMAC_SECRET", "ET_HMAC_SECRET", "RECEIPT_HMAC_SECRET", "OPERATOR_TOKEN"];
/// What newer releases forbid is forbidden of older ones too.
const FLAGS: [&str; 3] = ["DEV_ALLOW_XPLAN", "ALLOW_FREE_DEFAULT", "ENTITLEMENT_ALLOW_ALL"];
const ALIASES: [&str; 1] = ["SAT_SECRET"];
/// A path, and no secret.
const SIGNING_KEY_PATH: &str = "SIGNING_KEY_PATH";
const SPAWN: &str = "spawn_service";
const AT_RUN_TIME: [(&str, &[&str]); 3] = [
    (SPAWN, &[]),
    ("orchestrator", &["ORCHESTRATOR_INTERNAL_TOKEN", "SCOREBOARD_INTERNAL_TOKEN"]),
    ("scoreboard", &["SCOREBOARD_INTERNAL_TOKEN", SIGNING_KEY_PATH]),
];
const OTHER: &str = "other";

#[async_trait]
impl Read for Environment {
    const NAME: &'static str = "forge.environment";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let asked = [params.spawn_service, params.orchestrator, params.scoreboard];
        let mut found = Vec::new();
        for (target, (name, at_run_time)) in asked.into_iter().zip(AT_RUN_TIME) {
            if let Some(target) = target {
                found.push(look(looking.facts, looking.probe, name, at_run_time, &target).await?);
            }
        }
        if found.is_empty() {
            return Err(Error::new("bad_input", "no service is named: nothing would be looked at"));
        }
        let all = |pick: fn(&Found) -> &Vec<String>| -> Vec<String> {
            let named = |found: &Found| pick(found).iter().map(|key| format!("{}/{key}", found.service.name)).collect();
            found.iter().flat_map(|found| -> Vec<String> { named(found) }).collect()
        };
        let (missing, unsafe_flags) = (all(|found| &found.missing), all(|found| &found.flags));
        let (aliases, unset) = (all(|found| &found.aliases), all(|found| &found.unset));
        let is_other = |found: &&Found| found.service.environment == OTHER;
        let unknown_environments: Vec<String> =
            found.iter().filter(is_other).map(|found| found.service.name.clone()).collect();
        let first = found.first().map(|found| found.service.environment.clone());
        let same = found.iter().all(|found| Some(&found.service.environment) == first.as_ref());
        let services: Vec<Service> = found.into_iter().map(|found| found.service).collect();
        let lists = [&missing, &unsafe_flags, &aliases, &unset, &unknown_environments];
        let ok = lists.iter().all(|list| list.is_empty());
        let subject = Digest::of(serde_json::json!([lists, &services]).to_string().as_bytes());
        let environment = first.filter(|_| same);
        Ok(Output { ok, environment, missing, unsafe_flags, aliases, unset, unknown_environments, services, subject })
    }
}

struct Found {
    service: Service,
    missing: Vec<String>,
    flags: Vec<String>,
    aliases: Vec<String>,
    unset: Vec<String>,
}

async fn look(facts: &Facts, probe: &dyn Probe, name: &str, at_run_time: &[&str], target: &Id) -> Result<Found, Error> {
    let store = facts.target(target)?;
    if store.kind != Kind::SecretStore {
        let message = format!("target `{target}` is a `{}`, not a `secret_store`", store.kind.as_str());
        return Err(Error::new("bad_target", message));
    }
    let said = plain(store, probe, "FORGE_ENV").await?;
    // As Forge reads it: lowercase, and blanks count.
    let environment = match said.as_deref().unwrap_or("dev").to_lowercase() {
        known if ["dev", "development", "staging", "prod", "production"].contains(&known.as_str()) => known,
        _ => OTHER.to_owned(),
    };
    let development = matches!(environment.as_str(), "dev" | "development");
    let keys = |wanted: &[&str]| -> Vec<String> {
        if development { Vec::new() } else { wanted.iter().map(|key| (*key).to_owned()).collect() }
    };
    let missing = lacking(facts, store, probe, keys(&REQUIRED)).await?;
    let unset = lacking(facts, store, probe, keys(at_run_time)).await?;
    let (mut flags, mut aliases) = (Vec::new(), Vec::new());
    for key in keys(&FLAGS) {
        if plain(store, probe, &key).await?.is_some_and(|value| is_on(&value)) {
            flags.push(key);
        }
    }
    for key in ALIASES {
        if facts.secrets.fetch(None, store, key, probe).await?.is_some() {
            aliases.push(key.to_owned());
        }
    }
    let refuses = match (missing.is_empty(), flags.first()) {
        (false, _) => Some(format!("Missing required secrets: {}", missing.join(", "))),
        (true, Some(flag)) if name == SPAWN && environment != OTHER => {
            Some(format!("{flag} is not allowed in staging/prod"))
        }
        _ => None,
    };
    let service = Service { name: name.to_owned(), environment, development, refuses };
    Ok(Found { service, missing, flags, aliases, unset })
}

/// The keys that are not there, or blank.
async fn lacking(facts: &Facts, store: &Target, probe: &dyn Probe, keys: Vec<String>) -> Result<Vec<String>, Error> {
    let mut lacking = Vec::new();
    for key in keys {
        let is_there = if key == SIGNING_KEY_PATH {
            plain(store, probe, &key).await?.is_some_and(|path| !path.trim().is_empty())
        } else {
            let found = facts.secrets.fetch(None, store, &key, probe).await?;
            found.is_some_and(|found| !found.value.expose().trim_ascii().is_empty())
        };
        if !is_there {
            lacking.push(key);
        }
    }
    Ok(lacking)
}

/// A setting that is no secret: read past the custody of secrets, which would mask a word like `prod` everywhere.
async fn plain(store: &Target, probe: &dyn Probe, key: &str) -> Result<Option<String>, Error> {
    let found = secret_store::open(store)?.get(probe, key).await?;
    Ok(found.map(|found| String::from_utf8_lossy(found.value.expose()).into_owned()))
}

/// Whether a flag is on. Releases differ in what they take for true, so whatever is not clearly off is on.
fn is_on(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off" | "n" | "f")
}
