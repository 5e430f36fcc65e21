//! Which names an expression may use where it stands, and whether what it names is there.

use serde_json::Value;

use super::names::{Member, Names, Outputs, StepName, member};
use crate::diagnostic::{Diagnostic, Place};
use crate::parse::problems::reference as problem;
use crate::parse::raw::parameter::Sort;
use crate::parse::vocabulary::{EVERYWHERE, OF_ERROR, OF_EVERY_STEP, OF_HISTORY, OF_RUN, OF_TARGET, SECRET};
use crate::template::references::{Reference, Segment};

/// What an expression sees beside what is the same everywhere.
#[derive(Clone, Default)]
pub(super) struct Scope<'a> {
    pub(super) steps: Steps,
    /// The output of the action beside it.
    pub(super) result: Shape<'a>,
    /// Where in it a secret stands that is put into a store.
    pub(super) kept: Vec<&'a str>,
    /// The output of a guard's `state`.
    pub(super) state: Shape<'a>,
    /// The names of a person's answers.
    pub(super) answers: Option<Vec<&'a str>>,
    /// What a `for_each` calls its item.
    pub(super) item: Option<&'a str>,
    /// Whether there is an `error`.
    pub(super) error: bool,
    /// Whether there are `with` and `step`: the act that a guard judges.
    pub(super) act: bool,
    /// The inputs of that act that are targets.
    pub(super) act_targets: Vec<String>,
    /// Whether it stands in the workspace file, where there are no parameters.
    pub(super) workspace: bool,
    /// Conditions under which it is evaluated at all.
    pub(super) behind: Vec<Condition<'a>>,
}

/// A condition under which something is evaluated.
#[derive(Clone)]
pub(super) struct Condition<'a> {
    pub(super) text: &'a str,
    pub(super) paths: Vec<Vec<Segment>>,
}

/// Which steps an expression sees.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Steps {
    /// None: nothing was done yet.
    #[default]
    None,
    /// Their states only, of all of them.
    States,
    /// Those that ended before the step of that number in the list of names; `own` says whether it sees itself too.
    Before { step: usize, own: bool },
    /// All of them, as they are when the last one has ended well.
    All,
    /// All of them; any may not have been done.
    Any,
}

/// A value that may not be there, with what is known of it.
#[derive(Clone, Copy, Default)]
pub(super) enum Shape<'a> {
    /// Not there.
    #[default]
    Absent,
    /// There; anything may be in it.
    Any,
    /// There, with the schema of an action's output.
    Schema(&'a Value),
}

impl<'a> Scope<'a> {
    fn roots(&self) -> Vec<&'a str> {
        let mut roots: Vec<&str> = EVERYWHERE.to_vec();
        if self.workspace {
            roots.retain(|root| *root != "parameters");
        }
        let there = [
            ("steps", self.steps != Steps::None),
            ("result", !matches!(self.result, Shape::Absent)),
            ("state", !matches!(self.state, Shape::Absent)),
            ("answer", self.answers.is_some()),
            ("error", self.error),
            ("with", self.act),
            ("step", self.act),
        ];
        roots.extend(there.into_iter().filter(|(_, there)| *there).map(|(root, _)| root));
        roots.extend(self.item);
        roots
    }

    /// What is wrong with a reference, if anything.
    pub(super) fn check(&self, names: &Names<'a>, reference: &Reference, place: &Place) -> Option<Diagnostic> {
        let path: Vec<&str> = reference.names().collect();
        let place = place.clone();
        let roots = self.roots();
        let root = path.first().copied()?;
        if !roots.contains(&root) {
            return Some(problem::unknown_name(place, root, why_absent(root), &roots));
        }
        if Some(root) == self.item {
            return None;
        }
        let second = path.get(1).copied();
        let among = |known: &[&str], of: &str| {
            let name = second?;
            (!known.contains(&name)).then(|| problem::unknown_member(place.clone(), of, name, known))
        };
        match root {
            "parameters" => {
                let known: Vec<&str> = names.parameters.keys().copied().collect();
                among(&known, "parameters").or_else(|| no_member(names, &path, &place))
            }
            "targets" => among(&names.targets.keys().copied().collect::<Vec<_>>(), "targets"),
            "env" => {
                let name = second?;
                (!names.env.contains(&name)).then(|| problem::undeclared_variable(place, name, &names.env))
            }
            "run" => among(&OF_RUN, "run"),
            "history" => among(&OF_HISTORY, "history"),
            "error" => among(&OF_ERROR, "error"),
            "answer" => among(self.answers.as_deref().unwrap_or_default(), "answer"),
            "result" => kept_secret(&self.kept, "result", &path[1..], &place)
                .or_else(|| in_shape(self.result, "result", &path[1..], &place)),
            "state" => in_shape(self.state, "state", &path[1..], &place),
            "steps" => self.step(names, reference, &path, &place),
            "with" => self.target_of_act(reference, &path, &place),
            _ => None,
        }
    }

    /// Why a step has not ended where this is evaluated.
    pub(super) fn not_yet(&self, names: &Names<'a>, id: &str, place: &Place) -> Option<Diagnostic> {
        let (step, Steps::Before { step: number, own }) = (names.steps.get(id)?, self.steps) else { return None };
        let (asker, here) = names.steps.get_index(number)?;
        if *asker == id {
            return (!own).then(|| problem::own_step(place.clone(), id));
        }
        (!names.is_before(step, here)).then(|| problem::later_step(place.clone(), id, asker))
    }

    fn step(&self, names: &Names<'a>, reference: &Reference, path: &[&str], place: &Place) -> Option<Diagnostic> {
        let id = path.get(1).copied()?;
        let Some(step) = names.steps.get(id) else {
            let known: Vec<&str> = names.steps.keys().copied().collect();
            return Some(problem::unknown_step(place.clone(), id, &known));
        };
        let rest = path.get(2..).unwrap_or_default();
        if let Some(problem) = self.not_yet(names, id, place) {
            return Some(problem);
        }
        let member = rest.first().copied();
        if self.steps == Steps::States {
            return (member != Some("state")).then(|| problem::only_state(place.clone(), id));
        }
        let member = member?;
        if step.for_each {
            return self.for_each(step, id, rest, place);
        }
        if OF_EVERY_STEP.contains(&member) {
            return (member != "state")
                .then(|| self.may_be_absent(names, step, reference, id, member, place))
                .flatten();
        }
        kept_secret(&step.kept, &format!("steps.{id}"), rest, place)
            .or_else(|| in_outputs(&step.outputs, id, rest, place))
            .or_else(|| self.may_be_absent(names, step, reference, id, member, place))
    }

    /// A target that an act names is seen as what it is, and is no text.
    fn target_of_act(&self, reference: &Reference, path: &[&str], place: &Place) -> Option<Diagnostic> {
        let input = self.act_targets.iter().find(|input| path.get(1) == Some(&input.as_str()))?;
        match path.get(2) {
            None if reference.asked => None,
            // An item of a list of targets.
            None if reference.path.len() > 2 => None,
            None => Some(problem::target_as_text(place.clone(), input)),
            Some(member) if OF_TARGET.contains(member) => None,
            Some(member) => Some(problem::unknown_member(place.clone(), &format!("with.{input}"), member, &OF_TARGET)),
        }
    }

    fn for_each(&self, step: &StepName<'_>, id: &str, rest: &[&str], place: &Place) -> Option<Diagnostic> {
        match rest {
            ["state"] | ["items"] | ["items", _] => None,
            ["items", _, member, ..] if OF_EVERY_STEP.contains(member) => None,
            ["items", _, members @ ..] => kept_secret(&step.kept, &format!("steps.{id}.items[…]"), members, place)
                .or_else(|| in_outputs(&step.outputs, id, members, place)),
            [member, ..] => Some(problem::not_of_for_each(place.clone(), id, member)),
            [] => None,
        }
    }

    /// An output of a step that may have been skipped must stand behind a test of its state.
    fn may_be_absent(
        &self,
        names: &Names<'a>,
        step: &StepName<'a>,
        reference: &Reference,
        id: &str,
        member: &str,
        place: &Place,
    ) -> Option<Diagnostic> {
        let tests = |path: &Vec<Segment>| {
            let mut path = path.iter();
            let mut next_is = |name: &str| path.next().is_some_and(|at| matches!(at, Segment::Name(at) if at == name));
            next_is("steps") && next_is(id) && next_is("state")
        };
        if reference.asked || reference.behind.iter().any(tests) {
            return None;
        }
        if self.behind.iter().any(|condition| condition.paths.iter().any(tests)) {
            return None;
        }
        let asker = match self.steps {
            Steps::Before { step: number, .. } => names.steps.get_index(number),
            _ => None,
        };
        if asker.is_some_and(|(asker, _)| *asker == id) {
            return None;
        }
        let asked_last = asker.is_some_and(|(_, asker)| asker.last) && !step.last;
        let same =
            |text: &&str| self.behind.iter().any(|condition| condition.text == *text && is_fixed(&condition.paths));
        let skipped = step.skipped_by.iter().find(|text| !same(text));
        match (self.steps, skipped) {
            _ if asked_last => Some(problem::maybe_not_done(place.clone(), id, member)),
            (Steps::Any, _) => Some(problem::maybe_not_done(place.clone(), id, member)),
            (_, Some(condition)) => Some(problem::maybe_skipped(place.clone(), id, member, condition)),
            (Steps::All, None) if step.last => Some(problem::maybe_not_done(place.clone(), id, member)),
            (_, None) if step.may_lack_outputs => Some(problem::maybe_without_output(place.clone(), id, member)),
            _ => None,
        }
    }

    /// What a whole expression is, where it is one reference and its type is known: not a boolean, in words.
    pub(super) fn surely_not_boolean(&self, names: &Names<'_>, reference: &Reference) -> Option<&'static str> {
        if reference.called || reference.names().count() != reference.path.len() {
            return None;
        }
        let path: Vec<&str> = reference.names().collect();
        let schema = match path.as_slice() {
            ["parameters", name] => {
                return match names.parameters.get(name)? {
                    Sort::Boolean => None,
                    Sort::Integer => Some("a number"),
                    Sort::Duration => Some("a duration"),
                    Sort::Timestamp => Some("a timestamp"),
                    Sort::List => Some("a list"),
                    Sort::Map => Some("a map"),
                    Sort::String | Sort::Path | Sort::Url | Sort::Enum => Some("text"),
                };
            }
            ["env", _] | ["steps", _, "state"] | ["run", "id" | "environment"] => return Some("text"),
            ["result", rest @ ..] => in_schema(self.result, rest)?,
            ["state", rest @ ..] => in_schema(self.state, rest)?,
            ["steps", id, rest @ ..] => match &names.steps.get(id)?.outputs {
                Outputs::Schema(schema) if !names.steps.get(id)?.for_each => in_schema(Shape::Schema(schema), rest)?,
                _ => return None,
            },
            _ => return None,
        };
        match schema.get("type").and_then(Value::as_str)? {
            "string" => Some("text"),
            "integer" | "number" => Some("a number"),
            "array" => Some("a list"),
            "object" => Some("a map"),
            _ => None,
        }
    }
}

/// Whether conditions are over what does not change during a run.
pub(super) fn is_fixed(paths: &[Vec<Segment>]) -> bool {
    let fixed = |path: &Vec<Segment>| matches!(path.first(), Some(Segment::Name(root)) if ["parameters", "env", "run", "workspace", "targets"].contains(&root.as_str()));
    paths.iter().all(fixed)
}

fn no_member(names: &Names<'_>, path: &[&str], place: &Place) -> Option<Diagnostic> {
    let [_, name, member, ..] = path else { return None };
    match names.parameters.get(name)? {
        Sort::List | Sort::Map => None,
        _ => Some(problem::unknown_member(place.clone(), &format!("parameters.{name}"), member, &[])),
    }
}

fn in_outputs(outputs: &Outputs<'_>, id: &str, path: &[&str], place: &Place) -> Option<Diagnostic> {
    let name = *path.first()?;
    match outputs {
        Outputs::Any => None,
        Outputs::Names(known) => {
            let mut all = known.clone();
            all.extend(OF_EVERY_STEP);
            (!known.contains(&name)).then(|| problem::unknown_output(place.clone(), &format!("steps.{id}"), name, &all))
        }
        Outputs::Schema(schema) => in_shape(Shape::Schema(schema), &format!("steps.{id}"), path, place),
    }
}

/// An output that is put into a store is the secret of that name and nothing else.
fn kept_secret(kept: &[&str], of: &str, path: &[&str], place: &Place) -> Option<Diagnostic> {
    let is_in = |from: &&&str| from.split('.').zip(path).filter(|(a, b)| a == *b).count() == from.split('.').count();
    let from = kept.iter().find(is_in)?;
    Some(problem::secret_output(place.clone(), of, from))
}

fn in_shape(shape: Shape<'_>, of: &str, path: &[&str], place: &Place) -> Option<Diagnostic> {
    let Shape::Schema(root) = shape else { return None };
    let mut schema = root;
    let mut of = of.to_owned();
    for name in path {
        match member(root, schema, name) {
            Member::Known(found) if found.get(SECRET).is_some() => {
                return Some(problem::secret_output(place.clone(), &of, name));
            }
            Member::Known(found) => schema = found,
            Member::Open => return None,
            Member::None(known) => return Some(problem::unknown_output(place.clone(), &of, name, &known)),
        }
        of = format!("{of}.{name}");
    }
    None
}

fn in_schema<'s>(shape: Shape<'s>, path: &[&str]) -> Option<&'s Value> {
    let Shape::Schema(root) = shape else { return None };
    path.iter().try_fold(root, |schema, name| match member(root, schema, name) {
        Member::Known(found) => Some(super::names::resolved(root, found)),
        _ => None,
    })
}

/// Why a name that the language has is not there.
fn why_absent(root: &str) -> Option<&'static str> {
    Some(match root {
        "result" => "`result` is the output of the `action` beside it, in checks and `repeat.until`",
        "state" => "`state` is what the `state` of a guard found; this has none",
        "answer" => "`answer` is what a person answered, in the `expect` of a `manual` check",
        "item" => "`item` is one of a `for_each`; this stands in none, or the `for_each` names it with `as`",
        "error" => "`error` is what went wrong, in `failure_modes`",
        "with" | "step" => "`with` and `step` are the act that a guard judges, in `where`",
        "steps" => "no step was done when this is evaluated",
        "secrets" => "a secret stands alone, as `'{{ secrets.NAME }}'`, in an input that takes one",
        "parameters" => "the workspace file has no parameters",
        _ => return None,
    })
}
