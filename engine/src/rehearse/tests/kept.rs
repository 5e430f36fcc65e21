//! Secret outputs in tests of procedures: scripted like any output, and in nothing that comes of a case.

use super::rehearse;

const MAKE: &str = "
targets: { box: { kind: secret_store }, api: { kind: service } }
steps:
  - id: make
    action: http.request
    with: { target: api, path: /tokens }
    secret_outputs: { token: { from: json.access_token, store: box, key: TOKEN } }
    undo: { action: secrets.revoke, with: { target: box, key: TOKEN } }
  - id: use
    action: http.request
    with: { target: api, path: /used, headers: { authorization: '{{ secrets.token }}' } }
    undo: { none: It was used. }
outputs: { type: '{{ steps.make.json.token_type }}' }
";

#[test]
fn a_scripted_output_is_taken_as_the_secret_that_it_is() {
    rehearse(
        MAKE,
        "
defaults: { results: { use: { status: 200 } } }
cases:
  - id: made
    results: { make: { status: 200, json: { access_token: made-of-nothing, token_type: bearer } } }
    expect: { status: succeeded, effects: 2, outputs: { type: bearer } }
  - id: gives_none
    results: { make: { status: 200, json: { token_type: bearer } } }
    expect: { status: STATUS, effects: 1 }
  - id: too_short
    results: { make: { status: 200, json: { access_token: short, token_type: bearer } } }
    expect: { status: STATUS, effects: 1 }
  - id: crashes
    results: { make: crash_after_effect }
    expect: { status: unknown, steps: { make: { state: unknown } } }
"
        .replace("STATUS", "unknown")
        .as_str(),
    )
    .passes();
}

#[test]
fn a_guard_over_putting_secrets_is_reached_by_a_secret_output() {
    let guarded = format!("do_not:\n  - {{ id: no_put, rule: Do not put secrets., forbid: secrets.put }}{MAKE}");
    rehearse(
        &guarded,
        "
cases:
  - id: refused
    results: { make: { status: 200, json: { access_token: made-of-nothing, token_type: bearer } }, use: { status: 200 } }
    expect: { status: refused, guards: [no_put], effects: 0 }
",
    )
    .passes();
}
