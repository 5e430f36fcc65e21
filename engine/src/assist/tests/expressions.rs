//! What expressions and templates may name.

use super::{at, declared, has, in_world, labels, lacks, proposed, proposes, said, taken};
use crate::assist::Spot;
use crate::assist::complete::proposals;

const STEPS: &str = "\
steps:
  - id: look
    title: Looks at it
    action: epoch.read
    with: { target: epoch }
  - id: both
    parallel:
      - { id: left, action: data.value, with: { inner: 1 } }
      - { id: right, action: data.value, with: { value: 1 }, when: ¦LEFT }
  - id: other
    call: ops.called
    with: { mode: slow }
    when: ¦OTHER
    verify:
      - { id: good, expect: ¦VERIFY }
  - id: each
    for_each: { items: '{{ [1] }}', as: thing }
    action: data.value
    with: { value: '{{ ¦EACH }}' }
verify:
  - id: seen
    action: file.stat
    with: { path: a }
    expect: ¦END
failure_modes:
  - { when: ¦FAILED, title: A, advice: B }
";

/// The steps with something written at one of the places, and nothing at the others.
fn with(place: &str, written: &str) -> String {
    let mut text = STEPS.to_owned();
    for known in ["LEFT", "OTHER", "VERIFY", "EACH", "END", "FAILED"] {
        let mark = format!("¦{known}");
        let here = if known == place { format!("{written}¦") } else { "run.dry".to_owned() };
        text = text.replace(&mark, &here);
    }
    text
}

#[test]
fn an_expression_sees_what_is_known_where_it_stands() {
    let found = proposed(&with("OTHER", ""));
    has(&found, &["parameters", "targets", "env", "run", "history", "steps", "duration"]);
    lacks(&found, &["result", "error", "item", "thing", "secrets", "answer"]);
    has(&proposed(&with("END", "")), &["result", "steps"]);
    has(&proposed(&with("FAILED", "")), &["error"]);
    has(&proposed(&with("EACH", "")), &["thing", "secrets"]);
    let found = proposed("preconditions:\n  - { id: a, expect: ¦ }\n");
    lacks(&found, &["steps", "result"]);
    let found = proposed("do_not:\n  - { id: a, rule: R, forbid: file.write, where: ¦ }\n");
    has(&found, &["with", "step", "steps"]);
    lacks(&found, &["state"]);
    let state = "state: { action: epoch.read, with: { target: epoch } }";
    let found = proposed(&format!("do_not:\n  - {{ id: a, rule: R, {state}, never: state.¦ }}\n"));
    has(&found, &["epoch", "known_epoch"]);
}

#[test]
fn steps_are_those_that_have_ended() {
    assert_eq!(labels(&proposed(&with("LEFT", "steps."))), ["look"]);
    assert_eq!(labels(&proposed(&with("OTHER", "steps."))), ["look", "both", "left", "right"]);
    has(&proposed(&with("VERIFY", "steps.")), &["other"]);
    has(&proposed(&with("END", "steps.")), &["look", "both", "left", "right", "other", "each"]);
}

#[test]
fn a_step_has_the_outputs_of_its_action_its_call_or_its_answers() {
    has(&proposed(&with("END", "steps.look.")), &["epoch", "known_epoch", "state", "attempts"]);
    has(&proposed(&with("END", "steps.left.")), &["inner", "state"]);
    has(&proposed(&with("END", "steps.other.")), &["sum", "state"]);
    assert_eq!(labels(&proposed(&with("END", "steps.each."))), ["items", "state"]);
    has(&proposed(&with("END", "steps.each.items['1'].")), &["value", "state"]);
    has(&proposed(&with("END", "result.")), &["kind"]);
    assert!(proposed(&with("END", "steps.none.")).is_empty());
    assert_eq!(
        labels(&proposed("do_not:\n  - { id: a, never: steps.b.¦ }\nsteps: [{ id: b, wait: 1s }]\n")),
        ["state"]
    );
}

#[test]
fn chains_are_followed_and_filters_and_strings_are_known() {
    let found = proposed(&with("OTHER", "not (parameters.co"));
    assert_eq!(labels(&found), ["path", "count"]);
    assert_eq!((found[0].detail.as_deref(), found[0].about.as_deref()), (Some("path"), Some("Where it is")));
    assert_eq!(labels(&proposed(&with("OTHER", "env."))), ["HOME"]);
    has(&proposed(&with("OTHER", "run.")), &["id", "started_at", "actor", "environment", "dry"]);
    has(&proposed(&with("OTHER", "parameters.path | ")), &["lower", "length"]);
    assert!(proposed(&with("OTHER", "parameters.path == 'parameters.")).is_empty());
    assert!(proposed(&with("OTHER", "7.")).is_empty());
}

#[test]
fn templates_are_filled_within_their_braces_alone() {
    proposes("outputs:\n  a: 'x {{ parameters.¦ }} y'\n", &["path"]);
    proposes("steps:\n  - id: a\n    why: |\n      Because\n      {{ parameters.¦ }}\n    wait: 1s\n", &["path"]);
    assert!(proposed("outputs:\n  a: 'x {{ run.id }} parameters.¦'\n").is_empty());
    assert!(proposed("title: parameters.¦\n").is_empty());
    let written = taken("outputs:\n  a: '{{ parameters.pa¦ }}'\n", "path");
    assert_eq!(written, "outputs:\n  a: '{{ parameters.path }}'\n");
}

#[test]
fn an_answer_is_known_to_the_check_that_asks_for_it() {
    let check = "manual: { ask: Well?, answer: { done: { type: boolean } }, expect: answer.¦ }";
    assert_eq!(labels(&proposed(&format!("preconditions:\n  - id: a\n    {check}\n"))), ["done"]);
}

#[test]
fn names_lead_to_where_they_are_declared() {
    let here = |line: &str| Some((None, line.to_owned()));
    let go = |marked: &str| declared(&format!("steps:\n  - id: first\n    wait: 1s\n{marked}"));
    assert_eq!(
        go("outputs: { a: '{{ parameters.pa¦th }}' }\n"),
        here("path: { type: path, description: Where it is }")
    );
    assert_eq!(go("outputs: { a: '{{ steps.fir¦st.state }}' }\n"), here("- id: first"));
    assert_eq!(go("outputs: { a: '{{ env.HO¦ME }}' }\n"), here("env: [HOME]"));
    assert_eq!(
        go("verify: [{ id: a, expect: targets.ep¦och.kind == 'x' }]\n"),
        here("epoch: { kind: epoch, description: The epoch }")
    );
    assert_eq!(go("outputs: { a: '{{ steps.first.sta¦te }}' }\n"), None);
    assert_eq!(go("outputs: { a: '{{ run.i¦d }}' }\n"), None);
}

#[test]
fn names_say_what_they_stand_for() {
    let (part, text) = said("outputs: { a: '{{ parameters.pa¦th }}' }\n").unwrap();
    assert_eq!((part.as_str(), text.as_str()), ("path", "**parameters.path** (path)\n\nWhere it is"));
    let (_, text) = said(&with("END", "result.kind").replace("result.kind¦", "result.ki¦nd")).unwrap();
    assert!(text.starts_with("**result.kind**"), "{text}");
    let (_, text) = said("outputs: { a: '{{ days_un¦til(run.started_at) }}' }\n").unwrap();
    assert!(text.starts_with("`days_until(timestamp)`"), "{text}");
    let (_, text) = said("outputs: { a: '{{ run.id | low¦er }}' }\n").unwrap();
    assert_eq!(text, "**lower** (filter): lower case");
    assert_eq!(said("outputs: { a: the ru¦n }\n"), None);
}

#[test]
fn a_place_within_a_character_or_beyond_the_end_is_none_of_them() {
    let (text, _) = at("title: ä¦\n");
    for place in [8, 400] {
        in_world(|world| proposals(&Spot { text: &text, at: place, kind: None }, world));
    }
}
