//! `mvcrs.summary`: whether log, telemetry and summary tell the same; the summary has two shapes, by who wrote it last.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::events::{Event, Log};
use super::{AT_MOST, LEVELS, Verifier, object, state, text, time};
use crate::action::data::format::Format;
use crate::action::{Error, Looking, Read};
use crate::host::Probe;
use crate::id::Digest;
use crate::time::Timestamp;

/// Compares summary, telemetry and log.
pub struct Summary;

/// What `mvcrs.summary` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// MV-CRS's state folder; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    directory: PathBuf,
    /// The telemetry, `mvcrs_challenges.csv`.
    #[schemars(extend("x-runwarden-path" = true))]
    telemetry: PathBuf,
}

/// What `mvcrs.summary` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Who wrote the summary last: `utils` (counts of challenges), `verifier` (counts of deviations), `mixed`, or
    /// `unknown` where it has neither's members.
    shape: String,
    /// Entries of the log.
    events: Counts,
    /// Rows of the telemetry.
    rows: Counts,
    /// When the summary says it was written.
    last_updated: Option<Timestamp>,
    /// Whether all that could be compared is equal, and something could.
    aligned: bool,
    /// What is not.
    differences: Vec<Difference>,
    /// The digest over log, telemetry and summary.
    subject: Digest,
}

/// How many there are, by the level that is stated.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Counts {
    /// All of them.
    total: u64,
    /// Soft ones.
    soft: u64,
    /// Material ones.
    material: u64,
    /// Critical ones.
    critical: u64,
    /// Of any other level, or of none.
    other: u64,
}

/// Two that should tell the same and do not.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Difference {
    /// What was compared.
    what: String,
    /// What the summary or telemetry says.
    stated: String,
    /// What was found.
    found: String,
}

impl Counts {
    fn of(levels: impl Iterator<Item = Option<usize>>) -> Self {
        let mut counts = Self::default();
        for level in levels {
            counts.total += 1;
            match level {
                Some(0) => counts.soft += 1,
                Some(1) => counts.material += 1,
                Some(_) => counts.critical += 1,
                None => counts.other += 1,
            }
        }
        counts
    }

    fn by_level(&self) -> [u64; 3] {
        [self.soft, self.material, self.critical]
    }
}

#[async_trait]
impl Read for Summary {
    const NAME: &'static str = "mvcrs.summary";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let path = state(&params.directory, "challenge_summary.json");
        let missing = || Error::new("not_found", format!("there is no `{}`", path.display()));
        let summary = object(looking.probe, &path)?.ok_or_else(missing)?;
        let log = Log::read(looking.probe, &params.directory)?;
        let (rows, telemetry) = rows(looking.probe, &params)?;
        let verifier = Verifier::read(looking.probe, &params.directory)?;
        let escalation = object(looking.probe, &state(&params.directory, "mvcrs_escalation.json"))?.is_some();

        let events = Counts::of(log.events.iter().map(|event| event.stated));
        let mut told = Told(Vec::new());
        if log.unreadable > 0 {
            told.differ("lines of the log that can be read", "all", format!("all but {}", log.unreadable));
        }
        told.same("rows of the telemetry, against entries of the log", &rows.total, &events.total);
        for ((level, rows), events) in LEVELS.iter().zip(rows.by_level()).zip(events.by_level()) {
            told.same(&format!("{level} rows of the telemetry, against the log"), &rows, &events);
        }
        let (utils, verified) = (summary.contains_key("daily_challenge_count"), summary.contains_key("total_events"));
        if utils {
            of_utils(&summary, &log.events, &mut told);
        }
        if verified {
            of_verifier(&summary, &events, &verifier, escalation, &mut told);
        }
        let shape = match (utils, verified) {
            (true, false) => "utils",
            (false, true) => "verifier",
            (true, true) => "mixed",
            (false, false) => "unknown",
        };
        let spelled = format!("{}\n{telemetry}\n{}", log.subject, Value::Object(summary.clone()));
        Ok(Output {
            shape: shape.to_owned(),
            last_updated: time(&summary, "last_updated"),
            aligned: told.0.is_empty() && (utils || verified),
            differences: told.0,
            events,
            rows,
            subject: Digest::of(spelled.as_bytes()),
        })
    }
}

/// The rows of the telemetry, and the digest of its bytes.
fn rows(probe: &dyn Probe, params: &Params) -> Result<(Counts, Digest), Error> {
    let bytes = probe.read(&params.telemetry, AT_MOST)?;
    let digest = Digest::of(&bytes);
    let wrong = |what: &str| Error::new("malformed", format!("`{}`: {what}", params.telemetry.display()));
    let text = String::from_utf8(bytes).map_err(|_| wrong("no UTF-8"))?;
    if !text.lines().next().is_some_and(|header| header.split(',').any(|name| name.trim() == "level")) {
        return Err(wrong("its header has no `level`"));
    }
    let Value::Array(rows) = Format::Csv.parse(&text).map_err(|error| wrong(&error.message))? else {
        return Err(wrong("no rows"));
    };
    let level = |row: &Value| LEVELS.iter().position(|level| row.get("level").and_then(Value::as_str) == Some(level));
    Ok((Counts::of(rows.iter().map(level)), digest))
}

/// Differences as they are found.
struct Told(Vec<Difference>);

impl Told {
    fn differ(&mut self, what: &str, stated: impl Into<String>, found: impl Into<String>) {
        self.0.push(Difference { what: what.to_owned(), stated: stated.into(), found: found.into() });
    }

    fn same<T: PartialEq + ToString>(&mut self, what: &str, stated: &T, found: &T) {
        if stated != found {
            self.differ(what, stated.to_string(), found.to_string());
        }
    }

    /// A count of the summary, which must be there and be one.
    fn count(&mut self, summary: &Map<String, Value>, name: &str, found: u64) {
        match summary.get(name) {
            Some(Value::Number(number)) if number.as_u64() == Some(found) => {}
            Some(stated) => self.differ(name, stated.to_string(), found.to_string()),
            None => self.differ(name, "nothing", found.to_string()),
        }
    }
}

/// The summary of challenge_utils: `daily_challenge_count` is the total whatever its name says.
fn of_utils(summary: &Map<String, Value>, events: &[Event], told: &mut Told) {
    let open = |level: usize| events.iter().filter(|event| event.stated == Some(level) && event.open).count() as u64;
    told.count(summary, "daily_challenge_count", events.len() as u64);
    told.count(summary, "open_material", open(1));
    told.count(summary, "open_critical", open(2));
    let deviations: Vec<f64> = events.iter().filter_map(|event| event.deviation).collect();
    #[expect(clippy::cast_precision_loss, reason = "no log has 2^53 lines")]
    let average = if deviations.is_empty() { 0.0 } else { deviations.iter().sum::<f64>() / deviations.len() as f64 };
    match summary.get("avg_deviation").and_then(Value::as_f64) {
        // It is kept to six decimals.
        Some(stated) if (stated - average).abs() <= 1e-6 => {}
        Some(stated) => told.differ("avg_deviation", stated.to_string(), format!("{average:.6}")),
        None => told.differ("avg_deviation", "nothing", format!("{average:.6}")),
    }
}

/// The summary of the verifier: sums must fit each other, and what it says of others must be so.
fn of_verifier(summary: &Map<String, Value>, events: &Counts, verifier: &Verifier, escalation: bool, told: &mut Told) {
    told.count(summary, "total_events", events.total);
    for word in ["low", "medium", "high"] {
        let by_type = summary.get("deviation_counts").and_then(Value::as_object).into_iter().flatten();
        let sum: u64 = by_type.filter_map(|(_, counts)| counts.get(word)?.as_u64()).sum();
        let total = summary.get("severity_totals").and_then(|totals| totals.get(word)).and_then(Value::as_u64);
        told.same(&format!("severity_totals.{word}, against deviation_counts"), &total.unwrap_or_default(), &sum);
    }
    let status = text(summary, "verifier_status").unwrap_or("nothing");
    told.same("verifier_status", &status, &verifier.status.as_deref().unwrap_or("nothing"));
    let escalated = summary.get("escalation_triggered").and_then(Value::as_bool).unwrap_or_default();
    told.same("escalation_triggered, against mvcrs_escalation.json", &escalated, &escalation);
}
