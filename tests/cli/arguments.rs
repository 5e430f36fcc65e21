//! The command line itself: what every command understands, and what the streams are for.

use std::process::Stdio;

use super::bench::Bench;

/// The words of the row of a table that begins with this one.
fn row<'a>(table: &'a str, first: &str) -> Vec<&'a str> {
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.find(|row| row.first() == Some(&first)).unwrap_or_default()
}

#[test]
fn help_and_version_are_answers() {
    let bench = Bench::empty();
    let help = bench.run("--help").exits(0).says("");
    assert!(help.stdout.starts_with("Runs operational runbooks: checked, previewed, guarded, and written down\n"));
    bench.run("--version").exits(0).prints(&format!("runwarden {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_command_has_examples() {
    let bench = Bench::empty();
    let commands = [
        "init",
        "doctor",
        "list",
        "show",
        "new",
        "import",
        "check",
        "plan",
        "run",
        "runs",
        "runs show",
        "lsp",
        "actions",
        "explain",
        "schema",
        "ledger verify",
        "ledger show",
        "ledger tail",
        "ledger head",
        "anchor export",
        "anchor store",
        "anchor fetch",
        "anchor verify",
        "completions",
        "man",
    ];
    for command in commands {
        let help = bench.run(&format!("{command} --help")).exits(0).stdout;
        assert!(help.contains("Example"), "{command}:\n{help}");
    }
}

#[test]
fn a_mistyped_command_or_option_exits_2_with_what_was_meant() {
    let bench = Bench::empty();
    bench.run("plna x").exits(2).prints("").says(
        "error: unrecognized subcommand 'plna'\n\n  tip: some similar subcommands exist: 'explain', 'plan'\n\n\
         Usage: runwarden [OPTIONS] <COMMAND>\n\nFor more information, try '--help'.",
    );
    bench.run("plan").exits(2);
    bench.run("list --quiet --verbose").exits(2);
}

#[test]
fn wrong_arguments_are_json_where_json_was_asked_for() {
    let bench = Bench::empty();
    let refused = bench.run("plan --format json").exits(2).says("").fits(&bench, "output/refusal").json();
    assert_eq!((&refused["status"], &refused["error"]["code"]), (&"invalid".into(), &"usage".into()));
}

#[test]
fn a_folder_and_a_workspace_file_can_be_named() {
    let bench = Bench::empty()
        .file("a/ops.yaml", "runwarden: v1\nenvironment: staging\nledger: { path: l, key: k, origin: o }\nprocedures: [here]\n")
        .file("a/here/x.yaml", "runwarden: v1\nkind: procedure\nname: x\ntitle: T\nversion: 1.0.0\nsummary: S\nowner: o\nrisk: low\nsteps:\n  - { id: p, wait: 1ms }\n");
    let listed = bench.run("-C a --workspace ops.yaml list").exits(0).stdout;
    assert!(row(&listed, "x").starts_with(&["x", "procedure", "low", "here/x.yaml"]), "{listed}");
    bench
        .run("--workspace a/none.yaml list")
        .exits(2)
        .says("error[no-workspace]: there is no workspace file `FOLDER/a/none.yaml`");
    bench.run("-C none list").exits(2).says("error[io]: cannot go to `none`: No such file or directory (os error 2)");
}

#[test]
fn a_workspace_is_found_upwards() {
    let bench = Bench::workspace().procedure("x", "steps:\n  - { id: p, wait: 1ms }\n").file("deep/er/note", "");
    let listed = bench.run("-C deep/er list").exits(0).stdout;
    assert!(row(&listed, "x").starts_with(&["x", "procedure"]), "{listed}");
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let bench = Bench::empty();
    let plain = bench.run("explain unknown-run").exits(0).stdout;
    assert!(!plain.contains('\x1b'));
    let coloured = bench.run("explain unknown-run --color always").exits(0).stdout;
    assert!(coloured.starts_with("\x1b[1munknown-run\x1b[0m"), "{coloured}");
    let refused = Bench::empty().env("NO_COLOR", "1").run("list -C none --color auto").stderr;
    assert!(!refused.contains('\x1b'));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let bench = Bench::empty();
    for arguments in
        [&["explain", "exit-codes"][..], &["schema", "procedure"], &["--help"], &["man"], &["completions", "bash"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = bench.command(arguments);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let outcome = bench.outcome(&output);
        outcome.exits(0).says("");
    }
    bench.shell("runwarden actions | head -0").exits(0).says("");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let bench = Bench::empty();
    bench
        .shell("runwarden explain exit-codes > /dev/full")
        .exits(1)
        .says("error: cannot write to standard output: No space left on device (os error 28)");
}

#[test]
fn control_characters_of_others_reach_no_terminal() {
    let bench = Bench::workspace();
    let refused = bench.run_with(&["explain", "a\x1b]0;owned\x07"]).exits(2).stderr;
    assert!(!refused.contains('\x1b') && refused.contains("\\u{1b}]0;owned\\u{7}"), "{refused}");
}
