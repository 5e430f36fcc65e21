//! Tests of procedures: what they script, answer and expect is there in the procedure.

use indexmap::IndexMap;
use serde_json::Value;

use super::Checker;
use super::at::At;
use super::names::Names;
use crate::event::Kind as Event;
use crate::id::{Id, Name};
use crate::parse::Raw;
use crate::parse::problems::{Problems, input, meaning as problem};
use crate::parse::raw::check::Check;
use crate::parse::raw::guard::Guard;
use crate::parse::raw::parameter::Parameters;
use crate::parse::raw::procedure::Procedure;
use crate::parse::raw::step::Step;
use crate::parse::raw::test as raw;

/// How many calls deep a test may look: what calls itself is refused elsewhere.
const DEEPEST_CALL: u8 = 8;

/// What a test may name of the procedure it tests.
#[derive(Default, Clone)]
struct Tested<'a> {
    parameters: Option<&'a Parameters>,
    env: Vec<&'a str>,
    targets: Vec<&'a str>,
    steps: Vec<&'a str>,
    guards: Vec<&'a str>,
    /// Preconditions, checks of a `verify`, items.
    checks: Vec<&'a str>,
    /// Of a checklist.
    items: Vec<&'a str>,
    /// What may be scripted, with its action: steps, `step.check`, preconditions, guards, checks.
    scripted: IndexMap<String, Option<&'a str>>,
    /// Who may be asked: steps and checks.
    asked: Vec<String>,
}

impl<'a> Checker<'a, '_> {
    pub(super) fn test(&mut self, raw: &'a raw::Test, at: At<'_>) -> Option<()> {
        let expected = format!("{}.test", raw.procedure);
        if raw.name.as_str() == expected {
            self.path(&raw.name, at.get("name"));
        } else {
            let place = self.place(at.get("name").span());
            self.problems.push(problem::wrong_test_name(place, raw.name.as_str(), raw.procedure.as_str()));
        }
        let ids = raw.cases.iter().enumerate();
        self.unique("cases", ids.map(|(index, case)| (case.id.as_str(), at.get("cases").item(index).get("id"))));
        let tested = self.tested(&raw.procedure, at.get("procedure"))?;
        if let Some(defaults) = &raw.defaults {
            let setting = Setting::of_defaults(defaults);
            self.setting(&setting, &tested, at.get("defaults"));
        }
        for (index, case) in raw.cases.iter().enumerate() {
            let at = at.get("cases").item(index);
            let mut tested = tested.clone();
            case.adds.iter().flatten().for_each(|step| tested.added(step));
            self.setting(&Setting::of_case(case), &tested, at);
            self.expected(&case.expect, &tested, at.get("expect"));
        }
        Some(())
    }

    fn tested(&mut self, name: &Name, at: At<'_>) -> Option<Tested<'a>> {
        let library = self.library;
        match library.find(name).map(|opened| opened.raw.as_ref()) {
            Some(Some(Raw::Procedure(raw))) => {
                let mut tested = Tested { parameters: raw.parameters.as_ref(), ..Tested::default() };
                tested.env = raw.env.iter().flatten().map(|name| name.0.as_str()).collect();
                tested.targets = raw.targets.iter().flat_map(|all| all.keys()).map(Id::as_str).collect();
                tested.all_checks(raw.preconditions.iter().flatten().map(AsRef::as_ref));
                tested.all_guards(raw.do_not.iter().flatten());
                raw.steps.iter().chain(raw.finally.iter().flatten()).for_each(|step| tested.step(step));
                tested.all_checks(raw.verify.iter().flatten().map(AsRef::as_ref));
                self.called(raw, "", DEEPEST_CALL, &mut tested);
                Some(tested)
            }
            Some(Some(Raw::Checklist(raw))) => {
                let mut tested = Tested { parameters: raw.parameters.as_ref(), ..Tested::default() };
                tested.env = raw.env.iter().flatten().map(|name| name.0.as_str()).collect();
                tested.targets = raw.targets.iter().flat_map(|all| all.keys()).map(Id::as_str).collect();
                tested.all_checks(raw.preconditions.iter().flatten().map(AsRef::as_ref));
                tested.all_guards(raw.do_not.iter().flatten());
                tested.all_checks(raw.items.iter().map(AsRef::as_ref));
                tested.items = raw.items.iter().filter_map(|item| Some(item.0.id.as_ref()?.as_str())).collect();
                Some(tested)
            }
            Some(_) => {
                let place = self.place(at.span());
                self.problems.push(input::invalid_document(place, name.as_str()));
                None
            }
            None => {
                let names = library.names();
                let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                let place = self.place(at.span());
                self.problems.push(input::unknown_procedure(place, name.as_str(), &known));
                None
            }
        }
    }

    fn setting(&mut self, raw: &Setting<'_>, tested: &Tested<'a>, at: At<'_>) {
        self.given_parameters(raw.parameters, tested, at.get("parameters"));
        for name in raw.targets.into_iter().flat_map(|all| all.keys()) {
            if !tested.targets.contains(&name.as_str()) {
                let place = self.place(at.get("targets").get(name.as_str()).key());
                self.problems.push(problem::unknown_in_test(place, "target", name.as_str(), &tested.targets));
            }
        }
        for (key, value) in raw.results.into_iter().flatten() {
            self.result(key, value, tested, at.get("results").get(key));
        }
        for key in raw.answers.into_iter().flat_map(|all| all.keys()) {
            if !tested.asked.contains(key) {
                let known: Vec<&str> = tested.asked.iter().map(String::as_str).collect();
                let place = self.place(at.get("answers").get(key).key());
                self.problems.push(problem::unknown_in_test(place, "question", key, &known));
            }
        }
        for (index, waiver) in raw.waivers.iter().enumerate() {
            let at = at.get("waivers").item(index);
            self.known("guard", waiver.guard.as_str(), &tested.guards, at.get("guard"));
            self.instant(waiver.not_after.as_ref(), at.get("not_after"));
        }
        for (index, approval) in raw.approvals.iter().enumerate() {
            if let Some(step) = &approval.step {
                self.known("step", step.as_str(), &tested.steps, at.get("approvals").item(index).get("step"));
            }
        }
        for (index, run) in raw.history.iter().enumerate() {
            let at = at.get("history").item(index);
            self.instant(run.started_at.as_ref(), at.get("started_at"));
            self.instant(run.ended_at.as_ref(), at.get("ended_at"));
            let holds =
                matches!(run.status, raw::RunStatus::Suspended | raw::RunStatus::Stuck | raw::RunStatus::Unknown);
            if run.locks.is_some() && !holds {
                let place = self.place(at.get("locks").key());
                let why = "a run that has ended holds no lock; one that is `suspended`, `stuck` or `unknown` does";
                self.problems.push(problem::refused_in_test(place, "locks", why));
            }
        }
        for name in raw.env.into_iter().flat_map(|all| all.keys()) {
            if !tested.env.contains(&name.0.as_str()) {
                let place = self.place(at.get("env").get(&name.0).key());
                self.problems.push(problem::unknown_in_test(place, "variable", &name.0, &tested.env));
            }
        }
        self.instant(raw.now, at.get("now"));
    }

    /// Parameters must be declared, and literal values be accepted.
    fn given_parameters(&mut self, given: Option<&IndexMap<Id, Value>>, tested: &Tested<'a>, at: At<'_>) {
        let declared = tested.parameters;
        let known: Vec<&str> = declared.iter().flat_map(|all| all.keys()).map(Id::as_str).collect();
        let nowhere = crate::parse::node::Node { data: crate::parse::node::Data::Null, span: 0..0 };
        let mut aside = Problems::new(std::sync::Arc::clone(self.problems.source()));
        let (registry, library) = (self.registry, self.library);
        let mut checker = Checker { problems: &mut aside, registry, library, names: Names::default(), draft: false };
        // What is wrong with the procedure itself is reported there.
        let valid = checker.parameters(declared, At::root(&nowhere)).unwrap_or_default();
        for (name, value) in given.into_iter().flatten() {
            if !known.contains(&name.as_str()) {
                let place = self.place(at.get(name.as_str()).key());
                self.problems.push(problem::unknown_in_test(place, "parameter", name.as_str(), &known));
                continue;
            }
            if let Some(Err(why)) = valid.get(name).map(|parameter| parameter.accept(value)) {
                let place = self.place(at.get(name.as_str()).span());
                self.problems.push(problem::refused_in_test(place, name.as_str(), &why));
            }
        }
    }

    /// A scripted result is for something that is there, and has the shape of its action's output.
    fn result(&mut self, key: &str, value: &Value, tested: &Tested<'a>, at: At<'_>) {
        let registry = self.registry;
        let action = match tested.scripted.get(key) {
            Some(action) => *action,
            None if registry.get(key).is_some() => Some(key),
            None => {
                let known: Vec<&str> = tested
                    .scripted
                    .keys()
                    .map(String::as_str)
                    .chain(registry.iter().map(|action| action.name))
                    .collect();
                let place = self.place(at.key());
                self.problems.push(problem::unknown_in_test(place, "step, check, guard or action", key, &known));
                return;
            }
        };
        let Some(action) = action.and_then(|name| registry.get(name)) else { return };
        let results: Vec<(&Value, At<'_>)> = match value {
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| (item, at.item(index))).collect(),
            one => vec![(one, at)],
        };
        for (result, at) in results.into_iter().filter(|(result, _)| !is_fault(result)) {
            self.scripted(action.name, action.output(), result, at);
        }
    }

    fn expected(&mut self, raw: &raw::Expected, tested: &Tested<'a>, at: At<'_>) {
        for step in raw.steps.iter().flat_map(|all| all.keys()) {
            // An item of a `for_each` step is `step[key]`.
            let id = step.split('[').next().unwrap_or_default();
            if !tested.steps.contains(&id) {
                let place = self.place(at.get("steps").get(step).key());
                self.problems.push(problem::unknown_in_test(place, "step", step, &tested.steps));
            }
        }
        for (index, guard) in raw.guards.iter().flatten().enumerate() {
            self.known("guard", guard.as_str(), &tested.guards, at.get("guards").item(index));
        }
        for (index, check) in raw.checks.iter().flatten().enumerate() {
            let scripted: Vec<&str> = tested.scripted.keys().map(String::as_str).collect();
            if !tested.checks.contains(&check.as_str()) {
                self.known("check", check, &scripted, at.get("checks").item(index));
            }
        }
        for item in raw.items.iter().flat_map(|all| all.keys()) {
            if !tested.items.contains(&item.as_str()) {
                let place = self.place(at.get("items").get(item.as_str()).key());
                self.problems.push(problem::unknown_in_test(place, "item", item.as_str(), &tested.items));
            }
        }
        for (index, kind) in raw.events.iter().flatten().enumerate() {
            if Event::parse(kind).is_none() {
                let known: Vec<&str> = Event::ALL.iter().map(|kind| kind.as_str()).collect();
                let place = self.place(at.get("events").item(index).span());
                self.problems.push(crate::parse::problems::structure::unknown_word(
                    place,
                    "an event",
                    kind,
                    &known[..3],
                ));
            }
        }
    }

    fn known(&mut self, what: &str, name: &str, known: &[&str], at: At<'_>) {
        if !known.contains(&name) {
            let place = self.place(at.span());
            self.problems.push(problem::unknown_in_test(place, what, name, known));
        }
    }
}

impl<'a> Checker<'a, '_> {
    /// What is asked and scripted in called procedures, by `STEP/…` of the step that calls.
    fn called(&self, raw: &'a Procedure, above: &str, deepest: u8, tested: &mut Tested<'a>) {
        let mut steps: Vec<&Step> = raw.steps.iter().chain(raw.finally.iter().flatten()).collect();
        while let Some(step) = steps.pop() {
            steps.extend(step.parallel.iter().flatten());
            let callee = step.call.as_ref().filter(|_| deepest > 0).and_then(|name| self.library.find(name));
            let Some(Some(Raw::Procedure(callee))) = callee.map(|opened| opened.raw.as_ref()) else { continue };
            let mut inner = Tested::default();
            inner.all_checks(callee.preconditions.iter().flatten().map(AsRef::as_ref));
            callee.steps.iter().chain(callee.finally.iter().flatten()).for_each(|step| inner.step(step));
            inner.all_checks(callee.verify.iter().flatten().map(AsRef::as_ref));
            let above = format!("{above}{}/", step.id);
            tested.asked.extend(inner.asked.iter().map(|key| format!("{above}{key}")));
            tested.scripted.extend(inner.scripted.iter().map(|(key, action)| (format!("{above}{key}"), *action)));
            self.called(callee, &above, deepest - 1, tested);
        }
    }
}

impl<'a> Tested<'a> {
    fn step(&mut self, step: &'a Step) {
        let id = step.id.as_str();
        self.steps.push(id);
        let action = step.action.as_ref().map(|action| action.0.as_str());
        self.scripted.insert(id.to_owned(), action);
        if step.manual.is_some() {
            self.asked.push(id.to_owned());
        }
        let preconditions = step.preconditions.iter().flatten().map(AsRef::as_ref);
        let verify = step.verify.iter().flatten().map(AsRef::as_ref);
        for check in preconditions.chain(verify) {
            if let Some(name) = &check.id {
                self.check(format!("{id}.{name}"), check);
            }
        }
        let unnamed =
            [("satisfied_when", &step.satisfied_when), ("until", &step.until), ("abort_when", &step.abort_when)];
        for (key, condition) in unnamed {
            if let Some(condition) = condition {
                self.check(format!("{id}.{key}"), &condition.0);
            }
        }
        for (index, body) in step.undo.iter().flat_map(|undo| undo.0.iter()).enumerate() {
            let action = body.action.as_ref().map(|action| action.0.as_str());
            if index == 0 {
                self.scripted.insert(format!("{id}.undo"), action);
            }
            self.scripted.insert(format!("{id}.undo.{index}"), action);
            if body.manual.is_some() {
                self.asked.push(format!("{id}.undo"));
            }
        }
        step.parallel.iter().flatten().for_each(|step| self.step(step));
    }

    /// A step that only the test has; what it says is checked with the procedure when the case is run.
    fn added(&mut self, step: &'a Value) {
        let word = |key: &str| step.get(key).and_then(Value::as_str);
        let Some(id) = word("id") else { return };
        self.steps.push(id);
        self.scripted.insert(id.to_owned(), word("action"));
        if step.get("manual").is_some() {
            self.asked.push(id.to_owned());
        }
    }

    fn check(&mut self, key: String, check: &'a Check) {
        if check.manual.is_some() {
            self.asked.push(key.clone());
        }
        self.scripted.insert(key, check.action.as_ref().map(|action| action.0.as_str()));
    }

    fn all_checks(&mut self, checks: impl Iterator<Item = &'a Check>) {
        for check in checks {
            if let Some(name) = &check.id {
                self.checks.push(name.as_str());
                self.check(name.as_str().to_owned(), check);
            }
        }
    }

    fn all_guards(&mut self, guards: impl Iterator<Item = &'a Guard>) {
        for guard in guards {
            self.guards.push(guard.id.as_str());
            let action = guard.state.as_ref().map(|state| state.action.0.as_str());
            self.scripted.insert(guard.id.as_str().to_owned(), action);
        }
    }
}

/// The words and maps that script a fault.
fn is_fault(result: &Value) -> bool {
    match result {
        Value::String(word) => ["crash", "crash_after_effect", "timeout"].contains(&word.as_str()),
        Value::Object(members) => members.len() == 1 && members.get("error").is_some_and(Value::is_string),
        _ => false,
    }
}

/// What the defaults and each case have in common.
struct Setting<'r> {
    parameters: Option<&'r IndexMap<Id, Value>>,
    targets: Option<&'r IndexMap<Id, IndexMap<String, Value>>>,
    results: Option<&'r IndexMap<String, Value>>,
    answers: Option<&'r IndexMap<String, IndexMap<Id, Value>>>,
    approvals: &'r [raw::Approval],
    waivers: &'r [raw::Waiver],
    history: &'r [raw::PastRun],
    env: Option<&'r IndexMap<crate::parse::raw::words::Variable, String>>,
    now: Option<&'r crate::parse::raw::words::Instant>,
}

impl<'r> Setting<'r> {
    fn of_defaults(raw: &'r raw::Defaults) -> Self {
        Self {
            parameters: raw.parameters.as_ref(),
            targets: raw.targets.as_ref(),
            results: raw.results.as_ref(),
            answers: raw.answers.as_ref(),
            approvals: raw.approvals.as_deref().unwrap_or_default(),
            waivers: raw.waivers.as_deref().unwrap_or_default(),
            history: raw.history.as_deref().unwrap_or_default(),
            env: raw.env.as_ref(),
            now: raw.now.as_ref(),
        }
    }

    fn of_case(raw: &'r raw::Case) -> Self {
        Self {
            parameters: raw.parameters.as_ref(),
            targets: raw.targets.as_ref(),
            results: raw.results.as_ref(),
            answers: raw.answers.as_ref(),
            approvals: raw.approvals.as_deref().unwrap_or_default(),
            waivers: raw.waivers.as_deref().unwrap_or_default(),
            history: raw.history.as_deref().unwrap_or_default(),
            env: raw.env.as_ref(),
            now: raw.now.as_ref(),
        }
    }
}
