//! `mvcrs.postmortem` of its own: written from our ledger and from what people know, once, whole, and never over another.

use std::fs;

use super::bench::{Bench, Outcome};
use super::mvcrs::{FACTS, STATE, TELEMETRY, resume, run, site};
use super::mvcrs_writer::State;

const SECTIONS: [&str; 5] = ["Summary", "Timeline", "Root Cause", "Remediation", "Preventive Actions"];
const INCIDENT: [&str; 2] = ["incident=mvcrs-7", "folder=postmortems"];
const WRITTEN: &str = "postmortems/mvcrs-7.md";

fn facts() -> Vec<String> {
    FACTS.map(|fact| format!("facts.{fact}")).to_vec()
}

fn write(bench: &Bench, parameters: &[&str], facts: &[String]) -> Outcome {
    run(bench, "mvcrs.postmortem", parameters, &facts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What stands under a heading.
#[track_caller]
fn section(text: &str, heading: &str) -> String {
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).expect(heading);
    rest.split("\n## ").next().unwrap().trim().to_owned()
}

/// The ids of all runs, the oldest first.
fn ids(bench: &Bench) -> Vec<String> {
    let runs = bench.run("runs --format json").exits(0).json();
    let mut ids: Vec<String> =
        runs["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect();
    ids.reverse();
    ids
}

/// An incident: the log fitted its seal, the telemetry did not, and a fix branch was refused.
fn incident() -> Bench {
    let bench = site(State::Clean);
    run(&bench, "mvcrs.verify_chain", &[], &[]).exits(0);
    let rows = bench.read("project/observatory/metrics/mvcrs_challenges.csv");
    let fewer: Vec<&str> = rows.lines().filter(|line| !line.ends_with("0.061")).collect();
    fs::write(bench.path("project/observatory/metrics/mvcrs_challenges.csv"), fewer.join("\n")).unwrap();
    run(&bench, "mvcrs.review_telemetry", &[STATE, TELEMETRY], &[]).exits(1);
    let branch = ["cause=chain_anomaly", "repository=project", STATE, TELEMETRY];
    run(&bench, "mvcrs.fix_branch", &branch, &[]).exits(3);
    bench
}

#[test]
fn all_five_sections_are_filled_and_the_timeline_is_what_the_ledger_says() {
    let bench = incident();
    write(&bench, &INCIDENT, &facts()).exits(0);
    let text = bench.read(WRITTEN);
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings, SECTIONS);
    assert!(text.starts_with("# Incident mvcrs-7\n"), "{text}");
    for (heading, fact) in ["Summary", "Root Cause", "Remediation", "Preventive Actions"].into_iter().zip(FACTS) {
        assert_eq!(section(&text, heading), fact.split_once('=').unwrap().1);
    }
    // What failed and what was refused stand in it as well, the oldest first, each with its run.
    let timeline = section(&text, "Timeline");
    let said: Vec<&str> = timeline.lines().collect();
    let expected = [
        "mvcrs.verify_chain succeeded",
        "mvcrs.review_telemetry failed, aligned",
        "mvcrs.fix_branch refused, chain_is_broken",
        "this postmortem",
    ];
    assert_eq!(said.len(), expected.len(), "{timeline}");
    for ((line, what), id) in said.iter().zip(expected).zip(ids(&bench)) {
        assert!(line.starts_with("- 20") && line.ends_with(&format!(": {what} ({id})")), "{line}");
    }
    bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_timeline_of_nothing_says_so_and_only_mvcrs_is_in_it() {
    let bench =
        site(State::Clean).procedure("other.note", "steps:\n  - { id: n, action: data.value, with: { a: 1 } }\n");
    let workspace = bench.read("runwarden.yaml");
    let bench = bench.file("runwarden.yaml", &format!("{workspace}procedures: [procedures]\n"));
    bench.run("run other.note -q").exits(0);
    write(&bench, &INCIDENT, &facts()).exits(0);
    let timeline = section(&bench.read(WRITTEN), "Timeline");
    assert!(timeline.starts_with("- No earlier run of MV-CRS procedures is in the ledger.\n"), "{timeline}");
    assert!(!timeline.contains("other.note"), "{timeline}");
}

#[test]
fn a_postmortem_that_is_there_is_not_written_over_and_a_later_one_has_another_name() {
    let bench = incident();
    write(&bench, &INCIDENT, &facts()).exits(0);
    let first = bench.read(WRITTEN);
    let failed = write(&bench, &INCIDENT, &facts()).exits(1).stdout;
    assert!(failed.contains("There is a postmortem of that name"), "{failed}");
    assert!(failed.contains("Give this one another name"), "{failed}");
    assert_eq!(bench.read(WRITTEN), first);
    write(&bench, &["incident=mvcrs-7b", INCIDENT[1]], &facts()).exits(0);
    let later = section(&bench.read("postmortems/mvcrs-7b.md"), "Timeline");
    assert!(
        later.contains("mvcrs.postmortem succeeded") && later.contains("mvcrs.postmortem failed, exists"),
        "{later}"
    );
    assert_eq!(bench.read(WRITTEN), first);
}

#[test]
fn an_incident_without_a_name_is_named_after_the_run() {
    let bench = site(State::Clean);
    write(&bench, &[INCIDENT[1]], &facts()).exits(0);
    let id = ids(&bench).pop().unwrap();
    assert!(bench.read(&format!("postmortems/mvcrs-{id}.md")).starts_with(&format!("# Incident mvcrs-{id}\n")));
}

#[test]
fn a_name_that_leads_elsewhere_and_facts_that_say_nothing_are_not_taken() {
    let bench = site(State::Clean);
    for name in ["incident=../project/state/mvcrs_config", "incident=a", "incident=x y z"] {
        let refused = write(&bench, &[name, INCIDENT[1]], &facts()).exits(2).stderr;
        assert!(refused.contains("parameter `incident`") && refused.contains("does not match"), "{refused}");
    }
    let mut short = facts();
    short[1] = "facts.root_cause=unknown".to_owned();
    let waits = write(&bench, &INCIDENT, &short).exits(5).stdout;
    assert!(waits.contains("answer `root_cause`"), "{waits}");
    assert!(!bench.exists("postmortems"));
}

#[test]
fn what_people_write_is_text_and_no_template() {
    let bench = site(State::Clean);
    let mut facts = facts();
    facts[0] = "facts.summary=It said {{ run.id }} and {% raw %} all the time".to_owned();
    write(&bench, &INCIDENT, &facts).exits(0);
    assert_eq!(section(&bench.read(WRITTEN), "Summary"), "It said {{ run.id }} and {% raw %} all the time");
}

#[test]
fn with_nobody_there_it_waits_and_is_written_once_somebody_is() {
    let bench = incident();
    write(&bench, &INCIDENT, &[]).exits(5);
    assert!(!bench.exists("postmortems"));
    let facts = facts();
    resume(&bench, &facts.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    let timeline = section(&bench.read(WRITTEN), "Timeline");
    assert_eq!(timeline.lines().count(), 4, "{timeline}");
}

#[test]
fn a_postmortem_that_could_not_be_written_is_written_when_it_goes_on_and_nobody_is_asked_again() {
    let bench = incident().file("postmortems", "no folder");
    let failed = write(&bench, &INCIDENT, &facts()).exits(1).stdout;
    assert!(failed.contains("step `write`") && failed.contains("postmortems"), "{failed}");
    assert_eq!(bench.read("postmortems"), "no folder");
    fs::remove_file(bench.path("postmortems")).unwrap();
    resume(&bench, &[]).exits(0);
    let text = bench.read(WRITTEN);
    assert_eq!(section(&text, "Root Cause"), FACTS[1].split_once('=').unwrap().1);
    assert_eq!(section(&text, "Timeline").lines().count(), 4);
}

#[test]
fn a_procedure_that_was_changed_to_write_over_a_postmortem_is_stopped() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("procedures/mvcrs/postmortem.yaml");
    let text = fs::read_to_string(shipped).unwrap();
    let changed = text.replace("      mode: '0644'\n", "      mode: '0644'\n      replace: true\n");
    assert_ne!(text, changed);
    let bench =
        site(State::Clean).file("procedures/mvcrs/postmortem.yaml", &changed).file(WRITTEN, "# What we learned");
    let workspace = bench.read("runwarden.yaml");
    let bench = bench.file("runwarden.yaml", &format!("{workspace}procedures: [procedures]\n"));
    let stopped = write(&bench, &INCIDENT, &facts()).exits(4).stdout;
    assert!(stopped.contains("Do not rewrite or remove a postmortem"), "{stopped}");
    assert_eq!(bench.read(WRITTEN), "# What we learned");
}
