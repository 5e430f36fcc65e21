//! `mvcrs.classify`: which levels the recorded deviations reach, and what of it waits for a person.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::{Event, Log, Thresholds};
use super::{LEVELS, Verifier};
use crate::action::{Error, Looking, Read};
use crate::id::Digest;
use crate::time::{Duration, Timestamp};

/// Classifies deviations.
pub struct Classify;

/// What `mvcrs.classify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// MV-CRS's state folder; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    directory: PathBuf,
    /// Entries before this are left out; those that do not say when they happened never are.
    #[serde(default)]
    since: Option<Timestamp>,
}

/// What `mvcrs.classify` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Entries that were looked at.
    events: u64,
    /// Of them, those of level soft.
    soft: u64,
    /// Of level material.
    material: u64,
    /// Of level critical.
    critical: u64,
    /// Those under every threshold that state no level.
    below: u64,
    /// Those with neither a level nor a deviation.
    unclassified: u64,
    /// Lines that cannot be read.
    unreadable: u64,
    /// Those that do not say when they happened.
    untimed: u64,
    /// Those whose stated level is not the one that their deviation reaches; the higher of the two counts.
    disagreeing: u64,
    /// The highest level there is, in the log or by the verifier: `none`, `soft`, `material` or `critical`.
    highest: String,
    /// The greatest deviation as it is written; none where there is none.
    max_deviation: Option<String>,
    /// The most critical entries in a row, in the order of the file; what cannot be classified does not end a row.
    longest_critical_run: u64,
    /// Material and critical entries that nobody closed.
    open: u64,
    /// When the first of these has to have been reviewed: 24 hours after it happened; none where none says when.
    review_due: Option<Timestamp>,
    /// The first hundred material and critical entries.
    findings: Vec<Finding>,
    /// What the verifier said last; its severities low, medium and high count as soft, material and critical.
    verifier: Said,
    /// The thresholds, as they are written.
    thresholds: Thresholded,
    /// The digest of the log that was read.
    subject: Digest,
}

/// A material or critical entry.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Finding {
    /// Its line.
    line: u64,
    /// Its level.
    level: String,
    /// Its id, if it has one.
    id: Option<String>,
    /// Its deviation as it is written.
    deviation: Option<String>,
    /// When it happened, if it says so.
    at: Option<Timestamp>,
    /// Whether nobody closed it.
    open: bool,
}

/// What the verifier said last.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Said {
    /// `ok`, `warning` or `failed`; none where it never ran.
    status: Option<String>,
    /// Deviations of severity low.
    low: u64,
    /// Of severity medium.
    medium: u64,
    /// Of severity high.
    high: u64,
    /// When it said so.
    at: Option<Timestamp>,
}

/// The thresholds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Thresholded {
    /// From where on a deviation is soft.
    soft: String,
    /// Material.
    material: String,
    /// Critical.
    critical: String,
}

const REVIEW: Duration = Duration::from_seconds(24 * 60 * 60);
const SHOWN: usize = 100;

#[async_trait]
impl Read for Classify {
    const NAME: &'static str = "mvcrs.classify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let (thresholds, written) = Thresholds::read(looking.probe, &params.directory)?;
        let log = Log::read(looking.probe, &params.directory)?;
        let verifier = Verifier::read(looking.probe, &params.directory)?;
        Ok(classified(&params, thresholds, written, log, verifier))
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        Log::read(looking.probe, &params.directory).map(|log| Some(log.subject))
    }
}

/// The level of an entry, and whether what it states is another than what its deviation reaches.
fn level(event: &Event, thresholds: &Thresholds) -> (Option<usize>, bool) {
    let reached = event.deviation.map(|deviation| thresholds.level(deviation));
    match (event.stated, reached) {
        (Some(stated), Some(reached)) => (Some(stated).max(reached), Some(stated) != reached),
        (stated, reached) => (stated.or(reached.flatten()), false),
    }
}

fn classified(params: &Params, thresholds: Thresholds, written: [String; 3], log: Log, verifier: Verifier) -> Output {
    let is_in = |event: &&Event| params.since.is_none_or(|since| event.at.is_none_or(|at| at >= since));
    let events: Vec<&Event> = log.events.iter().filter(is_in).collect();
    let (mut counts, mut below, mut unclassified, mut disagreeing) = ([0_u64; 3], 0, 0, 0);
    let (mut row, mut longest) = (0, 0);
    let (mut open, mut oldest) = (0, None::<Timestamp>);
    let mut findings = Vec::new();
    for event in &events {
        let (level, disagrees) = level(event, &thresholds);
        disagreeing += u64::from(disagrees);
        match level {
            Some(level) => counts[level] += 1,
            None if event.deviation.is_some() => below += 1,
            None => unclassified += 1,
        }
        row = match level {
            Some(2) => row + 1,
            None if event.deviation.is_none() => row,
            _ => 0,
        };
        longest = longest.max(row);
        let Some(level) = level.filter(|level| *level > 0) else { continue };
        if event.open {
            open += 1;
            oldest = [oldest, event.at].into_iter().flatten().min();
        }
        if findings.len() < SHOWN {
            let (id, deviation) = (event.id.clone(), event.written.clone());
            let (line, at, open) = (event.line, event.at, event.open);
            findings.push(Finding { line, level: LEVELS[level].to_owned(), id, deviation, at, open });
        }
    }
    let all = [0, 1, 2].map(|index| counts[index] + verifier.severities[index]);
    let highest = all.iter().rposition(|count| *count > 0).map_or("none", |index| LEVELS[index]);
    let greatest = events.iter().filter_map(|event| Some((event.deviation?, event.written.clone())));
    let greatest = greatest.max_by(|(left, _), (right, _)| left.total_cmp(right)).and_then(|(_, written)| written);
    let [soft, material, critical] = written;
    let [low, medium, high] = verifier.severities;
    Output {
        events: events.len() as u64,
        soft: counts[0],
        material: counts[1],
        critical: counts[2],
        below,
        unclassified,
        unreadable: log.unreadable,
        untimed: events.iter().filter(|event| event.at.is_none()).count() as u64,
        disagreeing,
        highest: highest.to_owned(),
        max_deviation: greatest,
        longest_critical_run: longest,
        open,
        review_due: oldest.and_then(|at| at.plus(REVIEW)),
        findings,
        verifier: Said { status: verifier.status, low, medium, high, at: verifier.at },
        thresholds: Thresholded { soft, material, critical },
        subject: log.subject,
    }
}
