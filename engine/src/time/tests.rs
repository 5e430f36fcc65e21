//! Instants as people write them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::Timestamp;

#[test]
fn an_instant_is_rfc_3339_to_the_letter() {
    for (text, written) in [
        ("2026-11-20T09:35:12Z", "2026-11-20T09:35:12.000000Z"),
        ("2026-11-20t09:35:12.5z", "2026-11-20T09:35:12.500000Z"),
        ("2026-11-20 09:35:12+01:30", "2026-11-20T08:05:12.000000Z"),
        ("2026-11-20T09:35:12.1234569-00:00", "2026-11-20T09:35:12.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ] {
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), written, "{text}");
    }
    for text in [
        "2026-11-20T09Z",
        "2026-11-20T09:35Z",
        "20261120T093512Z",
        "2026-11-20T09:35:12",
        "2026-11-20T09:35:12.Z",
        "2026-11-20T09:35:12,5Z",
        "2026-11-20T09:35:12+01",
        "2026-11-20T09:35:12+0100",
        "2026-11-20T09:35:12+01:00:30",
        "2026-11-20T09:35:12Z[Europe/Vienna]",
        "+002026-11-20T09:35:12Z",
        "2026-11-20T24:00:00Z",
        "2026-13-20T09:35:12Z",
        "2026-11-20T09:35:12Z ",
        "2026-11-20",
        "",
        "-",
        "é",
    ] {
        assert!(Timestamp::parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_written_is_read_back_in_every_year() {
    for microseconds in [i64::MIN, -377_705_023_201_000_000, -62_167_219_200_000_001, -1, 0, 253_402_207_200_999_999] {
        let Ok(instant) = Timestamp::from_microseconds(microseconds) else { continue };
        assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant), "{instant}");
    }
    assert!(Timestamp::from_microseconds(-62_167_219_200_000_001).unwrap().to_string().starts_with("-000001-12-31"));
}
