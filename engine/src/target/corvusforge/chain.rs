//! The walk over all rows, once, in order of id: what every judgement is made from.
//!
//! It holds one head a run and nothing else of what it has passed. What the faults amount to is decided by those who
//! look on: `verify`, `anchor`, `listing`.

use std::collections::HashMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::ledger::report::Status;

use super::entry::{self, Entry, Fields};
use super::fault::{Fault, Noted};
use super::timestamp::Stamp;
use super::{COLUMNS, CorvusLedger, Error};

/// What the walk comes past.
pub(super) enum Step<'a> {
    /// Row ids from `first` to the one before the next row are missing.
    Gap { first: i64, noted: Noted },
    /// A row.
    Row(Visited<'a>),
}

/// A row, judged.
pub(super) struct Visited<'a> {
    pub id: i64,
    /// Its place in its run, from 1.
    pub place: u64,
    pub run: Option<&'a str>,
    pub stage: Option<&'a str>,
    /// The hash it bears.
    pub hash: Option<&'a str>,
    pub at: Option<Stamp>,
    pub noted: Vec<Noted>,
}

/// What the walk came to.
pub(super) struct Extent {
    /// The largest row id; 0 without rows.
    pub last_id: i64,
    /// What is wrong with `sqlite_sequence`.
    pub sequence: Option<Noted>,
}

/// The newest entry of a run, as far as the next one needs it.
#[derive(Default)]
struct Head {
    place: u64,
    /// The hash it bears; nothing when that could not be read.
    hash: Option<String>,
    /// The hash it names as the one before it.
    previous: Option<String>,
}

/// The columns of a row as text, in the order of [`COLUMNS`].
type Texts<'a> = [Option<&'a str>; COLUMNS.len()];

const RUN: usize = 1;
const STAGE: usize = 2;
const PREVIOUS: usize = 16;
const HASH: usize = 17;

impl CorvusLedger {
    /// Walks over every row; rows of runs that are not `wanted` are passed without being judged.
    pub(super) fn walk(&self, wanted: &dyn Fn(&str) -> bool, each: &mut dyn FnMut(Step<'_>)) -> Result<Extent, Error> {
        let mut heads: HashMap<String, Head> = HashMap::new();
        let mut last_id = 0;
        self.each_row(&mut |row| {
            let id: i64 = row.get(0)?;
            if let Some(noted) = gap(last_id, id) {
                each(Step::Gap { first: last_id + 1, noted });
            }
            let mut noted = Vec::new();
            if id < 1 {
                noted.push(Noted::new(Fault::MalformedRow, format!("row id {id} lies before the first, 1")));
            }
            last_id = last_id.max(id);
            let run = text(row, RUN, &mut Vec::new())?;
            if run.is_some_and(|run| !wanted(run)) {
                return Ok(());
            }
            let texts = texts(row, &mut noted)?;
            let mut place = 0;
            if let Some(run) = run {
                let head = match heads.get_mut(run) {
                    Some(head) => head,
                    None => heads.entry(run.to_owned()).or_default(),
                };
                place = head.place + 1;
                noted.extend(head.link(&texts));
                head.pass(&texts);
            }
            let at = self.judge(&texts, &mut noted);
            each(Step::Row(Visited { id, place, run, stage: texts[STAGE], hash: texts[HASH], at, noted }));
            Ok(())
        })?;
        let sequence = sequence(&self.connection, last_id).map_err(|source| self.unreadable(source))?;
        Ok(Extent { last_id, sequence })
    }

    /// Every row as an entry to be shown, unjudged but for columns that cannot be read.
    pub(super) fn each_entry(&self, each: &mut dyn FnMut(Entry, Option<Stamp>)) -> Result<(), Error> {
        self.each_row(&mut |row| {
            let mut noted = Vec::new();
            let texts = texts(row, &mut noted)?.map(|text| Some(text.unwrap_or_default()));
            if let Some((fields, hash)) = fields(&texts) {
                let entry = Entry::show(row.get(0)?, &fields, hash, noted);
                each(entry, Stamp::parse(fields.timestamp_utc));
            }
            Ok(())
        })
    }

    fn each_row(&self, each: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<()>) -> Result<(), Error> {
        let mut read = || {
            let mut statement = self.connection.prepare(&self.select())?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        };
        read().map_err(|source| self.unreadable(source))
    }

    /// Judges a row by itself.
    fn judge(&self, texts: &Texts<'_>, noted: &mut Vec<Noted>) -> Option<Stamp> {
        let (fields, hash) = fields(texts)?;
        let examined = entry::examine(&fields, self.dialect);
        noted.extend(examined.noted);
        if let Some(found) = examined.hash
            && found != hash
        {
            noted.push(Noted::new(
                Fault::HashMismatch,
                format!("entry {} bears hash {hash:?}, its fields give {found:?}", fields.entry_id),
            ));
        }
        examined.at
    }
}

impl Head {
    /// What is wrong between this head and the row after it.
    fn link(&self, next: &Texts<'_>) -> Option<Noted> {
        let found = next[PREVIOUS]?;
        let expected = if self.place == 0 { "" } else { self.hash.as_deref()? };
        if found == expected {
            return None;
        }
        if self.place > 0 && self.previous.as_deref() == Some(found) {
            return Some(Noted::new(
                Fault::Fork,
                format!("names {found:?} as the entry before it, and so does the entry before it in the table"),
            ));
        }
        Some(Noted::new(Fault::LinkMismatch, format!("names {found:?} as the entry before it, which is {expected:?}")))
    }

    /// Goes on from what the row says of itself, so that one fault is told once.
    fn pass(&mut self, row: &Texts<'_>) {
        self.place += 1;
        self.hash = row[HASH].map(ToOwned::to_owned);
        self.previous = row[PREVIOUS].map(ToOwned::to_owned);
    }
}

fn gap(last_id: i64, id: i64) -> Option<Noted> {
    let missing = id.checked_sub(last_id)?.checked_sub(1).filter(|missing| *missing > 0)?;
    let which = match missing {
        1 => format!("row {}", id - 1),
        _ => format!("rows {} to {}", last_id + 1, id - 1),
    };
    Some(Noted::new(Fault::Gap, format!("{which} missing ({missing} removed)")))
}

fn sequence(connection: &Connection, last_id: i64) -> rusqlite::Result<Option<Noted>> {
    let kept: i64 = connection.query_row(
        "SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_sequence' AND rootpage > 0",
        [],
        |row| row.get(0),
    )?;
    let mut found = Vec::new();
    if kept > 0 {
        let mut statement =
            connection.prepare("SELECT seq FROM main.sqlite_sequence WHERE name = 'run_ledger' LIMIT 2")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            found.push(row.get_ref(0)?.as_i64().ok());
        }
    }
    let mut noted = match found[..] {
        [Some(sequence)] if sequence == last_id => return Ok(None),
        [] if last_id == 0 => return Ok(None),
        [Some(sequence)] => Noted::new(
            Fault::SequenceMismatch,
            format!("`sqlite_sequence` says {sequence} rows were written, the last row is {last_id}"),
        ),
        [] => Noted::new(Fault::SequenceMismatch, "`sqlite_sequence` does not name the table".to_owned()),
        _ => Noted::new(Fault::SequenceMismatch, "`sqlite_sequence` does not hold one number".to_owned()),
    };
    if matches!(found[..], [Some(sequence)] if sequence > last_id) {
        noted.status = Status::Truncated;
    }
    Ok(Some(noted))
}

fn texts<'a>(row: &'a Row<'_>, noted: &mut Vec<Noted>) -> rusqlite::Result<Texts<'a>> {
    let mut texts = [None; COLUMNS.len()];
    for (index, slot) in texts.iter_mut().enumerate() {
        *slot = text(row, index, noted)?;
    }
    Ok(texts)
}

fn text<'a>(row: &'a Row<'_>, index: usize, noted: &mut Vec<Noted>) -> rusqlite::Result<Option<&'a str>> {
    let column = COLUMNS[index];
    let fault = match row.get_ref(index + 1)? {
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(Some(text)),
            Err(_) => Noted::new(Fault::MalformedRow, format!("`{column}` is not UTF-8")),
        },
        ValueRef::Null => Noted::new(Fault::NullColumn, format!("`{column}` is NULL")),
        other => {
            let kind = other.data_type();
            Noted::new(Fault::MalformedRow, format!("`{column}` is of type {kind}, expected text"))
        }
    };
    noted.push(fault);
    Ok(None)
}

/// The fields of a row and the hash it bears, when every column could be read.
fn fields<'a>(texts: &Texts<'a>) -> Option<(Fields<'a>, &'a str)> {
    let [
        entry_id,
        run_id,
        stage_id,
        state_transition,
        timestamp_utc,
        input_hash,
        output_hash,
        artifact_refs_json,
        pipeline_version,
        schema_version,
        toolchain_version,
        ruleset_versions_json,
        waiver_refs_json,
        trust_context_json,
        trust_context_version,
        payload_hash,
        previous_entry_hash,
        entry_hash,
    ] = *texts;
    let fields = Fields {
        entry_id: entry_id?,
        run_id: run_id?,
        stage_id: stage_id?,
        state_transition: state_transition?,
        timestamp_utc: timestamp_utc?,
        input_hash: input_hash?,
        output_hash: output_hash?,
        artifact_refs_json: artifact_refs_json?,
        pipeline_version: pipeline_version?,
        schema_version: schema_version?,
        toolchain_version: toolchain_version?,
        ruleset_versions_json: ruleset_versions_json?,
        waiver_refs_json: waiver_refs_json?,
        trust_context_json: trust_context_json?,
        trust_context_version: trust_context_version?,
        payload_hash: payload_hash?,
        previous_entry_hash: previous_entry_hash?,
    };
    Some((fields, entry_hash?))
}
