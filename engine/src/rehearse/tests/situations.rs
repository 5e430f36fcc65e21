//! What a case can give: people, time, history, targets, variables, added steps, and what is refused by name.

use super::rehearse;

#[test]
fn people_answer_what_the_case_says_and_nobody_else_is_there() {
    let procedure = "
steps:
  - id: decide
    manual:
      ask: Go on?
      read_back: yes, we do
      evidence: { min: 2, what: both logs }
      answer: { go: { type: boolean }, at: { type: timestamp } }
    verify:
      - { id: go, expect: \"steps.decide.go and steps.decide.at < timestamp('2026-12-01T00:00:00Z')\" }
    undo: { none: A decision stays. }
";
    rehearse(
        procedure,
        "
defaults: { answers: { decide: { go: true, at: '2026-11-20T08:00:00Z' } } }
cases:
  - { id: decided, expect: { status: succeeded, effects: 1, events: [manual.asked, manual.answered] } }
  - { id: not_so, answers: { decide: { go: false, at: '2026-11-20T08:00:00Z' } }, expect: { status: failed, checks: [decide.go] } }
  - { id: nobody, answers: {}, expect: { status: suspended, steps: { decide: { state: pending } } } }
",
    )
    .passes();
}

#[test]
fn an_undo_by_hand_is_answered_by_its_own_key() {
    let procedure = "
on_failure: undo
steps:
  - id: by_hand
    manual: { ask: Do it., answer: { done: { type: boolean } } }
    undo: { manual: { ask: Take it back., answer: { back: { type: boolean } } } }
  - { id: fail, action: file.stat, with: { path: /a } }
";
    rehearse(
        procedure,
        "
cases:
  - id: back
    answers: { by_hand: { done: true }, by_hand.undo: { back: true } }
    results: { fail: { error: not_found } }
    expect: { status: undone, steps: { by_hand: { state: undone } } }
  - id: nobody
    answers: { by_hand: { done: true } }
    results: { fail: { error: not_found } }
    expect: { status: stuck, steps: { by_hand: { state: undo_failed } } }
",
    )
    .passes();
}

#[test]
fn time_is_what_the_case_says_and_goes_on_while_something_waits() {
    let procedure = "
steps:
  - { id: wait, wait: 36h }
outputs: { began: '{{ run.started_at }}', ended: '{{ steps.wait.ended_at }}' }
";
    rehearse(
        procedure,
        "
cases:
  - id: then
    now: '2026-12-20T12:00:00Z'
    expect: { status: succeeded, outputs: { began: '2026-12-20T12:00:00.000000Z', ended: '2026-12-22T00:00:00.000000Z' } }
",
    )
    .passes();
}

#[test]
fn history_is_what_the_case_says() {
    let procedure = "
preconditions:
  - { id: not_lately, expect: \"history.last('ops.other', status='succeeded', within='24h') is none\" }
  - { id: alone, expect: \"history.count('ops.trial', status='suspended') == 0\" }
steps: [{ id: wait, wait: 1s }]
";
    rehearse(
        procedure,
        "
cases:
  - { id: nothing, expect: { status: succeeded } }
  - { id: lately, history: [{ procedure: ops.other, status: succeeded }], expect: { status: refused, checks: [not_lately] } }
  - id: long_ago
    now: '2026-11-20T12:00:00Z'
    history: [{ procedure: ops.other, status: succeeded, started_at: '2026-11-19T11:00:00Z' }]
    expect: { status: succeeded }
  - { id: failed, history: [{ procedure: ops.other, status: failed }], expect: { status: succeeded } }
  - { id: not_alone, history: [{ procedure: ops.trial, status: suspended }], expect: { status: refused, checks: [alone] } }
",
    )
    .passes();
}

#[test]
fn what_an_earlier_run_failed_on_counts_for_once_failed() {
    let procedure = "
parameters: { path: { type: path } }
do_not:
  - { id: not_again, rule: Do not read again in hope., once_failed: file.hash }
steps:
  - { id: hash, action: file.hash, with: { path: '{{ parameters.path }}' } }
verify:
  - { id: good, action: file.hash, with: { path: '{{ parameters.path }}', }, expect: result.size == 7 }
";
    rehearse(
        procedure,
        "
defaults: { parameters: { path: /a }, results: { file.hash: { size: 7 } } }
cases:
  - { id: first, expect: { status: succeeded, guards: [] } }
  - id: again_after_a_step
    history: [{ procedure: ops.trial, status: failed, parameters: { path: /a }, error: { code: unreadable, step: hash } }]
    expect: { status: refused, guards: [not_again] }
  - id: again_after_a_check
    history: [{ procedure: ops.trial, status: failed, parameters: { path: /a }, error: { code: verify, check: good } }]
    expect: { status: refused, guards: [not_again] }
  - id: something_else
    history: [{ procedure: ops.trial, status: failed, parameters: { path: /b }, error: { code: verify, check: good } }]
    expect: { status: succeeded, guards: [] }
  - id: made_good_since
    history:
      - { procedure: ops.trial, status: succeeded, parameters: { path: /a } }
      - { procedure: ops.trial, status: failed, parameters: { path: /a }, error: { code: verify, check: good } }
    expect: { status: succeeded, guards: [] }
",
    )
    .passes();
}

#[test]
fn targets_are_made_up_apart_from_each_other_unless_the_case_says_more() {
    let procedure = "
targets: { ledger: { kind: ledger }, anchors: { kind: anchor_store }, api: { kind: service } }
preconditions:
  - { id: outside, expect: 'not inside(targets.anchors.path, targets.ledger.dir)' }
steps: [{ id: get, action: http.get, with: { target: api, path: / } }]
outputs: { url: '{{ targets.api.url }}' }
";
    rehearse(
        procedure,
        "
defaults: { results: { get: { status: 200 } } }
cases:
  - { id: apart, expect: { status: succeeded, outputs: { url: 'https://api.invalid' } } }
  - id: inside
    targets: { anchors: { path: /srv/ledger/../ledger/anchors } }
    expect: { status: refused, checks: [outside] }
  - { id: elsewhere, targets: { api: { url: 'http://there' } }, expect: { status: succeeded, outputs: { url: 'http://there' } } }
",
    )
    .passes();
}

#[test]
fn what_is_refused_before_a_plan_is_an_outcome() {
    let procedure = "
parameters: { size: { type: integer, max: 7 }, far: { type: integer, default: 1 } }
env: [TEAM]
steps: [{ id: wait, wait: 1s }]
outputs: { team: '{{ env.TEAM }}' }
";
    rehearse(
        procedure,
        "
cases:
  - { id: good, parameters: { size: 7 }, env: { TEAM: blue }, expect: { status: succeeded, outputs: { team: blue } } }
  - { id: missing, env: { TEAM: blue }, expect: { status: refused, exit: 100, effects: 0 } }
  - { id: unset, parameters: { size: 7 }, expect: { status: refused, exit: 100 } }
",
    )
    .passes();
}

#[test]
fn guards_stop_steps_that_somebody_adds() {
    let procedure = "
do_not:
  - { id: keep_it, rule: Do not remove anything., forbid: file.remove }
  - { id: not_back, rule: Do not restore., forbid: 'ledger.*', where: step.action != 'ledger.verify' }
steps: [{ id: wait, wait: 1s }]
";
    let trial = rehearse(
        procedure,
        "
cases:
  - { id: as_it_is, expect: { status: succeeded, guards: [] } }
  - id: removes
    adds:
      - id: tidy_up
        action: file.remove
        with: { path: /a }
        verify: [{ id: gone, action: file.stat, with: { path: /a }, expect: not result.exists }]
        undo: { none: What is gone is gone. }
    results: { file.stat: { exists: true } }
    expect: { status: refused, guards: [keep_it], effects: 0, steps: { tidy_up: { state: pending } } }
  - id: restores
    adds: [{ id: back, action: file.write, acts_as: ['ledger.*'], with: { path: /a, content: a } }]
    expect: { status: refused, guards: [not_back] }
",
    )
    .passes();
    assert_eq!(trial.missed(), ["guard not_back: held"]);
}

#[test]
fn added_steps_are_checked_like_any_other() {
    let trial = rehearse(
        "steps: [{ id: wait, wait: 1s }]\n",
        "
cases:
  - { id: wrong, adds: [{ id: hash, action: file.hahs, with: { path: /a } }], expect: { status: succeeded } }
",
    );
    assert_eq!(trial.said(), ["wrong: the procedure would be wrong: action `file.hahs` does not exist"]);
}

#[test]
fn a_lock_that_an_earlier_run_holds_is_busy() {
    let procedure = "
parameters: { db: { type: string, default: main } }
requires: { locks: ['prod/{{ parameters.db }}'] }
steps:
  - { id: note, action: file.write, with: { path: /a, content: a }, undo: { none: It stays. } }
";
    rehearse(
        procedure,
        "
defaults:
  history: [{ procedure: example.other, status: suspended, locks: [prod/main, prod/spare] }]
  results: { note: { changed: true } }
cases:
  - { id: busy, expect: { status: refused, effects: 0 } }
  - { id: another_lock, parameters: { db: third }, expect: { status: succeeded, effects: 1 } }
  - { id: free, history: [], expect: { status: succeeded } }
",
    )
    .passes();
}
