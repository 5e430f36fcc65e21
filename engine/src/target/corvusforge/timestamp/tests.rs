//! Corvusforge's times, as Python's `isoformat` writes them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, hashed: &str, stored: &str) {
    let stamp = Stamp::parse(text).unwrap();
    assert_eq!((stamp.hashed().as_str(), stamp.stored().as_str()), (hashed, stored));
}

#[test]
fn what_corvusforge_writes_is_hashed_with_z_for_utc() {
    for (stored, hashed) in [
        ("2026-02-26T14:30:00+00:00", "2026-02-26T14:30:00Z"),
        ("2026-02-26T14:30:00.100000+00:00", "2026-02-26T14:30:00.100000Z"),
        ("2026-02-26T16:30:00.000007+02:00", "2026-02-26T16:30:00.000007+02:00"),
        ("2026-02-26T09:00:00.123456-05:30", "2026-02-26T09:00:00.123456-05:30"),
        ("2026-02-26T14:30:00", "2026-02-26T14:30:00"),
    ] {
        check(stored, hashed, stored);
    }
}

#[test]
fn other_spellings_that_pydantic_takes_are_read() {
    for (text, hashed, stored) in [
        ("2026-02-26 14:30:00Z", "2026-02-26T14:30:00Z", "2026-02-26T14:30:00+00:00"),
        ("2026-02-26t14:30:00z", "2026-02-26T14:30:00Z", "2026-02-26T14:30:00+00:00"),
        ("2026-02-26_14:30", "2026-02-26T14:30:00", "2026-02-26T14:30:00"),
        ("2026-02-26T14:30:00,5", "2026-02-26T14:30:00.500000", "2026-02-26T14:30:00.500000"),
        ("2026-02-26T14:30:00.1234567890123Z", "2026-02-26T14:30:00.123456Z", "2026-02-26T14:30:00.123456+00:00"),
        ("2026-02-26T14:30:00.000000Z", "2026-02-26T14:30:00Z", "2026-02-26T14:30:00+00:00"),
        ("2026-02-26T14:30:00+0200", "2026-02-26T14:30:00+02:00", "2026-02-26T14:30:00+02:00"),
        ("2026-02-26T14:30:00\u{2212}02:00", "2026-02-26T14:30:00-02:00", "2026-02-26T14:30:00-02:00"),
        ("2026-02-26T14:30:00-00:00", "2026-02-26T14:30:00Z", "2026-02-26T14:30:00+00:00"),
        ("2026-02-26", "2026-02-26T00:00:00", "2026-02-26T00:00:00"),
        ("1700000000", "2023-11-14T22:13:20Z", "2023-11-14T22:13:20+00:00"),
        ("1700000000000", "2023-11-14T22:13:20Z", "2023-11-14T22:13:20+00:00"),
        ("20000000000", "2603-10-11T11:33:20Z", "2603-10-11T11:33:20+00:00"),
        ("-20000000001", "1969-05-14T12:26:39.999000Z", "1969-05-14T12:26:39.999000+00:00"),
        ("20260226", "1970-08-23T11:50:26Z", "1970-08-23T11:50:26+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00", "2024-02-29T00:00:00"),
    ] {
        check(text, hashed, stored);
    }
}

#[test]
fn what_pydantic_refuses_is_no_time() {
    for text in [
        "",
        " ",
        "2026-02-29",
        "1900-02-29",
        "0000-01-01",
        "2026-13-01",
        "2026-00-01",
        "2026-04-31",
        "2026-2-6",
        "2026-02-26Z",
        "2026-02-26T",
        "2026-02-26T14",
        "2026-02-26T24:00:00",
        "2026-02-26T23:59:60",
        "2026-02-26T14:30:00.",
        "2026-02-26T14:30:00+02",
        "2026-02-26T14:30:00+24:00",
        "2026-02-26T14:30:00+14:60",
        "2026-02-26T14:30:00+02:00:00",
        "2026-02-26T14:30:00 Z",
        " 2026-02-26T14:30:00Z",
        "2026-02-26T14:30:00Z ",
        "1e9",
        "nan",
        "99999999999999999999",
        "\u{663}",
        "1_000",
    ] {
        assert_eq!(Stamp::parse(text), None, "{text:?}");
    }
}

#[test]
fn an_instant_is_spelled_with_six_digits_or_none() {
    let at = |text| isoformat(Timestamp::parse(text).unwrap());
    assert_eq!(at("2026-11-20T09:49:20.776577Z"), "2026-11-20T09:49:20.776577+00:00");
    assert_eq!(at("2026-11-20T11:49:20+02:00"), "2026-11-20T09:49:20+00:00");
}

#[test]
fn a_naive_time_is_an_instant_of_utc() {
    let instant = |text| Stamp::parse(text).and_then(|stamp: Stamp| stamp.instant()).unwrap();
    assert_eq!(instant("2026-02-26T14:30:00"), instant("2026-02-26T15:30:00+01:00"));
}

proptest! {
    #[test]
    fn reading_never_panics(text in any::<String>()) {
        let _ = Stamp::parse(&text);
    }

    #[test]
    fn what_is_stored_reads_back_the_same(microseconds in -62_135_596_800_000_000_i64..253_000_000_000_000_000) {
        let at = Timestamp::from_microseconds(microseconds).unwrap();
        let stamp = Stamp::parse(&isoformat(at)).unwrap();
        prop_assert_eq!(stamp.stored(), isoformat(at));
        prop_assert_eq!(stamp.instant(), Some(at));
    }
}
