//! `test`: cases of procedures, what is shown of those that fail, and what no case reaches.

use serde_json::json;

use super::bench::Bench;

const COPY: &str = "parameters: { from: { type: path } }
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
";

const DEFAULTS: &str = "defaults:
  parameters: { from: /a }
  results: { not_over_another: { exists: false }, file.copy: { size: 7 }, file.hash: { size: 7 } }
";

/// A workspace in which `ops.copy` has these cases.
fn bench(cases: &str) -> Bench {
    Bench::workspace().procedure("ops.copy", COPY).file("procedures/ops/copy.test.yaml", &test("ops.copy", cases))
}

fn test(procedure: &str, cases: &str) -> String {
    format!(
        "runwarden: v1\nkind: test\nname: {procedure}.test\ntitle: Cases\nversion: 1.0.0\nsummary: For a test.\n\
         owner: ops\nprocedure: {procedure}\n{DEFAULTS}cases:\n{cases}"
    )
}

const GOOD: &str = "  - { id: copied, expect: { status: succeeded, exit: 0, effects: 1 } }
  - { id: differs, results: { file.hash: { size: 8 } }, expect: { status: failed, exit: 1, checks: [copy.same] } }
";

#[test]
fn cases_that_pass_are_listed_and_nothing_is_touched() {
    let bench = bench(GOOD);
    bench.run("test").exits(0).says("").prints(
        "ops.copy
  passed  copied
  passed  differs

2 cases: 2 passed",
    );
    assert!(!bench.exists(".runwarden"), "a test made a ledger");
}

#[test]
fn a_case_that_fails_shows_what_is_expected_beside_what_was_found() {
    let wrong = "  - id: wrong
    results: { file.hash: { size: 8 } }
    expect: { status: succeeded, exit: 0, steps: { copy: { state: succeeded } }, checks: [] }
  - { id: good, expect: { status: succeeded } }
";
    bench(wrong).run("test").exits(1).says("").prints(
        "ops.copy
  failed  wrong
                            expected   found
          status            succeeded  failed
          exit              0          1
          steps.copy.state  succeeded  failed
          checks            none       copy.same
          the run failed with: check `same` is not met: `result.size == 7` is false; `result.size` is 8
  passed  good

2 cases: 1 passed, 1 failed",
    );
}

#[test]
fn a_result_that_is_missing_is_said() {
    let unscripted = "  - { id: unscripted, results: {}, expect: { status: refused, exit: 4 } }\n";
    bench(unscripted).run("test").exits(1).prints(
        "ops.copy
  failed  unscripted
          `file.stat` has no result, and `not_over_another` asks it
          the run failed with: guard `not_over_another`: Do not replace what is there (its state could not be read: \
          `file.stat` has no result, and `not_over_another` asks it)

1 case: 0 passed, 1 failed",
    );
}

#[test]
fn what_no_case_reaches_is_listed() {
    let bench = bench("  - { id: copied, expect: { status: succeeded } }\n");
    bench.run("test procedures/ops --coverage").exits(0).prints(
        "ops.copy
  passed  copied

ops.copy: 3 of 6 reached
  missed guard `not_over_another`: violated
  missed verify `copy.same`: not met
  missed failure mode The copy differs: shown

1 case: 1 passed",
    );
}

#[test]
fn json_has_every_case_and_fits_its_schema() {
    let bench = bench(&format!("{GOOD}  - {{ id: wrong, expect: {{ status: failed }} }}\n"));
    let said = bench.run("test --format json --coverage").exits(1).fits(&bench, "output/test").json();
    assert_eq!(
        said,
        json!({
            "status": "failed",
            "items": [
                { "id": "ops.copy/copied", "status": "passed" },
                { "id": "ops.copy/differs", "status": "passed" },
                {
                    "id": "ops.copy/wrong",
                    "status": "failed",
                    "detail": "status: expected failed, found succeeded",
                    "differences": [{ "what": "status", "expected": "failed", "found": "succeeded" }],
                },
            ],
            "counts": { "passed": 2, "failed": 1 },
            "coverage": [{
                "procedure": "ops.copy",
                "points": 6,
                "reached": 5,
                "missing": [{ "kind": "guard", "id": "not_over_another", "what": "violated" }],
            }],
        })
    );
}

#[test]
fn no_cases_have_tested_nothing() {
    let bench = Bench::workspace().procedure("ops.copy", COPY);
    bench.run("test").exits(1).prints("no cases: nothing was tested");
    let said = bench.run("test --format json").exits(1).fits(&bench, "output/test").json();
    assert_eq!(said, json!({ "status": "failed", "items": [], "counts": { "passed": 0, "failed": 0 } }));
}

#[test]
fn of_a_procedure_the_test_beside_it_is_meant() {
    let bench = bench(GOOD).procedure("ops.other", "steps: [{ id: wait, wait: 1s }]\n");
    bench.run("test procedures/ops/copy.yaml -q").exits(0);
    bench.run("test procedures/ops/other.yaml").exits(2).says(
        "error[nothing-checked]: `procedures/ops/other.yaml` has no test beside it\n  \
         = help: cases for it belong into `procedures/ops/other.test.yaml`",
    );
}

#[test]
fn a_test_that_is_wrong_is_not_run() {
    let bench =
        bench("  - { id: copied, results: { not_over_anoter: { exists: true } }, expect: { status: succeeded } }\n");
    let said = bench.run("test").exits(2).prints("").stderr;
    assert!(said.starts_with("error[unknown-in-test]"), "{said}");
    assert!(
        said.contains("error[invalid-document]: there are tests, or procedures of tests, that have errors"),
        "{said}"
    );
}

#[test]
fn exit_codes_are_those_that_runs_have() {
    let bench = bench(
        "  - { id: guarded, results: { not_over_another: { exists: true } }, expect: { status: refused, exit: 4 } }
  - { id: no_parameter, parameters: {}, expect: { status: refused, exit: 2 } }
  - { id: crashed, results: { file.copy: crash }, expect: { status: unknown, exit: 9 } }
  - { id: resumed, results: { file.copy: [crash_after_effect, { size: 7 }] }, then: [resume], expect: { status: succeeded, exit: 0, effects: 1 } }
",
    );
    bench.run("test").exits(0);
}
