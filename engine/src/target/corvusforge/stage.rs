//! The stages of a pipeline run: what each waits for, and what state the ledger leaves it in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::CorvusLedger;
use super::Error;
use super::listing::Filter;

/// The stages in their order, each with those that must have passed or been waived before it.
pub const STAGES: [(&str, &[&str]); 10] = [
    ("s0_intake", &[]),
    ("s1_prerequisites", &["s0_intake"]),
    ("s2_environment", &["s1_prerequisites"]),
    ("s3_test_contract", &["s2_environment"]),
    ("s4_code_plan", &["s3_test_contract"]),
    ("s5_implementation", &["s4_code_plan"]),
    ("s55_accessibility", &["s5_implementation"]),
    ("s575_security", &["s5_implementation"]),
    ("s6_verification", &["s55_accessibility", "s575_security"]),
    ("s7_release", &["s6_verification"]),
];

/// The states of a stage; a transition to any other word is not one.
const STATES: [&str; 6] = ["not_started", "running", "passed", "failed", "blocked", "waived"];

/// A stage that another waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Prerequisite {
    /// The stage.
    pub stage: String,
    /// Its state.
    pub state: String,
    /// Whether it is passed or waived.
    pub met: bool,
}

/// A stage as the ledger leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stage {
    /// The stage.
    pub stage: String,
    /// Its state.
    pub state: String,
    /// When it came into it, as stored; none where the ledger does not speak of it.
    pub since: Option<String>,
    /// Ids of the waivers that its last entry names.
    pub waivers: Vec<String>,
    /// What it waits for.
    pub prerequisites: Vec<Prerequisite>,
    /// Whether all of that is met.
    pub ready: bool,
}

/// A run's stages, and what in its entries is no stage or no state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stages {
    /// All ten, in order.
    pub stages: Vec<Stage>,
    /// How many entries the run has.
    pub entries: u64,
    /// Transitions that mean nothing, in words.
    pub strange: Vec<String>,
}

impl CorvusLedger {
    /// The stages of a run.
    ///
    /// # Errors
    /// When SQLite cannot read the file to its end.
    pub fn stages(&self, run: &str) -> Result<Stages, Error> {
        let mut last: BTreeMap<String, (String, String, Vec<String>)> = BTreeMap::new();
        let mut found = Stages::default();
        self.visit_entries(&Filter { run: Some(run.to_owned()), ..Filter::default() }, |entry| {
            found.entries += 1;
            let Some((_, state)) = entry.state_transition.split_once("->") else { return };
            if STAGES.iter().all(|(stage, _)| *stage != entry.stage_id) || !STATES.contains(&state) {
                found.strange.push(format!("entry {}: {} {}", entry.id, entry.stage_id, entry.state_transition));
                return;
            }
            last.insert(entry.stage_id, (state.to_owned(), entry.timestamp_utc, entry.waiver_references));
        })?;
        let state = |stage: &str| last.get(stage).map_or("not_started", |(state, ..)| state.as_str()).to_owned();
        for (stage, needed) in STAGES {
            let prerequisite = |needed: &&str| {
                let state = state(needed);
                let met = matches!(state.as_str(), "passed" | "waived");
                Prerequisite { stage: (*needed).to_owned(), state, met }
            };
            let prerequisites: Vec<Prerequisite> = needed.iter().map(prerequisite).collect();
            found.stages.push(Stage {
                stage: stage.to_owned(),
                state: state(stage),
                since: last.get(stage).map(|(_, at, _)| at.clone()),
                waivers: last.get(stage).map(|(.., waivers)| waivers.clone()).unwrap_or_default(),
                ready: prerequisites.iter().all(|needed| needed.met),
                prerequisites,
            });
        }
        Ok(found)
    }
}
