//! `plan`: a prediction that writes nothing, says what it does not know, and exits as the run would.

use super::bench::Bench;

const WRITE: &str = "parameters:\n  text: { type: string, default: hi }\nsteps:\n  - id: note\n    title: Write it down\n    \
    action: file.write\n    with: { path: note, content: '{{ parameters.text }}' }\n    undo: { action: file.remove, with: { path: note } }\n";

#[test]
fn a_plan_can_be_read_at_three_in_the_morning() {
    let bench = Bench::workspace().procedure(
        "deploy",
        "parameters:\n  version: { type: string, pattern: '[0-9.]+' }\n\
         preconditions:\n  - { id: named, expect: parameters.version != '' }\n\
         do_not:\n  - { id: not_twice, rule: Do not deploy twice., never: \"history.count('deploy', within='1h') > 3\" }\n\
         steps:\n  - id: write\n    title: Write the version\n    action: file.write\n    with: { path: version, content: '{{ parameters.version }}' }\n    undo: { none: There is no way back. }\n\
         \x20 - id: tell\n    action: data.value\n    with: { size: '{{ steps.write.size }}' }\n    when: parameters.version != '0'\n\
         verify:\n  - { id: there, action: file.stat, with: { path: version }, expect: result.exists }\n",
    );
    bench.run("plan deploy -p version=1.4").exits(0).says("").prints(
        "deploy: Title of deploy\n  from         procedures/deploy.yaml\n  environment  development\n  plan         DIGEST\n  good until   TIME\n\n\
         parameters\n  version  1.4\n\n\
         preconditions\n  met          named\n\n\
         do not\n  holds        not_twice: Do not deploy twice.\n\n\
         steps\n  1. write  Write the version\n     would run · file.write · changes · preview exact\n     path = version\n     content = 1.4\n     \
         before  {\"exists\":false}\n     after   {\"exists\":true,\"size\":3,\"mode\":\"0600\",\"sha256\":\"HEX\"}\n  \
         2. tell\n     would run · data.value · reads · no preview\n     because it is read after step `write`, which has not run\n     size = (not known yet: step `write` has not run)\n\n\
         afterwards\n  undecided    there: it is read after step `write`, which has not run\n\n\
         2 steps: 1 exact, 0 estimated, 1 none\nready: nothing stands against running it; 2 things are decided only then",
    );
}

#[test]
fn a_plan_says_what_each_check_asks_what_there_is_and_what_to_do() {
    let bench = Bench::workspace().file("list.json", "[1, 2]").procedure(
        "deploy",
        "preconditions:\n\
         \x20 - { id: room, title: There is room, action: data.read, with: { path: list.json }, expect: result.value | length == 3, help: Make room. }\n\
         \x20 - { id: kind, title: It is a list, action: data.read, with: { path: list.json }, expect: result.value | first == 1 }\n\
         \x20 - { id: small, action: file.stat, with: { path: list.json }, expect: result.size == 3, severity: advisory }\n\
         steps:\n  - { id: pause, wait: 1ms }\n",
    );
    let plan = bench.run("plan deploy").exits(3).stdout;
    let checks = "preconditions\n  not met      room: There is room\n               `result.value | length == 3` is false; \
        `result.value` is [1,2]\n  met          kind: It is a list\n  not met      small (advisory): `result.size == 3` is \
        false; `result.size` is 6\n";
    assert!(plan.contains(checks), "{plan}");
    assert!(plan.ends_with("; `result.value` is [1,2]\nNot met: There is room\n  Make room.\n"), "{plan}");
    let told = bench.run("plan deploy --format json").exits(3).fits(&bench, "plan").json();
    assert_eq!(told["preconditions"][0]["title"], "There is room");
    assert_eq!(told["advice"], serde_json::json!({ "title": "Not met: There is room", "advice": "Make room." }));
    // The run says the same.
    let run = bench.run("run deploy -q").exits(3).stdout;
    assert!(run.contains("`result.value` is [1,2]") && run.contains("Not met: There is room\n  Make room."), "{run}");
    let recorded = bench.run("ledger show --kind precondition.result --format ndjson").exits(0).raw;
    assert!(recorded.contains("\"title\":\"There is room\""), "{recorded}");
}

#[test]
fn what_comes_after_a_read_that_fails_is_not_blamed_for_it() {
    let steps = |on_error: &str| {
        format!(
            "steps:\n  - {{ id: look, action: data.read, with: {{ path: none.json }}{on_error} }}\n  - {{ id: tell, action: \
             data.value, with: {{ value: '{{{{ steps.look.value }}}}' }} }}\n"
        )
    };
    let bench = Bench::workspace().procedure("look", &steps("")).procedure("go_on", &steps(", on_error: continue"));
    let plan = bench.run("plan look").exits(1).stdout;
    assert!(
        plan.contains("2. tell\n     would run · data.value · reads · no preview\n     because step `look` fails"),
        "{plan}"
    );
    // Where the run goes on, the next step is refused for what it names.
    let plan = bench.run("plan go_on").exits(1).stdout;
    assert!(plan.contains("2. tell\n     refused · data.value"), "{plan}");
}

#[test]
fn what_is_not_known_yet_is_said_once_and_by_what_it_depends_on() {
    let check = |id: &str| format!("{{ id: {id}, action: file.stat, with: {{ path: note }}, expect: result.exists }}");
    let bench = Bench::workspace().procedure(
        "note",
        &format!(
            "{}    verify:\n      - {}\n      - {}\nverify:\n  - {}\n",
            WRITE.replace("undo: { action: file.remove, with: { path: note } }\n", "undo: { none: It stays. }\n"),
            check("there"),
            check("still"),
            check("after")
        ),
    );
    let plan = bench.run("plan note").exits(0).stdout;
    let open = "not known yet\n  - it is read after step `note`, which has not run:\n      note.verify.still, \
        note.verify.there\n\n1 step";
    assert!(plan.contains(open), "{plan}");
    assert!(
        plan.contains("afterwards\n  undecided    after: it is read after step `note`, which has not run\n"),
        "{plan}"
    );
    let told = bench.run("plan note --format json").exits(0).json();
    assert_eq!(told["undecided"].as_array().unwrap().len(), 3);
}

#[test]
fn a_checklist_is_planned_as_what_it_asks() {
    let checklist = "runwarden: v1\nkind: checklist\nname: ready\ntitle: Ready\nversion: 1.0.0\nsummary: For a test.\nowner: ops\n\
        items:\n  - { id: noted, title: It is noted, action: file.stat, with: { path: note }, expect: result.exists }\n";
    let bench = Bench::workspace().file("procedures/ready.yaml", checklist);
    let plan = bench.run("plan ready").exits(1).stdout;
    assert!(plan.contains("items\n  not met      noted: It is noted\n"), "{plan}");
    assert!(!plan.contains("afterwards") && !plan.contains("0 steps"), "{plan}");
}

#[test]
fn titles_in_a_plan_file_are_those_of_the_plan() {
    let bench = Bench::workspace().procedure("note", WRITE);
    bench.run("plan note -o plan.json -q").exits(0);
    let text = bench.read("plan.json").replacen("\"title\": \"Write it down\"", "\"title\": \"Look at it\"", 1);
    let bench = bench.file("plan.json", &text);
    let refused = bench.run("run note --plan plan.json").exits(6).stderr;
    assert!(refused.contains("its `steps` are not those that its digest is over"), "{refused}");
}

#[test]
fn what_is_skipped_called_or_asked_is_not_said_to_read() {
    let bench = Bench::workspace().procedure("inner", "steps:\n  - { id: pause, wait: 1ms }\n").procedure(
        "outer",
        "parameters: { wanted: { type: boolean, default: false } }\n\
         steps:\n  - { id: in, call: inner }\n  - id: say\n    manual: { ask: Say it. }\n    undo: { none: It was said. }\n\
         \x20 - { id: not, when: parameters.wanted, action: data.value, with: { a: 1 } }\n",
    );
    let plan = bench.run("plan outer").exits(0).stdout;
    for line in
        ["     would run · call.inner\n", "     would ask a person · manual\n", "     would be skipped · data.value\n"]
    {
        assert!(plan.contains(line), "{plan}");
    }
}

#[test]
fn a_plan_writes_nothing() {
    let bench = Bench::workspace().procedure("note", WRITE);
    bench.run("plan note").exits(0);
    bench.run("run note --dry-run").exits(0);
    let mut found: Vec<String> = std::fs::read_dir(bench.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, ["procedures", "runwarden.yaml"]);
}

#[test]
fn a_plan_over_a_ledger_does_not_touch_it() {
    let bench = Bench::workspace().procedure("note", WRITE);
    bench.run("run note").exits(0);
    let before = std::fs::read(bench.path(".runwarden/ledger.db")).unwrap();
    bench.run("plan note").exits(0);
    assert_eq!(std::fs::read(bench.path(".runwarden/ledger.db")).unwrap(), before);
}

#[test]
fn json_is_the_plan_itself_and_the_same_situation_has_the_same_digest() {
    let bench = Bench::workspace().procedure("note", WRITE);
    let plan = || bench.run("plan note --format json").exits(0).fits(&bench, "plan").json();
    let (one, two) = (plan(), plan());
    assert_eq!(one["digest"], two["digest"]);
    assert_ne!(one["plan"], two["plan"]);
    assert_eq!(one["summary"], serde_json::json!({ "steps": 1, "exact": 1, "estimated": 0, "none": 0 }));
    let other = bench.run("plan note -p text=other --format json").exits(0).json();
    assert_ne!(one["digest"], other["digest"]);
}

#[test]
fn a_dry_run_is_a_plan() {
    let bench = Bench::workspace().procedure("note", WRITE);
    let planned = bench.run("plan note").exits(0).stdout;
    bench.run("run note --dry-run").exits(0).prints(&planned);
}

#[test]
fn the_code_is_the_one_that_run_would_give() {
    let refused = "preconditions:\n  - { id: never_met, expect: 1 > 2 + parameters.n }\nparameters: { n: { type: integer, default: 0 } }\n";
    let guarded = "do_not:\n  - { id: no_writing, rule: Do not write., forbid: file.write }\n";
    let wrong = "verify:\n  - { id: wrong, action: data.value, with: { n: 1 }, expect: result.n == 2 }\n";
    let wait = "steps:\n  - { id: pause, wait: 1ms }\n";
    let write = WRITE
        .replace("parameters:\n  text: { type: string, default: hi }\n", "")
        .replace("{{ parameters.text }}", "hi");
    for (rest, code) in
        [(format!("{refused}{wait}"), 3), (format!("{guarded}{write}"), 4), (format!("{wrong}{wait}"), 1)]
    {
        let bench = Bench::workspace().procedure("x", &rest);
        let planned = bench.run("plan x").exits(code).stdout;
        assert!(planned.contains(&format!("running it would exit {code} (")), "{planned}");
        bench.run("run x").exits(code);
        assert!(!bench.exists("note"));
    }
}

#[test]
fn changes_have_a_code_of_their_own_where_asked_for() {
    let bench = Bench::workspace()
        .procedure("note", WRITE)
        .procedure("look", "steps:\n  - { id: v, action: data.value, with: { a: 1 } }\n");
    bench.run("plan note --detailed-exitcode").exits(20);
    bench.run("plan look --detailed-exitcode").exits(0);
    bench.run("plan note").exits(0);
}

#[test]
fn without_reads_nothing_is_assumed() {
    let bench = Bench::workspace().procedure(
        "look",
        "preconditions:\n  - { id: there, action: file.stat, with: { path: x }, expect: result.exists }\nsteps:\n  - { id: p, wait: 1ms }\n",
    );
    let plan = bench.run("plan look --offline").exits(0).stdout;
    assert!(plan.contains("undecided    there: this plan makes no reads (`--offline`)"), "{plan}");
    bench.run("plan look").exits(3);
}

#[test]
fn programs_are_run_for_a_plan_only_when_asked_for() {
    let bench = Bench::workspace().procedure(
        "look",
        "preconditions:\n  - { id: says, action: command.read, with: { argv: [sh, -c, 'touch ran; echo hi'] }, expect: \"result.stdout == 'hi\\n'\" }\n\
         steps:\n  - { id: p, wait: 1ms }\n",
    );
    let plan = bench.run("plan look").exits(0).stdout;
    assert!(plan.contains("--probe-commands") && !bench.exists("ran"), "{plan}");
    bench.run("plan look --probe-commands").exits(0);
    assert!(bench.exists("ran"));
}

#[test]
fn a_plan_file_runs_once() {
    let bench = Bench::workspace()
        .procedure("note", &WRITE.replace("{ path: note, content", "{ replace: true, path: note, content"));
    bench.run("plan note -p text=a -o plan.json -q").exits(0);
    bench.run("run note --plan plan.json").exits(0);
    assert_eq!(bench.read("note"), "a");
    std::fs::remove_file(bench.path("note")).unwrap();
    bench.run("run note --plan plan.json").exits(6).says(
        "error[plan-spent]: this plan was run before, in run ID\n  \
         = help: nothing was done; `runwarden runs show ID` says what came of it then; plan again, and look at the \
         new plan",
    );
    assert!(!bench.exists("note"));
}

#[test]
fn a_plan_that_is_not_the_one_any_more_is_refused_with_what_changed() {
    let bench = Bench::workspace().procedure("note", WRITE);
    bench.run("plan note -o plan.json -q").exits(0);
    let bench = bench.procedure("note", &WRITE.replace("default: hi", "default: other"));
    let refused = bench.run("run note --plan plan.json").exits(6).stderr;
    assert!(refused.contains("error[not-the-plan]: what would be done now is not what was planned\n"), "{refused}");
    assert!(
        refused.contains("-      \"digest\": \"DIGEST\"") && refused.contains("+      \"digest\": \"DIGEST\""),
        "{refused}"
    );
    assert!(!bench.exists("note"));
}

#[test]
fn a_plan_file_is_held_to_its_digest_its_time_and_its_procedure() {
    let bench = Bench::workspace().procedure("note", WRITE).procedure("other", WRITE);
    bench.run("plan note -o plan.json -q").exits(0);
    bench.run("run other --plan plan.json").exits(2).says("error[usage]: the plan is of `note`, not of `other`");
    let text = bench.read("plan.json");
    let mut plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    plan["expires_at"] = "2020-01-01T00:00:00.000000Z".into();
    let bench = bench.file("old.json", &plan.to_string());
    let refused = bench.run("run note --plan old.json").exits(6).stderr;
    assert!(refused.starts_with("error[plan-expired]: the plan was good until TIME"), "{refused}");
    plan["resolved"]["parameters"]["text"] = "changed".into();
    let bench = bench.file("changed.json", &plan.to_string()).file("none.json", "{}");
    let refused = bench.run("run note --plan changed.json").exits(6).stderr;
    assert!(refused.starts_with("error[not-the-plan]: `changed.json` was changed"), "{refused}");
    bench.run("run note --plan none.json").exits(2);
    assert!(!bench.exists(".runwarden"));
}

#[test]
fn the_plan_of_a_checklist_exits_like_the_gate_as_far_as_it_is_decided() {
    let checklist = |items: &str| {
        let head = "runwarden: v1\nkind: checklist\nname: ready\ntitle: Ready\nversion: 1.0.0\nsummary: For a test.\nowner: ops\n";
        Bench::workspace().file("procedures/ready.yaml", &format!("{head}items:\n{items}"))
    };
    let there = "  - { id: there, action: file.stat, with: { path: it }, expect: result.exists }\n";
    let bench = checklist(there);
    let plan = bench.run("plan ready").exits(1).stdout;
    assert!(
        plan.ends_with("running it would exit 1 (failed): 1 of 1 required items did not pass: `there`\n"),
        "{plan}"
    );
    bench.run("gate ready").exits(1);
    let bench = bench.file("it", "");
    bench.run("plan ready").exits(0);
    bench.run("gate ready").exits(0);
    let manual =
        "  - { id: asked, manual: { ask: Is it so?, answer: { so: { type: boolean } }, expect: answer.so } }\n";
    checklist(manual).run("plan ready").exits(0);
    let advisory = "  - { id: tip, severity: advisory, expect: run.id != '' }\n";
    let bench = checklist(advisory);
    bench.run("plan ready").exits(12);
    bench.run("gate ready").exits(12);
}

#[test]
fn what_is_written_does_not_take_the_place_of_what_the_workspace_is_made_of() {
    let bench = Bench::workspace().procedure("note", WRITE);
    bench.run("run note -q").exits(0);
    for precious in [".runwarden/ledger.db", ".runwarden/ledger.key", "runwarden.yaml", "procedures/note.yaml"] {
        let before = std::fs::read(bench.path(precious)).unwrap();
        for command in ["plan note -o", "runs report last -o"] {
            let refused = bench.run(&format!("{command} {precious}")).exits(2);
            assert!(refused.stderr.contains(&format!("`{precious}` is a")), "{}", refused.stderr);
        }
        assert_eq!(std::fs::read(bench.path(precious)).unwrap(), before, "{precious}");
    }
    bench.run("plan note -o plan.json -q").exits(0);
    bench.run("plan note -o plan.json -q").exits(0);
}
