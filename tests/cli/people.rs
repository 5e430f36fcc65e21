//! Steps that a person does: answered on the command line, or the run waits.

use super::bench::Bench;

const ISOLATE: &str = "steps:\n  - id: isolate\n    title: Take the machine off the network\n    manual:\n      ask: Pull the plug of {{ 'db-3' }}.\n      \
    answer: { ticket: { type: string, pattern: 'INC-[0-9]+' }, drives: { type: integer } }\n      read_back: db-3\n      \
    evidence: { min: 1, what: A photograph }\n    undo: { none: A person did it. }\noutputs: { ticket: '{{ steps.isolate.ticket }}', drives: '{{ steps.isolate.drives }}' }\n";

fn isolate(bench: &Bench, answers: &[&str]) -> super::bench::Outcome {
    let mut arguments = vec!["run", "isolate", "-q"];
    arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer]));
    bench.run_with(&arguments)
}

#[test]
fn with_nobody_to_answer_the_run_is_suspended() {
    let bench = Bench::workspace().procedure("isolate", ISOLATE);
    let waits = isolate(&bench, &[]).exits(5).stdout;
    assert!(waits.starts_with("run ID suspended (step `isolate`): nobody is there to answer `isolate`\n"), "{waits}");
    assert_eq!(bench.run("runs --format json").exits(0).json()["runs"][0]["status"], "suspended");
    let shown = bench.run("runs show last").exits(0).stdout;
    assert!(shown.contains("isolate: asked: Pull the plug of db-3."), "{shown}");
}

#[test]
fn answers_are_typed_read_back_and_kept_with_their_evidence() {
    let bench = Bench::workspace().procedure("isolate", ISOLATE).file("photo.jpg", "a photograph");
    let all = ["isolate.ticket=INC-7", "isolate.drives=4", "isolate.read_back=db-3", "isolate.evidence=photo.jpg"];
    let done = isolate(&bench, &all).exits(0).stdout;
    assert!(done.contains("ticket  INC-7\n  drives  4\n"), "{done}");
    let digest = engine::id::Digest::of(b"a photograph");
    let told = bench.run("ledger show --kind manual.answered --format ndjson").exits(0).raw;
    assert!(told.contains(digest.as_str()), "{told}");
}

#[test]
fn a_wrong_answer_is_none_and_says_why() {
    let bench = Bench::workspace().procedure("isolate", ISOLATE).file("photo.jpg", "a photograph");
    let right = ["isolate.ticket=INC-7", "isolate.drives=4", "isolate.read_back=db-3", "isolate.evidence=photo.jpg"];
    for (at, wrong, why) in [
        (0, "isolate.ticket=7", "answer `ticket`: `7` does not match `INC-[0-9]+`"),
        (1, "isolate.drives=many", "answer `drives`: expected integer, found a string"),
        (2, "isolate.read_back=db-4", "the value was not read back exactly"),
        (3, "isolate.evidence=none.jpg", "none.jpg"),
        (3, "isolate.other=1", "answer `other`: there is no such parameter"),
    ] {
        let mut answers = right;
        answers[at] = wrong;
        let waits = isolate(&bench, &answers).exits(5).stdout;
        assert!(waits.contains(why), "{wrong}: {waits}");
    }
}

#[test]
fn a_step_that_asks_for_nothing_is_done_when_somebody_says_so() {
    let bench = Bench::workspace()
        .procedure("look", "steps:\n  - { id: look, manual: { ask: Look at it. }, undo: { none: Seen is seen. } }\n");
    bench.run("run look").exits(5);
    bench.run("run look --answer look.done=yes").exits(0);
    bench.run("run look --answer look.done=no").exits(5);
}

#[test]
fn answers_that_are_none_are_refused_and_answers_nobody_asked_for_are_told() {
    let bench = Bench::workspace().procedure("wait", "steps:\n  - { id: pause, wait: 1ms }\n");
    bench
        .run("run wait --answer pause")
        .exits(2)
        .says("error[usage]: `--answer pause` is not of the form STEP.NAME=VALUE");
    let run = bench.run("run wait -q --answer isloate.ticket=1").exits(0);
    run.says("warning: `isloate` was answered and never asked");
}
