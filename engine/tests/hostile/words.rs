//! Words that people type: instants, lengths of time, versions, names, digests, patterns. What is read is written in a
//! form that reads the same.

use std::fmt::{Debug, Display};

use engine::id::{ActionName, Digest, Id, Name, RunId};
use engine::procedure::pattern::Pattern;
use engine::template::version::Version;
use engine::time::{Duration, Timestamp};

/// Holds for every text.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    returns(text, Timestamp::parse);
    returns(text, Duration::parse);
    returns(text, Version::parse);
    for read in [Name::parse(text).map(|it| it.to_string()), Id::parse(text).map(|it| it.to_string())] {
        assert!(read.is_err() || read.as_deref() == Ok(text));
    }
    for read in [Digest::parse(text).map(|it| it.to_string()), RunId::parse(text).map(|it| it.to_string())] {
        assert!(read.is_err() || read.as_deref() == Ok(text));
    }
    assert!(ActionName::parse(text).is_ok_and(|name| name.as_str() == text) || ActionName::parse(text).is_err());
    if let Ok(pattern) = Pattern::parse(text) {
        assert!(pattern.covers(&pattern), "a pattern is within itself");
        assert_eq!(Pattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern));
    }
    if let (Ok(one), Ok(other)) = (Timestamp::parse(text), Timestamp::parse("2026-11-20T12:00:00Z")) {
        // No instant is so far away that the time between cannot be told.
        assert!(text.matches(':').count() >= 2, "{text:?} has no seconds");
        let between = one.since(other);
        assert_eq!(other.plus(between), Some(one));
        let _ = (between.plus(between), between.times(1e300), between.as_std(), between.microseconds());
    }
}

fn returns<T: Display + Debug + PartialEq, E: Debug>(text: &str, parse: impl Fn(&str) -> Result<T, E>) {
    if let Ok(read) = parse(text) {
        let written = read.to_string();
        assert_eq!(parse(&written).ok().as_ref(), Some(&read), "{text:?} is written as {written:?}");
    }
}
