//! What actions and procedures take.

use super::{declared, has, labels, lacks, proposed, taken};

fn step(rest: &str) -> String {
    format!("steps:\n  - id: a\n{rest}")
}

#[test]
fn an_action_is_given_what_its_schema_lists() {
    let found = proposed(&step("    action: file.write\n    with:\n      ¦\n"));
    has(&found, &["path", "content", "mode", "replace"]);
    assert!(found.iter().find(|proposal| proposal.label == "path").unwrap().is_required);
    let found = proposed(&step("    action: file.write\n    with: { path: x, ¦ }\n"));
    has(&found, &["content"]);
    lacks(&found, &["path"]);
    assert_eq!(labels(&proposed(&step("    action: file.write\n    with: { encoding: ¦ }\n"))), ["text", "base64"]);
    assert_eq!(labels(&proposed(&step("    action: file.write\n    with: { replace: ¦ }\n"))), ["true", "false"]);
    assert!(proposed(&step("    action: file.wriet\n    with: { ¦ }\n")).is_empty());
}

#[test]
fn a_target_is_one_that_is_declared_and_of_the_right_kind() {
    let found = proposed(&step("    action: epoch.read\n    with: { target: ¦ }\n"));
    assert_eq!(labels(&found), ["epoch"]);
    assert_eq!(found[0].detail.as_deref(), Some("epoch"));
    let outputs = "    action: secrets.generate\n    secret_outputs:\n      new: { from: x, store: ¦ }\n";
    assert_eq!(labels(&proposed(&step(outputs))), ["store"]);
}

#[test]
fn a_secret_is_put_in_as_the_template_that_stands_alone() {
    let with = "    action: http.request\n    with: { headers: { authorization: ";
    let found = proposed(&step(&format!("{with}¦ }} }}\n")));
    assert_eq!(labels(&found), ["token"]);
    let written = taken(&step(&format!("{with}¦ }} }}\n")), "token");
    assert!(written.ends_with("authorization: '{{ secrets.token }}' } }\n"), "{written}");
    let written = taken(&step(&format!("{with}'¦' }} }}\n")), "token");
    assert!(written.ends_with("authorization: '{{ secrets.token }}' } }\n"), "{written}");
}

#[test]
fn a_call_names_a_procedure_and_gives_it_what_it_declares() {
    let found = proposed(&step("    call: ¦\n"));
    assert_eq!(labels(&found), ["ops.called"]);
    assert_eq!(found[0].detail.as_deref(), Some("Something else"));
    let found = proposed(&step("    call: ops.called\n    with:\n      ¦\n"));
    assert_eq!(labels(&found), ["mode", "loud", "where_to", "token"]);
    assert_eq!(found.iter().filter(|proposal| proposal.is_required).count(), 3);
    let within = |written: &str| proposed(&step(&format!("    call: ops.called\n    with: {{ {written} }}\n")));
    assert_eq!(labels(&within("mode: ¦")), ["slow", "fast"]);
    assert_eq!(labels(&within("where_to: ¦")), ["epoch"]);
    assert_eq!(labels(&within("token: ¦")), ["token"]);
}

#[test]
fn what_is_named_is_found_here_and_elsewhere() {
    let here = |line: &str| Some((None, line.to_owned()));
    let there = |line: &str| Some((Some("ops.called".to_owned()), line.to_owned()));
    let epoch = "epoch: { kind: epoch, description: The epoch }";
    assert_eq!(declared(&step("    action: epoch.read\n    with: { target: ep¦och }\n")), here(epoch));
    let call = |with: &str| declared(&step(&format!("    call: ops.called\n    with: {{ {with} }}\n")));
    assert_eq!(declared(&step("    call: ops.¦called\n")), there("name: ops.called"));
    assert_eq!(call("mo¦de: slow"), there("mode: { type: enum, values: [slow, fast], description: How it is done }"));
    assert_eq!(call("where_to: epo¦ch"), here(epoch));
    assert_eq!(call("token: '{{ secrets.tok¦en }}'"), here("token: { description: For the door }"));
    assert_eq!(declared("do_not: [{ id: a, rule: R, forbid: call.ops.¦called }]\n"), there("name: ops.called"));
}
