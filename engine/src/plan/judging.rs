//! Acts as guards are told of them, in plans and in runs alike.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Setting;
use crate::action::Registry;
use crate::action::kept::KeptOutput;
use crate::consent::document::Waiver;
use crate::event::state::Verdict;
use crate::frame::{Frame, Held};
use crate::guard::Judged;
use crate::id::{Digest, Name};
use crate::past::Past;
use crate::procedure::guard::Form;
use crate::procedure::pattern::{ActKind, Pattern};
use crate::question::{canonical_digest, with_digest, with_targets};
use crate::template::Outcome as Known;
use crate::template::data::SECRET;
use crate::template::scope::{Scope, Slot};
use crate::template::text::Text;
use crate::template::value::Value;

/// An act as the guards are told of it.
pub struct Described<'a> {
    /// What sort of act.
    pub kind: ActKind<'a>,
    /// What it really does, as its step says.
    pub acts_as: &'a [Pattern],
    /// The input, with markers where it is undecided.
    pub with: &'a Json,
    /// Digest of the input, once it is known.
    pub with_digest: Option<&'a Digest>,
    /// Digest of what would be read, where that can be told.
    pub subject: Option<Digest>,
    /// The step's path, or the check's place.
    pub step: &'a str,
    /// Whether it is certain that the act comes to pass if the plan is run.
    pub certain: bool,
}

/// What failed is not tried again on unchanged inputs.
#[must_use]
pub fn judge_once_failed(history: &Past, act: &Described<'_>) -> Judged {
    let (ActKind::Action { name, .. }, Some(digest)) = (act.kind, act.with_digest) else {
        return Judged::because(Verdict::Undecided, "its input is not known yet");
    };
    match history.last_failure(name, digest, act.subject.as_ref()) {
        Err(why) => Judged::because(Verdict::Undecidable, format!("the history cannot be read: {why}")),
        Ok(Some(failed)) => Judged::because(
            Verdict::Violated,
            format!(
                "`{name}` failed on these inputs in run {} at {}, and nothing has changed since",
                failed.run, failed.at
            ),
        ),
        Ok(None) => Judged::PASSED,
    }
}

/// The act that a secret output is besides its step's own.
pub const PUT: &str = "secrets.put";

/// Putting a secret output into its store, as an input of [`PUT`], and the digest of that.
#[must_use]
pub fn putting(kept: &KeptOutput, registry: &Registry, frame: &Frame) -> (Json, Digest) {
    let with = json!({ "target": kept.target, "key": kept.place.key, "value": { SECRET: kept.name } });
    let secrets = BTreeMap::from([(kept.name.clone(), kept.place.clone())]);
    let digest = match registry.get(PUT) {
        Some(action) => with_digest(action, &with, frame, &secrets),
        None => canonical_digest(&with),
    };
    (with, digest)
}

/// An input as a guard sees it, which stands in a frame of its own: a target is what it is, whatever it is called.
fn seen(judging: &Frame, acting: &Frame, act: &Described<'_>, setting: &Setting) -> Json {
    let see = |name: &str| match acting.targets.get(name) {
        Some(target) => target.seen(judging.identity_of(target)),
        // What cannot be told is no other target.
        None => json!({ "$undecided": format!("target `{name}` is not bound") }),
    };
    match act.kind {
        ActKind::Action { name, .. } => match setting.registry.get(name) {
            Some(action) => with_targets(action, act.with, &see),
            None => act.with.clone(),
        },
        ActKind::Call(name) => {
            let called = Name::parse(name).ok().and_then(|name| setting.procedures.get(&name));
            let mut with = act.with.clone();
            for slot in called.iter().flat_map(|called| called.targets.keys()) {
                if let Some(Json::String(name)) = with.get(slot.as_str()) {
                    with[slot.as_str()] = see(name);
                }
            }
            with
        }
        ActKind::Manual => act.with.clone(),
    }
}

/// The scope of the frame that declares a guard, with the act as `with` and `step`; it is done in a frame of its own.
#[must_use]
pub fn act_scope(frame: &Frame, acting: &Frame, act: &Described<'_>, setting: &Setting) -> Scope {
    let action = match act.kind {
        ActKind::Action { name, .. } => name.to_owned(),
        ActKind::Manual => "manual".to_owned(),
        ActKind::Call(name) => format!("call.{name}"),
    };
    let id = act.step.rsplit('/').next().unwrap_or(act.step);
    let id = id.split('[').next().unwrap_or(id);
    let step = json!({ "id": id, "path": act.step, "action": action });
    frame
        .scope()
        .with("with", slot_of_shown(&seen(frame, acting, act, setting)))
        .with("step", Slot::Known(Value::from_json(&step)))
}

/// An input that is shown, as expressions see it: what is marked as undecided is.
#[must_use]
pub fn slot_of_shown(shown: &Json) -> Slot {
    match shown {
        Json::Object(members) => match members.get("$undecided").and_then(Json::as_str) {
            Some(because) => Slot::undecided(because),
            None => Slot::fields(members.iter().map(|(name, member)| (name.clone(), slot_of_shown(member)))),
        },
        Json::Array(items) => match items.iter().find_map(undecided_in) {
            Some(because) => Slot::undecided(because),
            None => Slot::Known(Value::from_json(shown)),
        },
        _ => Slot::Known(Value::from_json(shown)),
    }
}

fn undecided_in(shown: &Json) -> Option<&str> {
    match shown {
        Json::Object(members) => {
            members.get("$undecided").and_then(Json::as_str).or_else(|| members.values().find_map(undecided_in))
        }
        Json::Array(items) => items.iter().find_map(undecided_in),
        _ => None,
    }
}

/// A guard's prohibition in words; as written where it names what is not known.
#[must_use]
pub fn rule(text: &Text, scope: &Scope) -> String {
    match text.render(scope) {
        Ok(Known::Known(words)) => words,
        _ => text.source().to_owned(),
    }
}

/// What a waiver lets pass: an act by its step; a state that must not be for the run as a whole.
#[must_use]
pub fn lifted_act(held: &Held, step: Option<&str>) -> String {
    match (&held.guard().form, step) {
        (Form::Never(_), _) | (_, None) => "run".to_owned(),
        (_, Some(step)) => step.to_owned(),
    }
}

/// The verdict of a guard that a waiver lets pass.
#[must_use]
pub fn lifted(waiver: &Waiver, judged: &Judged) -> Judged {
    let detail = judged.detail.as_ref().map(|detail| format!("; without it: {detail}")).unwrap_or_default();
    let Waiver { id, approver, not_after, .. } = waiver;
    Judged::because(Verdict::Waived, format!("waiver `{id}` of `{approver}`, good until {not_after}{detail}"))
}

/// A violated guard, for people.
#[must_use]
pub fn words(held: &Held, judged: &Judged) -> String {
    let rule = rule(&held.guard().rule, &held.frame.scope());
    let detail = judged.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("guard `{}`: {}{detail}", held.id(), rule.trim_end_matches('.'))
}

/// How much a verdict weighs where a guard was asked more than once: the worst counts.
#[must_use]
pub fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed | Verdict::Skipped => 0,
        Verdict::Undecided => 1,
        Verdict::Waived => 2,
        Verdict::NotMet | Verdict::Undecidable => 3,
        Verdict::Violated => 4,
    }
}
