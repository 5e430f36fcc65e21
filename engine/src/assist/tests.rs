//! What is proposed, said, found and mended.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use super::complete::{Proposal, proposals};
use super::define::definition;
use super::hover::words;
use super::outline::{Part, parts};
use super::remedy::remedy;
use super::{Spot, World};
use crate::action::Registry;
use crate::diagnostic::Source;
use crate::id::Name;
use crate::parse::node::Node;
use crate::parse::{self, Kind, Library as _, Shelf};

mod broken;
mod expressions;
mod names;

/// A procedure that others call.
const CALLED: &str = "\
runwarden: v1
kind: procedure
name: ops.called
title: Something else
version: 1.0.0
summary: Does something else.
owner: ops
risk: high
parameters:
  mode: { type: enum, values: [slow, fast], description: How it is done }
  loud: { type: boolean, default: false }
targets:
  where_to: { kind: epoch }
secrets:
  token: {}
do_not:
  - { id: not_twice, rule: Not twice., forbid: data.value }
steps:
  - id: first
    action: data.value
    with: { value: 1 }
  - id: asked
    manual: { ask: Is it done?, answer: { done: { type: boolean } } }
outputs:
  sum: '{{ steps.first.value }}'
";

/// What every procedure begins with.
const HEAD: &str = "\
runwarden: v1
kind: procedure
name: ops.here
title: Here
version: 1.0.0
summary: For a test.
owner: ops
risk: low
parameters:
  path: { type: path, description: Where it is }
  count: { type: integer }
targets:
  epoch: { kind: epoch, description: The epoch }
  store: { kind: secret_store }
secrets:
  token: { description: For the door }
env: [HOME]
";

const WORKSPACE: &str = "\
runwarden: v1
environment: development
ledger: { path: l.db, key: l.key, origin: test/ops }
actors:
  ann: { class: operator, roles: [incident_commander, lead] }
targets:
  clock: { kind: epoch, driver: sqlite }
  vault: { kind: anchor_store }
secrets:
  door: { from: clock, key: k }
";

fn shelf() -> Shelf {
    let mut shelf = Shelf::default();
    let source = Arc::new(Source { name: "ops/called.yaml".to_owned(), text: CALLED.to_owned() });
    shelf.put(parse::open(&source, None).0.unwrap());
    shelf
}

fn page(name: &str) -> Option<&'static str> {
    (name == "file.read").then_some("# file.read\n\n## What it does\n\nReads a small file.\n\nMore.\n")
}

/// What something comes to in a world with one other procedure and a workspace file.
fn in_world<T>(ask: impl FnOnce(&World<'_>) -> T) -> T {
    let (registry, shelf) = (Registry::builtin(), shelf());
    let (workspace, _) = parse::look(WORKSPACE, Some(Kind::Workspace)).unwrap();
    ask(&World { registry: &registry, library: &shelf, workspace: Some(&workspace), page })
}

/// The text without its `|`, and where that stood.
#[track_caller]
fn at(marked: &str) -> (String, usize) {
    let at = marked.find('¦').unwrap();
    (marked.replace('¦', ""), at)
}

#[track_caller]
fn proposed_in(kind: Option<Kind>, marked: &str) -> Vec<Proposal> {
    let (text, at) = at(marked);
    in_world(|world| proposals(&Spot { text: &text, at, kind }, world))
}

/// What is proposed after the head of a procedure.
#[track_caller]
fn proposed(marked: &str) -> Vec<Proposal> {
    proposed_in(None, &format!("{HEAD}{marked}"))
}

fn labels(proposals: &[Proposal]) -> Vec<&str> {
    proposals.iter().map(|proposal| proposal.label.as_str()).collect()
}

/// All of these are proposed.
#[track_caller]
fn proposes(marked: &str, wanted: &[&str]) {
    has(&proposed(marked), wanted);
}

#[track_caller]
fn has(found: &[Proposal], wanted: &[&str]) {
    let labels = labels(found);
    wanted.iter().for_each(|wanted| assert!(labels.contains(wanted), "no {wanted} in {labels:?}"));
}

/// None of these is proposed.
#[track_caller]
fn lacks(found: &[Proposal], unwanted: &[&str]) {
    let labels = labels(found);
    unwanted.iter().for_each(|unwanted| assert!(!labels.contains(unwanted), "{unwanted} in {labels:?}"));
}

/// The text when the proposal is taken.
#[track_caller]
fn taken(marked: &str, label: &str) -> String {
    let (text, _) = at(&format!("{HEAD}{marked}"));
    let found = proposed(marked).into_iter().find(|proposal| proposal.label == label).unwrap();
    let mut text = text;
    text.replace_range(found.span, &found.text);
    text[HEAD.len()..].to_owned()
}

#[track_caller]
fn said(marked: &str) -> Option<(String, String)> {
    let (text, at) = at(&format!("{HEAD}{marked}"));
    in_world(|world| words(&Spot { text: &text, at, kind: None }, world))
        .map(|found| (text[found.span.clone()].to_owned(), found.text))
}

/// The document and the line at which something is declared.
#[track_caller]
fn declared_in(kind: Option<Kind>, marked: &str) -> Option<(Option<String>, String)> {
    let (text, at) = at(marked);
    in_world(|world| {
        let found = definition(&Spot { text: &text, at, kind }, world)?;
        let text = if found.document.is_some() { CALLED } else { text.as_str() };
        let line = text[..found.span.start].rsplit('\n').next().unwrap_or_default().len();
        let line = text[found.span.start - line..].lines().next().unwrap_or_default();
        Some((found.document.map(|name: Name| name.as_str().to_owned()), line.trim().to_owned()))
    })
}

#[track_caller]
fn declared(marked: &str) -> Option<(Option<String>, String)> {
    declared_in(None, &format!("{HEAD}{marked}"))
}

#[test]
fn keys_are_those_of_the_place_and_none_that_is_there() {
    let found = proposed("requires:\n  ¦\n");
    has(&found, &["actor", "roles", "approvals", "locks", "limits"]);
    lacks(&found, &["steps", "id"]);
    let found = proposed("steps:\n  - id: a\n    action: file.read\n    ¦\n");
    has(&found, &["with", "verify", "undo", "retry", "when"]);
    lacks(&found, &["id", "action", "call", "manual", "until", "runwarden"]);
    let found = proposed("steps:\n  - id: a\n    ¦\n");
    has(&found, &["action", "call", "manual", "parallel", "wait"]);
    let found = proposed("ste¦\n");
    assert!(found.iter().find(|proposal| proposal.label == "steps").unwrap().is_required);
    lacks(&found, &["parameters", "name"]);
}

#[test]
fn an_empty_document_is_a_procedure_unless_its_name_says_otherwise() {
    has(&proposed_in(None, "¦"), &["runwarden", "kind", "steps"]);
    has(&proposed_in(Some(Kind::Workspace), "¦"), &["ledger", "actors", "policy"]);
    has(&proposed_in(None, "kind: checklist\n¦\n"), &["items"]);
    lacks(&proposed_in(None, "kind: checklist\n¦\n"), &["steps"]);
}

#[test]
fn a_key_is_put_in_with_what_follows_it() {
    assert_eq!(taken("ste¦\n", "steps"), "steps:\n");
    assert_eq!(taken("steps:\n  - id: a\n    acti¦\n", "action"), "steps:\n  - id: a\n    action: \n");
    assert_eq!(taken("steps:\n  - id: a\n    acti¦: x\n", "action"), "steps:\n  - id: a\n    action: x\n");
    assert_eq!(taken("requires: { ac¦ }\n", "actor"), "requires: { actor:  }\n");
}

#[test]
fn words_come_with_what_they_mean() {
    let found = proposed("on_failure: ¦\n");
    assert_eq!(labels(&found), ["stop", "undo"]);
    assert_eq!(found[1].about.as_deref(), Some("Undo what was done, last first."));
    assert_eq!(labels(&proposed("requires: { approvals: { exclude_initiator: ¦ } }\n")), ["true", "false"]);
    proposes("requires: { approvals: { in: [¦] } }\n", &["production"]);
}

#[test]
fn actions_are_all_in_steps_and_those_that_look_elsewhere() {
    proposes("steps:\n  - id: a\n    action: ¦\n", &["file.read", "file.write", "epoch.bump"]);
    proposes("steps:\n  - id: a\n    action: file.write\n    undo: { action: fi¦ }\n", &["file.remove"]);
    for place in [
        "preconditions:\n  - id: a\n    action: ¦\n",
        "do_not:\n  - id: a\n    state: { action: ¦ }\n",
        "steps:\n  - id: a\n    action: file.read\n    verify:\n      - { id: b, action: f¦ }\n",
    ] {
        let found = proposed(place);
        has(&found, &["file.read"]);
        lacks(&found, &["file.write"]);
    }
    let found = proposed("steps:\n  - id: a\n    action: ¦\n");
    let read = found.iter().find(|proposal| proposal.label == "file.read").unwrap();
    assert_eq!((read.detail.as_deref(), read.about.as_deref()), (Some("read"), Some("Reads a small file.")));
    proposes("do_not:\n  - id: a\n    forbid: ¦\n", &["file.write", "file.*", "*", "manual", "call.ops.called"]);
}

#[test]
fn what_is_taken_and_given_is_listed_under_a_word() {
    let (part, text) = said("steps:\n  - id: a\n    action: file.re¦ad\n").unwrap();
    assert_eq!(part, "file.read");
    assert!(text.starts_with("**file.read** (read)\n\nReads a small file.\n\nTakes\n\n- `path` (text"), "{text}");
    let (part, text) = said("steps:\n  - id: a\n    call: ops¦.called\n    with: { mode: slow }\n").unwrap();
    assert_eq!(part, "ops.called");
    let expected = "**ops.called** (procedure, risk high)\n\nSomething else\n\nDoes something else.\n\nTakes\n\n\
                    - `mode` (`slow`, `fast`): How it is done";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn keys_and_words_are_explained() {
    let (part, text) = said("on_fail¦ure: stop\n").unwrap();
    assert_eq!(part, "on_failure");
    assert_eq!(text, "**on_failure** (`stop`, `undo`)\n\nWhat happens when a step fails.");
    assert_eq!(said("on_failure: st¦op\n").unwrap().1, "**stop**: Leave things as they are.");
    let (_, text) = said("steps:\n  - id: a\n    action: file.read\n    with: { pa¦th: x }\n").unwrap();
    assert!(text.starts_with("**path** (text"), "{text}");
    assert!(text.contains(", required)"), "{text}");
    let (_, text) = said("steps:\n  - id: a\n    action: epoch.read\n    with: { target: ep¦och }\n").unwrap();
    assert_eq!(text, "**epoch** (target of kind `epoch`)\n\nThe epoch");
    assert_eq!(said("finally: []¦\n"), None);
}

#[test]
fn an_outline_has_the_parts_in_order() {
    let text = format!(
        "{HEAD}steps:\n  - id: both\n    parallel:\n      - {{ id: left, wait: 1s }}\n      - {{ id: right, wait: 1s }}\n  \
         - id: last\n    title: The last\n    wait: 1s\n    verify: [{{ id: sound, expect: run.dry }}]\n"
    );
    fn flat(parts: &[Part], depth: usize, lines: &mut Vec<String>) {
        for part in parts {
            let detail = part.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
            lines.push(format!("{}{}{detail}", "  ".repeat(depth), part.name));
            flat(&part.parts, depth + 1, lines);
        }
    }
    let mut lines = Vec::new();
    flat(&parts(&text, None), 0, &mut lines);
    let expected = "parameters\n  path (path)\n  count (integer)\ntargets\n  epoch (epoch)\n  store (secret_store)\nsecrets\n  \
                    token\nsteps\n  both\n    left\n    right\n  last (The last)\n    sound";
    assert_eq!(lines.join("\n"), expected);
    let found = parts(&text, None);
    let within = |part: &Part| part.span.start <= part.head.start && part.head.end <= part.span.end;
    assert!(found.iter().all(within));
}

/// The text once all that was mistyped is mended.
#[track_caller]
fn mended(rest: &str) -> String {
    let text = format!("{HEAD}{rest}");
    let source = Arc::new(Source { name: "ops/here.yaml".to_owned(), text: text.clone() });
    let (_, problems) = parse::check(&source, None, &Registry::builtin(), &shelf());
    let mut changes: Vec<_> = problems.iter().filter_map(remedy).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.span.start));
    let mut mended = text;
    changes.into_iter().for_each(|change| mended.replace_range(change.span, &change.text));
    mended[HEAD.len()..].to_owned()
}

#[test]
fn what_was_mistyped_is_put_right_where_it_stands() {
    let good = "steps:\n  - id: state\n    action: 'data.value'\n    with: { value: '{{ parameters.path }} {{ env.HOME }}' }\n    \
                verify:\n      - id: x\n        expect: steps.state.state == 'done' and steps.state.value != ''\n  - id: c\n    \
                call: ops.called\n    with: { mode: slow, where_to: epoch, token: '{{ secrets.token }}' }\n    on_error: stop\n";
    assert_eq!(mended(good), good);
    for (right, wrong) in [
        ("'data.value'", "'data.valeu'"),
        ("on_error", "on_eror"),
        ("on_error: stop", "on_error: stpo"),
        ("parameters.path }}", "parameters.pahtt }}"),
        ("env.HOME", "env.HOEM"),
        ("secrets.token", "secrets.toekn"),
        ("steps.state.state", "steps.stat.state"),
        ("parameters.path", "paramters.path"),
        ("ops.called", "ops.caled"),
        ("mode: slow", "mod: slow"),
        ("where_to: epoch", "where_to: epcoh"),
    ] {
        assert_eq!(mended(&good.replacen(right, wrong, 1)), good, "{wrong}");
    }
}

#[test]
fn the_workspace_file_names_what_it_has_and_what_procedures_declare() {
    let of = |rest: &str| proposed_in(Some(Kind::Workspace), &format!("{WORKSPACE}{rest}"));
    has(&of("bindings:\n  ¦\n"), &["ops.called"]);
    assert_eq!(labels(&of("bindings:\n  ops.called:\n    targets: { ¦ }\n")), ["where_to"]);
    assert_eq!(labels(&of("bindings:\n  ops.called:\n    targets: { where_to: ¦ }\n")), ["clock"]);
    assert_eq!(labels(&of("bindings:\n  ops.called:\n    secrets: { token: ¦ }\n")), ["door"]);
    assert_eq!(labels(&of("policy: { anchor_after_run: ¦ }\n")), ["vault"]);
    let drivers = proposed_in(Some(Kind::Workspace), "runwarden: v1\ntargets:\n  clock: { kind: epoch, driver: ¦ }\n");
    assert_eq!(labels(&drivers), ["sqlite", "postgres"]);
    let target =
        |keys: &str| proposed_in(Some(Kind::Workspace), &format!("runwarden: v1\ntargets:\n  x: {{ {keys} }}\n"));
    assert_eq!(labels(&target("kind: epoch, ¦")), ["driver", "environment", "path", "table"]);
    assert_eq!(labels(&target("kind: epoch, driver: postgres, ¦")), ["environment", "connection", "actor"]);
    has(&target("kind: epoch, driver: postgres, connection: { ¦ }"), &["host", "database", "user"]);
    assert_eq!(labels(&target("kind: ledger, driver: hash_chain, recipe: ¦")), ["audit", "billing"]);
    let found = declared_in(Some(Kind::Workspace), &format!("{WORKSPACE}bindings: {{ ops.cal¦led: {{}} }}\n"));
    assert_eq!(found, Some((Some("ops.called".to_owned()), "name: ops.called".to_owned())));
}

#[test]
fn roles_are_those_that_somebody_has() {
    assert_eq!(labels(&proposed("requires: { roles: [¦] }\n")), ["incident_commander", "lead"]);
    assert_eq!(labels(&proposed("requires: { approvals: { from: [le¦] } }\n")), ["incident_commander", "lead"]);
}

#[test]
fn a_test_names_what_its_procedure_has() {
    let head = "runwarden: v1\nkind: test\nname: ops.called.test\nprocedure: ops.called\n";
    let of = |rest: &str| proposed_in(None, &format!("{head}{rest}"));
    has(&proposed_in(None, "kind: test\nprocedure: ¦\n"), &["ops.called"]);
    assert_eq!(labels(&of("defaults:\n  parameters: { ¦ }\n")), ["mode", "loud"]);
    has(&of("cases:\n  - id: a\n    results:\n      ¦\n"), &["first", "not_twice", "data.value"]);
    assert_eq!(labels(&of("cases:\n  - id: a\n    answers: { ¦ }\n")), ["asked"]);
    assert_eq!(labels(&of("cases:\n  - id: a\n    expect: { steps: { ¦ } }\n")), ["first", "asked"]);
    assert_eq!(labels(&of("cases:\n  - id: a\n    expect: { guards: [¦] }\n")), ["not_twice"]);
    has(&of("cases:\n  - id: a\n    expect: { status: ¦ }\n"), &["succeeded", "refused"]);
    let found = |rest: &str| declared_in(None, &format!("{head}{rest}"));
    let there = |line: &str| Some((Some("ops.called".to_owned()), line.to_owned()));
    assert_eq!(found("cases: [{ id: a, results: { fir¦st: {} } }]\n"), there("- id: first"));
    assert_eq!(
        found("cases: [{ id: a, expect: { guards: [not_¦twice] } }]\n"),
        there("- { id: not_twice, rule: Not twice., forbid: data.value }")
    );
}

#[test]
fn every_document_that_may_be_named_is_known() {
    let shelf = shelf();
    let names: Vec<&str> = shelf.names().into_iter().map(Name::as_str).collect();
    assert_eq!(names, ["ops.called"]);
    let tree: &Node = &shelf.find(&Name::parse("ops.called").unwrap()).unwrap().tree;
    assert!(tree.get("steps").is_some());
}
