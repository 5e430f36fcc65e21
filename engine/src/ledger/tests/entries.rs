//! The bytes of entries: golden ones, what is refused, and that the fast check agrees with spelling them anew.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::ledger::canonical;
use crate::ledger::entry::{self, Fields, Likely, MAX_BODY, NotAnEntry};

const PREV: Hash = [0xab; 32];
const TS: &str = "2026-11-20T09:35:14.000000Z";

/// RFC 8785's own samples, by cyberphone/json-canonicalization (Apache-2.0), those without floats.
const CANONICAL: [&str; 4] = [
    r#"{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}"#,
    r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#,
    "{\"Unnormalized Unicode\":\"A\u{30a}\"}",
    "{\"\\n\":\"Newline\",\"\\r\":\"Carriage Return\",\"1\":\"One\",\"</script>\":\"Browser Challenge\",\"\u{80}\":\"Control\u{7f}\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😂\":\"Smiley\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
];

/// The other two of those samples, which have floats: what is given, and its canonical form.
const WITH_FLOATS: [[&str; 2]; 2] = [
    [r#"[56, {"d": true, "10": null, "1": []}]"#, r#"[56,{"1":[],"10":null,"d":true}]"#],
    [
        r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
         \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
    ],
];

/// RFC 8785 appendix B: the bits of a double, and how it is spelled.
const DOUBLES: [(u64, &str); 24] = [
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

fn intent() -> Draft {
    Draft {
        kind: Kind::StepIntent,
        run: Some(run(1)),
        step: Some("rotate[\"b\"]".to_owned()),
        attempt: Some(2),
        actor: Some("op:zoë".to_owned()),
        data:
            json!({ "z": 1, "with": { "host": "db-1", "tries": -3 }, "\u{1f512}": null, "\u{fb33}": [true, "\u{1}\n"] })
                .as_object()
                .unwrap()
                .clone(),
    }
}

#[test]
fn an_entry_has_these_bytes_and_this_leaf_hash() {
    let body = entry::write(&intent(), 2, &PREV, TS).unwrap();
    let expected = concat!(
        r#"{"actor":"op:zoë","attempt":2,"data":{"with":{"host":"db-1","tries":-3},"z":1,"#,
        "\"\u{1f512}\":null,\"\u{fb33}\":[true,\"\\u0001\\n\"]},",
        r#""kind":"step.intent","#,
        r#""prev":"abababababababababababababababababababababababababababababababab","#,
        r#""run":"01a1f84f-5880-7101-8101-010101010101","seq":2,"step":"rotate[\"b\"]","#,
        r#""ts":"2026-11-20T09:35:14.000000Z","v":1}"#
    );
    assert_eq!(String::from_utf8(body.clone()).unwrap(), expected);
    assert_eq!(hex::encode(leaf_hash(&body)), "5cdce42622c8d96808c73190bcde6a2779880b58c000642a1910d5a842a40785");
}

#[test]
fn an_entry_says_what_it_was_written_from() {
    let body = entry::write(&intent(), 2, &PREV, TS).unwrap();
    let draft = intent();
    let expected = entry::Entry {
        seq: 2,
        prev: PREV,
        ts: Timestamp::parse(TS).unwrap(),
        kind: draft.kind,
        run: draft.run,
        step: draft.step,
        attempt: draft.attempt,
        actor: draft.actor,
        data: draft.data,
    };
    assert_eq!(entry::read(&body).unwrap(), expected);
}

#[test]
fn a_genesis_has_these_bytes() {
    let place = Place::new();
    let (reader, _scratch) = place.reader();
    let genesis = reader.entry(0).unwrap().unwrap();
    assert_eq!(
        String::from_utf8(genesis.body).unwrap(),
        concat!(
            r#"{"data":{"hash":"rfc6962-sha256","ledger":"0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11","#,
            r#""origin":"example.org/ledger/test","#,
            r#""vkey":"example.org/ledger/test+97d901c0+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"},"kind":"ledger.genesis","#,
            r#""prev":"0000000000000000000000000000000000000000000000000000000000000000","#,
            r#""seq":0,"ts":"2026-11-20T09:35:12.000000Z","v":1}"#
        )
    );
}

#[test]
fn the_published_canonical_forms_pass() {
    for text in CANONICAL {
        canonical::scan(text.as_bytes(), &mut |_, _, _| {}).unwrap_or_else(|flaw| panic_on(text, &flaw));
    }
}

#[test]
fn what_is_spelled_for_digests_and_signatures_is_spelled_as_rfc_8785_says() {
    let spelled = |value: &Value| String::from_utf8(serde_json_canonicalizer::to_vec(value).unwrap()).unwrap();
    for text in CANONICAL {
        assert_eq!(spelled(&serde_json::from_str(text).unwrap()), text);
    }
    for [given, canonical] in WITH_FLOATS {
        assert_eq!(spelled(&serde_json::from_str(given).unwrap()), canonical);
    }
    for (bits, canonical) in DOUBLES {
        assert_eq!(spelled(&json!(f64::from_bits(bits))), canonical, "{bits:016x}");
    }
    assert!(serde_json_canonicalizer::to_vec(&f64::NAN).is_err());
    assert!(serde_json_canonicalizer::to_vec(&f64::INFINITY).is_err());
}

#[expect(clippy::panic, reason = "a test fails by panicking")]
fn panic_on(text: &str, flaw: &canonical::Flaw) {
    panic!("{text}: {flaw}")
}

#[test]
fn any_other_spelling_is_refused() {
    for text in [
        "",
        "[]",
        "null",
        "{",
        "{}{}",
        "{} ",
        " {}",
        r#"{"a":1,}"#,
        r#"{"a": 1}"#,
        r#"{"b":1,"a":2}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":01}"#,
        r#"{"a":-0}"#,
        r#"{"a":+1}"#,
        r#"{"a":-}"#,
        r#"{"a":1.0}"#,
        r#"{"a":1e3}"#,
        r#"{"a":1E3}"#,
        r#"{"a":9007199254740992}"#,
        r#"{"a":-9007199254740992}"#,
        r#"{"a":123456789012345678901234567890}"#,
        r#"{"a":NaN}"#,
        r#"{"a":True}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[1 ,2]}"#,
        r#"{"a":"\u0041"}"#,
        r#"{"a":"\u000a"}"#,
        r#"{"a":"\u001F"}"#,
        r#"{"a":"\/"}"#,
        r#"{"a":"\ud83d\ude02"}"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"",
        "{a:1}",
        // U+FB33 is before U+1F602 by code point and after it by UTF-16.
        "{\"\u{fb33}\":1,\"\u{1f602}\":2}",
    ] {
        assert!(canonical::scan(text.as_bytes(), &mut |_, _, _| {}).is_err(), "{text}");
    }
    assert!(canonical::scan(b"{\"a\":\"\xff\"}", &mut |_, _, _| {}).is_err());
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(canonical::scan(nested(99).as_bytes(), &mut |_, _, _| {}).is_ok());
    assert!(canonical::scan(nested(100).as_bytes(), &mut |_, _, _| {}).is_err());
    assert!(canonical::scan(nested(100_000).as_bytes(), &mut |_, _, _| {}).is_err());
}

#[track_caller]
fn refused(data: Value, why: &str) {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let size = ledger.size();
    let error = ledger.append(at(2), &[draft(Kind::Heartbeat, json!({})), draft(Kind::StepResult, data)]).unwrap_err();
    assert!(matches!(error, Error::NotAnEntry { .. }));
    assert_eq!(error.to_string(), format!("a `step.result` entry cannot be written: {why}"));
    assert_eq!(ledger.size(), size);
    ledger.append(at(2), &[draft(Kind::Heartbeat, json!({}))]).unwrap();
}

#[test]
fn what_does_not_fit_the_profile_is_refused_and_nothing_of_the_batch_is_written() {
    refused(json!({ "a": [{ "b": 0.5 }] }), "the number 0.5 is no integer within ±(2^53−1)");
    refused(json!({ "a": 1.0 }), "the number 1.0 is no integer within ±(2^53−1)");
    refused(json!({ "a": 9_007_199_254_740_992_i64 }), "the number 9007199254740992 is no integer within ±(2^53−1)");
    refused(json!({ "a": u64::MAX }), "the number 18446744073709551615 is no integer within ±(2^53−1)");
    refused(
        json!({ "a": "x".repeat(MAX_BODY) }),
        "65696 bytes long, at most 65535 are allowed; keep what is large in the content store",
    );
    let deep = (0..110).fold(json!(1), |inner, _| json!([inner]));
    refused(json!({ "a": deep }), "not canonical: byte 111: nested deeper than 100");
}

#[test]
fn the_largest_entry_fits_to_the_byte() {
    let place = Place::new();
    let mut ledger = place.open().unwrap();
    let empty = entry::write(&draft(Kind::StepResult, json!({ "a": "" })), ledger.size(), &PREV, TS).unwrap().len();
    let largest = json!({ "a": "x".repeat(MAX_BODY - empty) });
    ledger.append(at(2), &[draft(Kind::StepResult, largest)]).unwrap();
    drop(ledger);
    let (reader, _scratch) = place.reader();
    assert_eq!(reader.tail(1).unwrap()[0].body.len(), MAX_BODY);
    assert_eq!(place.verify(&[]).problems, []);
}

#[test]
fn members_of_another_form_are_named() {
    let good = String::from_utf8(entry::write(&intent(), 2, &PREV, TS).unwrap()).unwrap();
    for (from, to, member) in [
        ("\"v\":1", "\"v\":2", "v"),
        ("\"v\":1", "\"v\":\"1\"", "v"),
        ("\"v\":1", "\"v\":1,\"w\":1", "w"),
        (",\"v\":1", "", "v"),
        ("\"seq\":2", "\"seq\":-2", "seq"),
        ("\"seq\":2,", "", "seq"),
        ("\"ts\":\"2026-11-20T09", "\"ts\":\"2026-11-20 09", "ts"),
        ("\"ts\":\"2026-11-20T09", "\"ts\":\"2026-02-29T09", "ts"),
        ("\"ts\":\"2026-11-20T09", "\"ts\":\"2026-11-20T24", "ts"),
        ("step.intent", "step.intend", "kind"),
        ("\"attempt\":2", "\"attempt\":0", "attempt"),
        ("\"attempt\":2", "\"attempt\":true", "attempt"),
        ("\"actor\":\"op:zoë\"", "\"actor\":7", "actor"),
        ("\"run\":\"01a1f84f-5880-7101", "\"run\":\"01a1f84f-5880-4101", "run"),
        ("\"prev\":\"ab", "\"prev\":\"AB", "prev"),
        ("\"prev\":\"ab", "\"prev\":\"b", "prev"),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        match entry::read(changed.as_bytes()) {
            Err(NotAnEntry::Member { member: named, .. }) => assert_eq!(named, member, "{changed}"),
            other => assert_eq!(other.err(), None, "{changed}"),
        }
    }
}

#[test]
fn a_leap_day_is_a_day() {
    let good = String::from_utf8(entry::write(&intent(), 2, &PREV, TS).unwrap()).unwrap();
    for (day, is_one) in [
        ("2028-02-29", true),
        ("2000-02-29", true),
        ("2100-02-29", false),
        ("2026-04-31", false),
        ("2026-13-01", false),
        ("2026-00-10", false),
    ] {
        let changed = good.replacen("2026-11-20", day, 1);
        assert_eq!(entry::read(changed.as_bytes()).is_ok(), is_one, "{day}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<String>().prop_map(Value::String),
        "[\u{0}-\u{1f}\"\\\\/]{0,4}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec(("[\u{0}-\u{1f}a\"\\\\\u{e000}-\u{ffff}\u{10000}-\u{10ffff}]{0,3}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The rule as RFC 8785 states it: parse, spell again, compare.
fn is_canonical_slowly(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Value>>(bytes)
        .is_ok_and(|parsed| serde_json_canonicalizer::to_vec(&parsed).is_ok_and(|again| again == bytes))
}

/// The same, and the profile: every number an integer that doubles can hold, one after the other.
fn fits_slowly(bytes: &[u8]) -> bool {
    fn integers(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.as_i64().is_some_and(|integer| integer.abs() <= 9_007_199_254_740_991),
            Value::Array(items) => items.iter().all(integers),
            Value::Object(members) => members.values().all(integers),
            Value::Null | Value::Bool(_) | Value::String(_) => true,
        }
    }
    is_canonical_slowly(bytes) && integers(&serde_json::from_slice(bytes).unwrap())
}

/// Bytes that JSON is made of, and any other.
fn bytes() -> impl Strategy<Value = u8> {
    prop_oneof![4 => prop::sample::select(b"{}[],:\"\\0123456789-+.eEtrufalsn bx/ \n".to_vec()), 1 => any::<u8>()]
}

proptest! {
    #[test]
    fn whatever_is_spelled_canonically_passes(value in values()) {
        let spelled = serde_json_canonicalizer::to_vec(&json!({ "a": value })).unwrap();
        prop_assert_eq!(canonical::scan(&spelled, &mut |_, _, _| {}), Ok(()));
    }

    #[test]
    fn the_scan_passes_nothing_that_is_spelled_otherwise(value in values(), at: prop::sample::Index, byte: u8) {
        let mut spelled = serde_json_canonicalizer::to_vec(&json!({ "a": value, "b": [1, "x", { "\n": 0 }] })).unwrap();
        let at = at.index(spelled.len());
        spelled[at] = byte;
        let passes = canonical::scan(&spelled, &mut |_, _, _| {}).is_ok();
        prop_assert!(!passes || is_canonical_slowly(&spelled), "{}", String::from_utf8_lossy(&spelled));
    }

    #[test]
    fn the_scan_passes_a_mutated_text_exactly_where_spelling_it_anew_does(
        value in values(), edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..4, bytes()), 0..3),
    ) {
        let mut spelled = serde_json_canonicalizer::to_vec(&json!({ "a": value, "b": [0, -7, "x", { "\n": 0 }] })).unwrap();
        for (at, how, byte) in edits {
            let at = at.index(spelled.len());
            match how {
                0 => spelled[at] = byte,
                1 => spelled.insert(at, byte),
                2 if spelled.len() > 1 => drop(spelled.remove(at)),
                _ => spelled.extend_from_within(at..(at + 4).min(spelled.len())),
            }
        }
        let passes = canonical::scan(&spelled, &mut |_, _, _| {}).is_ok();
        prop_assert_eq!(passes, fits_slowly(&spelled), "{}", String::from_utf8_lossy(&spelled));
    }

    #[test]
    fn an_entry_read_beside_its_row_says_the_same_as_read_by_itself(
        value in values(), step in proptest::option::of(any::<String>()), actor in proptest::option::of(".{0,3}"),
        attempt in proptest::option::of(0_u32..3), has_run: bool,
        edit in proptest::option::of((any::<prop::sample::Index>(), 0_u8..3, bytes())),
        wrong in 0_usize..9, columns in proptest::collection::vec(bytes(), 0..3),
    ) {
        let data = json!({ "value": value, "state": "succeeded" }).as_object().unwrap().clone();
        let draft = Draft { step, actor, attempt, run: has_run.then(|| run(1)), data, ..intent() };
        // An attempt of 0 is written by nobody.
        let Ok(mut body) = entry::write(&draft, 2, &PREV, TS) else { return Ok(()) };
        let (prev, run_id) = (hex::encode(PREV).into_bytes().try_into().unwrap(), run(1));
        let run = has_run.then_some(run_id.as_str().as_bytes());
        let good = Likely { seq: 2, prev: &prev, ts: TS.as_bytes(), kind: b"step.intent", run };
        let whole = body.clone();
        prop_assert_eq!(Fields::read_likely(&whole, &good), Some(Fields::read(&whole).unwrap()));
        if let Some((at, how, byte)) = edit {
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => drop(body.remove(at)),
            }
        }
        let likely = match wrong {
            0 => Likely { seq: 3, ..good },
            1 => Likely { ts: &columns, ..good },
            2 => Likely { kind: &columns, ..good },
            3 => Likely { run: Some(&columns), ..good },
            4 => Likely { run: None, ..good },
            5 => Likely { prev: &[b'0'; 64], ..good },
            _ => good,
        };
        // What is likely is either not said or said as the entry says it by itself.
        if let Some(fields) = Fields::read_likely(&body, &likely) {
            prop_assert_eq!(Fields::read(&body), Ok(fields));
            prop_assert_eq!((fields.prev.as_bytes(), fields.ts.as_bytes()), (&likely.prev[..], likely.ts));
            prop_assert_eq!((fields.kind.as_str().as_bytes(), fields.run.map(str::as_bytes)), (likely.kind, likely.run));
            prop_assert_eq!(i64::try_from(fields.seq), Ok(likely.seq));
        }
    }

    #[test]
    fn reading_an_entry_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = entry::read(&bytes);
    }

    #[test]
    fn an_entry_is_read_as_it_was_written(value in values(), step in proptest::option::of(any::<String>())) {
        let data = json!({ "value": value, "state": "succeeded" }).as_object().unwrap().clone();
        let draft = Draft { step, data, ..intent() };
        let body = entry::write(&draft, 2, &PREV, TS).unwrap();
        let read = entry::read(&body).unwrap();
        prop_assert_eq!(read.step, draft.step);
        prop_assert_eq!(read.data, draft.data);
    }
}
