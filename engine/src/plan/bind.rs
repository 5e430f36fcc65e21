//! Parameters are accepted, targets bound, the plan is walked and its digest made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::advice::advice;
use super::planner::Planner;
use super::secrets::{self, Version};
use super::steps::failure;
use super::waivers::{self, InForce};
use super::{EXPIRY, Error, Plan, Request, Setting, Status, Summary, View};
use super::{approvals, digest_of, engine_version, shown, target_here};
use crate::action::Fidelity;
use crate::action::sealed::SECRET_TOO_SHORT;
use crate::diagnostic::did_you_mean;
use crate::event::state::Failure;
use crate::frame::{Frame, Given, Place};
use crate::host::Probe;
use crate::id::{Id, Name, RunId};
use crate::past::Past;
use crate::procedure::parameter::accept_all;
use crate::procedure::{Procedure, TargetKind};
use crate::question::{Asking, canonical_digest};
use crate::target::{self, Target};
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;

/// What a plan is called, and the run whose names it shows.
pub struct Names {
    /// The id of the plan.
    pub plan: String,
    /// The run's id, or one that no run has.
    pub run: RunId,
    /// Where the procedure came from.
    pub origin: String,
}

/// Plans a procedure: resolves it, asks what may be asked, and previews each step.
///
/// # Errors
/// When there is nothing to show: an unknown procedure, parameters that do not fit, a target that is not bound. A
/// precondition or guard that says no is part of the plan, no error.
pub async fn plan(
    setting: &Setting,
    request: &Request,
    names: Names,
    probe: &dyn Probe,
    history: &Past,
) -> Result<Plan, Error> {
    let procedure = procedure_of(setting, &request.procedure)?;
    let parameters = accept_all(&procedure.parameters, &request.parameters).map_err(Error::Parameters)?;
    let bound = bound_targets(setting, &procedure, &request.targets, probe)?;
    for called in setting.procedures.values() {
        if let Some(name) = called.env.iter().find(|name| !setting.env.contains_key(*name)) {
            return Err(Error::NoVariable { name: name.clone(), procedure: called.name.clone() });
        }
    }
    let places = secrets::bound_secrets(setting, &procedure, &request.secrets, probe)?;
    let versions = secrets::versions(setting, &places, request.options.offline, probe).await;
    if let Some(what) = secrets::shown_openly(setting, &parameters) {
        return Err(Error::ShownOpenly { what });
    }
    let created_at = probe.now();
    let base = base_scope(setting, &names.run, created_at, probe);
    let policy = Arc::from(setting.workspace.policy.do_not.as_slice());
    let given = parameters.iter().map(|(name, value)| (name.clone(), Given::Known(value.clone()))).collect();
    let root = Frame::new(Arc::clone(&procedure), given, bound.clone(), &setting.env, &base, Place::Root(policy));
    let root = Arc::new(root.with_secrets(places.clone()));
    let (registry, custody) = (&*setting.registry, &setting.custody);
    let approvals = approvals::wanted(setting, &root)?;
    let waivers = waivers::admit(setting, &root, &request.waivers, &names.run, history, created_at)?;
    let asking = Asking { registry, probe, run: names.run.clone(), started_at: created_at, custody };
    let mut planner = Planner::new(setting, asking, base, history, request.options);
    planner.waivers = waivers;
    if let Err(why) = setting.standing.fits(&setting.actor, setting.procedures.values().map(AsRef::as_ref)) {
        planner.stop(Status::Refused, Failure { step: None, ..failure("actor", &why, "", None) });
    }
    for (name, version) in &versions {
        match version {
            Version::Known(_) => {}
            Version::Undecided(because) => drop(planner.undecided.insert(format!("secrets.{name}: {because}"))),
            Version::Unfit(why) => {
                let failure = Failure { step: None, ..failure(SECRET_TOO_SHORT, why, "", None) };
                planner.stop(Status::Refused, failure);
            }
        }
    }
    planner.walk(&root).await;
    planner.ask_for_locks();
    planner.refuse_too_many_uses();

    let mut resolved = resolved(setting, request, &parameters, &bound, &planner);
    if !places.is_empty() {
        resolved["secrets"] = secrets::resolved(&places, &versions);
    }
    // Left out where there are none, so that what asks for nothing has the digest it always had.
    if !approvals.is_empty() {
        resolved["approvals"] = json!(approvals);
    }
    if !planner.step_approvals.is_empty() {
        resolved["step_approvals"] = json!(planner.step_approvals);
    }
    if !planner.waivers.is_empty() {
        resolved["waivers"] = planner.waivers.iter().map(InForce::resolved).collect();
    }
    let count = |fidelity| planner.steps.iter().filter(|step| step.fidelity == fidelity).count();
    let view = View {
        plan: names.plan,
        digest: digest_of(&resolved),
        status: planner.status(),
        advice: planner.failure.as_ref().and_then(|failure| advice(&root, failure)),
        error: planner.failure.clone(),
        procedure: procedure.name.clone(),
        origin: names.origin,
        environment: setting.environment,
        parameters,
        targets: bound.iter().map(|(name, target)| (name.clone(), target.name.clone())).collect(),
        secrets: places.iter().map(|(name, place)| (name.clone(), place.name.clone())).collect(),
        created_at,
        expires_at: created_at.plus(EXPIRY).unwrap_or(created_at),
        made_by: setting.actor.clone(),
        approvals,
        step_approvals: planner.step_approvals,
        waivers: planner.waivers.iter().map(|in_force| in_force.signed.clone()).collect(),
        drafts: setting.procedures.values().filter(|it| it.draft).map(|it| it.name.clone()).collect(),
        options: request.options,
        summary: Summary {
            steps: planner.steps.len(),
            exact: count(Fidelity::Exact),
            estimated: count(Fidelity::Estimated),
            none: count(Fidelity::None),
        },
        preconditions: planner.preconditions,
        steps: planner.steps,
        guards: planner.guards.into_values().collect(),
        locks: planner.locks.into_iter().collect(),
        limits: planner.limits,
        verify: planner.verify,
        failed: planner.failed,
        undecided: planner.undecided.into_iter().collect(),
        observed: planner.observed,
        resolved,
    };
    Ok(Plan { view, root, bound, shown: planner.shown, waivers: planner.waivers })
}

/// The plan that a run was begun with, from what was kept of it: nothing is asked or judged again.
///
/// # Errors
/// When a target is gone, or is another thing now than it was.
pub fn thaw(setting: &Setting, view: View, run: &RunId, probe: &dyn Probe) -> Result<Plan, Error> {
    let procedure = procedure_of(setting, &view.procedure)?;
    let mut overrides = IndexMap::new();
    for (name, bound) in &view.targets {
        if let Ok(bound) = Id::parse(bound) {
            overrides.insert(name.clone(), bound);
        }
    }
    let bound = bound_targets(setting, &procedure, &overrides, probe)?;
    for (name, target) in &bound {
        let then = view.resolved.pointer(&format!("/targets/{name}/identity")).and_then(Json::as_str);
        if then != Some(target.identity.as_str()) {
            let why = format!("it was {} when the run began and is {} now", then.unwrap_or("unknown"), target.identity);
            return Err(Error::Misbound { procedure: procedure.name.clone(), name: name.clone(), why });
        }
    }
    let places = secrets::bound_secrets(setting, &procedure, &view.secrets, probe)?;
    for (name, place) in &places {
        let then = |what: &str| view.resolved.pointer(&format!("/secrets/{name}/{what}")).and_then(Json::as_str);
        if then("identity") != Some(place.store.identity.as_str()) || then("key") != Some(place.key.as_str()) {
            return Err(secrets::misbound(&procedure, name, "it was elsewhere when the run began".to_owned()));
        }
    }
    let base = base_scope(setting, run, view.created_at, probe);
    let given = view.parameters.iter().map(|(name, value)| (name.clone(), Given::Known(value.clone()))).collect();
    let policy = Arc::from(setting.workspace.policy.do_not.as_slice());
    let root = Frame::new(procedure, given, bound.clone(), &setting.env, &base, Place::Root(policy));
    let root = Arc::new(root.with_secrets(places));
    let shown = view.steps.iter().map(|step| (step.id.clone(), step.with.clone())).collect();
    let waivers = view.waivers.iter().map(InForce::read).collect::<Result<_, _>>()?;
    Ok(Plan { view, root, bound, shown, waivers })
}

fn procedure_of(setting: &Setting, name: &Name) -> Result<Arc<Procedure>, Error> {
    setting.procedures.get(name).cloned().ok_or_else(|| Error::UnknownProcedure {
        name: name.clone(),
        near: did_you_mean(name.as_str(), setting.procedures.keys().map(Name::as_str)).map(str::to_owned),
    })
}

/// Binds each target of a procedure: by the request, by `bindings`, else by its own name.
fn bound_targets(
    setting: &Setting,
    procedure: &Procedure,
    overrides: &IndexMap<Id, Id>,
    probe: &dyn Probe,
) -> Result<BTreeMap<Id, Target>, Error> {
    if let Some(name) = overrides.keys().find(|name| !procedure.targets.contains_key(*name)) {
        let near = did_you_mean(name.as_str(), procedure.targets.keys().map(Id::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let why = format!("the procedure has no such target{near}");
        return Err(misbound(procedure, name, why));
    }
    let binding = setting.workspace.bindings.get(&procedure.name);
    let mut bound = BTreeMap::new();
    for (name, slot) in &procedure.targets {
        let chosen = overrides.get(name).or_else(|| binding.and_then(|binding| binding.targets.get(name)));
        let entry = setting.workspace.targets.get(chosen.unwrap_or(name));
        let entry = match (entry, chosen) {
            (Some(entry), _) if entry.kind == slot.kind => entry,
            (Some(entry), Some(chosen)) => {
                let why = mismatch(chosen, entry.kind, slot.kind);
                return Err(misbound(procedure, name, why));
            }
            (None, Some(chosen)) => {
                let why = format!("runwarden.yaml has no target `{chosen}`");
                return Err(misbound(procedure, name, why));
            }
            (_, None) => {
                let kind = slot.kind.as_str();
                return Err(Error::Unbound { procedure: procedure.name.clone(), name: name.clone(), kind });
            }
        };
        let target = target_here(setting, name, chosen.unwrap_or(name), entry, probe)?;
        if let Some(why) = beside_our_ledger(setting, &target, probe)? {
            return Err(misbound(procedure, name, why));
        }
        bound.insert(name.clone(), target);
    }
    Ok(bound)
}

fn misbound(procedure: &Procedure, name: &Id, why: String) -> Error {
    Error::Misbound { procedure: procedure.name.clone(), name: name.clone(), why }
}

/// Anchors of whatever ledger do not lie in the folder of ours, which no action writes in.
fn beside_our_ledger(setting: &Setting, target: &Target, probe: &dyn Probe) -> Result<Option<String>, Error> {
    let own = Path::new(&setting.workspace.ledger.path);
    let (TargetKind::AnchorStore, Some(folder)) = (target.kind, own.parent()) else { return Ok(None) };
    let Some(store) = target.settings.get("path").and_then(Json::as_str) else { return Ok(None) };
    // A ledger in the workspace's own folder has no folder to itself.
    if folder.as_os_str().is_empty() {
        return Ok(None);
    }
    let failed = |source| target::Error::Host { target: target.name.clone(), source: Arc::new(source) };
    let inside = probe.inside(Path::new(store), folder).map_err(failed)?;
    Ok(inside.then(|| format!("anchor store `{store}` lies in the folder of the workspace's own ledger")))
}

fn mismatch(chosen: &Id, found: TargetKind, wanted: TargetKind) -> String {
    format!("`{chosen}` is of kind `{}`, and `{}` is needed", found.as_str(), wanted.as_str())
}

/// The names that are the same for all frames of a run.
#[must_use]
pub fn base_scope(setting: &Setting, run: &RunId, started_at: crate::time::Timestamp, probe: &dyn Probe) -> Scope {
    let workspace = json!({
        "root": probe.root().to_string_lossy(),
        "origin": setting.workspace.ledger.origin,
        "environment": setting.environment.as_str(),
    });
    setting
        .base
        .clone()
        .with(
            "run",
            Slot::fields([
                ("id", Slot::AsWritten(Value::from(run.as_str()))),
                ("started_at", Slot::AsWritten(Value::from(started_at))),
                ("dry", Slot::AsWritten(Value::from(false))),
                ("actor", Slot::Known(Value::from(setting.actor.as_str()))),
                ("environment", Slot::Known(Value::from(setting.environment.as_str()))),
            ]),
        )
        .with("workspace", Slot::Known(Value::from_json(&workspace)))
}

/// What the digest is over (section 6 of the design): no time, no nonce, nothing that was only looked at.
fn resolved(
    setting: &Setting,
    request: &Request,
    parameters: &IndexMap<Id, Json>,
    bound: &BTreeMap<Id, Target>,
    planner: &Planner<'_>,
) -> Json {
    let documents: Map<String, Json> = setting
        .procedures
        .values()
        .map(|procedure| {
            (procedure.name.to_string(), json!({ "digest": procedure.digest(), "version": procedure.version }))
        })
        .collect();
    let targets: Map<String, Json> = bound
        .iter()
        .map(|(name, target)| {
            let settings = &target.settings;
            let bound = json!({
                "to": target.name, "kind": target.kind, "driver": target.driver,
                "identity": target.identity, "settings": settings,
            });
            (name.to_string(), bound)
        })
        .collect();
    let env: BTreeMap<&String, &String> = setting
        .procedures
        .values()
        .flat_map(|procedure| &procedure.env)
        .filter_map(|name| setting.env.get_key_value(name))
        .collect();
    let contracts: BTreeMap<&str, u32> = planner
        .used_actions
        .iter()
        .filter_map(|name| setting.registry.get(name).map(|action| (action.name, action.contract.version)))
        .collect();
    let document = &setting.workspace.document;
    let part = |name: &str| canonical_digest(document.get(name).unwrap_or(&Json::Null));
    json!({
        "locks": planner.locks,
        "limits": shown::limits(&planner.limits),
        "procedure": request.procedure,
        "documents": documents,
        "parameters": parameters,
        "targets": targets,
        "env": env,
        "actions": contracts,
        "preconditions": shown::checks(&planner.preconditions),
        "steps": shown::steps(&planner.steps),
        "checks": planner.checks,
        "guards": shown::guards(planner.guards.values()),
        "verify": shown::checks(&planner.verify),
        "options": request.options,
        "environment": setting.environment,
        "ledger": setting.workspace.ledger.origin,
        "actors": part("actors"),
        "policy": part("policy"),
        "engine": engine_version(),
    })
}
