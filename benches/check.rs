//! `check` of 1,000 procedures and `test` of all that ship, beside JSON Schema validators from PyPI on the same files.
//!
//! The validators look at structure alone; `check` reads with two readers, and looks at names, inputs and expressions as
//! well. `cargo bench --bench check`; the folder of a venv with `jsonschema`, `pyyaml` and `check-jsonschema` stands in
//! `RUNWARDEN_BENCH_VENV`. Without it they are not compared.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark fails by panicking and shows what it found")]

#[path = "beside/measure.rs"]
mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use measure::{in_turn, measured, show};

const PROCEDURES: usize = 1000;

const WORKSPACE: &str = "runwarden: v1\nenvironment: development\n\
    ledger: { path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: bench/check }\nprocedures: [procedures]\n";

fn main() {
    let many = tempfile::tempdir().unwrap();
    let checked = copies(many.path(), PROCEDURES, false);
    let all = tempfile::tempdir().unwrap();
    let tested = copies(all.path(), usize::MAX, true);
    println!(
        "\n{checked} procedures and checklists, copies of those that ship; {tested} that ship, with their tests\n"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (folder, argument) in [(many.path(), "check"), (all.path(), "check"), (all.path(), "test")] {
        let ours = || run(Command::new(env!("CARGO_BIN_EXE_runwarden")).arg(argument).current_dir(folder));
        let what = format!("runwarden {argument}");
        let Some(venv) = std::env::var_os("RUNWARDEN_BENCH_VENV").map(PathBuf::from) else {
            println!("  RUNWARDEN_BENCH_VENV is not set: nothing was compared");
            show(&what, "itself", in_turn(ours, ours));
            continue;
        };
        let script = root.join("benches/beside/validate.py");
        let schemas = root.join("schemas");
        let library = || {
            let mut command = Command::new(venv.join("bin/python"));
            run(command.args([&script, &schemas]).arg(folder.join("procedures")))
        };
        show(&what, "jsonschema and libyaml", in_turn(ours, library));
        // Its command takes one schema, so procedures alone, and those that are not checklists.
        if argument == "check" && folder == many.path() {
            let files = procedures_of(&folder.join("procedures"));
            let command = || {
                let mut command = Command::new(venv.join("bin/check-jsonschema"));
                run(command.arg("--schemafile").arg(schemas.join("procedure.schema.json")).args(&files))
            };
            show(&format!("{what} (with checklists)"), "check-jsonschema (without)", in_turn(ours, command));
        }
    }
}

fn run(command: &mut Command) -> measure::Took {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    measured(|| assert!(command.status().unwrap().success(), "it found something wrong"))
}

/// A workspace with so many procedures: each that ships, and each again under other names. With tests, each that ships.
fn copies(folder: &Path, many: usize, with_tests: bool) -> usize {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("procedures");
    std::fs::write(folder.join("runwarden.yaml"), WORKSPACE).unwrap();
    let files = procedures_and_checklists(&shipped);
    let turns = if with_tests { 1 } else { many.div_ceil(files.len()) };
    let mut made = 0;
    for turn in 0..turns {
        for path in files.iter().take(many - made) {
            let below = path.strip_prefix(&shipped).unwrap().with_extension("");
            let (system, name) = (below.parent().unwrap(), below.file_name().unwrap().to_string_lossy().into_owned());
            let old = format!("{}.{name}", system.display());
            let new = if with_tests { name.clone() } else { format!("{name}_{turn}") };
            let place = folder.join("procedures").join(system);
            std::fs::create_dir_all(&place).unwrap();
            let text = std::fs::read_to_string(path).unwrap();
            let text = text.replace(&format!("\nname: {old}\n"), &format!("\nname: {}.{new}\n", system.display()));
            std::fs::write(place.join(format!("{new}.yaml")), text).unwrap();
            let beside = path.with_extension("test.yaml");
            if with_tests && beside.exists() {
                std::fs::copy(&beside, place.join(format!("{new}.test.yaml"))).unwrap();
            }
            made += 1;
        }
    }
    made
}

fn procedures_and_checklists(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for system in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let files = std::fs::read_dir(system).unwrap().map(|entry| entry.unwrap().path());
        found.extend(files.filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".yaml") && !name.ends_with(".test.yaml")
        }));
    }
    found.sort();
    found
}

fn procedures_of(folder: &Path) -> Vec<PathBuf> {
    let is_procedure =
        |path: &PathBuf| std::fs::read_to_string(path).unwrap().lines().any(|line| line == "kind: procedure");
    procedures_and_checklists(folder).into_iter().filter(is_procedure).collect()
}
