//! Cases with people in them: who runs, who consents, who lifts a guard, judged by the same engine.

use super::rehearse;

const ASKS: &str = "
requires:
  actor: operator
  approvals: { quorum: 2, from: [commander], in: [production] }
steps:
  - id: put
    action: file.write
    with: { path: /a, content: a }
    undo: { none: Written. }
";

#[test]
fn a_quorum_of_different_people_lets_it_run() {
    rehearse(
        ASKS,
        "
defaults: { environment: production, results: { file.write: { changed: true, size: 1, sha256: x } } }
cases:
  - id: two
    approvals: [{ by: ann, role: commander }, { by: ben, role: commander }]
    expect: { status: succeeded, events: [run.begin, approval.granted, approval.granted, approval.consumed, step.intent] }
  - { id: nobody, expect: { status: suspended, effects: 0 } }
  - { id: one, approvals: [{ by: ann, role: commander }], expect: { status: suspended, effects: 0 } }
  - id: one_twice
    approvals: [{ by: ann, role: commander }, { by: ann, role: commander }]
    expect: { status: suspended, effects: 0 }
  - id: by_who_runs_it
    actor: { name: ann }
    approvals: [{ by: ann, role: commander }, { by: ben, role: commander }]
    expect: { status: suspended, effects: 0 }
  - id: in_another_role
    approvals: [{ by: ann, role: commander }, { by: ben, role: clerk }]
    expect: { status: suspended, effects: 0 }
  - id: refused
    approvals: [{ by: ann, role: commander }, { by: ben, role: commander, purpose: reject }]
    expect: { status: rejected, effects: 0, events: [approval.rejected, run.end] }
  - { id: by_a_machine, actor: { class: automation }, expect: { status: refused, effects: 0 } }
  - { id: elsewhere, environment: staging, expect: { status: succeeded, effects: 1 } }
",
    )
    .passes();
}

#[test]
fn a_step_asks_for_consent_before_its_effect() {
    rehearse(
        "
steps:
  - { id: first, action: file.write, with: { path: /a, content: a }, undo: { none: Written. } }
  - id: put
    action: file.write
    with: { path: /b, content: b }
    approval: { from: [commander], expires: 1h }
    undo: { none: Written. }
",
        "
defaults: { results: { file.write: { changed: true, size: 1, sha256: x } } }
cases:
  - id: waits
    expect: { status: suspended, effects: 1, steps: { first: { state: succeeded }, put: { state: pending } } }
  - id: of_the_plan
    approvals: [{ by: ann, role: commander }]
    expect: { status: suspended, effects: 1 }
  - id: given
    approvals: [{ by: ann, role: commander, step: put }]
    expect: { status: succeeded, effects: 2, events: [approval.granted, approval.consumed, step.intent] }
  - id: refused
    approvals: [{ by: ann, role: commander, step: put, purpose: reject }]
    expect: { status: rejected, effects: 1, steps: { put: { state: refused } } }
  - id: still_waits
    then: [resume]
    expect: { status: suspended, effects: 1 }
",
    )
    .passes();
}

const GUARDED: &str = "
do_not:
  - id: not_a
    rule: Do not write.
    forbid: file.write
    waivable: { by: [commander], max_for: 2h, max_uses: 1 }
  - { id: not_b, rule: Do not remove., forbid: file.remove }
steps:
  - { id: put, action: file.write, with: { path: /a, content: a }, undo: { none: Written. } }
";

#[test]
fn a_waiver_of_a_case_is_held_to_its_guard() {
    rehearse(
        GUARDED,
        "
defaults: { results: { file.write: { changed: true, size: 1, sha256: x } } }
cases:
  - { id: held, expect: { status: refused, guards: [not_a], effects: 0 } }
  - id: waived
    waivers: [{ guard: not_a, by: ann }]
    expect: { status: succeeded, guards: [], events: [waiver.used, step.intent] }
  - id: over
    waivers: [{ guard: not_a, by: ann, not_after: '2026-11-20T09:00:00Z' }]
    expect: { status: refused }
  - id: too_long
    waivers: [{ guard: not_a, by: ann, not_after: '2026-11-20T12:00:00Z' }]
    expect: { status: refused }
  - { id: too_often, waivers: [{ guard: not_a, by: ann, max_uses: 2 }], expect: { status: refused } }
  - { id: another_role, waivers: [{ guard: not_a, by: ann, role: clerk }], expect: { status: refused } }
  - { id: own_run, actor: { name: ann }, waivers: [{ guard: not_a, by: ann }], expect: { status: refused } }
  - { id: not_waivable, waivers: [{ guard: not_b, by: ann, role: commander }], expect: { status: refused } }
",
    )
    .passes();
}

#[test]
fn a_retry_of_a_waived_act_is_the_same_use() {
    let again = GUARDED.replace("content: a }, ", "content: a }, retry: { attempts: 2, backoff: 1s }, ");
    rehearse(
        &again,
        "
cases:
  - id: again
    waivers: [{ guard: not_a, by: ann }]
    results: { file.write: [timeout, { changed: true, size: 1, sha256: x }] }
    expect: { status: succeeded, steps: { put: { attempts: 2 } } }
",
    )
    .passes();
}
