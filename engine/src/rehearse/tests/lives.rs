//! Runs that stopped and go on, or are taken back, by another process.

use super::rehearse;

const TWO: &str = "
steps:
  - { id: first, action: file.write, with: { path: /a, content: a }, undo: { action: file.remove, with: { path: /a } } }
  - { id: second, action: file.copy, with: { from: /a, to: /b }, undo: { action: file.remove, with: { path: /b } } }
outputs: { size: '{{ steps.second.size }}' }
";

#[test]
fn what_happened_before_a_crash_is_found_out_and_not_done_again() {
    rehearse(
        TWO,
        "
defaults: { results: { first: { size: 1 } } }
cases:
  - id: had_happened
    results: { second: [crash_after_effect, { size: 7 }] }
    then: [resume]
    expect: { status: succeeded, effects: 2, steps: { first: { attempts: 1 }, second: { attempts: 1 } }, outputs: { size: 7 }, events: [step.intent, run.resumed, outcome.resolved, run.end] }
  - id: had_not
    results: { second: [crash, { size: 7 }] }
    then: [resume]
    expect: { status: succeeded, effects: 3, steps: { first: { attempts: 1 }, second: { state: succeeded } }, outputs: { size: 7 } }
  - id: crashes_twice
    results: { second: [crash, crash] }
    then: [resume]
    expect: { status: unknown, steps: { second: { state: unknown } } }
",
    )
    .passes();
}

#[test]
fn what_was_done_is_taken_back_on_request() {
    rehearse(
        TWO,
        "
cases:
  - id: failed
    results: { first: { size: 1 }, second: { error: full }, first.undo: { removed: true }, second.undo: { removed: false } }
    then: [undo]
    expect: { status: undone, steps: { first: { state: undone } } }
  - id: cannot_be
    results: { first: { size: 1 }, second: { error: full }, first.undo: { error: denied }, second.undo: { removed: false } }
    then: [undo]
    expect: { status: stuck, steps: { first: { state: undo_failed }, second: { state: undone } } }
",
    )
    .passes();
}

#[test]
fn nobody_can_tell_what_a_command_did() {
    rehearse(
        "
steps:
  - id: deploy
    action: command.run
    with: { argv: [deploy] }
    verify: [{ id: ran, expect: steps.deploy.exit == 0 }]
    undo: { none: It stays. }
",
        "
cases:
  - { id: asked, results: { deploy: crash_after_effect }, then: [resume], expect: { status: unknown, steps: { deploy: { state: unknown } } } }
",
    )
    .passes();
}

#[test]
fn a_run_that_is_over_does_not_go_on() {
    let trial = rehearse(
        TWO,
        "
cases:
  - { id: over, results: { first: { size: 1 }, second: { size: 1 } }, then: [undo], expect: { status: undone } }
  - { id: unsaid, results: { first: { size: 1 }, second: crash_after_effect }, then: [resume], expect: { status: unknown } }
",
    );
    assert_eq!(
        trial.said()[..2],
        [
            "over: `then: undo`: the run is over, it succeeded",
            "unsaid: `second` crashes after its effect, and what is found then has no result: it is the next of the list",
        ]
    );
}
