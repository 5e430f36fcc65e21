//! A run in one file: judged elsewhere by that file and a key alone, and every change of it found.

use std::fs;

use engine::action::Registry;
use engine::bundle::verify::{Asked, Verdict, verify};
use engine::ledger::report::Status;
use engine::merkle::note::VerifierKey;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::approvals::people;
use super::bench::Bench;

const CONSENTED: &str = "parameters: { version: { type: string, default: '2' } }\n\
    requires: { actor: operator, approvals: { quorum: 1, from: [commander], expires: 4h } }\n\
    do_not:\n  - id: no_two\n    rule: Do not deploy version 2.\n    forbid: file.write\n    where: parameters.version == '2'\n\
    \x20   waivable: { by: [owner], max_for: 4h, max_uses: 9 }\n\
    steps:\n  - id: put\n    action: file.write\n    with: { path: out.txt, content: '{{ parameters.version }}', replace: true }\n\
    \x20   undo: { action: file.remove, with: { path: out.txt } }\n  - id: named\n    call: note\n    with: { text: hello }\n";
const CALLED: &str = "parameters: { text: { type: string } }\nsteps:\n  - id: tell\n    action: data.value\n    with: { value: '{{ parameters.text }}' }\n";

/// A production workspace in which ada and ben command, ben owns, and olga operates; nothing has run yet.
fn consented() -> Bench {
    let bench = people("production").procedure("deploy", CONSENTED).procedure("note", CALLED);
    bench.run("run note --as olga --key olga.key -p text=first -q").exits(0);
    let waiver =
        "waiver create deploy no_two --reason hotfix --ticket OPS-7 --max-uses 9 -q --as ben --key ben.key -o w.json";
    bench.run(waiver).exits(0);
    bench
}

/// The same after a run that ada approved and for which ben lifted a guard.
fn deployed() -> Bench {
    let bench = consented();
    deploy(&bench, "a.json");
    bench
}

fn deploy(bench: &Bench, approval: &str) {
    bench.run("plan deploy --as olga --waiver w.json -o plan.json -q").exits(0);
    bench.run(&format!("approve plan.json --as ada --key ada.key --reason CHG-7 -o {approval} -q")).exits(0);
    bench.run(&format!("run deploy --plan plan.json --approval {approval} --as olga --key olga.key -q")).exits(0);
    fs::remove_file(bench.path("plan.json")).unwrap();
}

fn vkey(bench: &Bench) -> String {
    bench.run("ledger head --format json").exits(0).json()["vkey"].as_str().unwrap().to_owned()
}

fn judged(bytes: &[u8], key: &str) -> Verdict {
    let keys = [VerifierKey::parse(key).unwrap()];
    let registry = Registry::builtin();
    verify(bytes, &Asked { keys: &keys, witnesses: &[], logs: &[], actors: None, run: None, registry: &registry })
}

fn wrong(verdict: &Verdict) -> Vec<String> {
    let lines = verdict.findings.iter().filter(|line| !line.ok);
    lines.map(|line| format!("{}: {}", line.code, line.detail)).collect()
}

/// RFC 8785 of what has names in ASCII and small integers.
fn canonical(value: &Json) -> String {
    fn sorted(value: &Json) -> Json {
        match value {
            Json::Array(items) => items.iter().map(sorted).collect(),
            Json::Object(members) => {
                let mut names: Vec<&String> = members.keys().collect();
                names.sort();
                Json::Object(names.into_iter().map(|name| (name.clone(), sorted(&members[name]))).collect())
            }
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

/// The file of changed members, with the digest that fits them: what somebody writes who knows the format.
fn sealed(value: &Json) -> Vec<u8> {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove("digest");
    let digest = hex::encode(Sha256::digest(canonical(&value)));
    value["digest"] = format!("sha256:{digest}").into();
    format!("{}\n", canonical(&value)).into_bytes()
}

/// The bundle of the newest run of a bench.
fn bundle(bench: &Bench) -> Json {
    bench.run("runs bundle last").exits(0).fits(bench, "bundle").json()
}

#[test]
fn a_run_in_one_file_is_judged_elsewhere_by_that_file_and_a_key() {
    let bench = deployed();
    let said =
        bench.run("runs bundle last -o run.json --format json").exits(0).fits(&bench, "output/runs_bundle").json();
    assert_eq!(said["file"], "run.json");
    bench.run("runs bundle last -o run.json").exits(2);
    let (elsewhere, key) = (Bench::empty(), vkey(&bench));
    fs::copy(bench.path("run.json"), elsewhere.path("run.json")).unwrap();
    let outcome = elsewhere.run_with(&["verify-bundle", "run.json", "--vkey", &key]);
    let text = outcome.exits(0).stdout;
    for line in [
        "ok     format       a bundle of run ID of test/ops",
        "ok     inclusion    every entry is in the log where it says",
        "ok     complete     every entry of the run up to its end is here",
        "ok     status       the entries come to `succeeded`, as it says",
        "ok     plan         what was frozen has the digest DIGEST",
        "ok     procedures   deploy, note as the plan has the digests",
        "ok     actors       they are those that the plan was made with",
        "ok     actor        olga signed for running it",
        "ok     approvals    1 given, each genuine, to this plan, by somebody in the role",
        "ok     waivers      1 uses, each of a waiver that is genuine and lifts its guard",
        "bundle run.json: ok",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // With the keys alone that it carries it proves itself, which is not enough.
    let alone =
        elsewhere.run("verify-bundle run.json --format json").exits(1).fits(&bench, "output/verify_bundle").json();
    assert_eq!(alone["status"], "self_consistent_only");
    assert!(alone["findings"].as_array().unwrap().iter().all(|line| line["ok"] == true), "{alone:#}");
    elsewhere.run("verify-bundle run.json --allow-unanchored").exits(0);
    let other = people("production").procedure("note", CALLED);
    other.run("run note --as olga --key olga.key -p text=first -q").exits(0);
    let other = vkey(&other);
    let refused =
        elsewhere.run_with(&["verify-bundle", "run.json", "--key", &other, "--allow-unanchored"]).exits(1).stdout;
    assert!(refused.contains("wrong  key          it is signed by none of the keys that were given"), "{refused}");
    let wrong_run = ["verify-bundle", "run.json", "--key", &key, "--run", "01a1f84f-5880-7101-8101-010101010101"];
    assert!(elsewhere.run_with(&wrong_run).exits(1).stdout.contains("wrong  run "));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let bench = deployed();
    let id = bench.run("runs --format json").json()["runs"][0]["run"].as_str().unwrap().to_owned();
    let first = bench.run(&format!("runs bundle {id}")).exits(0).raw;
    bench.run("run note --as olga --key olga.key -p text=more -q").exits(0);
    assert_eq!(first, bench.run(&format!("runs bundle {id}")).exits(0).raw);
}

#[test]
fn a_flipped_byte_is_found() {
    let small = Bench::workspace().procedure("note", CALLED);
    small.run("run note -p text=x -q").exits(0);
    // Each byte of a small one; of a large one some, or all where everything is asked for.
    let step = if std::env::var_os("RUNWARDEN_EVERYTHING").is_some() { 1 } else { 97 };
    for (bench, step) in [(small, 1), (deployed(), step)] {
        let (bytes, key) = (bench.run("runs bundle last").exits(0).raw.into_bytes(), vkey(&bench));
        assert_eq!(judged(&bytes, &key).status, Status::Ok, "{:?}", wrong(&judged(&bytes, &key)));
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(!judged(&changed, &key).is_sound(), "byte {at}");
        }
    }
}

/// Every value at the end of a path, changed one at a time.
fn each_changed(value: &Json, see: &mut dyn FnMut(Json, &str), path: &str) {
    match value {
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let mut put = |changed: Json, path: &str| {
                    let mut items = items.clone();
                    items[at] = changed;
                    see(items.into(), path);
                };
                each_changed(item, &mut put, &format!("{path}/{at}"));
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                let mut put = |changed: Json, path: &str| {
                    let mut members: Map<String, Json> = members.clone();
                    members[name] = changed;
                    see(members.into(), path);
                };
                each_changed(member, &mut put, &format!("{path}/{name}"));
            }
        }
        Json::String(text) => {
            let other = |character: char| if character == 'a' { 'b' } else { 'a' };
            let last = text.trim_end().chars().next_back();
            let changed = match last {
                Some(last) => format!("{}{}", &text.trim_end()[..text.trim_end().len() - last.len_utf8()], other(last)),
                None => "a".to_owned(),
            };
            see(changed.into(), path);
            if let Some(middle) = text.char_indices().nth(text.chars().count() / 2) {
                let (at, character) = middle;
                let rest = &text[at + character.len_utf8()..];
                see(format!("{}{}{rest}", &text[..at], other(character)).into(), path);
            }
        }
        Json::Number(number) => see((number.as_u64().unwrap() + 1).into(), path),
        Json::Bool(value) => see((!value).into(), path),
        Json::Null => see(1.into(), path),
    }
}

#[test]
fn a_change_of_any_value_is_found_also_where_the_digest_is_made_anew() {
    let bench = deployed();
    let (whole, key) = (bundle(&bench), vkey(&bench));
    assert_eq!(judged(&sealed(&whole), &key).status, Status::Ok);
    let (mut count, mut passed) = (0, Vec::new());
    let mut see = |changed: Json, path: &str| {
        if path == "/digest" {
            return;
        }
        count += 1;
        if judged(&sealed(&changed), &key).is_sound() {
            passed.push(path.to_owned());
        }
    };
    each_changed(&whole, &mut see, "");
    assert!(count > 150, "{count}");
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn an_entry_that_is_left_out_or_moved_is_found() {
    let bench = deployed();
    let (whole, key) = (bundle(&bench), vkey(&bench));
    let count = whole["entries"].as_array().unwrap().len();
    for at in 0..count {
        let mut without = whole.clone();
        without["entries"].as_array_mut().unwrap().remove(at);
        assert!(!judged(&sealed(&without), &key).is_sound(), "entry in place {at} left out");
        let mut twice = whole.clone();
        let entry = twice["entries"][at].clone();
        twice["entries"].as_array_mut().unwrap().insert(at, entry);
        assert!(!judged(&sealed(&twice), &key).is_sound(), "entry in place {at} twice");
        let mut moved = whole.clone();
        moved["entries"].as_array_mut().unwrap().swap(at, (at + 1) % count);
        assert!(!judged(&sealed(&moved), &key).is_sound(), "entry in place {at} moved");
    }
    // What is cut off at the end is found by the run's own count of its entries, and by its missing end.
    let mut cut = whole.clone();
    cut["entries"].as_array_mut().unwrap().truncate(count - 1);
    let found = wrong(&judged(&sealed(&cut), &key));
    assert!(found.iter().any(|line| line.contains("the run has not ended")), "{found:?}");
}

#[test]
fn what_is_of_another_run_is_found() {
    let bench = deployed();
    let first = bundle(&bench);
    deploy(&bench, "b.json");
    let (second, key) = (bundle(&bench), vkey(&bench));
    assert_ne!(first["run"], second["run"]);
    for (name, member) in first.as_object().unwrap() {
        if name == "digest" || second.get(name) == Some(member) {
            continue;
        }
        let mut swapped = second.clone();
        swapped[name] = member.clone();
        assert!(!judged(&sealed(&swapped), &key).is_sound(), "`{name}` of another run");
        // What both hold side by side is not taken either.
        if let (Some(theirs), Some(ours)) = (member.as_object(), second[name].as_object()) {
            let mut both = second.clone();
            both[name] = ours.iter().chain(theirs).map(|(name, value)| (name.clone(), value.clone())).collect();
            let same = both[name] == second[name];
            assert!(same || !judged(&sealed(&both), &key).is_sound(), "`{name}` of both runs");
        }
    }
}

#[test]
fn consents_are_judged_by_the_actors_that_are_given() {
    let bench = deployed();
    bench.run("runs bundle last -o run.json -q").exits(0);
    let key = vkey(&bench);
    let verify = |bench: &Bench| bench.run_with(&["verify-bundle", "run.json", "--key", &key, "--actors", "mine.yaml"]);
    let mine = bench.read("runwarden.yaml");
    let bench = bench.file("mine.yaml", &mine);
    verify(&bench).exits(0);
    let bench = bench.file("mine.yaml", &mine.replacen("roles: [commander]", "roles: [clerk]", 1));
    let found = verify(&bench).exits(1).stdout;
    assert!(found.contains("who has not the role `commander`"), "{found}");
    let bench = bench.file("mine.yaml", &mine.replace("roles: [commander, owner]", "roles: [commander]"));
    let found = verify(&bench).exits(1).stdout;
    assert!(found.contains("wrong  waivers ") && found.contains("is none of `owner`"), "{found}");
    // A key that was revoked before the run counts for nothing in it.
    let bench = bench.file(
        "mine.yaml",
        &mine.replacen("roles: [commander],", "roles: [commander], revoked_at: '2020-01-01T00:00:00Z',", 1),
    );
    let found = verify(&bench).exits(1).stdout;
    assert!(found.contains("whose key was revoked at"), "{found}");
    bench.file("mine.yaml", "runwarden: v1\n").run("verify-bundle run.json --actors mine.yaml").exits(2);
}

#[test]
fn a_step_that_was_consented_to_is_shown_with_its_inputs() {
    let steps = "steps:\n  - id: put\n    action: file.write\n    with: { path: out.txt, content: x }\n    approval: { from: \
                 [commander] }\n    undo: { action: file.remove, with: { path: out.txt } }\n";
    let bench = people("production").procedure("asks", steps);
    bench.run("run asks --as olga --key olga.key -q").exits(5);
    bench.run("approve last --key ben.key -q").exits(0);
    bench.run("resume last --as olga --key olga.key -q").exits(0);
    let (whole, key) = (bundle(&bench), vkey(&bench));
    let verdict = judged(&sealed(&whole), &key);
    assert_eq!(verdict.status, Status::Ok, "{:?}", wrong(&verdict));
    assert_eq!(whole["facts"]["approvals"][0]["step"], "put");
    assert_eq!(whole["facts"]["approvals"][0]["spent"], true);
    let lines: Vec<&str> = verdict.findings.iter().map(|line| line.detail.as_str()).collect();
    assert!(lines.contains(&"olga and olga signed for running it"), "{lines:#?}");
}

#[test]
fn actors_that_changed_since_the_plan_are_asked_for() {
    let bench = deployed();
    let before = bench.read("runwarden.yaml");
    let bench = bench.file("then.yaml", &before);
    let bench = bench.file("runwarden.yaml", &before.replace("  robot: { class: automation }\n", ""));
    let note = bench.run("runs bundle last -o run.json").exits(0).stderr;
    assert!(note.contains("the actors are others now than when the run was planned"), "{note}");
    let key = vkey(&bench);
    let found = bench.run_with(&["verify-bundle", "run.json", "--key", &key]).exits(1).stdout;
    assert!(found.contains("wrong  actors       those that the plan was made with are not here"), "{found}");
    bench.run_with(&["verify-bundle", "run.json", "--key", &key, "--actors", "then.yaml"]).exits(0);
}

#[test]
fn a_key_that_gave_way_is_followed_forward() {
    let bench = deployed();
    let id = bench.run("runs --format json").json()["runs"][0]["run"].as_str().unwrap().to_owned();
    let old = vkey(&bench);
    bench.run_with(&["key", "rotate", "--reason", "a year is over", "-q"]).exits(0);
    let new = vkey(&bench);
    assert_ne!(old, new);
    bench.run(&format!("runs bundle {id} -o run.json -q")).exits(0);
    for key in [&old, &new] {
        bench.run_with(&["verify-bundle", "run.json", "--key", key]).exits(0);
    }
    let whole = bench.read("run.json");
    let value: Json = serde_json::from_str(&whole).unwrap();
    assert_eq!((value["checkpoints"].as_array().unwrap().len(), value["keys"].as_array().unwrap().len()), (2, 2));
    // The proof of growth binds the two checkpoints.
    let mut cut = value.clone();
    cut["checkpoints"][1].as_object_mut().unwrap().remove("growth");
    assert!(!judged(&sealed(&cut), &new).is_sound());
}

#[test]
fn a_run_that_has_not_ended_has_no_bundle() {
    let bench = consented();
    bench.run("run deploy --as olga --key olga.key --waiver w.json -q").exits(5);
    let refused = bench.run("runs bundle last").exits(1).prints("").stderr;
    assert!(refused.starts_with("error[not-ended]: "), "{refused}");
    bench.run("runs bundle nobody").exits(1);
    bench.run("reject last --key ben.key --reason no -q").exits(0);
    bench.run("runs bundle last -o run.json -q").exits(0);
    let key = vkey(&bench);
    let found = bench.run_with(&["verify-bundle", "run.json", "--key", &key]).exits(0).stdout;
    assert!(found.contains("the entries come to `rejected`, as it says"), "{found}");
}

#[test]
fn a_ledger_that_was_changed_gives_no_bundle() {
    let bench = deployed();
    let conn = rusqlite::Connection::open(bench.path(".runwarden/ledger.db")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER entries_are_not_changed; UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '\"succeeded\"', '\"failed\"') AS BLOB) WHERE kind = 'run.end'",
    )
    .unwrap();
    drop(conn);
    let refused = bench.run("runs bundle last").exits(11).prints("").stderr;
    assert!(refused.starts_with("error[ledger]: "), "{refused}");
}

#[test]
fn what_is_no_bundle_cannot_be_read() {
    let bench = Bench::empty().file("none.json", "{}").file("cut.json", "{\"v\":1,");
    for name in ["none.json", "cut.json"] {
        let found = bench.run(&format!("verify-bundle {name} --format json")).exits(11).json();
        assert_eq!(
            (&found["status"], &found["findings"][0]["code"]),
            (&"unreadable".into(), &"format".into()),
            "{name}"
        );
    }
    bench.run("verify-bundle missing.json").exits(11);
    bench.run("verify-bundle .").exits(11);
    let large = fs::File::create(bench.path("large.json")).unwrap();
    large.set_len(100 << 20).unwrap();
    bench.run("verify-bundle large.json").exits(11);
    bench.run("verify-bundle none.json --key nonsense").exits(2);
    bench.run("verify-bundle none.json --witness nonsense").exits(2);
    bench.run("verify-bundle none.json --run nonsense").exits(2);
}

#[test]
fn an_attestation_has_a_key_of_its_own() {
    let bench = deployed();
    let report = |key: &str| bench.run_with(&["runs", "report", "last", "--format", "intoto", "--signing-key", key]);
    for (key, whose) in [(".runwarden/ledger.key", "the ledger"), ("ada.key", "actor `ada`")] {
        let refused = report(key).exits(2).prints("").stderr;
        assert!(refused.contains(&format!("the key is that of {whose}; one key has one role")), "{refused}");
    }
    bench.run("runs report last --format intoto").exits(2);
    bench.run("runs --format intoto").exits(2);
    bench.run("key generate attestation.key --role attestation --name pipeline").exits(0);
    let envelope = report("attestation.key").exits(0).fits(&bench, "output/intoto").json();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    assert_eq!(report("attestation.key").json(), envelope, "the same run has the same");
    bench.run("runs report last --format intoto --signing-key attestation.key -o run.intoto.json -q").exits(0);
    bench.run("runs report last --format intoto --signing-key attestation.key -o run.intoto.json -q").exits(2);
}
