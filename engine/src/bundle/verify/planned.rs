//! What was frozen with the run: the plan, whose digest people signed, and the procedures, whose digests the plan has.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::Findings;
use crate::bundle::Bundle;
use crate::bundle::story::{Story, referred};
use crate::event::fact::{Event, RunBegin};
use crate::event::record;
use crate::id::Digest;
use crate::ledger::entry::Entry;
use crate::ledger::report::Status;
use crate::plan::View;
use crate::question::canonical_digest;

/// What was frozen with the run.
pub(super) struct Frozen {
    /// The plan.
    pub plan: View,
    /// The procedure with everything that it calls, by name.
    pub documents: Map<String, Json>,
}

/// What the entries keep elsewhere is here, to the byte, and nothing else is.
pub(super) fn content(bundle: &Bundle, entries: &[Entry], findings: &mut Findings) {
    let wanted: BTreeSet<Digest> = entries.iter().flat_map(referred).collect();
    let mut problems = Vec::new();
    for (digest, text) in &bundle.content {
        let found = Digest::of(text.as_bytes());
        if found != *digest {
            problems.push(format!("what it has as {digest} has the digest {found}"));
        }
        if !wanted.contains(digest) {
            problems.push(format!("{digest} is named by no entry"));
        }
    }
    let missing = wanted.iter().filter(|digest| !bundle.content.contains_key(*digest));
    problems.extend(missing.map(|digest| format!("{digest} is named by an entry, and not here")));
    let well = format!("{} texts have the digests that the entries name", bundle.content.len());
    findings.all("content", Status::Broken, problems, well);
}

/// The plan and procedures, if they can be read.
pub(super) fn frozen(bundle: &Bundle, story: &Story, findings: &mut Findings) -> Option<Frozen> {
    let text = story.run.frozen.as_ref().and_then(|digest| bundle.content.get(digest));
    let read = text.ok_or_else(|| "no entry names a plan".to_owned()).and_then(|text| read(text));
    let frozen = match read {
        Ok(frozen) => frozen,
        Err(why) => {
            findings.wrong("plan", Status::Broken, format!("the frozen plan cannot be read: {why}"));
            return None;
        }
    };
    let digest = &frozen.plan.digest;
    findings.all(
        "plan",
        Status::Broken,
        of_plan(bundle, story, &frozen.plan),
        format!("what was frozen has the digest {digest}"),
    );
    let names: Vec<&str> = frozen.documents.keys().map(String::as_str).collect();
    let well = format!("{} as the plan has the digests", names.join(", "));
    findings.all("procedures", Status::Broken, of_procedures(story, &frozen), well);
    Some(frozen)
}

fn read(text: &str) -> Result<Frozen, String> {
    let mut value: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let plan = value.get_mut("plan").map(Json::take).unwrap_or_default();
    let plan = serde_json::from_value(plan).map_err(|error| error.to_string())?;
    match value.get_mut("documents").map(Json::take) {
        Some(Json::Object(documents)) => Ok(Frozen { plan, documents }),
        _ => Err("it has no procedures".to_owned()),
    }
}

fn begin(story: &Story) -> Option<&RunBegin> {
    story.told.iter().find_map(|told| match &told.fact.event {
        Event::RunBegin(begin) => Some(begin),
        _ => None,
    })
}

fn of_plan(bundle: &Bundle, story: &Story, plan: &View) -> Vec<String> {
    let mut problems = Vec::new();
    let mut same = |what: &str, found: &str, expected: &str| {
        if found != expected {
            problems.push(format!("{what} is {found}, and the plan has {expected}"));
        }
    };
    let digest = plan.digest.as_str();
    same("the digest over what was resolved", canonical_digest(&plan.resolved).as_str(), digest);
    for told in &story.told {
        match &told.fact.event {
            Event::PlanRecorded(recorded) if recorded.call.is_none() => {
                same(&format!("the plan of entry {}", told.seq), recorded.digest.as_str(), digest);
            }
            Event::PlanRecorded(recorded) if Some(&recorded.content) != story.run.frozen.as_ref() => {
                same(&format!("what entry {} names as frozen", told.seq), recorded.content.as_str(), "something else");
            }
            _ => {}
        }
    }
    let resolved = |name: &str| plan.resolved.get(name).and_then(Json::as_str).unwrap_or("none").to_owned();
    same("the ledger", &bundle.ledger, &resolved("ledger"));
    if let Some(begin) = begin(story) {
        same("the plan that the run began with", begin.plan.as_str(), digest);
        same("the environment", &begin.environment, plan.environment.as_str());
        same("the procedure", begin.procedure.as_str(), plan.procedure.as_str());
        let parameters =
            |given: &indexmap::IndexMap<crate::id::Id, Json>| canonical_digest(&record(&serde_json::json!(given)));
        same(
            "the digest of the parameters",
            parameters(&begin.parameters).as_str(),
            parameters(&plan.parameters).as_str(),
        );
    }
    if let Some(part) = plan.shown_otherwise() {
        problems.push(format!("what the plan shows of `{part}` is not what its digest is over"));
    }
    problems
}

fn of_procedures(story: &Story, frozen: &Frozen) -> Vec<String> {
    let mut problems = Vec::new();
    let empty = Map::new();
    let planned = frozen.plan.resolved.get("documents").and_then(Json::as_object).unwrap_or(&empty);
    let digest_of = |name: &str| frozen.documents.get(name).map(digest);
    for name in planned.keys().chain(frozen.documents.keys()).collect::<BTreeSet<_>>() {
        let expected = planned.get(name).and_then(|one| one.get("digest")).and_then(Json::as_str);
        let found = digest_of(name);
        if expected.is_none() || found.as_ref().map(Digest::as_str) != expected {
            problems.push(format!("procedure `{name}` is not the one that was planned"));
        }
    }
    let begun = begin(story).map(|begin| (begin.procedure.as_str(), &begin.document));
    let called = story.told.iter().filter_map(|told| match &told.fact.event {
        Event::PlanRecorded(recorded) => Some((recorded.call.as_ref()?.procedure.as_str(), &recorded.digest)),
        _ => None,
    });
    for (name, expected) in begun.into_iter().chain(called) {
        if digest_of(name).as_ref() != Some(expected) {
            problems.push(format!("procedure `{name}` is not the one that the run names"));
        }
    }
    problems
}

/// As [`crate::procedure::Procedure::digest`].
fn digest(document: &Json) -> Digest {
    Digest::of(&serde_json_canonicalizer::to_vec(document).unwrap_or_else(|_| document.to_string().into_bytes()))
}
