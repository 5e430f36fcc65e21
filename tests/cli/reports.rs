//! `runs report`: every way a run can end, in each form, and what it says about the record itself.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::approvals::people;
use super::bench::{Bench, Outcome};

/// Publishes a release, asks somebody to look, and copies it to an archive that may not be there.
pub const PUBLISH: &str = "parameters:\n  release: { type: string }\n  note: { type: string, default: none }\n\
    requires: { locks: ['site/{{ parameters.release }}'] }\npreconditions:\n  \
    - { id: staged, title: The release is staged, action: file.stat, with: { path: staged }, expect: result.exists, help: Stage it first. }\n\
    do_not:\n  - { id: no_zero, rule: Do not publish release 0., forbid: file.write, where: parameters.release == '0' }\n\
    steps:\n  - id: publish\n    title: Write the release down\n    action: file.write\n    \
    with: { path: current, content: '{{ parameters.release }} {{ parameters.note }}' }\n    verify:\n      \
    - { id: there, title: It is there, action: file.stat, with: { path: current }, expect: result.exists }\n    \
    undo: { action: file.remove, with: { path: current } }\n  \
    - { id: archive, title: Keep a copy, action: file.copy, with: { from: archive, to: kept }, undo: { action: file.remove, with: { path: kept } } }\n  \
    - { id: look, title: Look at the page, when: parameters.release != '9', manual: { ask: Does the page say so?, answer: { seen: { type: string } } }, undo: { none: Seen is seen. } }\n\
    failure_modes:\n  - { when: error.step == 'archive', title: The archive is away, advice: 'Bring back the archive of {{ parameters.release }}, then resume.' }\n\
    outputs: { release: '{{ parameters.release }}' }\n";

/// A workspace with that procedure.
fn publishing() -> Bench {
    Bench::workspace().procedure("publish", PUBLISH).file("staged", "yes")
}

/// The three forms of the report of the last run: HTML, Markdown, JSON.
fn report(bench: &Bench) -> (String, String, serde_json::Value) {
    let in_form = |form: &str| bench.run(&format!("runs report last --format {form}")).exits(0);
    (in_form("html").raw, in_form("markdown").raw, in_form("json").fits(bench, "output/report").json())
}

/// Every form says how the run stands, and has these words.
#[track_caller]
fn says(bench: &Bench, status: &str, words: &[&str]) -> serde_json::Value {
    let (html, markdown, json) = report(bench);
    assert_eq!(json["status"], status);
    for (form, text) in [("html", &html), ("markdown", &markdown)] {
        let bare = bare(text);
        for word in [status, json["meaning"].as_str().unwrap()].iter().chain(words) {
            assert!(bare.contains(word), "{form} has no `{word}`:\n{text}");
        }
    }
    json
}

/// The words of a page or of Markdown, without markup.
fn bare(text: &str) -> String {
    let text = regex::Regex::new(r"(?s)<style>.*</style>|<[^>]*>|[`*\\]").unwrap().replace_all(text, "");
    text.replace("&#x27;", "'").replace("&#x2f;", "/").replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<")
}

fn step<'a>(json: &'a serde_json::Value, path: &str) -> &'a serde_json::Value {
    json["steps"].as_array().unwrap().iter().find(|step| step["path"] == path).unwrap()
}

#[test]
fn a_run_that_succeeded_has_inputs_checks_answers_and_proofs() {
    let bench = publishing().file("archive", "old");
    bench.run("run publish -q -p release=7 --answer look.seen=yes").exits(0);
    let json = says(&bench, "succeeded", &["Title of publish", "Write the release down", "result.exists", "site/7"]);
    assert_eq!(json["parameters"]["release"], "7");
    assert_eq!(json["preconditions"][0]["expected"], "result.exists");
    assert_eq!(json["preconditions"][0]["found"]["exists"], true);
    assert_eq!(step(&json, "publish")["attempts"][0]["with"]["content"], "7 none");
    assert_eq!(step(&json, "publish")["checks"][0]["verdict"], "passed");
    assert_eq!(step(&json, "look")["manual"][0]["answer"]["seen"], "yes");
    assert_eq!(json["guards"][0]["rule"], "Do not publish release 0.");
    let moments: Vec<&str> =
        json["guards"][0]["asked"].as_array().unwrap().iter().map(|asked| asked["moment"].as_str().unwrap()).collect();
    assert_eq!(moments[..2], ["plan", "before"]);
    assert!(json["locks"][0]["released_at"].is_string());
    assert_eq!(json["outputs"]["release"], "7");
    assert_eq!((&json["next"], &json["error"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(json["record"]["status"], "self_consistent_only");
    assert_eq!(json["missing"].as_array().unwrap().len(), 0, "{}", json["missing"]);
    let kinds: Vec<&str> =
        json["proofs"].as_array().unwrap().iter().map(|proof| proof["of"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run.begin", "run.end"]);
}

#[test]
fn the_proofs_of_a_report_are_checked_with_what_it_says_alone() {
    let bench = publishing().file("archive", "old");
    bench.run("run publish -q -p release=7 --answer look.seen=yes").exits(0);
    let (_, _, json) = report(&bench);
    let key = json["record"]["keys"][0]["vkey"].as_str().unwrap();
    let end = &json["proofs"][1];
    let bench = bench
        .file("end.json", end["entry"].as_str().unwrap())
        .file("end.tlog-proof", end["tlog_proof"].as_str().unwrap());
    bench.run(&format!("anchor verify end.tlog-proof --key {key} --run {}", json["run"].as_str().unwrap())).exits(0);
    let changed = end["entry"].as_str().unwrap().replace("succeeded", "undone");
    let bench = bench.file("end.json", &changed);
    bench.run(&format!("anchor verify end.tlog-proof --key {key}")).exits(1);
}

#[test]
fn a_run_that_failed_has_the_advice_that_fits_and_what_comes_next() {
    let bench = publishing();
    bench.run("run publish -q -p release=7 --answer look.seen=yes").exits(1);
    let words = ["The archive is away", "Bring back the archive of 7, then resume.", "not begun", "runwarden undo"];
    let json = says(&bench, "failed", &words);
    assert_eq!(json["error"]["step"], "archive");
    assert_eq!(step(&json, "archive")["state"], "failed");
    assert_eq!(step(&json, "look")["state"], "pending");
    assert_eq!(json["advice"]["title"], "The archive is away");
}

#[test]
fn a_run_that_was_taken_back_shows_each_undo() {
    let undoing = "on_failure: undo\nsteps:\n  - { id: publish, action: file.write, with: { path: one, content: '1' }, undo: { action: file.remove, with: { path: one } } }\n  \
        - { id: read, action: file.read, with: { path: missing } }\n\
        failure_modes:\n  - { when: steps.publish.state == 'undone', title: It is gone, advice: Look. }\n  \
        - { when: steps.publish.state == 'succeeded', title: It was written, advice: 'Write {{ error.step }} first.' }\n";
    let bench = Bench::workspace().procedure("publish", undoing);
    let live = bench.run("run publish -q").exits(7).stdout;
    assert!(live.contains("It was written\n  Write read first."), "{live}");
    let json = says(&bench, "undone", &["Undo", "file.remove", "It was written", "Write read first."]);
    let undo = &step(&json, "publish")["undo"][0];
    assert_eq!((&undo["acts"][0]["action"], &undo["state"]), (&"file.remove".into(), &"undone".into()));
    assert_eq!(step(&json, "publish")["state"], "undone");
}

#[test]
fn a_run_that_is_stuck_says_what_could_not_be_taken_back() {
    let stuck = "on_failure: undo\nsteps:\n  - { id: one, action: file.write, with: { path: one, content: '1' }, undo: { action: file.copy, with: { from: nowhere, to: away } } }\n  \
        - { id: two, action: file.copy, with: { from: missing, to: two }, undo: { none: It stays. } }\n";
    let bench = Bench::workspace().procedure("work", stuck);
    bench.run("run work -q").exits(8);
    let json = says(&bench, "stuck", &["could not be undone", "could not be taken back"]);
    assert_eq!(step(&json, "one")["undo"][0]["state"], "undo_failed");
    assert!(step(&json, "one")["undo"][0]["error"]["message"].as_str().unwrap().contains("nowhere"), "{json:#}");
}

#[test]
fn a_run_that_waits_says_for_what() {
    let bench = publishing().file("archive", "old");
    bench.run("run publish -q -p release=7").exits(5);
    let json = says(&bench, "suspended", &["not answered", "nobody is there to answer", "still held", "not ended"]);
    assert_eq!(json["ended_at"], serde_json::Value::Null);
    assert_eq!(json["proofs"][1]["of"], "run.suspended");
    bench.run("resume last -q --answer look.seen=yes").exits(0);
    let json = says(&bench, "succeeded", &["given back"]);
    assert_eq!(json["proofs"][1]["of"], "run.end");
}

#[test]
fn a_run_of_which_an_outcome_is_unknown_says_so_and_how_it_was_resolved() {
    let slow = "steps:\n  - { id: nap, action: command.run, timeout: 200ms, with: { argv: [sleep, '30'] }, undo: { none: Time is gone. } }\n";
    let bench = Bench::workspace().procedure("slow", slow);
    bench.run("run slow -q").exits(9);
    let json = says(&bench, "unknown", &["nobody knew whether it happened", "--resolve nap=happened"]);
    assert_eq!(json["record"]["run"], "unknown_outcome");
    assert_eq!(step(&json, "nap")["state"], "unknown");
    bench.run_with(&["resume", "last", "-q", "--resolve", "nap=happened", "--reason", "I saw it"]).exits(0);
    let json = says(&bench, "succeeded", &["it had happened", "I saw it"]);
    assert_eq!(step(&json, "nap")["doubts"][0]["resolved"]["by"], "person");
}

#[test]
fn a_run_that_was_killed_has_an_effect_without_a_result() {
    let slow = "steps:\n  - { id: nap, action: command.run, with: { argv: [sh, -c, 'echo x >> napped; sleep 30'] }, undo: { none: Time is gone. } }\n";
    let bench = Bench::workspace().procedure("slow", slow);
    let mut child = bench.command(&["run", "slow"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !bench.exists("napped") {
        assert!(begun.elapsed() < Duration::from_secs(30), "the program was never begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let json = says(&bench, "running", &["no result", "has no outcome on record", "--resolve nap=happened"]);
    assert_eq!(json["record"]["run"], "unknown_outcome");
    assert_eq!(step(&json, "nap")["attempts"][0]["state"], serde_json::Value::Null);
}

#[test]
fn a_run_that_was_cancelled_or_refused_says_why() {
    let bench = publishing().file("archive", "old");
    bench.run("run publish -q -p release=7").exits(5);
    bench.run_with(&["cancel", "last", "--reason", "wrong region"]).exits(0);
    says(&bench, "cancelled", &["wrong region", "runwarden undo"]);
    let bench = Bench::workspace().procedure("publish", PUBLISH);
    bench.run("run publish -q -p release=7").exits(3);
    let json = says(&bench, "refused", &["Stage it first.", "not met"]);
    assert_eq!(json["preconditions"][0]["found"]["exists"], false);
}

#[test]
fn consents_and_waivers_stand_with_their_keys() {
    let procedure = "requires:\n  approvals: { quorum: 1, from: [commander], expires: 4h }\ndo_not:\n  \
        - { id: no_two, rule: Do not write., forbid: file.write, waivable: { by: [commander], max_for: 4h, max_uses: 2 } }\n\
        steps:\n  - { id: put, action: file.write, with: { path: out.txt, content: '2' }, undo: { action: file.remove, with: { path: out.txt } } }\n";
    let bench = people("production").procedure("deploy", procedure);
    let waiver =
        ["waiver", "create", "deploy", "no_two", "--reason", "hotfix", "--ticket", "OPS-7", "-q", "--as", "ada"];
    bench.run_with(&[&waiver[..], &["-o", "w.json", "--key", "ada.key"]].concat()).exits(0);
    bench.run("plan deploy --as olga -o plan.json -q --waiver w.json").exits(0);
    bench
        .run_with(&["approve", "plan.json", "--as", "ben", "--key", "ben.key", "-o", "a.json", "-q", "--reason", "go"])
        .exits(0);
    bench.run("run deploy --plan plan.json --as olga --key olga.key -q --approval a.json --waiver w.json").exits(0);
    let json =
        says(&bench, "succeeded", &["ben as commander", "hotfix", "OPS-7", "signed by SHA256:", "use 1 of at most"]);
    let (given, used) = (&json["consents"][0], &json["waivers"][0]);
    assert_eq!((&given["signature"], &given["consents"]), (&"good".into(), &true.into()));
    assert!(given["spent_at"].is_string() && given["key"].as_str().unwrap().starts_with("SHA256:"), "{given:#}");
    assert_eq!(
        (&used["signature"], &used["ticket"], &used["guard"]),
        (&"good".into(), &"OPS-7".into(), &"no_two".into())
    );
    assert_eq!((&json["actor"]["name"], &json["actor"]["signature"]), (&"olga".into(), &"good".into()));
}

#[test]
fn an_anchor_that_covers_the_run_is_said_to() {
    let bench = publishing().file("archive", "old");
    bench.run("run publish -q -p release=7 --answer look.seen=yes").exits(0);
    bench.run("anchor export last -o elsewhere").exits(0);
    let anchored = bench.run("runs report last --anchors ./elsewhere --format json").exits(0).json();
    assert_eq!(anchored["record"]["status"], "ok");
    let page = bench.run("runs report last --anchors ./elsewhere").exits(0).raw;
    assert!(page.contains("it is whole, and an anchor from elsewhere covers all of this run"), "{page}");
}

#[test]
fn a_ledger_that_is_not_whole_is_reported_as_such_and_is_no_success() {
    let bench = publishing().file("archive", "old");
    bench.run("run publish -q -p release=7 --answer look.seen=yes").exits(0);
    let edit = rusqlite::Connection::open(bench.path(".runwarden/ledger.db")).unwrap();
    edit.execute_batch("DROP TRIGGER entries_are_not_changed").unwrap();
    let changed = "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '7 none', '8 none') AS BLOB) WHERE kind = 'step.intent'";
    assert!(edit.execute(changed, []).unwrap() > 0);
    drop(edit);
    let told = bench.run("runs report last -o report.md").exits(11);
    assert!(told.stderr.contains("the ledger is broken"), "{}", told.stderr);
    assert!(bench.read("report.md").contains("**The ledger is broken."), "{}", bench.read("report.md"));
    let json = bench.run("runs report last --format json").exits(11).json();
    assert_eq!(json["record"]["status"], "broken");
    let codes: Vec<_> = json["record"]["problems"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    assert!(codes.contains(&"schema_changed".into()) && codes.contains(&"hash_mismatch".into()), "{codes:?}");
}

#[test]
fn what_was_frozen_and_is_gone_is_missed_and_nothing_else_is() {
    let bench = publishing();
    bench.run("run publish -q -p release=7").exits(1);
    std::fs::remove_dir_all(bench.path(".runwarden/ledger.db.content")).unwrap();
    let json = says(&bench, "failed", &["the run was begun with cannot be read"]);
    assert_eq!(step(&json, "publish")["attempts"][0]["with"]["content"], "7 none");
    assert_eq!(json["procedure"]["title"], serde_json::Value::Null);
}

#[test]
fn the_form_is_that_of_the_option_or_of_the_name() {
    let bench = publishing();
    bench.run("run publish -q -p release=7").exits(1);
    let is_html = |text: &str| text.starts_with("<!DOCTYPE html>");
    bench.run("runs report last -o report.html").exits(0).says("wrote report.html");
    assert!(is_html(&bench.read("report.html")));
    bench.run("runs report last -o report.txt -q").exits(0).says("");
    assert!(bench.read("report.txt").starts_with("# Title of publish"));
    bench.run("runs report last -o report.json -q --format html").exits(0);
    assert!(is_html(&bench.read("report.json")), "the option comes first");
    bench.run("--format json runs report last").exits(0).fits(&bench, "output/report");
    assert_eq!(bench.run("--format ndjson runs report last").exits(0).raw.lines().count(), 1);
    bench.run("runs report last --format human").exits(2);
    let none = bench.run("runs report 9").exits(1).stderr;
    assert!(none.contains("the ledger has no run `9`"), "{none}");
    Bench::workspace().run("runs report last").exits(1);
}

#[test]
fn the_same_ledger_has_the_same_report() {
    let bench = publishing();
    bench.run("run publish -q -p release=7").exits(1);
    for form in ["html", "markdown", "json"] {
        let once = bench.run(&format!("runs report last --format {form}")).exits(0).raw;
        assert!(once == bench.run(&format!("runs report last --format {form}")).exits(0).raw, "{form} differs");
    }
}

/// What may be done to a page by those whose text is in it.
pub fn hostile() -> String {
    let markup =
        "</style><script>document.title='owned'</script><img src=http://evil.example/a onerror=document.title='owned'>";
    let more = "{{ 7 * 7 }} | `code` ![x](http://evil.example/b) <!-- --> &amp; \" ' \u{202e}txt.exe\u{2066}\u{61c}\u{7}\u{1b}[31m\u{0}";
    format!("{markup}\n# {more} {}", "w".repeat(3000)).replace('\u{0}', "\u{1}")
}

/// A run whose parameters are hostile, and its report as a page.
pub fn hostile_page(bench: &Bench) -> String {
    let given = format!("note={}", hostile());
    bench.run_with(&["run", "publish", "-q", "-p", "release=9", "-p", &given]).exits(0);
    bench.run("runs report last --format html").exits(0).raw
}

pub fn hostile_bench() -> Bench {
    publishing().file("archive", "old")
}

#[test]
fn hostile_text_is_text_in_every_form() {
    let bench = hostile_bench();
    let html = hostile_page(&bench);
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("</style><"), "{html}");
    assert_eq!(html.matches("</style>").count(), 1);
    assert!(html.contains("&lt;script&gt;") && html.contains("{{ 7 * 7 }}"));
    let markdown = bench.run("runs report last").exits(0).raw;
    for outside_of_code in markdown.split('`').step_by(2) {
        assert!(!outside_of_code.contains("<script") && !outside_of_code.contains("<img"), "{outside_of_code}");
    }
    for text in [&html, &markdown] {
        let is_obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || "\u{202e}\u{2066}\u{61c}".contains(c);
        assert!(!text.contains(is_obeyed));
        assert!(text.contains("\\u{202e}") || text.contains("\\\\u{202e}"));
    }
    let json = bench.run("runs report last --format json").exits(0).json();
    assert_eq!(json["parameters"]["note"], hostile());
}

/// Where this project keeps its example of a report.
pub fn pages_of_the_docs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reports.md"))
}

#[test]
fn the_page_about_reports_names_every_section_and_member() {
    let page = std::fs::read_to_string(pages_of_the_docs()).unwrap();
    let schema: Outcome = Bench::empty().run("schema output/report").exits(0);
    let members = schema.json()["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let unsaid: Vec<&String> = members.iter().filter(|member| !page.contains(&format!("`{member}`"))).collect();
    assert!(unsaid.is_empty(), "docs/reports.md does not name {unsaid:?}");
}
