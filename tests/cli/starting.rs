//! `init`, `doctor`, and the first run.

use super::bench::Bench;

#[test]
fn a_new_workspace_runs_hello() {
    let bench = Bench::empty();
    bench.run("init ops --origin test/ops").exits(0).says("").prints(
        "made runwarden.yaml\nmade procedures/hello.yaml\nmade .runwarden/ledger.db\nmade .runwarden/ledger.key\n\
             made .gitignore\n\nnext: cd ops && runwarden run hello",
    );
    bench.run("-C ops check").exits(0).prints("").says("checked 2 files: no problems");
    bench
        .run("-C ops run hello -p who=Ada")
        .exits(0)
        .says("run ID of hello (development)\n  succeeded   greet: Write the greeting")
        .prints(
            "run ID succeeded\noutputs\n  size  11\ncheckpoint  .runwarden/ledger.db.checkpoints/10 (10 entries)\n\
             record      runwarden runs show ID",
        );
    assert_eq!(bench.read("ops/hello.txt"), "Hello, Ada!");
    bench.run("-C ops run hello").exits(0);
    assert_eq!(bench.read("ops/hello.txt"), "Hello, world!");
    assert_eq!(bench.read("ops/.gitignore"), "/.runwarden/\n");
}
