//! One entry: the bytes that are stored and hashed, and what they say.
//!
//! `{actor? attempt? data kind prev run? seq step? ts v}`, RFC 8785, at most 65,535 bytes. Bytes are written once, here;
//! nobody spells an entry a second time.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value};

use super::canonical::{self, Flaw, Path, Scanner};
use crate::event::{Draft, Kind, MAX_INTEGER};
use crate::id::{self, RunId};
use crate::merkle::Hash;
use crate::time::Timestamp;

/// The longest entry, in bytes: what a C2SP tlog-tiles entry can hold.
pub const MAX_BODY: usize = 65_535;

const HEX_64: &str = "expected 64 lowercase hex digits";

/// The version of the entry format.
const VERSION: &str = "1";

/// Why bytes or facts are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEntry {
    /// Not in the one spelling that may be hashed.
    #[error("not canonical: {0}")]
    NonCanonical(#[from] Flaw),
    /// Longer than an entry may be.
    #[error("{size} bytes long, at most {MAX_BODY} are allowed; keep what is large in the content store")]
    TooLarge {
        /// How long it is.
        size: usize,
    },
    /// A number that has no one spelling.
    #[error("the number {0} is no integer within ±(2^53−1)")]
    Number(String),
    /// A member is missing, unknown, or not of its form.
    #[error("member `{member}`: {why}")]
    Member {
        /// Its name.
        member: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 0.
    pub seq: u64,
    /// The leaf hash of the entry before; 32 zero bytes for the first.
    pub prev: Hash,
    /// The wall clock when it was written.
    pub ts: Timestamp,
    /// What kind of fact.
    pub kind: Kind,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The step it is about.
    pub step: Option<String>,
    /// The attempt of the step, from 1.
    pub attempt: Option<u32>,
    /// Who did it.
    pub actor: Option<String>,
    /// The facts.
    pub data: Map<String, Value>,
}

#[derive(Serialize)]
struct Spelled<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    data: &'a Map<String, Value>,
    kind: &'static str,
    prev: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    ts: &'a str,
    v: u32,
}

/// The bytes of the entry that a draft becomes at this place; checked to be what [`read`] accepts.
///
/// # Errors
/// When a number does not fit the profile, the time is beyond four-digit years, or it is too long.
pub(super) fn write(draft: &Draft, seq: u64, prev: &Hash, ts: &str) -> Result<Vec<u8>, NotAnEntry> {
    draft.data.values().try_for_each(fits_profile)?;
    let spelled = Spelled {
        actor: draft.actor.as_deref(),
        attempt: draft.attempt,
        data: &draft.data,
        kind: draft.kind.as_str(),
        prev: &hex::encode(prev),
        run: draft.run.as_ref().map(RunId::as_str),
        seq,
        step: draft.step.as_deref(),
        ts,
        v: 1,
    };
    let body = serde_json_canonicalizer::to_vec(&spelled).map_err(|_| wrong("data", "it cannot be spelled"))?;
    Fields::read(&body)?;
    Ok(body)
}

/// What the bytes of an entry say.
///
/// # Errors
/// When they are not an entry in its one spelling.
pub fn read(body: &[u8]) -> Result<Entry, NotAnEntry> {
    let fields = Fields::read(body)?;
    let text = |spelled: &str| serde_json::from_str::<String>(spelled).ok();
    let run = fields.run.map(RunId::parse).transpose().map_err(|_| wrong("run", "it is no run id"))?;
    let Value::Object(data) = serde_json::from_str(fields.data).map_err(|_| wrong("data", "it cannot be read"))? else {
        return Err(wrong("data", "expected an object"));
    };
    let mut prev = Hash::default();
    hex::decode_to_slice(fields.prev, &mut prev).map_err(|_| wrong("prev", HEX_64))?;
    Ok(Entry {
        seq: fields.seq,
        prev,
        ts: Timestamp::parse(fields.ts).map_err(|_| wrong("ts", "it is no time"))?,
        kind: fields.kind,
        run,
        step: fields.step.and_then(text),
        attempt: fields.attempt,
        actor: fields.actor.and_then(text),
        data,
    })
}

/// What an entry most likely says, by the row it stands in and the row before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Likely<'a> {
    pub seq: i64,
    /// In hex.
    pub prev: &'a [u8; 64],
    pub ts: &'a [u8],
    pub kind: &'a [u8],
    pub run: Option<&'a [u8]>,
}

/// The members of an entry as they are spelled, for those who go through many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub seq: u64,
    /// 64 lowercase hex digits.
    pub prev: &'a str,
    pub ts: &'a str,
    pub kind: Kind,
    /// Without quotes; it has the form of a run id.
    pub run: Option<&'a str>,
    /// With quotes and escapes, as spelled.
    pub step: Option<&'a str>,
    pub attempt: Option<u32>,
    /// With quotes and escapes, as spelled.
    pub actor: Option<&'a str>,
    /// An object, as spelled.
    pub data: &'a str,
    /// The member `state` of `data`, as spelled.
    pub state: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// Checks everything that can be told from the bytes alone.
    pub fn read(body: &'a [u8]) -> Result<Self, NotAnEntry> {
        if body.len() > MAX_BODY {
            return Err(NotAnEntry::TooLarge { size: body.len() });
        }
        let mut found = Spans::default();
        let mut unknown = None;
        canonical::scan(body, &mut |path, name, value| match found.place(path, name) {
            Some(place) => *place = Some(value),
            None if path == Path::Top => unknown = Some(name),
            None => {}
        })?;
        if let Some(name) = unknown {
            return Err(NotAnEntry::Member { member: name.to_owned(), why: "entries have no such member" });
        }
        found.check()
    }

    /// The same for an entry that says what is likely, seen by comparing most of its bytes with what they are then; none of
    /// any other, whatever is the matter with it.
    pub fn read_likely(body: &'a [u8], likely: &Likely<'_>) -> Option<Self> {
        if body.len() > MAX_BODY {
            return None;
        }
        let mut scanner = Scanner::new(std::str::from_utf8(body).ok()?);
        let mut state = None;
        let value = |scanner: &mut Scanner<'a>, first: u8| scanner.eat_value(first, &mut |_, _, _| {});
        scanner.eat_word(b"{")?;
        let actor = match scanner.eat_word(b"\"actor\":") {
            Some(()) => {
                let actor = value(&mut scanner, b'"')?;
                scanner.eat_word(b",")?;
                Some(actor)
            }
            None => None,
        };
        let attempt = match scanner.eat_word(b"\"attempt\":") {
            Some(()) => {
                let attempt = value(&mut scanner, b'0')?.parse().ok().filter(|number| *number > 0)?;
                scanner.eat_word(b",")?;
                Some(attempt)
            }
            None => None,
        };
        scanner.eat_word(b"\"data\":")?;
        let data = scanner.eat_value(b'{', &mut |_, name, value| {
            if name == "state" {
                state = Some(value);
            }
        })?;
        scanner.eat_word(b",\"kind\":\"")?;
        let kind = kind_of(scanner.eat(likely.kind)?)?;
        scanner.eat_word(b"\",\"prev\":\"")?;
        let prev = scanner.eat(likely.prev)?;
        scanner.eat_word(b"\"")?;
        let run = match likely.run {
            Some(run) => {
                scanner.eat_word(b",\"run\":\"")?;
                let run = scanner.eat(run).filter(|run| is_run_id(run.as_bytes()))?;
                scanner.eat_word(b"\"")?;
                Some(run)
            }
            None => None,
        };
        scanner.eat_word(b",\"seq\":")?;
        let seq = value(&mut scanner, b'0')?.parse().ok()?;
        let step = match scanner.eat_word(b",\"step\":") {
            Some(()) => Some(value(&mut scanner, b'"')?),
            None => None,
        };
        scanner.eat_word(b",\"ts\":\"")?;
        let ts = scanner.eat(likely.ts).filter(|ts| is_timestamp(ts.as_bytes()))?;
        scanner.eat_word(b"\",\"v\":1}")?;
        let is_it = scanner.is_done() && i64::try_from(seq) == Ok(likely.seq);
        is_it.then_some(Self { seq, prev, ts, kind, run, step, attempt, actor, data, state })
    }
}

/// Where the members are; nothing is known of their form yet.
#[derive(Default)]
struct Spans<'a> {
    actor: Option<&'a str>,
    attempt: Option<&'a str>,
    data: Option<&'a str>,
    kind: Option<&'a str>,
    prev: Option<&'a str>,
    run: Option<&'a str>,
    seq: Option<&'a str>,
    state: Option<&'a str>,
    step: Option<&'a str>,
    ts: Option<&'a str>,
    v: Option<&'a str>,
}

impl<'a> Spans<'a> {
    fn place(&mut self, path: Path, name: &str) -> Option<&mut Option<&'a str>> {
        Some(match (path, name) {
            (Path::Top, "actor") => &mut self.actor,
            (Path::Top, "attempt") => &mut self.attempt,
            (Path::Top, "data") => &mut self.data,
            (Path::Top, "kind") => &mut self.kind,
            (Path::Top, "prev") => &mut self.prev,
            (Path::Top, "run") => &mut self.run,
            (Path::Top, "seq") => &mut self.seq,
            (Path::Top, "step") => &mut self.step,
            (Path::Top, "ts") => &mut self.ts,
            (Path::Top, "v") => &mut self.v,
            (Path::Data, "state") => &mut self.state,
            _ => return None,
        })
    }

    fn check(self) -> Result<Fields<'a>, NotAnEntry> {
        if self.v != Some(VERSION) {
            return Err(wrong("v", "expected 1"));
        }
        let seq = self.seq.and_then(|text| text.parse().ok()).ok_or_else(|| wrong("seq", "expected an integer"))?;
        let prev =
            self.prev.and_then(inside).filter(|text| id::is_sha256_hex(text)).ok_or_else(|| wrong("prev", HEX_64))?;
        let ts = self.ts.and_then(inside).filter(|text| is_timestamp(text.as_bytes()));
        let ts = ts.ok_or_else(|| wrong("ts", "expected UTC with six digits, like 2026-11-20T09:35:12.000000Z"))?;
        let kind = self.kind.and_then(inside).and_then(kind_of);
        let kind = kind.ok_or_else(|| wrong("kind", "it is none of the kinds there are"))?;
        let run = match self.run {
            None => None,
            Some(text) => Some(
                inside(text)
                    .filter(|text| is_run_id(text.as_bytes()))
                    .ok_or_else(|| wrong("run", "expected a run id: a UUID of version 7"))?,
            ),
        };
        let attempt = match self.attempt {
            None => None,
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|number| *number > 0)
                    .ok_or_else(|| wrong("attempt", "expected an integer from 1"))?,
            ),
        };
        for (name, value) in [("step", self.step), ("actor", self.actor)] {
            if value.is_some_and(|text| !text.starts_with('"')) {
                return Err(wrong(name, "expected a string"));
            }
        }
        let data = self.data.filter(|text| text.starts_with('{'));
        let data = data.ok_or_else(|| wrong("data", "expected an object"))?;
        let (step, actor, state) = (self.step, self.actor, self.state);
        Ok(Fields { seq, prev, ts, kind, run, step, attempt, actor, data, state })
    }
}

fn wrong(member: &str, why: &'static str) -> NotAnEntry {
    NotAnEntry::Member { member: member.to_owned(), why }
}

/// The inside of a string, as spelled.
fn inside(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// What [`Kind::parse`] says, found by length first: every entry of a ledger is asked.
fn kind_of(text: &str) -> Option<Kind> {
    static BY_LENGTH: LazyLock<Vec<Vec<Kind>>> = LazyLock::new(|| {
        let longest = Kind::ALL.iter().map(|kind| kind.as_str().len()).max().unwrap_or_default();
        let mut kinds = vec![Vec::new(); longest + 1];
        for kind in Kind::ALL {
            kinds[kind.as_str().len()].push(*kind);
        }
        kinds
    });
    BY_LENGTH.get(text.len())?.iter().copied().find(|kind| kind.as_str() == text)
}

fn fits_profile(value: &Value) -> Result<(), NotAnEntry> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(integer) if (-MAX_INTEGER..=MAX_INTEGER).contains(&integer) => Ok(()),
            _ => Err(NotAnEntry::Number(number.to_string())),
        },
        Value::Array(items) => items.iter().try_for_each(fits_profile),
        Value::Object(members) => members.values().try_for_each(fits_profile),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// Whether bytes are a run id; what [`RunId::parse`] says, without its allocation. Every entry of a ledger is asked, so all
/// bytes are looked at together.
fn is_run_id(text: &[u8]) -> bool {
    const SHAPE: &[u8; 36] = b"00000000-0000-7000-0000-000000000000";
    let Ok(text) = <&[u8; SHAPE.len()]>::try_from(text) else { return false };
    let fits = |(byte, like): (&u8, &u8)| {
        let is_digit = byte.wrapping_sub(b'0') < 10 || byte.wrapping_sub(b'a') < 6;
        if *like == b'0' { is_digit } else { byte == like }
    };
    text.iter().zip(SHAPE).fold(true, |all, pair| all & fits(pair)) && matches!(text[19], b'8' | b'9' | b'a' | b'b')
}

/// Whether bytes are a time in UTC with six digits, of a year with four.
fn is_timestamp(text: &[u8]) -> bool {
    const SHAPE: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
    let Ok(text) = <&[u8; SHAPE.len()]>::try_from(text) else { return false };
    let fits = |(byte, like): (&u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like };
    if !text.iter().zip(SHAPE).fold(true, |all, pair| all & fits(pair)) {
        return false;
    }
    let number =
        |from: usize, to: usize| text[from..to].iter().fold(0u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 31,
    };
    (1..=12).contains(&month)
        && (1..=days).contains(&day)
        && number(11, 13) < 24
        && number(14, 16) < 60
        && number(17, 19) < 60
}
