//! Scripted faults, and scripts that do not fit.

use super::rehearse;

/// An effect that may be done once only, after a read that may be tried again.
const ONCE: &str = "
steps:
  - id: look
    action: file.stat
    with: { path: /a }
    retry: { attempts: 3, backoff: 1h }
  - id: act
    action: command.run
    with: { argv: [deploy] }
    timeout: 5m
    verify:
      - { id: ran, expect: steps.act.exit == 0 }
    undo: { none: It cannot be taken back. }
";

#[test]
fn a_crash_leaves_an_open_intent_and_an_unknown_outcome() {
    rehearse(
        ONCE,
        "
defaults: { results: { look: { exists: true } } }
cases:
  - id: before
    results: { act: crash }
    expect: { status: unknown, steps: { act: { state: unknown, attempts: 1 } }, events: [step.intent], effects: 1 }
  - id: after
    results: { act: crash_after_effect }
    expect: { status: unknown, steps: { act: { state: unknown } } }
",
    )
    .passes();
}

#[test]
fn a_crash_without_an_open_intent_can_be_gone_on_from() {
    rehearse(
        ONCE,
        "
cases:
  - id: while_looking
    results: { look: [{ exists: true }, crash] }
    expect: { status: suspended, steps: { look: { state: pending } }, effects: 0 }
",
    )
    .passes();
}

#[test]
fn nobody_knows_what_came_of_an_effect_that_timed_out_and_may_be_done_once() {
    rehearse(
        ONCE,
        "
cases:
  - id: too_slow
    results: { look: { exists: true }, act: timeout }
    expect: { status: unknown, steps: { act: { state: unknown } }, events: [outcome.unknown] }
",
    )
    .passes();
}

#[test]
fn what_passes_by_itself_is_tried_again_and_waiting_costs_nothing() {
    let begun = std::time::Instant::now();
    rehearse(
        ONCE,
        "
defaults: { results: { act: { exit: 0 } } }
cases:
  - id: in_the_end
    results: { look: [{ error: network }, { error: network }, timeout, { exists: true }] }
    expect: { status: succeeded, steps: { look: { state: succeeded, attempts: 3 } } }
  - id: never
    results: { look: { error: network } }
    expect: { status: failed, steps: { look: { state: failed, attempts: 3 }, act: { state: pending } } }
  - id: for_good
    results: { look: { error: not_found } }
    expect: { status: failed, steps: { look: { state: failed, attempts: 1 } } }
",
    )
    .passes();
    assert!(begun.elapsed().as_secs() < 60, "hours of backoff were waited for");
}

#[test]
fn an_action_without_a_result_fails_the_case() {
    let trial = rehearse(
        ONCE,
        "
cases:
  - id: nothing
    results: { look: { exists: true } }
    expect: { status: failed }
",
    );
    assert_eq!(trial.said(), ["nothing: `command.run` has no result, and `act` asks it"]);
}

#[test]
fn a_list_has_one_result_per_call_and_no_more() {
    let trial = rehearse(
        ONCE,
        "
cases:
  - id: one_for_the_plan
    results: { file.stat: [{ exists: true }], act: { exit: 0 } }
    expect: { status: failed }
",
    );
    assert_eq!(trial.said(), ["one_for_the_plan: `file.stat` has 1 result, and `look` asks once more"]);
}

#[test]
fn what_has_no_end_is_ended() {
    let procedure = "
steps:
  - { id: wait, wait: 300d, every: 1s, until: { action: file.stat, with: { path: /a }, expect: result.exists } }
";
    let trial = rehearse(
        procedure,
        "
cases:
  - { id: for_ever, results: { file.stat: { exists: false } }, expect: { status: suspended } }
",
    );
    assert_eq!(trial.said(), ["for_ever: more than 20000 calls: something in this case has no end"]);
}
