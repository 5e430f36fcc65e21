//! Waivers of items: signed, in scope, in time and counted, or the gate stays shut. Seen in every format.

use super::approvals::people;
use super::bench::{Bench, Outcome};

const READY: &str = "runwarden: v1\nkind: checklist\nname: ops.ready\ntitle: Ready\nversion: 1.0.0\nsummary: For a test.\nowner: ops\n\
    parameters: { version: { type: string, default: '1' } }\nitems:\n\
    - { id: notes, title: There are notes, action: file.stat, with: { path: notes.md }, expect: result.exists }\n\
    - id: changelog\n  title: There is a changelog\n  action: file.stat\n  with: { path: CHANGELOG.md }\n  expect: result.exists\n  \
    waivable: { by: [commander], max_for: 4h, max_uses: 2 }\n\
    - { id: nice, title: It is nice, severity: advisory, action: file.stat, with: { path: nice }, expect: result.exists }\n";

fn bench() -> Bench {
    people("production").file("procedures/ops/ready.yaml", READY).file("notes.md", "noted")
}

fn create(bench: &Bench, more: &[&str]) -> Outcome {
    let arguments = ["waiver", "create", "ops.ready", "item:changelog", "--reason", "it is late", "--ticket", "OPS-7"];
    bench.run_with(&[&arguments, more].concat())
}

fn waiver(bench: &Bench, more: &[&str]) {
    create(bench, &[&["--for", "1h", "--as", "ada", "--key", "ada.key", "-o", "waiver.json", "-q"], more].concat())
        .exits(0);
}

fn gate(bench: &Bench, more: &[&str]) -> Outcome {
    bench.run_with(
        &[&["gate", "ops.ready", "--as", "olga", "--key", "olga.key", "--waiver", "waiver.json"], more].concat(),
    )
}

#[test]
fn a_waived_item_lets_the_gate_pass_and_each_use_counts() {
    let bench = bench();
    bench.run("gate ops.ready --as olga --key olga.key").exits(1);
    waiver(&bench, &[]);
    bench.run("waiver check waiver.json").exits(0);
    let asked = gate(&bench, &["--format", "json"]).exits(0).fits(&bench, "output/gate").json();
    assert_eq!((&asked["status"], &asked["counts"]["waived"]), (&"passed".into(), &1.into()));
    let item = asked["items"].as_array().unwrap().iter().find(|item| item["id"] == "changelog").unwrap();
    assert_eq!(item["status"], "waived");
    assert!(item["detail"].as_str().unwrap().contains("of `ada`, good until"), "{item}");
    let used = bench.run("waiver list --format json").exits(0).json();
    assert_eq!(
        (&used["waivers"][0]["guard"], used["waivers"].as_array().unwrap().len()),
        (&"item:changelog".into(), 1)
    );
    let spent = gate(&bench, &[]).exits(6).stderr;
    assert!(spent.contains("1 of 1 uses"), "{spent}");
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn an_item_that_is_met_uses_no_waiver() {
    let bench = bench().file("CHANGELOG.md", "changed");
    waiver(&bench, &[]);
    for _ in 0..2 {
        assert_eq!(gate(&bench, &["--format", "json"]).exits(0).json()["counts"]["waived"], 0);
    }
    assert!(bench.run("waiver list --format json").exits(0).json()["waivers"].as_array().unwrap().is_empty());
}

#[test]
fn every_format_shows_what_was_waived() {
    let bench = bench();
    waiver(&bench, &["--max-uses", "2"]);
    let formats = ["human", "json", "junit", "sarif", "tap", "github", "markdown"];
    let outputs: Vec<String> = formats.iter().map(|format| format!("--output={format}=out.{format}")).collect();
    gate(&bench, &outputs.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    for (format, said) in [
        ("human", "waived"),
        ("json", "\"status\":\"waived\""),
        ("junit", "waived: waiver `"),
        ("sarif", "\"kind\": \"external\""),
        ("tap", "waived: "),
        ("github", "::notice file="),
        ("markdown", "| waived | `changelog`"),
    ] {
        let text = bench.read(&format!("out.{format}"));
        assert!(text.replace("\": \"waived", "\":\"waived").contains(said), "{format}: {text}");
    }
    assert!(bench.read("out.junit").contains("failures=\"0\""), "{}", bench.read("out.junit"));
    assert!(bench.read("out.tap").contains("\nok 2 "), "{}", bench.read("out.tap"));
    assert!(!bench.read("out.github").contains("::error"), "{}", bench.read("out.github"));
}

#[test]
fn what_no_waiver_may_lift_is_refused_by_name() {
    let bench = bench();
    let other = |item: &str| {
        bench.run_with(&[
            "waiver",
            "create",
            "ops.ready",
            item,
            "--reason",
            "x",
            "--ticket",
            "y",
            "--as",
            "ada",
            "--key",
            "ada.key",
            "-o",
            "no.json",
        ])
    };
    let never = other("item:notes").exits(6).stderr;
    assert!(never.contains("no waiver can lift it"), "{never}");
    let none = other("item:nothing").exits(2).stderr;
    assert!(none.contains("there is no item `nothing`"), "{none}");
    assert!(
        create(&bench, &["--for", "9h", "--as", "ada", "--key", "ada.key", "-o", "no.json"])
            .exits(6)
            .stderr
            .contains("4h")
    );
    let role = create(&bench, &["--for", "1h", "--as", "olga", "--key", "olga.key", "-o", "no.json"]).exits(6).stderr;
    assert!(role.contains("who may lift"), "{role}");
}

#[test]
fn a_waiver_that_does_not_count_opens_nothing() {
    let bench = bench();
    waiver(&bench, &["--parameter", "version=2"]);
    assert!(gate(&bench, &[]).exits(6).stderr.contains("parameter `version`"));
    gate(&bench, &["-p", "version=2"]).exits(0);

    // By whoever asks.
    let bench = self::bench();
    waiver(&bench, &[]);
    let own = bench.run("gate ops.ready --as ada --key ada.key --waiver waiver.json").exits(6).stderr;
    assert!(own.contains("cannot lift"), "{own}");
    // Without a record no use would count.
    gate(&bench, &["--no-record"]).exits(2);
    // Unsigned.
    let signature = bench.read("waiver.json.sig");
    std::fs::remove_file(bench.path("waiver.json.sig")).unwrap();
    gate(&bench, &[]).exits(6);
    // For an item that was changed since.
    let bench = bench.file("waiver.json.sig", &signature);
    let bench = bench.file("procedures/ops/ready.yaml", &READY.replace("path: CHANGELOG.md", "path: OTHER.md"));
    assert!(gate(&bench, &[]).exits(6).stderr.contains("it was changed since"));
    // Before its time.
    let bench = self::bench();
    let later =
        ["--not-before", "2099-01-01T00:00:00Z", "--for", "1h", "--as", "ada", "--key", "ada.key", "-o", "waiver.json"];
    create(&bench, &later).exits(0);
    gate(&bench, &[]).exits(6);
}

#[test]
fn each_of_several_checklists_has_its_own_waivers() {
    let other = READY.replace("ops.ready", "ops.other").replace("There is a changelog", "A changelog too");
    let bench = bench().file("procedures/ops/other.yaml", &other);
    waiver(&bench, &[]);
    let asked = gate(&bench, &["ops.other"]).exits(1).stdout;
    assert!(asked.contains("waived") && asked.contains("failed"), "{asked}");
}
