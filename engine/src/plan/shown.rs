//! Whether what a plan shows is what its digest is over: people consent to what they see.

use serde_json::{Value as Json, json};

use super::View;
use super::waivers::InForce;
use crate::event::state::Checked;

/// What the digest says of steps.
pub(super) fn steps(view: &[super::PlannedStep]) -> Json {
    let one = |step: &super::PlannedStep| {
        let mut said = json!({ "id": step.id, "action": step.action, "outcome": step.outcome, "with": step.with });
        add_title(&mut said, step.title.as_deref());
        said
    };
    view.iter().map(one).collect()
}

/// What the digest says of guards.
pub(super) fn guards<'a>(view: impl Iterator<Item = &'a super::PlannedGuard>) -> Json {
    view.map(|guard| json!({ "id": guard.id, "rule": guard.rule, "verdict": guard.verdict })).collect()
}

/// What the digest says of limits: not how often it ran already, while it still may.
pub(super) fn limits(view: &[super::PlannedLimit]) -> Json {
    let one = |limit: &super::PlannedLimit| {
        json!({
            "procedure": limit.procedure, "at_most": limit.at_most, "per": limit.per, "by": limit.by,
            "verdict": limit.verdict,
        })
    };
    view.iter().map(one).collect()
}

/// What the digest says of checks.
pub(super) fn checks(view: &[Checked]) -> Json {
    let one = |checked: &Checked| {
        let mut said = json!({ "id": checked.check, "verdict": checked.verdict });
        add_title(&mut said, checked.title.as_deref());
        said
    };
    view.iter().map(one).collect()
}

/// Left out where there is none, so that what has no title has the digest it always had.
fn add_title(said: &mut Json, title: Option<&str>) {
    if let Some(title) = title {
        said["title"] = json!(title);
    }
}

impl View {
    /// The first part that is shown and is not what the digest is over.
    #[must_use]
    pub fn shown_otherwise(&self) -> Option<&'static str> {
        let bound = |name: &str, to: &str| {
            self.resolved.pointer(&format!("/targets/{name}/to")).and_then(Json::as_str) == Some(to)
        };
        let targets = self.resolved.get("targets").and_then(Json::as_object).map_or(0, serde_json::Map::len);
        if targets != self.targets.len() || !self.targets.iter().all(|(name, to)| bound(name.as_str(), to)) {
            return Some("targets");
        }
        let Ok(waivers) = self.waivers.iter().map(InForce::read).collect::<Result<Vec<_>, _>>() else {
            return Some("waivers");
        };
        let or_none = |list: Vec<Json>| if list.is_empty() { Json::Null } else { Json::Array(list) };
        let parts = [
            ("procedure", json!(self.procedure)),
            ("parameters", json!(self.parameters)),
            ("environment", json!(self.environment)),
            ("options", json!(self.options)),
            ("preconditions", checks(&self.preconditions)),
            ("steps", steps(&self.steps)),
            ("guards", guards(self.guards.iter())),
            ("verify", checks(&self.verify)),
            ("locks", json!(self.locks)),
            ("limits", limits(&self.limits)),
            ("approvals", or_none(self.approvals.iter().map(|wanted| json!(wanted)).collect())),
            ("step_approvals", or_none(self.step_approvals.iter().map(|wanted| json!(wanted)).collect())),
            ("waivers", or_none(waivers.iter().map(InForce::resolved).collect())),
        ];
        let differs = |(name, shown): &(&str, Json)| self.resolved.get(*name).unwrap_or(&Json::Null) != shown;
        parts.iter().find(|part| differs(part)).map(|(name, _)| *name)
    }
}
