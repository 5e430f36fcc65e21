//! What is compared, and how a case that fails says so.

use super::rehearse;

const COPY: &str = "
parameters:
  from: { type: path }
preconditions:
  - { id: there, action: file.stat, with: { path: '{{ parameters.from }}' }, expect: result.exists }
do_not:
  - id: not_over_another
    rule: Do not replace what is there.
    forbid: file.copy
    state: { action: file.stat, with: { path: /to } }
    where: state.exists
steps:
  - id: copy
    action: file.copy
    with: { from: '{{ parameters.from }}', to: /to }
    verify:
      - { id: same, action: file.hash, with: { path: /to }, expect: result.size == 7 }
failure_modes:
  - { when: error.check == 'same', title: The copy differs, advice: Copy again. }
outputs: { size: '{{ steps.copy.size }}' }
";

const DEFAULTS: &str = "
defaults:
  parameters: { from: /a }
  results:
    there: { exists: true }
    not_over_another: { exists: false }
    file.copy: { size: 7 }
    file.hash: { size: 7 }
";

fn cases(cases: &str) -> String {
    format!("{DEFAULTS}cases:\n{cases}")
}

#[test]
fn everything_that_can_be_expected_is_found() {
    rehearse(
        COPY,
        &cases(
            "
  - id: copied
    expect:
      status: succeeded
      exit: 0
      steps: { copy: { state: succeeded, attempts: 1 } }
      guards: []
      checks: []
      events: [run.begin, step.intent, step.result, verify.result, run.end]
      effects: 1
      outputs: { size: 7 }
  - id: differs
    results: { copy.same: { size: 8 } }
    expect:
      status: failed
      steps: { copy: { state: failed } }
      checks: [copy.same]
      failure_mode: The copy differs
      effects: 1
  - id: not_there
    results: { there: { exists: false } }
    expect: { status: refused, checks: [there], effects: 0, steps: { copy: { state: pending, attempts: 0 } } }
  - id: over_another
    results: { not_over_another: { exists: true } }
    expect: { status: refused, guards: [not_over_another], effects: 0 }
",
        ),
    )
    .passes();
}

#[test]
fn all_differences_are_said_side_by_side() {
    let trial = rehearse(
        COPY,
        &cases(
            "
  - id: wrong
    expect:
      status: failed
      exit: 4
      steps: { copy: { state: failed, attempts: 2 } }
      guards: [not_over_another]
      checks: [there]
      events: [run.end, run.begin]
      failure_mode: The copy differs
      effects: 0
      outputs: { size: 8 }
",
        ),
    );
    assert_eq!(
        trial.said(),
        [
            "wrong: status: expected failed, found succeeded",
            "wrong: exit: expected 4, found 0",
            "wrong: steps.copy.state: expected failed, found succeeded",
            "wrong: steps.copy.attempts: expected 2, found 1",
            "wrong: guards: expected not_over_another, found none",
            "wrong: checks: expected there, found none",
            "wrong: events: expected run.end, run.begin, found run.begin, plan.recorded, precondition.result, \
             guard.verdict, guard.verdict, step.intent, step.result, verify.result, run.end",
            "wrong: failure_mode: expected The copy differs, found none",
            "wrong: effects: expected 0, found 1",
            "wrong: outputs.size: expected 8, found 7",
        ]
    );
}

#[test]
fn what_no_case_reaches_is_listed() {
    let trial = rehearse(COPY, &cases("\n  - { id: copied, expect: { status: succeeded } }\n"));
    assert_eq!(
        trial.missed(),
        [
            "precondition there: not met",
            "guard not_over_another: violated",
            "verify copy.same: not met",
            "failure mode The copy differs: shown",
        ]
    );
}

#[test]
fn branches_and_undo_are_reached_by_taking_them() {
    let procedure = "
parameters: { really: { type: boolean, default: true } }
on_failure: undo
steps:
  - id: first
    satisfied_when: { action: file.stat, with: { path: /a }, expect: result.exists }
    action: file.write
    with: { path: /a, content: a }
    undo: { action: file.remove, with: { path: /a } }
  - { id: maybe, when: parameters.really, on_error: continue, action: file.stat, with: { path: /b } }
  - { id: last, action: file.write, with: { path: /c, content: c } }
";
    let all = "
defaults:
  results: { first.satisfied_when: { exists: false }, file.write: { size: 1 }, maybe: { exists: true } }
cases:
  - { id: done, expect: { status: succeeded } }
  - { id: there, results: { first.satisfied_when: { exists: true } }, expect: { status: succeeded, steps: { first: { state: no_change } } } }
  - { id: not_really, parameters: { really: false }, expect: { status: succeeded, steps: { maybe: { state: skipped } } } }
  - { id: went_on, results: { maybe: { error: unreadable } }, expect: { status: undone, steps: { maybe: { state: failed }, last: { state: undone } } } }
  - id: taken_back
    results: { last: { error: full }, first.undo: { removed: true } }
    expect: { status: stuck, steps: { first: { state: undone }, last: { state: undo_failed } }, effects: 3 }
";
    let trial = rehearse(procedure, all);
    assert_eq!(trial.missed(), Vec::<String>::new());
}
