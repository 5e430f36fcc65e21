//! One procedure being planned or run: its parameters and targets, and what every name in it means.
//!
//! A call makes a frame within a frame. Nothing here looks at the machine or keeps a record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::action::kept::KeptOutput;
use crate::event::state::StepState;
use crate::id::{Id, Name};
use crate::procedure::Procedure;
use crate::procedure::guard::Guard;
use crate::procedure::step::Step;
use crate::target::Target;
use crate::target::secret_store::SecretPlace;
use crate::template::Outcome;
use crate::template::scope::{Scope, Slot};
use crate::template::value::Value;
use crate::time::Timestamp;

/// One procedure being planned or run.
pub struct Frame {
    /// The procedure.
    pub procedure: Arc<Procedure>,
    /// What stands before its steps' ids in paths: nothing, or the calling step's path and `/`.
    pub prefix: String,
    /// The parameters that are known, as accepted.
    pub parameters: IndexMap<Id, Json>,
    /// The targets, by the name this procedure gives them.
    pub targets: BTreeMap<Id, Target>,
    /// Where its secrets are, by the name this procedure gives them.
    pub secrets: BTreeMap<Id, SecretPlace>,
    /// Where the secrets are that its steps make, by the name they give them.
    pub made: BTreeMap<Id, Made>,
    /// The frame that called this one.
    pub caller: Option<Arc<Frame>>,
    /// Guards of the workspace: they hold in the outermost frame, and so everywhere.
    pub policy: Arc<[Guard]>,
    // Grows with each step that ends; never held across a wait.
    scope: Mutex<Scope>,
}

/// A parameter as given: by a call in a plan it may not be known yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// A value that the parameter accepted.
    Known(Json),
    /// Not known yet, and why.
    Undecided(String),
}

/// A secret that a step makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The step.
    pub step: Id,
    /// Where it is from then on.
    pub place: SecretPlace,
}

/// Where a frame stands.
pub enum Place {
    /// Outermost, under the guards of the workspace.
    Root(Arc<[Guard]>),
    /// Called by the step of that path in that frame.
    Called(Arc<Frame>, String),
}

/// A guard that holds in a frame.
#[derive(Clone)]
pub struct Held {
    /// The frame that declared it, in whose scope it is judged.
    pub frame: Arc<Frame>,
    of_policy: bool,
    at: usize,
}

impl Held {
    /// The guard.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        let list = if self.of_policy { &self.frame.policy } else { self.frame.procedure.do_not.as_slice() };
        // Made by `Frame::guards` alone, from the bounds of the same lists, which never change.
        &list[self.at]
    }

    /// Whether the workspace's policy declares it.
    #[must_use]
    pub fn is_of_policy(&self) -> bool {
        self.of_policy
    }

    /// Its id; of the workspace `policy:ID`, of a called procedure with the calling step's path before it.
    #[must_use]
    pub fn id(&self) -> String {
        let before = if self.of_policy { "policy:" } else { &self.frame.prefix };
        format!("{before}{}", self.guard().id)
    }
}

/// What `steps.X` is once a step has ended, or been entered.
#[derive(Debug, Clone)]
pub struct StepView {
    /// Where it stands.
    pub state: StepState,
    /// How often it was tried.
    pub attempts: u32,
    /// What it gave: only of a step that was done or was not needed because it was done.
    pub output: Option<Json>,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl StepView {
    /// As expressions see it: a skipped step has only its state.
    #[must_use]
    pub fn slot(&self) -> Slot {
        let mut fields: BTreeMap<String, Slot> = BTreeMap::new();
        if let Some(Json::Object(output)) = &self.output {
            fields.extend(output.iter().map(|(name, value)| (name.clone(), Slot::Known(Value::from_json(value)))));
        }
        if self.state != StepState::Skipped {
            fields.insert("attempts".to_owned(), Slot::Known(Value::from(i64::from(self.attempts))));
            for (name, at) in [("started_at", self.started_at), ("ended_at", self.ended_at)] {
                if let Some(at) = at {
                    fields.insert(name.to_owned(), Slot::Known(Value::from(at)));
                }
            }
        }
        fields.insert("state".to_owned(), Slot::Known(Value::from(self.state.as_str())));
        Slot::Fields(Arc::new(fields))
    }
}

impl Frame {
    /// A frame; `base` has the names that are the same for all frames of a run (`run workspace history`) and functions.
    #[must_use]
    pub fn new(
        procedure: Arc<Procedure>,
        parameters: IndexMap<Id, Given>,
        targets: BTreeMap<Id, Target>,
        env: &BTreeMap<String, String>,
        base: &Scope,
        place: Place,
    ) -> Self {
        let typed = procedure.parameters.iter().filter_map(|(name, parameter)| {
            let slot = match parameters.get(name)? {
                Given::Known(value) => Slot::Known(parameter.typed(value)),
                Given::Undecided(because) => Slot::undecided(because),
            };
            Some((name.as_str().to_owned(), slot))
        });
        let visible = targets.iter().map(|(name, target)| {
            let mut visible = target.visible();
            visible["identity"] = Json::String(identity_among(&targets, target).to_owned());
            (name.as_str(), Slot::Known(Value::from_json(&visible)))
        });
        let env = procedure
            .env
            .iter()
            .filter_map(|name| Some((name.as_str(), Slot::Known(Value::from(env.get(name)?.as_str())))));
        let scope = base
            .clone()
            .with("parameters", Slot::fields(typed))
            .with("targets", Slot::fields(visible))
            .with("env", Slot::fields(env))
            .with("steps", Slot::fields(std::iter::empty::<(String, Slot)>()));
        let (caller, prefix, policy) = match place {
            Place::Root(policy) => (None, String::new(), policy),
            Place::Called(caller, step) => (Some(caller), format!("{step}/"), Arc::from([])),
        };
        let parameters = parameters
            .into_iter()
            .filter_map(|(name, given)| match given {
                Given::Known(value) => Some((name, value)),
                Given::Undecided(_) => None,
            })
            .collect();
        let secrets = BTreeMap::new();
        let made = BTreeMap::new();
        let scope = Mutex::new(scope);
        let mut frame = Self { procedure, prefix, parameters, targets, secrets, made, caller, policy, scope };
        frame.made = frame.places_of_made();
        frame
    }

    /// Where steps will put the secrets that they make. That of a step which is done for each of a list has no one place;
    /// neither has one whose key depends on a parameter that is not known yet.
    fn places_of_made(&self) -> BTreeMap<Id, Made> {
        let scope = self.scope();
        let steps = self.procedure.all_steps().into_iter().filter(|step| step.for_each.is_none());
        let made = steps.filter_map(|step| match self.kept(step, &scope) {
            Ok(Outcome::Known(kept)) => {
                Some(kept.into_iter().map(|kept| (kept.name, Made { step: step.id.clone(), place: kept.place })))
            }
            _ => None,
        });
        made.flatten().collect()
    }

    /// The secret outputs of one of its steps, and where they go.
    ///
    /// # Errors
    /// When a key cannot be told, in words.
    pub fn kept(&self, step: &Step, scope: &Scope) -> Result<Outcome<Vec<KeptOutput>>, String> {
        let mut all = Vec::new();
        for (name, output) in &step.secret_outputs {
            let wrong = |why: String| format!("`secret_outputs.{name}` of step `{}`: {why}", step.id);
            let key = match output.key.render(scope).map_err(|error| wrong(error.to_string()))? {
                Outcome::Known(value) => value,
                Outcome::Undecided(because) => return Ok(Outcome::Undecided(because)),
            };
            let key = key.as_str().ok_or_else(|| wrong("`key` is no text".to_owned()))?.to_owned();
            let store = self
                .targets
                .get(&output.store)
                .ok_or_else(|| wrong(format!("there is no target `{}`", output.store)))?;
            let place = SecretPlace { name: name.clone(), store: store.clone(), key };
            all.push(KeptOutput { name: name.clone(), from: output.from.clone(), target: output.store.clone(), place });
        }
        Ok(Outcome::Known(all))
    }

    /// Where a secret is that an input names, as far as the steps in a scope have come.
    ///
    /// # Errors
    /// When it was never made, in words.
    pub fn secret(&self, name: &Id, scope: &Scope) -> Result<Outcome<&SecretPlace>, String> {
        if let Some(place) = self.secrets.get(name) {
            return Ok(Outcome::Known(place));
        }
        let Some(Made { step, place }) = self.made.get(name) else {
            return Ok(Outcome::Undecided(vec![format!("secret `{name}` is not made yet")]));
        };
        let state = match scope.at(&["steps", step.as_str(), "state"]) {
            Some(Slot::Known(state)) => state.as_str(),
            _ => None,
        };
        match state {
            None => Ok(Outcome::Undecided(vec![format!("step `{step}`, which makes secret `{name}`, has not run")])),
            Some(state) if state == StepState::Skipped.as_str() => {
                Err(format!("secret `{name}` was not made: step `{step}` was skipped"))
            }
            Some(_) => Ok(Outcome::Known(place)),
        }
    }

    /// The same frame with its secrets. They are no names of expressions: only inputs made for them can have one.
    #[must_use]
    pub fn with_secrets(mut self, secrets: BTreeMap<Id, SecretPlace>) -> Self {
        self.secrets = secrets;
        self
    }

    /// What a target is to the guards that this frame declares: one file has one identity, whatever it is called.
    #[must_use]
    pub fn identity_of<'t>(&'t self, target: &'t Target) -> &'t str {
        identity_among(&self.targets, target)
    }

    /// The path of one of its steps, unique in the run.
    #[must_use]
    pub fn path(&self, step: &Id) -> String {
        format!("{}{step}", self.prefix)
    }

    /// All names as they are now.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.lock().clone()
    }

    /// Says what `steps.X` is from now on.
    pub fn put_step(&self, step: &Id, slot: Slot) {
        self.lock().put(&["steps", step.as_str()], slot);
    }

    /// Says what one item of a `for_each` step is from now on.
    pub fn put_item(&self, step: &Id, key: &str, slot: Slot) {
        self.lock().put(&["steps", step.as_str(), "items", key], slot);
    }

    /// Says what one member of `steps.X` is from now on.
    pub fn put_member(&self, step: &Id, member: &str, slot: Slot) {
        self.lock().put(&["steps", step.as_str(), member], slot);
    }

    /// The guards that hold here: the workspace's, then the outermost frame's, then inwards.
    #[must_use]
    pub fn guards(self: &Arc<Self>) -> Vec<Held> {
        let mut frames = vec![Arc::clone(self)];
        while let Some(caller) = frames.last().and_then(|frame| frame.caller.clone()) {
            frames.push(caller);
        }
        let mut held = Vec::new();
        for frame in frames.into_iter().rev() {
            for (of_policy, count) in [(true, frame.policy.len()), (false, frame.procedure.do_not.len())] {
                held.extend((0..count).map(|at| Held { frame: Arc::clone(&frame), of_policy, at }));
            }
        }
        held
    }

    /// Whether a procedure is being run already, here or further out.
    #[must_use]
    pub fn is_inside(&self, name: &Name) -> bool {
        self.procedure.name == *name || self.caller.as_ref().is_some_and(|caller| caller.is_inside(name))
    }

    fn lock(&self) -> MutexGuard<'_, Scope> {
        // A panic elsewhere cannot leave a scope half-changed: `put` replaces one slot.
        self.scope.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identity of a target, the same for all targets that are one file: it may have two names.
fn identity_among<'t>(targets: &'t BTreeMap<Id, Target>, target: &'t Target) -> &'t str {
    let same = |other: &&Target| target.device_inode.is_some() && other.device_inode == target.device_inode;
    let names = targets.values().filter(same).map(|other| other.identity.as_str());
    names.min().unwrap_or(&target.identity).min(&target.identity)
}
