//! Instants and durations as people write them, and as records spell them.
//!
//! Owner of jiff. Nothing here asks what time it is: that is the host's to say.

use std::fmt;
use std::time::Duration as StdDuration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::NotAName;

/// An instant, kept to the microsecond; written in UTC with six digits, like `2026-11-20T09:35:12.000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Reads RFC 3339 with an offset (`Z` or `±HH:MM`).
    ///
    /// # Errors
    /// When the text is no such instant; an instant without offset is none, nor is one without minutes or seconds.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let wrong = || NotAName {
            found: text.to_owned(),
            expected: "a timestamp: RFC 3339 with an offset (like `2026-11-20T09:35:12Z`)",
        };
        if !is_rfc_3339(text) {
            return Err(wrong());
        }
        text.parse::<jiff::Timestamp>().map_err(|_| wrong())?.as_microsecond().try_into()
    }

    /// The instant that many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// Outside the years −9999 to 9999.
    pub fn from_microseconds(microseconds: i64) -> Result<Self, NotAName> {
        microseconds.try_into()
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn microseconds(self) -> i64 {
        self.0.as_microsecond()
    }

    /// The time from an earlier instant to this one; negative when that one is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration(self.0.duration_since(earlier.0))
    }

    /// The instant that much later, or none beyond the calendar.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration.0).ok().map(Self)
    }
}

/// Whether a text has the form of RFC 3339 section 5.6: jiff reads more than that, and what others do not read alike must
/// not be in what people sign. A year may have a sign and six digits, as it is written before the year 0.
fn is_rfc_3339(text: &str) -> bool {
    let text =
        text.strip_prefix('-').filter(|rest| rest.find('-') == Some(6)).and_then(|rest| rest.get(2..)).unwrap_or(text);
    let fits = |form: &[u8], text: &str| {
        form.len() == text.len()
            && form.iter().zip(text.bytes()).all(|(form, byte)| match form {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                b'+' => matches!(byte, b'+' | b'-'),
                form => *form == byte,
            })
    };
    let Some((instant, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else { return false };
    let fraction = rest.strip_prefix('.').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let offset = match fraction {
        // A point needs a digit.
        Some(offset) if offset.len() + 1 == rest.len() => return false,
        Some(offset) => offset,
        None => rest,
    };
    fits(b"0000-00-00T00:00:00", instant) && (matches!(offset, "Z" | "z") || fits(b"+00:00", offset))
}

impl TryFrom<i64> for Timestamp {
    type Error = NotAName;

    fn try_from(microseconds: i64) -> Result<Self, NotAName> {
        jiff::Timestamp::from_microsecond(microseconds).map(Self).map_err(|_| NotAName {
            found: microseconds.to_string(),
            expected: "a time in microseconds between the years -9999 and 9999",
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

/// A length of time; written as people do, like `90s`, `5m` or `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(SignedDuration);

impl Duration {
    /// Reads `500ms`, `60s`, `5m`, `4h`, `2d` (24 hours each), `1h 30m`, or ISO 8601 (`PT5M`).
    ///
    /// # Errors
    /// When the text is no length of time; a bare number has no unit and is refused.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let wrong = || NotAName {
            found: text.to_owned(),
            expected: "a duration: a number with its unit (like `90s`, `5m`, `4h`, `2d`)",
        };
        if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok()) {
            return days.checked_mul(24).and_then(SignedDuration::try_from_hours).map(Self).ok_or_else(wrong);
        }
        text.parse::<SignedDuration>().map(Self).map_err(|_| wrong())
    }

    /// A length of time from whole seconds.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(SignedDuration::from_secs(seconds))
    }

    /// A length of time from milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(SignedDuration::from_millis(millis))
    }

    /// A length of time from microseconds.
    #[must_use]
    pub const fn from_microseconds(microseconds: i64) -> Self {
        Self(SignedDuration::from_micros(microseconds))
    }

    /// Microseconds, cut.
    #[must_use]
    pub fn microseconds(self) -> i64 {
        i64::try_from(self.0.as_micros()).unwrap_or(i64::MAX)
    }

    /// For timers: nothing where it is negative.
    #[must_use]
    pub fn as_std(self) -> StdDuration {
        StdDuration::try_from(self.0).unwrap_or_default()
    }

    /// That many times as long, as far as a duration reaches.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        SignedDuration::try_from_secs_f64(self.0.as_secs_f64() * factor).map_or(Self(SignedDuration::MAX), Self)
    }

    /// Both together, as far as a duration reaches.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

macro_rules! as_text {
    ($name:ident, $format:literal) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": $format })
            }
        }
    };
}

as_text!(Timestamp, "date-time");
as_text!(Duration, "runwarden-duration");

#[cfg(test)]
mod tests;
