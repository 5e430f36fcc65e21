//! Times as Corvusforge reads, hashes and stores them.
//!
//! The column holds Python's `isoformat`; what is hashed is the spelling of pydantic, which reads more than it writes
//! (checked against pydantic 2.10.6). Left out, for Corvusforge writes neither: unix times with a fraction, and those in
//! the last day of the year 9999. They read as no time.

use std::fmt::Write as _;

use crate::time::Timestamp;

/// A point in time as pydantic understands it; without offset it is naive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
    offset: Option<Minutes>,
}

/// Minutes east of UTC, less than a day either way.
type Minutes = i16;

/// Above this, a unix time counts milliseconds.
const MILLISECONDS_ABOVE: u64 = 20_000_000_000;

impl Stamp {
    /// Reads a time: `YYYY-MM-DD`, one of `T t _` or a space, `HH:MM[:SS[.f…]]`, and an offset, if any; or a bare
    /// date; or whole unix seconds (milliseconds beyond 2e10). More than six digits of fraction are cut.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_date_time(text).or_else(|| Self::parse_unix(text)).or_else(|| {
            let mut rest = Rest(text.as_bytes());
            let (year, month, day) = rest.date()?;
            rest.0.is_empty().then_some(Self {
                year,
                month,
                day,
                hour: 0,
                minute: 0,
                second: 0,
                microsecond: 0,
                offset: None,
            })
        })
    }

    fn parse_date_time(text: &str) -> Option<Self> {
        let mut rest = Rest(text.as_bytes());
        let (year, month, day) = rest.date()?;
        rest.one_of(b"Tt _")?;
        let hour = rest.two_digits(23)?;
        rest.one_of(b":")?;
        let minute = rest.two_digits(59)?;
        let mut second = 0;
        let mut microsecond = 0;
        if rest.one_of(b":").is_some() {
            second = rest.two_digits(59)?;
            if rest.one_of(b".,").is_some() {
                microsecond = rest.fraction()?;
            }
        }
        let offset = rest.offset()?;
        rest.0.is_empty().then_some(Self { year, month, day, hour, minute, second, microsecond, offset })
    }

    fn parse_unix(text: &str) -> Option<Self> {
        let units: i64 = text.parse().ok()?;
        let microseconds = if units.unsigned_abs() > MILLISECONDS_ABOVE {
            units.checked_mul(1000)?
        } else {
            units.checked_mul(1_000_000)?
        };
        Self::parse_date_time(&Timestamp::from_microseconds(microseconds).ok()?.to_string())
    }

    /// As it is hashed: pydantic's spelling, `Z` for UTC.
    #[must_use]
    pub fn hashed(&self) -> String {
        self.spelled("Z")
    }

    /// As it is stored: Python's `isoformat`, `+00:00` for UTC.
    #[must_use]
    pub fn stored(&self) -> String {
        self.spelled("+00:00")
    }

    fn spelled(&self, utc: &str) -> String {
        let Self { year, month, day, hour, minute, second, microsecond, offset } = *self;
        let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        // Writing to a String cannot fail.
        if microsecond != 0 {
            let _ = write!(out, ".{microsecond:06}");
        }
        match offset {
            None => {}
            Some(0) => out.push_str(utc),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                let _ = write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
            }
        }
        out
    }

    /// That instant.
    #[must_use]
    pub fn of(at: Timestamp) -> Option<Self> {
        Self::parse(&isoformat(at))
    }

    /// Whether it says no offset, so that nobody knows when it is.
    #[must_use]
    pub fn is_naive(&self) -> bool {
        self.offset.is_none()
    }

    /// The instant, where the calendar reaches; a naive time is taken as UTC.
    #[must_use]
    pub fn instant(&self) -> Option<Timestamp> {
        let zoned = Self { offset: self.offset.or(Some(0)), ..*self };
        Timestamp::parse(&zoned.hashed()).ok()
    }
}

/// An instant as Corvusforge stores it: `isoformat` in UTC.
#[must_use]
pub fn isoformat(at: Timestamp) -> String {
    let text = at.to_string();
    let bare = text.strip_suffix('Z').unwrap_or(&text);
    format!("{}+00:00", bare.strip_suffix(".000000").unwrap_or(bare))
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn digits(&mut self, count: usize) -> Option<u16> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits
            .iter()
            .try_fold(0_u16, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0')))?;
        self.0 = rest;
        Some(number)
    }

    fn two_digits(&mut self, most: u8) -> Option<u8> {
        let number = u8::try_from(self.digits(2)?).ok()?;
        (number <= most).then_some(number)
    }

    fn date(&mut self) -> Option<(u16, u8, u8)> {
        let year = self.digits(4)?;
        self.one_of(b"-")?;
        let month = self.two_digits(12)?;
        self.one_of(b"-")?;
        let day = self.two_digits(31)?;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            0 => return None,
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        (year > 0 && (1..=days).contains(&day)).then_some((year, month, day))
    }

    fn fraction(&mut self) -> Option<u32> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let kept = digits.iter().chain(std::iter::repeat(&b'0')).take(6);
        (count > 0).then(|| kept.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    /// The offset that ends the text: nothing, `Z`, or a sign (the minus of typographers too), hours and minutes.
    fn offset(&mut self) -> Option<Option<Minutes>> {
        const MINUS_SIGN: &[u8] = "\u{2212}".as_bytes();
        if self.0.is_empty() {
            return Some(None);
        }
        if self.one_of(b"Zz").is_some() {
            return Some(Some(0));
        }
        let sign = if let Some(rest) = self.0.strip_prefix(MINUS_SIGN) {
            self.0 = rest;
            -1
        } else if self.one_of(b"+-")? == b'-' {
            -1
        } else {
            1
        };
        let hours = Minutes::from(self.two_digits(23)?);
        let _ = self.one_of(b":");
        let minutes = Minutes::from(self.two_digits(59)?);
        Some(Some(sign * (hours * 60 + minutes)))
    }
}

#[cfg(test)]
mod tests;
