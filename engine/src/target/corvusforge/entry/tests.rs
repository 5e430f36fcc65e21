//! Corvusforge's entries: their hashes in each dialect, as Python computes them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

const ENTRY: Fields<'static> = Fields {
    entry_id: "00000000-0000-4000-8000-000000000001",
    run_id: "cf-golden-0001",
    stage_id: "s0_intake",
    state_transition: "not_started->running",
    timestamp_utc: "2026-02-26T14:30:00+00:00",
    input_hash: "",
    output_hash: "",
    artifact_refs_json: "[]",
    pipeline_version: "0.1.0",
    schema_version: "2026-02",
    toolchain_version: "pydantic-v2.10+typer+rich+hatchling",
    ruleset_versions_json: r#"{"accessibility": "wcag-2.1-aa", "security": "1.0.0"}"#,
    waiver_refs_json: "[]",
    payload_hash: "",
    previous_entry_hash: "",
    trust_context_json: "{}",
    trust_context_version: "1",
};

/// The four golden entries as Corvusforge 0.4.0 stored them, each naming the hash before it.
fn golden(previous: [&str; 4]) -> [Fields<'_>; 4] {
    let first = Fields { previous_entry_hash: previous[0], ..ENTRY };
    let second = Fields {
        entry_id: "00000000-0000-4000-8000-000000000002",
        state_transition: "running->passed",
        timestamp_utc: "2026-02-26T14:30:00.100000+00:00",
        input_hash: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        output_hash: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        artifact_refs_json: r#"["sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"]"#,
        waiver_refs_json: r#"["w-1", "w-2"]"#,
        payload_hash: "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
        previous_entry_hash: previous[1],
        trust_context_json: r#"{"waiver_signing_key_fp": "0123456789abcdef", "anchor_key_fp": "", "plugin_trust_root_fp": ""}"#,
        ..ENTRY
    };
    let third = Fields {
        entry_id: "00000000-0000-4000-8000-000000000003",
        stage_id: "caf\u{e9} \u{4e16}\u{754c} \u{1f512} \"q\" \\ / \t\n\r\u{8}\u{c}\0\u{1f}\u{7f}",
        state_transition: "envelope:envelope.sent",
        timestamp_utc: "2026-02-26T16:30:00.000007+02:00",
        ruleset_versions_json: r#"{"security": "1.0.0", "\u00e9": "x", "a": "\ud83d\ude00", "Z": ""}"#,
        previous_entry_hash: previous[2],
        ..ENTRY
    };
    let fourth = Fields {
        entry_id: "00000000-0000-4000-8000-000000000004",
        stage_id: "s1_prerequisites",
        timestamp_utc: "2026-02-26T09:00:00.123456-05:30",
        previous_entry_hash: previous[3],
        ..ENTRY
    };
    [first, second, third, fourth]
}

#[track_caller]
fn check(dialect: Dialect, hashes: [&str; 4]) {
    let entries = golden(["", hashes[0], hashes[1], hashes[2]]);
    for (fields, hash) in entries.iter().zip(hashes) {
        let examined = examine(fields, dialect);
        assert_eq!((examined.hash.as_deref(), &*examined.noted), (Some(hash), &[][..]));
        assert_eq!(entry_hash(fields, dialect).unwrap(), hash);
    }
}

#[test]
fn the_golden_entries_have_the_hashes_that_corvusforge_gave_them() {
    check(
        Dialect::L3,
        [
            "de02f606c04493ae53494de1f0df78b4d41b7b9a5b78c5cea5cae6c1312c808f",
            "31e8d582f3b9a779d1134a5d2c6ab9ee72936a6716cacb92595e5a9c9ad749d0",
            "0b5bb5f417c9105597f1c9abfa5fab9f7a930d53a7e9a0c159b45e5e2f71016d",
            "fdd29922b34881ba16343e662b421878c0d0a3a185fdfa26eeb9fd53e12c2ec4",
        ],
    );
}

/// Computed with Python's `json.dumps` and `hashlib` over the golden entries without what the dialect lacks.
#[test]
fn the_older_dialects_leave_out_what_they_lack() {
    check(
        Dialect::L2,
        [
            "2f906459ccf38354979415b31facd99bb68d72c392914048bc6e742030e1ada7",
            "6fe5da38511e725a222167aafca7bd7f7af9b90a3c3d45bd92c341fca3adbad7",
            "7bdb0b7db45bde1ef7c1221e292f51d293126419fa5a962c445fabefc13ff626",
            "bf97167cc1c48022f56955dfbc9f3bb33aac4c89eb5a847e56f9b13dd6f66ef8",
        ],
    );
    check(
        Dialect::L1,
        [
            "478ddd0ddc47cc7abea037e924f865aec59a52921d4bdb6e47c4b8c941e46a59",
            "9f6e8502f8360bd454813fa20d06f2a3f4f1697ab9829b82defeab3763855404",
            "a2cba5a154256b35eb6466e6c22452fffa8452ab93f8f6816f6518c2325e974e",
            "7aa1162307fc1e7a108ab42218df402142e8cfb3ca2187c4b9fd61f17ea7bdeb",
        ],
    );
}

#[test]
fn the_first_golden_preimage_is_the_one_in_the_record() {
    let structured = Structured {
        at: &Stamp::parse(ENTRY.timestamp_utc).unwrap(),
        artifacts: python_json::parse(ENTRY.artifact_refs_json).unwrap().value,
        rulesets: python_json::parse(ENTRY.ruleset_versions_json).unwrap().value,
        waivers: python_json::parse(ENTRY.waiver_refs_json).unwrap().value,
        trust: python_json::parse(ENTRY.trust_context_json).unwrap().value,
    };
    let bytes = preimage(&ENTRY, &structured, Dialect::L3);
    assert_eq!(bytes.len(), 534);
    assert!(bytes.starts_with(r#"{"artifact_references":[],"entry_id":"00000000-0000-4000-8000-000000000001","#));
    assert!(bytes.ends_with(r#","trust_context":{},"trust_context_version":"1","waiver_references":[]}"#));
}

#[track_caller]
fn notes(fields: &Fields<'_>, expected: &[Fault]) {
    let examined = examine(fields, Dialect::L3);
    let faults: Vec<_> = examined.noted.iter().map(|noted| noted.fault).collect();
    assert_eq!(faults, expected, "{:?}", examined.noted);
}

#[test]
fn another_spelling_gives_the_same_hash_and_is_told() {
    let hash = entry_hash(&ENTRY, Dialect::L3).unwrap();
    let time = Fields { timestamp_utc: "2026-02-26 14:30:00Z", ..ENTRY };
    let spaced = Fields { artifact_refs_json: "[ ]", ..ENTRY };
    let twice = Fields {
        ruleset_versions_json: r#"{"accessibility": "", "accessibility": "wcag-2.1-aa", "security": "1.0.0"}"#,
        ..ENTRY
    };
    for (fields, fault) in
        [(time, Fault::RespelledTimestamp), (spaced, Fault::RespelledJson), (twice, Fault::DuplicateJsonKeys)]
    {
        assert_eq!(entry_hash(&fields, Dialect::L3).unwrap(), hash);
        notes(&fields, &[fault]);
    }
}

#[test]
fn what_the_model_refuses_is_malformed_each_column_by_itself() {
    let fields = Fields {
        timestamp_utc: "yesterday",
        artifact_refs_json: "[1]",
        ruleset_versions_json: "{",
        waiver_refs_json: "{}",
        trust_context_json: r#"{"a": 1.5}"#,
        ..ENTRY
    };
    notes(&fields, &[Fault::MalformedRow; 5]);
    let told = entry_hash(&fields, Dialect::L3).unwrap_err().detail;
    for column in
        ["timestamp_utc", "artifact_refs_json", "ruleset_versions_json", "waiver_refs_json", "trust_context_json"]
    {
        assert!(told.contains(column), "{told}");
    }
}

#[test]
fn an_older_dialect_does_not_look_at_the_trust_context() {
    let fields = Fields { trust_context_json: "nonsense", trust_context_version: "9", ..ENTRY };
    assert_eq!(entry_hash(&fields, Dialect::L1), entry_hash(&ENTRY, Dialect::L1));
}
