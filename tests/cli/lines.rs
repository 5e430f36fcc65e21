//! `ledger` over logs of JSON Lines that other systems write. Their hashes were made with Python's hashlib and json.

use std::fs;

use super::bench::Bench;

const AUDIT: &str = concat!(
    r#"{"ts":"2026-11-20T09:42:40.725743+00:00","scenario_id":"scn-0002","event_type":"scenario.create","actor":"user-1","correlation_id":"req-0","details":{"track":"netplus","note":"caf\u00e9 \ud83d\udd12","x":1.0,"y":1e-05,"big":12345678901234567890123},"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","entry_hash":"51a2b5ff76f116c28b42225ee6db5a36e162aaae82971d2c87df9b1e305da94b"}"#,
    "\n",
    r#"{"ts":"2026-11-20T09:42:41.725743+00:00","scenario_id":"scn-0002","event_type":"score.finalized","actor":"user-1","correlation_id":"req-1","details":{"del":"\u007f","score":0.3,"n":NaN},"prev_hash":"51a2b5ff76f116c28b42225ee6db5a36e162aaae82971d2c87df9b1e305da94b","entry_hash":"75c9bae0b7ed63911fb403f9a34bf12c59ffe411ae795fa7e506b4eff74b90a4"}"#,
    "\n",
);
const SEAL: &str = r#"{"chain_hash":"6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918","count":2}"#;
const CHAIN: &str = "--driver hash_chain --recipe audit --ledger audit.jsonl";
const LOG: &str = "--driver digest_log --ledger events.jsonl";

fn bench() -> Bench {
    Bench::empty().file("audit.jsonl", AUDIT).file("events.jsonl", "1\n2\n").file("challenges_chain_meta.json", SEAL)
}

#[test]
fn a_hash_chain_is_verified_and_each_fault_has_its_line() {
    let bench = bench();
    bench.run(&format!("ledger verify {CHAIN}")).exits(1).prints(
        "audit.jsonl: self_consistent_only: hash_chain ledger (audit), 2 entries in 1 run\n  \
         it agrees with itself, and nothing outside it says that it is whole: lines cut from its end or a history made \
         anew are not found; give a recorded head with `--anchor FILE`",
    );
    bench.run(&format!("ledger verify {CHAIN} --allow-unanchored --run scn-0002")).exits(0);
    bench.run(&format!("ledger verify {CHAIN} --allow-unanchored --run scn-2")).exits(1);
    fs::write(bench.path("audit.jsonl"), AUDIT.replace("user-1", "user-2")).unwrap();
    let report =
        bench.run(&format!("ledger verify {CHAIN} --format json")).exits(1).fits(&bench, "output/ledger_verify").json();
    assert_eq!((&report["status"], report["problems"].as_array().unwrap().len()), (&"broken".into(), 2));
    assert_eq!((&report["problems"][1]["code"], &report["problems"][1]["seq"]), (&"hash_mismatch".into(), &2.into()));
}

#[test]
fn a_digested_log_is_compared_with_its_seal_and_a_virgin_one_is_never_sealed() {
    let bench = bench();
    bench.run(&format!("ledger verify {LOG} --allow-unanchored")).exits(0);
    fs::write(bench.path("elsewhere.json"), r#"{"chain_hash":"","count":0}"#).unwrap();
    bench.run(&format!("ledger verify {LOG} --seal elsewhere.json --allow-unanchored")).exits(1);
    fs::write(bench.path("events.jsonl"), "").unwrap();
    let virgin = bench.run(&format!("ledger verify {LOG} --seal elsewhere.json --format json")).exits(1).json();
    assert_eq!((&virgin["status"], virgin["problems"].as_array().unwrap().len()), (&"never_sealed".into(), 0));
    bench.run(&format!("ledger verify {LOG} --allow-unanchored")).exits(1);
}

#[test]
fn a_recorded_head_finds_what_the_log_alone_does_not() {
    let bench = bench();
    for (whose, log) in [(CHAIN, "audit.jsonl"), (LOG, "events.jsonl")] {
        let head = bench.run(&format!("anchor export {whose} -o {log}.head")).exits(0).prints("");
        head.says(&format!("wrote {log}.head"));
        bench.run(&format!("anchor export {whose} -o {log}.head")).exits(2);
        let verify = format!("ledger verify {whose} --anchor {log}.head");
        let report = bench.run(&format!("{verify} --format json")).exits(0).fits(&bench, "output/ledger_verify").json();
        assert_eq!((&report["status"], &report["anchors"][0]["size"]), (&"ok".into(), &2.into()));
        bench.run(&format!("{verify} --max-age 1h")).exits(0);
        assert_eq!(
            bench.run(&format!("{verify} --max-age 0s --format json")).exits(1).json()["status"],
            "anchor_stale"
        );
        let gone = bench.run(&format!("ledger verify {whose} --anchors nowhere --format json")).exits(1).json();
        assert_eq!(gone["status"], "anchor_missing");
    }
    // One line less, and everything else as it should be.
    let first = AUDIT.lines().next().unwrap();
    fs::write(bench.path("audit.jsonl"), format!("{first}\n")).unwrap();
    bench.run(&format!("ledger verify {CHAIN} --allow-unanchored")).exits(0);
    let cut = bench.run(&format!("ledger verify {CHAIN} --anchor audit.jsonl.head --format json")).exits(1).json();
    assert_eq!(cut["status"], "truncated");
    fs::write(bench.path("audit.jsonl"), AUDIT.replace("user-1", "user-2")).unwrap();
    bench.run(&format!("anchor export {CHAIN}")).exits(1);
}

#[test]
fn lines_are_shown_as_they_are() {
    let bench = bench();
    bench.run(&format!("ledger tail -n 1 {LOG}")).exits(0).prints("     2 2");
    let shown = bench
        .run(&format!("ledger show {CHAIN} --from 2 --run scn-0002 --format json"))
        .exits(0)
        .fits(&bench, "output/ledger_entries")
        .json();
    assert_eq!((&shown["entries"][0]["line"], &shown["entries"][0]["entry"]["actor"]), (&2.into(), &"user-1".into()));
    bench.run(&format!("ledger show {CHAIN} --run none")).exits(1);
}

#[test]
fn what_cannot_be_asked_of_them_is_refused() {
    let bench = bench();
    for wrong in [
        "ledger verify --driver hash_chain --ledger audit.jsonl".to_owned(),
        "ledger verify --driver hash_chain --recipe audit".to_owned(),
        "ledger verify --recipe audit --ledger audit.jsonl".to_owned(),
        "ledger verify --seal x --driver hash_chain --recipe audit --ledger audit.jsonl".to_owned(),
        format!("ledger verify {LOG} --run x"),
        format!("ledger verify {LOG} --key audit.jsonl"),
        format!("ledger verify {LOG} --seal events.jsonl"),
        format!("ledger show {LOG} --run x"),
        format!("ledger show {CHAIN} --kind x"),
        format!("ledger head {CHAIN}"),
        format!("anchor export {CHAIN} --run scn-0002"),
        format!("anchor verify {CHAIN} head.json"),
        "anchor export".to_owned(),
    ] {
        bench.run(&wrong).exits(2);
    }
    bench.run("ledger verify --driver digest_log --ledger none.jsonl").exits(11);
    bench.run("ledger show --driver digest_log --ledger none.jsonl").exits(11);
}
