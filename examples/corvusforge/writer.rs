//! Writes a run ledger as Corvusforge does, by code of its own: what reads it in the engine is checked against this.
//!
//! Only what Corvusforge itself writes, and the ways to tamper with it that the tests need. Every text in here is plain
//! ASCII, so quoting needs no escapes.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use sha2::{Digest as _, Sha256};

#[path = "runs.rs"]
pub mod runs;

use runs::{MAIN_RUN, Row, STAGES, artifact, rows};

/// Which columns are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    L1,
    L2,
    L3,
}

/// What is done to the main run after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    /// Its fifth row says another transition.
    Edited,
    /// Its last two rows are gone.
    Cut,
    /// Its fifth and sixth row changed places.
    Reordered,
    /// Its fifth row is gone.
    Deleted,
    /// Its fifth row says another transition, and everything after it was hashed anew.
    Rehashed,
}

/// What to write.
#[derive(Debug, Clone)]
pub struct Plan {
    pub dialect: Dialect,
    /// How many runs: the three above, then plain ones.
    pub runs: usize,
    /// Write this many plain entries, in turn over the runs, instead of the example.
    pub entries: Option<u64>,
    pub tamper: Option<Tamper>,
    /// Transitions made by hand after all else: run, stage and transition.
    pub by_hand: Vec<[&'static str; 3]>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { dialect: Dialect::L3, runs: 3, entries: None, tamper: None, by_hand: Vec::new() }
    }
}

/// Writes a ledger to a path where nothing is yet, with nothing left in its write-ahead log.
pub fn write(path: &Path, plan: &Plan) -> Result<(), Box<dyn Error>> {
    if path.exists() {
        return Err(format!("{} is there already", path.display()).into());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;")?;
    connection.execute_batch(&table(plan.dialect))?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare(&insert(plan.dialect))?;
        let mut sealer = Sealer::default();
        for row in rows(plan) {
            let sealed = sealer.seal(row, plan);
            match plan.dialect {
                Dialect::L1 => insert.execute(rusqlite::params_from_iter(sealed.without(&[12, 13])))?,
                Dialect::L2 => insert.execute(rusqlite::params_from_iter(sealed.without(&[13])))?,
                Dialect::L3 => insert.execute(rusqlite::params_from_iter(sealed.without(&[])))?,
            };
        }
    }
    transaction.commit()?;
    if let Some(tamper) = plan.tamper {
        apply(&mut connection, tamper)?;
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Writes the artifacts that the main run of the example names, as Corvusforge's store lays them out.
pub fn write_artifacts(store: &Path) -> Result<(), Box<dyn Error>> {
    for stage in &STAGES[1..] {
        let content = artifact(MAIN_RUN, stage);
        let hash = sha256(&content);
        let folder = store.join(&hash[..2]).join(&hash[2..4]);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{hash}.dat")), content)?;
    }
    Ok(())
}

fn table(dialect: Dialect) -> String {
    let trust = match dialect {
        Dialect::L1 => "",
        Dialect::L2 => "    trust_context_json    TEXT NOT NULL DEFAULT '{}',\n",
        Dialect::L3 => {
            "    trust_context_json    TEXT NOT NULL DEFAULT '{}',\n    trust_context_version TEXT NOT NULL DEFAULT '1',\n"
        }
    };
    format!(
        "CREATE TABLE run_ledger (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id              TEXT NOT NULL UNIQUE,
    run_id                TEXT NOT NULL,
    stage_id              TEXT NOT NULL,
    state_transition      TEXT NOT NULL,
    timestamp_utc         TEXT NOT NULL,
    input_hash            TEXT NOT NULL DEFAULT '',
    output_hash           TEXT NOT NULL DEFAULT '',
    artifact_refs_json    TEXT NOT NULL DEFAULT '[]',
    pipeline_version      TEXT NOT NULL,
    schema_version        TEXT NOT NULL,
    toolchain_version     TEXT NOT NULL,
    ruleset_versions_json TEXT NOT NULL DEFAULT '{{}}',
    waiver_refs_json      TEXT NOT NULL DEFAULT '[]',
{trust}    payload_hash          TEXT NOT NULL DEFAULT '',
    previous_entry_hash   TEXT NOT NULL DEFAULT '',
    entry_hash            TEXT NOT NULL UNIQUE
);
CREATE INDEX idx_run_id ON run_ledger(run_id, id);
CREATE INDEX idx_run_stage ON run_ledger(run_id, stage_id, id);"
    )
}

fn insert(dialect: Dialect) -> String {
    let (trust, count) = match dialect {
        Dialect::L1 => ("", 16),
        Dialect::L2 => ("trust_context_json, ", 17),
        Dialect::L3 => ("trust_context_json, trust_context_version, ", 18),
    };
    format!(
        "INSERT INTO run_ledger (entry_id, run_id, stage_id, state_transition, timestamp_utc, input_hash, output_hash,
         artifact_refs_json, pipeline_version, schema_version, toolchain_version, ruleset_versions_json,
         {trust}waiver_refs_json, payload_hash, previous_entry_hash, entry_hash) VALUES ({})",
        vec!["?"; count].join(", ")
    )
}

/// The values of a row in the order of [`insert`].
struct Sealed([String; 18]);

impl Sealed {
    fn without(self, left_out: &[usize]) -> Vec<String> {
        let kept = self.0.into_iter().enumerate().filter(|(index, _)| !left_out.contains(index));
        kept.map(|(_, value)| value).collect()
    }
}

/// Knows the newest hash of each run, and how many rows it has.
#[derive(Default)]
struct Sealer {
    heads: HashMap<String, (u64, String)>,
    written: u64,
}

impl Sealer {
    fn seal(&mut self, mut row: Row, plan: &Plan) -> Sealed {
        let (place, previous) = self.heads.entry(row.run.clone()).or_default();
        *place += 1;
        self.written += 1;
        if plan.tamper == Some(Tamper::Rehashed) && row.run == MAIN_RUN && *place == 5 {
            row.transition = "running->waived";
        }
        let entry_id = format!("00000000-0000-4000-8000-{:012x}", self.written);
        let list = |items: &[String], comma: &str| {
            format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(comma))
        };
        let waivers: Vec<String> = row.waivers.iter().map(|&waiver| waiver.to_owned()).collect();
        let [stored_trust, hashed_trust] = match row.trust {
            None => ["{}".to_owned(), "{}".to_owned()],
            Some([plugin, waiver, anchor]) => [
                format!(
                    r#"{{"plugin_trust_root_fp": "{plugin}", "waiver_signing_key_fp": "{waiver}", "anchor_key_fp": "{anchor}"}}"#
                ),
                format!(
                    r#"{{"anchor_key_fp":"{anchor}","plugin_trust_root_fp":"{plugin}","waiver_signing_key_fp":"{waiver}"}}"#
                ),
            ],
        };
        let trust_members = match plan.dialect {
            Dialect::L1 => String::new(),
            Dialect::L2 => format!(r#""trust_context":{hashed_trust},"#),
            Dialect::L3 => format!(r#""trust_context":{hashed_trust},"trust_context_version":"1","#),
        };
        let time = row.time();
        let preimage = [
            format!(r#"{{"artifact_references":{},"entry_id":"{entry_id}","#, list(&row.artifacts, ",")),
            format!(r#""input_hash":"{}","output_hash":"{}","payload_hash":"","#, row.input_hash, row.output_hash),
            format!(r#""pipeline_version":"0.1.0","previous_entry_hash":"{previous}","#),
            r#""ruleset_versions":{"accessibility":"wcag-2.1-aa","security":"1.0.0"},"#.to_owned(),
            format!(r#""run_id":"{}","schema_version":"2026-02","stage_id":"{}","#, row.run, row.stage),
            format!(r#""state_transition":"{}","timestamp_utc":"{time}Z","#, row.transition),
            format!(r#""toolchain_version":"{TOOLCHAIN}",{trust_members}"#),
            format!(r#""waiver_references":{}}}"#, list(&waivers, ",")),
        ];
        let hash = sha256(&preimage.concat());
        Sealed([
            entry_id,
            row.run.clone(),
            row.stage.to_owned(),
            row.transition.to_owned(),
            format!("{time}+00:00"),
            row.input_hash,
            row.output_hash,
            list(&row.artifacts, ", "),
            "0.1.0".to_owned(),
            "2026-02".to_owned(),
            TOOLCHAIN.to_owned(),
            r#"{"accessibility": "wcag-2.1-aa", "security": "1.0.0"}"#.to_owned(),
            stored_trust,
            "1".to_owned(),
            list(&waivers, ", "),
            String::new(),
            std::mem::replace(previous, hash.clone()),
            hash,
        ])
    }
}

const TOOLCHAIN: &str = "pydantic-v2.10+typer+rich+hatchling";

fn apply(connection: &mut Connection, tamper: Tamper) -> Result<(), Box<dyn Error>> {
    let ids: Vec<i64> = connection
        .prepare("SELECT id FROM run_ledger WHERE run_id = ? ORDER BY id")?
        .query_map([MAIN_RUN], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let [_, _, _, _, fifth, sixth, .., before_last, last] = ids[..] else {
        return Err("the main run is too short to be tampered with".into());
    };
    let transaction = connection.transaction()?;
    match tamper {
        Tamper::Edited => {
            let edit = "UPDATE run_ledger SET state_transition = 'running->waived' WHERE id = ?";
            transaction.execute(edit, [fifth])?;
        }
        Tamper::Cut => {
            transaction.execute("DELETE FROM run_ledger WHERE id IN (?, ?)", [before_last, last])?;
        }
        Tamper::Reordered => {
            let renumber = "UPDATE run_ledger SET id = ? WHERE id = ?";
            for (to, from) in [(0, fifth), (fifth, sixth), (sixth, 0)] {
                transaction.execute(renumber, params![to, from])?;
            }
        }
        Tamper::Deleted => {
            transaction.execute("DELETE FROM run_ledger WHERE id = ?", [fifth])?;
        }
        // Was written so.
        Tamper::Rehashed => {}
    }
    transaction.commit()?;
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
