//! Logs of JSON Lines on the command line: bound as a target would be, so that this and the actions see the same.

use std::collections::VecDeque;
use std::path::Path;

use engine::host::Probe as _;
use engine::ledger::report::Report;
use engine::procedure::TargetKind;
use engine::procedure::workspace::TargetEntry;
use engine::target;
use engine::target::json_lines::shown::Shown;
use engine::target::ledger_copy::LedgerCopy;
use engine::target::open_ledger::Wanted as Asked;
use engine::target::recorded_head::RecordedHead;
use serde_json::{Map, Value as Json, json};

use super::Context;
use super::entries::{View, Wanted, no_run};
use super::verify::{anchors, unreadable};
use crate::args::{Driver, Format, Recipe, Verify, Whose};
use crate::exit::Exit;
use crate::files::absolute;
use crate::refusal::Refusal;
use crate::setup;
use crate::ui::inline;

fn copy(path: &Path, whose: &Whose) -> Result<Result<LedgerCopy, String>, Refusal> {
    let mut settings = Map::from_iter([("path".to_owned(), text(path)?)]);
    match (whose.driver, whose.recipe) {
        (Driver::HashChain, None) => {
            return Err(Refusal::invalid("usage", "`--driver hash_chain` needs to know how its lines are hashed")
                .help("say `--recipe audit` or `--recipe billing`"));
        }
        (_, Some(recipe)) => {
            let recipe = if recipe == Recipe::Audit { "audit" } else { "billing" };
            settings.insert("recipe".to_owned(), json!(recipe));
        }
        (_, None) => {}
    }
    if let Some(seal) = &whose.seal {
        settings.insert("seal".to_owned(), text(&absolute(seal))?);
    }
    let driver = Some(whose.driver.as_str().to_owned());
    let entry = TargetEntry { kind: TargetKind::Ledger, driver, environment: None, settings };
    let machine = setup::reading_machine();
    match target::bind("ledger", &entry, &machine) {
        Ok(bound) => Ok(LedgerCopy::take(&machine, &bound, None).map_err(|error| error.to_string())),
        Err(target::Error::Host { source, .. }) => Ok(Err(source.to_string())),
        Err(error) => Err(Refusal::invalid("usage", error.to_string())),
    }
}

fn text(path: &Path) -> Result<Json, Refusal> {
    let text = path.to_str().map(Json::from);
    text.ok_or_else(|| Refusal::invalid("usage", format!("`{}` is no UTF-8", path.display())))
}

fn refuse_runs(copied: &LedgerCopy) -> Result<(), Refusal> {
    copied.has_runs().map_err(|why| Refusal::invalid("usage", why).help("leave out `--run`"))
}

pub(super) fn verify(path: &Path, args: &Verify) -> Result<Report, Refusal> {
    let driver = args.whose.driver.as_str();
    if !args.keys.keys.is_empty() {
        let message = format!("there are no keys of `--driver {driver}`");
        return Err(Refusal::invalid("usage", message).help("leave out `--key`"));
    }
    let recorded = anchors::recorded(args)?;
    let copied = match copy(path, &args.whose)? {
        Ok(copied) => copied,
        Err(why) => return Ok(unreadable(driver, why)),
    };
    let runs = (!args.runs.is_empty()).then_some(args.runs.as_slice());
    if runs.is_some() {
        refuse_runs(&copied)?;
    }
    Ok(match copied.open() {
        Ok(ledger) => {
            let now = setup::reading_machine().now();
            ledger.report_recorded(runs, recorded, now).unwrap_or_else(|why| unreadable(driver, why))
        }
        Err(report) => *report,
    })
}

/// What a log comes to now, of one that is sound.
pub fn head(path: &Path, whose: &Whose) -> Result<RecordedHead, Refusal> {
    let unreadable = |why| Refusal::new(Exit::Ledger, "ledger", why);
    let said = |report: Box<Report>| match report.problems.first() {
        Some(problem) => format!("{}: {}", problem.code, problem.detail),
        None => format!("the log is {}", report.status.as_str()),
    };
    let copied = copy(path, whose)?.map_err(unreadable)?;
    let ledger = copied.open().map_err(|report| unreadable(said(report)))?;
    let head = ledger
        .head(setup::reading_machine().now())
        .map_err(|report| Refusal::new(Exit::Failed, "ledger", format!("the log is not anchored: {}", said(report))))?;
    head.ok_or_else(|| Refusal::internal("a log of lines has a head"))
}

pub(super) fn show(context: &Context, path: &Path, whose: &Whose, wanted: &Wanted<'_>) -> Result<Exit, Refusal> {
    if let Some(kind) = wanted.kind {
        let message = format!("entries of `{}` have no kind; `--kind {kind}` is of no use", whose.driver.as_str());
        return Err(Refusal::invalid("usage", message));
    }
    let unreadable = |why| Refusal::new(Exit::Ledger, "ledger", why);
    let copied = copy(path, whose)?.map_err(unreadable)?;
    if wanted.run.is_some() {
        refuse_runs(&copied)?;
    }
    let ledger = copied.open().map_err(|report| {
        let why = report.problems.first().map(|problem| problem.detail.clone());
        unreadable(why.unwrap_or_else(|| "the log cannot be read".to_owned()))
    })?;
    let limit = wanted.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let asked = Asked { run: wanted.run.map(str::to_owned), limit, ..Asked::default() };
    let mut shown: VecDeque<Shown> = VecDeque::new();
    let keep = &mut |line: Shown| {
        if line.line < wanted.from || (shown.len() >= limit && !wanted.newest) {
            return;
        }
        shown.push_back(line);
        if shown.len() > limit {
            shown.pop_front();
        }
    };
    ledger.each_line(&asked, keep).map_err(unreadable)?;
    if let (Some(run), true) = (wanted.run, shown.is_empty()) {
        return Err(no_run(run));
    }
    let ui = &context.ui;
    match ui.format {
        Format::Human => shown.iter().for_each(|line| {
            let problems = line.problems.iter().map(|why| format!(" ({why})")).collect::<String>();
            ui.data(&format!("{:>6} {}{problems}", line.line, inline(&line.entry)));
        }),
        Format::Ndjson => shown.iter().for_each(|line| ui.json(&line.to_object())),
        Format::Json => {
            ui.json(&View { entries: shown.iter().map(|line| Json::Object(line.to_object())).collect() });
        }
    }
    Ok(Exit::Done)
}
