//! Who acted: whether the actors are those that the plan was made with, and who began the run and went on with it signed
//! for that where they had to.

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::planned::Frozen;
use super::{Asked, Findings, consents};
use crate::action::Registry;
use crate::bundle::Bundle;
use crate::bundle::story::Story;
use crate::consent::{Error, Rules, running};
use crate::event::fact::Event;
use crate::event::people::Signed;
use crate::id::Id;
use crate::ledger::report::Status;
use crate::parse::{self, Document, Kind, Shelf};
use crate::plan::View;
use crate::procedure::Environment;
use crate::procedure::workspace::{Actor, Workspace};
use crate::question::canonical_digest;
use crate::time::Timestamp;

/// What signed documents are held to.
pub(super) struct People<'a> {
    pub actors: &'a IndexMap<Id, Actor>,
    ledger: &'a str,
    environment: Environment,
    must_sign: bool,
}

impl People<'_> {
    /// The rules at a moment: that of the entry which says that somebody acted.
    pub fn rules(&self, now: Timestamp) -> Rules<'_> {
        let Self { actors, ledger, environment, must_sign } = *self;
        Rules { actors, ledger, environment, must_sign, now }
    }
}

/// Judges everything that people signed.
pub(super) fn judge(bundle: &Bundle, story: &Story, frozen: &Frozen, asked: &Asked<'_>, findings: &mut Findings) {
    let plan = &frozen.plan;
    let policy = as_planned(plan, "policy", &bundle.policy);
    let here = as_planned(plan, "actors", &bundle.actors);
    let parsed = actors_of(&bundle.actors, &bundle.ledger, asked.registry);
    let actors = match (asked.actors, here, &parsed) {
        (Some(workspace), ..) => {
            findings.ok("actors", "those of the file that was given count");
            &workspace.actors
        }
        (None, true, Ok(workspace)) => {
            findings.ok("actors", "they are those that the plan was made with");
            &workspace.actors
        }
        (None, true, Err(why)) => {
            return findings.wrong("actors", Status::Broken, format!("they cannot be read: {why}"));
        }
        (None, false, _) if bundle.actors.is_null() => {
            let detail = "those that the plan was made with are not here: give them with `--actors FILE`";
            return findings.wrong("actors", Status::Broken, detail);
        }
        (None, false, _) => {
            return findings.wrong("actors", Status::Broken, "they are not those that the plan was made with");
        }
    };
    if !policy && !bundle.policy.is_null() {
        findings.wrong("policy", Status::Broken, "it is not the one that the plan was made with");
    }
    // What cannot be told counts as asked for.
    let required = format!("/require/{}/signed_actor", plan.environment.as_str());
    let signed_actor = bundle.policy.pointer(&required).and_then(Json::as_bool) == Some(true);
    let must_sign = plan.environment == Environment::Production || !policy || signed_actor;
    let people = People { actors, ledger: &bundle.ledger, environment: plan.environment, must_sign };
    who_ran(story, plan, &people, findings);
    consents::approvals(story, plan, &people, findings);
    consents::waivers(bundle, story, frozen, &people, asked.registry, findings);
}

/// Whether a part of the workspace file is the one that the plan was made with.
fn as_planned(plan: &View, part: &str, given: &Json) -> bool {
    plan.resolved.get(part).and_then(Json::as_str) == Some(canonical_digest(given).as_str())
}

/// The actors, read by the rules of a workspace file.
fn actors_of(actors: &Json, origin: &str, registry: &Registry) -> Result<Box<Workspace>, String> {
    let mut document =
        json!({ "runwarden": "v1", "ledger": { "path": "ledger.db", "key": "ledger.key", "origin": origin } });
    if !actors.is_null() {
        document["actors"] = actors.clone();
    }
    read_workspace(&document, registry)
}

/// A workspace that is told as a value.
pub(super) fn read_workspace(document: &Json, registry: &Registry) -> Result<Box<Workspace>, String> {
    let source = parse::yaml::frozen("<bundle>", document);
    match parse::check(&source, Some(Kind::Workspace), registry, &Shelf::default()) {
        (Some(Document::Workspace(workspace)), _) => Ok(workspace),
        (_, diagnostics) => Err(diagnostics.first().map_or_else(String::new, |first| first.message.clone())),
    }
}

/// Whoever began the run and went on with it signed for that.
fn who_ran(story: &Story, plan: &View, people: &People<'_>, findings: &mut Findings) {
    let (mut problems, mut signed_by) = (Vec::new(), Vec::new());
    for told in &story.told {
        let signed = match &told.fact.event {
            Event::RunBegin(begin) => &begin.signed,
            Event::RunResumed(resumed) => &resumed.signed,
            _ => continue,
        };
        let actor = told.fact.actor.as_deref().unwrap_or_default();
        match is_by(signed.as_ref(), actor, plan, &people.rules(told.at)) {
            Ok(true) => signed_by.push(actor),
            Ok(false) => {}
            Err(why) => problems.push(format!("entry {}: {why}", told.seq)),
        }
    }
    let well = match signed_by.as_slice() {
        [] => "nobody signed for running it, and nobody had to".to_owned(),
        names => format!("{} signed for running it", names.join(" and ")),
    };
    findings.all("actor", Status::Broken, problems, well);
}

fn is_by(signed: Option<&Signed>, actor: &str, plan: &View, rules: &Rules<'_>) -> Result<bool, Error> {
    match signed {
        Some(signed) => running::judge(rules, &plan.digest, actor, signed).map(|()| signed.signature.is_some()),
        None if rules.must_sign => Err(Error::Unsigned { what: "who ran it".to_owned() }),
        None => Ok(false),
    }
}
