//! What stands in the ledger of the Corvusforge example: three runs as Corvusforge would have run them, and plain ones
//! without end for large ledgers. How a row is sealed and stored is not known here.

use super::{Plan, sha256};

/// The run that the example is about, and that tampering strikes.
pub const MAIN_RUN: &str = "cf-20260226-143000-a1b";
/// The run with a failed and waived gate.
pub const WAIVED_RUN: &str = "cf-20260227-090000-b2c";
/// The run that has only begun.
pub const OPEN_RUN: &str = "cf-20260227-090003-c3d";
/// The waiver that the waived gate names.
pub const WAIVER: &str = "00000000-0000-4000-9000-000000000001";

pub const STAGES: [&str; 10] = [
    "s0_intake",
    "s1_prerequisites",
    "s2_environment",
    "s3_test_contract",
    "s4_code_plan",
    "s5_implementation",
    "s55_accessibility",
    "s575_security",
    "s6_verification",
    "s7_release",
];

/// The fingerprints of plugin root, waiver key and anchor key that were trusted; none for entries made by hand.
pub type Trust = Option<[&'static str; 3]>;

const PRODUCTION: Trust = Some(["6538f932f35b2063", "93eb8a176a08a9ea", ""]);
const DEVELOPMENT: Trust = Some(["", "", ""]);

#[derive(Debug, Clone)]
pub struct Row {
    pub run: String,
    pub stage: &'static str,
    pub transition: &'static str,
    date: &'static str,
    microseconds: u64,
    pub input_hash: String,
    pub output_hash: String,
    pub artifacts: Vec<String>,
    pub waivers: Vec<&'static str>,
    pub trust: Trust,
}

impl Row {
    /// Date and time without an offset; a fraction of six digits, or none where it is zero.
    pub fn time(&self) -> String {
        let (seconds, fraction) = (self.microseconds / 1_000_000, self.microseconds % 1_000_000);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let whole = format!("{}T{hour:02}:{minute:02}:{second:02}", self.date);
        if fraction == 0 { whole } else { format!("{whole}.{fraction:06}") }
    }
}

/// The rows to write, one after the other.
pub fn rows(plan: &Plan) -> Box<dyn Iterator<Item = Row>> {
    let runs = plan.runs.max(1) as u64;
    if let Some(entries) = plan.entries {
        return Box::new((0..entries).map(move |index| plain(index % runs, index / runs)));
    }
    let mut all = vec![main_run(), waived_run(), open_run()];
    all.extend((3..runs).map(|run| (0..6).map(|index| plain(run, index)).collect()));
    all.truncate(plan.runs.max(1));
    let main = all.remove(0);
    // The runs after the main one were worked on at the same time.
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    let mut others = Vec::new();
    for index in 0..longest {
        others.extend(all.iter().filter_map(|run| run.get(index).cloned()));
    }
    others.extend(by_hand(&plan.by_hand));
    Box::new(main.into_iter().chain(others))
}

/// What people did to stages afterwards, in the order given.
fn by_hand(transitions: &[[&'static str; 3]]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, &[id, stage, transition]) in transitions.iter().enumerate() {
        let microseconds = (10 * 3600 + index as u64) * 1_000_000;
        let mut run =
            Run { id, date: "2026-02-27", microseconds, trust: None, keeps_artifacts: false, rows: Vec::new() };
        run.by_hand(stage, transition);
        rows.append(&mut run.rows);
    }
    rows
}

/// The rows of one run as they come into being.
struct Run {
    id: &'static str,
    date: &'static str,
    microseconds: u64,
    trust: Trust,
    keeps_artifacts: bool,
    rows: Vec<Row>,
}

impl Run {
    fn stage(&mut self, stage: &'static str, outcome: &'static str) {
        let inputs = sha256(&format!(r#"{{"inputs":{{"run":"{}"}},"stage_id":"{stage}"}}"#, self.id));
        self.row(stage, "not_started->running").input_hash.clone_from(&inputs);
        let outputs = sha256(&format!(r#"{{"outputs":{{"end":"{outcome}"}},"stage_id":"{stage}"}}"#));
        let artifacts = match self.keeps_artifacts && stage != STAGES[0] {
            true => vec![format!("sha256:{}", sha256(&artifact(self.id, stage)))],
            false => Vec::new(),
        };
        let row = self.row(stage, outcome);
        row.output_hash = outputs;
        row.artifacts = artifacts;
        if stage != STAGES[0] {
            row.input_hash = inputs;
        }
    }

    /// A row made by hand or by cascade: it knows no keys.
    fn by_hand(&mut self, stage: &'static str, transition: &'static str) -> &mut Row {
        let row = self.row(stage, transition);
        row.trust = None;
        row
    }

    fn row(&mut self, stage: &'static str, transition: &'static str) -> &mut Row {
        let index = self.rows.len();
        self.rows.push(Row {
            run: self.id.to_owned(),
            stage,
            transition,
            date: self.date,
            microseconds: self.microseconds + 7_250_137 * index as u64,
            input_hash: String::new(),
            output_hash: String::new(),
            artifacts: Vec::new(),
            waivers: Vec::new(),
            trust: self.trust,
        });
        &mut self.rows[index]
    }
}

fn main_run() -> Vec<Row> {
    let mut run = Run {
        id: MAIN_RUN,
        date: "2026-02-26",
        microseconds: (14 * 60 + 30) * 60_000_000,
        trust: PRODUCTION,
        keeps_artifacts: true,
        rows: Vec::new(),
    };
    for stage in STAGES {
        run.stage(stage, "running->passed");
    }
    run.rows
}

fn waived_run() -> Vec<Row> {
    let mut run = Run {
        id: WAIVED_RUN,
        date: "2026-02-27",
        microseconds: 9 * 3600 * 1_000_000,
        trust: PRODUCTION,
        keeps_artifacts: false,
        rows: Vec::new(),
    };
    for stage in &STAGES[..7] {
        run.stage(stage, "running->passed");
    }
    run.stage("s575_security", "running->failed");
    for stage in ["s6_verification", "s7_release"] {
        run.by_hand(stage, "not_started->blocked");
    }
    run.by_hand("s575_security", "failed->not_started");
    run.by_hand("s575_security", "not_started->blocked");
    run.by_hand("s575_security", "blocked->waived").waivers = vec![WAIVER];
    run.rows
}

fn open_run() -> Vec<Row> {
    let mut run = Run {
        id: OPEN_RUN,
        date: "2026-02-27",
        microseconds: (9 * 3600 + 3) * 1_000_000,
        trust: DEVELOPMENT,
        keeps_artifacts: false,
        rows: Vec::new(),
    };
    run.stage(STAGES[0], "running->passed");
    run.row(STAGES[1], "not_started->running");
    run.rows
}

/// An entry of a large ledger.
fn plain(run: u64, index: u64) -> Row {
    let id =
        if run == 0 { MAIN_RUN.to_owned() } else { format!("cf-20260301-{:06}-{:03x}", run % 240_000, run % 4096) };
    let stage = STAGES[(index / 2 % 10) as usize];
    let ends = index % 2 == 1;
    let hash = |what: &str| sha256(&format!("{id}/{stage}/{index}/{what}"));
    Row {
        stage,
        transition: if ends { "running->passed" } else { "not_started->running" },
        date: "2026-03-01",
        microseconds: index * 1_001 % 86_400_000_000,
        input_hash: hash("inputs"),
        output_hash: if ends { hash("outputs") } else { String::new() },
        artifacts: if ends { vec![format!("sha256:{}", hash("artifact"))] } else { Vec::new() },
        waivers: Vec::new(),
        trust: PRODUCTION,
        run: id,
    }
}

/// The content of the artifact that a stage of a run leaves.
pub fn artifact(run: &str, stage: &str) -> String {
    format!(r#"{{"artifact":"{stage}.report","run_id":"{run}"}}"#)
}
