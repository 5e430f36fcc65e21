//! `list`, `show`, `new`, `actions`, `explain`, `schema`, `completions`, `man`.

use super::bench::Bench;

const WAIT: &str = "steps:\n  - { id: pause, wait: 1ms }\n";

#[test]
fn list_says_where_each_procedure_came_from() {
    let bench = Bench::workspace()
        .procedure("ops.wait", WAIT)
        .procedure("broken", "steps: []\nstpes: 1\n")
        .file("procedures/Not A Name.yaml", "");
    let listed = bench
        .run("list")
        .exits(0)
        .says("warning: `procedures/Not A Name.yaml` has no name of its own: rename it, or remove it");
    let ours: Vec<&str> = listed.stdout.lines().filter(|line| line.contains("procedures/")).collect();
    assert_eq!(ours.len(), 2, "{}", listed.stdout);
    assert!(ours[0].starts_with("broken") && ours[0].ends_with("has errors: `runwarden check procedures/broken.yaml`"));
    assert!(
        ours[1].starts_with("ops.wait") && ours[1].ends_with("procedures/ops/wait.yaml  Title of ops.wait"),
        "{ours:?}"
    );
    let json = bench.run("list --format json").exits(0).fits(&bench, "output/list").json();
    let row = json["procedures"].as_array().unwrap().iter().find(|row| row["name"] == "ops.wait").unwrap();
    assert_eq!((&row["kind"], &row["risk"], &row["version"]), (&"procedure".into(), &"low".into(), &"1.0.0".into()));
}

#[test]
fn show_is_readable() {
    let bench = Bench::workspace().procedure(
        "ops.bump",
        "risk: high\nparameters:\n  reason: { type: string, min_length: 3, description: Why }\n\
         preconditions:\n  - { id: told, title: A reason is given, expect: parameters.reason != 'none' }\n\
         do_not:\n  - { id: no_shell, rule: Do not run programs., forbid: command.run }\n\
         steps:\n  - id: note\n    title: Write it down\n    action: file.write\n    with: { path: note, content: '{{ parameters.reason }}' }\n    undo: { action: file.remove, with: { path: note } }\n\
         failure_modes:\n  - { when: error.code == 'file', title: The disk is full, advice: Make room. }\n\
         outputs: { size: '{{ steps.note.size }}' }\n",
    );
    bench.run("show ops.bump").exits(0).says("").prints(
        "ops.bump: Title of ops.bump\n  kind     procedure\n  version  1.0.0\n  owner    ops\n  risk     high\n  \
         from     procedures/ops/bump.yaml\n\nFor a test.\n\nparameters\n  reason  string, required, at least 3 long: Why\n\n\
         preconditions\n  told: A reason is given\n      parameters.reason != 'none'\n\n\
         do not\n  no_shell: Do not run programs.\n      forbids command.run\n\n\
         steps\n  1. note: Write it down\n      file.write\n      taken back by file.remove\n\n\
         when it fails\n  The disk is full\n    Make room.\n\noutputs\n  size",
    );
    let shown = bench.run("show ops.bump --format json").exits(0).fits(&bench, "output/show").json();
    assert_eq!(shown["document"]["risk"], "high");
}

#[test]
fn what_is_not_there_is_named_with_what_may_be_meant() {
    let bench = Bench::workspace().procedure("ops.bump_epoch", WAIT);
    for line in ["show ops.bmup_epoch", "plan ops.bmup_epoch", "run ops.bmup_epoch"] {
        bench.run(line).exits(2).prints("").says(
            "error[unknown-procedure]: procedure `ops.bmup_epoch` does not exist; did you mean `ops.bump_epoch`?\n  \
             = help: `runwarden list` shows what there is",
        );
    }
    bench
        .run("show Ops")
        .exits(2)
        .says("error[unknown-procedure]: `Ops` is not a name: ids joined by dots (like `kora.dr_epoch_bump`)");
}

#[test]
fn a_new_procedure_passes_check_and_is_never_written_over_another() {
    let bench = Bench::workspace();
    bench.run("new ops.rotate_logs").exits(0).prints("procedures/ops/rotate_logs.yaml").says(
        "next: edit it and its cases in procedures/ops/rotate_logs.test.yaml, then `runwarden check`, `runwarden test` and `runwarden plan ops.rotate_logs`",
    );
    bench.run("check").exits(0).says("checked 3 files: no problems");
    bench
        .run("new ops.rotate_logs")
        .exits(2)
        .says("error[exists]: `FOLDER/procedures/ops/rotate_logs.yaml` is there already, and is not overwritten");
}

#[test]
fn a_copy_keeps_everything_but_the_name() {
    let bench = Bench::workspace().procedure("wait", &format!("# name: wait\n{WAIT}"));
    bench.run("new ops.pause --from wait").exits(0);
    let expected = bench.read("procedures/wait.yaml").replacen("name: wait", "name: ops.pause", 1);
    assert_eq!(bench.read("procedures/ops/pause.yaml"), expected);
    bench.run("check").exits(0);
    bench.run("new ops.other --from wiat").exits(2);
    bench.run("new ops.third --format json").exits(0).fits(&bench, "output/new");
}

#[test]
fn actions_are_listed_and_explained() {
    let bench = Bench::empty();
    let all = bench.run("actions").exits(0).stdout;
    assert!(
        all.lines().any(|line| line.split_whitespace().eq(["file.write", "mutate", "idempotent", "exact", "yes"])),
        "{all}"
    );
    bench.run("actions --format json").exits(0).fits(&bench, "output/actions");
    let one = bench.run("actions file.write").exits(0).stdout;
    assert!(one.starts_with("file.write\n") && one.contains("replace"), "{one}");
    bench.run("actions file.write --format json").exits(0).fits(&bench, "output/action");
    bench
        .run("actions file.wirte")
        .exits(2)
        .says("error[unknown-action]: there is no action `file.wirte`\n  = help: did you mean `file.write`?");
}

#[test]
fn every_code_can_be_explained() {
    let bench = Bench::empty();
    let mut codes: Vec<&str> = engine::parse::problems::CODES.iter().map(|(code, _)| *code).collect();
    codes.extend(["usage", "ledger-busy", "plan-spent"]);
    for code in codes {
        let explained = bench.run_with(&["explain", code]).exits(0).stdout;
        assert!(explained.contains(code), "{code}: {explained}");
    }
    bench.run("explain error[unknown-key]").exits(0);
    bench
        .run("explain unknown-kye")
        .exits(2)
        .says("error[unknown-code]: there is no code `unknown-kye`\n  = help: did you mean `unknown-key`?");
    bench.run("explain unknown-key --format json").exits(0).fits(&bench, "output/explain");
}

#[test]
fn exit_codes_are_explained() {
    let explained = Bench::empty().run("explain exit-codes").exits(0).stdout;
    assert!(explained.starts_with("0    done\n1    failed"), "{explained}");
    assert!(explained.contains("\n130  cancelled"), "{explained}");
    let bench = Bench::empty();
    bench.run("explain exit-codes --format json").exits(0).fits(&bench, "output/exit_codes");
}

#[test]
fn schemas_are_printed_and_written() {
    let bench = Bench::empty();
    let names = bench.run("schema").exits(0).stdout;
    for name in names.lines() {
        let schema = bench.run_with(&["schema", name]).exits(0).json();
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
    }
    assert!(bench.run("schema actions").exits(0).json()["file.write.params"]["properties"]["path"].is_object());
    bench.run("schema --write out").exits(0).says(&format!("wrote {} schemas to out", names.lines().count()));
    assert!(bench.exists("out/procedure.schema.json") && bench.exists("out/actions/file.write.output.schema.json"));
    bench
        .run("schema procedrue")
        .exits(2)
        .says("error[usage]: there is no schema `procedrue`\n  = help: did you mean `procedure`?");
}

#[test]
fn shells_and_manuals_are_served() {
    let bench = Bench::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(bench.run_with(&["completions", shell]).exits(0).stdout.contains("runwarden"));
    }
    assert!(bench.run("man").exits(0).stdout.contains(".TH runwarden 1"));
    bench.run("man --write man1").exits(0);
    assert!(bench.exists("man1/runwarden-ledger-verify.1"));
}

#[test]
fn the_schemas_that_are_checked_in_are_those_that_are_written() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let bench = Bench::empty();
    bench.run("schema --write schemas -q").exits(0).says("");
    let names = bench.run("schema").exits(0).stdout;
    let stale: Vec<&str> = names
        .lines()
        .filter(|name| {
            let file = format!("{name}.schema.json");
            std::fs::read_to_string(root.join(&file)).ok() != Some(bench.read(&format!("schemas/{file}")))
        })
        .collect();
    assert!(stale.is_empty(), "stale: {stale:?}; run `cargo run -- schema --write schemas`");
}
