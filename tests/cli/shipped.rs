//! What is inside the binary: run by name, copied, and stood in front of.

use std::fs;
use std::path::Path;

use super::bench::{Bench, WORKSPACE};
use super::corvus::writer::runs::MAIN_RUN;
use super::corvus::writer::{self, Plan, Tamper};

/// The example's workspace, over a ledger that is made here.
fn example(plan: &Plan) -> Bench {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/corvusforge/runwarden.yaml");
    let bench = Bench::empty().file("runwarden.yaml", &fs::read_to_string(root).unwrap());
    book(&bench, plan);
    bench
}

fn book(bench: &Bench, plan: &Plan) {
    let folder = bench.path("project/.corvusforge");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    writer::write(&folder.join("ledger.db"), plan).unwrap();
}

#[test]
fn procedures_are_built_in_and_listed_as_such() {
    let listed = Bench::empty().run("list").exits(0).stdout;
    let row = listed.lines().find(|line| line.starts_with("corvusforge.export_anchor ")).unwrap();
    assert!(row.contains("  built in  "), "{row}");
    let shown = Bench::empty().run("show corvusforge.export_anchor").exits(0).stdout;
    assert!(shown.contains("\n  from     built in\n"), "{shown}");
}

#[test]
fn a_workspaces_own_stands_in_front_and_the_plan_says_so() {
    let bench = Bench::workspace().procedure("corvusforge.export_anchor", "steps:\n  - { id: p, wait: 1ms }\n");
    let plan = bench.run("plan corvusforge.export_anchor").exits(0).stdout;
    assert!(
        plan.contains(
            "from         procedures/corvusforge/export_anchor.yaml (in front of the one that is built in)\n"
        ),
        "{plan}"
    );
}

#[test]
fn what_is_built_in_can_be_copied() {
    let bench = Bench::workspace();
    bench.run("new ops.anchor --from corvusforge.export_anchor").exits(0);
    bench.run("check").exits(0);
    assert!(bench.read("procedures/ops/anchor.yaml").contains("\nname: ops.anchor\n"));
}

#[test]
fn an_anchor_is_exported_and_finds_what_was_rewritten_and_is_not_asked_twice() {
    let bench = example(&Plan::default());
    bench.run(&format!("run corvusforge.export_anchor -p run={MAIN_RUN} -q")).exits(0);
    bench.run(&format!("run corvusforge.verify_anchor -p run={MAIN_RUN} -q")).exits(0);
    book(&bench, &Plan { tamper: Some(Tamper::Rehashed), ..Plan::default() });
    let broken = bench.run(&format!("run corvusforge.verify_anchor -p run={MAIN_RUN} -q")).exits(1).stdout;
    assert!(broken.contains("What was anchored has changed"), "{broken}");
    bench.run(&format!("run corvusforge.verify_anchor -p run={MAIN_RUN} -q")).exits(4);
    bench.run(&format!("plan corvusforge.verify_anchor -p run={MAIN_RUN}")).exits(4);
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_built_in_procedure_needs_its_targets() {
    let bench = Bench::workspace().file("runwarden.yaml", WORKSPACE);
    let refused = bench.run(&format!("run corvusforge.export_anchor -p run={MAIN_RUN}")).exits(2).stderr;
    assert!(refused.starts_with("error[unbound-target]: "), "{refused}");
}

#[test]
fn the_readmes_procedure_is_valid() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let procedure = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let bench = Bench::workspace().file("procedures/ops/publish_notice.yaml", procedure);
    bench.run("check").exits(0).says("checked 2 files: no problems");
}
