//! The page of the expressions: names, operators, functions, filters and tests, from the tables that evaluation uses.

use std::fmt::Write as _;

use super::words::GENERATED;
use super::{FILTERS, FUNCTIONS, TESTS, cell};
use crate::parse::vocabulary;

/// What each name in scope is, where it is there.
const NAMES: [(&str, &str, &str); 6] = [
    ("parameters", "everywhere", "what the run was given, as accepted"),
    ("targets", "everywhere", "the settings of each target, without secrets"),
    ("env", "everywhere", "variables of the environment that `env:` declares; recorded in the plan"),
    ("run", "everywhere", "the run"),
    ("workspace", "everywhere", "the workspace: `root`, its folder"),
    ("history", "everywhere", "earlier runs, from the verified ledger, without this one"),
];

const ELSEWHERE: [(&str, &str, &str); 8] = [
    (
        "steps",
        "after a step, and in guards its `state` alone",
        "by id: the outputs of a step, or its answers, and what every step has",
    ),
    ("result", "in `expect` and `until`", "the output of the action beside it"),
    ("state", "in guards with `state`", "the output of that action"),
    ("answer", "in `expect` of a manual check or step", "what the person answered, by name"),
    ("error", "in `failure_modes`", "how the run failed"),
    ("item", "in a step with `for_each`", "the item, under the name that `as` gives it"),
    ("with, step", "in `where`", "the act that a guard judges: its input, and the step's `id`, `path` and `action`"),
    ("secrets", "alone, as `'{{ secrets.NAME }}'`, where an input takes a secret", "a secret; no value of expressions"),
];

const MEMBERS: [(&str, &str); 19] = [
    ("run.id", "its id"),
    ("run.started_at", "when it began; the only clock there is"),
    ("run.actor", "who runs it, by name"),
    ("run.environment", "`development`, `staging` or `production`"),
    ("run.dry", "whether this is a plan"),
    (
        "history.runs",
        "`history.runs(pattern, status, within)`: newest first, each with `run procedure status started_at ended_at parameters outputs error`",
    ),
    ("history.last", "`history.last(pattern, status, within)`: the first of these, or none"),
    ("history.count", "`history.count(pattern, status, within)`: how many they are"),
    ("history.active", "`history.active(pattern)`: those that have not ended"),
    ("error.code", "the code that the action, check or engine gave"),
    ("error.message", "what was said"),
    ("error.step", "the step"),
    ("error.check", "the check"),
    ("error.guard", "the guard"),
    ("error.attempt", "which try it was"),
    ("steps.X.state", "what became of it; all that a skipped step has"),
    ("steps.X.attempts", "how often it was tried"),
    ("steps.X.started_at", "when it began"),
    ("steps.X.ended_at", "when it ended"),
];

const OPERATORS: [(&str, &str); 9] = [
    ("`and or not`", "booleans; three-valued in a plan, where something may be undecided"),
    ("`a if c else b`", "`c` is a boolean; only what is chosen is evaluated"),
    ("`== !=`", "two values of like kinds, or one of them `none`"),
    ("`< <= > >=`", "two numbers, strings, durations, timestamps or versions"),
    ("`in`, `not in`", "a part of a string, an item of a list, a name of a map"),
    (
        "`+ - * / // % **`",
        "numbers; durations added up, or by a number; a timestamp and a duration; `-` between two timestamps",
    ),
    ("`~`", "two scalars as one string"),
    ("`a.b`, `a['b']`, `a[0]`, `a[1:3]`", "members, items and slices; what is not there is an error"),
    ("`is`, `is not`", "a test, below"),
];

pub fn page() -> String {
    let mut out = format!(
        "# Expressions\n\n{GENERATED}\n\nIn prose: [the language](../language.md#expressions). There is no truthiness: a \
         condition is a boolean, and whatever does not fit is an error, never false.\n\n## Names\n\n\
         | Name | Where | What it is |\n|---|---|---|\n"
    );
    for (name, place, meaning) in NAMES.iter().chain(&ELSEWHERE) {
        let name = name.split(", ").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        writeln!(out, "| {name} | {place} | {meaning} |").unwrap();
    }
    out.push_str("\n## Members\n\n| Name | What it is |\n|---|---|\n");
    for (name, meaning) in MEMBERS {
        writeln!(out, "| `{name}` | {} |", cell(meaning)).unwrap();
    }
    out.push_str(
        "\nOf a step with `for_each`: `steps.X.items[KEY]`, each like a step, and `steps.X.state`. Of one with `repeat`: the \
         last round.\n\n## Operators\n\n| Operator | What it takes |\n|---|---|\n",
    );
    for (operator, takes) in OPERATORS {
        writeln!(out, "| {operator} | {takes} |").unwrap();
    }
    out.push_str("\n## Functions\n\n| Function | What it gives |\n|---|---|\n");
    for (name, gives) in FUNCTIONS {
        writeln!(out, "| `{name}` | {} |", cell(gives)).unwrap();
    }
    out.push_str("\n## Filters\n\nAfter `|`.\n\n| Filter | What it gives |\n|---|---|\n");
    for filter in FILTERS {
        writeln!(out, "| `{}` | {} |", filter.name, cell(filter.summary)).unwrap();
    }
    out.push_str(
        "\n`default` is left out on purpose: `x if x is defined else y` says what it does.\n\n## Tests\n\nAfter `is` and \
         `is not`, and by name in `select`, `reject` and their kin.\n\n| Test | What it asks |\n|---|---|\n",
    );
    for test in TESTS {
        writeln!(out, "| `{}` | {} |", test.name, cell(test.summary)).unwrap();
    }
    out
}

#[test]
fn the_pages_name_what_expressions_can_name() {
    assert_eq!(NAMES.map(|(name, ..)| name), vocabulary::EVERYWHERE);
    let of = |root: &str| -> Vec<&str> {
        MEMBERS.iter().filter_map(|(name, _)| name.strip_prefix(root)?.strip_prefix('.')).collect()
    };
    assert_eq!(of("run"), vocabulary::OF_RUN);
    assert_eq!(of("history"), vocabulary::OF_HISTORY);
    assert_eq!(of("error"), vocabulary::OF_ERROR);
    assert_eq!(of("steps.X"), vocabulary::OF_EVERY_STEP);
}
