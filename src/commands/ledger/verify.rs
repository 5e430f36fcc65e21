//! `ledger verify`: the report that every ledger gives, and an exit code that never calls it whole without an anchor.

use std::path::Path;

use engine::host::Probe as _;
use engine::ledger::report::{Problem, Report, RunReport, Status};
use engine::ledger::signed::Given;
use engine::ledger::verify::Anchors;
use engine::ledger::{cosigned, incident, verify as judge};
use engine::merkle::cosignature::WitnessKey;
use engine::target::corvusforge::anchor::MAX_ANCHOR;

use super::{Context, Place, copy, copy_corvus, keys, lines, pinned, place};
use crate::args::{Driver, Verify};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup;
use crate::setup::witnesses::asked_for;
use crate::ui::Paint;

pub mod anchors;

pub fn run(context: &Context, args: &Verify) -> Result<Exit, Refusal> {
    let place = place(context, &args.whose)?;
    let report = match args.whose.driver {
        Driver::Runwarden => own(context, &place, args)?,
        Driver::Corvusforge => corvus(&place.path, args)?,
        Driver::HashChain | Driver::DigestLog => lines::verify(&place.path, args)?,
    };
    // What it was made over is for those who ask again, inside of the engine.
    let report = Report { subject: None, ..report };
    let ui = &context.ui;
    if ui.is_human() {
        ui.data(&render(&report, &place.path, ui.out));
    } else {
        ui.json(&report);
    }
    let whole = Exit::of_ledger(report.status, args.allow_unanchored);
    // A run that was asked for by name must be sound itself.
    let runs = report.runs.iter().filter(|run| args.runs.contains(&run.run));
    let worst = runs.map(|run| Exit::of_ledger(run.status, true)).max().unwrap_or(Exit::Done);
    Ok(if whole == Exit::Done { worst } else { whole })
}

fn own(context: &Context, place: &Place, args: &Verify) -> Result<Report, Refusal> {
    let mut keys = keys(context, &args.keys, place.own.as_ref())?;
    let copied = match copy(&place.path) {
        Ok(copied) => copied,
        Err(refusal) => return Ok(unreadable("runwarden", refusal.message)),
    };
    let anchors = anchors::read(context, args, &copied.reader)?;
    if keys.is_empty() && place.own.is_none() {
        keys = pinned(context, &copied.reader)?;
    }
    let checkpoints = match copied.reader.checkpoints() {
        Ok(checkpoints) => checkpoints,
        Err(error) => return Ok(unreadable("runwarden", error.to_string())),
    };
    let (witnesses, quorum) = witnesses(args, place)?;
    let anchors =
        Anchors { given: [anchors.given, cosigned::as_anchors(&checkpoints, &witnesses, quorum)].concat(), ..anchors };
    let mut report = judge::verify_anchored(&copied.reader, &keys, &checkpoints, &anchors);
    if place.own.is_some() && args.keys.keys.is_empty() {
        latch(context, &place.path, &report);
    }
    if !args.runs.is_empty() {
        keep_runs(&mut report, &args.runs);
    }
    Ok(report)
}

/// The witnesses whose cosignatures count, and how many of them are enough.
fn witnesses(args: &Verify, place: &Place) -> Result<(Vec<WitnessKey>, usize), Refusal> {
    let parse = |text: &String| {
        WitnessKey::parse(text).map_err(|error| Refusal::invalid("usage", format!("--witness `{text}`: {error}")))
    };
    let said = args.witnesses.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let Some(workspace) = place.own.as_ref().filter(|_| said.is_empty()) else {
        return Ok((said, args.quorum.unwrap_or(1)));
    };
    let keys = workspace.file.ledger.witnesses.values().map(|witness| witness.key.clone()).collect();
    let asked_for = || workspace.environment().map_or(1, |environment| asked_for(workspace, environment));
    Ok((keys, args.quorum.unwrap_or_else(asked_for).max(1)))
}

/// What is found wrong with the workspace's own ledger is not forgotten when it is verified again.
fn latch(context: &Context, path: &Path, report: &Report) {
    if !matches!(report.status, Status::Broken | Status::NonCanonical | Status::Fork | Status::Truncated) {
        return;
    }
    match incident::set(path, &report.problems, setup::reading_machine().now()) {
        Ok(()) => context.ui.note("nothing runs until this is closed by name; see `runwarden ledger incident`"),
        // An auditor may read and not write; the report stands, and the next start finds the same or sets the latch.
        Err(error) => context.ui.note(&format!("the latch cannot be set: {error}")),
    }
}

/// Leaves the runs that were asked for; one that is not there is a failure.
fn keep_runs(report: &mut Report, wanted: &[String]) {
    report.runs.retain(|run| wanted.contains(&run.run));
    for run in wanted {
        if !report.runs.iter().any(|found| found.run == *run) {
            let detail = format!("the ledger has no run `{run}`");
            let problem = Problem { code: "unknown_run".to_owned(), seq: None, run: Some(run.clone()), detail };
            report.problems.push(problem.clone());
            report.runs.push(RunReport {
                run: run.clone(),
                entries: 0,
                status: Status::Empty,
                problems: vec![problem],
            });
        }
    }
}

fn corvus(path: &Path, args: &Verify) -> Result<Report, Refusal> {
    if !args.anchor_folders.is_empty() || args.max_age.is_some() {
        return Err(Refusal::invalid("unsupported", "`--anchors` and `--max-age` are of Runwarden's own ledgers")
            .help("name each anchor with `--anchor FILE`; `runwarden anchor verify --max-age` judges the age of one"));
    }
    let mut anchors = Vec::new();
    for file in &args.anchors {
        anchors.push(Given { source: files::shown(file), bytes: read_anchor(file, MAX_ANCHOR as u64)? });
    }
    let copied = match copy_corvus(path) {
        Ok(copied) => copied,
        Err(refusal) => return Ok(unreadable("corvusforge", refusal.message)),
    };
    let ledger = match &copied.ledger {
        Ok(ledger) => ledger,
        Err(error) => return Ok(error.report()),
    };
    let report = ledger.verify((!args.runs.is_empty()).then_some(args.runs.as_slice()));
    Ok(ledger.with_anchors(report, anchors, setup::reading_machine().now()))
}

fn read_anchor(path: &Path, at_most: u64) -> Result<Vec<u8>, Refusal> {
    files::read(path, at_most).map_err(|error| {
        Refusal::new(Exit::Ledger, "io", format!("the anchor `{}` cannot be read: {error}", path.display()))
    })
}

pub(super) fn unreadable(driver: &str, detail: String) -> Report {
    Report {
        status: Status::Unreadable,
        driver: driver.to_owned(),
        dialect: None,
        entries: 0,
        runs: Vec::new(),
        anchors: Vec::new(),
        problems: vec![Problem { code: "unreadable".to_owned(), seq: None, run: None, detail }],
        subject: None,
    }
}

fn render(report: &Report, path: &Path, paint: Paint) -> String {
    let word = status(report.status, paint);
    let dialect = report.dialect.as_ref().map(|dialect| format!(" ({dialect})")).unwrap_or_default();
    let runs = report.runs.len();
    let mut lines = vec![format!(
        "{}: {word}: {} ledger{dialect}, {} entries in {}",
        files::shown(path),
        report.driver,
        report.entries,
        crate::ui::count(runs, "run")
    )];
    lines.extend(reach(report));
    if let Some(meaning) = meaning(report) {
        lines.push(format!("  {meaning}"));
    }
    for run in report.runs.iter().filter(|run| !run.status.is_sound()) {
        lines.push(format!("  run {}: {}, {} entries", run.run, status(run.status, paint), run.entries));
    }
    for anchor in &report.anchors {
        let at = anchor.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        let word = status(anchor.status, paint);
        lines.push(format!("  anchor {}: {word}, {} entries{at}: {}", anchor.source, anchor.size, anchor.detail));
    }
    for problem in &report.problems {
        let seq = problem.seq.map(|seq| format!(" at entry {seq}")).unwrap_or_default();
        let run = problem.run.as_ref().map(|run| format!(" of run {run}")).unwrap_or_default();
        lines.push(format!("  {}{seq}{run}: {}", paint.red(&problem.code), problem.detail));
    }
    lines.join("\n")
}

/// How far the newest anchor reaches.
fn reach(report: &Report) -> Option<String> {
    let fitting = report.anchors.iter().filter(|anchor| anchor.status == Status::Ok);
    let newest = fitting.max_by_key(|anchor| anchor.size).filter(|_| report.driver == "runwarden")?;
    let at = newest.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
    let after = match report.entries.saturating_sub(newest.size) {
        0 => "nothing came after".to_owned(),
        after => format!("{after} came after, which no anchor covers"),
    };
    Some(format!("  anchored to {} entries{at}; {after}", newest.size))
}

fn status(status: Status, paint: Paint) -> String {
    match status {
        Status::Ok => paint.green(status.as_str()),
        Status::SelfConsistentOnly | Status::NeverSealed => paint.yellow(status.as_str()),
        _ => paint.red(status.as_str()),
    }
}

/// What is easily taken for more than it is.
fn meaning(report: &Report) -> Option<&'static str> {
    let is_signed = !matches!(report.driver.as_str(), "hash_chain" | "digest_log");
    match report.status {
        Status::SelfConsistentOnly if is_signed => Some(
            "it agrees with itself, and nothing outside it says that it is whole; give an anchor with `--anchor FILE`",
        ),
        Status::SelfConsistentOnly => Some(
            "it agrees with itself, and nothing outside it says that it is whole: lines cut from its end or a history \
             made anew are not found; give a recorded head with `--anchor FILE`",
        ),
        Status::NeverSealed => Some("nothing in it was ever sealed: nobody could tell if it were changed"),
        _ => None,
    }
}
