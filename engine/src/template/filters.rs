//! The filters after `|`, and what they are given.
//!
//! Ours rather than minijinja's: each checks kinds, counts its steps, bounds what it builds, and says no value in a
//! message. `default` is left out on purpose (`x if x is defined else y` says what it does).

mod lists;
mod numbers;
mod texts;

use std::sync::Arc;

use super::error::Problem;
use super::fuel::Fuel;
use super::operators::Refusal;
use super::predicates;
use super::syntax::near;
use super::value::{Kind, Value};

/// A filter: `value | name`, or `value | name(arguments)`.
#[derive(Debug)]
pub struct Filter {
    /// Its name.
    pub name: &'static str,
    /// What it gives, in one line.
    pub summary: &'static str,
    /// The kind it always gives, where there is one.
    pub(super) gives: Option<Kind>,
    pub(super) run: Run,
}

type Run = fn(&Value, &mut Call<'_>) -> Result<Value, Problem>;

const fn filter(name: &'static str, gives: Option<Kind>, run: Run, summary: &'static str) -> Filter {
    Filter { name, summary, gives, run }
}

/// The filters there are.
pub static FILTERS: &[Filter] = &[
    filter("abs", None, numbers::abs, "a number or duration without its sign"),
    filter("batch", Some(Kind::List), lists::batch, "`batch(n)`: lists of n items each, the last maybe shorter"),
    filter("capitalize", Some(Kind::String), texts::capitalize, "the first letter upper case, the rest lower case"),
    filter("count", Some(Kind::Number), lists::length, "the same as `length`"),
    filter("dictsort", Some(Kind::List), lists::dictsort, "a map's `[name, value]` pairs, sorted by name"),
    filter("first", None, lists::first, "the first item or character; an error where there is none"),
    filter("float", Some(Kind::Number), numbers::float, "a number, or the number a string says, as a float"),
    filter("indent", Some(Kind::String), texts::indent, "`indent(4)`: every line but the first moved to the right"),
    filter("int", Some(Kind::Number), numbers::int, "a number without its fraction, or the integer a string says"),
    filter("items", Some(Kind::List), lists::items, "a map's `[name, value]` pairs, in their order"),
    filter("join", Some(Kind::String), texts::join, "`join(', ')`: the items as one string; `attribute='a.b'` picks"),
    filter("last", None, lists::last, "the last item or character; an error where there is none"),
    filter("length", Some(Kind::Number), lists::length, "how many characters, items or members there are"),
    filter("lines", Some(Kind::List), texts::lines, "the lines of a string"),
    filter("list", Some(Kind::List), lists::list, "a list as it is, a map's names, a string's characters"),
    filter("lower", Some(Kind::String), texts::lower, "lower case"),
    filter("map", Some(Kind::List), lists::map, "`map('upper')` or `map(attribute='a.b')`: each item changed"),
    filter("max", None, lists::max, "the greatest item; an error where there is none or kinds differ"),
    filter("min", None, lists::min, "the least item; an error where there is none or kinds differ"),
    filter("reject", Some(Kind::List), lists::reject, "`reject('gt', 3)`: the items of which a test is false"),
    filter("rejectattr", Some(Kind::List), lists::rejectattr, "`rejectattr('a.b', 'eq', 3)`: as `reject`, of a member"),
    filter("replace", Some(Kind::String), texts::replace, "`replace('a', 'b')`: every `a` in a string becomes `b`"),
    filter("reverse", None, lists::reverse, "a list or string from its end"),
    filter("round", Some(Kind::Number), numbers::round, "`round(2)`: to that many decimals, 0 if none are given"),
    filter("select", Some(Kind::List), lists::select, "`select('gt', 3)`: the items of which a test is true"),
    filter("selectattr", Some(Kind::List), lists::selectattr, "`selectattr('a.b', 'eq', 3)`: as `select`, of a member"),
    filter("sort", Some(Kind::List), lists::sort, "in order (`reverse=true`, `attribute='a.b'`); kinds must be alike"),
    filter(
        "split",
        Some(Kind::List),
        texts::split,
        "`split(',')`: the parts of a string; at whitespace if none is given",
    ),
    filter("string", Some(Kind::String), texts::string, "a string, number, boolean, duration, … as a string"),
    filter("sum", None, lists::sum, "numbers or durations added up (`attribute='a.b'`); 0 where there are none"),
    filter("tojson", Some(Kind::String), texts::tojson, "JSON; `tojson(indent=true)` over several lines"),
    filter("trim", Some(Kind::String), texts::trim, "without whitespace at both ends, or without `trim('xy')`"),
    filter("unique", Some(Kind::List), lists::unique, "each item once (`attribute='a.b'`), the first one stands"),
    filter("upper", Some(Kind::String), texts::upper, "upper case"),
];

/// A filter by its name, or what may have been meant.
pub(super) fn named(name: &str) -> Result<&'static Filter, Option<String>> {
    FILTERS.iter().find(|known| known.name == name).ok_or_else(|| match name {
        "default" | "d" => Some("write `x if x is defined else y`".to_owned()),
        _ => near(name, FILTERS.iter().map(|known| known.name)),
    })
}

/// What a filter is given besides its value. Every argument must be taken.
pub(super) struct Call<'a> {
    pub name: &'static str,
    pub positional: std::vec::IntoIter<Value>,
    pub named: Vec<(Arc<str>, Value)>,
    pub fuel: &'a mut Fuel,
}

impl Call<'_> {
    /// Runs a filter and sees that it took all it was given.
    pub(super) fn run(mut self, filter: &Filter, value: &Value) -> Result<Value, Problem> {
        self.fuel.spend(1)?;
        let result = (filter.run)(value, &mut self)?;
        if self.positional.len() > 0 {
            return Err(self.wrong("has more arguments than it takes"));
        }
        match self.named.first() {
            Some((name, _)) => Err(self.wrong(format!("takes no argument `{name}`"))),
            None => Ok(result),
        }
    }

    fn wrong(&self, message: impl Into<String>) -> Problem {
        Problem::Argument { name: self.name.to_owned(), message: message.into() }
    }

    /// The problem of a value or argument that is of another kind.
    fn takes(&self, expected: &str, found: &Value) -> Problem {
        self.wrong(format!("takes {expected}, not a {}", found.kind()))
    }

    /// The next argument, by place or name.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.positional.next().or_else(|| self.take_named(name))
    }

    fn take_named(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(known, _)| &**known == name)?;
        Some(self.named.remove(at).1)
    }

    fn take_text(&mut self, name: &str) -> Result<Option<Arc<str>>, Problem> {
        self.take(name).map(|value| self.text(&value)).transpose()
    }

    fn take_needed_text(&mut self, name: &str) -> Result<Arc<str>, Problem> {
        self.take_text(name)?.ok_or_else(|| self.wrong(format!("needs the argument `{name}`")))
    }

    /// A count or a number of decimals.
    fn take_count(&mut self, name: &str) -> Result<Option<usize>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let count = value.as_i64().and_then(|count| usize::try_from(count).ok());
        count.map(Some).ok_or_else(|| self.wrong(format!("`{name}` is a whole number from 0 on")))
    }

    fn take_flag(&mut self, name: &str) -> Result<bool, Problem> {
        let Some(value) = self.take_named(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| self.takes(&format!("a boolean for `{name}`"), &value))
    }

    fn text(&self, value: &Value) -> Result<Arc<str>, Problem> {
        if let super::value::Repr::String(text) = &value.0 {
            Ok(Arc::clone(text))
        } else {
            Err(self.takes("a string", value))
        }
    }

    fn items<'v>(&mut self, value: &'v Value) -> Result<&'v [Value], Problem> {
        let items = value.as_list().ok_or_else(|| self.takes("a list", value))?;
        self.fuel.spend(items.len())?;
        Ok(items)
    }

    /// A member of a member, by names joined with dots.
    fn member(&self, value: &Value, path: &str) -> Result<Value, Problem> {
        path.split('.')
            .try_fold(value, |value, name| {
                let item = || value.as_list()?.get(name.parse::<usize>().ok()?);
                value.get(name).or_else(item)
            })
            .cloned()
            .ok_or_else(|| self.wrong("an item has no such attribute"))
    }

    /// Asks a test by its name, or takes the item for a boolean where none is given.
    fn ask(
        &mut self,
        test: Option<&(&'static predicates::Predicate, Vec<Value>)>,
        item: &Value,
    ) -> Result<bool, Problem> {
        self.fuel.spend(1)?;
        let Some((predicate, args)) = test else {
            return item.as_bool().ok_or(Problem::NotBoolean { found: item.kind() });
        };
        (predicate.ask)(item, args, self.fuel).map_err(|refusal| match (refusal, args.first()) {
            (Refusal::Problem(problem), _) => problem,
            (Refusal::Kinds, Some(arg)) => self.wrong(format!(
                "test `{}` has no meaning between a {} and a {}",
                predicate.name,
                item.kind(),
                arg.kind()
            )),
            (Refusal::Kinds, None) => {
                self.wrong(format!("test `{}` has no meaning for a {}", predicate.name, item.kind()))
            }
        })
    }

    /// The test that the arguments name, with its own arguments.
    fn take_test(&mut self) -> Result<Option<(&'static predicates::Predicate, Vec<Value>)>, Problem> {
        let Some(name) = self.positional.next() else { return Ok(None) };
        let predicate =
            predicates::named(&self.text(&name)?).map_err(|_| self.wrong("there is no test of that name"))?;
        let args: Vec<Value> = self.positional.by_ref().collect();
        if args.len() == predicate.arguments { Ok(Some((predicate, args))) } else { Err(self.wrong(predicate.takes())) }
    }
}
