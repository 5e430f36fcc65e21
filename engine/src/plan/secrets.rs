//! The secrets of a plan: where each name leads, and which version is there now. No value goes any further.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::{Error, Plan, Setting, target_here};
use crate::action::NOT_PROBED;
use crate::action::sealed::{SECRET_TOO_SHORT, Secrets};
use crate::diagnostic::did_you_mean;
use crate::host::Probe;
use crate::id::Id;
use crate::procedure::Procedure;
use crate::secret::fingerprint::Fingerprint;
use crate::target::secret_store::SecretPlace;

/// What is in the place of a secret now.
pub(super) enum Version {
    /// A value that has this fingerprint.
    Known(Fingerprint),
    /// That cannot be said yet: it is not there, not asked, or the store does not answer.
    Undecided(String),
    /// Something that cannot be kept secret.
    Unfit(String),
}

/// A secret that is bound, and wrongly.
pub(super) fn misbound(procedure: &Procedure, name: &Id, why: String) -> Error {
    Error::MisboundSecret { procedure: procedure.name.clone(), name: name.clone(), why }
}

/// Binds each secret of a procedure: by the request, by `bindings`, else by its own name.
///
/// # Errors
/// When one is not bound, or its store cannot be.
pub fn bound_secrets(
    setting: &Setting,
    procedure: &Procedure,
    overrides: &IndexMap<Id, Id>,
    probe: &dyn Probe,
) -> Result<BTreeMap<Id, SecretPlace>, Error> {
    if let Some(name) = overrides.keys().find(|name| !procedure.secrets.contains_key(*name)) {
        let near = did_you_mean(name.as_str(), procedure.secrets.keys().map(Id::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(misbound(procedure, name, format!("the procedure has no such secret{near}")));
    }
    let binding = setting.workspace.bindings.get(&procedure.name);
    let mut bound = BTreeMap::new();
    for name in procedure.secrets.keys() {
        let chosen = overrides.get(name).or_else(|| binding.and_then(|binding| binding.secrets.get(name)));
        let missing = || Error::NoSecret {
            procedure: procedure.name.clone(),
            name: name.clone(),
            chosen: chosen.unwrap_or(name).clone(),
        };
        let chosen = chosen.unwrap_or(name);
        let entry = setting.workspace.secrets.get(chosen).ok_or_else(missing)?;
        // The workspace file was checked: every secret names a target of the right kind.
        let target = setting.workspace.targets.get(&entry.from).ok_or_else(missing)?;
        let store = target_here(setting, &entry.from, &entry.from, target, probe)?;
        bound.insert(name.clone(), SecretPlace { name: chosen.clone(), store, key: entry.key.clone() });
    }
    Ok(bound)
}

/// Reads each secret for its fingerprint; from then on its value is masked.
pub(super) async fn versions(
    setting: &Setting,
    bound: &BTreeMap<Id, SecretPlace>,
    offline: bool,
    probe: &dyn Probe,
) -> BTreeMap<Id, Version> {
    let custody = &setting.custody;
    let secrets = Secrets {
        bound: bound.clone(),
        custody: std::sync::Arc::clone(custody),
        by: "plan".to_owned(),
        kept: Vec::new(),
    };
    let mut versions = BTreeMap::new();
    for (name, place) in bound {
        let version = if offline {
            Version::Undecided("this plan makes no reads (`--offline`)".to_owned())
        } else {
            match secrets.reveal(name, probe).await {
                Ok(value) => match custody.fingerprint(&value) {
                    Some(fingerprint) => {
                        custody.plan(&place.identity(), fingerprint.clone());
                        Version::Known(fingerprint)
                    }
                    None => Version::Undecided("there is no key for fingerprints yet".to_owned()),
                },
                Err(error) if error.code == SECRET_TOO_SHORT => Version::Unfit(error.message),
                Err(error) if error.code == NOT_PROBED => Version::Undecided(error.message),
                Err(error) => Version::Undecided(error.message),
            }
        };
        versions.insert(name.clone(), version);
    }
    versions
}

/// Expects each secret of a plan that was made before to be what it was then, until something is done.
pub fn expect_as_planned(setting: &Setting, plan: &Plan) {
    for (name, place) in &plan.root.secrets {
        let then = plan.view.resolved.pointer(&format!("/secrets/{name}/fingerprint")).cloned().unwrap_or_default();
        if let Ok(fingerprint) = serde_json::from_value(then) {
            setting.custody.plan(&place.identity(), fingerprint);
        }
    }
}

/// What the digest is over: where each secret is, and which version.
pub(super) fn resolved(bound: &BTreeMap<Id, SecretPlace>, versions: &BTreeMap<Id, Version>) -> Json {
    let mut resolved = Map::new();
    for (name, place) in bound {
        let fingerprint = match versions.get(name) {
            Some(Version::Known(fingerprint)) => Json::String(fingerprint.to_string()),
            _ => Json::Null,
        };
        let store = &place.store;
        resolved.insert(
            name.to_string(),
            json!({
                "secret": place.name, "from": store.name, "driver": store.driver, "identity": store.identity,
                "key": place.key, "fingerprint": fingerprint,
            }),
        );
    }
    Json::Object(resolved)
}

/// What is given openly and holds a secret: it would be recorded.
pub(super) fn shown_openly(setting: &Setting, parameters: &IndexMap<Id, Json>) -> Option<String> {
    let masker = setting.custody.masker();
    if masker.is_empty() {
        return None;
    }
    let holds = |value: &Json| {
        let mut cleaned = value.clone();
        masker.clean_json(&mut cleaned);
        cleaned != *value
    };
    let parameter = parameters.iter().find(|(_, value)| holds(value)).map(|(name, _)| format!("parameter `{name}`"));
    let variable = || {
        let declared = setting.procedures.values().flat_map(|procedure| &procedure.env);
        let mut set = declared.filter_map(|name| setting.env.get_key_value(name));
        set.find(|(_, value)| masker.text(value).is_some()).map(|(name, _)| format!("variable `{name}`"))
    };
    let document = || {
        let mut documents = setting.procedures.values();
        documents.find(|procedure| holds(&procedure.document)).map(|found| format!("the document of `{}`", found.name))
    };
    let workspace = || holds(&setting.workspace.document).then(|| "runwarden.yaml".to_owned());
    parameter.or_else(variable).or_else(document).or_else(workspace)
}
