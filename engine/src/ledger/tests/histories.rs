//! History and content: what expressions, limits and `once_failed` are told.

use serde_json::{Map, Value, json};

use super::*;
use crate::event;
use crate::id::Digest;
use crate::ledger::content::{Content, MAX_INLINE};
use crate::ledger::history::{Outcome, Query, RunRow, Tried};
use crate::time::Duration;

fn ids(rows: &[RunRow]) -> Vec<u8> {
    rows.iter().map(|row| (1..=9).find(|number| run(*number) == row.run).unwrap()).collect()
}

fn minutes(count: i64) -> Duration {
    Duration::from_seconds(60 * count)
}

/// Runs 1 to 5 of two procedures, ten minutes apart: succeeded, failed, suspended, unknown, running.
fn busy() -> (Place, Ledger) {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let names = ["kora.dr_epoch_bump", "kora.clear_pause", "forge.check", "kora.clear_pause", "koralle.dive"];
    for (number, name) in (1..).zip(names) {
        ledger.append(at(i64::from(number) * 600), &[begin(&run(number), name)]).unwrap();
        let last = match number {
            1 => end(&run(number), "succeeded"),
            2 => of(
                &run(number),
                Kind::RunEnd,
                json!({ "status": "failed", "outputs": {}, "error": { "code": "epoch_not_monotonic" } }),
            ),
            3 => of(&run(number), Kind::RunSuspended, json!({})),
            4 => of(&run(number), Kind::OutcomeUnknown, json!({})),
            _ => of(&run(number), Kind::StepIntent, json!({})),
        };
        ledger.append(at(i64::from(number) * 600 + 1), &[last]).unwrap();
    }
    (place, ledger)
}

#[test]
fn runs_are_listed_newest_first_by_pattern_status_and_time() {
    let (_place, ledger) = busy();
    let history = ledger.history();
    let runs = |query: Query<'_>| ids(&history.runs(&query).unwrap());
    assert_eq!(runs(Query::default()), [5, 4, 3, 2, 1]);
    let pattern = |pattern| Query { pattern: Some(pattern), ..Query::default() };
    assert_eq!(runs(pattern("*")), [5, 4, 3, 2, 1]);
    assert_eq!(runs(pattern("kora.*")), [4, 2, 1]);
    assert_eq!(runs(pattern("kora.clear_pause")), [4, 2]);
    assert_eq!(runs(pattern("kora.clear")), [0_u8; 0]);
    assert_eq!(runs(pattern("kora*")), [0_u8; 0]);
    let status = |status| Query { status: Some(status), ..Query::default() };
    for (number, word) in (1..).zip(["succeeded", "failed", "suspended", "unknown", "running"]) {
        assert_eq!(runs(status(word)), [number]);
    }
    let within = |window, now| Query { within: Some((window, at(now))), ..Query::default() };
    assert_eq!(runs(within(minutes(20), 3_600)), [5, 4]);
    assert_eq!(runs(within(minutes(20), 3_601)), [5]);
    let others = Query { except: Some(&run(5)), ..within(minutes(20), 3_600) };
    assert_eq!(runs(others), [4]);
}

#[test]
fn a_row_has_what_an_expression_may_ask() {
    let (_place, ledger) = busy();
    let history = ledger.history();
    let rows = history.runs(&Query { pattern: Some("kora.*"), ..Query::default() }).unwrap();
    assert_eq!(
        rows[1].to_value(),
        json!({
            "run": run(2),
            "procedure": "kora.clear_pause",
            "status": "failed",
            "started_at": "2026-11-20T09:55:12.000000Z",
            "ended_at": "2026-11-20T09:55:13.000000Z",
            "parameters": { "workspace_id": "org_a" },
            "outputs": {},
            "error": { "code": "epoch_not_monotonic" },
        })
    );
    assert!(rows[1].has_ended());
    assert!(!rows[0].has_ended());
    assert_eq!(history.run(&run(2)).unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(history.run(&run(9)).unwrap(), None);
}

#[test]
fn a_run_did_nothing_where_it_ended_without_success_before_an_effect_was_begun() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let answer =
        |step: Option<&str>| Draft { step: step.map(str::to_owned), ..of(&run(1), Kind::ManualAnswered, json!({})) };
    let cases: [(&[Draft], &str, bool); 10] = [
        (&[], "failed", true),
        (&[], "refused", true),
        (&[], "cancelled", true),
        (&[], "succeeded", false),
        (&[], "", false),
        (&[of(&run(1), Kind::StepResult, json!({ "state": "failed" }))], "failed", true),
        (&[answer(None)], "failed", true),
        (&[answer(Some("ask"))], "failed", false),
        (&[of(&run(1), Kind::StepIntent, json!({ "action": "file.write" }))], "rejected", false),
        (&[of(&run(1), Kind::GateResult, json!({}))], "failed", false),
    ];
    for (number, (between, status, expected)) in (1..).zip(cases) {
        let id = run(number);
        let mut drafts = vec![begin(&id, "forge.check")];
        drafts.extend(between.iter().map(|draft| Draft { run: Some(id.clone()), ..draft.clone() }));
        drafts.extend((!status.is_empty()).then(|| end(&id, status)));
        ledger.append(at(i64::from(number)), &drafts).unwrap();
        let row = ledger.history().run(&id).unwrap().unwrap();
        assert_eq!(row.did_nothing, expected, "case {number}: {status}");
    }
}

#[test]
fn a_call_did_nothing_where_nothing_was_begun_below_its_step() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let there = |step: &str, kind: Kind, data: Value| Draft { step: Some(step.to_owned()), ..of(&run(1), kind, data) };
    let call = |step: &str| {
        there(step, Kind::PlanRecorded, json!({ "call": { "procedure": "forge.check", "parameters": {} } }))
    };
    let failed = |step: &str| there(step, Kind::StepResult, json!({ "state": "failed" }));
    let effect = |step: &str| there(step, Kind::StepIntent, json!({ "action": "file.write" }));
    let drafts = [begin(&run(1), "forge.all"), effect("before"), call("sub"), failed("sub"), effect("subway/x")];
    ledger.append(at(1), &drafts).unwrap();
    let query = Query { pattern: Some("forge.check"), with_calls: true, ..Query::default() };
    let did_nothing = |ledger: &Ledger| ledger.history().runs(&query).unwrap()[0].did_nothing;
    assert!(did_nothing(&ledger));
    // Its run goes on, and the call with it.
    ledger.append(at(2), &[effect("sub/write")]).unwrap();
    assert!(!did_nothing(&ledger));
}

#[test]
fn a_run_is_resumed_or_resolved_and_runs_again() {
    let (_place, mut ledger) = busy();
    ledger.append(at(9_000), &[of(&run(3), Kind::RunResumed, json!({}))]).unwrap();
    ledger.append(at(9_000), &[of(&run(4), Kind::OutcomeResolved, json!({}))]).unwrap();
    let query = Query { status: Some("running"), ..Query::default() };
    assert_eq!(ids(&ledger.history().runs(&query).unwrap()), [5, 4, 3]);
}

#[test]
fn a_clock_set_back_does_not_take_a_run_out_of_its_window() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    ledger.append(at(100_000), &[draft(Kind::Heartbeat, json!({}))]).unwrap();
    // Set back by more than a day for one run, and right again afterwards.
    ledger.append(at(10), &[begin(&run(1), "demo.first"), end(&run(1), "succeeded")]).unwrap();
    ledger.append(at(100_060), &[begin(&run(2), "demo.first")]).unwrap();
    let history = ledger.history();
    let query = Query { within: Some((minutes(60), at(100_120))), ..Query::default() };
    assert_eq!(ids(&history.runs(&query).unwrap()), [2, 1]);
    // And one that asks with a clock that is behind is told of everything since.
    let query = Query { within: Some((minutes(60), at(20))), ..Query::default() };
    assert_eq!(ids(&history.runs(&query).unwrap()), [2, 1]);
    let query = Query { within: Some((minutes(60), at(100_000 + 3_601))), ..Query::default() };
    assert_eq!(ids(&history.runs(&query).unwrap()), [2]);
}

#[test]
fn what_was_tried_on_the_same_inputs_is_remembered_across_runs() {
    let (place, mut ledger) = busy();
    let (a, b) = (Digest::of(b"a").to_string(), Digest::of(b"b").to_string());
    let result = |number, kind, data| of(&run(number), kind, data);
    let check = |subject: Option<&str>, passed: bool| {
        let mut data = json!({ "check": "whole", "action": "ledger.verify", "with_digest": a, "verdict": if passed { "passed" } else { "not_met" } });
        if let Some(subject) = subject {
            data["subject"] = subject.into();
        }
        data
    };
    let drafts = [
        result(1, Kind::VerifyResult, check(Some("sha256:s1"), false)),
        result(1, Kind::PreconditionResult, check(Some("sha256:s2"), false)),
        result(2, Kind::VerifyResult, check(Some("sha256:s2"), true)),
        result(2, Kind::VerifyResult, check(None, true)),
        result(3, Kind::StepResult, json!({ "action": "http.post", "with_digest": b, "state": "timed_out" })),
        result(3, Kind::GuardVerdict, json!({ "action": "http.post", "with_digest": b, "state": "succeeded" })),
    ];
    let done = ledger.append(at(9_000), &drafts).unwrap();
    ledger.close(at(9_001)).unwrap();
    let (reader, _scratch) = place.reader();
    let history = reader.history();
    let last =
        |action, with_digest: &str, subject| history.last_result(&Tried { action, with_digest, subject }).unwrap();
    let found = last("ledger.verify", &a, Some("sha256:s1")).unwrap();
    assert_eq!((found.seq, &found.outcome, found.run), (done[0].seq, &Outcome::Passed(false), Some(run(1))));
    assert!(found.outcome.has_failed());
    assert_eq!(last("ledger.verify", &a, Some("sha256:s2")).unwrap().seq, done[2].seq);
    assert_eq!(last("ledger.verify", &a, None).unwrap().seq, done[3].seq);
    assert_eq!(last("ledger.verify", &b, None), None);
    assert_eq!(last("ledger.entries", &a, None), None);
    let found = last("http.post", &b, None).unwrap();
    assert_eq!((found.kind, found.seq), (Kind::StepResult, done[4].seq));
    assert!(found.outcome.has_failed());
    assert!(!Outcome::State("unknown".to_owned()).has_failed());
}

#[test]
fn what_is_too_large_is_kept_beside_the_ledger_and_comes_back_whole() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let large = json!({ "log": "x".repeat(100_000), "ratio": 0.5, "exit": 0 });
    let data = json!({ "status": "succeeded", "outputs": event::record(&large) });
    let data = ledger.content().fit(data.as_object().unwrap()).unwrap();
    assert_eq!(data["outputs"]["log"]["size"], 100_002);
    assert_eq!(data["outputs"]["exit"], 0);
    ledger.append(at(2), &[begin(&run(1), "demo.first"), Draft { data, ..end(&run(1), "") }]).unwrap();
    let row = ledger.history().run(&run(1)).unwrap().unwrap();
    assert_eq!(row.outputs, large);
    drop(ledger);
    let (reader, _scratch) = place.reader();
    assert_eq!(reader.history().run(&run(1)).unwrap().unwrap().outputs, large);
    assert_eq!(place.verify(&[]).problems, []);
}

#[track_caller]
fn fits_and_comes_back(data: &Value) -> Map<String, Value> {
    let place = Place::new();
    let content = Content::of(&place.path);
    let fitted = content.fit(data.as_object().unwrap()).unwrap();
    assert_eq!(content.unfit(&Value::Object(fitted.clone())).unwrap(), *data);
    let mut ledger = place.open().unwrap();
    ledger.append(at(2), &[Draft::new(Kind::StepResult, fitted.clone())]).unwrap();
    fitted
}

#[test]
fn whatever_its_shape_data_is_made_to_fit() {
    let fitted = fits_and_comes_back(&json!({ "small": 1, "text": "a".repeat(MAX_INLINE - 2) }));
    assert!(fitted["text"].is_string());
    let fitted = fits_and_comes_back(&json!({ "text": "a".repeat(MAX_INLINE - 1) }));
    assert!(fitted["text"].is_object());
    // Many small members of one value, many middling members side by side, and control characters that grow when spelled.
    let many: Map<String, Value> = (0..20_000).map(|number| (format!("k{number}"), json!(number))).collect();
    let fitted = fits_and_comes_back(&json!({ "outputs": many, "state": "succeeded" }));
    assert!(fitted["outputs"].get("$content").is_some());
    assert_eq!(fitted["state"], "succeeded");
    let side_by_side: Map<String, Value> =
        (0..9).map(|number| (format!("k{number}"), json!("a".repeat(15_000)))).collect();
    fits_and_comes_back(&Value::Object(side_by_side));
    fits_and_comes_back(&json!({ "list": vec!["\u{1}".repeat(5_000); 40] }));
}

#[test]
fn a_value_that_looks_like_a_reference_is_not_taken_for_one() {
    let place = Place::new();
    let content = Content::of(&place.path);
    let secret = content.put(b"\"another's\"").unwrap();
    let data = json!({ "outputs": { "$content": secret, "size": 11 } });
    let fitted = fits_and_comes_back(&data);
    assert_ne!(fitted["outputs"], data["outputs"]);
}

#[test]
fn content_that_is_missing_or_changed_is_named() {
    let place = Place::new();
    let content = Content::of(&place.path);
    let digest = content.put(b"what was said").unwrap();
    assert_eq!(content.get(&digest).unwrap(), b"what was said");
    assert_eq!(content.put(b"what was said").unwrap(), digest);
    let path = files::beside(&place.path, ".content").join(&digest.hex()[..2]).join(digest.hex());
    std::fs::write(&path, "something else").unwrap();
    let error = content.get(&digest).unwrap_err().to_string();
    assert!(error.contains(&format!("its content has the digest {}", Digest::of(b"something else"))), "{error}");
    // Putting it again repairs it.
    content.put(b"what was said").unwrap();
    assert_eq!(content.get(&digest).unwrap(), b"what was said");
    std::fs::remove_file(&path).unwrap();
    assert!(content.get(&digest).unwrap_err().to_string().ends_with("it is not there"));
}

#[test]
fn a_history_of_thousands_of_runs_is_told_without_delay() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    for batch in 0..10_u16 {
        let drafts: Vec<Draft> = (0..200_u16)
            .flat_map(|number| {
                let mut random = [0; 10];
                random[..2].copy_from_slice(&(batch * 200 + number).to_be_bytes());
                let id = RunId::from_parts(1_795_167_312_000, &random);
                [begin(&id, "demo.first"), end(&id, "succeeded")]
            })
            .collect();
        ledger.append(at(2), &drafts).unwrap();
    }
    assert_eq!(ledger.history().runs(&Query::default()).unwrap().len(), 2_000);
}
