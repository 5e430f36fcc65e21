//! `test`: the cases of procedures, over a host with nothing on it. It needs no ledger and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use engine::action::Registry;
use engine::diagnostic::{Diagnostic, Severity, sort};
use engine::id::Name;
use engine::library::{self, Library, Loaded};
use engine::parse::raw::test::Test as Cases;
use engine::parse::{self, Document};
use engine::rehearse::coverage::{self, Kind, Point};
use engine::rehearse::{Difference, Ending, Outcome, Rehearsal};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, check};
use crate::args::Test;
use crate::exit::Exit;
use crate::files::{self, shown};
use crate::refusal::Refusal;
use crate::ui::table::pairs;
use crate::ui::{Paint, count};
use crate::{many, workspace};

mod lcov;
mod watch;

/// What `test` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Whether there is a case, and all of them passed.
    status: Status,
    /// Every case, in order.
    items: Vec<Item>,
    /// The cases in numbers.
    counts: Counts,
    /// With `--coverage`: what of each procedure the cases reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Vec<Covered>>,
}

/// How cases ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
}

impl Status {
    fn of(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }
}

/// One case.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// The procedure and the case, joined by `/`.
    id: String,
    /// How it ended.
    status: Status,
    /// What is wrong, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Everything that is not as expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference>,
}

/// Cases in numbers.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
struct Counts {
    /// As expected.
    passed: usize,
    /// Not as expected.
    failed: usize,
}

/// What of a procedure the cases reach.
#[derive(Debug, Serialize, JsonSchema)]
struct Covered {
    /// The procedure.
    procedure: Name,
    /// How much there is to reach.
    points: usize,
    /// How much of it is reached.
    reached: usize,
    /// What is not.
    missing: Vec<Point>,
}

pub fn run(context: &Context, args: &Test) -> Result<Exit, Refusal> {
    if args.watch { watch::watch(context, args) } else { once(context, args) }
}

fn once(context: &Context, args: &Test) -> Result<Exit, Refusal> {
    let found = workspace::find(context.global.workspace.as_deref())?;
    let files = tests_in(found.as_deref(), &args.paths)?;
    let registry = Registry::builtin();
    let library = check::library_for(found.as_deref(), &args.paths)?;
    let tests = read(&files, &registry, &library)?;
    let results: Vec<Tested> = many::each(&tests, |test| rehearse(test, &registry, &library));
    if let Some(path) = &args.lcov {
        files::replace(path, lcov::render(&results, &library)?.as_bytes())?;
    }
    let view = view(&results, args.coverage);
    if context.ui.is_human() {
        context.ui.data(&render(&results, &view, context.ui.out));
    } else {
        context.ui.json(&view);
    }
    Ok(if view.status == Status::Passed { Exit::Done } else { Exit::Failed })
}

/// The tests that are meant: those in folders, those that are named, and those beside procedures that are named.
fn tests_in(found: Option<&Path>, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    if paths.is_empty() {
        return Ok(check::files_of_workspace(found)?.into_iter().filter(|path| is_test(path)).collect());
    }
    let mut files = BTreeSet::new();
    for path in paths {
        let inside = check::files_of(std::slice::from_ref(path))?;
        if path.is_dir() {
            files.extend(inside.into_iter().filter(|path| is_test(path)));
            continue;
        }
        for path in inside {
            let beside = if is_test(&path) { path.clone() } else { path.with_extension("test.yaml") };
            if !beside.is_file() {
                let message = format!("`{}` has no test beside it", shown(&path));
                let help = format!("cases for it belong into `{}`", shown(&beside));
                return Err(Refusal::invalid("nothing-checked", message).help(help));
            }
            files.insert(beside);
        }
    }
    Ok(files.into_iter().collect())
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".test.yaml"))
}

/// A test that was read, and the procedure it is for with all that it calls.
struct Read {
    cases: Cases,
    loaded: Loaded,
}

/// Reads all tests; what is wrong with any of them, or with their procedures, is said at once.
fn read(files: &[PathBuf], registry: &Registry, library: &Library) -> Result<Vec<Read>, Refusal> {
    let (mut tests, mut wrong) = (Vec::new(), Vec::new());
    for read in many::each(files, |file| read_one(file, registry, library)) {
        match read? {
            Ok(test) => tests.push(test),
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    if wrong.is_empty() {
        return Ok(tests);
    }
    sort(&mut wrong);
    wrong.dedup_by(|one, other| {
        (one.code, &one.message, &one.place.source.name, &one.place.span)
            == (other.code, &other.message, &other.place.source.name, &other.place.span)
    });
    Err(Refusal::invalid("invalid-document", "there are tests, or procedures of tests, that have errors")
        .help("`runwarden explain CODE` says more about each")
        .diagnostics(wrong))
}

fn read_one(path: &Path, registry: &Registry, library: &Library) -> Result<Result<Read, Vec<Diagnostic>>, Refusal> {
    let bytes = library::read_file(path).map_err(|error| Refusal::io("read", path, &error))?;
    let source = match parse::yaml::source(&shown(path), bytes) {
        Ok(source) => source,
        Err(problem) => return Ok(Err(vec![*problem])),
    };
    let (document, diagnostics) = parse::check(&source, None, registry, library);
    let cases = match document {
        Some(Document::Test(cases)) => *cases,
        Some(_) => {
            let message = format!("`{}` is named like a test and is none: its kind is another", shown(path));
            return Err(Refusal::invalid("invalid-document", message));
        }
        None => return Ok(Err(errors(diagnostics))),
    };
    let loaded = library.load(&cases.procedure, registry)?;
    if loaded.is_refused() {
        return Ok(Err(errors(loaded.diagnostics)));
    }
    Ok(Ok(Read { cases, loaded }))
}

fn errors(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.into_iter().filter(|found| found.severity == Severity::Error).collect()
}

/// A test whose cases were run.
struct Tested {
    procedure: Name,
    points: Vec<Point>,
    outcomes: Vec<Outcome>,
}

fn rehearse(test: &Read, registry: &Registry, library: &Library) -> Tested {
    let exit = |ending: Ending<'_>| match ending {
        Ending::Run(status, failure) => Exit::of_run(status, failure).code(),
        Ending::NoPlan(error) => Exit::of_no_plan(error).code(),
    };
    let name = &test.cases.procedure;
    let procedures = &test.loaded.procedures;
    let rehearsal = Rehearsal { registry, library, procedures, procedure: name, exit: &exit };
    let cases = test.cases.cases.iter();
    Tested {
        procedure: name.clone(),
        points: procedures.get(name).map(|procedure| coverage::points(procedure)).unwrap_or_default(),
        outcomes: cases.map(|case| rehearsal.run(test.cases.defaults.as_ref(), case)).collect(),
    }
}

fn view(results: &[Tested], with_coverage: bool) -> View {
    let mut counts = Counts::default();
    let mut items = Vec::new();
    for tested in results {
        for outcome in &tested.outcomes {
            let passed = outcome.has_passed();
            if passed {
                counts.passed += 1;
            } else {
                counts.failed += 1;
            }
            items.push(Item {
                id: format!("{}/{}", tested.procedure, outcome.case),
                status: Status::of(passed),
                detail: (!passed).then(|| detail(outcome)),
                differences: outcome.differences.clone(),
            });
        }
    }
    let status = Status::of(counts.passed > 0 && counts.failed == 0);
    View { status, items, counts, coverage: with_coverage.then(|| covered(results)) }
}

fn detail(outcome: &Outcome) -> String {
    let differs = |it: &Difference| format!("{}: expected {}, found {}", it.what, it.expected, it.found);
    let differences = outcome.differences.iter().map(differs);
    let failure = outcome.failure.iter().map(|failure| format!("the run failed with: {failure}"));
    outcome.problems.iter().cloned().chain(differences).chain(failure).collect::<Vec<_>>().join("\n")
}

/// What the cases of all tests of a procedure reach together.
fn covered(results: &[Tested]) -> Vec<Covered> {
    let mut all: BTreeMap<&Name, (&[Point], BTreeSet<&Point>)> = BTreeMap::new();
    for tested in results {
        let (_, reached) = all.entry(&tested.procedure).or_insert_with(|| (&tested.points, BTreeSet::new()));
        reached.extend(tested.outcomes.iter().flat_map(|outcome| &outcome.reached));
    }
    let of = |(procedure, (points, reached)): (&Name, (&[Point], BTreeSet<&Point>))| {
        let missing: Vec<Point> = points.iter().filter(|point| !reached.contains(point)).cloned().collect();
        let (points, procedure) = (points.len(), procedure.clone());
        Covered { procedure, points, reached: points - missing.len(), missing }
    };
    all.into_iter().map(of).collect()
}

fn render(results: &[Tested], view: &View, paint: Paint) -> String {
    let mut lines = Vec::new();
    for tested in results {
        lines.push(paint.bold(tested.procedure.as_str()));
        for outcome in &tested.outcomes {
            let word = if outcome.has_passed() { paint.green("passed") } else { paint.red("failed") };
            lines.push(format!("  {word}  {}", outcome.case));
            lines.extend(why(outcome, paint));
        }
        lines.push(String::new());
    }
    for covered in view.coverage.iter().flatten() {
        lines.extend(of_coverage(covered, paint));
        lines.push(String::new());
    }
    let Counts { passed, failed } = view.counts;
    let cases = count(passed + failed, "case");
    lines.push(match (passed, failed) {
        (0, 0) => paint.red("no cases: nothing was tested"),
        (_, 0) => format!("{cases}: {}", paint.green(&format!("{passed} passed"))),
        _ => format!("{cases}: {passed} passed, {}", paint.red(&format!("{failed} failed"))),
    });
    lines.join("\n")
}

/// What is wrong with a case: what is expected and what was found, side by side.
fn why(outcome: &Outcome, paint: Paint) -> Vec<String> {
    let mut lines: Vec<String> = outcome.problems.iter().map(|problem| format!("          {problem}")).collect();
    if !outcome.differences.is_empty() {
        let width = outcome.differences.iter().map(|it| it.expected.chars().count()).max().unwrap_or(0).max(8);
        let side = |expected: &str, found: &str| {
            let fill = " ".repeat(width.saturating_sub(expected.chars().count()));
            format!("{expected}{fill}  {found}")
        };
        let head = (String::new(), paint.dim(&side("expected", "found")));
        let rows = outcome.differences.iter().map(|it| (it.what.clone(), side(&it.expected, &it.found)));
        lines.push(pairs("          ", &std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    if let (false, Some(failure)) = (outcome.has_passed(), &outcome.failure) {
        lines.push(format!("          the run failed with: {failure}"));
    }
    lines
}

fn of_coverage(covered: &Covered, paint: Paint) -> Vec<String> {
    let Covered { procedure, points, reached, missing } = covered;
    let mut lines = vec![format!("{}: {reached} of {points} reached", paint.bold(procedure.as_str()))];
    lines.extend(missing.iter().map(|point| {
        let id = if point.kind == Kind::FailureMode { point.id.clone() } else { format!("`{}`", point.id) };
        format!("  {} {} {id}: {}", paint.yellow("missed"), point.kind.as_str(), point.what)
    }));
    lines
}
